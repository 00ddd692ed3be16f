"""
Entries in one SQLite file: for the processes of one machine, with nothing to install.

The file is a meeting place, not an archive: nothing in it need survive a restart, so nothing is
ever forced to the disk, and a killed process loses nothing that it had written.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeplink.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ENTRIES = 250_000
MAX_BYTES = 256 * 1024 * 1024

#: Seconds that a write waits for another process's write. One takes less than a millisecond.
BUSY_TIMEOUT = 1.0

#: Writes by this process, or seconds, between two searches for old entries.
SWEEP_AFTER_WRITES = 256
SWEEP_EVERY = 5.0

#: Seconds between two looks whether the file is still where it was.
LOOK_EVERY = 0.2

#: Rows that one search looks at, so that nobody waits long for it, beginning where the last one
#: ended. It must be more than the writes between two searches, or the file would grow: with four
#: times as many, it has at most a third more rows than are needed. An index by expiry would find
#: old rows at once, and take a fifth of the time of every write.
_SWEEP_ROWS = 1024

_PAGE_SIZE = 4096

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value NOT NULL, expires REAL NOT NULL
)
"""

_GET = "SELECT value FROM entries WHERE key = ? AND expires > ?"
_PUT = """
INSERT INTO entries (key, value, expires) VALUES (:key, :value, :expires)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
_PUT_IF_ABSENT = _PUT + "WHERE entries.expires <= :now RETURNING 1"
# DELETE … RETURNING is one step, so that of two takers one finds nothing (SQLite 3.35,
# https://www.sqlite.org/lang_returning.html).
_TAKE = "DELETE FROM entries WHERE key = ? RETURNING value, expires"
_BUMP = """
INSERT INTO entries (key, value, expires) VALUES (:key, 1, :expires)
ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN entries.expires > :now THEN entries.value + 1 ELSE 1 END,
    expires = CASE WHEN entries.expires > :now THEN entries.expires ELSE excluded.expires END
RETURNING value
"""
# It changes nothing, and takes the lock for writing nevertheless.
_TOUCH = "DELETE FROM entries WHERE id = -1"
_NEXT_ROWS = """
SELECT max(id), count(*) FROM (SELECT id FROM entries WHERE id > ? ORDER BY id LIMIT ?)
"""
_DROP_OLD = "DELETE FROM entries WHERE expires <= ?"
_DROP_OLD_AMONG = _DROP_OLD + " AND id > ? AND id <= ?"
# Row ids grow with each new key, so that the smallest belong to the oldest entries.
_DROP_SURPLUS = "DELETE FROM entries WHERE id <= (SELECT max(id) FROM entries) - ?"
_DROP_OLDEST = """
DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY id LIMIT 1 + (
    SELECT count(*) FROM entries) / 8)
"""

#: Connections that a forked child must neither use nor close
#: (https://www.sqlite.org/howtocorrupt.html section 2.6).
_inherited: list[sqlite3.Connection] = []


@dataclass(slots=True)
class _Step:
    """One statement that a thread wants done, and what came of it when *done* opens."""

    statement: str
    fields: Any
    writes: bool
    rows: list[tuple[Any, ...]] | None = None
    error: Exception | None = None
    done: threading.Lock = field(default_factory=threading.Lock)


class SQLiteStore:
    """
    A store for all threads and processes of one machine that have the same *path*.

    Without a path it makes a private folder of its own, removed at the end of the process that
    made it; make the store before the server forks, and its workers share it. The connection is
    opened at the first use in each process. *clock* is the time of day, because all processes
    must agree on it. At most *max_entries* keys and *max_bytes* of file; beyond that the oldest
    go first. Not for network file systems: SQLite's write-ahead log needs shared memory.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_pages = max(16, max_bytes // _PAGE_SIZE)
        self._is_private = path is None
        self._path = path or _private_path()
        self._lock = threading.Lock()
        self._steps: deque[_Step] = deque()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._writes = 0
        self._next_sweep = 0.0
        self._swept_to = 0
        self._next_look = 0.0
        _call_after_fork(weakref.WeakMethod(self._forget_connection))

    @property
    def path(self) -> Path | None:
        """Where the file lies; None if no folder could be made for it, and nothing works."""
        return self._path

    def get(self, key: str) -> bytes | None:
        rows = self._run(_GET, ("v:" + key, self._clock()))
        return bytes(rows[0][0]) if rows else None

    def put(self, key: str, value: bytes, ttl: float, *, only_if_absent: bool = False) -> bool:
        now = self._clock()
        fields = {"key": "v:" + key, "value": value, "expires": now + ttl, "now": now}
        if only_if_absent:
            return bool(self._run(_PUT_IF_ABSENT, fields, writes=True))
        self._run(_PUT, fields, writes=True)
        return True

    def take(self, key: str) -> bytes | None:
        rows = self._run(_TAKE, ("v:" + key,), writes=True)
        return bytes(rows[0][0]) if rows and rows[0][1] > self._clock() else None

    def bump(self, key: str, ttl: float) -> int:
        now = self._clock()
        fields = {"key": "n:" + key, "expires": now + ttl, "now": now}
        return int(self._run(_BUMP, fields, writes=True)[0][0])

    def ping(self) -> None:
        # Taking the lock for writing finds a read-only file system, which SELECT 1 does not.
        self._run(_TOUCH, writes=True)

    def close(self) -> None:
        """Close this process's connection; the next use opens another."""
        with self._lock:
            self._drop_connection()

    def _run(
        self, statement: str, fields: Any = (), *, writes: bool = False
    ) -> list[tuple[Any, ...]]:
        """
        The rows of one statement, whole or not at all.

        One connection a process: its threads queue here, in order, and only processes meet in
        SQLite's own waiting, which sleeps longer with each attempt. Whoever finds the connection
        free takes all that queue along in one transaction. With a lock for each statement its
        holder had to win the interpreter back five times while everybody else waited for it:
        that was a third of the time of a busy server.
        """
        step = _Step(statement, fields, writes)
        step.done.acquire()
        self._steps.append(step)
        # Who came too late for the holder's last look is seen by the look after its release.
        while self._steps and self._lock.acquire(blocking=False):
            try:
                self._run_queue()
            finally:
                self._lock.release()
        with step.done:
            if step.rows is not None:
                return step.rows
        # Without a cause, the thread that took this step along was stopped in the middle.
        cause = step.error or InterruptedError()
        raise StoreUnavailable(self._words(cause)) from cause

    def _run_queue(self) -> None:
        steps = [self._steps.popleft() for _ in range(len(self._steps))]
        try:
            if len(steps) < 2 or not self._run_together(steps):
                for step in steps:
                    self._run_alone(step)
        finally:
            for step in steps:
                step.done.release()

    def _run_together(self, steps: list[_Step]) -> bool:
        """
        Do all in one transaction, or tell all that another process does not let go; if one cannot
        be done, nothing has happened and each is to be done for itself.
        """
        connection = None
        try:
            connection = self._connected()
            self._sweep(connection, sum(step.writes for step in steps))
            connection.execute("BEGIN IMMEDIATE")
            found = [connection.execute(step.statement, step.fields).fetchall() for step in steps]
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as cause:
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
            for step in steps:
                step.error = cause
            return _is_busy(cause)
        for step, rows in zip(steps, found, strict=True):
            step.rows = rows
        return True

    def _run_alone(self, step: _Step) -> None:
        try:
            connection = self._connected()
            if step.writes:
                self._sweep(connection, 1)
            step.rows = self._execute(connection, step.statement, step.fields)
        except (sqlite3.Error, OSError) as cause:
            step.error = cause
            if not _is_busy(cause):
                self._drop_connection()

    def _connected(self) -> sqlite3.Connection:
        if self._path is None:
            raise FileNotFoundError
        # Cleaners of /tmp remove files under a running server; a worker that starts later would
        # then make a new file and not see the others.
        now = time.monotonic()
        if self._connection is not None and now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            if _identity(self._path) != self._file:
                self._drop_connection()
        if self._connection is None:
            self._make_folder(self._path.parent)
            self._connection = _open(self._path, self._max_pages)
            self._file = _identity(self._path)
        return self._connection

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Between a cleaner and us somebody else may have made a folder of that name.
        if self._is_private and folder.stat().st_uid != os.geteuid():
            raise PermissionError

    def _execute(
        self, connection: sqlite3.Connection, statement: str, fields: Any
    ) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(statement, fields).fetchall()
        except sqlite3.OperationalError as cause:
            if _code(cause) != sqlite3.SQLITE_FULL:
                raise
            connection.execute(_DROP_OLD, (self._clock(),))
            connection.execute(_DROP_OLDEST)
            return connection.execute(statement, fields).fetchall()

    def _sweep(self, connection: sqlite3.Connection, writes: int) -> None:
        now = self._clock()
        self._writes += writes
        if self._writes < SWEEP_AFTER_WRITES and now < self._next_sweep:
            return
        self._writes = 0
        self._next_sweep = now + SWEEP_EVERY
        begin = self._swept_to
        end, count = connection.execute(_NEXT_ROWS, (begin, _SWEEP_ROWS)).fetchone()
        if count:
            connection.execute(_DROP_OLD_AMONG, (now, begin, end))
        self._swept_to = end if count == _SWEEP_ROWS else 0
        connection.execute(_DROP_SURPLUS, (self._max_entries,))

    def _words(self, cause: Exception) -> str:
        """What an operator can do about *cause*. SQLite's own text never quotes a value."""
        if self._path is None:
            return (
                f"no private folder can be made under {tempfile.gettempdir()}; "
                "set TMPDIR or the store's path to a folder that can be written"
            )
        if _is_busy(cause):
            return f"{self._path} has been locked by another process for {BUSY_TIMEOUT:.0f} s"
        if _code(cause) == sqlite3.SQLITE_FULL:
            return f"{self._path} cannot grow: it or its disk is full; make room there"
        if _code(cause) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return f"{self._path} is not a sound SQLite file; delete it or name another path"
        return (
            f"{self._path} cannot be written; give the server a folder on a disk of this machine "
            "that is its own, not full and not read-only"
        )

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _forget_connection(self) -> None:
        """In a forked child: begin anew. The lock may be held by a thread that is not here."""
        self._lock = threading.Lock()
        self._steps = deque()
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None


def _private_path() -> Path | None:
    """A file name in a new folder that only we may enter; None if there is no place for one."""
    try:
        folder = tempfile.mkdtemp(prefix="deeplink-store-")
    except OSError:
        return None
    atexit.register(_remove, folder, os.getpid())
    return Path(folder, "store.sqlite")


def _remove(folder: str, maker: int) -> None:
    # Forked workers inherit this duty, and end earlier.
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)


def _call_after_fork(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    def call() -> None:
        if alive := method():
            alive()

    os.register_at_fork(after_in_child=call)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _open(path: Path, max_pages: int) -> sqlite3.Connection:
    _create(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, max_pages)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """
    An empty file that only we may read, unless there is one; SQLite gives the same rights to the
    files that it puts beside it. An existing one is left alone: closing any descriptor of a file
    gives up all locks that this process has on it (howtocorrupt.html, section 2.2).
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return


def _prepare(connection: sqlite3.Connection, max_pages: int) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
    _switch_to_wal(connection)
    # Nothing need survive a loss of power, and what a killed process wrote is the kernel's.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -2048")
    connection.execute("PRAGMA journal_size_limit = 8388608")
    connection.execute(f"PRAGMA max_page_count = {max_pages}")
    connection.executescript(_SCHEMA)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """
    Readers and one writer at the same time (https://www.sqlite.org/wal.html).

    Processes that start together all try it, and the time-out does not hold for the switch.
    """
    for attempt in range(40):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as cause:
            if not _is_busy(cause) or attempt == 39:
                raise
            time.sleep(0.025)


def _is_busy(cause: Exception) -> bool:
    return _code(cause) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(cause: Exception) -> int:
    """SQLite's primary result code; 0 if *cause* came from elsewhere."""
    return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF
