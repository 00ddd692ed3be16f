"""
What happens around every request: whose Host it is, which id it has, how long its body may take,
one log line, one count.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING

from flask import abort

from deeplink.logs import event
from deeplink.web import health
from deeplink.web.arrivals import Arrivals
from deeplink.web.context import current_notes, current_request
from deeplink.web.failures import note_unknown_host

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flask import Flask, Response

    from deeplink.metrics import Metrics

#: A Host header as RFC 9110 section 7.2 has it: a name, an IPv4 or a bracketed IPv6 address,
#: perhaps a port.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{0,5})?", re.ASCII)

#: What log and metrics call a method; any other is "OTHER".
METHODS = ("GET", "HEAD", "POST", "OPTIONS")


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
        asked, notes = current_request(), current_notes()
        arrivals.expect(asked.environ)
        notes.started = time.perf_counter()
        notes.request_id = secrets.token_hex(8)
        host = host_of(asked.environ)
        if host not in known and asked.path not in health.PATHS:
            note_unknown_host(strangers, host)
            notes.error_code = "unknown_host"
            abort(404)

    @app.after_request
    def tell(response: Response) -> Response:
        asked, notes = current_request(), current_notes()
        for name, value in standing:
            response.headers.setdefault(name, value)
        error = notes.get("error_code")
        if exchange := notes.get("exchange"):
            metrics.exchanges.labels(*exchange, error or notes.get("outcome", "ok")).inc()
        now = time.perf_counter()
        account(
            metrics,
            route=asked.url_rule.rule if asked.url_rule else "unmatched",
            method=asked.method if asked.method in METHODS else "OTHER",
            status=response.status_code,
            seconds=now - notes.get("started", now),
            request_id=notes.get("request_id", ""),
            error=error,
        )
        return response

    @app.teardown_request
    def settle(error: BaseException | None) -> None:
        arrivals.settle()


def account(
    metrics: Metrics,
    *,
    route: str,
    method: str,
    status: int,
    seconds: float,
    request_id: str,
    error: str | None,
) -> None:
    """One count and one log line for an answer; *error* is a word of ours, None if all is well."""
    metrics.requests.labels(route, method, str(status)).inc()
    metrics.seconds.labels(route).observe(seconds)
    line = {
        "route": route,
        "method": method,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "request_id": request_id,
    }
    if error is not None:
        line["error"] = error
    event("request", line)
