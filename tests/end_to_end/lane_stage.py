"""Two servers that differ in the worker class alone, and a client that sends bytes as told."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = "/.well-known/assetlinks.json"
HOST = "127.0.0.1"
PLAIN = f"GET {FILE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()

#: A request of the application that ends the connection: what comes back after an odd one tells
#: whether both servers stand at the same byte.
PROBE = f"GET /echo/probe HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()

LANE = "deeplink.web.fastlane.FastLane"

#: By gunicorn's parsers, the interpreter that has them; that in C has an environment of its own.
_C_PARSER = ROOT / ".venv" / "h1c" / "bin" / "python"
PARSERS = {"python": sys.executable, **({"fast": str(_C_PARSER)} if _C_PARSER.exists() else {})}

_CHANGING = re.compile(rb'Date: [^\r]*\r\n|"request_id": ?"[0-9a-f]{16}"')


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen
    log: Path

    @property
    def worker(self):
        """The process id of the (one) worker."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(tasks.read_text("ascii").split()[-1])

    def printed(self):
        return self.log.read_text("utf-8", "replace")


@dataclass(frozen=True)
class Outcome:
    """All bytes that came back, less Date and request ids, and whether the server closed."""

    answers: bytes
    closed: bool


@contextlib.contextmanager
def serving(worker_class, log, *options, environ=None, parser="python"):
    """gunicorn with the project's own settings, one worker of *worker_class*."""
    with socket.socket() as listener, log.open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        process = subprocess.Popen(
            [
                *(PARSERS[parser], "-m", "gunicorn", "tests.end_to_end.lane_app:app"),
                *("--http-parser", parser),
                *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8"),
                *("--worker-class", worker_class, *options),
            ],
            cwd=ROOT,
            # Werkzeug writes Allow in the order of a set, another one in each process.
            env={**os.environ, "PYTHONHASHSEED": "0", **(environ or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(port, process, log)
    try:
        _await(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _await(server):
    for _ in range(400):
        with contextlib.suppress(OSError), connect(server) as connection:
            connection.sendall(PROBE)
            if connection.recv(100):
                return
        assert server.process.poll() is None, server.printed()
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{server.printed()}")


def connect(server, timeout=20):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def outcome(server, segments, *, half_close=False, quiet=0.3, pause=0.01):
    """
    What a server makes of *segments*, sent one after the other.

    It is "open" if nothing came for *quiet* seconds; then the probe is sent behind.
    """
    with connect(server) as connection:
        with contextlib.suppress(OSError):
            for index, segment in enumerate(segments):
                time.sleep(pause if index else 0)
                connection.sendall(segment)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        first, closed = _read(connection, 10 if half_close else quiet)
        if closed or half_close:
            return Outcome(_CHANGING.sub(b"", first), closed)
        with contextlib.suppress(OSError):
            connection.sendall(PROBE)
        second, closed = _read(connection, 3 * quiet)
        return Outcome(_CHANGING.sub(b"", first + b"|" + second), closed)


def same_outcome(lane, plain, segments, *, half_close=False):
    """Both outcomes; a difference is looked at again with more patience before it counts."""
    for quiet in (0.25, 1.0, 4.0):
        both = [
            outcome(server, segments, half_close=half_close, quiet=quiet, pause=quiet / 25)
            for server in (plain, lane)
        ]
        if both[0] == both[1]:
            break
    return both


def _read(connection, quiet):
    parts = []
    connection.settimeout(quiet)
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except TimeoutError:
        return b"".join(parts), False
    except OSError:  # reset: closed, too
        pass
    return b"".join(parts), True
