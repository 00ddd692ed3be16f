"""
Conditions of rules as machines that read one part of a URL from left to right.

Apple's patterns share one machine, whose states are sets of places; Android's globs never go
back, so each is a machine with one place. ``language`` runs them side by side.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from deeplink.association.android_patterns import Kind as GlobKind
from deeplink.association.apple_match import Kind, alternatives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from deeplink.association.android_patterns import Pattern
    from deeplink.association.apple_match import Token

#: What a machine remembers: a hashable value; it is only ever given states of its own.
State: TypeAlias = Any


class Chunk(NamedTuple):
    """One character of a URL: as it is written, and as it is meant."""

    raw: str
    plain: str


class Machine(Protocol):
    """Conditions over one part of a URL, read from left to right; every state is a value."""

    @property
    def is_raw(self) -> bool:
        """Whether it reads the URL as written, not as meant."""

    @property
    def start(self) -> State: ...

    def step(self, state: State, chunk: Chunk) -> State: ...

    def matched(self, state: State) -> Iterable[int]:
        """The conditions that hold if the text ends here."""

    def letters(self, state: State) -> Iterable[str]:
        """The characters after which *state* may become another than after any other one."""

    def alphabet(self) -> Iterable[str]:
        """All characters that ``letters`` may ever name."""

    def texts(self) -> Iterable[str]:
        """What the patterns say literally, for the escapes in it."""


class Shape(Protocol):
    """What a text must look like to be looked at; None as a state is a dead end."""

    @property
    def start(self) -> State: ...

    def step(self, state: State, chunk: Chunk) -> State | None: ...

    def may_end(self, state: State) -> bool: ...

    def letters(self) -> Iterable[str]: ...


class Patterns:
    """
    Apple's patterns as one machine; what they begin with in common is shared.

    One that *strips* does not see slashes at the end, as Apple's systems do with a path.
    """

    def __init__(self, *, is_raw: bool, strips: bool = False) -> None:
        self.is_raw = is_raw
        self._strips = strips
        self._moves: list[list[tuple[frozenset[str] | None, int]]] = [[]]
        self._jumps: list[list[int]] = [[]]
        self._accepting: dict[int, set[int]] = {}
        self._shared: dict[Hashable, int] = {}
        self._closures: dict[int, frozenset[int]] = {}
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._texts: list[str] = []

    @property
    def start(self) -> State:
        active = self._closure(0)
        return (active, active)

    def add(
        self,
        condition: int,
        tokens: Iterable[Token],
        fold: bool,
        custom: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Meet *condition* with what *tokens* match; all are added before the first step."""
        last = self._follow(0, tokens, fold, custom)
        self._accepting.setdefault(last, set()).add(condition)

    def step(self, state: State, chunk: Chunk) -> State:
        active, held = state
        is_first = active == held == self._closure(0)
        for char in chunk.raw if self.is_raw else chunk.plain:
            active = self._step(active, char)
            if not (self._strips and char == "/") or is_first:
                held = active
            is_first = False
        return (active, held)

    def matched(self, state: State) -> Iterable[int]:
        return (c for node in state[1] for c in self._accepting.get(node, ()))

    def letters(self, state: State) -> Iterable[str]:
        yield from "/" if self._strips else ""
        for node in state[0]:
            for chars, _ in self._moves[node]:
                yield from chars or ()

    def alphabet(self) -> Iterable[str]:
        return (char for moves in self._moves for chars, _ in moves for char in chars or ())

    def texts(self) -> Iterable[str]:
        return self._texts

    def accepts(self, state: State) -> bool:
        return any(True for _ in self.matched(state))

    def _follow(
        self, node: int, tokens: Iterable[Token], fold: bool, custom: Mapping[str, tuple[str, ...]]
    ) -> int:
        for kind, word in tokens:
            if kind is Kind.LITERAL:
                self._texts.append(word)
                for char in word:
                    node = self._move(node, cases(char) if fold else frozenset(char))
            elif kind is Kind.ONE:
                node = self._move(node, None)
            elif kind is Kind.ANY:
                node = self._loop(node)
            elif kind is Kind.VARIABLE:
                node = self._branch(node, word, fold, custom)
            else:
                node = self._node()
        return node

    def _node(self) -> int:
        self._moves.append([])
        self._jumps.append([])
        return len(self._moves) - 1

    def _move(self, node: int, chars: frozenset[str] | None) -> int:
        key = (node, chars)
        if key not in self._shared:
            self._shared[key] = self._node()
            self._moves[node].append((chars, self._shared[key]))
        return self._shared[key]

    def _loop(self, node: int) -> int:
        key = (node, "*")
        if key not in self._shared:
            self._shared[key] = after = self._node()
            self._jumps[node].append(after)
            self._moves[after].append((None, after))
        return self._shared[key]

    def _branch(
        self, node: int, name: str, fold: bool, custom: Mapping[str, tuple[str, ...]]
    ) -> int:
        key = (node, "$", name, fold, custom.get(name))
        if key in self._shared:
            return self._shared[key]
        self._shared[key] = after = self._node()
        choice = alternatives(name, dict(custom), fold)
        if choice is None:
            return after
        words = sorted(word for _, group in choice.words for word in group)
        lists = [((Kind.LITERAL, word),) if word else () for word in words]
        # A node of their own, so that what the words begin with is shared among them alone.
        first = self._node()
        self._jumps[node].append(first)
        for tokens in (*lists, *choice.globs):
            self._jumps[self._follow(first, tokens, fold, custom)].append(after)
        return after

    def _closure(self, node: int) -> frozenset[int]:
        if node not in self._closures:
            reached, waiting = {node}, [node]
            while waiting:
                for after in self._jumps[waiting.pop()]:
                    if after not in reached:
                        reached.add(after)
                        waiting.append(after)
            self._closures[node] = frozenset(reached)
        return self._closures[node]

    def _step(self, active: frozenset[int], char: str) -> frozenset[int]:
        key = (active, char)
        if key not in self._steps:
            reached: set[int] = set()
            for node in active:
                for chars, after in self._moves[node]:
                    if chars is None or char in chars:
                        reached |= self._closure(after)
            self._steps[key] = frozenset(reached)
        return self._steps[key]


def cases(char: str) -> frozenset[str]:
    """The spellings of one character that Apple's ``caseSensitive: false`` does not tell apart."""
    return frozenset(form for form in (char, char.lower(), char.upper()) if len(form) == 1)


@dataclass(slots=True)
class Item:
    """
    A parameter of Apple's query dictionary: every value of that name matches, an absent one too.

    A state is the place in the item (name, value, another's value), how far it matches, and
    whether the name was there; None once a value did not match.
    """

    condition: int
    name: str
    values: Patterns
    fold: bool
    start: State = field(init=False)
    is_raw: bool = field(init=False)
    _letters: tuple[frozenset[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        self.is_raw = self.values.is_raw
        self._letters = tuple(cases(c) if self.fold else frozenset(c) for c in self.name)
        self.start = ("name", 0, False)

    def step(self, state: State, chunk: Chunk) -> State:
        if state is None:
            return None
        place, inner, was_there = state
        if chunk.raw == "&":
            ended = self._ended(state)
            return None if ended is None else ("name", 0, ended)
        if place == "name" and chunk.raw == "=":
            if inner == len(self.name):
                return ("value", self.values.start, was_there)
            return ("other", 0, was_there)
        if place == "value":
            return ("value", self.values.step(inner, chunk), was_there)
        if place == "name":
            for char in chunk.raw if self.is_raw else chunk.plain:
                is_next = 0 <= inner < len(self.name) and char in self._letters[inner]
                inner = inner + 1 if is_next else -1
            return ("name", inner, was_there)
        return state

    def matched(self, state: State) -> Iterable[int]:
        if state is None:
            return
        ended = self._ended(state)
        if ended or (ended is False and self.values.accepts(self.values.start)):
            yield self.condition

    def letters(self, state: State) -> Iterable[str]:
        yield "&"
        if state is None:
            return
        place, inner, _ = state
        if place == "value":
            yield from self.values.letters(inner)
        elif place == "name":
            yield "="
            if 0 <= inner < len(self.name):
                yield from self._letters[inner]

    def alphabet(self) -> Iterable[str]:
        yield from "&="
        yield from (char for chars in self._letters for char in chars)
        yield from self.values.alphabet()

    def texts(self) -> Iterable[str]:
        yield self.name
        yield from self.values.texts()

    def _ended(self, state: State) -> bool | None:
        """Whether the name was there up to this item's end; None if a value did not match."""
        place, inner, was_there = state
        is_there = place == "value" or (place == "name" and inner == len(self.name))
        if not is_there:
            return bool(was_there)
        value = inner if place == "value" else self.values.start
        return True if self.values.accepts(value) else None


#: The states of a glob besides a place in it: it matched whatever comes, or it never will.
_ALL, _DEAD = ("all", 0), ("dead", 0)


class Glob:
    """A pattern of Android's, which never goes back and so has one state at a time."""

    is_raw = False

    def __init__(self, condition: int, pattern: Pattern) -> None:
        self.condition = condition
        self._text = pattern.text
        if pattern.kind in (GlobKind.LITERAL, GlobKind.PREFIX):
            # As a glob says it: nothing but characters, and at most a last ".*".
            escaped = pattern.text.replace("\\", "\\\\").replace(".", "\\.")
            self._text = escaped + (".*" if pattern.kind is GlobKind.PREFIX else "")
        self._is_exact = pattern.kind is not GlobKind.SIMPLE_GLOB
        self.start: State = ("at", 0)

    def step(self, state: State, chunk: Chunk) -> State:
        for char in chunk.plain:
            state = self._step(state, char)
        return state

    def matched(self, state: State) -> Iterable[int]:
        if self.accepts(state):
            yield self.condition

    def accepts(self, state: State) -> bool:
        kind, at = state
        if kind in ("all", "dead", "search"):
            return bool(kind == "all")
        at += 2 if kind == "repeat" else 0
        return at >= len(self._text) or self._text[at:] == ".*"

    def letters(self, state: State) -> Iterable[str]:
        kind, at = state
        if kind == "search":
            yield self._text[at]
        elif kind in ("at", "repeat"):
            yield from self._letters_at(at)

    def alphabet(self) -> Iterable[str]:
        return self._text

    def texts(self) -> Iterable[str]:
        return ()

    def _letters_at(self, at: int) -> Iterator[str]:
        """PatternMatcher.matchGlobPattern looks ahead past each ``c*`` that may be empty."""
        while at < len(self._text):
            char, escaped, after = self._read(at)
            is_starred = self._text[after : after + 1] == "*"
            if is_starred and char == "." and not escaped:
                yield from self._text[self._target(after) : self._target(after) + 1]
                return
            yield char
            if not is_starred:
                return
            at = after + 1

    def _read(self, at: int) -> tuple[str, bool, int]:
        """The character at *at*, whether it is escaped, and where the pattern goes on."""
        escaped = self._text[at] == "\\"
        place = at + escaped
        return self._text[place : place + 1] or "\0", escaped, place + 1

    def _target(self, star: int) -> int:
        """Where the character stands at which the ``.*`` that ends at *star* stops."""
        return star + 2 if self._text[star + 1 : star + 2] == "\\" else star + 1

    def _step(self, state: State, char: str) -> State:
        kind, at = state
        if kind in ("all", "dead"):
            return state
        if kind == "search":
            return ("at", at + 1) if char == self._text[at] else state
        if kind == "repeat":
            if char == self._text[at]:
                return state
            at += 2
        while at < len(self._text):
            wanted, escaped, after = self._read(at)
            is_starred = self._text[after : after + 1] == "*"
            if is_starred and wanted == "." and not escaped:
                if after >= len(self._text) - 1:
                    return _ALL
                return self._step(("search", self._target(after)), char)
            if is_starred and not self._is_exact:
                if char == wanted:
                    return ("repeat", after - 1)
                at = after + 1
                continue
            # An escaped dot takes any character here: the matcher forgets the escape.
            takes_any = wanted == "." and not self._is_exact
            return ("at", after) if takes_any or char == wanted else _DEAD
        return _DEAD


@dataclass(slots=True)
class Pair:
    """
    A dynamic rule's parameter: one pair of the query matches, of those between ``&`` or,
    where that gives one only, between ``;`` (android.content.UriRelativeFilter, matchQuery).

    A state is the glob since the last ``&`` and the last ``;``, whether a pair of either kind
    matched, whether there was an ``&``, and whether anything came after one.
    """

    glob: Glob
    start: State = field(init=False)
    is_raw: bool = False

    def __post_init__(self) -> None:
        self.start = (self.glob.start, self.glob.start, False, False, False, False)

    def step(self, state: State, chunk: Chunk) -> State:
        for char in chunk.plain:
            pair, part, pairs, parts, has_and, is_more = state
            one = Chunk(char, char)
            if char == ";":
                parts, part = parts or self.glob.accepts(part), self.glob.start
            else:
                part = self.glob.step(part, one)
            if char == "&":
                pairs, pair, has_and = pairs or self.glob.accepts(pair), self.glob.start, True
            else:
                pair, is_more = self.glob.step(pair, one), is_more or has_and
            if is_more:
                part, parts = self.glob.start, False
            if is_more and pairs:
                pair = self.glob.start
            state = (pair, part, pairs, parts, has_and, is_more)
        return state

    def matched(self, state: State) -> Iterable[int]:
        pair, part, pairs, parts, _, is_more = state
        hit = pairs or self.glob.accepts(pair) if is_more else parts or self.glob.accepts(part)
        if hit:
            yield self.glob.condition

    def letters(self, state: State) -> Iterable[str]:
        yield "&"
        yield from self.glob.letters(state[0])
        yield from self.glob.letters(state[1])

    def alphabet(self) -> Iterable[str]:
        yield "&"
        yield from self.glob.alphabet()

    def texts(self) -> Iterable[str]:
        return ()


class PlainPath:
    """A path without two slashes in a row; with one at its end only if that *may_end_in_slash*."""

    def __init__(self, *, may_end_in_slash: bool) -> None:
        self._may_end_in_slash = may_end_in_slash
        # The first slash has been read, and is a whole path by itself.
        self.start: State = "root"

    def step(self, state: State, chunk: Chunk) -> State | None:
        if chunk.plain != "/":
            return "inside"
        return "slash" if state == "inside" else None

    def may_end(self, state: State) -> bool:
        return state != "slash" or self._may_end_in_slash

    def letters(self) -> Iterable[str]:
        return "/"


class PlainItems:
    """A query of items ``name=value`` without escaped separators; none of *names* comes twice."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self.start: State = ("begin", "", frozenset())

    def step(self, state: State, chunk: Chunk) -> State | None:
        place, name, seen = state
        if chunk.plain != chunk.raw and chunk.plain in "&=;":
            # Android decodes a query before it takes it apart, Apple after.
            return None
        if place == "value":
            return ("name", "", seen) if chunk.raw == "&" else state
        if chunk.raw == "&" or (chunk.raw == "=" and not name):
            return None
        if chunk.raw == "=":
            if name in seen:
                return None
            return ("value", "", seen | ({name} & self._names))
        grown = f"{name}{chunk.plain}"
        # Names that no rule knows are all alike.
        is_known = any(known.startswith(grown) for known in self._names)
        return ("name", grown if is_known else "\0", seen)

    def may_end(self, state: State) -> bool:
        return state[0] in ("begin", "value")

    def letters(self) -> Iterable[str]:
        return "&="
