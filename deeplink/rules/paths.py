"""Paths and patterns of links: what they may contain and claim, and which of them cover which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deeplink.association.verdict import RESERVED_PATHS
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from deeplink.rules.report import Path, Report

#: Paths that this server answers itself on every host; the app would take them from browsers.
RESERVED = tuple(pattern.removesuffix("/*") for pattern in RESERVED_PATHS)

_SLASHES = re.compile(r"/{2,}")
_LEGAL = re.compile(r"(?:[A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*")
_ROUTE = re.compile(r"/:[A-Za-z_]\w*|[<{]\w*[>}]")


def read_path(text: str, path: Path, report: Report) -> str | None:
    """*text* as a link's path pattern, or None and a finding; ``*`` alone means ``/*``."""
    if re.fullmatch(r"/?\*+", text):
        return "/*"
    fault = _fault_of(text)
    if fault is None:
        return text
    report.error("CFG051", path, *fault)
    return None


def check_claim(pattern: str, path: Path, report: Report) -> None:
    """Note what *pattern* claims that no app should have."""
    if pattern == "/*":
        what = "claims the whole host, so no page of it opens in a browser any more"
        report.warning("CFG053", path, what, 'claim what the app shows, such as "/product/*"')
        return
    literal = pattern.partition("*")[0]
    for reserved in RESERVED:
        if literal == reserved or literal.startswith(f"{reserved}/"):
            what = f"lies under {reserved}, which this server answers itself"
            report.error("CFG052", path, what, "choose another path")
        elif "*" in pattern and reserved.startswith(literal):
            what = f"also claims {reserved}, which this server answers itself"
            report.warning("CFG052", path, what, "end it with a slash before the *")


def read_pattern(text: str, path: Path, report: Report) -> str | None:
    """*text* as a pattern of a query value or a fragment, or None and a finding."""
    if not text:
        what = "is empty; no phone can be told to ask for an empty one"
        report.error("CFG073", path, what, 'write "*" for any text, or leave it out')
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        what = "has white space or letters outside ASCII; phones compare the encoded text"
        report.error("CFG073", path, what, "write it percent-encoded")
        return None
    if "?" in text or "$(" in text:
        what = "has ? or $( in it, which phones read as wildcards; here * is the only one"
        report.error("CFG073", path, what, "write %3F for a question mark, %24 for a dollar")
        return None
    if re.search(r"[#\"<>\\^`{|}]", text) or re.search(r"%(?![0-9A-Fa-f]{2})", text):
        what = "has characters that a URL cannot have"
        report.error("CFG073", path, what, "write them percent-encoded")
        return None
    return text


def covers(wider: str, narrower: str) -> bool:
    """
    Whether *wider* matches everything that *narrower* matches; ``*`` is any run of characters.

    A star of *narrower* can be any text, so nothing but a star of *wider* can take it: the
    question is whether *wider* matches *narrower* with its stars read as one strange letter.
    """
    strange = narrower.replace("*", "\0")
    first, *rest = wider.split("*")
    if not rest:
        return wider == narrower
    if not strange.startswith(first):
        return False
    position = len(first)
    *middle, last = rest
    for part in middle:
        found = strange.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(strange) - position >= len(last) and strange.endswith(last)


def _fault_of(text: str) -> tuple[str, str] | None:
    if "://" in text:
        path = "/" + text.partition("://")[2].partition("/")[2]
        return "is a URL; the hosts stand elsewhere", f"write {quoted(path)}"
    if "#" in text:
        return "has a fragment in it", 'write fragment = "…" in the same row'
    if "?" in text:
        path, _, query = text.partition("?")
        name, _, value = query.partition("=")
        example = f"{quoted(name or 'name')} = {quoted(value or '*')}"
        return "has a query in it", f"write path = {quoted(path)} and query = {{ {example} }}"
    return _fault_of_letters(text) or _fault_of_shape(text)


def _fault_of_letters(text: str) -> tuple[str, str] | None:
    if any(character.isspace() for character in text):
        return "has white space in it", "write %20 for a space"
    if not text.isascii():
        encoded = "".join(c if c.isascii() else _percent(c) for c in text)
        return (
            "has letters outside ASCII; phones compare the encoded path",
            f"write {quoted(encoded)}",
        )
    if _ROUTE.search(text):
        return (
            "has a placeholder of a web framework in it",
            f"write {quoted(_ROUTE.sub(_star, text))}",
        )
    if "$(" in text:
        return "has $( in it, which Apple reads as a variable", "write %24 for the dollar"
    if "\\" in text:
        return "has a backslash in it", "write / for it"
    if not _LEGAL.fullmatch(text):
        return "has characters that a URL's path cannot have", "write them percent-encoded"
    return None


def _fault_of_shape(text: str) -> tuple[str, str] | None:
    if not text.startswith("/"):
        host, slash, rest = text.partition("/")
        if "." in host and slash:
            return "begins with a host; the hosts stand elsewhere", f'write "/{rest}"'
        return "does not begin with /", f'write "/{text}"'
    if "//" in text:
        return "has an empty part (//)", f'write "{_SLASHES.sub("/", text)}"'
    if re.search(r"/\.{1,2}(/|$)", text):
        return "has a part . or .., which browsers resolve before they ask", "write the path itself"
    if "/.*" in text:
        return "is a regular expression; here * alone is any text", f'write "{_plain(text)}"'
    return None


def _percent(character: str) -> str:
    return "".join(f"%{octet:02X}" for octet in character.encode("utf-8", "replace"))


def _star(found: re.Match[str]) -> str:
    return "/*" if found[0].startswith("/") else "*"


def _plain(text: str) -> str:
    return text.replace("/.*", "/*")
