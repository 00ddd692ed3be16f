"""Counts a minute: whose, across whom, and what is told to those above them."""

from __future__ import annotations

import pytest

from deeplink.errors import Busy, StoreUnavailable, TooMany
from deeplink.limits import Kind, Limiter, Limits
from deeplink.store.memory import MemoryStore
from deeplink.store.spare import SparedStore


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def limits(**changes):
    values = dict.fromkeys(("trusted_hops", "per_address", "per_app", "per_code", "to_provider"), 0)
    return Limits(**(values | changes))


def name(kind, identity):
    return f"{kind}{identity}".encode()


def limiter(clock=None, *, processes=1, shared=None, **changes):
    clock = clock or Clock(1_200_000.0)
    return Limiter(limits(**changes), name, processes=processes, shared=shared, clock=clock)


def passed(one, identity="a", kind=Kind.ADDRESS, tries=1000):
    """How many of *tries* requests were let through before the first that was not."""
    for number in range(tries):
        try:
            one.count(kind, identity)
        except TooMany:
            return number
    return tries


def test_s31_a_limit_holds_for_a_minute_and_for_one_identity():
    clock = Clock(1_200_015.5)
    one = limiter(clock, per_address=3)
    assert passed(one) == 3
    assert passed(one, "b") == 3
    clock.now = 1_200_060.0
    assert passed(one) == 3


def test_s31_who_is_above_learns_when_the_minute_is_over():
    one = limiter(Clock(1_200_015.5), per_address=1)
    one.count(Kind.ADDRESS, "a")
    with pytest.raises(TooMany) as caught:
        one.count(Kind.ADDRESS, "a")
    assert (caught.value.retry_after, caught.value.code) == (45, "too_many")


def test_a_limit_of_nothing_is_no_limit():
    assert passed(limiter()) == 1000


def test_kinds_are_counted_apart():
    one = limiter(per_address=2, per_code=3)
    assert passed(one, kind=Kind.CODE) == 3
    assert passed(one, kind=Kind.ADDRESS) == 2


def test_each_process_has_its_part_of_the_limit():
    assert passed(limiter(processes=2, per_address=10)) == 5
    assert passed(limiter(processes=3, per_address=10)) == 4
    assert passed(limiter(processes=3, per_address=1)) == 1


def test_the_providers_budget_is_about_us_and_not_about_the_client():
    one = limiter(to_provider=1)
    one.count(Kind.PROVIDER, "tiktok")
    with pytest.raises(Busy):
        one.count(Kind.PROVIDER, "tiktok")


def test_s31_processes_that_share_a_store_share_the_limit():
    """A 32nd part is counted in each alone: 10 of 320 here, and 310 together."""
    store = MemoryStore()
    first, second = (
        limiter(processes=9, shared=SparedStore(store), per_address=320) for _ in range(2)
    )
    assert passed(first) == 320
    assert passed(second) == 10


class Broken:
    def __getattr__(self, verb):
        def refuse(*arguments, **options):
            raise StoreUnavailable("out of order; mend it")

        return refuse


def test_while_the_shared_store_is_away_each_process_has_its_part():
    shared = SparedStore(Broken(), on_change=lambda trouble: None)
    assert passed(limiter(processes=2, shared=shared, per_address=100)) == 50


def test_a_refusal_is_heard():
    heard = []
    one = Limiter(limits(per_app=1), name, processes=1, on_refusal=heard.append)
    passed(one, kind=Kind.APP)
    assert heard == ["per_app"]


def test_no_identity_is_written_down():
    store = MemoryStore()
    one = Limiter(
        limits(per_code=1),
        lambda kind, identity: b"\x01\x02",
        processes=1,
        shared=SparedStore(store),
        clock=Clock(120.0),
    )
    passed(one, "SECRET-code", kind=Kind.CODE)
    assert store.bump("limit:0102:2", 60) > 1
