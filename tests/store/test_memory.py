from __future__ import annotations

import pytest

from deeplink.errors import StoreUnavailable
from deeplink.store.memory import MemoryStore


def test_the_oldest_entries_make_room(clock):
    store = MemoryStore(clock=clock, max_entries=3)
    for key in ("first", "second", "third", "fourth"):
        store.put(key, b"value", 60)
    assert len(store) == 3
    assert store.get("first") is None
    assert store.get("fourth") == b"value"


def test_an_entry_written_again_is_young_again(clock):
    store = MemoryStore(clock=clock, max_entries=2)
    for key in ("first", "second", "first", "third"):
        store.put(key, b"value", 60)
    assert [store.get(key) for key in ("first", "second", "third")] == [b"value", None, b"value"]


def test_bytes_are_bounded_as_well_as_entries(clock):
    store = MemoryStore(clock=clock, max_bytes=100_000)
    for key in range(100):
        store.put(f"key-{key}", bytes(10_000), 60)
    assert len(store) == 9


def test_the_bytes_of_what_was_taken_are_free_again(clock):
    store = MemoryStore(clock=clock, max_bytes=25_000)
    store.put("kept", b"value", 60)
    for key in range(100):
        store.put(f"key-{key}", bytes(20_000), 60)
        store.take(f"key-{key}")
    assert store.get("kept") == b"value"


def test_an_entry_larger_than_everything_is_refused(clock):
    store = MemoryStore(clock=clock, max_bytes=1000)
    store.put("kept", b"value", 60)
    with pytest.raises(StoreUnavailable, match="larger than the whole store"):
        store.put("key", bytes(2000), 60)
    assert store.get("kept") == b"value"


def test_what_is_too_old_does_not_stay(clock):
    store = MemoryStore(clock=clock)
    for key in range(100):
        store.put(f"key-{key}", b"value", 60)
    clock.advance(61)
    store.put("new", b"value", 60)
    assert len(store) == 1
