"""
Which rules of an Apple file are never reached, because earlier ones decide all their URLs.

Apple's rules are tried in order and the first that matches decides. A rule is named here only if it
is proved that the earlier ones cover it and a URL shows it; beyond the bounds of the search nothing
is said.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from deeplink.association.apple import AppleFile, Entry, Rule
from deeplink.association.apple_match import (
    Kind,
    Matcher,
    Target,
    Token,
    alternatives,
    common_length,
    decide,
    path_tokens,
    tokens_of,
)
from deeplink.association.apple_samples import SAMPLE_HOST, samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: Bounds of the search: rules compared, and steps of the machines that compare them.
_MOST_CHECKS, _MOST_STEPS = 100_000, 500_000


class Unreachable(NamedTuple):
    """A *rule* that is never reached, the *deciding* one instead, and a *url* that shows it."""

    rule: Rule
    deciding: Rule
    url: str


@dataclass(slots=True)
class _Budget:
    """What is left of the work that the search for unreachable rules may do."""

    checks: int = _MOST_CHECKS
    steps: int = _MOST_STEPS

    @property
    def is_spent(self) -> bool:
        return self.checks < 0 or self.steps < 0


def unreachable(file: AppleFile) -> Iterator[Unreachable]:
    """The rules of *file* that no URL reaches, in the file's order."""
    budget = _Budget()
    # By the apps of an entry: the rules that every one of them meets before.
    indexes: dict[frozenset[str], _EarlierRules] = {}
    for number, entry in enumerate(file.entries):
        ids = frozenset(entry.app_ids)
        if not ids:
            continue
        if ids not in indexes:
            indexes[ids] = _EarlierRules(file, budget)
            indexes[ids].add_all(e for e in file.entries[:number] if ids.issubset(e.app_ids))
        for rule in entry.rules:
            if indexes[ids].cover(rule):
                yield from _shown(file, entry.app_ids[0], rule)
            indexes[ids].add(rule)
        for others, index in indexes.items():
            budget.checks -= 1
            if others < ids:
                index.add_all([entry])


def _shown(file: AppleFile, app_id: str, rule: Rule) -> Iterator[Unreachable]:
    """The first URL that shows it; nothing if none does."""
    for url in samples(rule, file):
        deciding = decide(file, app_id, url, SAMPLE_HOST).rule
        if deciding is not None and deciding is not rule:
            yield Unreachable(rule, deciding, url)
            return


class _EarlierRules:
    """The rules that are tried before one, found by the text with which their paths begin."""

    def __init__(self, file: AppleFile, budget: _Budget) -> None:
        self._file = file
        self._custom = dict(file.variables)
        self._budget = budget
        self._by_start: dict[str, list[Rule]] = defaultdict(list)
        self._lengths: set[int] = set()

    def add(self, rule: Rule) -> None:
        start = _start(rule.path)
        self._by_start[start].append(rule)
        self._lengths.add(len(start))

    def add_all(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._budget.checks -= 1
            for rule in entry.rules:
                self.add(rule)

    def cover(self, rule: Rule) -> bool:
        """Whether it is shown that every URL of *rule* is decided by an earlier one."""
        earlier = list(self._within_reach(rule))
        if not earlier or self._budget.is_spent or self._has_a_url_of_its_own(rule, earlier):
            return False
        covering = [one for one in earlier if self._covers_the_rest(rule, one)]
        return bool(covering) and self._paths_cover(rule, covering)

    def _within_reach(self, rule: Rule) -> Iterator[Rule]:
        """The earlier rules whose paths begin as *rule*'s do, or sooner leave it open."""
        start = _start(rule.path)
        for length in self._lengths:
            if length <= len(start):
                yield from self._by_start.get(start[:length], ())

    def _has_a_url_of_its_own(self, rule: Rule, earlier: list[Rule]) -> bool:
        """Whether a sample escapes the earlier rules: the quick answer for nearly all rules."""
        for url in samples(rule, self._file):
            matcher = Matcher(Target(url), self._file.variables)
            for one in earlier:
                self._budget.checks -= 1
                if self._budget.is_spent or matcher.matches(one):
                    break
            else:
                return True
        return False

    def _covers_the_rest(self, rule: Rule, earlier: Rule) -> bool:
        """Whether query and fragment of *rule* are within those of *earlier*."""
        if _is_universal(earlier):
            return True
        if rule.percent_encoded != earlier.percent_encoded:
            return False
        return self._query_covers(rule, earlier) and self._covers_text(
            rule, rule.fragment, earlier, earlier.fragment
        )

    def _query_covers(self, rule: Rule, earlier: Rule) -> bool:
        if isinstance(earlier.query, str):
            if not isinstance(rule.query, str):
                return not earlier.query.strip("*") and bool(earlier.query)
            return self._covers_text(rule, rule.query, earlier, earlier.query)
        wanted = [(n, p) for n, p in earlier.query if p.strip("*") or not p]
        if not wanted:
            return True
        if isinstance(rule.query, str) or rule.case_sensitive != earlier.case_sensitive:
            return False
        said = dict(rule.query)
        return all(
            name in said and self._covers_text(rule, said[name], earlier, pattern)
            for name, pattern in wanted
        )

    def _covers_text(self, rule: Rule, pattern: str, earlier: Rule, wider: str) -> bool:
        same = pattern == wider and rule.case_sensitive >= earlier.case_sensitive
        if same or (wider and not wider.strip("*")):
            return True
        narrow = _Automaton(self._custom, self._budget)
        narrow.add(tokens_of(pattern), not rule.case_sensitive)
        wide = _Automaton(self._custom, self._budget)
        wide.add(tokens_of(wider), not earlier.case_sensitive)
        return _is_within(narrow, wide, _TEXTS, self._budget)

    def _paths_cover(self, rule: Rule, covering: list[Rule]) -> bool:
        if any(_is_plainly_wider(earlier, rule) for earlier in covering):
            return True
        narrow = _Automaton(self._custom, self._budget)
        for tokens in path_tokens(rule.path):
            narrow.add(tokens, not rule.case_sensitive)
        wide = _Automaton(self._custom, self._budget)
        for earlier in covering:
            for tokens in path_tokens(earlier.path):
                wide.add(tokens, not earlier.case_sensitive)
        return _is_within(narrow, wide, _PATHS, self._budget)


def _is_plainly_wider(earlier: Rule, rule: Rule) -> bool:
    if earlier.path == rule.path:
        return rule.case_sensitive or not earlier.case_sensitive
    return earlier.path in ("*", "/*")


def _is_universal(rule: Rule) -> bool:
    """Whether the rule matches every URL, however it is decoded."""
    open_query = rule.query == "*" or (
        isinstance(rule.query, tuple) and all(p and not p.strip("*") for _, p in rule.query)
    )
    return rule.path in ("*", "/*") and open_query and rule.fragment == "*"


def _start(pattern: str) -> str:
    """The text with which every path begins that *pattern* matches, without case."""
    starts = []
    for tokens in path_tokens(pattern, fold=True):
        kind, word = tokens[0] if tokens else (Kind.LITERAL, "")
        if kind is not Kind.LITERAL:
            return "/"
        if word.startswith("/"):
            starts.append(word)
    first, last = min(starts), max(starts)
    return first[: common_length(first, last)]


class _Automaton:
    """Patterns as one machine over single characters, its states numbered."""

    def __init__(self, custom: dict[str, tuple[str, ...]], budget: _Budget) -> None:
        self._custom = custom
        self._budget = budget
        self.start = self.accepting = 0
        self._moves: list[list[tuple[frozenset[str] | None, int]]] = []
        self._jumps: list[list[int]] = []
        self._closures: dict[int, int] = {}
        self._steps: dict[tuple[int, str], int] = {}

    @property
    def letters(self) -> set[str]:
        return {char for moves in self._moves for chars, _ in moves for char in chars or ()}

    def add(self, tokens: Iterable[Token], fold: bool) -> None:
        """Accept, too, what *tokens* match; without case if *fold*."""
        first = self._state()
        self.start |= 1 << first
        self.accepting |= 1 << self._follow(first, tokens, fold)

    def closed(self, states: int) -> int:
        """The states with all that can be reached from them without a character."""
        return self._union(states, self._closure)

    def step(self, states: int, char: str) -> int:
        return self._union(states, lambda state: self._step(state, char))

    def _union(self, states: int, of: Callable[[int], int]) -> int:
        reached = 0
        while states and not self._budget.is_spent:
            # A set of many states is a long number, and so costs more.
            self._budget.steps -= 1 + (states.bit_length() >> 9)
            lowest = states & -states
            reached |= of(lowest.bit_length() - 1)
            states ^= lowest
        return reached

    def _state(self) -> int:
        self._budget.steps -= 1
        self._moves.append([])
        self._jumps.append([])
        return len(self._moves) - 1

    def _follow(self, state: int, tokens: Iterable[Token], fold: bool) -> int:
        for kind, word in tokens:
            if kind is Kind.LITERAL:
                for char in word:
                    state = self._move(state, _cases(char) if fold else frozenset(char))
            elif kind is Kind.ONE:
                state = self._move(state, None)
            elif kind is Kind.ANY:
                self._moves[state].append((None, state))
                after = self._state()
                self._jumps[state].append(after)
                state = after
            elif kind is Kind.VARIABLE:
                state = self._branch(state, word, fold)
            else:
                state = self._state()
        return state

    def _move(self, state: int, chars: frozenset[str] | None) -> int:
        after = self._state()
        self._moves[state].append((chars, after))
        return after

    def _branch(self, state: int, name: str, fold: bool) -> int:
        after = self._state()
        choice = alternatives(name, self._custom, fold)
        if choice is None:
            return after
        lists = [((Kind.LITERAL, word),) for _, words in choice.words for word in words]
        for tokens in (*lists, *choice.globs):
            first = self._state()
            self._jumps[state].append(first)
            self._jumps[self._follow(first, tokens, fold)].append(after)
        return after

    def _closure(self, state: int) -> int:
        if state not in self._closures:
            reached, todo = 1 << state, [state]
            while todo:
                for after in self._jumps[todo.pop()]:
                    if not reached >> after & 1:
                        reached |= 1 << after
                        todo.append(after)
            self._closures[state] = reached
        return self._closures[state]

    def _step(self, state: int, char: str) -> int:
        key = (state, char)
        if key not in self._steps:
            reached = 0
            for chars, after in self._moves[state]:
                if chars is None or char in chars:
                    reached |= self._closure(after)
            self._steps[key] = reached
        return self._steps[key]


#: Which texts count, as a machine: state and character to state; the accepting states. A path
#: begins with a slash, and has none at its end once it is compared.
_PATHS = (
    {(0, "/"): 1, (1, "/"): 2, (1, ""): 3, (2, "/"): 2, (2, ""): 3, (3, "/"): 2, (3, ""): 3},
    {1, 3},
)
_TEXTS = ({(0, "/"): 0, (0, ""): 0}, {0})


def _is_within(
    narrow: _Automaton,
    wide: _Automaton,
    texts: tuple[Mapping[tuple[int, str], int], set[int]],
    budget: _Budget,
) -> bool:
    """Whether *wide* accepts all that *narrow* does; False, too, if that takes too long."""
    follow, final = texts
    # One character that no pattern names stands for all of those.
    letters = sorted({*narrow.letters, *wide.letters, "/", "\0"})
    first = (narrow.closed(narrow.start), wide.closed(wide.start), 0)
    seen, todo = {first}, [first]
    while todo and not budget.is_spent:
        left, right, text = todo.pop()
        if text in final and left & narrow.accepting and not right & wide.accepting:
            return False
        for char in letters:
            budget.steps -= 1
            after_text = follow.get((text, char if char == "/" else ""))
            after_left = narrow.step(left, char)
            if after_text is None or not after_left:
                continue
            after = (after_left, wide.step(right, char), after_text)
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return not budget.is_spent


def _cases(char: str) -> frozenset[str]:
    return frozenset(form for form in (char, char.lower(), char.upper()) if len(form) == 1)
