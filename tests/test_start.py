"""What a start does and leaves undone: each second of it is one in which no phone gets its file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

from flask import Flask

from deeplink.web.page import Pages


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


def test_a_build_leaves_nothing_for_the_start_to_compile(root, tmp_path):
    """Checked by hash (PEP 552), because a builder may give all files one date."""
    for name in ("app.py", "gunicorn.conf.py", "bin/post_compile", "deeplink/logs.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([tmp_path / "bin" / "post_compile"], cwd=tmp_path, env=environ, check=True)
    compiled = {Path(cache_from_source(str(path))) for path in tmp_path.rglob("*.py")}
    assert len(compiled) == 3
    assert all(path.read_bytes()[4] == 0b11 for path in compiled)


def test_a_start_imports_nothing_that_only_others_need(root):
    """What words faults, reads places, calls providers, draws codes, matches links."""
    others = {
        "asyncio", "attr", "deeplink.association.android_match", "deeplink.association.apple_match",
        "deeplink.cli", "deeplink.rules.svg", "jsonschema", "redis", "referencing", "segno",
        "tree_sitter", "urllib3", "xml",
    }  # fmt: skip
    script = f"import sys, app; print('app' in sys.modules, *sorted({others} & set(sys.modules)))"
    assert printed(root, script) == "True"


def test_no_template_is_compiled_while_the_files_wait_for_the_start(root):
    script = (
        "import jinja2, app; compile, count = jinja2.Environment.compile, []; "
        "jinja2.Environment.compile = lambda *a, **k: count.append(1) or compile(*a, **k); "
        "app.app.extensions['deeplink.pages'].compile(); print(len(count) >= 9)"
    )
    assert printed(root, script) == "True"


def test_a_worker_compiles_the_templates_soon_after_its_start(root):
    script = (
        "import runpy, threading; from types import SimpleNamespace as Stub; "
        "conf = runpy.run_path('gunicorn.conf.py'); conf['on_exit'](None); "
        "asked = threading.Event(); pages = Stub(compile=asked.set); "
        "conf['post_worker_init'](Stub(wsgi=Stub(extensions={'deeplink.pages': pages}))); "
        "print(asked.wait(10))"
    )
    assert printed(root, script) == "True"


def test_compiled_pages_need_their_files_no_more(root, tmp_path):
    """A request does not look at the disk."""
    shutil.copytree(root / "templates", tmp_path / "templates")
    pages = Pages(tmp_path / "templates")
    pages.compile()
    shutil.rmtree(tmp_path / "templates")
    with Flask("test").test_request_context("/"):
        shown = pages.render("failure.html", title="Gone", message="", hint="")
    assert shown.status_code == 200
