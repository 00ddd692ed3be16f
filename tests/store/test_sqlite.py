"""What only a file can do: be private, be inherited, be full, be gone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from deeplink.errors import StoreUnavailable
from deeplink.store import open_store
from deeplink.store.sqlite import LOOK_EVERY, SQLiteStore


@pytest.fixture
def open_sqlite(clock):
    """Open stores that the end of the test closes."""
    stores = []

    def open_one(path=None, **options):
        stores.append(SQLiteStore(path, clock=clock, **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


def rows(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT count(*) FROM entries").fetchone()[0]
    finally:
        connection.close()


def run(root, script, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=30,
        **options,
    )


def test_without_a_path_the_folder_is_new_and_private(open_sqlite):
    one, other = open_sqlite(), open_sqlite()
    assert stat.S_IMODE(one.path.parent.stat().st_mode) == 0o700
    assert one.path.parent != other.path.parent


def test_nothing_is_opened_before_the_first_use(open_sqlite):
    store = open_sqlite()
    assert os.listdir(store.path.parent) == []
    store.ping()
    assert "store.sqlite" in os.listdir(store.path.parent)


def test_only_the_owner_may_read_the_files(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite")
    store.put("key", b"value", 60)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_the_private_folder_ends_with_its_maker_and_not_with_a_worker(root):
    done = run(
        root,
        """
        import os
        from deeplink.store import open_store
        store = open_store("sqlite")
        store.put("key", b"value", 60)
        child = os.fork()
        if child == 0:
            raise SystemExit(0)
        os.waitpid(child, 0)
        print(store.path.parent, store.path.exists())
        """,
    )
    folder, existed = done.stdout.split()
    assert (existed, os.path.exists(folder)) == ("True", False)


def test_workers_share_the_file_and_not_the_connection(root):
    """gunicorn preloads: the store is made, and here even used, before the fork."""
    done = run(
        root,
        """
        import os, signal
        from deeplink.store import open_store
        store = open_store("sqlite")
        store.put("parent", b"before", 60)
        store._lock.acquire()  # a thread that the child will not have
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # a fork does not inherit it
            store.put("child", store.get("parent") + b" the fork", 60)
            os._exit(0)
        store._lock.release()
        _, status = os.waitpid(child, 0)
        print(status, store.get("child"))
        store.put("parent", b"after", 60)
        print(store.get("parent"))
        """,
    )
    assert done.stdout == "0 b'before the fork'\nb'after'\n"


def test_processes_that_start_together_can_all_open_it(root, tmp_path):
    script = (
        "from pathlib import Path; from deeplink.store.sqlite import SQLiteStore; input(); "
        f"print(SQLiteStore(Path({str(tmp_path / 'store.sqlite')!r})).bump('key', 60))"
    )
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    numbers = [runner.communicate("\n", timeout=30)[0].strip() for runner in runners]
    assert sorted(numbers) == ["1", "2", "3", "4", "5", "6"]


def test_what_is_too_old_leaves_the_file(open_sqlite, clock, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite")
    for key in range(100):
        store.put(f"key-{key}", b"value", 60)
    clock.advance(61)
    store.put("new", b"value", 60)
    assert rows(store.path) == 1


def test_a_stream_keeps_the_file_small_beside_entries_that_stay(open_sqlite, clock, tmp_path):
    """Four rows are looked at for each write."""
    store = open_sqlite(tmp_path / "store.sqlite")
    for key in range(600):
        store.put(f"staying-{key}", b"value", 10_000)
    most = 0
    for key in range(20_000):
        clock.advance(0.01)
        store.put(f"passing-{key}", b"value", 10)
        if key % 500 == 0:
            most = max(most, rows(store.path))
    # 600 stay, 1000 are not yet old; between two searches there are 256 writes.
    assert 600 + 1000 < most <= (600 + 1000) * 4 / 3 + 256


def test_the_oldest_entries_make_room(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite", max_entries=300)
    for key in range(1000):
        store.put(f"key-{key}", b"value", 60)
    assert rows(store.path) <= 300 + 256
    assert store.get("key-0") is None
    assert store.get("key-999") == b"value"


def test_a_file_at_its_limit_forgets_instead_of_growing(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite", max_bytes=200_000)
    for key in range(200):
        store.put(f"key-{key}", bytes(4000), 60)
    assert store.get("key-199") == bytes(4000)
    store.close()
    assert store.path.stat().st_size <= 200_000


def test_a_full_disk_is_said_in_words(root, tmp_path):
    """The limit on the size of files is the kernel's, as that of a disk would be."""
    done = run(
        root,
        f"""
        import resource, signal
        from pathlib import Path
        from deeplink.errors import StoreUnavailable
        from deeplink.store.sqlite import SQLiteStore
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = SQLiteStore(Path({str(tmp_path / "store.sqlite")!r}))
        store.put("key", b"value", 60)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            for number in range(100):
                store.put(f"key-{{number}}", bytes(4000), 60)
        except StoreUnavailable as trouble:
            print(trouble)
        """,
    )
    assert done.stdout.startswith(str(tmp_path / "store.sqlite") + " cannot ")
    assert "full" in done.stdout


def test_a_place_that_cannot_be_written_is_said_in_words(open_sqlite, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store = open_sqlite(tmp_path / "file" / "store.sqlite")
    with pytest.raises(StoreUnavailable, match=r"store\.sqlite cannot be written; give the server"):
        store.put("key", b"value", 60)
    with pytest.raises(StoreUnavailable):
        store.ping()


def test_no_place_for_a_private_folder_is_said_in_words(root, tmp_path):
    """The server starts all the same: the exchange goes on without a store."""
    (tmp_path / "file").write_bytes(b"")
    done = run(
        root,
        f"""
        import tempfile
        tempfile.tempdir = {str(tmp_path / "file")!r}
        from deeplink.errors import StoreUnavailable
        from deeplink.store import open_store
        store = open_store("sqlite")
        try:
            store.get("key")
        except StoreUnavailable as trouble:
            print(trouble)
        """,
    )
    assert done.stdout.startswith(f"no private folder can be made under {tmp_path / 'file'}; set ")


def test_a_file_of_another_kind_is_left_as_it_is(open_sqlite, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database, but dear to somebody\n" * 100)
    with pytest.raises(StoreUnavailable, match="not a sound SQLite file"):
        open_sqlite(path).put("key", b"value", 60)
    assert path.read_bytes() == b"not a database, but dear to somebody\n" * 100


def test_a_process_that_never_lets_go_is_named_as_the_cause(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite")
    store.put("key", b"value", 60)
    other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        store.put("key", b"other", 60)
    other.execute("ROLLBACK")
    other.close()
    assert store.put("key", b"other", 60) is True


def test_a_file_that_a_cleaner_removed_is_made_anew(open_sqlite, tmp_path):
    """systemd-tmpfiles and its like remove old files under a running server."""
    folder = tmp_path / "folder"
    one, other = open_sqlite(folder / "store.sqlite"), open_sqlite(folder / "store.sqlite")
    one.put("key", b"value", 60)
    shutil.rmtree(folder)
    time.sleep(LOOK_EVERY)
    one.put("key", b"again", 60)
    assert other.get("key") == b"again"


def test_the_config_s_word_opens_it(tmp_path):
    store = open_store("sqlite", path=tmp_path / "store.sqlite")
    store.ping()
    store.close()
    assert store.path == tmp_path / "store.sqlite"


def queued(store, *calls):
    """What *calls* gave or refused with, all queued when somebody came and took them along."""
    outcomes = {}

    def run(number, call):
        try:
            outcomes[number] = call()
        except StoreUnavailable as trouble:
            outcomes[number] = trouble

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    with store._lock:
        for thread in threads:
            thread.start()
        for _ in range(1000):
            if len(store._steps) == len(calls):
                break
            time.sleep(0.005)
    run("last", lambda: store.get("nothing"))
    for thread in threads:
        thread.join(10)
    return [outcomes[number] for number in range(len(calls))]


def test_all_that_queue_go_in_one_transaction(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite")
    store.put("key", b"value", 60)
    said = []
    store._connection.set_trace_callback(said.append)
    calls = [lambda: store.bump("count", 60)] * 8
    calls += [lambda: store.take("key")] * 2
    outcomes = queued(store, *calls)
    assert sorted(outcomes[:8]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert sorted(outcomes[8:], key=str) == [None, b"value"]
    assert [line for line in said if line in ("BEGIN IMMEDIATE", "COMMIT")] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]


def test_one_that_cannot_be_done_does_not_take_the_others_along(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite")
    store.ping()
    calls = [lambda: store.bump("count", 60)] * 4
    outcomes = queued(store, *calls, lambda: store._run("no statement"), *calls)
    assert isinstance(outcomes.pop(4), StoreUnavailable)
    assert sorted(outcomes) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_all_that_queue_wait_for_another_process_together(open_sqlite, tmp_path):
    store = open_sqlite(tmp_path / "store.sqlite")
    store.ping()
    other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    outcomes = queued(store, *[lambda: store.bump("count", 60)] * 8)
    assert time.monotonic() - began < 4
    other.close()
    assert {str(trouble).partition(" has ")[2] for trouble in outcomes} == {
        "been locked by another process for 1 s"
    }
