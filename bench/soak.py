"""
Mixed traffic for minutes, with reloads in the middle: nothing lost, doubled, mixed or grown.

    python bench/soak.py [--seconds 600] [--reload-every 30] [--app app:app] [--process]

Two workers answer files themselves; with --process two serve applications and a third the files.

Each client knows what it must get: the file to the byte, its own code in its own callback page, a
304, the health. A request that fails on a connection which it opened itself is lost; one on a kept
connection that ended before an answer began is repeated, as RFC 9110 section 9.2.2 has it. Exit
code 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import load
import servers

FILE = "/.well-known/assetlinks.json"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/140.0 Mobile"
CLIENTS = 8

#: What a second generation of workers may hold more than the first, in megabytes.
GROWTH = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--reload-every", type=float, default=30)
    parser.add_argument("--app", default="app:app")
    parser.add_argument("--process", action="store_true", help="the lane as a process of its own")
    options = parser.parse_args()
    worker, workers = (servers.LANE_PROCESS, 3) if options.process else (servers.LANE, 2)
    counts: Counter[str] = Counter()
    stop = threading.Event()
    with (
        tempfile.TemporaryDirectory(prefix="deeplink-soak-") as folder,
        servers.gunicorn(
            "soak", Path(folder), app=options.app, worker=worker, workers=workers, threads=16
        ) as server,
    ):
        wanted = hashlib.sha256(_get(server, FILE)[1]).hexdigest()
        clients = [
            threading.Thread(target=_client, args=(server, number, wanted, counts, stop))
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        sizes = _watch(server, workers, options.seconds, options.reload_every)
        stop.set()
        for client in clients:
            client.join(60)
        time.sleep(3)
        _, descriptors = _size(server, workers)
        printed = (Path(folder) / "soak.log").read_text("utf-8", "replace")
    faults = {name: count for name, count in counts.items() if name.startswith("fault")}
    grown = sizes[-1][0] - sizes[0][0]
    print(f"answers {counts['answers']}, repeated on kept connections {counts['repeated']}")
    print(f"memory of all processes, first and last: {sizes[0][0]:.1f} and {sizes[-1][0]:.1f} MB")
    print(f"descriptors, first and at rest: {sizes[0][1]} and {descriptors}")
    print(f"faults: {faults or 'none'}")
    if faults or grown > GROWTH or "Traceback" in printed or '"exception"' in printed:
        sys.exit(1)


def _watch(
    server: servers.Server, workers: int, seconds: float, reload_every: float
) -> list[tuple[float, int]]:
    until = time.monotonic() + seconds
    sizes = []
    while time.monotonic() < until:
        time.sleep(min(reload_every, max(0.1, until - time.monotonic())))
        sizes.append(_size(server, workers))
        os.kill(server.pids[0], signal.SIGHUP)
    return sizes


def _size(server: servers.Server, count: int) -> tuple[float, int]:
    """Of the processes that are there now: a reload brings others."""
    master = server.pids[0]
    workers = Path(f"/proc/{master}/task/{master}/children").read_text("ascii").split()
    # Beside the workers of now the last ones may still be finishing: the youngest are enough.
    now = servers.Server(server.name, server.port, (master, *map(int, workers[-count:])))
    return now.memory(), now.descriptors()


def _client(
    server: servers.Server, number: int, wanted: str, counts: Counter[str], stop: threading.Event
) -> None:
    connection: http.client.HTTPConnection | None = None
    turn = 0
    while not stop.is_set():
        turn += 1
        fresh = connection is None or number % 2 == 0
        if fresh:
            if connection:
                connection.close()
            connection = http.client.HTTPConnection(load.HOST, server.port, timeout=30)
        assert connection
        try:
            fault = _turn(connection, turn % 4, f"soak-{number}-{turn}", wanted)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            connection = None
            began = isinstance(error, http.client.IncompleteRead)
            if fresh or began:
                counts[f"fault: lost ({type(error).__name__})"] += 1
            else:
                counts["repeated"] += 1
            continue
        counts["answers"] += 1
        if fault:
            counts[f"fault: {fault}"] += 1
    if connection:
        connection.close()


def _turn(connection: http.client.HTTPConnection, kind: int, code: str, wanted: str) -> str:
    """One request and what was wrong with its answer, "" if nothing."""
    if kind == 0:
        status, body = _ask(connection, FILE)
        return "" if (status, hashlib.sha256(body).hexdigest()) == (200, wanted) else "file"
    if kind == 1:
        status, body = _ask(connection, FILE, {"If-None-Match": "*"})
        return "" if (status, body) == (304, b"") else "304"
    if kind == 2:
        status, body = _ask(connection, "/healthz")
        return "" if status == 200 and b"alive" in body else "health"
    path = f"/login-callback/?code={code}&state=s"
    status, body = _ask(connection, path, {"User-Agent": ANDROID})
    return "" if status == 200 and f"code={code}&amp;".encode() in body else "callback page"


def _ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _get(server: servers.Server, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(load.HOST, server.port, timeout=30)
    try:
        return _ask(connection, path)
    finally:
        connection.close()


main()
