"""
Strict reading of a request's head: the plainest GET and HEAD are understood, all else is None.

None is no refusal: whatever is not understood here goes to gunicorn, which judges it. So the law
of this room is that what it understands, gunicorn understands in the same way. It reads a part
of the grammar of RFC 9112 (sections 2 to 6) and RFC 9110 (section 5), smaller than gunicorn's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: The end of every head.
END = b"\r\n\r\n"

#: RFC 9110 section 5.6.2, without the underscore: gunicorn drops or refuses such names, because
#: ``X_Forwarded_For`` and ``X-Forwarded-For`` become one variable in a WSGI environ.
_TOKEN = rb"[!#$%&'*+.^`|~0-9A-Za-z-]+"

#: The first line, and any other. Targets and values are printable ASCII; obs-fold cannot match,
#: because a line has to begin with a name. Possessive: nothing is tried twice, whatever somebody
#: sends.
_FIRST_LINE = re.compile(rb"(GET|HEAD) (/[!-~]*+) HTTP/1\.([01])")
_LINE = re.compile(rb"(" + _TOKEN + rb"+):([\t -~]*+)")

#: From one client to the next most lines of a head are the same. So many of them, and so many
#: sets of those that concern us, are remembered with what they mean: a phone's 14 fields are read
#: in 2 µs then, in 8 if each of them is new.
REMEMBERED_LINES = 1024
REMEMBERED_LENGTH = 256

#: Fields that choose among the finished answers, or say what becomes of the connection.
_READ = (b"host", b"connection", b"accept-encoding", b"if-none-match")

#: Fields that announce a body or another protocol, or of which gunicorn refuses a second one;
#: and those with somebody's secrets in them, for the loop remembers heads.
_LEFT_TO_GUNICORN = (
    b"authorization",
    b"cookie",
    b"proxy-authorization",
    b"content-length",
    b"content-type",
    b"expect",
    b"http2-settings",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
)

#: Connection: what it says to gunicorn (``Message.should_close``); any other value is left to it.
_WISHES = {b"close": True, b"keep-alive": False}


class Ask(NamedTuple):
    """
    What a head asks for: *what* to look up, and how the connection goes on.

    *what* is (method, target, Host, Accept-Encoding, If-None-Match), as sent but for the white
    space around a value; the last two are empty if absent. *minor* is the 0 or 1 of HTTP/1.x.
    """

    what: tuple[bytes, bytes, bytes, bytes, bytes]
    minor: int
    close: bool


def reader(scheme_fields: Collection[str]) -> Callable[[bytes], Ask | None]:
    """
    A function from bytes to what they ask for, None for everything that is not utterly plain.

    *scheme_fields* are the names by which a proxy says "https" (gunicorn's
    ``secure_scheme_headers``): two that contradict each other are for gunicorn to refuse.

    >>> read = reader(["X-FORWARDED-PROTO"])
    >>> read(b"GET /a HTTP/1.1\\r\\nHost: b\\r\\n\\r\\n")
    Ask(what=(b'GET', b'/a', b'b', b'', b''), minor=1, close=False)
    >>> read(b"GET /a HTTP/1.1\\r\\nHost: b\\r\\nContent-Length: 0\\r\\n\\r\\n")
    """
    schemes = [name.lower().encode("ascii") for name in scheme_fields]
    concern = frozenset((*_READ, *_LEFT_TO_GUNICORN, *schemes))
    first_of, field_of, meaning = _FIRST_LINE.fullmatch, _LINE.fullmatch, _meaning(schemes)
    plain: set[bytes] = set()
    telling: set[bytes] = set()
    understood: dict[tuple[bytes, ...], Ask] = {}

    def read(head: bytes) -> Ask | None:
        lines = [line for line in head.split(b"\r\n") if line not in plain]
        # What is plain among fields is not so before them: the first line must still be there.
        if not head.endswith(END) or not head.startswith(lines[0]):
            return None
        told = lines[:1]
        for line in lines[1:-2]:
            if line not in telling:
                field = field_of(line)
                if field is None:
                    return None
                if field[1].lower() not in concern:
                    if len(line) <= REMEMBERED_LENGTH:
                        _make_room(plain)
                        plain.add(line)
                    continue
            told.append(line)
        key = tuple(told)
        return understood.get(key) or understand(key)

    def understand(told: tuple[bytes, ...]) -> Ask | None:
        first, fields = first_of(told[0]), [field_of(line) for line in told[1:]]
        if first is None:
            return None
        pairs = [field.groups() for field in fields if field is not None]
        ask = meaning(first[1], first[2], int(first[3]), pairs)
        # What has no meaning here, somebody's cookie perhaps, has no place here either.
        if ask is not None and max(map(len, told)) <= REMEMBERED_LENGTH:
            for known in (telling, understood):
                _make_room(known)
            telling.update(told[1:])
            understood[told] = ask
        return ask

    return read


def _make_room(known: set[bytes] | dict[tuple[bytes, ...], Ask]) -> None:
    # They are a stranger's words: a bounded number of them.
    if len(known) >= REMEMBERED_LINES:
        known.clear()


def _meaning(schemes: Collection[bytes]) -> Callable[..., Ask | None]:
    scheme_names = frozenset(schemes)

    def meaning(
        method: bytes, target: bytes, minor: int, fields: list[tuple[bytes, bytes]]
    ) -> Ask | None:
        host = connection = coding = condition = None
        schemes_seen = 0
        for spelling, padded in fields:
            name, value = spelling.lower(), padded.strip(b" \t")
            if name == b"host" and host is None:
                host = value
            elif name == b"connection" and connection is None:
                connection = value.lower()
            elif name == b"accept-encoding" and coding is None:
                coding = value
            elif name == b"if-none-match" and condition is None:
                condition = value
            elif name in scheme_names:
                schemes_seen += 1
            else:  # a second one of those above, or one of those that are left to gunicorn
                return None
        close = not minor if connection is None else _WISHES.get(connection)
        if not host or close is None or schemes_seen > 1:
            return None
        return Ask((method, target, host, coding or b"", condition or b""), minor, close)

    return meaning
