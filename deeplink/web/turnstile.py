"""
Who comes to the exchange when all seats are taken is told so before Flask begins.

Behind routing and hooks the same refusal takes six times as long, a few hundred times a second just
where a server has least to give. The words are those of ``web/exchange.py``.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from werkzeug.http import HTTP_STATUS_CODES

from deeplink.errors import Busy
from deeplink.web.access import RETRY_AFTER
from deeplink.web.exchange import HEADERS, STATUS, routes, too_many
from deeplink.web.guards import account, host_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from deeplink.metrics import Metrics
    from deeplink.web.access import Access

_STATUS = STATUS[Busy]


def before(
    application: WSGIApplication,
    access: Access,
    *,
    hosts: Collection[str],
    providers: Iterable[str],
    metrics: Metrics,
    standing: Collection[tuple[str, str]],
) -> WSGIApplication:
    """
    *application*, but for requests to the exchange of *providers* while *access* has no seat.

    Everything else, an unknown host's request too, is the application's. *metrics* and log tell
    of a refusal as they do of an answer, and it has the *standing* headers.
    """
    known = frozenset(hosts)
    routes_of = routes(providers)

    def pass_or_refuse(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        route = None if access.has_seat else routes_of.get(environ["PATH_INFO"])
        if route is None or environ["REQUEST_METHOD"] != "POST" or host_of(environ) not in known:
            return application(environ, start_response)
        started = time.perf_counter()
        request_id = secrets.token_hex(8)
        body = too_many(Busy(RETRY_AFTER), request_id).encode()
        headers = [
            *HEADERS,
            ("Content-Length", str(len(body))),
            ("Retry-After", str(RETRY_AFTER)),
            *access.headers_for(environ.get("HTTP_ORIGIN")),
            *standing,
        ]
        start_response(f"{_STATUS} {HTTP_STATUS_CODES[_STATUS].upper()}", headers)
        account(
            metrics,
            route=route,
            method="POST",
            status=_STATUS,
            seconds=time.perf_counter() - started,
            request_id=request_id,
            error=Busy.code,
        )
        return [body]

    return pass_or_refuse
