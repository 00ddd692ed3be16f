"""
The load: wrk on the other core, with a phone's request; ab for HEAD, whose answers wrk waits for in
vain; and a probe that times single requests.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from paired import Round

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from servers import Server

CORE = "1"
HOST = "127.0.0.1"

#: What a phone's browser sends through a router of a Heroku-like host: fourteen fields with
#: Host and Connection.
PHONE = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A.230803.041) "
    "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.7339.51 Mobile Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9",
    "Cache-Control": "max-age=0",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "443",
    "Via": "1.1 router",
    "X-Request-Id": "6dfa2a4a-7c1c-4c3e-9d0e-ffab12345678",
}

#: Requests of which no two have the same head: a router numbers each (5,000 are made before).
_DIFFERENT = """
local made, at = {}, 0
init = function()
  for i = 1, 5000 do
    wrk.headers["X-Request-Id"] = string.format("6dfa2a4a-7c1c-4c3e-9d0e-%012d", i)
    made[i] = wrk.format(nil, PATH)
  end
end
request = function()
  at = at % 5000 + 1
  return made[at]
end
"""


def script(
    folder: Path,
    name: str,
    path: str,
    *,
    close: bool = False,
    different: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Path:
    """A wrk script for one workload."""
    fields = {"Host": HOST, **PHONE, **(headers or {})}
    fields["Connection"] = "close" if close else "keep-alive"
    lines = [
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in fields.items()
    ]
    if different:
        lines.append(_DIFFERENT.replace("PATH", json.dumps(path)))
    target = folder / f"{name}.lua"
    target.write_text("\n".join(lines), "utf-8")
    return target


def run(server: Server, lua: Path, path: str, seconds: int, connections: int = 32) -> Round:
    """One round of *seconds*; refuses to report one with errors in it."""
    before = server.cpu_seconds()
    done = subprocess.run(
        [
            *("taskset", "-c", CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"),
            *("-s", str(lua), f"http://{HOST}:{server.port}{path}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    used = server.cpu_seconds() - before
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"bench: {server.name} gave errors:\n{done.stdout}")
    count = int(found[1])
    elapsed = float(found[2]) / (1000 if found[3] == "ms" else 1)
    return Round(count / elapsed, used / count * 1e6)


def run_heads(
    server: Server, path: str, seconds: int, *, close: bool = False, connections: int = 32
) -> Round:
    """One round of HEAD requests, in HTTP/1.0, which is all that ab speaks."""
    fields = [part for name in PHONE.items() for part in ("-H", ": ".join(name))]
    before = server.cpu_seconds()
    done = subprocess.run(
        [
            *("taskset", "-c", CORE, "ab", "-q", "-i", *(() if close else ("-k",))),
            *("-c", str(connections), "-t", str(seconds), "-n", "10000000", *fields),
            f"http://{HOST}:{server.port}{path}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    used = server.cpu_seconds() - before
    found = {
        name.strip(): value.split()[0]
        for name, _, value in (line.partition(":") for line in done.stdout.splitlines())
        if value.strip()
    }
    count = int(found["Complete requests"])
    if found["Failed requests"] != "0" or "Non-2xx responses" in found or not count:
        raise SystemExit(f"bench: {server.name} gave errors:\n{done.stdout}")
    return Round(count / float(found["Time taken for tests"]), used / count * 1e6)


def request(port: int, head: bytes) -> tuple[float, bytes]:
    """Seconds from connect to the end of one answer on a connection of its own, and the answer."""
    started = time.perf_counter()
    with socket.create_connection((HOST, port), timeout=60) as connection:
        connection.sendall(head)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return time.perf_counter() - started, b"".join(parts)
