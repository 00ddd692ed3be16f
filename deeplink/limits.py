"""
How often somebody may ask: counts a minute, across machines where there is a Redis.

A process counts in a dictionary of its own, all together in ``Store.bump``. The library ``limits``
was tried first: its memory storage walks over all its keys every 10 ms, a third of a core with the
60,000 codes of a busy minute, and importing it takes 150 ms of the 350 in which the server starts.
Names are keyed digests: neither an address nor a code is written anywhere, nor kept in memory.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

from deeplink.errors import Busy, TooMany

if TYPE_CHECKING:
    from collections.abc import Callable

    from deeplink.store.spare import SparedStore

#: Seconds of one count's life. Windows begin at whole minutes of the day, the same everywhere, so
#: that everyone can be told when the next one begins.
WINDOW = 60

#: One part in so many of a limit is counted in each process alone, before Redis is asked: most
#: callers never come that far, and a question to Redis costs a tenth of an exchange. Eight
#: processes can so let through a fifth more than the limit.
FREE_SHARE = 32

#: Names that a process counts at most, for each kind of limit; beyond that the oldest are
#: forgotten. A flood of made-up codes does not displace the addresses that it comes from.
_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a minute, 0 for no limit; *trusted_hops* are the proxies that stand before us."""

    trusted_hops: int
    per_address: int
    per_app: int
    per_code: int
    to_provider: int


class Kind(StrEnum):
    """What is counted; the words are those of the config."""

    ADDRESS = "per_address"
    APP = "per_app"
    CODE = "per_code"
    PROVIDER = "to_provider"


class Limiter:
    """
    The counts of one server process.

    *name* turns an identity into bytes that do not tell it, the same on all servers that share
    *shared*. Without that, or while it is away, each of *processes* has its part of every limit.
    *on_refusal* hears which limit was reached.
    """

    def __init__(
        self,
        limits: Limits,
        name: Callable[[str, str], bytes],
        *,
        processes: int,
        shared: SparedStore | None = None,
        clock: Callable[[], float] = time.time,
        on_refusal: Callable[[Kind], None] = lambda kind: None,
    ) -> None:
        self._limits = {kind: int(getattr(limits, kind)) for kind in Kind}
        self._name = name
        self._processes = max(1, processes)
        self._shared = shared
        self._clock = clock
        self._on_refusal = on_refusal
        self._lock = threading.Lock()
        self._window = 0
        # A dictionary keeps its entries in the order in which they were written.
        self._counts: dict[Kind, dict[bytes, int]] = {kind: {} for kind in Kind}
        # For what stays in this process; a name for all servers takes four times as long.
        self._secret = secrets.token_bytes(32)

    def count(self, kind: Kind, identity: str) -> None:
        """
        One request more of *identity*.

        Above the limit it refuses with ``TooMany``, which says when the minute is over; with
        ``Busy`` where the limit is not the client's (``Kind.PROVIDER``).
        """
        limit = self._limits[kind]
        if not limit:
            return
        now = self._clock()
        if self._is_within(kind, identity, int(now // WINDOW), limit):
            return
        self._on_refusal(kind)
        refusal = Busy if kind is Kind.PROVIDER else TooMany
        raise refusal(math.ceil(WINDOW - now % WINDOW))

    def _is_within(self, kind: Kind, identity: str, window: int, limit: int) -> bool:
        digest = blake2b(identity.encode(), key=self._secret, digest_size=16).digest()
        number = self._bump(kind, digest, window)
        free = limit // FREE_SHARE
        if self._shared is not None:
            if number <= free:
                return True
            name = self._name(kind, identity).hex()
            together = self._shared.bump(f"limit:{name}:{window}", WINDOW)
            if not self._shared.is_away:
                return together <= limit - free
        return number <= math.ceil(limit / self._processes)

    def _bump(self, kind: Kind, digest: bytes, window: int) -> int:
        """How many requests that makes in this process and minute."""
        with self._lock:
            if window != self._window:
                self._window = window
                self._counts = {kind: {} for kind in Kind}
            counts = self._counts[kind]
            number = counts[digest] = counts.pop(digest, 0) + 1
            if len(counts) > _NAMES:
                del counts[next(iter(counts))]
            return number
