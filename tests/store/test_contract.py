"""What every store promises, asked of all of them; ``store.Store`` says it in words."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import uuid

import pytest
import redis

from deeplink.secret import Secret
from deeplink.store.memory import MemoryStore
from deeplink.store.redis import RedisStore
from deeplink.store.spare import SparedStore
from deeplink.store.sqlite import SQLiteStore


class Subject:
    """A store under test, how its time passes, and how another process opens the same one."""

    def __init__(self, store, advance, expression=None):
        self.store = store
        self.advance = advance
        self.expression = expression


def in_memory(request):
    clock = request.getfixturevalue("clock")
    return Subject(MemoryStore(clock=clock), clock.advance)


def in_sqlite(request):
    clock = request.getfixturevalue("clock")
    path = request.getfixturevalue("tmp_path") / "store.sqlite"
    store = SQLiteStore(path, clock=clock)
    request.addfinalizer(store.close)
    return Subject(
        store,
        clock.advance,
        "__import__('deeplink.store.sqlite').store.sqlite.SQLiteStore("
        f"__import__('pathlib').Path({str(path)!r}), clock=lambda: {clock.now})",
    )


def in_redis(request):
    server = request.getfixturevalue("redis_server")
    client = redis.Redis(port=server.port)
    request.addfinalizer(client.close)
    client.flushall()
    store = RedisStore(Secret(server.url))
    request.addfinalizer(store.close)
    return Subject(
        store,
        lambda seconds: move_expiries(client, seconds),
        "__import__('deeplink.store.redis').store.redis.RedisStore("
        f"__import__('deeplink.secret').secret.Secret({server.url!r}))",
    )


def in_spared_memory(request):
    clock = request.getfixturevalue("clock")
    return Subject(SparedStore(MemoryStore(clock=clock), clock=clock), clock.advance)


def move_expiries(client, seconds):
    """Redis has its own clock: instead of the time, the end of every entry comes nearer."""
    for key in client.scan_iter():
        client.pexpire(key, client.pttl(key) - math.ceil(seconds * 1000))


@pytest.fixture(params=[in_memory, in_sqlite, in_redis, in_spared_memory])
def subject(request):
    return request.param(request)


@pytest.fixture
def store(subject):
    return subject.store


@pytest.fixture(params=[in_sqlite, in_redis])
def shared(request):
    return request.param(request)


def race(threads, act):
    """What *act* gave each of so many threads that all began at once."""
    barrier = threading.Barrier(threads)
    results = []

    def run(number):
        barrier.wait(timeout=10)
        results.append(act(number))

    runners = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(timeout=20)
    assert len(results) == threads
    return results


def race_processes(root, expression, statement, processes=4):
    """The lines that *statement* printed in so many processes that all began at once."""
    script = f"store = {expression}; store.ping(); print('ready', flush=True); input(); {statement}"
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for runner in runners:
        assert runner.stdout.readline() == "ready\n"
    for runner in runners:
        runner.stdin.write("\n")
        runner.stdin.flush()
    return [line for runner in runners for line in runner.communicate(timeout=20)[0].splitlines()]


def test_a_value_comes_back_as_it_was(store):
    everything = bytes(range(256)) * 16
    assert store.put("key", everything, 60) is True
    assert store.get("key") == everything


def test_an_empty_value_is_a_value(store):
    store.put("key", b"", 60)
    assert store.get("key") == b""
    assert store.put("key", b"other", 60, only_if_absent=True) is False
    assert store.take("key") == b""


def test_what_was_never_put_is_none(store):
    assert store.get("key") is None
    assert store.take("key") is None


def test_reading_does_not_use_up(store):
    store.put("key", b"value", 60)
    assert [store.get("key"), store.get("key")] == [b"value", b"value"]


def test_a_later_put_replaces_value_and_time(subject):
    subject.store.put("key", b"first", 10)
    assert subject.store.put("key", b"second", 100) is True
    subject.advance(50)
    assert subject.store.get("key") == b"second"


def test_a_value_ends_with_its_time(subject):
    subject.store.put("key", b"value", 60)
    subject.advance(58)
    assert subject.store.get("key") == b"value"
    subject.advance(2)
    assert subject.store.get("key") is None


def test_a_fraction_of_a_second_is_a_time(subject):
    subject.store.put("key", b"value", 0.9)
    subject.advance(0.9)
    assert subject.store.get("key") is None


def test_take_gives_a_value_once(store):
    store.put("key", b"value", 60)
    assert store.take("key") == b"value"
    assert store.take("key") is None
    assert store.get("key") is None


def test_take_finds_nothing_too_old(subject):
    subject.store.put("key", b"value", 60)
    subject.advance(60)
    assert subject.store.take("key") is None


def test_only_if_absent_leaves_what_is_there(subject):
    subject.store.put("key", b"first", 60)
    assert subject.store.put("key", b"second", 600, only_if_absent=True) is False
    assert subject.store.get("key") == b"first"
    subject.advance(60)
    assert subject.store.get("key") is None


def test_what_is_too_old_or_taken_is_absent(subject):
    assert subject.store.put("key", b"first", 60, only_if_absent=True) is True
    subject.advance(60)
    assert subject.store.put("key", b"second", 60, only_if_absent=True) is True
    subject.store.take("key")
    assert subject.store.put("key", b"third", 60, only_if_absent=True) is True
    assert subject.store.get("key") == b"third"


def test_keys_do_not_touch_each_other(store):
    store.put("key", b"value", 60)
    store.put("key:", b"other", 60)
    store.put("KEY", b"upper", 60)
    assert [store.get("key"), store.get("key:"), store.get("KEY")] == [b"value", b"other", b"upper"]


def test_bump_counts_from_one(store):
    assert [store.bump("key", 60) for _ in range(3)] == [1, 2, 3]


def test_later_bumps_do_not_prolong_a_count(subject):
    subject.store.bump("key", 60)
    subject.advance(40)
    assert subject.store.bump("key", 60) == 2
    subject.advance(20)
    assert subject.store.bump("key", 60) == 1


def test_counts_and_values_do_not_meet(store):
    store.put("key", b"value", 60)
    assert store.bump("key", 60) == 1
    assert store.get("key") == b"value"
    assert store.take("key") == b"value"
    assert store.bump("key", 60) == 2


def test_a_store_that_works_answers_ping(store):
    assert store.ping() is None


def test_one_of_many_takers_gets_each_value(store):
    """Twenty keys, since one race alone may be decided by the order of starting."""
    for key in range(20):
        store.put(f"key-{key}", b"value", 60)
    won = race(8, lambda _: [store.take(f"key-{key}") for key in range(20)])
    for key in range(20):
        assert [taken[key] for taken in won].count(b"value") == 1


def test_one_of_many_claimants_gets_each_key(store):
    won = race(
        8,
        lambda number: [
            store.put(f"key-{key}", b"%d" % number, 60, only_if_absent=True) for key in range(20)
        ],
    )
    for key in range(20):
        assert [claims[key] for claims in won].count(True) == 1
        assert store.get(f"key-{key}") in {b"%d" % number for number in range(8)}


def test_no_number_is_given_twice(store):
    counted = race(8, lambda _: [store.bump("key", 60) for _ in range(20)])
    assert sorted(number for numbers in counted for number in numbers) == list(range(1, 161))


def test_one_of_many_processes_takes_each_value(shared, root):
    for key in range(50):
        shared.store.put(f"key-{key}", b"value", 60)
    lines = race_processes(
        root,
        shared.expression,
        "[print(key) for key in range(50) if store.take(f'key-{key}') == b'value']",
    )
    assert sorted(map(int, lines)) == list(range(50))


def test_one_of_many_processes_claims_each_key(shared, root):
    lines = race_processes(
        root,
        shared.expression,
        "[print(key) for key in range(50)"
        " if store.put(f'key-{key}', b'value', 60, only_if_absent=True)]",
    )
    assert sorted(map(int, lines)) == list(range(50))
    assert shared.store.get("key-49") == b"value"


def test_processes_count_together(shared, root):
    lines = race_processes(
        root, shared.expression, "[print(store.bump('key', 60)) for _ in range(25)]"
    )
    assert sorted(map(int, lines)) == list(range(1, 101))


def test_a_value_outlives_the_process_that_put_it(shared, root):
    name = uuid.uuid4().hex
    script = f"{shared.expression}.put({name!r}, b'value', 60)"
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True, timeout=20)
    assert shared.store.get(name) == b"value"
