"""
Switches of misbehaviour: what a provider does on its bad days, ordered for the next N calls.

A mischief is *committed* if the real work is done before it is played: the code is used up, the
refresh token rotated, and only the answer is lost. That is the case a client is most often wrong
about.
"""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import NoReturn

from flask import Response, request

from deeplink.sandbox.dialect import SERVER_ERROR, TOO_MANY, UNAVAILABLE, Refusal

#: Calls that mischief can be aimed at; "any" is every one of them but the authorize page.
ENDPOINTS = ("token", "revoke", "user_info", "get_qrcode", "check_qrcode", "authorize")

#: Orders waiting at once, calls of one order, seconds and bytes of one answer.
MAX_ORDERS = 1000
MAX_CALLS = 10_000
MAX_SECONDS = 3600.0
MAX_SIZE = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table below: what is played, and what an order means when it does not say."""

    what: str
    committed: bool = False
    seconds: float = 0.0
    size: int = 0


KINDS = {
    "server_error": Kind("the error server_error, as TikTok spells it"),
    "temporarily_unavailable": Kind("the error temporarily_unavailable"),
    "rate_limit": Kind("429 rate_limit_exceeded"),
    "slow": Kind("the right answer, late", committed=True, seconds=5),
    "trickle": Kind("the right answer, byte by byte over SECONDS", committed=True, seconds=30),
    "timeout": Kind("no answer for SECONDS, then a closed connection", seconds=60),
    "malformed_json": Kind("200 with half a JSON object"),
    "html": Kind("502 with a page for people"),
    "empty": Kind("200 with nothing"),
    "redirect": Kind("302 to another path, which counts who follows"),
    "huge_body": Kind("200 with SIZE bytes of JSON", size=64 * 1024**2),
    "gzip_bomb": Kind("200 with gzip that grows to SIZE bytes", size=1024**3),
    "drop": Kind("a connection closed without an answer; nothing was done"),
    "drop_after_commit": Kind("a connection closed without an answer; all was done", True),
    "truncated": Kind("the right answer, cut in the middle", committed=True),
    "duplicate_answer": Kind("the right answer, twice in one body", committed=True),
}


@dataclass(frozen=True, slots=True)
class Mischief:
    """One order: what happens on the next *calls* calls of *endpoint*."""

    kind: str
    endpoint: str
    calls: int
    committed: bool
    seconds: float
    size: int

    def meets(self, endpoint: str) -> bool:
        """Whether a call of *endpoint* is one this order was made for."""
        return endpoint == self.endpoint or (self.endpoint == "any" and endpoint != "authorize")


def parse_mischief(order: object) -> Mischief:
    """
    The order in a JSON object; ValueError says in a sentence what is wrong with it.

    >>> parse_mischief({"kind": "drop_after_commit", "endpoint": "token"}).committed
    True
    """
    if not isinstance(order, Mapping):
        raise ValueError('an order is a JSON object such as {"kind": "drop", "calls": 2}')
    known = {"kind", "endpoint", "calls", "committed", "seconds", "size"}
    if not set(order) <= known:
        raise ValueError(f"an order has only these keys: {', '.join(sorted(known))}")
    kind = KINDS.get(order["kind"]) if isinstance(order.get("kind"), str) else None
    if kind is None:
        raise ValueError(f"kind is one of: {', '.join(KINDS)}")
    if order.get("endpoint", "any") not in (*ENDPOINTS, "any"):
        raise ValueError(f"endpoint is one of: any, {', '.join(ENDPOINTS)}")
    committed = order.get("committed", kind.committed)
    if type(committed) is not bool:
        raise ValueError("committed is true or false")
    return Mischief(
        kind=order["kind"],
        endpoint=order.get("endpoint", "any"),
        calls=int(_number(order, "calls", 1, 1, MAX_CALLS)),
        committed=committed,
        seconds=_number(order, "seconds", kind.seconds, 0, MAX_SECONDS),
        size=int(_number(order, "size", kind.size, 0, MAX_SIZE)),
    )


def _number(
    order: Mapping[str, object], name: str, default: float, least: float, most: float
) -> float:
    number = order.get(name, default)
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise ValueError(f"{name} is a number")
    if not least <= number <= most:
        raise ValueError(f"{name} lies between {least:g} and {most:g}")
    return number


class Queue:
    """The orders that wait, first come first served for each endpoint."""

    def __init__(self) -> None:
        self._orders: list[Mischief] = []
        self._lock = threading.Lock()

    def put(self, mischief: Mischief) -> None:
        """Add an order; refuses the one above the limit by ValueError."""
        with self._lock:
            if len(self._orders) >= MAX_ORDERS:
                raise ValueError(f"no more than {MAX_ORDERS} orders can wait; DELETE them first")
            self._orders.append(mischief)

    def take(self, endpoint: str) -> Mischief | None:
        """What to play on this call of *endpoint*; one call of the order is used up."""
        with self._lock:
            for place, mischief in enumerate(self._orders):
                if mischief.meets(endpoint):
                    left = replace(mischief, calls=mischief.calls - 1)
                    self._orders[place : place + 1] = [left] if left.calls else []
                    return mischief
            return None

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def as_json(self) -> list[dict[str, object]]:
        """The orders, with the calls that are left of each."""
        with self._lock:
            return [asdict(mischief) for mischief in self._orders]


def play(
    mischief: Mischief,
    answer: Callable[[], Response],
    refuse: Callable[[Refusal], Response],
    sleep: Callable[[float], None],
) -> Response:
    """
    What goes out instead of *answer*, which does the work and is called only if it is committed.

    *refuse* spells an error as the endpoint does.
    """
    real = answer() if mischief.committed else None
    honest = real if real is not None else Response(b"{}", mimetype="application/json")
    match mischief.kind:
        case "server_error":
            return refuse(SERVER_ERROR)
        case "temporarily_unavailable":
            return refuse(UNAVAILABLE)
        case "rate_limit":
            limited = refuse(TOO_MANY)
            limited.status_code = 429
            return limited
        case "slow":
            sleep(mischief.seconds)
            return real if real is not None else answer()
        case "trickle":
            return _with_body(honest, _trickle(honest.get_data(), mischief.seconds, sleep))
        case "timeout":
            return Response(_nothing(lambda: sleep(mischief.seconds), _hanger()))
        case "malformed_json":
            return Response(b'{"access_token":"act.', mimetype="application/json")
        case "html":
            return Response("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)
        case "empty":
            return Response(b"", mimetype="application/json")
        case "redirect":
            return Response(status=302, headers={"Location": "/__sandbox__/followed"})
        case "huge_body":
            return Response(_huge(mischief.size), mimetype="application/json")
        case "gzip_bomb":
            bomb = Response(_bomb(mischief.size), mimetype="application/json")
            bomb.headers["Content-Encoding"] = "gzip"
            return bomb
        case "truncated":
            body = honest.get_data()
            return _with_body(honest, _cut(body[: len(body) // 2], _hanger()), length=len(body))
        case "duplicate_answer":
            honest.set_data(honest.get_data() * 2)
            return honest
        case _:  # drop, drop_after_commit
            return Response(_nothing(lambda: None, _hanger()))


def _with_body(response: Response, chunks: Iterator[bytes], length: int | None = None) -> Response:
    response.response = chunks
    response.headers.pop("Content-Length", None)
    if length is not None:
        response.headers["Content-Length"] = str(length)
    return response


def _hanger() -> Callable[[], NoReturn]:
    """What closes the connection of the current request while its answer is being sent."""
    # Both servers put the socket there; without one (a test client) the error is all there is.
    connection = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")

    def hang_up() -> NoReturn:
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)
        # The server takes this for a client that went away, and writes nothing more.
        raise ConnectionAbortedError("mischief: the connection is closed")

    return hang_up


def _nothing(wait: Callable[[], None], hang_up: Callable[[], NoReturn]) -> Iterator[bytes]:
    yield from ()
    wait()
    hang_up()


def _trickle(body: bytes, seconds: float, sleep: Callable[[float], None]) -> Iterator[bytes]:
    for byte in body:
        yield bytes([byte])
        sleep(seconds / len(body))


def _cut(start: bytes, hang_up: Callable[[], NoReturn]) -> Iterator[bytes]:
    yield start
    hang_up()


def _huge(size: int) -> Iterator[bytes]:
    head, tail = b'{"access_token":"act.', b'"}'
    yield head
    left = max(size - len(head) - len(tail), 0)
    while left:
        chunk = min(left, 65536)
        yield b"A" * chunk
        left -= chunk
    yield tail


def _bomb(size: int) -> Iterator[bytes]:
    press = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for chunk in _huge(size):
        if squeezed := press.compress(chunk):
            yield squeezed
    yield press.flush()
