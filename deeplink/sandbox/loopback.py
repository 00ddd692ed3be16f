"""Who counts as this machine: the guard that keeps the pretend TikTok from being a public one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9.-]+))(?::[0-9]{0,5})?")

_REFUSAL = b"The pretend TikTok answers only on this machine: 127.0.0.1, ::1 or localhost.\n"


def is_loopback(host: str) -> bool:
    """
    Whether *host*, without port or brackets, can only mean this machine (RFC 6761 section 6.3).

    >>> [is_loopback(host) for host in ("127.0.0.1", "app.localhost", "localhost.example.com")]
    [True, True, False]
    """
    host = host.lower()
    if host == "localhost" or (host.endswith(".localhost") and not host.startswith(".")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_origin(origin: str) -> bool:
    """Whether an ``Origin`` header names a page of this machine."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")


def guarded(app: WSGIApplication) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """
    *app* for requests to a loopback Host only; everybody else gets one sentence and 403.

    The Host is checked because a public name can be made to point at 127.0.0.1 (DNS rebinding),
    and because a tunnel or proxy would otherwise publish the sandbox by accident.
    """

    def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _host_is_ours(environ.get("HTTP_HOST", "")):
            return app(environ, start_response)
        start_response(
            "403 Forbidden",
            [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(_REFUSAL))),
                ("Cache-Control", "no-store"),
            ],
        )
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else _REFUSAL]

    return guard


def _host_is_ours(header: str) -> bool:
    found = _HOST.fullmatch(header.lower())
    return found is not None and is_loopback(found["six"] or found["name"])
