"""
Time from start to the first answer, and memory, beside a bare Flask application.

    python bench/boot.py [ROUNDS]

Both run under the same gunicorn with one worker, in turns. Prints medians and their ratio;
memory is PSS, so pages shared between master and worker count once.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

BARE = """
from flask import Flask
app = Flask(__name__)
@app.get("/healthz")
def alive():
    return "alive"
"""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(BARE, "utf-8")
        bare = ["bare:app", "--chdir", folder, "--worker-class", "gthread", "--preload"]
        ours = ["app:app"]
        measured: dict[str, list[tuple[float, float, float]]] = {"bare Flask": [], "deeplink": []}
        for _ in range(rounds):
            measured["bare Flask"].append(measure(bare))
            measured["deeplink"].append(measure(ours))
    print(f"medians of {rounds} rounds, one worker     first answer   master + worker    worker")
    medians = {}
    for name, rows in measured.items():
        seconds, both, worker = (statistics.median(column) for column in zip(*rows, strict=True))
        medians[name] = (seconds, both, worker)
        print(f"{name:<38} {seconds * 1000:>9.0f} ms {both:>14.1f} MB {worker:>7.1f} MB")
    ratios = [a / b for a, b in zip(medians["deeplink"], medians["bare Flask"], strict=True)]
    print(f"{'ratio':<38} {ratios[0]:>9.2f}    {ratios[1]:>14.2f}    {ratios[2]:>7.2f}")


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Seconds to the first answer; megabytes of master and worker; of the worker alone (RSS)."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *arguments, "--bind", f"127.0.0.1:{port}", "-w", "1"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        first_answer(port)
        seconds = time.perf_counter() - started
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
        worker = int(children.split()[0])
        both = memory(process.pid, "Pss") + memory(worker, "Pss")
        return seconds, both, memory(worker, "Rss")
    finally:
        process.terminate()
        process.wait(timeout=30)


def first_answer(port: int) -> None:
    for _ in range(2000):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                if b" 200 " in connection.recv(200):
                    return
        except OSError:
            time.sleep(0.002)
    raise SystemExit("bench: the server did not answer")


def memory(pid: int, kind: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("bench: /proc has no smaps_rollup; this needs Linux")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


main()
