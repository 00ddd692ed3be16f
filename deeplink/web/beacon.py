"""
Counts of what became of callback pages: the page's script says one word of a closed list.

No code, no state, no identifier, no address: an event and the class of the browser, added up in
``/metrics``. The path lies under the callback's, answers POST only, and so is no link that a
phone could hand to an app.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request

from deeplink.errors import TooMany
from deeplink.store.memory import MemoryStore
from deeplink.visitor import classify
from deeplink.web.address import client_of
from deeplink.web.guards import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from deeplink.metrics import Metrics

#: What a page can tell, in the order in which it can happen.
EVENTS = ("shown", "attempted", "tapped", "failed", "left", "returned", "expired")

#: Events a second for all visitors together, and how many may come at once; in each process, for it
#: only keeps counts from being worthless.
RATE, BURST = 50, 200

#: Events of one address in so many seconds: a fifth of all, so that nobody alone silences the
#: others. A page sends three or four, and behind one address may be a whole mobile network.
PER_ADDRESS, WINDOW = 40, 4

#: Addresses that are remembered; a flood from more of them than this is stopped by the rate of all.
_ADDRESSES = 10_000

#: Bytes; the longest event has nine.
_MAX_BODY = 16


def path_of(callback_path: str) -> str:
    """
    Where the page at *callback_path* sends its events.

    >>> path_of("/login-callback"), path_of("/login-callback/")
    ('/login-callback/beacon', '/login-callback/beacon')
    """
    return f"{callback_path.rstrip('/')}/beacon"


def blueprint(
    places: Collection[tuple[str, str]],
    metrics: Metrics,
    *,
    trusted_hops: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """
    The beacons of the callback pages at *places*, which are (host, decoded path).

    *trusted_hops* proxies stand before us; where nobody can tell an address, only the rate of all
    visitors together holds.
    """
    routes = Blueprint("beacon", __name__)
    known = {(host, path_of(path)) for host, path in places}
    bucket = Bucket(RATE, BURST, clock)
    addresses = MemoryStore(clock=clock, max_entries=_ADDRESSES)

    def may_count() -> bool:
        client = client_of(request.environ, trusted_hops)
        key = f"{client}:{clock() // WINDOW}"
        return (client is None or addresses.bump(key, WINDOW) <= PER_ADDRESS) and bucket.take()

    def count() -> Response:
        if (host_of(request.environ), request.path) not in known:
            abort(404)
        # Another site's page could otherwise make its visitors count here. Old browsers, and all
        # on plain http, do not say where they come from.
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            abort(400)
        if (request.content_length or 0) > _MAX_BODY:
            abort(413)
        event = request.get_data(as_text=True)
        if event not in EVENTS:
            abort(400)
        if not may_count():
            raise TooMany(1)
        family = classify(request.headers.get("User-Agent", ""))
        metrics.callback_events.labels(event, family.value).inc()
        return Response(status=204, headers={"Cache-Control": "no-store"})

    for path in sorted({path for _, path in known}):
        routes.add_url_rule(
            path,
            endpoint="count",
            view_func=count,
            methods=["POST"],
            strict_slashes=True,
            merge_slashes=False,
            provide_automatic_options=False,
        )
    return routes


class Bucket:
    """A token bucket: *rate* a second in the long run, *burst* at once; for many threads."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._level, self._at = burst, clock()
        self._lock = Lock()

    def take(self) -> bool:
        """Whether there is room for one more; if so, it is used up."""
        with self._lock:
            now = self._clock()
            self._level = min(self._burst, self._level + (now - self._at) * self._rate)
            self._at = now
            if self._level < 1:
                return False
            self._level -= 1
            return True
