"""
The only door to other people's servers: one request, one bounded answer or one named fault.

https only and verified, no redirect followed, no proxy taken from the environment, nothing tried
twice. What comes back is bounded in time and in size, and nothing of it is ever logged.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import json
import os
import socket
import threading
import time
import zlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import urlencode, urlsplit

from deeplink.errors import Unanswered
from deeplink.logs import event

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool
    from urllib3.connection import HTTPConnection as _ConnectionBase
else:
    # urllib3 takes 130 ms to import; ``_connection_kinds`` joins the classes on first use.
    _ConnectionBase = object

#: The largest answer we take, in bytes, counted after decoding. A token answer has about 500.
MAX_ANSWER = 64 * 1024

#: How long a connection may lie idle, in seconds, and still be used again. A server that closes
#: it in the very moment we write would leave a single-use code in doubt; common keep-alive
#: time-outs are 60 s (AWS load balancers) and 75 s (nginx).
IDLE_LIMIT = 20.0

#: What we tell about the answer's head; everything else of it is dropped.
KEPT_HEADERS = ("content-type", "retry-after", "x-tt-logid")

_REQUEST_HEADERS = {
    # Exactly this: with "; charset=utf-8" TikTok answers "The request parameters are malformed."
    # (teranetsrl/oauth2_client#204; Auth.js rewrites the same header).
    "Content-Type": "application/x-www-form-urlencoded",
    # Without it GitHub answers a form.
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "User-Agent": "deeplink",
}


_FETCH_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "User-Agent": "deeplink",
}


@dataclass(frozen=True, slots=True)
class _Request:
    """What goes out, and how many bytes may come back."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    limit: int


class Fault(StrEnum):
    """Why there is no answer: a closed list, fit for logs and metrics."""

    NOT_ALLOWED = "address_not_allowed"
    NAME = "name_not_found"
    CONNECT = "cannot_connect"
    TLS = "tls_failed"
    TIMEOUT = "timeout"
    BROKEN = "connection_broken"
    MALFORMED = "malformed_http"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How long a call may take, in seconds.

    *connect* covers every address of the host and the TLS handshake, *silence* is the longest
    wait for one more byte, *answer* counts from the first byte sent to the last byte read. The
    look-up of the name is the system resolver's and can only be bounded there; if it comes too
    late, nothing is sent.
    """

    connect: float
    silence: float
    answer: float

    @property
    def total(self) -> float:
        return self.connect + self.answer


#: Heroku's router gives up on us after 30 s (error H12). A repeat that finds the claim of a killed
#: process waits for the end of its lease, ``total`` + 2 s, and then makes a call of its own: twice
#: the total of both patiences, and those 2 s, have to fit.
PATIENCE = Patience(connect=2.5, silence=8, answer=8)

#: For a call that mends a failed one, right after it and to the same host.
SHORT_PATIENCE = Patience(connect=1, silence=1, answer=1)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came. *headers* has lower-case names, of ``KEPT_HEADERS`` only."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Manner(TypedDict, total=False):
    """What differs from a POST of a form: the method, a JSON body, an Authorization header."""

    method: str
    as_json: bool
    authorization: str


class Outbound:
    """
    The client of one process: it keeps up to *pool_size* connections a host, one per thread.

    Nothing is opened before the first call, and a process that was forked opens its own. *tls*
    replaces the system's trust. A connection idle for *idle_limit* seconds is not used again.
    """

    def __init__(
        self,
        pool_size: int,
        *,
        tls: ssl.SSLContext | None = None,
        idle_limit: float = IDLE_LIMIT,
    ) -> None:
        self._pool_size = pool_size
        self._tls = tls
        self._idle_limit = idle_limit
        self._pools: dict[tuple[object, ...], HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def send(
        self,
        url: str,
        fields: Sequence[tuple[str, str]],
        *,
        insecure_loopback: bool = False,
        patience: Patience = PATIENCE,
        **manner: Unpack[Manner],
    ) -> Reply:
        """
        The answer to a POST of *fields* as a form, whatever its status is below 300 or from 400.

        Never repeated, not even after a failed connect: every address has been tried by then, and
        the caller, who is told whether anything was sent, knows better if a repeat is safe.
        *insecure_loopback* allows ``http`` to a loopback address, for the sandbox. *manner* is
        for what is no POST of a form. Refuses with ``Unanswered``.
        """
        return self._told(url, _question(url, fields, manner), insecure_loopback, patience)

    def fetch(
        self,
        url: str,
        *,
        limit: int = MAX_ANSWER,
        insecure_loopback: bool = False,
        patience: Patience = PATIENCE,
    ) -> Reply:
        """
        The answer to a GET of *url*, query and all, of at most *limit* bytes.

        A public document of somebody else's: never repeated and never redirected, like ``send``.
        Refuses with ``Unanswered``.
        """
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = _Request("GET", target, _FETCH_HEADERS, None, limit)
        return self._told(url, request, insecure_loopback, patience)

    def _told(
        self, url: str, request: _Request, insecure_loopback: bool, patience: Patience
    ) -> Reply:
        started = time.perf_counter()
        outcome = self._attempt(url, request, insecure_loopback, patience)
        result = (
            {"status": outcome.status}
            if isinstance(outcome, Reply)
            else {"fault": str(outcome.fault), "sent": outcome.sent}
        )
        ms = round((time.perf_counter() - started) * 1000, 1)
        event("upstream", {"host": urlsplit(url).hostname or "", "ms": ms, **result})
        if isinstance(outcome, Unanswered):
            raise outcome
        return outcome

    def close(self) -> None:
        """Close every kept connection; the next call opens new ones."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _attempt(
        self,
        url: str,
        request: _Request,
        insecure_loopback: bool,
        patience: Patience,
    ) -> Reply | Unanswered:
        """The answer or the fault; returned, so that no foreign text hangs on it as a context."""
        if not _may_call(url, insecure_loopback):
            return Unanswered(Fault.NOT_ALLOWED, sent=False)
        import urllib3

        pool = self._pool(url, patience)
        try:
            return _exchange(pool, request, patience)
        except _NotSent as failure:
            return Unanswered(failure.fault, sent=False)
        except Unanswered as failure:
            return Unanswered(failure.fault, sent=True)
        except (
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
            zlib.error,
        ) as cause:
            return Unanswered(_fault_of(cause), sent=True)

    def _pool(self, url: str, patience: Patience) -> HTTPConnectionPool:
        parts = urlsplit(url)
        key = (os.getpid(), parts.scheme, parts.hostname, parts.port, patience)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._open_pool(url, patience)
            return self._pools[key]

    def _open_pool(self, url: str, patience: Patience) -> HTTPConnectionPool:
        import urllib3

        parts = urlsplit(url)
        plain, encrypted = _connection_kinds()
        options: dict[str, Any] = {
            "port": parts.port,
            "maxsize": self._pool_size,
            "block": False,
            "retries": False,
            "patience": patience,
            "idle_limit": self._idle_limit,
        }
        if parts.scheme == "http":
            pool = urllib3.HTTPConnectionPool(parts.hostname or "", **options)
            pool.ConnectionCls = plain
            return pool
        self._tls = self._tls or _system_trust()
        secure = urllib3.HTTPSConnectionPool(
            parts.hostname or "", ssl_context=self._tls, cert_reqs="CERT_REQUIRED", **options
        )
        secure.ConnectionCls = encrypted
        return secure


def _may_call(url: str, insecure_loopback: bool) -> bool:
    parts = urlsplit(url)
    if parts.username is not None or not parts.hostname:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and insecure_loopback and _is_loopback_literal(parts.hostname)
    )


def _is_loopback_literal(host: str) -> bool:
    """A name, ``localhost`` included, is what somebody's resolver says it is; a literal is not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _system_trust() -> ssl.SSLContext:
    import ssl

    # Not create_default_context: that one writes the session keys to $SSLKEYLOGFILE.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


def _question(url: str, fields: Sequence[tuple[str, str]], manner: Manner) -> _Request:
    body, headers = urlencode(fields), dict(_REQUEST_HEADERS)
    if manner.get("as_json"):
        body, headers["Content-Type"] = json.dumps(dict(fields)), "application/json"
    if "authorization" in manner:
        headers["Authorization"] = manner["authorization"]
    target = urlsplit(url).path or "/"
    return _Request(manner.get("method", "POST"), target, headers, body.encode("ascii"), MAX_ANSWER)


def _exchange(pool: HTTPConnectionPool, request: _Request, patience: Patience) -> Reply:
    import urllib3

    response = pool.urlopen(
        request.method,
        request.target,
        body=request.body,
        headers=request.headers,
        timeout=urllib3.Timeout(connect=patience.connect, read=patience.silence),
        redirect=False,
        retries=False,
        preload_content=False,
        decode_content=False,
    )
    whole = False
    try:
        reply = _read(response, request.limit)
        whole = True
        return reply
    finally:
        if not whole:
            response.close()
        response.release_conn()


def _read(response: BaseHTTPResponse, limit: int) -> Reply:
    if 300 <= response.status < 400:
        raise Unanswered(Fault.REDIRECT, sent=True)
    body = bytearray()
    while chunk := response.read(8192, decode_content=False):
        body += chunk
        if len(body) > limit:
            raise Unanswered(Fault.TOO_LARGE, sent=True)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return Reply(response.status, kept, _decode(bytes(body), encoding, limit))


def _decode(body: bytes, encoding: str, limit: int) -> bytes:
    """*body* without its gzip coat; a bomb stops at the cap. We ask for none, servers differ."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Unanswered(Fault.UNDECODABLE, sent=True)
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    plain = inflater.decompress(body, limit + 1)
    if len(plain) > limit:
        raise Unanswered(Fault.TOO_LARGE, sent=True)
    if not inflater.eof:
        raise Unanswered(Fault.UNDECODABLE, sent=True)
    return plain


def _fault_of(cause: BaseException) -> Fault:
    import ssl

    import urllib3

    if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)):
        return Fault.TIMEOUT
    if isinstance(cause, socket.gaierror):
        return Fault.NAME
    if isinstance(cause, (ssl.SSLError, ssl.CertificateError, urllib3.exceptions.SSLError)):
        return Fault.TLS
    if isinstance(cause, zlib.error):
        return Fault.UNDECODABLE
    if isinstance(cause, urllib3.exceptions.ProtocolError):
        # urllib3 wraps what it caught: ProtocolError("Connection aborted.", cause).
        inner = cause.args[1] if len(cause.args) > 1 else None
        is_http = isinstance(inner, http.client.HTTPException)
        hung_up = isinstance(inner, (http.client.RemoteDisconnected, http.client.IncompleteRead))
        return Fault.MALFORMED if is_http and not hung_up else Fault.BROKEN
    return Fault.BROKEN if isinstance(cause, OSError) else Fault.MALFORMED


class _NotSent(Exception):
    """The connection did not come about; urllib3 does not know this class and lets it pass."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


@lru_cache(maxsize=1)
def _connection_kinds() -> tuple[type[Any], type[Any]]:
    """Connections over TCP and over TLS that keep their ``Patience``."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    plain = type("BoundedConnection", (_Bounded, HTTPConnection), {})
    encrypted = type("BoundedTlsConnection", (_Bounded, HTTPSConnection), {})
    return plain, encrypted


class _Bounded(_ConnectionBase):
    """
    What a connection needs so that no server can hold a thread longer than its ``Patience``.

    urllib3's read time-out starts anew with each byte, its connect time-out with each address:
    a server that drips one byte of its head every nine seconds would hold us for days.
    """

    _used = 0.0
    _deadline = 0.0

    def __init__(
        self, *arguments: Any, patience: Patience, idle_limit: float, **options: Any
    ) -> None:
        self._patience = patience
        self._idle_limit = idle_limit
        super().__init__(*arguments, **options)

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._used < self._idle_limit

    def connect(self) -> None:
        fault = None
        try:
            super().connect()
        except OSError as cause:  # a certificate that does not verify is one as well
            fault = _fault_of(cause)
            fault = Fault.CONNECT if fault is Fault.BROKEN else fault
        if fault:
            raise _NotSent(fault)

    def _new_conn(self) -> socket.socket:
        deadline = time.monotonic() + self._patience.connect
        addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        failure: OSError = TimeoutError("no time left to connect")
        for position, (family, kind, protocol, _, address) in enumerate(addresses):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            share = min(left, max(1.0, left / (len(addresses) - position)))
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(share)
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.connect(address)
            except OSError as cause:
                failure = cause
                sock.close()
                continue
            # The handshake gets what the connect has left.
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            return sock
        raise failure

    def request(self, *arguments: Any, **options: Any) -> None:
        self._used = time.monotonic()
        self._deadline = self._used + self._patience.answer
        super().request(*arguments, **options)

    def response_class(self, sock: socket.socket, *arguments: Any, **options: Any) -> _Answer:  # type: ignore[override]
        self._used = time.monotonic()
        return _Answer(sock, self._patience.silence, self._deadline, *arguments, **options)


class _Answer(http.client.HTTPResponse):
    """An answer whose every read, of the head too, ends at the deadline."""

    def __init__(
        self, sock: socket.socket, silence: float, deadline: float, *arguments: Any, **options: Any
    ) -> None:
        super().__init__(sock, *arguments, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_BoundedReads(raw, sock, silence, deadline))

    def begin(self) -> None:
        super().begin()
        # urllib3 would log the other side's bytes as a warning and go on.
        if self.msg.defects or self.msg.get_payload():
            raise http.client.HTTPException("malformed head")


class _BoundedReads(io.RawIOBase):
    """The bytes of *raw*, each wait for them no longer than the silence and the deadline allow."""

    def __init__(
        self, raw: io.RawIOBase, sock: socket.socket, silence: float, deadline: float
    ) -> None:
        self._raw = raw
        self._sock = sock
        self._silence = silence
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(min(self._silence, left))
        return cast("int | None", cast("Any", self._raw).readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()
