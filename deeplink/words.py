"""
What our pages say, in the visitor's language: English phrases, and catalogues that translate them.

A phrase is its own name, as in gettext: code says ``words.say("Open {app}", app=name)`` and a
catalogue in the PO format has the same phrase as ``msgid``. PO files are read as they are, at
start: a translator edits one and restarts, nothing is compiled, and Babel (33 MB) stays a tool of
the desk. No file is opened here; ``deeplink.languages`` does that.

Format: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

#: A line of a PO file: perhaps a keyword, then a text in quotes.
_LINE = re.compile(r'(?:(\w+(?:\[\d+\])?)\s*)?("(?:[^"\\]|\\.)*")')

#: A language tag as a browser or a file name has it (RFC 5646 section 2.1, less its rarities).
TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)

#: Characters. Browsers send a few dozen; the rest of a longer header is not read.
_MAX_HEADER = 512

#: Languages and scripts that run from right to left (CLDR, "characterOrder" and script metadata).
_RIGHT_TO_LEFT = frozenset(
    {
        "ar", "ckb", "dv", "fa", "he", "ks", "lrc", "mzn", "nqo", "pnb", "ps", "sd", "syr", "ug",
        "ur", "yi", "adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa",
    }
)  # fmt: skip

#: Tags that browsers send for a catalogue of another name (CLDR, aliases and likely subtags).
_ALSO = {
    "in": "id",
    "iw": "he",
    "no": "nb",
    "nn": "nb",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
    "zh-tw": "zh-hant",
}

#: Around a word whose direction may differ from the sentence's (Unicode UAX 9, section 2.3).
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def phrase(text: str) -> str:
    """*text* itself, marked for the catalogues: for phrases in tables, which are said elsewhere."""
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """One language: *language* is its tag as ``lang`` has it, *texts* are by English phrase."""

    language: str
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        return direction(self.language)

    def say(self, phrase: str, /, **values: str) -> str:
        """
        *phrase* in this language, in English if it has none, with *values* in its placeholders.

        In a sentence that runs from right to left, or around a word that does, each value is
        isolated, or "Berry 2" would be shown as "2 Berry".

        >>> Words("de", {"Open {app}": "{app} öffnen"}).say("Open {app}", app="Berry")
        'Berry öffnen'
        """
        text = self.texts.get(phrase) or phrase
        if not values:
            return text
        return _PLACEHOLDER.sub(lambda found: self._placed(values[found[1]]), text)

    def _placed(self, value: str) -> str:
        if self.direction == "rtl" or any(map(_runs_right_to_left, value)):
            return f"{_ISOLATE}{value}{_END_ISOLATE}"
        return value


ENGLISH = Words("en")


class Languages:
    """The languages of one server; *only* names the one that all visitors get, if one does."""

    def __init__(self, words: Iterable[Words], *, only: str | None = None) -> None:
        self._by_tag = {"en": ENGLISH, **{each.language.lower(): each for each in words}}
        self._only = self._find(only) if only else None
        self._default = self._only or self._by_tag["en"]

    @property
    def all(self) -> tuple[Words, ...]:
        return tuple(self._by_tag.values())

    def choose(self, accept_language: str, *, wanted: str = "") -> Words:
        """
        The language for a visitor: *wanted* if we have it, else by RFC 4647 section 3.4 (lookup).

        >>> Languages([Words("pt-BR"), Words("de")]).choose("fi, pt-PT;q=0.9, de;q=0.8").language
        'pt-BR'
        """
        found = self._find(wanted.replace("_", "-")) if wanted else None
        if found is not None or self._only is not None:
            return found or self._default
        ranges = sorted(_ranges(accept_language), key=lambda each: each[1], reverse=True)
        refused = {tag for tag, weight in ranges if weight == 0}
        for tag, weight in ranges:
            found = self._find(tag) if weight > 0 else None
            if found is not None and found.language.lower() not in refused:
                return found
        return self._default

    def _find(self, tag: str) -> Words | None:
        """The catalogue for *tag*, or for it less its last subtags, one after the other."""
        parts = tag.lower().split("-")
        while parts:
            name = "-".join(parts)
            found = self._by_tag.get(name) or self._by_tag.get(_ALSO.get(name, ""))
            if found is not None:
                return found
            parts.pop()
            # RFC 4647 section 3.4: a single letter goes together with what it introduces.
            if parts and len(parts[-1]) == 1:
                parts.pop()
        primary = tag.lower().partition("-")[0]
        kin = (words for key, words in self._by_tag.items() if key.partition("-")[0] == primary)
        return next(kin, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One phrase of a PO file with its translation; *line* is that of its ``msgid``."""

    phrase: str
    text: str
    line: int
    is_fuzzy: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A PO file: *entries* in its order, less the header; *faults* are (line, what is wrong)."""

    entries: tuple[Entry, ...]
    faults: tuple[tuple[int, str], ...]

    def texts(self) -> dict[str, str]:
        """What may be said: a fuzzy translation was made for another phrase, and is none."""
        return {each.phrase: each.text for each in self.entries if each.text and not each.is_fuzzy}


def read_po(source: str) -> Catalogue:
    """
    The catalogue in *source*, a PO file. Of plural forms and contexts, which we do not use, it
    says so as a fault, and of every line that it cannot read.
    """
    reader = _Reader()
    for number, line in enumerate(source.removeprefix("\ufeff").splitlines(), 1):
        reader.take(number, line.strip())
    reader.finish()
    return Catalogue(tuple(reader.entries), tuple(reader.faults))


def placeholders(text: str) -> frozenset[str]:
    """
    The names in braces in *text*.

    >>> sorted(placeholders("{app} on {device}"))
    ['app', 'device']
    """
    return frozenset(_PLACEHOLDER.findall(text))


def direction(language: str) -> str:
    """
    ``rtl`` or ``ltr``: which way *language* runs.

    >>> direction("ar-EG"), direction("pa-Arab"), direction("az")
    ('rtl', 'rtl', 'ltr')
    """
    parts = language.lower().split("-")
    scripts = [part for part in parts[1:] if len(part) == 4 and part.isalpha()]
    return "rtl" if (scripts or parts)[0] in _RIGHT_TO_LEFT else "ltr"


class _Reader:
    """The lines of a PO file, one after the other: comments, keywords, strings."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.faults: list[tuple[int, str]] = []
        self._parts: dict[str, str] = {}
        self._line, self._keyword, self._is_fuzzy, self._next_is_fuzzy = 0, "", False, False

    def take(self, number: int, line: str) -> None:
        if line.startswith("#,") and "fuzzy" in re.split(r"[,\s]+", line):
            self._next_is_fuzzy = True
        if not line or line.startswith("#"):
            return
        found = _LINE.fullmatch(line)
        if not found:
            self.faults.append((number, "is not a line of a PO file"))
            return
        keyword, text = found[1], _unquoted(found[2])
        if text is None:
            self.faults.append((number, "has an escape that PO files do not know"))
        elif keyword in ("msgid", "msgstr"):
            if keyword == "msgid":
                self.finish()
                self._line, self._is_fuzzy = number, self._next_is_fuzzy
                self._next_is_fuzzy = False
            self._keyword = keyword
            self._parts[keyword] = text
        elif keyword:
            self._keyword = ""
            self.faults.append((number, f"has {keyword}, which these catalogues do not use"))
        elif self._keyword:
            self._parts[self._keyword] += text

    def finish(self) -> None:
        name = self._parts.pop("msgid", "")
        text = self._parts.pop("msgstr", None)
        if name and text is None:
            self.faults.append((self._line, "has a msgid without msgstr"))
        elif name:
            self.entries.append(Entry(name, text or "", self._line, self._is_fuzzy))
        self._parts.clear()


def _unquoted(text: str) -> str | None:
    # Thousands of texts at each start, hardly one with an escape.
    if "\\" not in text:
        return text[1:-1]
    # PO's escapes are C's, of which Python's string literals know all that occur.
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return None


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """The tags of an Accept-Language header and their weights, less what is malformed."""
    for item in header[:_MAX_HEADER].split(","):
        tag, *parameters = (part.strip() for part in item.split(";"))
        weight = _weight(parameters)
        if TAG.fullmatch(tag) and weight is not None:
            yield tag.lower(), weight


def _weight(parameters: Sequence[str]) -> float | None:
    """RFC 9110 section 12.4.2: ``q=`` and 0 to 1 with three digits at most; 1 without it."""
    for parameter in parameters:
        found = re.fullmatch(r"[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", parameter, re.ASCII)
        return float(found[1]) if found else None
    return 1.0


def _runs_right_to_left(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL")
