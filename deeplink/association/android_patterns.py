"""
Android's own pattern matcher, quirk for quirk, and what dynamic rules are translated into.

There is no backtracking anywhere, so matching takes linear time: android.os.PatternMatcher and
com.android.statementservice.parser.DalComponentParser of the Android Open Source Project. Texts
are compared as UTF-16 code units, because a Java ``char`` is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

#: PatternMatcher.MAX_PATTERN_STORAGE; an advanced pattern may not come within 3 tokens of it.
MAX_TOKENS = 2048

_ANY, _SET, _NOT_SET, _SET_END = -4, -1, -2, -3
_RANGE, _RANGE_END, _ZERO_OR_MORE, _ONE_OR_MORE = -5, -6, -7, -8
_MODIFIERS = frozenset((_RANGE, _RANGE_END, _ZERO_OR_MORE, _ONE_OR_MORE))
_SIMPLE_MODIFIERS = {"*": _ZERO_OR_MORE, "+": _ONE_OR_MORE}
_MAX_INT = 2**31 - 1
_JAVA_INT = re.compile(r"[+-]?[0-9]{1,10}")


class Kind(StrEnum):
    """How a pattern is meant; the numbers of PatternMatcher in words."""

    LITERAL = "literal"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    SIMPLE_GLOB = "simple_glob"
    ADVANCED_GLOB = "advanced_glob"


class Translation(StrEnum):
    """
    Which translation of a rule's expressions a device carries.

    EARLY is DalComponentParser as it first came in 2024: it escapes the dot even where nothing
    undoes the escape, and makes ``?*`` a greedy ``.+``. Which build has which is not published.
    """

    NEWEST = "newest"
    EARLY = "early_2024"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that can be matched; *tokens* are those of an advanced glob."""

    kind: Kind
    text: str
    tokens: tuple[int, ...] = ()

    @property
    def shown(self) -> str:
        """The text for people, its surrogates joined again."""
        units = self.text.encode("utf-16-le", "surrogatepass")
        return units.decode("utf-16-le", "replace")

    def matches(self, text: str) -> bool:
        """Whether the pattern covers the whole of *text*, as far as its kind asks for it."""
        text = _units(text)
        match self.kind:
            case Kind.LITERAL:
                return text == self.text
            case Kind.PREFIX:
                return text.startswith(self.text)
            case Kind.SUFFIX:
                return text.endswith(self.text)
            case Kind.SIMPLE_GLOB:
                return _matches_glob(self.text, text)
            case Kind.ADVANCED_GLOB:
                return _matches_tokens(self.tokens, text)


def pattern_of(kind: Kind, text: str) -> Pattern | None:
    """The pattern, or None for an advanced glob at which Android throws."""
    text = _units(text)
    if kind is not Kind.ADVANCED_GLOB:
        return Pattern(kind, text)
    tokens = _tokens_of(text)
    return None if tokens is None else Pattern(kind, text, tokens)


def translate(expression: str, translation: Translation = Translation.NEWEST) -> Pattern | None:
    """
    The pattern that a device makes of a rule's expression; None for one at which it throws.

    The newest translation throws at the empty expression only; the early one also where it makes
    an advanced glob that is malformed (``+?*``).

    >>> translate("/v1/*.html").text
    '/v1/.*\\\\.html'
    """
    if not expression:
        return None
    kind, text = _newest(expression) if translation is Translation.NEWEST else _early(expression)
    return pattern_of(kind, text)


def _newest(expression: str) -> tuple[Kind, str]:
    wildcards = sum(char in "*?" for char in expression)
    if not wildcards:
        return Kind.LITERAL, expression
    if wildcards == 1 and expression.endswith("*"):
        return Kind.PREFIX, expression[:-1]
    glob = {"*": ".*", "?": ".", ".": "\\.", "\\": "\\\\"}
    return Kind.SIMPLE_GLOB, "".join(glob.get(char, char) for char in expression)


def _early(expression: str) -> tuple[Kind, str]:
    is_advanced = "?*" in expression
    wildcards, pattern = 0, ""
    for char in expression:
        if char == "*" and pattern.endswith(".") and not pattern.endswith("\\."):
            pattern += "+"
        elif char in "*?":
            wildcards += 1
            pattern += ".*" if char == "*" else "."
        elif char == "." or (is_advanced and char in "[]{}"):
            pattern += "\\" + char
        else:
            pattern += char
    if not wildcards:
        return Kind.LITERAL, pattern
    if wildcards == 1 and pattern.endswith(".*"):
        return Kind.PREFIX, pattern[:-2]
    return (Kind.ADVANCED_GLOB if is_advanced else Kind.SIMPLE_GLOB), pattern


# Every rule asks for the units of the same URL, which may be long.
@lru_cache(maxsize=64)
def _units(text: str) -> str:
    """The text with every character beyond U+FFFF as its two surrogates."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(units[i] | units[i + 1] << 8) for i in range(0, len(units), 2))


def _matches_glob(pattern: str, text: str) -> bool:
    """
    PatternMatcher.matchGlobPattern, step by step, with its quirks.

    After ``.*`` it runs to the first next character of the pattern and never comes back; an
    escaped dot is still any character unless it follows ``.*``; a ``c*`` met after the end of
    the text does not match.
    """
    if not pattern:
        return not text
    size, end = len(pattern), len(text)
    at = place = 0
    following = pattern[0]
    while at < size and place < end:
        char = following
        at += 1
        following = _char(pattern, at)
        escaped = char == "\\"
        if escaped:
            char = following
            at += 1
            following = _char(pattern, at)
        if following == "*" and char == "." and not escaped:
            if at >= size - 1:
                return True
            at += 1
            following = pattern[at]
            if following == "\\":
                at += 1
                following = _char(pattern, at)
            place = text.find(following, place)
            if place < 0:
                return False
            at += 1
            following = _char(pattern, at)
            place += 1
        elif following == "*":
            while place < end and text[place] == char:
                place += 1
            at += 1
            following = _char(pattern, at)
        elif char != "." and text[place] != char:
            return False
        else:
            place += 1
    return (at >= size and place >= end) or (at == size - 2 and pattern[at:] == ".*")


def _char(pattern: str, at: int) -> str:
    return pattern[at] if at < len(pattern) else "\0"


def _tokens_of(pattern: str) -> tuple[int, ...] | None:
    """PatternMatcher.parseAndVerifyAdvancedPattern; None where it throws."""
    tokens: list[int] = []
    at, size = 0, len(pattern)
    in_set = in_class = in_range = False
    while at < size:
        if len(tokens) > MAX_TOKENS - 3:
            return None
        char, is_literal = pattern[at], False
        if char == "\\":
            at += 1
            if at >= size:
                return None
            char, is_literal = pattern[at], True
        elif char == "[" and not in_set:
            inverse = _char(pattern, at + 1) == "^"
            if at + 1 >= size:
                return None
            tokens.append(_NOT_SET if inverse else _SET)
            at += 2 if inverse else 1
            in_set = True
            continue
        elif char == "]" and in_set:
            if tokens[-1] in (_SET, _NOT_SET):
                return None
            tokens.append(_SET_END)
            in_set = in_class = False
        elif char == "{" and not in_set:
            if not tokens or tokens[-1] in _MODIFIERS:
                return None
            tokens.append(_RANGE)
            at += 1
            in_range = True
        elif char == "}" and in_range:
            tokens.append(_RANGE_END)
            in_range = False
        elif char in _SIMPLE_MODIFIERS and not in_set:
            if not tokens or tokens[-1] in _MODIFIERS:
                return None
            tokens.append(_SIMPLE_MODIFIERS[char])
        elif char == "." and not in_set:
            tokens.append(_ANY)
        else:
            # A "}" that ends no range falls out of the switch and is dropped.
            is_literal = char != "}"
        if in_set:
            if in_class:
                tokens.append(ord(char))
                in_class = False
            elif at + 2 < size and pattern[at + 1] == "-" and pattern[at + 2] != "]":
                in_class = True
                tokens.append(ord(char))
                at += 1
            else:
                tokens += (ord(char), ord(char))
        elif in_range:
            stop = pattern.find("}", at)
            bounds = _bounds_of(pattern[at:stop]) if stop >= 0 else None
            if bounds is None:
                return None
            tokens += bounds
            at = stop
            continue
        elif is_literal:
            tokens.append(ord(char))
        at += 1
    return None if in_set or in_range else tuple(tokens)


def _bounds_of(text: str) -> tuple[int, int] | None:
    """The two numbers of ``{n}``, ``{n,}`` or ``{n,m}``, read by Integer.parseInt."""
    least, comma, most = text.partition(",")
    if not _JAVA_INT.fullmatch(least) or (most and not _JAVA_INT.fullmatch(most)):
        return None
    low = int(least)
    high = low if not comma else int(most) if most else _MAX_INT
    return (low, high) if low <= high <= _MAX_INT else None


def _matches_tokens(tokens: tuple[int, ...], text: str) -> bool:
    """PatternMatcher.matchAdvancedPattern: each token takes all it can, once."""
    at = place = 0
    end = len(text)
    while at < len(tokens):
        token = tokens[at]
        first = at
        if token in (_SET, _NOT_SET):
            at = tokens.index(_SET_END, at)
        at += 1
        last = at - 1
        least = most = 1
        modifier = tokens[at] if at < len(tokens) else 0
        if modifier in (_ZERO_OR_MORE, _ONE_OR_MORE):
            least, most = (0 if modifier == _ZERO_OR_MORE else 1), _MAX_INT
            at += 1
        elif modifier == _RANGE:
            least, most = tokens[at + 1], tokens[at + 2]
            at += 4
        start = place
        while place < end and place - start < most:
            if not _takes(tokens, first, last, ord(text[place])):
                break
            place += 1
        if place - start < least:
            return False
    return place >= end


def _takes(tokens: tuple[int, ...], first: int, last: int, char: int) -> bool:
    token = tokens[first]
    if token == _ANY:
        return True
    if token not in (_SET, _NOT_SET):
        return char == token
    bounds = range(first + 1, last, 2)
    inside = any(tokens[i] <= char <= tokens[i + 1] for i in bounds)
    return inside == (token == _SET)
