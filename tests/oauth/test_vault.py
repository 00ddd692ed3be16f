"""Logins on a bad line: asked twice, asked at once, asked by strangers, asked of a dying server."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import traceback
from dataclasses import replace

import pytest

from deeplink.errors import (
    ProviderRefused,
    ProviderSilent,
    RequestRefused,
    StoreUnavailable,
    TooMany,
)
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Answer, Purpose, Question, Vault
from deeplink.secret import Secret
from deeplink.store.memory import MemoryStore
from deeplink.store.sqlite import SQLiteStore

OLD = Secret("SECRET-old-" + "k" * 32)
NEW = Secret("SECRET-new-" + "k" * 32)

EXCHANGE = Question(
    purpose=Purpose.EXCHANGE,
    provider="tiktok",
    app="demo",
    client_key="awkey",
    redirect_uri="https://app.example.com/login-callback/",
    grant=Secret("SECRET-code-1"),
    proof=Secret("SECRET-verifier-of-the-owner"),
)
JUNK = replace(EXCHANGE, proof=Secret("SECRET-verifier-of-a-stranger"))
REFRESH = Question(
    purpose=Purpose.REFRESH,
    provider="tiktok",
    app="demo",
    client_key="awkey",
    redirect_uri="https://app.example.com/login-callback/",
    grant=Secret("SECRET-refresh-1"),
)
TOKENS = Answer(b'{"access_token": "SECRET-access-1"}')


class Time:
    """Stands still, but for those who sleep; every sleep is written down."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Provider:
    """Answers each call with the next of *outcomes*, the last one for ever; may be held up."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.calls = 0
        self.entered = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self):
        self.calls += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        self.entered.set()
        assert self.may_answer.wait(timeout=20)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Recording(MemoryStore):
    """A store in memory that remembers all that it was ever told."""

    def __init__(self, **options):
        super().__init__(**options)
        self.told = b""

    def put(self, key, value, ttl, *, only_if_absent=False):
        self.told += key.encode() + value
        return super().put(key, value, ttl, only_if_absent=only_if_absent)


class Broken:
    """A store that cannot be reached."""

    def __getattr__(self, verb):
        def refuse(*arguments, **options):
            raise StoreUnavailable("out of order; mend it")

        return refuse


def refused():
    return ProviderRefused("invalid_grant", "The code has expired.", log_id="20260101")


def silent():
    return ProviderSilent("temporarily_unavailable", "No answer in time; send it again.")


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def store(time):
    return MemoryStore(clock=time)


@pytest.fixture
def server(store, time):
    """Make one more server (a process, a machine) on the same store."""

    def start(*keys, on=store, deadline=10.0, threads=200, **options):
        keys = build_keys(keys, instead=[Secret("SECRET-client")])
        options = {"clock": time, "sleep": time.sleep} | options
        return Vault(on, keys, deadline=deadline, threads=threads, **options)

    return start


def ask_at_once(asks):
    """What each of *asks* gave, error or answer, all in threads of their own."""
    outcomes = [None] * len(asks)

    def run(position):
        try:
            outcomes[position] = asks[position]()
        except Exception as error:
            outcomes[position] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(asks))]
    for thread in threads:
        thread.start()
    return threads, outcomes


def wait_until(condition):
    """Bounded, for what other threads are about to do."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not happen")


def finish(threads):
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()


# The same question again.


def test_the_same_question_gets_the_same_answer(server):
    """The first answer was lost on the way to the phone; the code is used up by now."""
    provider = Provider(TOKENS, refused())
    vault = server()
    first, second = vault.once(EXCHANGE, provider), vault.once(EXCHANGE, provider)
    assert second.body == first.body == b'{"access_token": "SECRET-access-1"}'
    assert (first.is_replay, second.is_replay) == (False, True)
    assert provider.calls == 1


def test_another_server_gives_the_same_answer(server):
    provider = Provider(TOKENS, refused())
    server().once(EXCHANGE, provider)
    assert server().once(EXCHANGE, provider) == TOKENS
    assert provider.calls == 1


@pytest.mark.parametrize(("question", "seconds"), [(EXCHANGE, 120), (REFRESH, 60)])
def test_an_answer_is_kept_for_its_time_and_no_longer(server, time, question, seconds):
    provider = Provider(TOKENS)
    vault = server()
    vault.once(question, provider)
    time.now += seconds - 0.5
    vault.once(question, provider)
    assert provider.calls == 1
    time.now += 0.5
    vault.once(question, provider)
    assert provider.calls == 2


def test_a_replay_does_not_prolong_itself(server, time):
    provider = Provider(TOKENS)
    vault = server()
    for _ in range(4):
        vault.once(EXCHANGE, provider)
        time.now += 40
    assert provider.calls == 2


def test_a_question_without_a_proof_is_a_question(server):
    """A provider without PKCE, accepted by the config."""
    provider = Provider(TOKENS)
    bare = replace(EXCHANGE, proof=None)
    vault = server()
    assert vault.once(bare, provider) == vault.once(bare, provider)
    assert provider.calls == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": None},
        {"proof": Secret("SECRET-other")},
        {"app": "other"},
        {"redirect_uri": "https://other.example.com/"},
    ],
)
def test_a_spent_code_is_closed_to_every_other_question(server, changes):
    provider = Provider(TOKENS)
    vault = server()
    vault.once(EXCHANGE, provider)
    with pytest.raises(RequestRefused, match="start the login again") as error:
        vault.once(replace(EXCHANGE, **changes), provider)
    assert error.value.error == "invalid_grant"
    assert provider.calls == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"grant": Secret("SECRET-code-2")},
        {"provider": "other"},
        {"client_key": "other"},
        {"purpose": Purpose.REFRESH},
    ],
)
def test_another_code_provider_or_client_is_another_matter(server, changes):
    provider = Provider(TOKENS)
    vault = server()
    vault.once(EXCHANGE, provider)
    vault.once(replace(EXCHANGE, **changes), provider)
    assert provider.calls == 2


# Strangers.


def test_a_junk_verifier_cannot_lock_the_owner_out(server):
    provider = Provider(refused(), TOKENS)
    vault = server()
    with pytest.raises(ProviderRefused):
        vault.once(JUNK, provider)
    assert vault.once(EXCHANGE, provider) == TOKENS


def test_the_owner_s_answer_is_not_for_a_stranger(server):
    provider = Provider(TOKENS)
    vault = server()
    vault.once(EXCHANGE, provider)
    with pytest.raises(RequestRefused):
        vault.once(JUNK, provider)
    assert vault.once(EXCHANGE, provider) == TOKENS
    assert provider.calls == 1


def test_attempts_on_one_code_run_one_after_another(server):
    """Two at once could both reach the provider, which would take that for theft."""
    provider = Provider(refused(), TOKENS)
    provider.may_answer.clear()
    vault = server()
    strangers, theirs = ask_at_once([lambda: vault.once(JUNK, provider)])
    wait_until(provider.entered.is_set)
    owners, ours = ask_at_once([lambda: vault.once(EXCHANGE, provider)])
    wait_until(lambda: vault._waiting == 1)
    assert provider.calls == 1
    provider.may_answer.set()
    finish(strangers + owners)
    assert isinstance(theirs[0], ProviderRefused)
    assert ours == [TOKENS]


def test_another_server_waits_for_its_turn_too(server, time):
    provider = Provider(refused(), TOKENS)
    provider.may_answer.clear()
    strangers, _ = ask_at_once([lambda: server().once(JUNK, provider)])
    wait_until(provider.entered.is_set)

    def sleep(seconds):
        assert provider.calls == 1
        time.sleep(seconds)
        if len(time.slept) == 3:
            provider.may_answer.set()
            finish(strangers)

    assert server(sleep=sleep).once(EXCHANGE, provider) == TOKENS
    assert time.slept == pytest.approx([0.02, 0.03, 0.045])


def test_who_came_first_is_served_first(server):
    provider = Provider(refused())
    provider.may_answer.clear()
    vault = server()
    order = []

    def asker(number):
        question = replace(EXCHANGE, proof=Secret(f"SECRET-{number}"))

        def call():
            order.append(number)
            return provider()

        return lambda: vault.once(question, call)

    threads = ask_at_once([asker(0)])[0]
    wait_until(provider.entered.is_set)
    for number in range(1, 8):
        threads += ask_at_once([asker(number)])[0]
        wait_until(lambda expected=number: vault._waiting == expected)
    provider.may_answer.set()
    finish(threads)
    assert order == list(range(8))


# All at once.


def test_twenty_parallel_refreshes_make_one_call_and_get_twenty_equal_answers(server):
    provider = Provider(TOKENS, refused())
    provider.may_answer.clear()
    vault = server()
    threads, answers = ask_at_once([lambda: vault.once(REFRESH, provider)] * 20)
    wait_until(lambda: vault._waiting == 19)
    provider.may_answer.set()
    finish(threads)
    assert answers == [TOKENS] * 20
    assert provider.calls == 1


def test_many_threads_of_two_servers_make_one_call(server):
    provider = Provider(TOKENS, refused())
    provider.may_answer.clear()
    pause = threading.Event()
    one, other = (server(sleep=lambda _: pause.wait(0.005)) for _ in range(2))
    threads, answers = ask_at_once(
        [lambda: one.once(EXCHANGE, provider), lambda: other.once(EXCHANGE, provider)] * 32
    )
    wait_until(lambda: one._waiting + other._waiting == 63)
    provider.may_answer.set()
    finish(threads)
    assert answers == [TOKENS] * 64
    assert provider.calls == 1


PROCESS = """
import sys, threading
from pathlib import Path
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Answer, Purpose, Question, Vault
from deeplink.secret import Secret
from deeplink.store.sqlite import SQLiteStore

folder = Path(sys.argv[1])
question = Question(Purpose(sys.argv[2]), "tiktok", "demo", "awkey", "https://app.example.com/",
                    Secret("SECRET-grant"), None)
keys = build_keys([], instead=[Secret("SECRET-client")])
store = SQLiteStore(folder / "store.sqlite")
vault = Vault(store, keys, deadline=10, threads=200)

def ask():
    with open(folder / "calls", "a") as calls:
        calls.write("call\\n")
    threading.Event().wait(0.3)
    return Answer(b"SECRET-tokens")

answers = []
threads = [threading.Thread(target=lambda: answers.append(vault.once(question, ask)))
           for _ in range(32)]
store.ping()
print("ready", flush=True)
input()
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(answers), len({answer.body for answer in answers}), sum(not a.is_replay for a in answers))
"""


@pytest.mark.parametrize("purpose", ["exchange", "refresh"])
def test_sixty_four_threads_in_two_processes_make_one_call(root, tmp_path, purpose):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), purpose],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    reports = sorted(process.communicate(timeout=30)[0] for process in processes)
    assert reports == ["32 1 0\n", "32 1 1\n"]
    assert (tmp_path / "calls").read_text() == "call\n"


# Calls that fail.


def test_a_definite_no_is_repeated_word_for_word_without_a_call(server):
    provider = Provider(refused(), TOKENS)
    with pytest.raises(ProviderRefused):
        server().once(EXCHANGE, provider)
    with pytest.raises(ProviderRefused) as error:
        server().once(EXCHANGE, provider)
    told = error.value
    assert (told.error, told.description, told.log_id) == (
        "invalid_grant",
        "The code has expired.",
        "20260101",
    )
    assert provider.calls == 1


def test_a_definite_no_is_forgotten_with_time(server, time):
    provider = Provider(refused(), TOKENS)
    vault = server()
    with pytest.raises(ProviderRefused):
        vault.once(EXCHANGE, provider)
    time.now += 120
    assert vault.once(EXCHANGE, provider) == TOKENS


@pytest.mark.parametrize("failure", [silent(), TooMany(30), ValueError("a fault of ours")])
def test_what_is_not_definite_is_not_repeated(server, failure):
    provider = Provider(failure, TOKENS)
    vault = server()
    with pytest.raises(type(failure)):
        vault.once(EXCHANGE, provider)
    assert vault.once(EXCHANGE, provider) == TOKENS


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refused(), ProviderRefused),
        (silent(), ProviderSilent),
        (TooMany(30), TooMany),
        (StoreUnavailable("no key"), StoreUnavailable),
        (ValueError("a fault of ours"), ProviderSilent),
    ],
)
def test_those_who_waited_share_the_failure_and_make_no_call(server, failure, kind):
    provider = Provider(failure, TOKENS)
    provider.may_answer.clear()
    vault = server()
    leaders, _ = ask_at_once([lambda: vault.once(EXCHANGE, provider)])
    wait_until(provider.entered.is_set)
    followers, outcomes = ask_at_once([lambda: vault.once(EXCHANGE, provider)] * 5)
    wait_until(lambda: vault._waiting == 5)
    provider.may_answer.set()
    finish(leaders + followers)
    assert {type(outcome) for outcome in outcomes} == {kind}
    assert len({id(outcome) for outcome in outcomes}) == 5
    assert provider.calls == 1


def test_another_server_that_waited_shares_the_silence(server, time):
    """It must not call as well, one waiter after another, at a provider that is down."""
    provider = Provider(silent(), TOKENS)
    provider.may_answer.clear()
    leaders, _ = ask_at_once([lambda: server().once(EXCHANGE, provider)])
    wait_until(provider.entered.is_set)

    def sleep(seconds):
        time.sleep(seconds)
        provider.may_answer.set()
        finish(leaders)

    waiting = server(sleep=sleep)
    with pytest.raises(ProviderSilent, match="No answer in time"):
        waiting.once(EXCHANGE, provider)
    assert provider.calls == 1
    assert waiting.once(EXCHANGE, provider) == TOKENS


def test_a_stranger_s_silence_is_not_the_owner_s(server, time):
    provider = Provider(silent(), TOKENS)
    provider.may_answer.clear()
    leaders, _ = ask_at_once([lambda: server().once(JUNK, provider)])
    wait_until(provider.entered.is_set)

    def sleep(seconds):
        time.sleep(seconds)
        provider.may_answer.set()
        finish(leaders)

    assert server(sleep=sleep).once(EXCHANGE, provider) == TOKENS


def test_an_older_silence_is_not_that_of_the_call_we_waited_for(server, time):
    """The second call was not even sent (a breaker, a budget): the third may be."""
    first, second = Provider(silent()), Provider(TooMany(1))
    with pytest.raises(ProviderSilent):
        server().once(EXCHANGE, first)
    second.may_answer.clear()
    leaders, _ = ask_at_once([lambda: server().once(EXCHANGE, second)])
    wait_until(second.entered.is_set)

    def sleep(seconds):
        time.sleep(seconds)
        second.may_answer.set()
        finish(leaders)

    assert server(sleep=sleep).once(EXCHANGE, Provider(TOKENS)) == TOKENS


# Servers that die.

KILLED = """
import os, signal, sys
from pathlib import Path
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Purpose, Question, Vault
from deeplink.secret import Secret
from deeplink.store.sqlite import SQLiteStore

question = Question(Purpose.EXCHANGE, "tiktok", "demo", "awkey",
                    "https://app.example.com/login-callback/",
                    Secret("SECRET-code-1"), Secret("SECRET-verifier-of-the-owner"))
keys = build_keys([], instead=[Secret("SECRET-client")])
store = SQLiteStore(Path(sys.argv[1]), clock=lambda: 1000.0)
vault = Vault(store, keys, deadline=10, threads=200)
vault.once(question, lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture
def after_a_kill(root, tmp_path, time):
    """The store as a worker left it that was killed in the middle of its call."""
    path = tmp_path / "store.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, timeout=20)
    assert done.returncode == -9
    store = SQLiteStore(path, clock=time)
    yield store
    store.close()


def test_the_lease_of_a_killed_server_ends_and_the_repeat_calls_once_more(
    server, time, after_a_kill
):
    provider = Provider(TOKENS)
    vault = server(on=after_a_kill)
    assert vault.once(EXCHANGE, provider) == TOKENS
    assert 1012 <= time.now <= 1012.25
    assert max(time.slept) == 0.25
    assert vault.once(EXCHANGE, provider).is_replay
    assert provider.calls == 1


def test_a_repeat_without_time_for_a_call_is_sent_back_and_then_calls(server, time, after_a_kill):
    """Deadline 24 s: the killed server's lease would leave nothing of the router's 30 s."""
    provider = Provider(TOKENS)
    vault = server(on=after_a_kill, deadline=24.0)
    with pytest.raises(TooMany) as error:
        vault.once(EXCHANGE, provider)
    assert (error.value.retry_after, provider.calls) == (1, 0)
    assert vault.once(EXCHANGE, provider) == TOKENS


def test_a_stranger_does_not_wait_longer_than_leaves_time_for_a_call(server, time, after_a_kill):
    vault = server(on=after_a_kill, deadline=24.0)
    with pytest.raises(TooMany):
        vault.once(JUNK, Provider(TOKENS))
    assert 1004 <= time.now < 1004.5


def test_who_was_thought_dead_and_comes_back_with_tokens_shares_them(server, time):
    """A stopped process goes on after its lease; the code is spent, the second call refused."""
    late, quick = server(), server()
    slow = Provider(TOKENS)
    slow.may_answer.clear()
    sleepers, asleep = ask_at_once([lambda: late.once(EXCHANGE, slow)])
    wait_until(slow.entered.is_set)
    time.now += 12

    def refuse():
        slow.may_answer.set()
        finish(sleepers)
        raise refused()

    assert quick.once(EXCHANGE, refuse) == TOKENS
    assert asleep == [TOKENS]
    assert server().once(EXCHANGE, refuse).is_replay


def test_who_comes_back_with_nothing_does_not_take_another_s_claim(server, time):
    late, quick = server(), server()
    slow, provider = Provider(silent()), Provider(TOKENS)
    slow.may_answer.clear()
    provider.may_answer.clear()
    sleepers, _ = ask_at_once([lambda: late.once(EXCHANGE, slow)])
    wait_until(slow.entered.is_set)
    time.now += 12
    askers, answers = ask_at_once([lambda: quick.once(EXCHANGE, provider)])
    wait_until(provider.entered.is_set)
    slow.may_answer.set()
    finish(sleepers)

    def sleep(seconds):
        time.sleep(seconds)
        provider.may_answer.set()
        finish(askers)

    third = server(sleep=sleep)
    assert third.once(EXCHANGE, provider).is_replay
    assert answers == [TOKENS]
    assert provider.calls == 1


# Refresh tokens that follow one another.


def second_refresh(token="SECRET-refresh-2"):
    return replace(REFRESH, grant=Secret(token))


def test_an_answer_is_forgotten_when_its_new_token_is_presented(server):
    """Its owner has got it; what is no longer needed is not kept."""
    first = replace(TOKENS, successor=Secret("SECRET-refresh-2"))
    provider = Provider(first, TOKENS)
    vault = server()
    vault.once(REFRESH, provider)
    assert vault.once(REFRESH, provider).is_replay
    server().once(second_refresh(), provider)
    with pytest.raises(RequestRefused, match="expired or was replaced") as error:
        vault.once(REFRESH, provider)
    assert error.value.error == "invalid_grant"
    assert provider.calls == 2


def test_a_provider_that_keeps_the_refresh_token_keeps_the_replay(server):
    provider = Provider(replace(TOKENS, successor=Secret("SECRET-refresh-1")), refused())
    vault = server()
    assert [vault.once(REFRESH, provider) for _ in range(3)] == [TOKENS] * 3
    assert provider.calls == 1


def test_another_token_forgets_nothing(server):
    first = replace(TOKENS, successor=Secret("SECRET-refresh-2"))
    provider = Provider(first, TOKENS)
    vault = server()
    vault.once(REFRESH, provider)
    vault.once(second_refresh("SECRET-refresh-9"), provider)
    vault.once(replace(second_refresh(), client_key="other"), provider)
    assert vault.once(REFRESH, provider).is_replay


# Keys.


def test_servers_in_the_middle_of_a_rotation_see_each_other(server):
    """Added second, deployed, promoted, the old one removed: neighbours run side by side."""
    steps = [(OLD,), (OLD, NEW), (NEW, OLD), (NEW,)]
    for before, after in itertools.pairwise(steps):
        for first, second in ((before, after), (after, before)):
            question = replace(
                EXCHANGE, grant=Secret(f"SECRET-{steps.index(first)}-{steps.index(second)}")
            )
            provider = Provider(TOKENS, refused())
            server(*first).once(question, provider)
            assert server(*second).once(question, provider) == TOKENS
            with pytest.raises(RequestRefused):
                server(*second).once(replace(question, proof=Secret("SECRET-x")), provider)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "pair", [((OLD,), (OLD, NEW)), ((OLD, NEW), (NEW, OLD)), ((NEW, OLD), (NEW,))]
)
def test_servers_in_the_middle_of_a_rotation_share_one_claim(server, time, pair, order):
    first, second = pair[::order]
    provider = Provider(TOKENS, refused())
    provider.may_answer.clear()
    leaders, _ = ask_at_once([lambda: server(*first).once(EXCHANGE, provider)])
    wait_until(provider.entered.is_set)

    def sleep(seconds):
        time.sleep(seconds)
        provider.may_answer.set()
        finish(leaders)

    assert server(*second, sleep=sleep).once(EXCHANGE, provider).is_replay
    assert provider.calls == 1
    assert time.slept == [0.02]


def test_a_rotation_with_a_step_left_out_is_our_fault_and_not_the_code_s(server):
    """invalid_grant would make the app throw the login away; it may ask again instead."""
    provider = Provider(TOKENS)
    server(NEW, OLD).once(EXCHANGE, provider)
    with pytest.raises(StoreUnavailable, match="a new one second"):
        server(OLD).once(EXCHANGE, provider)
    assert provider.calls == 1


# Crowds.


def test_sixty_four_may_wait_for_one_code_and_no_more(server):
    provider = Provider(TOKENS)
    provider.may_answer.clear()
    vault = server(threads=1000)
    threads, answers = ask_at_once([lambda: vault.once(EXCHANGE, provider)] * 65)
    wait_until(lambda: vault._waiting == 64)
    with pytest.raises(TooMany) as error:
        vault.once(EXCHANGE, provider)
    assert error.value.retry_after == 1
    provider.may_answer.set()
    finish(threads)
    assert answers == [TOKENS] * 65


def test_half_the_threads_may_wait_and_the_rest_goes_on(server):
    provider = Provider(TOKENS)
    provider.may_answer.clear()
    vault = server(threads=20)
    codes = [replace(EXCHANGE, grant=Secret(f"SECRET-{number}")) for number in range(5)]
    threads, answers = ask_at_once(
        [lambda question=question: vault.once(question, provider) for question in codes * 3]
    )
    wait_until(lambda: vault._waiting == 10)
    with pytest.raises(TooMany):
        vault.once(codes[0], provider)
    assert vault.once(replace(EXCHANGE, grant=Secret("SECRET-new")), lambda: TOKENS) == TOKENS
    provider.may_answer.set()
    finish(threads)
    assert answers == [TOKENS] * 15


def test_waiting_for_another_server_takes_a_seat_too(server, time):
    provider = Provider(TOKENS)
    provider.may_answer.clear()
    leaders, _ = ask_at_once([lambda: server().once(EXCHANGE, provider)])
    wait_until(provider.entered.is_set)

    def sleep(seconds):
        with pytest.raises(TooMany):
            small.once(replace(EXCHANGE, app="other"), provider)
        time.sleep(seconds)
        provider.may_answer.set()
        finish(leaders)

    small = server(threads=2, sleep=sleep)
    assert small.once(EXCHANGE, provider).is_replay


def test_nothing_is_left_behind(server):
    vault = server()
    for number in range(10):
        vault.once(replace(EXCHANGE, grant=Secret(f"SECRET-{number}")), Provider(TOKENS))
    with pytest.raises(ProviderSilent):
        vault.once(JUNK, Provider(silent()))
    assert (vault._lines, vault._waiting) == ({}, 0)


# A store that is away.


def test_without_the_store_one_server_keeps_its_promises(server):
    heard = []
    provider = Provider(TOKENS, refused())
    provider.may_answer.clear()
    vault = server(on=Broken(), on_store_change=heard.append)
    threads, answers = ask_at_once([lambda: vault.once(REFRESH, provider)] * 20)
    wait_until(lambda: vault._waiting == 19)
    provider.may_answer.set()
    finish(threads)
    assert answers == [TOKENS] * 20
    assert vault.once(REFRESH, provider).is_replay
    assert provider.calls == 1
    assert [str(trouble) for trouble in heard] == ["out of order; mend it"]
    assert vault.store.is_away is True


def test_a_store_that_dies_during_the_call_loses_nothing(server, store, time):
    class Dying:
        alive = True

        def __getattr__(self, verb):
            if not self.alive:
                raise StoreUnavailable("out of order; mend it")
            return getattr(store, verb)

    dying = Dying()

    def ask():
        dying.alive = False
        return TOKENS

    vault = server(on=dying)
    assert vault.once(EXCHANGE, ask) == TOKENS
    dying.alive = True
    time.now += 5
    assert vault.once(EXCHANGE, Provider(refused())) == TOKENS


# Nothing to steal.


def everything_asked(vault):
    """A login, its replay, a refresh, a refusal and a silence, all with secrets in them."""
    vault.once(EXCHANGE, Provider(TOKENS))
    vault.once(EXCHANGE, Provider(TOKENS))
    vault.once(REFRESH, Provider(replace(TOKENS, successor=Secret("SECRET-refresh-2"))))
    vault.once(second_refresh(), Provider(TOKENS))
    failures = [
        ProviderRefused("invalid_grant", "SECRET-description", log_id="SECRET-log-id"),
        ProviderSilent("server_error", "SECRET-description", log_id="SECRET-log-id"),
    ]
    for number, failure in enumerate(failures):
        question = replace(EXCHANGE, grant=Secret(f"SECRET-code-{number}-failing"))
        with pytest.raises(type(failure)):
            vault.once(question, Provider(failure))


def test_nothing_in_the_store_can_be_read(server, time):
    store = Recording(clock=time)
    everything_asked(server(OLD, NEW, on=store))
    assert len(store.told) > 1000
    assert b"SECRET" not in store.told
    assert b"tiktok" not in store.told


def test_nothing_in_the_file_can_be_read(server, time, tmp_path):
    store = SQLiteStore(tmp_path / "store.sqlite", clock=time)
    everything_asked(server(OLD, NEW, on=store))
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    store.close()
    assert len(written) > 4096
    assert b"SECRET" not in written


def test_nothing_secret_shows_in_a_question_an_answer_or_an_error(server):
    vault = server()
    vault.once(EXCHANGE, Provider(TOKENS))
    with pytest.raises(RequestRefused) as error:
        vault.once(JUNK, Provider(TOKENS))
    shown = repr(EXCHANGE) + repr(TOKENS) + "".join(traceback.format_exception(error.value))
    assert "SECRET" not in shown


def test_the_store_s_keys_do_not_serve_to_guess(server, time):
    """A name is no plain digest: who steals the store cannot even try codes out."""
    one, other = Recording(clock=time), Recording(clock=time)
    server(OLD, on=one, random=bytes).once(EXCHANGE, Provider(TOKENS))
    server(NEW, on=other, random=bytes).once(EXCHANGE, Provider(TOKENS))
    assert one.told[:32] != other.told[:32]
