"""Real servers on free ports of this machine, each stopped by its own handle."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Server:
    """A running server: its port, its process, and all that it printed, in a file."""

    port: int
    process: subprocess.Popen
    log: object

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, method, path, *, headers=None, body=None, host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()

    def printed(self):
        return self.log.read_text("utf-8", "replace")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(arguments, port, log, *, root, environ=None):
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=root,
            env={**os.environ, **(environ or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(port, process, log)
        yield Server(port, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _await(port, process, log):
    for _ in range(400):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text('utf-8', 'replace')}")


@contextlib.contextmanager
def configured(folder, text, *, root, sandbox):
    """One gunicorn worker with a config of the test's own, whose providers are *sandbox*'s."""
    (folder / "deeplink.toml").write_text(text, "utf-8")
    port = free_port()
    environ = {
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "DEEPLINK_CONFIG": str(folder / "deeplink.toml"),
        "DEEPLINK_SANDBOX_URL": sandbox.url,
    }
    arguments = ["gunicorn", "app:app", "--bind", f"127.0.0.1:{port}"]
    with running(arguments, port, folder / "log", root=root, environ=environ) as server:
        yield server


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory, root):
    """The pretend TikTok, strict, consenting by itself."""
    port = free_port()
    log = tmp_path_factory.mktemp("sandbox") / "log"
    arguments = ["deeplink", "sandbox", "--port", str(port), "--auto", "--strict"]
    with running(arguments, port, log, root=root) as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory, root, sandbox):
    """gunicorn as the Procfile starts it, two workers, everything logged at DEBUG."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    environ = {
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "LOG_LEVEL": "DEBUG",
        "DEEPLINK_SANDBOX_URL": sandbox.url,
    }
    arguments = ["gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", "--log-level", "debug"]
    with running(arguments, port, log, root=root, environ=environ) as running_server:
        yield running_server


@pytest.fixture(scope="session")
def served(tmp_path_factory, root):
    """What ``make run`` runs: the server and, beside it, a sandbox that asks for consent."""
    port = free_port()
    log = tmp_path_factory.mktemp("served") / "log"
    with running(["deeplink", "serve", "--port", str(port)], port, log, root=root) as both:
        yield both


@pytest.fixture
def start_gunicorn(tmp_path, root):
    """Start gunicorn with options of the test's own."""
    with contextlib.ExitStack() as started:

        def start(*options):
            port = free_port()
            arguments = ["gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", *options]
            environ = {"PORT": str(port)}
            server = running(arguments, port, tmp_path / "log", root=root, environ=environ)
            return started.enter_context(server)

        yield start
