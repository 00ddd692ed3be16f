"""
Side by side with nginx: how fast the published files are, and what they cost.

    python bench/run.py [--rounds 15] [--seconds 1] [--only TEXT] [--every-round] [--app app:app]

Server on core 0, wrk (for HEAD ab) on core 1, rounds in turns. A ratio above 1 means that we are
faster; the interval is the bootstrap's 95 % for the median of paired ratios. CPU is the server's
own, user and system, from /proc. nginx has the same bytes and headers, and writes a line per
request, too (``--silent``: neither does). Ratios of one run on one machine; absolute figures are no
claim.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import load
import servers
from paired import Comparison, Round, compare

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "/.well-known/assetlinks.json"
LARGE = "/.well-known/apple-app-site-association"


class Workload(NamedTuple):
    name: str
    path: str
    options: dict[str, object]


WORKLOADS = [
    Workload("600 B, keep-alive", FILE, {}),
    Workload("600 B, keep-alive, no two heads the same", FILE, {"different": True}),
    Workload("600 B, new connection", FILE, {"close": True}),
    Workload(
        "600 B, new connection, no two heads the same", FILE, {"close": True, "different": True}
    ),
    Workload("8 KB, keep-alive", LARGE, {}),
    Workload("8 KB, new connection", LARGE, {"close": True}),
    Workload("8 KB, gzip, keep-alive", LARGE, {"headers": {"Accept-Encoding": "gzip"}}),
    Workload("600 B, 304, keep-alive", FILE, {"headers": {"If-None-Match": "ETAG"}}),
    Workload("HEAD, keep-alive", FILE, {"method": "HEAD"}),
    Workload("HEAD, new connection", FILE, {"method": "HEAD", "close": True}),
]


def main() -> None:
    options = _options()
    servers.needed("nginx", "wrk", "ab", "taskset")
    with tempfile.TemporaryDirectory(prefix="deeplink-bench-") as name:
        folder = Path(name)
        environ = {"DEEPLINK_CONFIG": str(_config(folder))}
        if options.silent:
            environ["LOG_LEVEL"] = "WARNING"
        print(f"{options.rounds} rounds of {options.seconds} s, {options.workers} worker(s), "
              f"{'no log' if options.silent else 'a log line per request'}")  # fmt: skip
        with servers.gunicorn(
            "deeplink", folder, app=options.app, environ=environ,
            workers=options.workers, worker=options.worker, python=options.python,
        ) as ours:  # fmt: skip
            _files(ours, folder, options)


def _files(ours: servers.Server, folder: Path, options: argparse.Namespace) -> None:
    files = {
        path: (_fetch(ours, path), gzip.compress(_fetch(ours, path), 9)) for path in (FILE, LARGE)
    }
    print("  ".join(f"{path} {len(plain)} B" for path, (plain, _) in files.items()))
    with servers.nginx(folder, files, log=not options.silent, workers=options.workers) as peer:
        print("\n| workload, beside nginx | ratio | interval | µs CPU: ours, nginx | CPU ratio "
              "| core in use: ours, nginx |")  # fmt: skip
        print("|---|---|---|---|---|---|")
        for workload in WORKLOADS:
            if options.only in workload.name:
                _print(workload.name, _compare(workload, ours, peer, folder, options), options)
    print(f"\nmemory of master and worker {ours.memory():.1f} MB, descriptors {ours.descriptors()}")
    if options.node:
        with servers.node(folder, files[FILE][0], FILE) as peer:
            for workload in (WORKLOADS[1], WORKLOADS[3]):
                _print(
                    f"{workload.name}, beside node",
                    _compare(workload, ours, peer, folder, options),
                    options,
                )


def _compare(
    workload: Workload,
    ours: servers.Server,
    peer: servers.Server,
    folder: Path,
    options: argparse.Namespace,
) -> Comparison:
    def load_of(server: servers.Server) -> Callable[[int], Round]:
        chosen = dict(workload.options)
        if chosen.pop("method", "GET") == "HEAD":
            return lambda seconds: load.run_heads(server, workload.path, seconds, **chosen)  # type: ignore[arg-type]
        if "If-None-Match" in dict(chosen.get("headers", {})):  # each has a tag of its own
            chosen["headers"] = {"If-None-Match": _etag(server, workload.path)}
        lua = load.script(folder, f"{server.name}-script", workload.path, **chosen)  # type: ignore[arg-type]
        return lambda seconds: load.run(server, lua, workload.path, seconds)

    own, other = load_of(ours), load_of(peer)
    for once_to_warm_up in (own, other):
        once_to_warm_up(1)
    return compare(lambda: own(options.seconds), lambda: other(options.seconds), options.rounds)


def _print(name: str, result: Comparison, options: argparse.Namespace) -> None:
    print(
        f"| {name} | {result.ratio:.2f} | {result.low:.2f} – {result.high:.2f} "
        f"| {result.ours.cpu:.1f} · {result.peer.cpu:.1f} | {result.cpu_ratio:.2f} "
        f"| {_in_use(result.ours)} · {_in_use(result.peer)} |",
        flush=True,
    )
    if options.every_round:
        for own, other in result.rounds:
            print(
                f"    {own.rate:8.0f}/s {own.cpu:6.1f} µs   {other.rate:8.0f}/s {other.cpu:6.1f} µs"
            )


def _in_use(side: Round) -> str:
    """How much of one core that rate takes; far from 100 % it is the load that is slow."""
    return f"{side.rate * side.cpu / 1e4:.0f} %"


def _fetch(server: servers.Server, path: str) -> bytes:
    return _ask(server, path).partition(b"\r\n\r\n")[2]


def _etag(server: servers.Server, path: str) -> str:
    head = _ask(server, path).partition(b"\r\n\r\n")[0].decode("latin-1")
    return next(line[6:] for line in head.split("\r\n") if line.lower().startswith("etag: "))


def _ask(server: servers.Server, path: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: {load.HOST}\r\nConnection: close\r\n\r\n".encode()
    answer = load.request(server.port, head)[1]
    if b" 200 OK\r\n" not in answer[:30]:
        raise SystemExit(f"bench: {server.name} answers {path} with {answer[:60]!r}")
    return answer


def _config(folder: Path) -> Path:
    """The shipped config with so many links that Apple's file has 8 KB."""
    shipped = (servers.ROOT / "config" / "deeplink.toml").read_text("utf-8")
    # At the front: the first row that matches decides, and these claim what no other does.
    row = '[[links]]\npath = "/campaign/{:04d}/summer-sale-of-everything/*"\napp = "production"\n\n'
    links = "".join(row.format(number) for number in range(88))
    target = folder / "deeplink.toml"
    target.write_text(shipped.replace("[[links]]", links + "[[links]]", 1), "utf-8")
    return target


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--only", default="", help="workloads whose name has this in it")
    parser.add_argument("--every-round", action="store_true")
    parser.add_argument("--silent", action="store_true", help="neither side logs")
    parser.add_argument("--node", action="store_true", help="beside node, too")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--worker", default=servers.LANE, help="worker class, such as gthread")
    parser.add_argument("--app", default="app:app")
    parser.add_argument("--python", default=sys.executable, help="of another environment")
    return parser.parse_args()


main()
