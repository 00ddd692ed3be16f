"""Servers that differ in the worker class alone, and a client that sends bytes as told."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = "/.well-known/assetlinks.json"
HOST = "127.0.0.1"
PLAIN = f"GET {FILE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
CLOSING = PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
ECHO = f"GET /echo/x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()

#: A request of the application that ends the connection: what comes back after an odd one tells
#: whether both servers stand at the same byte.
PROBE = f"GET /echo/probe HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()

#: Forms of the server: its worker class, and how many workers serve as one would.
FORMS = {
    "plain": ("gthread", 1),
    "inside": ("deeplink.web.fastlane.FastLane", 1),
    "process": ("deeplink.web.fastlane_process.LaneProcess", 2),
}
LANES = ("inside", "process")

#: By gunicorn's parsers, the interpreter that has them; that in C has an environment of its own.
_C_PARSER = ROOT / ".venv" / "h1c" / "bin" / "python"
PARSERS = {"python": sys.executable, **({"fast": str(_C_PARSER)} if _C_PARSER.exists() else {})}

_READY = re.compile("answers the files|serves what is no file|stands aside|answers files itself")
_CHANGING = re.compile(rb'Date: [^\r]*\r\n|"request_id": ?"[0-9a-f]{16}"')


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen
    log: Path

    @property
    def workers(self):
        """The process ids of all workers, the oldest first."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return list(map(int, tasks.read_text("ascii").split()))

    def printed(self):
        return self.log.read_text("utf-8", "replace")


@dataclass(frozen=True)
class Outcome:
    """All bytes that came back, less Date and request ids, and whether the server closed."""

    answers: bytes
    closed: bool


@contextlib.contextmanager
def serving(form, log, *options, environ=None, parser="python"):
    """gunicorn with the project's own settings, in one of FORMS or, else, in theirs."""
    worker_class, workers = FORMS.get(form, (None, None))
    chosen = ("--workers", str(workers), "--worker-class", worker_class) if workers else ()
    with socket.socket() as listener, log.open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        process = subprocess.Popen(
            [
                *(PARSERS[parser], "-m", "gunicorn", "tests.end_to_end.lane_app:app"),
                *("--http-parser", parser),
                *("--bind", f"127.0.0.1:{port}", "--threads", "8", *chosen, *options),
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
        if form == "process":
            _await_roles(server, int(dict(itertools.pairwise(options)).get("--workers", workers)))
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


def _await_roles(server, workers):
    """A worker that is told to stop before it is ready does not hear it (gunicorn's arbiter.py)."""
    for _ in range(400):
        if len(_READY.findall(server.printed())) >= workers:
            return
        time.sleep(0.05)
    raise AssertionError(f"not all workers started:\n{server.printed()}")


def connect(server, timeout=20):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


@contextlib.contextmanager
def many(server, count, first=b""):
    """*count* connections that send *first* and then nothing."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in range(count)]
        for connection in connections:
            connection.sendall(first)
        yield connections


def fetch(server, request=CLOSING):
    with connect(server) as connection:
        connection.sendall(request)
        return everything(connection)


def everything(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answer(connection):
    """One answer of a connection that goes on."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = connection.recv(65536)
        assert part, text
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        part = connection.recv(65536)
        assert part, len(body)
        body += part
    return head, body


@contextlib.contextmanager
def asking(server):
    """Clients on kept and new connections, some slow; gives what they lost, at the end."""
    lost = []
    stop = threading.Event()

    def ask_again_and_again(request, keep):
        connection = None
        while not stop.is_set():
            try:
                reused = connection is not None
                connection = connection or connect(server)
                connection.sendall(request)
                head, _ = answer(connection)
                assert b" 200 OK" in head[:20], head
            except (OSError, AssertionError) as error:
                # RFC 9110 section 9.2.2: a client repeats a request whose kept connection
                # ended before an answer began; on a fresh one it is lost.
                if not reused:
                    lost.append(repr(error))
                if connection is not None:
                    connection.close()
                connection = None
                continue
            if not keep or b"Connection: close" in head:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    slow = f"GET /slow/0.2 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    clients = [
        threading.Thread(target=ask_again_and_again, args=arguments)
        for arguments in [(PLAIN, True), (PLAIN, False), (ECHO, False), (slow, True)] * 2
    ]
    for client in clients:
        client.start()
    try:
        yield lost
    finally:
        stop.set()
        for client in clients:
            client.join(30)


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
