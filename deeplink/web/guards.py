"""
What happens around every request: whose Host it is, which id it has, how long its body may take,
one log line, one count.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING

from flask import abort, g, request

from deeplink.logs import event
from deeplink.web import health
from deeplink.web.arrivals import Arrivals
from deeplink.web.failures import note_unknown_host

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flask import Flask, Response

    from deeplink.metrics import Metrics

#: A Host header as RFC 9110 section 7.2 has it: a name, an IPv4 or a bracketed IPv6 address,
#: perhaps a port.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{0,5})?", re.ASCII)

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


def host_of(environ: Mapping[str, object]) -> str:
    """
    The host that a request asks for: lower-case, without port, brackets or trailing dot.

    gunicorn normalises none of these, and a port may be the router's, not ours. A missing or
    malformed Host is "", which no allow-list contains.

    >>> host_of({"HTTP_HOST": "Example.COM.:8443"})
    'example.com'
    """
    match = _HOST.fullmatch(str(environ.get("HTTP_HOST", "")))
    return match[1].strip("[]").rstrip(".").lower() if match else ""


def standing_headers(*, strict_transport: bool) -> list[tuple[str, str]]:
    """
    What every answer carries unless it says otherwise, whoever sends it.

    *strict_transport* adds HSTS, for configs whose hosts are public and so served over TLS.
    """
    headers = [("X-Content-Type-Options", "nosniff")]
    if strict_transport:
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    return headers


def install(
    app: Flask,
    hosts: Collection[str],
    metrics: Metrics,
    standing: Collection[tuple[str, str]],
) -> None:
    """
    Put *app* behind the allow-list of *hosts* and let it say one line about each request.

    *standing* are the headers that every answer gets.
    """
    known = frozenset(hosts)
    strangers: set[str] = set()
    arrivals = Arrivals()

    @app.before_request
    def admit() -> None:
        arrivals.expect(request.environ)
        g.started = time.perf_counter()
        g.request_id = secrets.token_hex(8)
        host = host_of(request.environ)
        if host not in known and request.path not in health.PATHS:
            note_unknown_host(strangers, host)
            g.error_code = "unknown_host"
            abort(404)

    @app.after_request
    def account(response: Response) -> Response:
        for name, value in standing:
            response.headers.setdefault(name, value)
        route = request.url_rule.rule if request.url_rule else "unmatched"
        method = request.method if request.method in _METHODS else "OTHER"
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        metrics.requests.labels(route, method, str(response.status_code)).inc()
        metrics.seconds.labels(route).observe(seconds)
        if "exchange" in g:
            metrics.exchanges.labels(*g.exchange, g.get("error_code", g.get("outcome", "ok"))).inc()
        line = {
            "route": route,
            "method": method,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "request_id": g.get("request_id", ""),
        }
        if "error_code" in g:
            line["error"] = g.error_code
        event("request", line)
        return response

    @app.teardown_request
    def settle(error: BaseException | None) -> None:
        arrivals.settle()
