"""
Entries in Redis or Valkey, for servers on several machines.

Needs Redis 6.2 (GETDEL) or any Valkey. Every change is one command, so that it is whole or not
there; nothing is sent twice, because a lost answer does not say which of the two it was. The
server keeps the time; all entries have an end, so that ``maxmemory-policy volatile-ttl`` fits.
"""

from __future__ import annotations

import contextlib
import math
import ssl
from typing import TYPE_CHECKING, Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deeplink.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deeplink.secret import Secret

#: Seconds for a connect, and for an answer. Redis answers in 0.2 ms; beyond a second it is away.
TIMEOUT = 1.0

#: Connections a process holds at most; small plans of hosted Redis have 20 for everybody.
MAX_CONNECTIONS = 8

#: Others may use the same Redis.
_PREFIX = "deeplink:"

# INCR and PEXPIRE are one step in a script; a counter whose end got lost would count for ever,
# so that its end is looked at each time, not only at the first bump.
_BUMP = """
local number = redis.call('INCR', KEYS[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return number
"""

#: What an operator can do, by redis-py's class of error; the first that fits counts.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (redis.AuthenticationError, "Redis refuses the name or password of its URL; set the right one"),
    (redis.exceptions.NoPermissionError, "Redis forbids this user a command; allow it by ACL"),
    (redis.BusyLoadingError, "Redis is still reading its data; wait"),
    (redis.ReadOnlyError, "this Redis is a replica that takes no writes; name the primary"),
    (
        redis.OutOfMemoryError,
        "Redis is full; give it more memory, or maxmemory-policy volatile-ttl",
    ),
    (redis.TimeoutError, f"Redis gave no answer within {TIMEOUT:.0f} s; see whether it is alive"),
    (redis.ConnectionError, "Redis cannot be reached; see whether it runs and its URL is right"),
    (redis.RedisError, "Redis refuses a command; it must be Redis 6.2 or newer, or Valkey"),
)

_UNTRUSTED = (
    "this machine does not trust the certificate of Redis, or it names another host; name the "
    'right host, point SSL_CERT_FILE at its authority, or set redis_tls = "encrypt"'
)


class RedisStore:
    """
    A store for all servers that have the same *url*: ``redis://`` or ``rediss://`` (TLS).

    With TLS, *tls* ``"verify"`` wants a certificate that this machine trusts (``SSL_CERT_FILE``
    adds one) and that names the host. ``"encrypt"`` takes any certificate, which keeps listeners
    out but not somebody who stands in between; it is for hosts with self-signed ones, such as
    Heroku (https://devcenter.heroku.com/articles/connecting-heroku-redis). Connects at the first
    use. A *url* that is none is refused with ``StoreUnavailable``, without quoting it: it holds
    the password.
    """

    def __init__(
        self, url: Secret, *, tls: Literal["verify", "encrypt"] = "verify", timeout: float = TIMEOUT
    ) -> None:
        self._client = redis.Redis(connection_pool=_pool(url, tls, timeout))

    def get(self, key: str) -> bytes | None:
        value = self._ask(lambda: self._client.get(_PREFIX + "v:" + key))
        return _as_bytes(value)

    def put(self, key: str, value: bytes, ttl: float, *, only_if_absent: bool = False) -> bool:
        name = _PREFIX + "v:" + key
        return bool(
            self._ask(
                lambda: self._client.set(name, value, px=_milliseconds(ttl), nx=only_if_absent)
            )
        )

    def take(self, key: str) -> bytes | None:
        return _as_bytes(self._ask(lambda: self._client.getdel(_PREFIX + "v:" + key)))

    def bump(self, key: str, ttl: float) -> int:
        name = _PREFIX + "n:" + key
        return int(self._ask(lambda: self._client.eval(_BUMP, 1, name, str(_milliseconds(ttl)))))

    def ping(self) -> None:
        # PING answers on a full Redis and on a replica, which cannot be written to.
        self.put("ping", b"", 1)

    def close(self) -> None:
        """Close this process's connections; the next use opens others."""
        self._client.connection_pool.disconnect()

    def _ask(self, command: Callable[[], Any]) -> Any:
        try:
            return command()
        except redis.RedisError as cause:
            raise StoreUnavailable(_words(cause)) from cause
        except (OSError, ValueError) as cause:
            raise StoreUnavailable(_words(redis.ConnectionError())) from cause


def _pool(url: Secret, tls: str, timeout: float) -> redis.BlockingConnectionPool:
    options: dict[str, Any] = {
        "max_connections": MAX_CONNECTIONS,
        "timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        # Version 2 of the protocol is what every server speaks, with one step less to connect.
        "protocol": 2,
        "driver_info": None,
    }
    if url.reveal().startswith("rediss://"):
        options["ssl_cert_reqs"] = "required" if tls == "verify" else "none"
        options["ssl_check_hostname"] = tls == "verify"
    pool = None
    # Python's own text quotes what stands where the port should be: a part of the password, if
    # that holds a slash. So the cause is not chained either.
    with contextlib.suppress(ValueError, TypeError, redis.RedisError):
        pool = redis.BlockingConnectionPool.from_url(url.reveal(), **options)
    if pool is None:
        raise StoreUnavailable(
            "the address of Redis is none; write rediss://:PASSWORD@HOST:PORT (redis:// without "
            "TLS), with / @ : # ? % in the password as %2F %40 %3A %23 %3F %25"
        )
    return pool


def _milliseconds(ttl: float) -> int:
    return max(1, math.ceil(ttl * 1000))


def _as_bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _words(cause: BaseException) -> str:
    chain: BaseException | None = cause
    while chain is not None:
        if isinstance(chain, ssl.SSLCertVerificationError):
            return _UNTRUSTED
        chain = chain.__cause__ or chain.__context__
    return next(words for kind, words in _WORDS if isinstance(cause, kind))
