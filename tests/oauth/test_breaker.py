"""A provider that is down: nobody waits for it, and nobody's code is spent on it."""

from __future__ import annotations

import logging
import threading

import pytest

from deeplink.errors import Busy, Unanswered
from deeplink.limits import Limiter, Limits
from deeplink.oauth.breaker import REST, SILENCES, Breaker
from deeplink.outbound import PATIENCE, Fault, Reply

URL = "https://open.tiktokapis.com/v2/oauth/token/"
FINE = Reply(200, {}, b"{}")
SILENT = Unanswered(Fault.TIMEOUT, sent=True)


class Time:
    now = 1000.0

    def __call__(self):
        return self.now


class Upstream:
    def __init__(self):
        self.answer, self.calls = FINE, 0

    def __call__(self, url, fields, *, insecure_loopback, patience):
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def upstream():
    return Upstream()


def breaker_over(upstream, time, budget=0):
    limiter = Limiter(Limits(0, 0, 0, 0, budget), lambda *parts: b"x", processes=1)
    return Breaker(upstream, "tiktok", limiter, clock=time)


def ask(breaker):
    return breaker(URL, [], insecure_loopback=False, patience=PATIENCE)


def fail(breaker, times, expected=Unanswered):
    for _ in range(times):
        with pytest.raises(expected):
            ask(breaker)


def test_s31_after_some_silences_in_a_row_nobody_is_sent(upstream, time):
    breaker, upstream.answer = breaker_over(upstream, time), SILENT
    fail(breaker, SILENCES)
    with pytest.raises(Busy) as caught:
        ask(breaker)
    assert (caught.value.retry_after, upstream.calls) == (REST, SILENCES)


def test_silences_with_an_answer_between_them_open_nothing(upstream, time):
    breaker = breaker_over(upstream, time)
    for _ in range(3):
        upstream.answer = SILENT
        fail(breaker, SILENCES - 1)
        upstream.answer = FINE
        assert ask(breaker) is FINE


@pytest.mark.parametrize(
    "fault", [Fault.REDIRECT, Fault.TOO_LARGE, Fault.MALFORMED, Fault.UNDECODABLE]
)
def test_an_answer_that_cannot_be_used_is_no_silence(upstream, time, fault):
    """What an app can provoke by what it sends must not shut the door for the others."""
    breaker, upstream.answer = breaker_over(upstream, time), Unanswered(fault, sent=True)
    fail(breaker, SILENCES * 3)
    assert upstream.calls == SILENCES * 3


def test_after_the_rest_one_is_sent_to_see_and_the_others_wait_for_it(upstream, time):
    breaker, upstream.answer = breaker_over(upstream, time), SILENT
    fail(breaker, SILENCES)
    time.now += REST
    upstream.answer = FINE
    refused = []

    class Probe(Upstream):
        def __call__(self, *arguments, **options):
            fail(breaker, 3, Busy)
            refused.append(3)
            return super().__call__(*arguments, **options)

    breaker._send = Probe()
    assert ask(breaker) is FINE
    assert refused == [3]
    breaker._send = upstream
    assert ask(breaker) is FINE


def test_a_probe_that_fails_starts_another_rest(upstream, time):
    breaker, upstream.answer = breaker_over(upstream, time), SILENT
    fail(breaker, SILENCES)
    time.now += REST
    fail(breaker, 1)
    fail(breaker, 5, Busy)
    assert upstream.calls == SILENCES + 1


def test_s31_the_budget_refuses_before_anything_is_sent(upstream, time):
    breaker = breaker_over(upstream, time, budget=2)
    ask(breaker)
    ask(breaker)
    fail(breaker, 3, Busy)
    assert upstream.calls == 2


def test_the_log_says_once_that_it_opens_and_once_that_it_closes(upstream, time, caplog):
    caplog.set_level(logging.INFO)
    breaker, upstream.answer = breaker_over(upstream, time), SILENT
    fail(breaker, SILENCES)
    for _ in range(3):
        time.now += REST
        fail(breaker, 1)
    time.now += REST
    upstream.answer = FINE
    ask(breaker)
    assert [record.message for record in caplog.records] == [
        "provider is silent",
        "provider is back",
    ]


def test_threads_that_fail_at_once_open_it_once(upstream, time, caplog):
    breaker, upstream.answer = breaker_over(upstream, time), SILENT
    start = threading.Barrier(SILENCES)

    def one():
        start.wait(timeout=10)
        fail(breaker, 1)

    threads = [threading.Thread(target=one) for _ in range(SILENCES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    fail(breaker, 1, Busy)
    assert [record.message for record in caplog.records] == ["provider is silent"]
