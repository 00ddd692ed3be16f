"""
How long a published file takes while every exchange thread works or waits for the provider.

Five hundred clients (wrk) exchange codes without a pause; the provider is a stub that answers
after 150 ms. Beside them a probe fetches the file on a new connection, fifty times a second. All
but the server runs on the other core, so the probe's own waiting for that core is in the
figures: ``nothing else`` shows the probe alone.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import load
import servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "/.well-known/assetlinks.json"
CLIENTS = 500
SECONDS = 12
PAUSE = 0.02

#: A provider that takes 150 ms for everything and believes everybody.
STUB = """
import asyncio, json, sys
BODY = json.dumps({"access_token": "act.bench", "expires_in": 86400, "open_id": "bench",
    "refresh_expires_in": 31536000, "refresh_token": "rft.bench", "scope": "user.info.basic",
    "token_type": "Bearer"}).encode()
ANSWER = (b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: "
    + str(len(BODY)).encode() + b"\\r\\n\\r\\n" + BODY)
class Provider(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.text = transport, b""
    def data_received(self, data):
        self.text += data
        head, end, body = self.text.partition(b"\\r\\n\\r\\n")
        length = [int(line[15:]) for line in head.split(b"\\r\\n")
            if line.lower().startswith(b"content-length:")]
        if end and len(body) >= (length or [0])[0]:
            self.text = b""
            delay = float(sys.argv[2]) if head.startswith(b"POST") else 0
            loop.call_later(delay, self.transport.write, ANSWER)
loop = asyncio.new_event_loop()
loop.run_until_complete(loop.create_server(Provider, "127.0.0.1", int(sys.argv[1]), backlog=2048))
loop.run_forever()
"""

EXCHANGE = """
local at = 0
wrk.method = "POST"
wrk.headers["Host"] = "127.0.0.1"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at + 1
  wrk.body = string.format('{"code": "bench-%09d", "code_verifier": "%s"}', at, string.rep("v", 43))
  return wrk.format()
end
"""


def measure(folder: Path, app: str, environ: dict[str, str], *, python: str) -> None:
    """Print a row for plain gthread and one for the lane, each idle and under exchanges."""
    (folder / "stub.py").write_text(STUB, "utf-8")
    (folder / "exchange.lua").write_text(EXCHANGE, "utf-8")
    print("\n| files while exchanges run | p50 ms | p99 ms | worst ms | exchanges/s | memory MB |")
    print("|---|---|---|---|---|---|")
    with _stub(folder) as port:
        environ = {**environ, "DEEPLINK_SANDBOX_URL": f"http://127.0.0.1:{port}"}
        for name, worker in (("plain gthread", "gthread"), ("lane", servers.LANE)):
            for busy in (False, True):
                with servers.gunicorn(
                    f"{worker}-saturated", folder, app=app, environ=environ, worker=worker,
                    python=python,
                ) as server:  # fmt: skip
                    times, rate, memory = _probe(server, folder, busy)
                label = f"{name}, {CLIENTS} apps exchange" if busy else f"{name}, nothing else"
                p99 = statistics.quantiles(times, n=100)[98]
                print(
                    f"| {label} | {statistics.median(times):.1f} | {p99:.1f} | {max(times):.1f} "
                    f"| {rate:.0f} | {memory:.1f} |",
                    flush=True,
                )


def _probe(server: servers.Server, folder: Path, busy: bool) -> tuple[list[float], float, float]:
    head = f"GET {FILE} HTTP/1.1\r\nHost: {load.HOST}\r\nConnection: close\r\n\r\n".encode()
    with _exchanges(server, folder) if busy else contextlib.nullcontext() as wrk:
        time.sleep(3 if busy else 0.5)  # threads and pools come up
        times = []
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            seconds, answer = load.request(server, head)
            if b" 200 OK" not in answer[:20]:
                raise SystemExit(f"bench: {answer[:60]!r}")
            times.append(seconds * 1000)
            time.sleep(max(0.0, PAUSE - seconds))
        memory = server.memory()
        if wrk is None:
            return times, 0.0, memory
        printed = wrk.communicate()[0]
    found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    if found is None or "Non-2xx" in printed:
        print(json.dumps(printed), file=sys.stderr)
    return times, float(found[1]) if found else 0.0, memory


@contextlib.contextmanager
def _exchanges(server: servers.Server, folder: Path) -> Iterator[subprocess.Popen[str]]:
    wrk = subprocess.Popen(
        [
            *("taskset", "-c", load.CORE, "wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS + 4}s"),
            *("--timeout", "30s", "-s", str(folder / "exchange.lua")),
            f"http://{load.HOST}:{server.port}/api/tiktok/exchange",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield wrk
    finally:
        wrk.kill()
        wrk.wait()


@contextlib.contextmanager
def _stub(folder: Path) -> Iterator[int]:
    port = servers.free_port()
    command = [
        "taskset",
        "-c",
        load.CORE,
        sys.executable,
        str(folder / "stub.py"),
        str(port),
        "0.15",
    ]
    process = subprocess.Popen(command)
    try:
        yield port
    finally:
        process.kill()
        process.wait()
