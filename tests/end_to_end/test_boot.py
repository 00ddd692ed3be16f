"""What starts, what refuses to start, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _header(path, mark):
    """The lines of a broken config's header: what ``check`` says (#>), the environment (#$)."""
    lines = path.read_text("utf-8", "surrogateescape").splitlines()
    return [line.removeprefix(mark).strip() for line in lines if line.startswith(mark)]


BROKEN = [
    path
    for path in sorted((ROOT / "tests" / "config").glob("*.toml"))
    if any(": error " in line for line in _header(path, "#>"))
]


def test_the_application_learns_what_the_command_line_says(start_gunicorn):
    """Seats and limits follow the real number of threads and processes, whoever set it."""
    server = start_gunicorn("-w", "3", "--threads", "7")
    lines = [json.loads(line) for line in server.printed().splitlines()]
    (told,) = [line for line in lines if line["message"] == "exchange"]
    assert (told["processes"], told["threads"], told["store"]) == (3, 7, "sqlite")


def test_there_are_twenty_broken_configs_at_least():
    assert len(BROKEN) >= 20


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_gunicorn_stops_at_once_on_a_broken_config(path):
    """One message, exit code 3, no traceback, and no worker booted again and again."""
    # ``\\n`` stands for a line's end, as in tests/test_config.py.
    variables = dict(line.replace("\\n", "\n").split("=", 1) for line in _header(path, "#$"))
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "app:app", "--bind", "127.0.0.1:0"],
        cwd=ROOT,
        env={**os.environ, **variables, "DEEPLINK_CONFIG": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert done.stderr.count("the server does not start on a config with errors") == 1
    assert ": error " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
