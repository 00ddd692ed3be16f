"""
What one exchange is made of: microseconds of processor time per part, in one thread.

    python bench/exchange_parts.py [--store sqlite|memory|redis|off] [--requests 3000]

Nobody competes for the interpreter here, so that two runs agree on a noisy machine; with 200
threads each part takes about half as long again (cold caches, hand-overs). The request goes through
gunicorn's parser and response, the whole application and a TLS connection to a provider in node
that answers at once. A part's time is its own, without what it calls where that is a part, too;
what the stopwatch itself takes is measured first and taken off.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from certificates import make_certificate
from servers import free_port

ROOT = Path(__file__).parents[1]
NODE = Path(__file__).with_name("exchange.mjs")
SERVING_CORE, OTHER_CORE = 0, min(1, (os.cpu_count() or 1) - 1)

SPENT: collections.Counter[str] = collections.Counter()
#: Of each part that runs just now: what its own parts took.
_inner: list[float] = []
#: What one measurement adds to the part itself, and to the part that calls it.
_watch = {"inside": 0.0, "outside": 0.0}


def part(name, call):
    """*call*, its own time booked on *name*."""

    @functools.wraps(call)
    def timed(*arguments, **options):
        _inner.append(0.0)
        began = time.thread_time()
        try:
            return call(*arguments, **options)
        finally:
            took = time.thread_time() - began
            SPENT[name] += took - _inner.pop() - _watch["inside"]
            if _inner:
                _inner[-1] += took + _watch["outside"]

    return timed


def calibrate() -> None:
    rounds = 20_000
    empty = part("empty", lambda: None)
    began = time.thread_time()
    for _ in range(rounds):
        empty()
    whole = (time.thread_time() - began) / rounds
    _watch["inside"] = SPENT.pop("empty") / rounds
    _watch["outside"] = whole - _watch["inside"]


def mark(owner, name, *attributes):
    for attribute in attributes:
        setattr(owner, attribute, part(name, getattr(owner, attribute)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default="sqlite")
    parser.add_argument("--requests", type=int, default=3000)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {SERVING_CORE})
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        key, certificate = make_certificate(Path(folder))
        port, redis_port = free_port(), free_port()
        start(running, port, "node", NODE, "provider", port, key, certificate, "0")
        if arguments.store == "redis":
            start(running, redis_port, "redis-server", "--port", redis_port, "--save", "")
        os.environ |= {
            "BENCH_PROVIDER": f"https://localhost:{port}",
            "BENCH_STORE": arguments.store,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "SSL_CERT_FILE": str(certificate),
            "DEEPLINK_THREADS": "200",
            "WEB_CONCURRENCY": "1",
            "PROMETHEUS_MULTIPROC_DIR": folder,
        }
        printed = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        serve = prepare()
        for number in range(300):
            serve(f"warm-{number}")
        SPENT.clear()
        for number in range(arguments.requests):
            serve(f"code-{number}")
        os.dup2(printed, 1)
    print(f"store {arguments.store}: us of processor time per exchange, in one thread\n")
    together = sum(SPENT.values())
    for name, seconds in [*SPENT.most_common(), ("together", together)]:
        us = seconds / arguments.requests * 1e6
        print(f"{us:8.1f} {seconds / together:6.1%}  {name}")


def prepare():
    """A function that sends one exchange with this code through a connection and the server."""
    calibrate()
    sys.path.insert(0, str(ROOT))
    from gunicorn.config import Config
    from gunicorn.http import wsgi
    from gunicorn.http.parser import RequestParser
    from prometheus_client import Counter, Histogram

    from deeplink import outbound, wire
    from deeplink.limits import Limiter
    from deeplink.oauth import exchange as logins
    from deeplink.oauth import vault
    from deeplink.web import access, guards
    from deeplink.web import exchange as web

    mark(guards, "log line of the request", "event")
    mark(outbound, "log line of the call", "event")
    mark(Counter, "metrics", "inc", "labels")
    mark(Histogram, "metrics", "observe", "labels")
    mark(web, "read the request", "_body", "read_fields", "parse_code_request")
    mark(web, "write the answer", "_answer")
    mark(Limiter, "limits", "count")
    mark(access.Access, "limits", "count", "check_evidence")
    mark(vault.Vault, "vault", "once")
    mark(vault, "seal", "seal")
    mark(vault.SparedStore, "store: claim, result", "put")
    mark(vault.SparedStore, "store: refused before?", "get")
    mark(logins.Exchange, "judge the provider's answer", "_tokens")
    mark(outbound.Outbound, "call: write", "send")
    mark(wire.Answer, "call: read", "__init__", "read")

    import exchange_app

    app = exchange_app.app
    mark(app, "Flask and Werkzeug", "wsgi_app")
    for hooks in (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs):
        for functions in hooks.values():
            functions[:] = [part("hooks around every request", call) for call in functions]

    config = Config()
    ours, theirs = socket.socketpair()
    client, listener = ("127.0.0.1", 50000), ("127.0.0.1", 8000)
    requests = RequestParser(config, ours, client)

    def serve() -> None:
        request = next(requests)
        response, environ = wsgi.create(request, ours, client, listener, config)
        body = app.wsgi_app(environ, response.start_response)
        for chunk in body:
            response.write(chunk)
        response.close()
        body.close()

    timed = part("gunicorn: parse, environ, response", serve)

    def exchange(code: str) -> None:
        body = json.dumps({"code": code, "code_verifier": "v" * 64})
        head = (
            "POST /api/tiktok/exchange HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        theirs.sendall((head + body).encode())
        timed()
        answer = theirs.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"bench: the server answered {answer[:300]!r}")

    return exchange


def start(running, port, *command) -> None:
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {OTHER_CORE}),
    )
    running.callback(process.wait)
    running.callback(process.terminate)
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"bench: {command[0]} did not start")


main()
