"""What all the pretend TikTok's doors share: clients, knobs, clock, grants, orders, counters."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from flask import Response, abort, jsonify

from deeplink.sandbox.authorization import redirect_uri_fault
from deeplink.sandbox.dialect import RFC_STATUS, Refusal
from deeplink.sandbox.grants import Grants
from deeplink.sandbox.hints import Hints
from deeplink.sandbox.knobs import Knobs
from deeplink.sandbox.mischief import Queue, play
from deeplink.secret import Secret

#: The farthest that the clock can be turned, in seconds: ten years.
MAX_OFFSET = 315_360_000.0


class Stage:
    """
    The state of one sandbox, safe between threads. Refuses a bad client or redirect URI by
    ValueError, whose text names it.

    *now* is in seconds since 1970, *token* gives random bytes, *sleep* waits.
    """

    def __init__(
        self,
        clients: Mapping[str, str],
        redirect_uris: Sequence[str],
        knobs: Knobs,
        *,
        now: Callable[[], float],
        token: Callable[[int], bytes],
        sleep: Callable[[float], None],
    ) -> None:
        for key in clients:
            if not key or not key.isascii() or not key.isprintable() or " " in key:
                raise ValueError("a client key is printable ASCII without spaces")
        for uri in redirect_uris:
            if fault := redirect_uri_fault(uri, wildcard=True):
                raise ValueError(f"the redirect URI {uri!r} {fault}")
        self.clients = {key: Secret(secret) for key, secret in clients.items()}
        self.redirect_uris = tuple(redirect_uris)
        self.knobs = knobs
        self.offset = 0.0
        self.token = token
        self.sleep = sleep
        self.hints = Hints()
        self.orders = Queue()
        self.grants = Grants(self.now, token)
        self._real_now = now
        self._calls: Counter[str] = Counter()
        self._user_info: dict[str, deque[float]] = {}
        self._allowed: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()

    def now(self) -> float:
        """The pretend time: the real one and the offset that a test has set."""
        return self._real_now() + self.offset

    def log_id(self) -> str:
        """A call's name as TikTok makes it: 14 digits of UTC time, 20 upper-case hex digits."""
        moment = time.strftime("%Y%m%d%H%M%S", time.gmtime(self.now()))
        return moment + self.token(10).hex().upper()

    def call(
        self,
        endpoint: str,
        answer: Callable[[], Response],
        refuse: Callable[[Refusal], Response],
    ) -> Response:
        """Count a call of *endpoint* and give the *answer*, or the mischief that was ordered."""
        self.count(endpoint)
        mischief = self.orders.take(endpoint)
        if mischief is None:
            return answer()
        self.count(f"mischief:{mischief.kind}")
        return play(mischief, answer, refuse, self.sleep)

    def count(self, name: str) -> None:
        with self._lock:
            self._calls[name] += 1

    def calls(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(self._calls.items()))

    def remember(self, client_key: str, scopes: Sequence[str]) -> None:
        """The one person who lives here allowed *scopes* to *client_key*."""
        with self._lock:
            self._allowed[client_key] = self._allowed.get(client_key, frozenset()) | set(scopes)

    def has_allowed(self, client_key: str, scopes: Sequence[str]) -> bool:
        with self._lock:
            return self._allowed.get(client_key, frozenset()) >= set(scopes)

    def is_too_fast(self, client_key: str) -> bool:
        """Whether one more user-info call breaks "600 in a sliding window of one minute"."""
        now = self.now()
        with self._lock:
            stamps = self._user_info.setdefault(client_key, deque())
            while stamps and stamps[0] <= now - 60:
                stamps.popleft()
            if len(stamps) >= self.knobs.user_info_per_minute:
                return True
            stamps.append(now)
            return False

    def json_answer(
        self, body: Mapping[str, object], *, log_id: str | None = None, status: int = 200
    ) -> Response:
        """A JSON answer of the endpoints for machines, with the headers that TikTok sets."""
        response = jsonify(body)
        response.status_code = status
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Tt-Logid"] = log_id or self.log_id()
        return response

    def oauth_error(self, refusal: Refusal) -> Response:
        """*refusal* in the OAuth endpoints' form; the status is the knob's, 200 by default."""
        log_id = self.log_id()
        body = {
            "error": refusal.error,
            "error_description": refusal.description,
            "log_id": log_id,
        }
        by_the_rfc = self.knobs.error_status == "rfc"
        status = RFC_STATUS.get(refusal.error, 400) if by_the_rfc else 200
        return self.json_answer(body, log_id=log_id, status=status)

    def no_slash(self) -> NoReturn:
        """TikTok answers 404 where the trailing slash is missing; Flask would redirect."""
        self.hints.say("no_slash")
        abort(404)
