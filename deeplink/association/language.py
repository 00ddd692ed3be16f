"""
Sets of URLs as machines: which combinations of rules some URL meets, with one such URL for each.

Path, query and fragment are explored each for itself: from state to state of all their patterns
at once, shortest text first, until nothing new comes or the budget is spent. What comes out are
*regions*: all URLs of one region meet the same conditions. The search is over URLs as browsers
write them (RFC 3986: what may not stand there is escaped, and escapes are UTF-8).
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import quote, unquote

from deeplink.association.android_match import compile_rules
from deeplink.association.apple_match import PREDEFINED, Kind, path_tokens, tokens_of
from deeplink.association.language_machines import (
    Chunk,
    Glob,
    Item,
    Pair,
    Patterns,
    PlainItems,
    PlainPath,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from deeplink.association.android import Component
    from deeplink.association.android_patterns import Pattern
    from deeplink.association.apple import Rule
    from deeplink.association.language_machines import Machine, Shape, State

#: Moves from one state to another that the search of one part may make, about a second.
MOST_MOVES = 100_000
#: Regions of whole URLs that are looked at, and whole queries for one path.
MOST_REGIONS, MOST_QUERIES = 300_000, 20_000

#: What stands unescaped (RFC 3986, sections 3.3 to 3.5) in a path; the others may have "?" too.
_IN_PATH = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/"
)
_IN_QUERY = _IN_PATH | {"?"}

#: Of these the first that no pattern names stands for all that no pattern names.
_FRESH = "xyzabcdefghijklmnopqrstuvwXYZABCDEFGHIJKLMNOPQRSTUVW0123456789-_.~:@,!'()+$*"
_FRESH_ESCAPED = " éß§äöüñ¿漢字"

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ODD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

_PARTS = ("path", "query", "fragment")

_AND = Chunk("&", "&")

Text: TypeAlias = "tuple[Chunk, ...]"
_Found: TypeAlias = "tuple[frozenset[int], str]"


@dataclass(frozen=True, slots=True)
class Needs:
    """The conditions that one rule makes of each part; a rule that *never* holds needs nothing."""

    path: tuple[int, ...] = ()
    query: tuple[int, ...] = ()
    fragment: tuple[int, ...] = ()
    never: bool = False


class Region(NamedTuple):
    """Some URLs that no rule can tell apart, *url* the shortest found, without its host."""

    url: str
    path: frozenset[int]
    query: frozenset[int]
    fragment: frozenset[int]

    def meets(self, needs: Needs) -> bool:
        return (
            not needs.never
            and self.path.issuperset(needs.path)
            and self.query.issuperset(needs.query)
            and self.fragment.issuperset(needs.fragment)
        )


class Space:
    """
    All URLs, as far as the rules that were added can tell them apart.

    With *plain* only URLs as apps write them count: each character in its usual spelling, no
    doubled slash, each parameter once and with a value, no empty fragment; and no slash at the
    end of a path but with *final_slash*.
    """

    def __init__(self, *, plain: bool = False, final_slash: bool = True) -> None:
        self.is_complete = True
        self._is_plain = plain
        self._final_slash = final_slash
        self._machines: dict[str, list[Machine]] = {part: [] for part in _PARTS}
        #: Machines that look at parameters of one name; under None those that look at any.
        self._by_name: dict[str | None, list[Machine]] = {}
        self._by_path: dict[int | None, list[Needs]] = {}
        self._shared: dict[tuple[str, bool], Patterns] = {}
        self._conditions: dict[Hashable, int] = {}
        self._names: set[str] = set()
        self._has_android = self._has_apple = False

    def add_apple(self, rule: Rule, variables: tuple[tuple[str, tuple[str, ...]], ...]) -> Needs:
        """What *rule* needs, with the substitution variables of its file."""
        self._has_apple = True
        custom = dict(variables)
        fold, is_raw = not rule.case_sensitive, rule.percent_encoded

        def text(part: str, pattern: str) -> tuple[int, ...]:
            if pattern == "*":
                return ()
            key = (part, pattern, fold, is_raw, variables if "$(" in pattern else ())
            if key not in self._conditions:
                self._conditions[key] = condition = len(self._conditions)
                forms = path_tokens(pattern) if part == "path" else (tokens_of(pattern),)
                machine = self._patterns(part, is_raw=is_raw, strips=part == "path")
                for tokens in forms:
                    machine.add(condition, tokens, fold, custom)
                self._note_spelling(pattern, is_raw)
            return (self._conditions[key],)

        def item(name: str, pattern: str) -> int:
            key = ("item", name, pattern, fold, is_raw, variables if "$(" in pattern else ())
            if key not in self._conditions:
                self._conditions[key] = condition = len(self._conditions)
                values = Patterns(is_raw=is_raw)
                values.add(condition, tokens_of(pattern), fold, custom)
                self._add_to_query(Item(condition, name, values, fold), name)
                self._note_spelling(pattern, is_raw)
            self._names.add(name)
            return self._conditions[key]

        query: tuple[int, ...]
        if isinstance(rule.query, str):
            query = text("query", rule.query)
        else:
            query = tuple(item(name, p) for name, p in rule.query if not p or p.strip("*"))
        return self._noted(Needs(text("path", rule.path), query, text("fragment", rule.fragment)))

    def add_android(self, rule: Component) -> Needs:
        """What *rule* needs on Android 15; its translation must exist (no empty expression)."""
        self._has_android = True
        groups = compile_rules([rule]).groups
        needs: dict[str, list[int]] = {part: [] for part in _PARTS}
        names = iter([name for name, _ in rule.query])
        for one in groups[0].conditions if groups else ():
            if one.pattern is None:
                return Needs(never=True)
            name = next(names) if one.part == "query" else ""
            key = ("android", one.part, one.pattern)
            if key not in self._conditions:
                self._conditions[key] = len(self._conditions)
                self._add_pattern(one.part, self._conditions[key], one.pattern, name)
            needs[one.part].append(self._conditions[key])
        self._names.update(name for name, _ in rule.query)
        path, query, fragment = (tuple(needs[part]) for part in _PARTS)
        # A rule that asks for nothing never matches (UriRelativeFilterGroup, matchData).
        return self._noted(Needs(path, query, fragment, never=not (path or query or fragment)))

    def regions(self) -> Iterator[Region]:
        """Every region found; afterwards ``is_complete`` says whether there can be no other."""
        paths = self._explore_paths()
        groups = self._explore_queries()
        fragments = self._explore_fragments()
        left = MOST_REGIONS
        queries: dict[frozenset[int], list[_Found]] = {}
        for path, path_text in paths:
            # With this path some rules are out; what they ask of the rest tells nothing apart.
            rules = [one for key in (None, *path) for one in self._by_path.get(key, ())]
            asked = frozenset(condition for one in rules for condition in one.query)
            if asked not in queries:
                queries[asked] = self._joined(groups, asked)
            wanted = frozenset(condition for one in rules for condition in one.fragment)
            for query, query_text in queries[asked]:
                for fragment, fragment_text in _told_apart(fragments, wanted):
                    left -= 1
                    if left < 0:
                        self.is_complete = False
                        return
                    yield Region(path_text + query_text + fragment_text, path, query, fragment)

    def _noted(self, needs: Needs) -> Needs:
        self._by_path.setdefault(needs.path[0] if needs.path else None, []).append(needs)
        return needs

    def _patterns(self, part: str, *, is_raw: bool, strips: bool) -> Patterns:
        key = (part, is_raw)
        if key not in self._shared:
            self._shared[key] = machine = Patterns(is_raw=is_raw, strips=strips)
            if part == "query":
                self._add_to_query(machine, None)
            else:
                self._machines[part].append(machine)
        return self._shared[key]

    def _add_to_query(self, machine: Machine, name: str | None) -> None:
        self._machines["query"].append(machine)
        plain = None if name is None else unquote(name).casefold()
        self._by_name.setdefault(plain, []).append(machine)

    def _add_pattern(self, part: str, condition: int, pattern: Pattern, name: str) -> None:
        if any("\ud800" <= char <= "\udfff" for char in pattern.text):
            # Android counts such a character twice; the search does not look at those.
            self.is_complete = False
        glob = Glob(condition, pattern)
        if part == "query":
            is_any = any(mark in name for mark in "*?=&;")
            self._add_to_query(Pair(glob), None if is_any else name)
        else:
            self._machines[part].append(glob)

    def _note_spelling(self, pattern: str, is_raw: bool) -> None:
        if is_raw and _ODD_PERCENT.search(pattern):
            # A percent sign that begins no escape: the search takes escapes whole.
            self.is_complete = False

    def _explore_paths(self) -> list[_Found]:
        machines = self._machines["path"]
        plain_path = PlainPath(may_end_in_slash=self._final_slash)
        shape: list[Shape] = [plain_path] if self._is_plain else []
        found = self._explore(machines, shape, _IN_PATH, Chunk("/", "/"))
        if self._has_android and not self._has_apple:
            # Android keeps the path of https://host empty.
            found.setdefault(_met(machines, ()), ())
        return _shortest_first((met, _written(text)) for met, text in found.items())

    def _explore_queries(self) -> list[dict[frozenset[int], Text]]:
        """
        The texts for each group of machines; what they say of each other's parameters is nothing.

        One that looks at the whole query leaves one group only.
        """
        shape: list[Shape] = [PlainItems(frozenset(self._names))] if self._is_plain else []
        everyone = self._machines["query"]
        groups = [everyone] if None in self._by_name else [*self._by_name.values()]
        named = {char for machine in everyone for char in machine.alphabet()}
        return [self._explore(group, shape, _IN_QUERY, None, named) for group in groups]

    def _joined(
        self, groups: list[dict[frozenset[int], Text]], asked: frozenset[int]
    ) -> list[_Found]:
        """Whole queries: one text of each group that *asked* concerns, parted by ``&``."""
        choices = []
        for group in groups:
            texts: dict[frozenset[int], Text] = {}
            for met, text in group.items():
                texts.setdefault(met & asked, text)
            choices.append(list(texts.items()))
        found: dict[frozenset[int], Text] = {}
        for count, choice in enumerate(itertools.product(*choices)):
            if count >= MOST_QUERIES:
                self.is_complete = False
                break
            items = [text for _, text in choice if text]
            whole = tuple(itertools.chain.from_iterable((_AND, *text) for text in items))[1:]
            met = _met(self._machines["query"], whole)
            if met & asked != frozenset(c for expected, _ in choice for c in expected):
                # One group's text says something to another's: not the query that was meant.
                self.is_complete = False
            found.setdefault(met & asked, whole)
        written = ((met, _written(text)) for met, text in found.items())
        return [(met, f"?{text}" if text else "") for met, text in _shortest_first(written)]

    def _explore_fragments(self) -> list[_Found]:
        machines = self._machines["fragment"]
        found = self._explore(machines, [], _IN_QUERY)
        # Without a fragment Apple compares an empty one, Android nothing at all.
        none = _met([m for m in machines if not isinstance(m, Glob)], ())
        pairs = [(met, f"#{_written(text)}") for met, text in found.items() if met != none]
        if self._is_plain:
            pairs = [(met, text) for met, text in pairs if text != "#"]
        return [(none, ""), *_shortest_first(pairs)]

    def _explore(
        self,
        machines: list[Machine],
        shapes: list[Shape],
        literal: frozenset[str],
        first: Chunk | None = None,
        named: Iterable[str] = (),
    ) -> dict[frozenset[int], Text]:
        alphabet = _Alphabet(machines, literal, named, in_all_spellings=not self._is_plain)
        found, is_complete = _explore(machines, shapes, alphabet, first)
        self.is_complete = self.is_complete and is_complete
        return found


def _told_apart(found: list[_Found], conditions: frozenset[int]) -> list[_Found]:
    """Of *found* the first for each combination of *conditions*."""
    first: dict[frozenset[int], _Found] = {}
    for met, text in found:
        first.setdefault(met & conditions, (met, text))
    return list(first.values())


def _met(machines: Sequence[Machine], text: Text) -> frozenset[int]:
    """The conditions that hold for *text*."""
    states = [machine.start for machine in machines]
    for chunk in text:
        states = [m.step(state, chunk) for m, state in zip(machines, states, strict=True)]
    return frozenset(c for m, s in zip(machines, states, strict=True) for c in m.matched(s))


def _written(text: Text) -> str:
    return "".join(chunk.raw for chunk in text)


def _shortest_first(found: Iterable[_Found]) -> list[_Found]:
    return sorted(found, key=lambda pair: (len(pair[1]), pair[1]))


class Ranking:
    """Rules in the order in which they are tried, by the condition that each makes of the path."""

    def __init__(self, rules: Sequence[Needs]) -> None:
        self._rules = rules
        self._by_path: dict[int | None, list[int]] = {}
        for place, needs in enumerate(rules):
            first = needs.path[0] if needs.path else None
            self._by_path.setdefault(first, []).append(place)

    def first(self, region: Region) -> int | None:
        """The place of the first rule that the URLs of *region* meet, None if they meet none."""
        best = len(self._rules)
        for condition in (None, *region.path):
            for place in self._by_path.get(condition, ()):
                if place >= best:
                    break
                if region.meets(self._rules[place]):
                    best = place
        return best if best < len(self._rules) else None


def examples_of(rule: Rule, variables: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[str]:
    """URLs without their host that *rule* probably matches, where the search does not end."""
    values = {**{name: sorted(words) for name, words in PREDEFINED.items()}, **dict(variables)}
    escaped = _IN_QUERY | {"%"} if rule.percent_encoded else _IN_PATH

    def filled(pattern: str, filling: str) -> str:
        words = {Kind.ANY: filling, Kind.ONE: "x", Kind.NEVER: ""}
        pieces = [
            (values.get(word) or [""])[0] if kind is Kind.VARIABLE else words.get(kind, word)
            for kind, word in tokens_of(pattern)
        ]
        return quote("".join(pieces), safe="".join(escaped))

    for filling in ("", "x", "x/y"):
        path = "/" + filled(rule.path, filling).lstrip("/")
        if isinstance(rule.query, str):
            query = filled(rule.query, filling) if rule.query != "*" else ""
        else:
            query = "&".join(f"{filled(n, '')}={filled(p, filling)}" for n, p in rule.query)
        fragment = filled(rule.fragment, filling) if rule.fragment != "*" else ""
        yield path + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")


def _explore(
    machines: list[Machine], shapes: list[Shape], alphabet: _Alphabet, first: Chunk | None
) -> tuple[dict[frozenset[int], Text], bool]:
    """The combinations of conditions that texts meet, each with a shortest text; and if all."""
    joint: tuple[State, ...] = tuple(machine.start for machine in machines)
    form: tuple[State, ...] = tuple(shape.start for shape in shapes)
    text: Text = ()
    if first:
        joint = tuple(m.step(s, first) for m, s in zip(machines, joint, strict=True))
        text = (first,)
    found: dict[frozenset[int], Text] = {}
    seen = {(joint, form)}
    waiting = deque([(joint, form, text)])
    left = MOST_MOVES
    while waiting:
        joint, form, text = waiting.popleft()
        if all(shape.may_end(s) for shape, s in zip(shapes, form, strict=True)):
            met = frozenset(c for m, s in zip(machines, joint, strict=True) for c in m.matched(s))
            found.setdefault(met, text)
        for chunk in alphabet.leading_on(machines, joint, shapes, form):
            left -= 1 + len(machines) // 8
            if left < 0:
                return found, False
            after_form = tuple(h.step(s, chunk) for h, s in zip(shapes, form, strict=True))
            if None in after_form:
                continue
            after = tuple(m.step(s, chunk) for m, s in zip(machines, joint, strict=True))
            if (after, after_form) not in seen:
                seen.add((after, after_form))
                waiting.append((after, after_form, (*text, chunk)))
    return found, True


class _Alphabet:
    """The characters to try: those that patterns name, and one for all others."""

    def __init__(
        self,
        machines: list[Machine],
        literal: frozenset[str],
        elsewhere: Iterable[str],
        *,
        in_all_spellings: bool,
    ) -> None:
        self._literal = literal
        views = {machine.is_raw for machine in machines}
        is_mixed = len(views) > 1
        self._in_all_spellings = is_mixed and in_all_spellings
        named = {char for machine in machines for char in machine.alphabet()}.union(elsewhere)
        fresh = next((char for char in _FRESH if char not in named and char in literal), None)
        escaped = next((char for char in _FRESH_ESCAPED if char not in named), "\x7f")
        self._escapes = dict.fromkeys(
            chunk
            for machine in machines
            if machine.is_raw
            for text in machine.texts()
            for chunk in _whole_escapes(text)
            if in_all_spellings or self._is_usual(chunk)
        )
        self._always = [Chunk(fresh, fresh)] if fresh else [_escape(escaped)]
        if is_mixed or "%" in named:
            self._escapes[_escape(escaped)] = None
        self._always += self._escapes if is_mixed else ()
        self._spelled: dict[tuple[str, bool], list[Chunk]] = {}

    def _is_usual(self, chunk: Chunk) -> bool:
        return chunk.plain not in self._literal and chunk.raw == chunk.raw.upper()

    def leading_on(
        self,
        machines: list[Machine],
        joint: tuple[State, ...],
        shapes: list[Shape],
        form: tuple[State, ...],
    ) -> Iterable[Chunk]:
        chunks = dict.fromkeys(self._always)
        letters = {
            (letter, machine.is_raw)
            for machine, state in zip(machines, joint, strict=True)
            for letter in machine.letters(state)
        }
        letters.update((letter, True) for shape in shapes for letter in shape.letters())
        for letter, is_raw in sorted(letters):
            chunks.update(dict.fromkeys(self._spellings(letter, is_raw)))
        return chunks

    def _spellings(self, letter: str, is_raw: bool) -> list[Chunk]:
        key = (letter, is_raw)
        if key not in self._spelled:
            self._spelled[key] = list(self._spell(letter, is_raw))
        return self._spelled[key]

    def _spell(self, letter: str, is_raw: bool) -> Iterator[Chunk]:
        if "\ud800" <= letter <= "\udfff":
            return
        if is_raw and letter == "%":
            yield from self._escapes
            return
        if letter in self._literal:
            yield Chunk(letter, letter)
        # Written out, these two part the items of a query; escaped, they stand inside one.
        if not is_raw and (letter not in self._literal or self._in_all_spellings or letter in "&="):
            yield _escape(letter)


def _escape(char: str) -> Chunk:
    if char.isascii():
        return Chunk(f"%{ord(char):02X}", char)
    return Chunk(quote(char, safe=""), char)


def _whole_escapes(text: str) -> list[Chunk]:
    """The characters that are written as escapes in *text*, as they are and in upper case."""
    chunks = []
    for run in _ESCAPES.findall(text):
        digits = run.replace("%", "")
        plain, at = bytes.fromhex(digits).decode("utf-8", "replace"), 0
        for char in plain:
            size = 3 * len(char.encode())
            if char == "\ufffd":
                # No UTF-8: Apple's systems leave it as it is written.
                size, char = 3, run[at : at + 3]
            raw = run[at : at + size]
            chunks += [Chunk(raw, char), Chunk(raw.upper(), char)]
            at += size
    return chunks
