"""
The exchange under load, beside a minimal keep-alive proxy in node.

    python bench/exchange.py [--seconds 6] [--threads 200] [--apps 100,500,1000]
                             [--servers node,off,memory,sqlite,redis]

One core serves; provider, apps and Redis share the other. The provider answers after 150 ms, over
TLS. Each app posts a new code as soon as it has the tokens for the last, on a connection that it
keeps; told to come back (503), it does so when told. *added* is the time beyond the provider's.
Needs node, for redis also redis-server. Rates are those of answers with tokens.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from certificates import make_certificate
from servers import cpu_seconds, end, free_port, memory

ROOT = Path(__file__).parents[1]
NODE = Path(__file__).with_suffix(".mjs")
DELAY_MS = 150
WARM_SECONDS = 3
SERVING_CORE, OTHER_CORE = 0, min(1, (os.cpu_count() or 1) - 1)


def main() -> None:
    arguments = read_arguments()
    if not shutil.which("node"):
        raise SystemExit("bench: node is missing; it plays the provider, the apps and the rival")
    print(
        f"{'':<10}{'apps':>6}{'tokens/s':>10}{'added p50':>11}{'p99':>9}{'503/s':>8}"
        f"{'503 p99':>9}{'CPU':>9}{'memory':>9}  errors"
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        key, certificate = make_certificate(Path(folder))
        port = free_port()
        node = ["provider", port, key, certificate, DELAY_MS]
        running.enter_context(started(["node", NODE, *node], OTHER_CORE, {}, port))
        for apps in arguments.apps.split(","):
            for server in arguments.servers.split(","):
                url = f"https://localhost:{port}"
                measure(server, int(apps), arguments, url, certificate)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=200)
    parser.add_argument("--apps", default="100,500,1000")
    parser.add_argument("--servers", default="node,off,sqlite,redis")
    parser.add_argument("--profile", help="where py-spy, if it is installed, shall write stacks")
    return parser.parse_args()


def measure(
    server: str, apps: int, arguments: argparse.Namespace, provider: str, certificate: Path
) -> None:
    port = free_port()
    with contextlib.ExitStack() as running:
        if server == "node":
            url = f"{provider}/v2/oauth/token/"
            command = ["node", NODE, "proxy", port, url, certificate]
            environ = {}
        else:
            command = gunicorn(port)
            environ = {
                **environment(provider, certificate, arguments),
                "BENCH_STORE": server,
            }
        if server == "redis":
            redis_port = free_port()
            redis = ["redis-server", "--port", redis_port, "--save", "", "--appendonly", "no"]
            running.enter_context(started(redis, OTHER_CORE, {}, redis_port))
            environ["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
        process = running.enter_context(started(command, SERVING_CORE, environ, port))
        row = loaded(process, port, apps, arguments)
    tokens, seconds = row["tokens"], arguments.seconds
    print(
        f"{server:<10}{apps:>6}{tokens / seconds:>10.0f}{row['p50'] - DELAY_MS:>8.1f} ms"
        f"{row['p99'] - DELAY_MS:>6.0f} ms{row['busy'] / seconds:>8.0f}{row['busy_p99']:>6.0f} ms"
        f"{row['cpu'] / max(tokens, 1) * 1000:>6.2f} ms{row['memory']:>6.0f} MB  "
        f"{row['errors'] or 'none'}",
        flush=True,
    )


def environment(provider: str, certificate: Path, arguments: argparse.Namespace) -> dict[str, str]:
    return {
        "BENCH_PROVIDER": provider,
        "SSL_CERT_FILE": str(certificate),
        "DEEPLINK_THREADS": str(arguments.threads),
        "WEB_CONCURRENCY": "1",
        "PYTHONPATH": str(ROOT),
    }


def gunicorn(port: int) -> list[object]:
    conf = ROOT / "gunicorn.conf.py"
    return [
        sys.executable, "-m", "gunicorn", "-c", conf, "--chdir", Path(__file__).parent,
        "--bind", f"127.0.0.1:{port}", "exchange_app:app",
    ]  # fmt: skip


def loaded(
    process: subprocess.Popen[bytes], port: int, apps: int, arguments: argparse.Namespace
) -> dict[str, float]:
    """What the apps saw, and what it cost the server meanwhile."""
    command = ["node", NODE, "load", port, f"127.0.0.1:{port}", apps, WARM_SECONDS]
    apps_process = subprocess.Popen(
        list(map(str, [*command, arguments.seconds])),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {OTHER_CORE}),
    )
    assert apps_process.stdout
    apps_process.stdout.readline()
    family = processes(process.pid)
    before = sum(map(cpu_seconds, family))
    if arguments.profile:
        # --nonblocking: to stop 200 threads for each sample would be most of what it sees.
        options = ["--nonblocking", "--gil", "-r", "60", "-d", str(arguments.seconds - 2)]
        output = ["-f", "raw", "-o", arguments.profile, "-p", str(family[-1])]
        subprocess.Popen(["py-spy", "record", *options, *output])
    row: dict[str, float] = json.loads(apps_process.stdout.readline())
    row["cpu"] = sum(map(cpu_seconds, family)) - before
    row["memory"] = sum(map(memory, family))
    apps_process.wait(timeout=20)
    return row


@contextlib.contextmanager
def started(command, core, environ, port):
    process = subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_DEBUG") else subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        await_port(port, process)
        yield process
    finally:
        end(process)


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"bench: {process.args} did not start; BENCH_DEBUG=1 shows why")


def processes(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(inner for child in children for inner in processes(int(child)))]


if __name__ == "__main__":
    main()
