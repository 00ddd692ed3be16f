"""A store that goes away and comes back, and what its users notice."""

from __future__ import annotations

import pytest

from deeplink.errors import StoreUnavailable
from deeplink.store.memory import MemoryStore
from deeplink.store.spare import SparedStore


class Unsteady:
    """A store that works while it is told to, and counts how often it was asked."""

    def __init__(self, clock):
        self.memory = MemoryStore(clock=clock)
        self.works = True
        self.asked = 0

    def __getattr__(self, verb):
        def ask(*arguments, **options):
            self.asked += 1
            if not self.works:
                raise StoreUnavailable("out of order; mend it")
            return getattr(self.memory, verb)(*arguments, **options)

        return ask


@pytest.fixture
def unsteady(clock):
    return Unsteady(clock)


@pytest.fixture
def heard():
    return []


@pytest.fixture
def spared(unsteady, clock, heard):
    return SparedStore(unsteady, clock=clock, on_change=heard.append)


def test_every_verb_goes_on_while_the_store_is_away(spared, unsteady):
    unsteady.works = False
    assert spared.put("key", b"value", 60, only_if_absent=True) is True
    assert spared.put("key", b"other", 60, only_if_absent=True) is False
    assert [spared.bump("key", 60), spared.bump("key", 60)] == [1, 2]
    assert spared.get("key") == b"value"
    assert [spared.take("key"), spared.take("key")] == [b"value", None]


def test_a_store_that_is_away_is_not_asked_each_time(spared, unsteady, clock):
    """Each try may cost a time-out of a second, for every request."""
    unsteady.works = False
    for _ in range(10):
        spared.get("key")
    assert unsteady.asked == 1
    clock.advance(2)
    for _ in range(10):
        spared.get("key")
    assert unsteady.asked == 2


def test_one_caller_at_a_time_finds_out_whether_the_store_is_back(spared, unsteady, clock):
    unsteady.works = False
    spared.get("key")
    clock.advance(2)
    answers = []

    def ask_meanwhile(key):
        answers.append(spared.get("other"))
        raise StoreUnavailable("still out of order; mend it")

    unsteady.get = ask_meanwhile
    assert spared.get("key") is None
    assert answers == [None]


def test_an_outage_is_told_once_and_so_is_its_end(spared, unsteady, clock, heard):
    unsteady.works = False
    spared.get("key")
    clock.advance(2)
    spared.get("key")
    assert [str(trouble) for trouble in heard] == ["out of order; mend it"]
    assert spared.is_away is True
    unsteady.works = True
    clock.advance(2)
    spared.get("key")
    assert heard[1:] == [None]
    assert spared.is_away is False


def test_what_was_put_meanwhile_is_found_after_the_outage(spared, unsteady, clock):
    spared.put("key", b"claim", 60)
    unsteady.works = False
    spared.put("key", b"result", 60)
    unsteady.works = True
    clock.advance(2)
    assert spared.get("key") == b"result"
    assert spared.put("key", b"claim", 60, only_if_absent=True) is False


def test_what_was_claimed_meanwhile_stays_claimed_after_the_outage(spared, unsteady, clock):
    unsteady.works = False
    spared.put("key", b"claim", 60)
    unsteady.works = True
    clock.advance(2)
    assert spared.put("key", b"other", 60, only_if_absent=True) is False


def test_a_newer_value_in_the_store_counts_again(spared, unsteady, clock):
    unsteady.works = False
    spared.put("key", b"meanwhile", 60)
    unsteady.works = True
    clock.advance(2)
    spared.put("key", b"newer", 60)
    unsteady.memory.put("key", b"from another process", 60)
    assert spared.get("key") == b"from another process"


def test_ping_tells_the_store_s_own_truth(spared, unsteady):
    assert spared.ping() is None
    unsteady.works = False
    with pytest.raises(StoreUnavailable, match="out of order"):
        spared.ping()


def test_an_outage_is_logged_with_what_to_do(unsteady, clock, caplog):
    unsteady.works = False
    SparedStore(unsteady, clock=clock).get("key")
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "store is away")
    assert record.fields["reason"] == "out of order; mend it"


def test_whoever_meets_an_outage_first_tells_all_who_use_the_store(spared, unsteady, clock, heard):
    """The limits and the standard face notice it, too, when nobody exchanges anything."""
    beside = spared.beside()
    unsteady.works = False
    beside.get("key")
    assert (spared.is_away, len(heard)) == (True, 1)
    spared.get("key")
    assert unsteady.asked == 1
    clock.advance(2)
    unsteady.works = True
    spared.get("key")
    assert (beside.is_away, heard[1:]) == (False, [None])


def test_what_fills_one_spare_displaces_nothing_in_another(spared, unsteady):
    beside = spared.beside()
    unsteady.works = False
    spared.put("key", b"result", 60)
    beside.put("key", b"count", 60)
    assert (spared.get("key"), beside.get("key")) == (b"result", b"count")
