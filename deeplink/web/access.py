"""
Who may use the exchange and the face: origins, app keys, limits, seats, the attestation hook.

All of it is decided before a byte goes to a provider; whoever is turned away here has used up
neither a code nor a token.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from flask import Response

from deeplink.errors import Busy, RequestRefused
from deeplink.limits import Kind
from deeplink.logs import event
from deeplink.web.address import client_of, is_behind_unknown_proxy
from deeplink.web.context import current_notes, current_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Blueprint

    from deeplink.limits import Limiter
    from deeplink.rules.exchange import ExchangeRules
    from deeplink.secret import Secret

#: The header that carries an app's key.
APP_KEY_HEADER = "X-App-Key"
_APP_KEY_VARIABLE = "HTTP_X_APP_KEY"

#: Threads of each process that exchanges never take: files, pages and health go on.
RESERVED_THREADS = 20

#: What Retry-After says when no thread is free, in seconds.
RETRY_AFTER = 1

#: Seconds that a browser may remember a preflight's answer.
_PREFLIGHT_AGE = "600"


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What a check of App Attest or Play Integrity has to go by.

    *headers* are the request's, with lower-case names; *body_sha256* is the digest of the body as
    it came, which a client binds its attestation to (Apple's ``clientDataHash``, Google's
    ``requestHash``). *verb* is "exchange", "refresh" or "revoke".
    """

    provider: str
    verb: str
    headers: Mapping[str, str]
    body_sha256: bytes


class Attest(Protocol):
    """
    The hook: ``create_app(…, attest=check)`` calls it for each request that would be served.

    It returns if the evidence is good and refuses with ``RequestRefused`` if not; anything else
    that it raises refuses the request, too (500), so that a fault never opens the door. It is
    called after the limits and before anything is sent to a provider, in the request's thread: it
    must bound its own calls. To watch before enforcing, log and return.
    """

    def __call__(self, evidence: Evidence) -> None: ...


class Seats:
    """Threads that may be in the exchange at the same moment, of *threads* in all."""

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self.free = self._all = max(threads - RESERVED_THREADS, threads // 2, 1)

    def take(self) -> None:
        """A seat; ``Busy`` at once if there is none: whoever waits here holds a thread."""
        with self._lock:
            if not self.free:
                raise Busy(RETRY_AFTER)
            self.free -= 1

    def give_back(self) -> None:
        with self._lock:
            if self.free == self._all:
                raise ValueError("more seats are given back than were taken")
            self.free += 1


class Access:
    """
    The rules of one server for whoever asks its exchange, through ``/api`` or the standard face.

    *trusted_hops* is the number of proxies, *threads* that of the process.
    """

    def __init__(
        self,
        rules: ExchangeRules,
        limiter: Limiter,
        *,
        trusted_hops: int,
        threads: int,
        attest: Attest | None = None,
    ) -> None:
        self._origins = frozenset(rules.allowed_origins)
        self._app_keys = rules.app_keys
        self._limiter = limiter
        self._trusted_hops = trusted_hops
        self._seats = Seats(threads)
        self._attest = attest
        self._has_warned = False

    def guard(self, api: Blueprint) -> None:
        """Let *api* serve only whom the rules allow, and tell browsers so."""
        api.before_request(self._admit)
        api.after_request(self._tell_browser)
        api.teardown_request(self.leave)

    @property
    def has_seat(self) -> bool:
        """Whether somebody who came now would find one."""
        return self._seats.free > 0

    def enter(self) -> None:
        """A seat for this request, counted for its address; a blueprint has to ``leave`` it."""
        self._seats.take()
        current_notes().has_seat = True
        self.count_address()

    def leave(self, error: BaseException | None = None) -> None:
        """Give this request's seat back, if it has one, whatever became of it."""
        if current_notes().pop("has_seat", False):
            self._seats.give_back()

    def count_address(self, purpose: str = "") -> None:
        """One request more from where this one comes; each *purpose* has a count of its own."""
        environ = current_request().environ
        client = client_of(environ, self._trusted_hops)
        if client is not None:
            self._limiter.count(Kind.ADDRESS, f"{purpose} {client}" if purpose else client)
        elif not self._has_warned and is_behind_unknown_proxy(environ, self._trusted_hops):
            self._has_warned = True
            event(
                "requests come through a proxy that the config does not know",
                {
                    "effect": "there is no limit per address",
                    "remedy": "set trusted_hops in [limits] to the number of proxies",
                },
                level=logging.WARNING,
            )

    def count(self, *, app: str | None, grant: Secret | None) -> None:
        """One request more about *grant*, a code or a token, from *app*, as far as it says so."""
        self._limiter.count(Kind.APP, app or "")
        if grant is not None:
            self._limiter.count(Kind.CODE, grant.reveal())

    def check_evidence(self, provider: str, verb: str, body: bytes) -> None:
        """Ask the hook, if there is one."""
        if self._attest is None:
            return
        headers = {name.lower(): value for name, value in current_request().headers.items()}
        self._attest(Evidence(provider, verb, headers, hashlib.sha256(body).digest()))

    def _admit(self) -> Response | None:
        environ, notes = current_request().environ, current_notes()
        origin = environ.get("HTTP_ORIGIN")
        is_foreign_page = notes.is_foreign_page = origin in self._origins
        if environ["REQUEST_METHOD"] == "OPTIONS":
            # For an origin that is not listed OPTIONS is a method like others: 405.
            return Response(status=204) if is_foreign_page else None
        self.enter()
        if origin is not None and not is_foreign_page and not _is_own(origin, environ):
            raise RequestRefused(
                "unauthorized_client",
                "This server takes no requests from pages of this origin. Whoever runs it can "
                "allow an origin: allowed_origins in the config.",
            )
        self._check_app_key(environ)
        return None

    def _check_app_key(self, environ: Mapping[str, object]) -> None:
        shown = str(environ.get(_APP_KEY_VARIABLE, ""))
        if self._app_keys and not _is_one_of(shown, self._app_keys):
            raise RequestRefused(
                "invalid_client",
                f"The header {APP_KEY_HEADER} is missing or not one that this server knows.",
            )

    def headers_for(self, origin: str | None) -> list[tuple[str, str]]:
        """What an answer has to say to a browser whose page is of *origin*, or to caches."""
        if not self._origins:
            return []
        if origin not in self._origins:
            return [("Vary", "Origin")]
        return [
            ("Vary", "Origin"),
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", "Retry-After"),
        ]

    def _tell_browser(self, response: Response) -> Response:
        environ = current_request().environ
        # Who was turned away before the door, at an unknown host, is no page of the list.
        is_foreign_page = current_notes().get("is_foreign_page", False)
        origin = environ["HTTP_ORIGIN"] if is_foreign_page else None
        response.headers.extend(self.headers_for(origin))
        if is_foreign_page and environ["REQUEST_METHOD"] == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = f"Content-Type, {APP_KEY_HEADER}"
            response.headers["Access-Control-Max-Age"] = _PREFLIGHT_AGE
        return response


def _is_own(origin: str, environ: Mapping[str, object]) -> bool:
    """Whether *origin* is that of the host which the request is for, on the same port."""
    try:
        return urlsplit(origin).netloc == str(environ.get("HTTP_HOST", ""))
    except ValueError:
        return False


def _is_one_of(shown: str, keys: Sequence[Secret]) -> bool:
    # All are compared, so that the time does not tell which one was nearly right.
    return any([key.equals(shown) for key in keys])  # noqa: C419 - all, on purpose
