"""
One finished resource: every answer it can give is made at start; a request only chooses.

No framework here: a Flask route and an event loop hand out the same values. Conditional
requests and content codings follow RFC 9110, sections 8.8.3, 12.5.3, 13.1.2 and 15.4.5
(https://www.rfc-editor.org/rfc/rfc9110).
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long anybody may keep a copy, in seconds. An hour at most: a wrong fingerprint that was
#: put right must reach Google's and Apple's fetchers the same day.
MAX_AGE = 3600

_ALLOWED = "GET, HEAD"

#: What both a full answer and a 304 say: a cache updates its stored copy from the latter
#: (RFC 9110 section 15.4.5). Vary is there even where no gzip form is: a file may grow into one.
_CACHING = (
    ("Cache-Control", f"public, max-age={MAX_AGE}"),
    ("Vary", "Accept-Encoding"),
)

#: Any page may read these files: they are public, the same for everybody, and know no cookie.
#: Readers in a browser rely on it for some drop-ins (nostr.json: NIP-05 asks for it; did.json).
_SHARING = ("Access-Control-Allow-Origin", "*")

#: On every answer of this server, so that no file is taken for a page or a script.
_NO_GUESSING = ("X-Content-Type-Options", "nosniff")

#: One element of Accept-Encoding: a coding and perhaps its weight (RFC 9110 section 12.4.2).
_CODING = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)"
    r"(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)

#: One element of a list of entity tags, with the comma after it; empty elements are allowed
#: (RFC 9110 section 5.6.1). White space inside of the group only: nothing to try twice.
_TAG = re.compile(r'[ \t]*(?:(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|\Z)')


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response but for ``Date`` and ``Connection``, which belong to the server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Representation:
    """One spelling of the body (as it is, or gzip) and its three answers."""

    etag: str
    whole: Answer
    head: Answer
    not_modified: Answer


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """A resource whose answers are all finished; it may be read from any number of threads."""

    identity: Representation
    gzip: Representation | None

    def answer(self, method: str, headers: Mapping[str, str]) -> Answer:
        """
        The one of the finished answers that a request asks for.

        *headers* has its names in lower case; of them only ``accept-encoding`` and
        ``if-none-match`` are read, lines of the same name joined with commas. A malformed one
        counts as absent: a phone gets the file rather than a lecture.
        """
        if method not in ("GET", "HEAD"):
            return METHOD_NOT_ALLOWED
        chosen = self.identity
        if self.gzip and prefers_gzip(headers.get("accept-encoding", "")):
            chosen = self.gzip
        if names(headers.get("if-none-match", ""), chosen.etag):
            return chosen.not_modified
        return chosen.whole if method == "GET" else chosen.head


_REFUSAL = b"This file can be read with GET and HEAD, nothing else.\n"

METHOD_NOT_ALLOWED = Answer(
    405,
    (
        ("Allow", _ALLOWED),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(_REFUSAL))),
        _NO_GUESSING,
    ),
    _REFUSAL,
)


def build(content_type: str, body: bytes) -> Prebuilt:
    """
    The resource whose body is *body*, to the byte; the same arguments give the same answers.

    The gzip form carries no time stamp, and is there only if it saves something.
    """
    packed = gzip.compress(body, 9, mtime=0)
    return Prebuilt(
        identity=_represent(content_type, body),
        gzip=_represent(content_type, packed, coding="gzip") if len(packed) < len(body) else None,
    )


def prefers_gzip(accept_encoding: str) -> bool:
    """
    Whether gzip is acceptable and not liked less than the body as it is.

    Where nothing is acceptable (``identity;q=0``, ``*;q=0``) the body goes out as it is. RFC
    9110 lets a server refuse instead, but a phone is better served by a file than by a 406.

    >>> prefers_gzip("br, gzip;q=0.8"), prefers_gzip("gzip;q=0, *"), prefers_gzip("")
    (True, False, False)
    """
    weights: dict[str, float] = {}
    for element in accept_encoding.split(","):
        match = _CODING.fullmatch(element.strip(" \t"))
        if match:
            coding = match[1].lower()
            # RFC 9110 section 8.4.1.3: x-gzip is gzip.
            coding = "gzip" if coding == "x-gzip" else coding
            weight = float(match[2] or 1)
            # Said twice: the smaller weight counts, so that a refusal anywhere holds.
            weights[coding] = min(weight, weights.get(coding, 1.0))
    others = weights.get("*", 0.0)
    gzip_weight = weights.get("gzip", others)
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", others)


def names(if_none_match: str, etag: str) -> bool:
    """
    Whether the condition names *etag*, or ``*``. A malformed list names nothing.

    The comparison is the weak one, as RFC 9110 section 13.1.2 wants it: proxies that pack a
    body make a strong tag weak on its way.

    >>> names('"a", W/"b"', '"b"'), names(" * ", '"b"'), names("b", '"b"')
    (True, True, False)
    """
    if if_none_match.strip(" \t") == "*":
        return True
    found, position = False, 0
    while position < len(if_none_match):
        match = _TAG.match(if_none_match, position)
        if match is None:
            return False
        found = found or match[1] == etag
        position = match.end()
    return found


def _represent(content_type: str, body: bytes, *, coding: str = "") -> Representation:
    # The type is a part of what the tag stands for: a 304 cannot correct it (RFC 9110 section
    # 8.8.1). The coding is in the bytes, so each coding has a tag of its own (section 8.8.3.3).
    digest = hashlib.sha256(content_type.encode() + b"\n" + body).hexdigest()[:32]
    etag = f'"{digest}"'
    caching = (("ETag", etag), *_CACHING)
    headers = (
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        *((("Content-Encoding", coding),) if coding else ()),
        *caching,
        _SHARING,
        _NO_GUESSING,
    )
    return Representation(
        etag=etag,
        whole=Answer(200, headers, body),
        head=Answer(200, headers, b""),
        not_modified=Answer(304, (*caching, _NO_GUESSING), b""),
    )
