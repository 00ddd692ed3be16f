"""A store that goes on in this process's memory while the real one is away."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from deeplink.errors import StoreUnavailable
from deeplink.logs import event
from deeplink.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from deeplink.store import Store

T = TypeVar("T")

#: Seconds after a failure in which nobody asks the real store: each try can cost its time-out.
PAUSE = 2.0

_SPARE_ENTRIES = 10_000
_SPARE_BYTES = 16 * 1024 * 1024


def log_change(trouble: StoreUnavailable | None) -> None:
    """One line when the store goes away, with what to do, and one when it is back."""
    if trouble is None:
        event("store is back", {})
        return
    event(
        "store is away",
        {"reason": str(trouble), "effect": "each process remembers answers on its own"},
        level=logging.WARNING,
    )


class SparedStore:
    """
    *store*, and this process's memory in its place while it refuses.

    Promises then hold within the process only. What was put meanwhile is still found here when
    the store is back. *on_change* hears the refusal once an outage, and None at its end; one
    caller at a time finds out whether the store is back. ``ping`` tells the store's own truth.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[StoreUnavailable | None], None] = log_change,
    ) -> None:
        self._store = store
        self._spare = MemoryStore(clock=clock, max_entries=_SPARE_ENTRIES, max_bytes=_SPARE_BYTES)
        self._clock = clock
        self._outage = _Outage(clock, on_change)

    @property
    def is_away(self) -> bool:
        """Whether the store refused when it was last asked."""
        return self._outage.is_on

    def beside(self) -> SparedStore:
        """
        The same store for another use, with a spare memory of its own: what fills the one displaces
        nothing in the other. Whichever meets an outage first, both know of it, and it is told once.
        """
        other = SparedStore(self._store, clock=self._clock)
        other._outage = self._outage
        return other

    def get(self, key: str) -> bytes | None:
        # What lies here is the newer: a put that the store took has removed it.
        spared = self._spare.get(key) if self._spare else None
        return self._try(lambda: self._store.get(key), None) if spared is None else spared

    def put(self, key: str, value: bytes, ttl: float, *, only_if_absent: bool = False) -> bool:
        if only_if_absent and self._spare and self._spare.get(key) is not None:
            return False
        kept = self._try(
            lambda: self._store.put(key, value, ttl, only_if_absent=only_if_absent), None
        )
        if kept is None:
            return self._spare.put(key, value, ttl, only_if_absent=only_if_absent)
        if kept and self._spare:
            self._spare.take(key)
        return kept

    def take(self, key: str) -> bytes | None:
        spared = self._spare.take(key) if self._spare else None
        value = self._try(lambda: self._store.take(key), None)
        return value if spared is None else spared

    def bump(self, key: str, ttl: float) -> int:
        number = self._try(lambda: self._store.bump(key, ttl), None)
        return self._spare.bump(key, ttl) if number is None else number

    def ping(self) -> None:
        self._store.ping()

    def _try(self, verb: Callable[[], T], otherwise: T) -> T:
        """What *verb* gives; *otherwise* if the store refuses, or refused a moment ago."""
        if not self._outage.may_ask():
            return otherwise
        try:
            result = verb()
        except StoreUnavailable as trouble:
            self._outage.note(trouble)
            return otherwise
        if self._outage.is_on:
            self._outage.note(None)
        return result


class _Outage:
    """Whether a store is away, known to all who ask it, and when one of them may look again."""

    def __init__(
        self, clock: Callable[[], float], on_change: Callable[[StoreUnavailable | None], None]
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self.is_on = False
        self._ask_again_at = 0.0

    def may_ask(self) -> bool:
        if not self.is_on:
            return True
        with self._lock:
            now = self._clock()
            if now < self._ask_again_at:
                return False
            self._ask_again_at = now + PAUSE
            return True

    def note(self, trouble: StoreUnavailable | None) -> None:
        with self._lock:
            changed = self.is_on != (trouble is not None)
            self.is_on = trouble is not None
            self._ask_again_at = self._clock() + PAUSE
        if changed:
            self._on_change(trouble)
