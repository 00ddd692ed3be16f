"""
The only door to other people's servers: one request, one bounded answer or one named fault.

https only and verified, no redirect followed, no proxy taken from the environment, nothing tried
twice. What comes back is bounded in time and in size, and nothing of it is ever logged.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
import time
import zlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote_plus

from deeplink.errors import Unanswered
from deeplink.logs import event
from deeplink.wire import Answer, TooLarge

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence
    from typing import Unpack

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

#: A value that a form takes as it is: RFC 3986's unreserved characters.
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Address:
    """Where a request goes: the server, and what its first two lines say."""

    is_encrypted: bool
    host: str
    port: int
    authority: str
    target: str

    @property
    def server(self) -> tuple[bool, str, int]:
        return (self.is_encrypted, self.host, self.port)


@dataclass(frozen=True, slots=True)
class _Request:
    """What goes out, and how many bytes may come back."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    limit: int

    def to(self, address: _Address) -> bytes:
        lines = [f"{self.method} {address.target} HTTP/1.1", f"Host: {address.authority}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + (self.body or b"")


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
        self._idle: dict[tuple[bool, str, int], list[Any]] = {}
        self._process = os.getpid()

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
        return self._told(url, _question(fields, manner), insecure_loopback, patience)

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
        request = _Request("GET", _FETCH_HEADERS, None, limit)
        return self._told(url, request, insecure_loopback, patience)

    def _told(
        self, url: str, request: _Request, insecure_loopback: bool, patience: Patience
    ) -> Reply:
        started = time.perf_counter()
        address = _address(url, insecure_loopback)
        outcome = self._attempt(address, request, patience)
        result = (
            {"status": outcome.status}
            if isinstance(outcome, Reply)
            else {"fault": str(outcome.fault), "sent": outcome.sent}
        )
        ms = round((time.perf_counter() - started) * 1000, 1)
        event("upstream", {"host": address.host if address else "", "ms": ms, **result})
        if isinstance(outcome, Unanswered):
            raise outcome
        return outcome

    def close(self) -> None:
        """Close every kept connection; the next call opens new ones."""
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def _attempt(
        self, address: _Address | None, request: _Request, patience: Patience
    ) -> Reply | Unanswered:
        """The answer or the fault; returned, so that no foreign text hangs on it as a context."""
        if address is None:
            return Unanswered(Fault.NOT_ALLOWED, sent=False)
        import urllib3

        try:
            connection = self._take(address) or self._connect(address, patience)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as cause:
            fault = _fault_of(cause)
            return Unanswered(Fault.CONNECT if fault is Fault.BROKEN else fault, sent=False)
        is_whole = False
        try:
            reply, may_be_kept = _ask(connection.sock, request.to(address), request.limit, patience)
            is_whole = may_be_kept
            return reply
        except Unanswered as failure:
            return Unanswered(failure.fault, sent=True)
        except (OSError, ValueError, TooLarge, zlib.error) as cause:
            return Unanswered(_fault_of(cause), sent=True)
        finally:
            if is_whole:
                self._keep(address, connection)
            else:
                connection.close()

    def _take(self, address: _Address) -> Any | None:
        """A kept connection that still stands, the one used last first; None if there is none."""
        if self._process != os.getpid():
            self._idle, self._process = {}, os.getpid()
        idle = self._idle.get(address.server)
        while idle:
            # One step of the interpreter: no two threads get the same one.
            try:
                connection = idle.pop()
            except IndexError:
                return None
            if connection.is_connected:
                return connection
            connection.close()
        return None

    def _keep(self, address: _Address, connection: Any) -> None:
        idle = self._idle.setdefault(address.server, [])
        if len(idle) >= self._pool_size:
            connection.close()
            return
        connection.used = time.monotonic()
        idle.append(connection)

    def _connect(self, address: _Address, patience: Patience) -> Any:
        plain, encrypted = _connection_kinds()
        options: dict[str, Any] = {"patience": patience, "idle_limit": self._idle_limit}
        if address.is_encrypted:
            self._tls = self._tls or _system_trust()
            options |= {"ssl_context": self._tls, "cert_reqs": "CERT_REQUIRED"}
        kind = encrypted if address.is_encrypted else plain
        connection = kind(address.host, address.port, **options)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection


# Few addresses come again and again, all from the configuration; to parse one takes 15 µs.
@lru_cache(maxsize=64)
def _address(url: str, insecure_loopback: bool) -> _Address | None:
    """Where *url* leads, its name in the alphabet of DNS; None if nothing may be sent there."""
    import urllib3

    try:
        parts = urllib3.util.parse_url(url)
    except (urllib3.exceptions.LocationValueError, ValueError):
        return None
    host = (parts.host or "").strip("[]")
    is_encrypted = parts.scheme == "https"
    may_be_plain = parts.scheme == "http" and insecure_loopback and _is_loopback_literal(host)
    if parts.auth is not None or not host or not (is_encrypted or may_be_plain):
        return None
    port = parts.port or (443 if is_encrypted else 80)
    return _Address(is_encrypted, host, port, parts.netloc or "", parts.request_uri)


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


def _question(fields: Sequence[tuple[str, str]], manner: Manner) -> _Request:
    body = "&".join([f"{_escaped(name)}={_escaped(value)}" for name, value in fields])
    headers: Mapping[str, str] = _REQUEST_HEADERS
    if manner.get("as_json"):
        body = json.dumps(dict(fields))
        headers = {**headers, "Content-Type": "application/json"}
    if "authorization" in manner:
        headers = {**headers, "Authorization": manner["authorization"]}
    return _Request(manner.get("method", "POST"), headers, body.encode("ascii"), MAX_ANSWER)


def _escaped(text: str) -> str:
    return text if _UNRESERVED.fullmatch(text) else quote_plus(text)


def _ask(sock: socket.socket, request: bytes, limit: int, patience: Patience) -> tuple[Reply, bool]:
    """The answer to *request*, and whether its connection may be used again."""
    deadline = time.monotonic() + patience.answer
    if sock.gettimeout() != patience.silence:
        sock.settimeout(patience.silence)
    sock.sendall(request)
    answer = Answer(sock, silence=patience.silence, deadline=deadline)
    if 300 <= answer.status < 400:
        raise Unanswered(Fault.REDIRECT, sent=True)
    headers = answer.headers
    body = answer.read(limit)
    encoding = headers.get("content-encoding", "identity").lower()
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    return Reply(answer.status, kept, _decode(body, encoding, limit)), answer.may_be_followed


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

    if isinstance(cause, TimeoutError):
        return Fault.TIMEOUT
    if isinstance(cause, socket.gaierror):
        return Fault.NAME
    if isinstance(cause, ssl.SSLError):  # a certificate that does not verify is one as well
        return Fault.TLS
    if isinstance(cause, TooLarge):
        return Fault.TOO_LARGE
    if isinstance(cause, zlib.error):
        return Fault.UNDECODABLE
    return Fault.BROKEN if isinstance(cause, OSError) else Fault.MALFORMED


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

    urllib3 opens and verifies it; its connect time-out would start anew with each address.
    """

    def __init__(
        self, *arguments: Any, patience: Patience, idle_limit: float, **options: Any
    ) -> None:
        self._patience = patience
        self._idle_limit = idle_limit
        self.used = time.monotonic()
        super().__init__(*arguments, **options)

    @property
    def is_connected(self) -> bool:
        """Whether the other side has neither closed it nor said something unasked."""
        return time.monotonic() - self.used < self._idle_limit and super().is_connected

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
