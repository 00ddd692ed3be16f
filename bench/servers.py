"""The servers that are measured: each on one core, on loopback, stopped by its own handle."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CORE = "0"
LANE = "deeplink.web.fastlane.FastLane"
LANE_PROCESS = "deeplink.web.fastlane_process.LaneProcess"
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server and its process ids, master first."""

    name: str
    port: int
    pids: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far."""
        return sum(map(cpu_seconds, self.pids))

    def memory(self) -> float:
        """Megabytes of all its processes, shared pages counted once (PSS)."""
        return sum(map(memory, self.pids))

    def descriptors(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.pids)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, from /proc/PID/stat."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int, kind: str = "Pss") -> float:
    """Megabytes of a process; by Pss, pages are divided among those who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("bench: /proc has no smaps_rollup; this needs Linux")


def needed(*programs: str) -> None:
    """Refuse to start without the peers' programs; say how to get them."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise SystemExit(
            f"bench: {', '.join(missing)} not found; "
            "apt-get install --no-install-recommends nginx-light wrk apache2-utils nodejs"
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(name: str, command: list[str], port: int, **options: object) -> Iterator[Server]:
    """*command* pinned to CORE, once it answers at *port*."""
    pinned = ["taskset", "-c", CORE, *command]
    process = subprocess.Popen(pinned, **options)  # type: ignore[call-overload]
    try:
        _await(port, process)
        time.sleep(0.3)  # workers
        yield Server(name, port, (process.pid, *_children(process.pid)))
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask *process* to end, and make it after 40 seconds."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)


@contextlib.contextmanager
def gunicorn(
    name: str,
    folder: Path,
    *,
    app: str,
    worker: str = LANE,
    workers: int = 1,
    threads: int = 150,
    environ: dict[str, str] | None = None,
    python: str = sys.executable,
) -> Iterator[Server]:
    """Our server with the project's settings; its log goes to a file, as nginx's does."""
    port = free_port()
    command = [
        *(python, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}"),
        *("--workers", str(workers), "--threads", str(threads), "--worker-class", worker),
    ]
    with (folder / f"{name}.log").open("ab") as log:
        env = {**os.environ, "PORT": str(port), "PYTHONPATH": str(ROOT), **(environ or {})}
        options = {"cwd": ROOT, "stdout": log, "stderr": log, "env": env}
        with started(name, command, port, **options) as server:
            yield server


NGINX = """
daemon off; worker_processes {workers}; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;
events {{ worker_connections 8192; multi_accept on; }}
http {{
  log_format line escape=json '{{"time": "$time_iso8601", "level": "info", "message": "request", '
    '"route": "$uri", "method": "$request_method", "status": $status, "ms": $request_time, '
    '"request_id": "$request_id"}}';
  access_log {log};
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  keepalive_timeout 75; keepalive_requests 1000000000;
  sendfile on; tcp_nopush on; tcp_nodelay on; open_file_cache max=100 inactive=1h;
  open_file_cache_valid 1h; gzip_static on; server_tokens off;
  server {{
    listen 127.0.0.1:{port} deferred backlog=2048;
    root {folder}/www; default_type application/json;
    add_header Cache-Control "public, max-age=3600"; add_header Vary Accept-Encoding;
    add_header Access-Control-Allow-Origin "*"; add_header X-Content-Type-Options nosniff;
  }}
}}
"""


@contextlib.contextmanager
def nginx(
    folder: Path, files: dict[str, tuple[bytes, bytes]], *, log: bool, workers: int = 1
) -> Iterator[Server]:
    """One tuned nginx: *files* are (plain, gzip) by path, with the headers that we send."""
    port = free_port()
    (folder / "t").mkdir(exist_ok=True)
    for path, (plain, packed) in files.items():
        target = folder / "www" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(plain)
        target.with_name(target.name + ".gz").write_bytes(packed)
    # nginx's workers run as nobody.
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    logging = f"{folder}/nginx.log line buffer=64k flush=1s" if log else "off"
    text = NGINX.format(folder=folder, port=port, log=logging, workers=workers)
    (folder / "nginx.conf").write_text(text, "utf-8")
    command = ["nginx", "-p", str(folder), "-e", f"{folder}/nginx.err", "-c", "nginx.conf"]
    command[-1] = str(folder / "nginx.conf")
    with started("nginx", command, port) as server:
        yield server


NODE = """
const http = require('http'), fs = require('fs');
const body = fs.readFileSync(process.argv[2]);
const headers = {'Content-Type': 'application/json', 'Content-Length': body.length,
  'ETag': '"5deb3d43a1f79b5c776713affb35e7e9"', 'Cache-Control': 'public, max-age=3600',
  'Vary': 'Accept-Encoding', 'Access-Control-Allow-Origin': '*',
  'X-Content-Type-Options': 'nosniff'};
http.createServer((request, response) => {
  if (request.url !== process.argv[3]) { response.writeHead(404); response.end(); return; }
  response.writeHead(200, headers); response.end(body);
}).listen(Number(process.argv[4]), '127.0.0.1', 2048);
"""


@contextlib.contextmanager
def node(folder: Path, body: bytes, path: str) -> Iterator[Server]:
    """node's own http module with the same file: no framework, no log."""
    port = free_port()
    (folder / "server.js").write_text(NODE, "utf-8")
    (folder / "body").write_bytes(body)
    command = ["node", str(folder / "server.js"), str(folder / "body"), path, str(port)]
    with started("node", command, port) as server:
        yield server


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"bench: a server stopped with exit code {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                if connection.recv(100):
                    return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("bench: a server did not answer")


def _children(pid: int) -> tuple[int, ...]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return tuple(map(int, children))
