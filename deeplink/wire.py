"""
One answer of HTTP/1.1 read off a socket, strictly, and within its time (RFC 9112).

``http.client`` reads the same in 80 µs, which is a tenth of a whole exchange, and takes more than
it should: white space before a colon, folded lines, lengths with a sign. Here an answer is either
what section 4 to 7 of the RFC say, or none.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

#: The largest head that we take, in bytes, and how many fields; ``http.client`` has 100, too.
MAX_HEAD = 16 * 1024
MAX_FIELDS = 100

#: Answers of 1xx that may come before the real one.
_MAX_INTERIM = 8

#: A TLS record holds no more, so that nothing decrypted is left behind unseen.
_CHUNK = 16 * 1024

#: Seconds of difference that are not worth another time-out of the socket: a system call each.
_SLACK = 0.05

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_DIGITS = re.compile(r"[0-9]{1,12}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")


class TooLarge(Exception):
    """The body is larger than its reader takes."""


class _HungUp(ConnectionError):
    """No byte more will come."""


class Answer:
    """
    The answer that comes next on *sock*, its head read; ``read`` gives its body.

    *headers* has lower-case names; the values of a name that stands twice are joined by commas.
    No wait for a byte is longer than *silence* seconds, and none goes on after *deadline*, a time
    of ``time.monotonic``; the socket's own time-out is *silence* already. Refuses with
    ``ValueError`` what is not HTTP, ``ConnectionError`` what ends early, ``TimeoutError``.
    """

    def __init__(self, sock: socket.socket, *, silence: float, deadline: float) -> None:
        self._sock = sock
        self._silence = silence
        self._deadline = deadline
        self._unread = b""
        self._is_framed = True
        for _ in range(_MAX_INTERIM):
            version, self.status, self.headers = self._read_head()
            if self.status >= 200:
                break
            if self.status == 101:
                raise ValueError("a protocol that nobody asked for")
        else:
            raise ValueError("no end of interim answers")
        options = self.headers.get("connection", "").lower()
        self._is_lasting = version == b"1" and "close" not in options

    @property
    def may_be_followed(self) -> bool:
        """Whether another request may go out here: the body's end is known and nothing follows."""
        return self._is_lasting and self._is_framed and not self._unread

    def read(self, limit: int) -> bytes:
        """The body, as it was sent; refuses with ``TooLarge`` one of more than *limit* bytes."""
        coding = self.headers.get("transfer-encoding")
        length = self.headers.get("content-length")
        if self.status in (204, 304):
            return b""
        if coding is not None:
            # Both headers together smell of smuggling (RFC 9112 section 6.3).
            self._is_lasting = self._is_lasting and length is None
            if coding.lower() != "chunked":
                raise ValueError("a transfer coding that nobody asked for")
            return self._read_chunks(limit)
        if length is None:
            return self._read_to_the_end(limit)
        lengths = {part.strip() for part in length.split(",")}
        if len(lengths) != 1 or not _DIGITS.fullmatch(text := lengths.pop()):
            raise ValueError("no length")
        if int(text) > limit:
            raise TooLarge
        return self._take(int(text))

    def _read_head(self) -> tuple[bytes, int, dict[str, str]]:
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            if len(self._unread) > MAX_HEAD:
                raise ValueError("no end of the head")
            self._receive()
        lines = self._unread[:end].split(b"\r\n")
        self._unread = self._unread[end + 4 :]
        status = _STATUS_LINE.fullmatch(lines[0])
        if status is None or len(lines) > MAX_FIELDS or end > MAX_HEAD:
            raise ValueError("no head of HTTP")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            field = _FIELD.fullmatch(line)
            if field is None:
                raise ValueError("no field of HTTP")
            name, value = field[1].decode("ascii").lower(), field[2].strip(b" \t").decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return status[1], int(status[2]), headers

    def _read_chunks(self, limit: int) -> bytes:
        body = bytearray()
        while True:
            size = _CHUNK_SIZE.fullmatch(self._take_line())
            if size is None:
                raise ValueError("no chunk")
            length = int(size[1], 16)
            if length == 0:
                break
            if len(body) + length > limit:
                raise TooLarge
            body += self._take(length)
            if self._take(2) != b"\r\n":
                raise ValueError("no end of a chunk")
        for _ in range(MAX_FIELDS):
            if not self._take_line():
                return bytes(body)
        raise ValueError("no end of trailers")

    def _read_to_the_end(self, limit: int) -> bytes:
        self._is_framed = False
        try:
            while len(self._unread) <= limit:
                self._receive()
        except _HungUp:
            return self._unread
        raise TooLarge

    def _take_line(self) -> bytes:
        while (end := self._unread.find(b"\r\n")) < 0:
            if len(self._unread) > MAX_HEAD:
                raise ValueError("no end of a line")
            self._receive()
        line, self._unread = self._unread[:end], self._unread[end + 2 :]
        return line

    def _take(self, length: int) -> bytes:
        while len(self._unread) < length:
            self._receive()
        taken, self._unread = self._unread[:length], self._unread[length:]
        return taken

    def _receive(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left < self._silence - _SLACK:
            self._sock.settimeout(left)
        received = self._sock.recv(_CHUNK)
        if not received:
            raise _HungUp
        self._unread += received
