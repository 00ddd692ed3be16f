"""
What an application offers to the lane: finished answers, as bytes.

``app.extensions["deeplink.lane"]`` holds an Offer; without one the lane stands aside. No server
is needed here: how bytes travel is the business of ``web/fastlane.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from werkzeug.http import HTTP_STATUS_CODES

from deeplink.web.guards import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deeplink.metrics import Metrics
    from deeplink.web.prebuilt import Answer, Prebuilt

#: Where an application keeps its Offer among its extensions.
EXTENSION = "deeplink.lane"

#: How many different questions are remembered with their answers; whoever asks for more of them
#: (another If-None-Match each time) makes us choose anew, which costs some microseconds.
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """
    Finished answers by (host, raw path), and what the application does around every answer.

    *standing_headers* are those that the application adds to an answer that lacks them. *metrics*
    counts what the lane answers together with what the application answers.
    """

    resources: Mapping[tuple[str, str], Prebuilt]
    standing_headers: Sequence[tuple[str, str]]
    metrics: Metrics


class Reply:
    """
    One answer as bytes, for each of HTTP/1.0 and 1.1, keep-alive and close.

    The Date is the only thing that changes, once a second: the bytes are put together again
    then, and only then.
    """

    __slots__ = ("_after", "_before", "_ready", "_second", "method", "route", "status")

    def __init__(
        self, route: str, method: str, answer: Answer, standing: Sequence[tuple[str, str]]
    ) -> None:
        self.route, self.method, self.status = route, method, answer.status
        status = f"{answer.status} {HTTP_STATUS_CODES[answer.status].upper()}"
        present = {name.lower() for name, _ in answer.headers}
        added = [(name, value) for name, value in standing if name.lower() not in present]
        fields = "".join(f"{name}: {value}\r\n" for name, value in (*answer.headers, *added))
        rest = f"{fields}\r\n".encode("latin-1") + answer.body
        # The order of these lines is gunicorn's (http/wsgi.py, Response.default_headers).
        self._before = [
            f"HTTP/1.{minor} {status}\r\nServer: gunicorn\r\nDate: ".encode("latin-1")
            for minor in (0, 1)
        ]
        self._after = [
            f"\r\nConnection: {word}\r\n".encode("ascii") + rest for word in ("keep-alive", "close")
        ]
        self._ready: list[bytes | None] = [None] * 4
        self._second = 0

    def at(self, second: int, date: bytes, minor: int, close: bool) -> bytes:
        """The whole response; *date* is the HTTP form of *second*."""
        if second != self._second:
            self._ready, self._second = [None] * 4, second
        which = minor * 2 + close
        ready = self._ready[which]
        if ready is None:
            ready = self._ready[which] = self._before[minor] + date + self._after[close]
        return ready


class Answers:
    """The look-up from what a head asks for to the Reply, None if it is not in the table."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._paths = {path.encode("ascii", "replace") for _, path in offer.resources}
        self._replies: dict[tuple[int, str, str], Reply] = {}
        self._known: dict[tuple[bytes, bytes, bytes, bytes, bytes], Reply] = {}

    def find(self, what: tuple[bytes, bytes, bytes, bytes, bytes]) -> Reply | None:
        """*what* is (method, target, Host, Accept-Encoding, If-None-Match)."""
        known = self._known.get(what)
        return known if known is not None or what[1] not in self._paths else self._choose(what)

    def _choose(self, what: tuple[bytes, bytes, bytes, bytes, bytes]) -> Reply | None:
        method, path, host, coding, condition = (value.decode("latin-1") for value in what)
        resource = self._offer.resources.get((host_of({"HTTP_HOST": host}), path))
        if resource is None:
            return None
        answer = resource.answer(method, {"accept-encoding": coding, "if-none-match": condition})
        # Answers live as long as the offer, so an id names one and no other.
        key = (id(answer), method, path)
        if key not in self._replies:
            self._replies[key] = Reply(unquote(path), method, answer, self._offer.standing_headers)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[what] = self._replies[key]
        return self._replies[key]
