"""Entries in this process's own memory: for one process, for tests, and for the hour of need."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeplink.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ENTRIES = 50_000
MAX_BYTES = 64 * 1024 * 1024

#: Seconds between two searches for entries that are too old. One over 50,000 takes some 5 ms.
SWEEP_EVERY = 5.0

#: What an entry costs beyond its own bytes (dictionary slot, objects), about, on CPython 3.11.
_OVERHEAD = 250


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    expires: float

    def size(self, key: str) -> int:
        return len(key) + len(self.value) + _OVERHEAD


class MemoryStore:
    """
    A store for the threads of one process; its processes, if several, do not see one another.

    Holds at most *max_entries* and about *max_bytes*; beyond that the oldest go first.
    *clock* counts seconds, from whenever.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        # A dictionary keeps its entries in the order in which they were written.
        self._entries: dict[str, _Entry] = {}
        self._bytes = 0
        self._next_sweep = clock() + SWEEP_EVERY

    def get(self, key: str) -> bytes | None:
        with self._lock:
            return self._find("v:" + key)

    def put(self, key: str, value: bytes, ttl: float, *, only_if_absent: bool = False) -> bool:
        with self._lock:
            if only_if_absent and self._find("v:" + key) is not None:
                return False
            self._write("v:" + key, _Entry(value, self._clock() + ttl))
            return True

    def take(self, key: str) -> bytes | None:
        with self._lock:
            value = self._find("v:" + key)
            self._drop("v:" + key)
            return value

    def bump(self, key: str, ttl: float) -> int:
        with self._lock:
            name = "n:" + key
            counted = self._find(name)
            expires = self._entries[name].expires if counted else self._clock() + ttl
            number = int(counted or 0) + 1
            self._write(name, _Entry(b"%d" % number, expires))
            return number

    def ping(self) -> None:
        """This process's memory is always there."""

    def __len__(self) -> int:
        """How many entries are held, the ones included that are too old and not yet dropped."""
        return len(self._entries)

    def _find(self, name: str) -> bytes | None:
        entry = self._entries.get(name)
        return entry.value if entry and entry.expires > self._clock() else None

    def _write(self, name: str, entry: _Entry) -> None:
        if entry.size(name) > self._max_bytes:
            raise StoreUnavailable("an entry is larger than the whole store in memory may be")
        self._sweep()
        self._drop(name)
        self._entries[name] = entry
        self._bytes += entry.size(name)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _sweep(self) -> None:
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_EVERY
        for name in [name for name, entry in self._entries.items() if entry.expires <= now]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry:
            self._bytes -= entry.size(name)
