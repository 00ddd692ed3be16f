"""
What a crowd leaves behind when it has gone, and what one that stands still costs the others.

    python bench/crowds.py [--rounds 9] [--workers 1] [--python PATH]

Memory is that of master and workers, shared pages counted once. The crowds of 1,000 send half a
head, or one request and then nothing on the connection that is kept; each round beside one of
them is paired with a round without.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import load
import servers
from paired import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "/.well-known/assetlinks.json"
HALF = f"GET {FILE} HTTP/1.1\r\nHost: {load.HOST}\r\nUser-".encode()
WHOLE = f"GET {FILE} HTTP/1.1\r\nHost: {load.HOST}\r\n\r\n".encode()
CROWD = 1000
CONNECTIONS = 100_000


def main() -> None:
    options = _options()
    servers.needed("wrk", "taskset")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory(prefix="deeplink-bench-") as name:
        folder = Path(name)
        lua = load.script(folder, "close", FILE, close=True)
        with servers.gunicorn(
            "deeplink", folder, app="app:app", workers=options.workers, python=options.python
        ) as server:
            _growth(server, lua)
            _standing(server, lua, options.rounds)


def _growth(server: servers.Server, lua: Path) -> None:
    _connect(server, lua, CONNECTIONS // 5)  # what is made once is there after these
    memory, descriptors = server.memory(), server.descriptors()
    count = _connect(server, lua, CONNECTIONS)
    print(
        f"{count} new connections: {memory:.1f} MB before, {server.memory():.1f} MB after; "
        f"descriptors {descriptors} and {server.descriptors()}\n"
    )


def _connect(server: servers.Server, lua: Path, least: int) -> int:
    count = 0
    while count < least:
        count += int(load.run(server, lua, FILE, 2).rate * 2)
    return count


def _standing(server: servers.Server, lua: Path, rounds: int) -> None:
    print("| new connections beside a crowd | rate to that without | interval | CPU ratio |")
    print("|---|---|---|---|")
    for name, first in (("half a head each", HALF), ("kept and idle", WHOLE)):

        def beside(first: bytes = first) -> load.Round:
            with _crowd(server, first):
                return load.run(server, lua, FILE, 1)

        result = compare(beside, lambda: load.run(server, lua, FILE, 1), rounds)
        print(
            f"| {CROWD}, {name} | {result.ratio:.2f} | {result.low:.2f} – {result.high:.2f} "
            f"| {result.cpu_ratio:.2f} |",
            flush=True,
        )


@contextlib.contextmanager
def _crowd(server: servers.Server, first: bytes) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(CROWD):
            connection = stack.enter_context(socket.create_connection((load.HOST, server.port)))
            connection.sendall(first)
        yield


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--python", default=sys.executable, help="of another environment")
    return parser.parse_args()


main()
