"""What starts, what refuses to start, and what it says."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end import lane_stage

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


def test_half_a_body_holds_a_thread_for_some_seconds_and_no_longer(start_gunicorn):
    """A phone that is gone, or somebody who wants all threads; four are all that there are."""
    server = start_gunicorn("--workers", "1", "--threads", "4")
    head = "POST /api/tiktok/exchange HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n"
    half = f"{head}Content-Type: application/json\r\n\r\n{{".encode()
    with contextlib.ExitStack() as open_lines:
        lines = [
            open_lines.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            for _ in range(2)
        ]
        for line in lines:
            line.sendall(half)
        answers = [lane_stage.answer(line) for line in lines]
    assert [head.split(b"\r\n")[0] for head, _ in answers] == [b"HTTP/1.1 400 BAD REQUEST"] * 2
    assert b"Send the same request again" in answers[0][1]
    assert server.request("GET", "/healthz")[0].status == 200


def test_chunks_that_are_none_are_the_clients_fault(start_gunicorn):
    server = start_gunicorn("--workers", "1")
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/api/tiktok/exchange")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(b"zz\r\n{}\r\n0\r\n\r\n")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]) == (400, "invalid_request")
    assert "unexpected" not in server.printed()
