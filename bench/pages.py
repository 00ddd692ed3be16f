"""
Callback pages a second, beside a static file of the same size from the same gunicorn.

    python bench/pages.py [ROUNDS] [SECONDS]

One worker of gunicorn serves both: our application, and next to it the finished page as bytes, by
a WSGI function that does nothing else. Both are asked in turns over kept connections; printed are
medians, and the ratio of each pair, because a machine with other work to do is slow to both.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLIENTS = 4

SERVICE = """
import os
from pathlib import Path
from deeplink.config import load
from deeplink.web.wiring import create_app

ROOT = Path(os.environ["DEEPLINK_ROOT"])
CONFIG = load(ROOT / "config" / "deeplink.toml", {})
pages = create_app(CONFIG, root=ROOT)
file = Path(os.environ["DEEPLINK_FILE"])

def app(environ, start_response):
    if environ["PATH_INFO"] != "/static":
        return pages(environ, start_response)
    body = app.body = getattr(app, "body", None) or file.read_bytes()
    length = str(len(body))
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", length)])
    return [body]
"""

AGENT = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
PATHS = {
    "with a code": "/login-callback/?code=abc%2A1.a%21b&scopes=user.info.basic&state=s",
    "nothing to do": "/login-callback/",
    "static file": "/static",
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "service.py").write_text(SERVICE, "utf-8")
        Path(folder, "page.html").write_bytes(b"x")
        port = free_port()
        process = start(folder, port)
        try:
            page = fetch(port, PATHS["with a code"])
            Path(folder, "page.html").write_bytes(page)
            rates = {name: [] for name in PATHS}
            for _ in range(rounds):
                for name, path in PATHS.items():
                    rates[name].append(rate(port, path, seconds))
        finally:
            process.terminate()
            process.wait(timeout=30)
    print(f"{rounds} rounds of {seconds} s, {CLIENTS} connections, one worker, {len(page)} bytes")
    for name, row in rates.items():
        ratios = [a / b for a, b in zip(row, rates["static file"], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        print(f"{name:<16}{statistics.median(row):>8.0f}/s{ratio:>22} of the static file")


def start(folder: str, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "service:app", "--chdir", folder),
            *("--bind", f"127.0.0.1:{port}", "-w", "1", "--worker-class", "gthread"),
            *("--threads", "8", "--keep-alive", "30"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DEEPLINK_ROOT": str(ROOT),
            "DEEPLINK_FILE": str(Path(folder, "page.html")),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return process
        except OSError:
            time.sleep(0.05)
    process.terminate()
    raise SystemExit("bench: the server did not answer")


def rate(port: int, path: str, seconds: float) -> float:
    """Answers a second over CLIENTS kept connections."""
    counts = [0] * CLIENTS
    until = time.perf_counter() + seconds

    def ask(number: int) -> None:
        with Connection(port) as connection:
            while time.perf_counter() < until:
                connection.get(path)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def fetch(port: int, path: str) -> bytes:
    with Connection(port) as connection:
        return connection.get(path)


class Connection:
    """A kept connection that reads whole answers, and wants each to be a 200."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def get(self, path: str) -> bytes:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {AGENT}\r\n\r\n"
        self._socket.sendall(head.encode())
        assert b" 200 " in self._file.readline()
        length = 0
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return self._file.read(length)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


main()
