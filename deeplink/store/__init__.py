"""
Bytes under a key, for a while: where short-lived things lie that several threads must agree on.

``memory`` serves one process, ``sqlite`` the processes of one machine, ``redis`` several machines.
``spare`` stands before any of them and goes on in memory while it is away. What is put here has
been sealed by its owner: a store is never asked to keep a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from deeplink.secret import Secret


class Store(Protocol):
    """
    Bytes under a key, for a limited time; times to live are positive numbers of seconds.

    Every store keeps these promises across threads, processes and machines as far as its medium
    reaches; ``tests/store/test_contract.py`` is the proof. None promises to outlive a restart,
    and a full one forgets its oldest entries. Each verb refuses with ``StoreUnavailable`` if the
    medium cannot be reached; whether a change came about is then not known.
    """

    def get(self, key: str) -> bytes | None:
        """*key*'s value; None if there is none or it is too old."""

    def put(self, key: str, value: bytes, ttl: float, *, only_if_absent: bool = False) -> bool:
        """
        Keep *value* under *key*, in place of what was there; whether it is kept.

        With *only_if_absent* a value that is there stays as it is, with its time to live, and the
        answer is False. Of any number of callers at the same moment one gets True.
        """

    def take(self, key: str) -> bytes | None:
        """
        Hand *key*'s value out and forget it; None if it is absent or too old.

        Of any number of callers at the same moment one gets the value. Whoever comes second
        cannot tell "already taken" from "never was", on purpose: the difference would tell a
        thief that the owner was there first.
        """

    def bump(self, key: str, ttl: float) -> int:
        """
        Count one more under *key* and say how many that makes; no number is given twice.

        The count begins at 1 and ends *ttl* seconds after its first bump; later bumps do not
        prolong it. Counts and values do not meet: a value under the same key stays what it is.
        """

    def ping(self) -> None:
        """Do nothing if the store can be written to; else refuse as the other verbs do."""


def open_store(
    kind: Literal["memory", "sqlite", "redis"],
    *,
    path: Path | None = None,
    redis_url: Secret | None = None,
    redis_tls: Literal["verify", "encrypt"] = "verify",
) -> Store:
    """
    The store that the config names; nothing is connected or opened before its first use.

    Call it once, before the server forks: without a *path*, SQLite makes a private folder of its
    own here, and only processes that inherit it share it. *path* matters to SQLite alone;
    *redis_url* and *redis_tls* to Redis, which cannot be without the first. An address that is
    none is refused with ``StoreUnavailable``.
    """
    # Each medium is imported when it is chosen: redis-py alone takes 0.3 s.
    if kind == "memory":
        from deeplink.store.memory import MemoryStore

        return MemoryStore()
    if kind == "sqlite":
        from deeplink.store.sqlite import SQLiteStore

        return SQLiteStore(path)
    if redis_url is None:
        raise ValueError("a Redis store needs redis_url")
    from deeplink.store.redis import RedisStore

    return RedisStore(redis_url, tls=redis_tls)
