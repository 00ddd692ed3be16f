"""A URL that somebody asks about, as a phone would be handed it; what is none is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

#: What a URL may hold (RFC 3986, section 2), and the escapes.
_LEGAL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DOTS = re.compile(r"/(?:\.|%2[eE]){1,2}(?=/|$)")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")

_LARGEST_PORT = 65535
_WELL_KNOWN_PORTS = {"http": 80, "https": 443}

#: Characters of a text that a refusal repeats.
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Address:
    """A web URL in its parts; *host* is lower-case, *port* None where none is written."""

    url: str
    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def has_odd_port(self) -> bool:
        return self.port not in (None, _WELL_KNOWN_PORTS[self.scheme])


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a text is no URL that a phone could open: a clause, and what to write instead."""

    text: str
    what: str
    hint: str

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        return f'"{_printable(shown)}" {self.what}; {self.hint}'


def read_address(text: str) -> Address | Malformed:
    """
    The URL in *text*. Nothing is repaired: phones compare what is written.

    >>> read_address("https://Links.acme.com/invite/42").host
    'links.acme.com'
    """
    scheme, _, rest = text.partition("://")
    fault = _fault_of_scheme(text) or _fault_of_letters(text)
    if fault:
        return Malformed(text, *fault)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = re.split(r"[?#]", rest[len(authority) :], maxsplit=1)[0]
    host, port, fault = _host_and_port(authority)
    if fault is None and (dots := _DOTS.search(path)):
        what = f'has "{dots[0]}" in its path, which a phone resolves before it looks'
        fault = (what, "write the path that it leads to")
    if fault:
        return Malformed(text, *fault)
    return Address(text, scheme.lower(), host.lower(), port, path)


def _fault_of_scheme(text: str) -> tuple[str, str] | None:
    if not text.strip():
        return "is empty", 'write a URL such as "https://links.acme.com/invite/42"'
    if text != text.strip():
        return "has white space around it", f'write "{_printable(text.strip())}"'
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in _WELL_KNOWN_PORTS:
        return None if rest else ("has no host", f'write "{scheme}://links.acme.com/"')
    found = _SCHEME.match(text)
    if found and found[1].lower() in _WELL_KNOWN_PORTS:
        rest = _printable(text[found.end() :].lstrip("/"))[:_SHOWN]
        return "has not two slashes after the scheme", f'write "{found[1]}://{rest}"'
    if found and "." not in found[1] and not text[found.end() :][:1].isdigit():
        what = f'has the scheme "{found[1]}", and only http and https links can be app links'
        return what, "a custom scheme opens whatever app has registered it; no file decides that"
    return "has no scheme", f'write "https://{_printable(text.lstrip("/"))[:_SHOWN]}"'


def _fault_of_letters(text: str) -> tuple[str, str] | None:
    if any(char.isspace() or not char.isprintable() for char in text):
        return "has white space or control characters in it", "write %20 for a space"
    if "\\" in text:
        return "has a backslash in it", 'write "/", or %5C if a backslash is meant'
    authority = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
    if not authority.isascii():
        return "has a host that is not in Punycode", _punycode(authority)
    if not _LEGAL.fullmatch(text):
        encoded = quote(text, safe="%:/?#[]@!$&'()*+,;=~", errors="replace")
        return "has characters that a URL cannot have", f'write "{encoded}", as browsers send it'
    if _ESCAPE.search(text):
        return 'has a "%" that no two hexadecimal digits follow', "write %25 for a percent sign"
    return None


def _punycode(authority: str) -> str:
    try:
        return f'write "{authority.encode("idna").decode()}"'
    except UnicodeError:
        return "write its xn-- form"


def _host_and_port(authority: str) -> tuple[str, int | None, tuple[str, str] | None]:
    if "@" in authority:
        bare = authority.rpartition("@")[2]
        return "", None, ("has a user before its host", f'write "{bare}" for the host')
    host, colon, digits = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, digits = authority, ""
    if not host:
        return "", None, ("has no host", 'write one, such as "https://links.acme.com/"')
    if digits and not (digits.isdigit() and len(digits) < 6 and int(digits) <= _LARGEST_PORT):
        return "", None, (f'has "{digits}" for a port', "write a number up to 65535, or none")
    labels = host.removesuffix(".").split(".")
    if not _IPV6.fullmatch(host) and not all(map(_LABEL.fullmatch, labels)):
        return "", None, (f'has "{host}" for a host', "write a host's name, labels and dots only")
    return host, int(digits) if digits else None, None


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
