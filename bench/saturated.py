"""
How long a published file takes while exchanges saturate the core that serves both.

    python bench/saturated.py [--rows plain,inside,process] [--apps 500] [--seconds 15]

The exchanges are those of bench/exchange.py: apps in closed loops, a provider that answers after
150 ms over TLS, limits far away; rates are those of answers with tokens. Beside them a probe
fetches the file on a new connection, fifty times a second. All but the server runs on the other
core, so the probe's own waiting for that core is in the figures: the lines *alone* show it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import exchange
import load
import servers
from certificates import make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "/.well-known/assetlinks.json"
HEAD = f"GET {FILE} HTTP/1.1\r\nHost: {load.HOST}\r\nConnection: close\r\n\r\n".encode()
WARM_SECONDS = 4
ALONE_SECONDS = 4
PAUSE = 0.02

#: A row's name and what DEEPLINK_LANE is for it.
ROWS = {"plain": "0", "inside": "1", "process": "process"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--apps", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--store", default="sqlite")
    parser.add_argument("--threads", type=int, default=200)
    options = parser.parse_args()
    os.sched_setaffinity(0, {exchange.OTHER_CORE})
    print(f"files, {options.apps} apps exchanging on the same core, {options.store}\n")
    print("| | files' p50 ms | p99 ms | worst ms | exchanges/s | 503/s | CPU | memory MB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="deeplink-bench-") as name:
        key, certificate = make_certificate(Path(name))
        port = servers.free_port()
        node = ["node", exchange.NODE, "provider", port, key, certificate, exchange.DELAY_MS]
        with exchange.started(node, exchange.OTHER_CORE, {}, port):
            for row in options.rows.split(","):
                environ = {
                    **exchange.environment(f"https://localhost:{port}", certificate, options),
                    "BENCH_STORE": options.store,
                    "DEEPLINK_LANE": ROWS[row],
                }
                _measure(row, environ, options)


def _measure(row: str, environ: dict[str, str], options: argparse.Namespace) -> None:
    port = servers.free_port()
    command = exchange.gunicorn(port)
    with exchange.started(command, exchange.SERVING_CORE, environ, port) as process:
        _probe(port, 1)
        _print(f"{row}, alone", _probe(port, ALONE_SECONDS), {}, process, 0)
        with _apps(port, options) as apps:
            assert apps.stdout
            apps.stdout.readline()  # they are warm
            before = sum(map(servers.cpu_seconds, exchange.processes(process.pid)))
            times = _probe(port, options.seconds)
            done = json.loads(apps.stdout.readline())
            used = sum(map(servers.cpu_seconds, exchange.processes(process.pid))) - before
            share = used / options.seconds
            rates = {name: done[name] / options.seconds for name in ("tokens", "busy")}
            _print(f"{row}, {options.apps} apps", times, rates, process, share)
            if done["errors"]:
                print(f"    errors: {done['errors']}")


def _print(
    label: str,
    times: list[float],
    rates: dict[str, float],
    process: subprocess.Popen[bytes],
    share: float,
) -> None:
    times.sort()
    p50, p99 = (times[int((len(times) - 1) * part)] * 1000 for part in (0.5, 0.99))
    memory = sum(map(servers.memory, exchange.processes(process.pid)))
    print(
        f"| {label} | {p50:.1f} | {p99:.1f} | {times[-1] * 1000:.1f} "
        f"| {rates.get('tokens', 0):.0f} | {rates.get('busy', 0):.0f} | {share:.0%} "
        f"| {memory:.0f} |",
        flush=True,
    )


def _probe(port: int, seconds: float) -> list[float]:
    """Seconds of each fetch, for *seconds*."""
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        took, answer = load.request(port, HEAD)
        if b" 200 OK" not in answer[:20]:
            raise SystemExit(f"bench: {answer[:60]!r}")
        times.append(took)
        time.sleep(max(0.0, PAUSE - took))
    return times


@contextlib.contextmanager
def _apps(port: int, options: argparse.Namespace) -> Iterator[subprocess.Popen[str]]:
    host = f"{load.HOST}:{port}"
    command = ["node", exchange.NODE, "load", port, host, options.apps, WARM_SECONDS]
    process = subprocess.Popen(
        list(map(str, [*command, options.seconds])), stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
