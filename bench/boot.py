"""
Time from start to the first answer, and memory, beside a bare Flask application.

    python bench/boot.py [ROUNDS]

Both run under the same gunicorn with one worker, in turns, compiled as ``make setup`` leaves them.
Prints medians and their ratio, then where the time of our start goes. Memory is PSS, so pages
shared between master and worker count once; CPU is the master's, which other programs on the
machine disturb less than the time.
"""

from __future__ import annotations

import compileall
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import free_port, memory

ROOT = Path(__file__).parents[1]

BARE = """
from flask import Flask
app = Flask(__name__)
@app.get("/healthz")
def alive():
    return "alive"
"""

#: What is neither the standard library nor ours, by who would import it without us.
FLASK = {"flask", "werkzeug", "jinja2", "click", "itsdangerous", "markupsafe", "blinker"}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    compileall.compile_dir(ROOT / "deeplink", quiet=1)
    compileall.compile_dir(ROOT, maxlevels=0, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(BARE, "utf-8")
        # Without a file of its own, gunicorn would read ours for the bare application, too.
        conf = Path(folder, "bare.conf.py")
        conf.write_text("control_socket_disable = True\nthreads = 200\n", "utf-8")
        bare = ["bare:app", "-c", str(conf), "--chdir", folder, "-k", "gthread", "--preload"]
        rows: dict[str, list[tuple[float, ...]]] = {"bare Flask": [], "deeplink": []}
        for _ in range(rounds):
            rows["bare Flask"].append(measure(bare))
            rows["deeplink"].append(measure(["app:app"]))
        parts = {"bare Flask": profile(bare, rounds), "deeplink": profile(["app:app"], rounds)}
    show(rows, rounds)
    show_parts(parts)


def show(rows: dict[str, list[tuple[float, ...]]], rounds: int) -> None:
    columns = ("first answer", "CPU", "master + worker", "worker")
    print(f"{f'medians of {rounds} rounds, one worker':<38}" + "".join(f"{c:>17}" for c in columns))
    medians = {
        name: [statistics.median(c) for c in zip(*each, strict=True)] for name, each in rows.items()
    }
    for name, (seconds, cpu, both, worker) in medians.items():
        times = f"{seconds * 1000:>14.0f} ms{cpu * 1000:>14.0f} ms"
        print(f"{name:<38}{times}{both:>14.1f} MB{worker:>14.1f} MB")
    ratios = [a / b for a, b in zip(medians["deeplink"], medians["bare Flask"], strict=True)]
    print(f"{'ratio':<38}" + "".join(f"{ratio:>14.2f}   " for ratio in ratios))


def show_parts(parts: dict[str, Counter[str]]) -> None:
    print("\nwhere it goes (python -X importtime, the fastest of all rounds), ms      bare  ours")
    for name in parts["deeplink"]:
        bare, ours = (parts[each][name] / 1000 for each in ("bare Flask", "deeplink"))
        print(f"  {name:<68}{bare:>6.0f}{ours:>6.0f}")


def measure(arguments: list[str]) -> tuple[float, ...]:
    """Seconds to the first answer, of CPU; megabytes of master and worker; of the worker (RSS)."""
    with started(arguments) as (process, seconds):
        cpu = int(Path(f"/proc/{process.pid}/schedstat").read_text("ascii").split()[0]) / 1e9
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
        worker = int(children.split()[0])
        both = memory(process.pid, "Pss") + memory(worker, "Pss")
        return seconds, cpu, both, memory(worker, "Rss")


def profile(arguments: list[str], rounds: int) -> Counter[str]:
    """Microseconds of a start by what they were spent on; the fastest of *rounds* for each part."""
    fastest: dict[str, int] = {}
    whole = sys.maxsize
    for _ in range(rounds):
        with tempfile.TemporaryFile("w+") as lines:
            with started(arguments, "-X", "importtime", errors=lines.fileno()) as (_, seconds):
                whole = min(whole, int(seconds * 1e6))
            lines.seek(0)
            for line in lines:
                if line.startswith("import time:") and "self [us]" not in line:
                    spent, _, name = line.removeprefix("import time:").split("|")
                    least = fastest.get(name.strip(), sys.maxsize)
                    fastest[name.strip()] = min(least, int(spent))
    parts = Counter[str]()
    for name, spent in fastest.items():
        parts[part_of(name.partition(".")[0])] += spent
    parts["the rest: config, application, fork, answer"] = whole - sum(parts.values())
    return parts


def part_of(package: str) -> str:
    if package in FLASK:
        return "imports: Flask and what it needs"
    if package in sys.stdlib_module_names:
        return "imports: the standard library"
    known = {"gunicorn": "imports: gunicorn", "deeplink": "imports: our own modules"}
    return known.get(package, "imports: other libraries")


@contextmanager
def started(
    arguments: list[str], *options: str, errors: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """A server that has answered once, and the seconds until then."""
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *options, "-m", "gunicorn", *arguments, "-b", f"127.0.0.1:{port}", "-w1"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )
    try:
        first_answer(port)
        yield process, time.perf_counter() - begun
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


main()
