"""What a start does and leaves undone: each second of it is one in which no phone gets its file."""

from __future__ import annotations

import subprocess
import sys


def printed(root, script):
    """The last line that *script* prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_the_collector_rests_while_the_server_starts_and_no_longer(root):
    script = (
        "import gc, runpy; conf = runpy.run_path('gunicorn.conf.py'); rests = not gc.isenabled(); "
        "conf['pre_fork'](None, None); conf['on_exit'](None); "
        "print(rests, gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    assert printed(root, script) == "True True True"


def test_a_config_without_faults_does_not_import_the_library_that_words_them(root):
    script = "import sys, app; print('app' in sys.modules, 'jsonschema' in sys.modules)"
    assert printed(root, script) == "True False"
