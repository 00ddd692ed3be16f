"""
How often somebody may ask: counts a minute, across machines where there is a Redis.

The counts are ``Store.bump``. The library ``limits`` was tried first: its memory storage walks over
all its keys every 10 ms, a third of a core with the 60,000 codes of a busy minute, and importing
it takes 150 ms of the 350 in which the server starts. Names are digests made with the server's
key: neither an address nor a code is written anywhere.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deeplink.errors import Busy, TooMany
from deeplink.store.memory import MemoryStore

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
        self._counts = {kind: MemoryStore(clock=clock, max_entries=_NAMES) for kind in Kind}

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
        key = f"limit:{self._name(kind, identity).hex()}:{int(now // WINDOW)}"
        if self._is_within(kind, key, limit):
            return
        self._on_refusal(kind)
        refusal = Busy if kind is Kind.PROVIDER else TooMany
        raise refusal(math.ceil(WINDOW - now % WINDOW))

    def _is_within(self, kind: Kind, key: str, limit: int) -> bool:
        number = self._counts[kind].bump(key, WINDOW)
        free = limit // FREE_SHARE
        if self._shared is not None:
            if number <= free:
                return True
            together = self._shared.bump(key, WINDOW)
            if not self._shared.is_away:
                return together <= limit - free
        return number <= math.ceil(limit / self._processes)
