"""
A URL as Android takes it apart before anything is compared: android.net.Uri, decoded parts.

https://android.googlesource.com/platform/frameworks/base/+/main/core/java/android/net/Uri.java
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True, slots=True)
class Uri:
    """A URL in the parts that Android compares: decoded, None where there is none."""

    scheme: str | None
    host: str | None
    port: int
    path: str
    query: str | None
    fragment: str | None

    def parts(self) -> tuple[str, ...]:
        """
        The ``k=v`` pairs, split at ``&``, or at ``;`` if that gives one pair only.

        So ``a=1&`` is the one pair ``a=1&``, and no rule that wants ``a=1`` matches it:
        android.content.UriRelativeFilter, matchQuery.
        """
        if self.query is None:
            return ()
        pairs = _split(self.query, "&")
        return tuple(_split(self.query, ";") if len(pairs) == 1 else pairs)


def parse_uri(url: str) -> Uri:
    """The parts of *url* as android.net.Uri finds them; nothing is refused, much may be None."""
    scheme, colon, rest = url.partition(":")
    if not colon:
        scheme, rest = "", url
    rest, hash_mark, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    host, port, path = None, -1, rest
    if rest.startswith("//"):
        end = next((i for i, char in enumerate(rest) if i > 1 and char in "/\\"), len(rest))
        host, port = _host_and_port(rest[2:end])
        path = rest[end:]
    return Uri(
        scheme=scheme if colon else None,
        host=host,
        port=port,
        path=decoded(path),
        query=decoded(query) if question else None,
        fragment=decoded(fragment) if hash_mark else None,
    )


def decoded(text: str) -> str:
    """The text with its escapes undone, once, as UTF-8; ``+`` stays a plus."""
    if "%" not in text:
        return text
    return unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _host_and_port(authority: str) -> tuple[str, int]:
    host = authority.rpartition("@")[2]
    name, colon, port = host.rpartition(":")
    if not colon or not all(char in "0123456789" for char in port):
        return decoded(host), -1
    return decoded(name), int(port) if port and len(port) < 10 else -1


def _split(text: str, separator: str) -> list[str]:
    """Java's String.split, which drops empty texts at the end, if it splits at all."""
    parts = text.split(separator)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts if any(parts) or not text else []
