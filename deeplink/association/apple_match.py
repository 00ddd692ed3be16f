"""
What Apple's systems do with a URL: which rule of the document decides, and why.

Patterns move sets of positions over the text, one operation on a whole number a token: linear in
pattern and text, where Apple warns that its own engine is exponential (WWDC20, session 10098).
No regular expression is made from input. Apple,
https://developer.apple.com/documentation/bundleresources/applinks/details-swift.dictionary/components-swift.dictionary
and TN3155, https://developer.apple.com/documentation/technotes/tn3155-debugging-universal-links
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from deeplink.association import apple
from deeplink.association.apple_locale import LANGUAGES, REGIONS
from deeplink.findings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from deeplink.association.apple import AppleFile, Rule

#: Apple's own substitution variables; the first six stand for exactly one character.
PREDEFINED = {
    "alpha": frozenset(string.ascii_letters),
    "upper": frozenset(string.ascii_uppercase),
    "lower": frozenset(string.ascii_lowercase),
    "alnum": frozenset(string.ascii_letters + string.digits),
    "digit": frozenset(string.digits),
    "xdigit": frozenset(string.hexdigits),
    "region": REGIONS,
    "lang": LANGUAGES,
}

#: What no file can settle (TN3155; "Supporting universal links in your app").
CAVEATS = (
    "the app must be installed, and its entitlement must name the host",
    "a URL typed into the address bar stays in the browser",
    "a link to the host that Safari is on stays in Safari",
    "a person who chose the browser for this host once stays there until they choose the app",
    "an app that opens its own link itself is sent to the browser",
    "other browsers and in-app browsers decide for themselves",
    "devices ask Apple's copy of the file, which may be up to 24 hours old",
)

_WEB_SCHEMES = ("http", "https")

#: https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.developer.associated-domains
_SERVICES = ("applinks", *apple.FLAT_SERVICES)
_MODES = ("developer", "managed", "developer+managed")

_HEX = frozenset(string.hexdigits)

#: Characters of a URL that a sentence repeats.
_SHOWN = 80


class Decision(StrEnum):
    """What the document says about one app and one URL."""

    MATCH = "match"
    EXCLUDE = "exclude"
    NO_MATCH = "nomatch"


class Reason(StrEnum):
    """Why a decision is as it is; the words are for people."""

    RULE = "a rule decides"
    NO_RULE = "no rule of the app matches"
    NO_ENTRY = "no entry names the app"
    OTHER_HOST = "the document is another host's"
    NO_WEB_LINK = "only http and https links can open an app"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The decision, and the *rule* that made it (None where none did).

    *steps* counts the work done, one for each token of a pattern that was looked at.
    """

    decision: Decision
    reason: Reason
    rule: Rule | None = None
    steps: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule against the URL: each part that does not match has a sentence in *misses*."""

    rule: Rule
    misses: tuple[tuple[str, str], ...]

    @property
    def matches(self) -> bool:
        return not self.misses


@dataclass(frozen=True, slots=True)
class Edit:
    """A small change of the document that turns the decision: what to write, and where."""

    at: apple.JsonPath
    what: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    A verdict with its grounds: all rules tried in order, the one that came nearest, a remedy.

    *nearest* and *edit* are None where the app opens or nothing is near.
    """

    verdict: Verdict
    trials: tuple[Trial, ...]
    nearest: Trial | None
    edit: Edit | None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """
    One string of an app's Associated Domains; *fault* says why it covers nothing, if so.

    *host* is lower-case, without the ``*.`` of a wildcard.
    """

    text: str
    service: str = ""
    host: str = ""
    is_wildcard: bool = False
    mode: str = ""
    fault: str = ""

    def covers(self, host: str) -> bool:
        if self.fault:
            return False
        return host.endswith(f".{self.host}") if self.is_wildcard else host == self.host


def decide(file: AppleFile, app_id: str, url: str, host: str) -> Verdict:
    """
    What *file*, served by *host*, says about *url* for the app *app_id*.

    The first rule that matches decides; if it excludes, nothing after it is asked. The URL is
    taken as it is written: nothing is normalised but the case of scheme and host.
    """
    target = Target(url)
    if refused := _refusal(target, host):
        return Verdict(Decision.NO_MATCH, refused)
    matcher = Matcher(target, file.variables)
    for rule in rules_for(file, app_id):
        if matcher.matches(rule):
            decision = Decision.EXCLUDE if rule.exclude else Decision.MATCH
            return Verdict(decision, Reason.RULE, rule, matcher.steps)
    named = any(app_id in entry.app_ids for entry in file.entries)
    reason = Reason.NO_RULE if named else Reason.NO_ENTRY
    return Verdict(Decision.NO_MATCH, reason, None, matcher.steps)


def rules_for(file: AppleFile, app_id: str) -> Iterator[Rule]:
    """The rules of one app in the order in which they are tried, across its entries."""
    for entry in file.entries:
        if app_id in entry.app_ids:
            yield from entry.rules


def which_app(file: AppleFile, url: str, host: str, app_ids: Collection[str]) -> str | None:
    """
    The one of the installed *app_ids* that opens *url*; None if none does.

    Where several match, the order of ``details`` decides (Apple's archived guide).
    """
    verdicts = {
        app_id: decide(file, app_id, url, host)
        for entry in file.entries
        for app_id in entry.app_ids
        if app_id in app_ids
    }
    deciding = {
        app_id: verdict.rule.at[:-2]
        for app_id, verdict in verdicts.items()
        if verdict.rule and verdict.decision is Decision.MATCH
    }
    for entry in file.entries:
        for app_id in entry.app_ids:
            if deciding.get(app_id) == entry.at:
                return app_id
    return None


def explain(file: AppleFile, app_id: str, url: str, host: str) -> Explanation:
    """The verdict of ``decide`` with every rule's part in it, and what would turn it."""
    verdict = decide(file, app_id, url, host)
    if verdict.reason is Reason.NO_ENTRY:
        return Explanation(verdict, (), None, _name_the_app(file, app_id))
    if verdict.reason in (Reason.OTHER_HOST, Reason.NO_WEB_LINK):
        return Explanation(verdict, (), None, None)
    matcher = Matcher(Target(url), file.variables)
    trials = tuple(Trial(rule, matcher.misses(rule)) for rule in rules_for(file, app_id))
    if verdict.rule is None:
        nearest = _nearest(trials, matcher)
        edit = _turning_edit(nearest.rule, matcher) if nearest else None
        return Explanation(verdict, trials, nearest, edit)
    reached = next(n for n, trial in enumerate(trials) if trial.rule is verdict.rule)
    tried = trials[: reached + 1]
    if verdict.decision is Decision.MATCH:
        return Explanation(verdict, tried, None, None)
    later = [trial for trial in trials if trial.matches and not trial.rule.exclude]
    return Explanation(verdict, tried, None, _lift_exclusion(verdict.rule, later))


def conform(row: object) -> dict[str, object]:
    """
    The answer to one line of ``deeplink conform apple``: ``{id, decision}``.

    *row* is ``{id, aasa, domain, appID, url}`` or ``{id, pattern, url}``; whatever else it is,
    and a file that Apple could not read, is ``"invalid"``.
    """
    if not isinstance(row, dict):
        return {"id": None, "decision": "invalid"}
    return {"id": row.get("id"), "decision": _conforming_decision(row)}


def entitlement(text: str) -> Entitlement:
    """
    One Associated Domains string, ``<service>:<host>[?mode=<mode>]``.

    >>> entitlement("applinks:*.example.com?mode=developer").host
    'example.com'
    """
    service, colon, rest = text.partition(":")
    host, question, option = rest.partition("?")
    is_wildcard = host.startswith("*.")
    name = host.removeprefix("*.").lower()
    mode = option.removeprefix("mode=") if option.startswith("mode=") else ""
    fault = ""
    if not colon or service not in _SERVICES:
        fault = f'begins with no service; write "applinks:{_bare_host(text)}"'
    elif question and mode not in _MODES:
        fault = f"has an unknown mode; known are {', '.join(_MODES)}"
    elif is_wildcard and service == "appclips":
        fault = "has a wildcard, which App Clips do not allow; name each host"
    else:
        fault = _host_fault(name)
    return Entitlement(text, service, name, is_wildcard, mode, fault)


def governing(
    entitlements: Iterable[str], host: str, service: str = "applinks"
) -> tuple[Entitlement, str] | None:
    """
    The entitlement that covers *host* and the host whose file then counts; None if none does.

    An exact name beats a wildcard, a longer wildcard a shorter one. A wildcard asks the file
    of its own domain, so ``*.example.com`` reads ``https://example.com/…`` (TN3155).
    """
    host = host.lower()
    covering = [
        one for one in map(entitlement, entitlements) if one.service == service and one.covers(host)
    ]
    if not covering:
        return None
    best = max(covering, key=lambda one: (not one.is_wildcard, len(one.host)))
    return best, best.host


def _bare_host(text: str) -> str:
    return text.split("://")[-1].split("/")[0] or "example.com"


def _host_fault(host: str) -> str:
    if "/" in host:
        return "has a scheme or a path; only the host's name stands here, without a slash"
    if ":" in host:
        return "has a port; links to it would never open the app (TN3155)"
    if not host.isascii():
        return "has a host that is not in Punycode; write its xn-- form"
    labels = host.split(".")
    if len(labels) < 2 or not all(_is_label(label) for label in labels):
        return "has no full host name; only a first label may be the wildcard *"
    return ""


def _is_label(label: str) -> bool:
    allowed = set(string.ascii_lowercase + string.digits + "-")
    return bool(label) and set(label) <= allowed and label[0] != "-" and label[-1] != "-"


def _conforming_decision(row: dict[str, object]) -> str:
    url, domain, app_id = row.get("url"), row.get("domain"), row.get("appID")
    if not isinstance(url, str):
        return "invalid"
    value = row.get("aasa")
    if "aasa" not in row and isinstance(row.get("pattern"), dict):
        app_id = "ABCDE12345.com.example.app"
        entry = {"appIDs": [app_id], "components": [row["pattern"]]}
        value = {"applinks": {"details": [entry]}}
    elif isinstance(value, str):
        value = apple.read(value.encode("utf-8", "surrogatepass")).value
    if not isinstance(value, dict) or not isinstance(app_id, str):
        return "invalid"
    host = domain if isinstance(domain, str) else Target(url).host
    return str(decide(apple.parse(value), app_id, url, host).decision)


def _refusal(target: Target, host: str) -> Reason | None:
    if target.scheme not in _WEB_SCHEMES:
        return Reason.NO_WEB_LINK
    return None if target.host == host.lower() else Reason.OTHER_HOST


# --- a URL and its rules ---------------------------------------------------------------------


class Target:
    """A URL, cut by its own punctuation and nothing else; parts are decoded when asked for."""

    def __init__(self, url: str) -> None:
        before, colon, rest = url.partition("://")
        self.scheme = before.lower() if colon else ""
        rest, _, self.fragment = rest.partition("#")
        rest, _, self.query = rest.partition("?")
        authority, slash, path = rest.partition("/")
        self.path = slash + path or "/"
        self.host = _without_port(authority.rpartition("@")[2]).lower()
        self._texts: dict[tuple[str, bool, bool], _Text] = {}
        self._items: dict[tuple[bool, bool], dict[str, list[_Text]]] = {}

    def text(self, part: str, rule: Rule) -> _Text:
        """The path, query or fragment as *rule* compares it."""
        key = (part, rule.percent_encoded, rule.case_sensitive)
        if key not in self._texts:
            plain = _as_compared(getattr(self, part), rule)
            # A run of slashes at the end of a path is no part of it, in URL and pattern alike.
            self._texts[key] = _Text((plain.rstrip("/") or "/") if part == "path" else plain)
        return self._texts[key]

    def values(self, name: str, rule: Rule) -> list[_Text]:
        """All values of a parameter; one that is absent is there once, and empty (WWDC19)."""
        key = (rule.percent_encoded, rule.case_sensitive)
        if key not in self._items:
            items: dict[str, list[_Text]] = {}
            for item in self.query.split("&"):
                left, _, right = item.partition("=")
                text = _Text(_as_compared(right, rule))
                items.setdefault(_as_compared(left, rule), []).append(text)
            self._items[key] = items
        folded = name if rule.case_sensitive else _fold(name)
        return self._items[key].get(folded) or [_Text("")]


class Matcher:
    """One URL against any number of rules; *steps* counts the tokens that were looked at."""

    def __init__(self, target: Target, variables: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self.target = target
        self.steps = 0
        self._custom = dict(variables)
        self._variables: dict[tuple[str, bool], _Alternatives | None] = {}

    def matches(self, rule: Rule) -> bool:
        return (
            self.path_matches(rule)
            and (rule.query == "*" or not any(self.query_misses(rule)))
            and (rule.fragment == "*" or self.fragment_matches(rule))
        )

    def misses(self, rule: Rule) -> tuple[tuple[str, str], ...]:
        """The parts of *rule* that do not match, each with a sentence."""
        found = []
        if not self.path_matches(rule):
            text = self.target.text("path", rule).chars
            found.append(("/", f'"{rule.path}" does not match the path "{_shown(text)}"'))
        found.extend(("?", sentence) for sentence in self.query_misses(rule))
        if not self.fragment_matches(rule):
            text = self.target.text("fragment", rule).chars
            found.append(("#", f'"{rule.fragment}" does not match the fragment "{_shown(text)}"'))
        return tuple(found)

    def path_matches(self, rule: Rule) -> bool:
        text = self.target.text("path", rule)
        fold = not rule.case_sensitive
        return any(self._covers(tokens, text, fold) for tokens in path_tokens(rule.path, fold))

    def fragment_matches(self, rule: Rule) -> bool:
        return self._glob(rule.fragment, self.target.text("fragment", rule), rule)

    def query_misses(self, rule: Rule) -> Iterator[str]:
        if isinstance(rule.query, str):
            text = self.target.text("query", rule)
            if not self._glob(rule.query, text, rule):
                yield f'"{rule.query}" does not match the query "{_shown(text.chars)}"'
            return
        for name, pattern in rule.query:
            for text in self.target.values(name, rule):
                if not self._glob(pattern, text, rule):
                    what = f'is "{_shown(text.chars)}"' if text.chars else "is absent or empty"
                    yield f'parameter "{name}" {what}, which "{pattern}" does not match'
                    break

    def reach(self, rule: Rule) -> int:
        """How many characters of the path the rule's pattern can follow; for nearness only."""
        text, fold = self.target.text("path", rule), not rule.case_sensitive
        best = 0
        for tokens in path_tokens(rule.path, fold):
            alive = 1
            for token in tokens:
                if token[0] is Kind.LITERAL:
                    at = (alive & -alive).bit_length() - 1
                    best = max(best, at + common_length(text.chars[at:], token[1]))
                alive = self._advance((token,), text, alive, fold)
                if not alive:
                    break
                best = max(best, (alive & -alive).bit_length() - 1)
        return best

    def _glob(self, pattern: str, text: _Text, rule: Rule) -> bool:
        fold = not rule.case_sensitive
        return self._covers(tokens_of(pattern, fold), text, fold)

    def _covers(self, tokens: tuple[Token, ...], text: _Text, fold: bool) -> bool:
        return bool(self._advance(tokens, text, 1, fold) >> text.size)

    def _advance(self, tokens: tuple[Token, ...], text: _Text, alive: int, fold: bool) -> int:
        """
        The positions of *text* that are reachable from *alive* over *tokens*, as bits.

        Each token moves the whole set at once, so nothing is ever tried twice.
        """
        for kind, word in tokens:
            self.steps += 1
            if kind is Kind.LITERAL:
                alive = self._past_literal(word, text, alive)
            elif kind is Kind.ANY:
                # From the first position that is alive, all that follow are.
                alive = text.everywhere ^ ((alive & -alive) - 1)
            elif kind is Kind.ONE:
                alive = (alive << 1) & text.everywhere
            elif kind is Kind.VARIABLE:
                alive = self._past_variable(word, text, alive, fold)
            else:
                alive = 0
            if not alive:
                return 0
        return alive

    def _past_literal(self, word: str, text: _Text, alive: int) -> int:
        if not alive & (alive - 1):
            at = alive.bit_length() - 1
            return alive << len(word) if text.chars.startswith(word, at) else 0
        self.steps += len(word) - 1
        for char in word:
            alive = (alive & text.where(char)) << 1
        return alive

    def _past_variable(self, name: str, text: _Text, alive: int, fold: bool) -> int:
        key = (name, fold)
        if key not in self._variables:
            self._variables[key] = alternatives(name, self._custom, fold)
        variable = self._variables[key]
        if variable is None:
            return 0
        reached = 0
        for length, words in variable.words:
            self.steps += 1
            reached |= (alive & text.begins(name, length, words)) << length
        for tokens in variable.globs:
            reached |= self._advance(tokens, text, alive, fold)
        return reached


class _Text:
    """A text, and for its characters and words the set of positions where they begin."""

    def __init__(self, chars: str) -> None:
        self.chars = chars
        self.size = len(chars)
        self._masks: dict[str | tuple[str, int], int] = {}

    @cached_property
    def everywhere(self) -> int:
        return (1 << (self.size + 1)) - 1

    def where(self, char: str) -> int:
        if char not in self._masks:
            zeros = ("0" * len(part) for part in self.chars.split(char))
            self._masks[char] = _bits("1".join(zeros))
        return self._masks[char]

    def begins(self, name: str, length: int, words: frozenset[str]) -> int:
        key = (name, length)
        if key not in self._masks:
            starts = range(self.size - length + 1)
            signs = ("1" if self.chars[n : n + length] in words else "0" for n in starts)
            self._masks[key] = _bits("".join(signs))
        return self._masks[key]


def _bits(signs: str) -> int:
    """The number whose bit n is sign n; base 2 is what Python converts in linear time."""
    return int(signs[::-1] or "0", 2)


def _without_port(authority: str) -> str:
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]


def _as_compared(text: str, rule: Rule) -> str:
    plain = text if rule.percent_encoded else _percent_decoded(text)
    return plain if rule.case_sensitive else _fold(plain)


def _percent_decoded(text: str) -> str:
    """The text with its escapes undone; one that is none, or no UTF-8, stays as written."""
    first, *others = text.split("%")
    pieces, run = [first], ""
    for other in others:
        if len(other) < 2 or not _HEX.issuperset(other[:2]):
            pieces += (_utf8(run), "%", other)
            run = ""
            continue
        run += other[:2]
        if len(other) > 2:
            pieces += (_utf8(run), other[2:])
            run = ""
    return "".join((*pieces, _utf8(run)))


def _utf8(digits: str) -> str:
    """The characters of a run of escaped bytes, given as hexadecimal digits."""
    pieces, at = [], 0
    for char in bytes.fromhex(digits).decode("utf-8", "surrogateescape"):
        is_stray = "\udc80" <= char <= "\udcff"
        pieces.append(f"%{digits[at : at + 2]}" if is_stray else char)
        at += 2 if is_stray else 2 * len(char.encode())
    return "".join(pieces)


def _fold(text: str) -> str:
    """The text without case, character by character, so that ``?`` still means one."""
    return text.lower() if text.isascii() else "".join(map(_folded_char, text))


def _folded_char(char: str) -> str:
    return next((f for f in (char.casefold(), char.lower()) if len(f) == 1), char)


def common_length(left: str, right: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(left), len(right)))


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# --- patterns --------------------------------------------------------------------------------


class Kind(Enum):
    """What a token of a pattern stands for."""

    LITERAL = "these characters"
    ONE = "one character"
    ANY = "any characters, or none"
    VARIABLE = "one of a list of texts"
    NEVER = "nothing at all"


Token = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class _Alternatives:
    """The values of a variable: plain words by length, and those with wildcards as tokens."""

    words: tuple[tuple[int, frozenset[str]], ...]
    globs: tuple[tuple[Token, ...], ...]


@lru_cache(maxsize=1 << 15)
def tokens_of(pattern: str, fold: bool = False) -> tuple[Token, ...]:
    """
    The tokens of *pattern*: ``*``, ``?``, ``$(name)`` and characters; there are no escapes.

    A ``$(`` that is never closed is taken to match nothing.
    """
    tokens: list[Token] = []
    rest = pattern
    while rest:
        plain, opener, after = rest.partition("$(")
        tokens += _wildcards(_fold(plain) if fold else plain)
        name, closer, rest = after.partition(")")
        if opener:
            tokens.append((Kind.VARIABLE, name) if closer else (Kind.NEVER, ""))
    return tuple(tokens)


@lru_cache(maxsize=1 << 15)
def path_tokens(pattern: str, fold: bool = False) -> tuple[tuple[Token, ...], ...]:
    """
    The token lists of which one must cover the path, for a pattern under ``/``.

    Slashes at the end count for nothing, several at the start for one, the first one may be
    missing, and a pattern that ends in ``/*`` covers its parent as well: as swcutil does.
    """
    plain = pattern.rstrip("/")
    if pattern.startswith("/"):
        plain = "/" + plain.lstrip("/")
    forms = [plain, plain.removesuffix("/*")] if plain.endswith("/*") else [plain]
    if not plain.startswith("/"):
        forms += [f"/{form}" for form in forms]
    return tuple(tokens_of(form, fold) for form in forms)


def alternatives(name: str, custom: dict[str, tuple[str, ...]], fold: bool) -> _Alternatives | None:
    """What ``$(name)`` stands for; None if it is not defined. The file's own lists win."""
    values = custom.get(name, PREDEFINED.get(name))
    if values is None:
        return None
    folded = {_fold(value) if fold else value for value in values}
    patterns = sorted(value for value in folded if "*" in value or "?" in value)
    plain = folded.difference(patterns)
    by_length: dict[int, set[str]] = {}
    for word in plain:
        by_length.setdefault(len(word), set()).add(word)
    return _Alternatives(
        tuple((length, frozenset(by_length[length])) for length in sorted(by_length)),
        tuple(tuple(_wildcards(pattern)) for pattern in patterns),
    )


def _wildcards(text: str) -> Iterator[Token]:
    start = 0
    for at, char in enumerate(text):
        if char in "*?":
            if at > start:
                yield Kind.LITERAL, text[start:at]
            yield (Kind.ANY, "") if char == "*" else (Kind.ONE, "")
            start = at + 1
    if start < len(text):
        yield Kind.LITERAL, text[start:]


# --- what would turn a verdict ---------------------------------------------------------------


def _nearest(trials: tuple[Trial, ...], matcher: Matcher) -> Trial | None:
    """The including rule with the fewest misses; among equals, the path followed furthest."""
    including = [trial for trial in trials if not trial.rule.exclude]
    fewest = min((len(trial.misses) for trial in including), default=0)
    near = [trial for trial in including if len(trial.misses) == fewest]
    return max(near, key=lambda trial: matcher.reach(trial.rule), default=None)


def _turning_edit(rule: Rule, matcher: Matcher) -> Edit | None:
    """The first of some small changes, mildest first, that makes *rule* match."""
    for changed, what in _changes(rule, matcher.target):
        if matcher.matches(changed):
            return Edit(rule.at, what)
    return None


def _changes(rule: Rule, target: Target) -> Iterator[tuple[Rule, str]]:
    yield replace(rule, case_sensitive=False), 'add "caseSensitive": false (iOS 13.5)'
    yield replace(rule, percent_encoded=False), 'add "percentEncoded": false (iOS 14)'
    longer = f"{rule.path.rstrip('/*')}/*"
    yield replace(rule, path=longer), f'write "/": "{longer}"'
    pairs = rule.query if isinstance(rule.query, tuple) else ()
    for name, _ in pairs:
        fewer = tuple(pair for pair in pairs if pair[0] != name)
        yield replace(rule, query=fewer), f'leave parameter "{name}" out of "?"'
    yield replace(rule, query="*"), 'leave "?" out'
    yield replace(rule, fragment="*"), 'leave "#" out'
    own = target.path
    yield replace(rule, path=own), f'write "/": "{own}", or add a rule for it'
    open_rule = replace(rule, path=own, query="*", fragment="*")
    yield open_rule, f'add a rule {{"/": "{own}"}} to the entry'


def _lift_exclusion(excluding: Rule, later: list[Trial]) -> Edit:
    if later:
        place = ".".join(map(str, later[0].rule.at))
        return Edit(excluding.at, f"move {place}, which matches too, in front of this rule")
    return Edit(excluding.at, "remove this rule, or narrow it, and add one that includes the URL")


def _name_the_app(file: AppleFile, app_id: str) -> Edit:
    known = {known for entry in file.entries for known in entry.app_ids}
    at: apple.JsonPath = ("applinks", "details")
    if not known:
        return Edit(at, f'add an entry with "appIDs": ["{app_id}"] and its rules')
    return Edit(at, f'add "{app_id}" to "appIDs" ({did_you_mean(app_id, known)})')
