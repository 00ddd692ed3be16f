"""``deeplink sandbox`` as a person starts and ends it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner

from deeplink.cli.sandbox import sandbox
from deeplink.sandbox import DEFAULT_CLIENT_KEY, DEFAULT_CLIENT_SECRET
from tests.sandbox.phone import LOOPBACK

COMMAND = "from deeplink.cli.sandbox import sandbox; sandbox()"


@pytest.fixture
def start(root):
    """Starts the command on a free port; gives the process and its address."""
    processes = []

    def begin(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "--port", "0", *arguments],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process, re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_cleanly(start, number):
    process, address = start()
    assert requests.get(f"{address}/healthz", timeout=5).text == "ok\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_the_default_client_can_log_in_and_the_log_shows_no_query(start):
    process, address = start("--auto")
    query = (
        f"client_key={DEFAULT_CLIENT_KEY}&response_type=code&scope=user.info.basic"
        f"&redirect_uri={LOOPBACK}&state=a-state-to-hide"
    )
    location = requests.get(
        f"{address}/v2/auth/authorize/?{query}", allow_redirects=False, timeout=5
    ).headers["Location"]
    code = location.partition("code=")[2].partition("&")[0]
    form = {
        "client_key": DEFAULT_CLIENT_KEY,
        "client_secret": DEFAULT_CLIENT_SECRET,
        "grant_type": "authorization_code",
        "redirect_uri": LOOPBACK,
        "code": requests.utils.unquote(code),
    }
    token = requests.post(f"{address}/v2/oauth/token/", data=form, timeout=5).json()
    assert token["expires_in"] == 7200
    process.terminate()
    _, errors = process.communicate(timeout=10)
    assert "sandbox: GET /v2/auth/authorize/ 302\n" in errors
    assert "sandbox: POST /v2/oauth/token/ 200\n" in errors
    for hidden in ("a-state-to-hide", code, token["access_token"], DEFAULT_CLIENT_SECRET, "?"):
        assert hidden not in errors


def test_a_broken_request_line_is_not_logged(start):
    process, address = start()
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /?code=abc def ghi HTTP/1.1\r\n\r\n")
        assert b"400" in connection.recv(4096)
    process.terminate()
    _, errors = process.communicate(timeout=10)
    assert "abc" not in errors


def test_it_listens_on_loopback_only(start):
    _, address = start()
    port = int(address.rpartition(":")[2])
    with open("/proc/net/tcp") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [place for place in listening if place.endswith(f":{port:04X}")] == [
        f"0100007F:{port:04X}"
    ]


def test_a_taken_port_is_said_with_exit_code_2():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = CliRunner().invoke(sandbox, ["--port", str(port)])
    assert done.exit_code == 2
    assert done.stderr == (
        f"Error: port {port} is taken by another program; stop it, or choose another "
        "with --port (0 takes a free one)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--client", "key"], "--client wants KEY:SECRET, both not empty"),
        (["--client", "key:"], "--client wants KEY:SECRET, both not empty"),
        (["--client", "a:SECRET-1", "--client", "a:SECRET-2"], "this key is there twice"),
        (["--redirect-uri", "http://app.example.com/"], "is neither https nor http on this"),
        (["--redirect-uri", "https://a.example/*", "--port", "-1"], "-1 is not in the range"),
        (["--host", "192.168.0.1"], "No such option"),
    ],
)
def test_misuse_is_explained_with_exit_code_2(arguments, says):
    done = CliRunner().invoke(sandbox, arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_help_begins_with_examples():
    text = CliRunner().invoke(sandbox, ["--help"]).stdout
    assert text.index("Examples:") < text.index("Options:")
    assert "deeplink sandbox --auto --strict" in text


def test_importing_the_command_does_not_import_flask(root):
    script = "import sys, deeplink.cli.sandbox; print('flask' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
