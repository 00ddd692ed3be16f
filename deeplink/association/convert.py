"""
Apple's components into Android's dynamic rules and back, and what does not come along.

The two languages differ: Apple's ``*`` goes back and tries again, Android's stops at the first
occurrence of what follows; Apple drops slashes at the end of a path; what Android asks for must
be there. A rule that cannot be said is left out if it opens and widened if it excludes, so that
the result rather opens too little. Afterwards both lists are compared over all URLs as apps
write them (``language.Space``), and every kind of URL on which they part is a finding.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from deeplink.association import android, apple
from deeplink.association.android import (
    HANDLE_ALL_URLS,
    RULES,
    AppTarget,
    Component,
    Statement,
    components_of,
)
from deeplink.association.android_match import compile_rules
from deeplink.association.apple import AppleFile, Entry, Rule
from deeplink.association.apple_match import (
    PREDEFINED,
    Decision,
    Kind,
    decide,
    rules_for,
    tokens_of,
)
from deeplink.association.language import Ranking, Space
from deeplink.association.verdict import App, Link
from deeplink.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from deeplink.association.apple import JsonPath
    from deeplink.findings import Place

#: What the codes of this room mean; they never change.
CODES = {
    "CNV001": "a rule that is left out",
    "CNV002": "a rule that excludes more than before",
    "CNV003": "a condition that the other language says differently",
    "CNV004": "URLs that open on Apple's systems only",
    "CNV005": "URLs that open on Android only",
    "CNV006": "the comparison of both was given up",
    "CNV007": "no rules to translate",
}

#: So many Android rules one Apple rule may become by writing out its variables.
_MOST_WRITTEN_OUT = 32

_HOST = "example.com"
_APP = "ABCDE12345.example"

_PAIR = re.compile(r"([^&=*?]+)=([^&]+)")


@dataclass(frozen=True, slots=True)
class Translation:
    """What the other platform reads, as a plain JSON value, and what was lost on the way."""

    document: object
    findings: tuple[Finding, ...]


class _Sourced(NamedTuple):
    """An Android rule and the place of what it was made from, or of itself."""

    component: Component
    at: JsonPath


class _Remark(NamedTuple):
    code: str
    severity: Severity
    at: JsonPath
    what: str
    hint: str = ""


def to_android(
    file: AppleFile,
    app_id: str,
    place_of: Callable[[JsonPath], Place],
    target: AppTarget | None = None,
) -> Translation:
    """
    The dynamic rules that let through what *file* opens for *app_id*, as near as can be.

    A whole document for *target*, or the rules alone, under their key. The list is never empty,
    because an empty one would let everything through.
    """
    remarks: list[_Remark] = []
    rules = list(rules_for(file, app_id))
    made: list[_Sourced] = []
    for rule in rules:
        components = _components_of(rule, dict(file.variables), remarks)
        made += [_Sourced(component, rule.at) for component in components]
    if all(one.component.exclude for one in made):
        at: JsonPath = rules[0].at[:-2] if rules else ("applinks",)
        what = "opens nothing that Android's rules could let through"
        remarks.append(_Remark("CNV007", Severity.WARNING, at, what, "add a path that opens"))
    made = made or [_Sourced(Component("*", exclude=True), ("applinks",))]
    remarks += _Proof(rules, file, app_id, made, _places(remarks), is_from_apple=True).remarks()
    components = [one.component for one in made]
    statement = Statement((HANDLE_ALL_URLS,), target or AppTarget("", ()), tuple(components))
    document: Any = android.document_of([statement])
    whole = document if target else document[0]["relation_extensions"][HANDLE_ALL_URLS]
    return Translation(whole, _findings(remarks, place_of))


def to_apple(
    statement: Statement, place_of: Callable[[JsonPath], Place], app_ids: Sequence[str] = ()
) -> Translation:
    """
    The components that open what the rules of *statement* let through, as near as can be.

    A whole document for *app_ids*, or the components alone, under their key.
    """
    remarks: list[_Remark] = []
    at: JsonPath = (statement.index,)
    base: JsonPath = (*at, "relation_extensions", HANDLE_ALL_URLS, RULES)
    components = statement.rules or ()
    groups = compile_rules(components).groups
    if groups:
        made = [_Sourced(one, (*base, n)) for n, one in enumerate(components)]
        rules = [rule for one in made for rule in _rules_of(one.component, one.at, remarks)]
        file = AppleFile((Entry((), (_APP,), tuple(rules)),))
        remarks += _Proof(rules, file, _APP, made, _places(remarks), is_from_apple=False).remarks()
    else:
        rules = [Rule(at=at, path="*")]
        is_lost = groups is None
        what = "has malformed rules, which Android discards" if is_lost else "has no dynamic rules"
        hint = "the app's intent filter decides, which is not in this file; here everything opens"
        remarks.append(_Remark("CNV007", Severity.WARNING, at, what, hint))
    entry = Entry((), tuple(app_ids), tuple(rules))
    document: Any = apple.write(AppleFile((entry,), has_applinks=True))
    components_only = {"components": document["applinks"]["details"][0]["components"]}
    return Translation(document if app_ids else components_only, _findings(remarks, place_of))


def translatable(entries: Iterable[object]) -> list[Statement]:
    """The statements of *entries* that let apps handle links: those that can be translated."""
    return [
        one
        for one in entries
        if isinstance(one, Statement)
        and isinstance(one.target, AppTarget)
        and HANDLE_ALL_URLS in one.relations
    ]


# --- Apple to Android ------------------------------------------------------------------------


def _components_of(
    rule: Rule, custom: dict[str, tuple[str, ...]], remarks: list[_Remark]
) -> list[Component]:
    texts, is_exact = _written_out(rule, custom)
    if texts is None:
        what = "has a substitution variable that does not exist, so it never matches"
        remarks.append(_Remark("CNV001", Severity.WARNING, rule.at, what, "it is left out"))
        return []
    if not is_exact:
        what = "has a substitution variable with too many values to write them all out"
        if not rule.exclude:
            hint = "it is left out; write a rule with * where that is near enough"
            remarks.append(_Remark("CNV001", Severity.ERROR, rule.at, what, hint))
            return []
        hint = "any characters stand in its place, so it excludes more than before"
        remarks.append(_Remark("CNV002", Severity.WARNING, rule.at, what, hint))
    if not rule.case_sensitive:
        _about_case(rule, remarks)
    made = [
        component
        for one in texts
        for link in _links_of(one, remarks if one is texts[0] else [])
        for component in components_of(link)
    ]
    return list(dict.fromkeys(made))


def _written_out(rule: Rule, custom: dict[str, tuple[str, ...]]) -> tuple[list[Rule] | None, bool]:
    """
    The rule once for each value of its variables, and whether that says the same.

    Where there are too many values, ``?`` or ``*`` stand for them; None if one is not defined.
    """
    pairs = rule.query if isinstance(rule.query, tuple) else ()
    query = [rule.query] if isinstance(rule.query, str) else [pattern for _, pattern in pairs]
    patterns = [rule.path, rule.fragment, *query]
    if not any("$(" in pattern for pattern in patterns):
        return [rule], True
    choices = [_choices(pattern, custom) for pattern in patterns]
    if any(choice is None for choice in choices):
        return None, True
    lists = [choice for choice in choices if choice is not None]
    count = 1
    for choice in lists:
        count *= max(1, len(choice))
    is_exact = count <= _MOST_WRITTEN_OUT
    if not is_exact:
        lists = [[_widened(pattern, custom)] for pattern in patterns]
    rules = []
    for path, fragment, *rest in itertools.product(*lists):
        names = [name for name, _ in pairs]
        said = rest[0] if isinstance(rule.query, str) else tuple(zip(names, rest, strict=True))
        rules.append(replace(rule, path=path, fragment=fragment, query=said))
    return rules, is_exact


def _choices(pattern: str, custom: Mapping[str, tuple[str, ...]]) -> list[str] | None:
    parts: list[Sequence[str]] = []
    for kind, word in tokens_of(pattern):
        if kind is Kind.NEVER:
            return None
        if kind is Kind.VARIABLE:
            values = custom.get(word, PREDEFINED.get(word))
            if values is None:
                return None
            parts.append(sorted(values))
        else:
            parts.append([_SIGNS.get(kind, word)])
    # Only as many as can be told from too many.
    chosen = itertools.islice(itertools.product(*parts), _MOST_WRITTEN_OUT + 1)
    return ["".join(choice) for choice in chosen]


_SIGNS = {Kind.ANY: "*", Kind.ONE: "?"}


def _widened(pattern: str, custom: Mapping[str, tuple[str, ...]]) -> str:
    """The pattern with a variable as ``?`` if all its values are one character, else ``*``."""
    pieces = []
    for kind, word in tokens_of(pattern):
        if kind is Kind.VARIABLE:
            values = custom.get(word, PREDEFINED.get(word, ()))
            is_one = all(len(value) == 1 and value != "*" for value in values)
            pieces.append("?" if is_one else "*")
        else:
            pieces.append(_SIGNS.get(kind, word))
    return "".join(pieces)


def _about_case(rule: Rule, remarks: list[_Remark]) -> None:
    texts = [rule.path, rule.fragment, str(rule.query)]
    if all(text.lower() == text.upper() for text in texts):
        return
    what = 'has "caseSensitive": false, and on Android case always counts'
    if rule.exclude:
        hint = "other spellings open there; add a rule that excludes for each that you link to"
        remarks.append(_Remark("CNV003", Severity.ERROR, rule.at, what, hint))
    else:
        hint = "add a rule for each spelling that you link to"
        remarks.append(_Remark("CNV003", Severity.WARNING, rule.at, what, hint))


def _links_of(rule: Rule, remarks: list[_Remark]) -> Iterator[Link]:
    """The rule as rows of the table of links, which Android's rules are made from."""
    query = _query_of(rule, remarks)
    fragment = _fragment_of(rule, remarks)
    if query is None or fragment is False:
        return
    escape = _plain if rule.percent_encoded else _escaped
    for path in _begun_with_slash(rule.path):
        yield Link(
            app=_NOBODY,
            hosts=(),
            path=escape(path),
            query=tuple((escape(name), escape(pattern)) for name, pattern in query),
            fragment=None if fragment is None else escape(str(fragment)),
            exclude=rule.exclude,
        )


def _begun_with_slash(path: str) -> Iterator[str]:
    """The forms of a path pattern whose first slash Apple's systems take as written or not."""
    if path.startswith("/"):
        yield "/" + path.lstrip("/")
        return
    if path.startswith(("*", "?")):
        yield path
    if not path.startswith("*"):
        yield f"/{path}"


_NOBODY = App("", "", None, None, share_credentials=False)


def _plain(text: str) -> str:
    return text


def _escaped(text: str) -> str:
    # A row of the table is decoded once; what is decoded already must survive that.
    return text.replace("%", "%25")


def _query_of(rule: Rule, remarks: list[_Remark]) -> list[tuple[str, str]] | None:
    """The parameters that Android must find; None if the rule cannot be said at all."""
    if isinstance(rule.query, tuple):
        # What may be empty may be absent, and then nothing has to be found.
        wanted = [(name, p) for name, p in rule.query if not p or p.strip("*")]
        empty = [name for name, pattern in wanted if not pattern]
        if not empty:
            return wanted
        what = f'wants parameter "{empty[0]}" to be absent or empty'
        return _unsayable(rule, what, [pair for pair in wanted if pair[1]], remarks)
    if rule.query and not rule.query.strip("*"):
        return []
    pair = _PAIR.fullmatch(rule.query)
    what = f'wants the whole query to be "{rule.query}", and Android looks at single parameters'
    return _unsayable(rule, what, [(pair[1], pair[2])] if pair else [], remarks)


def _unsayable(
    rule: Rule, what: str, wider: list[tuple[str, str]], remarks: list[_Remark]
) -> list[tuple[str, str]] | None:
    """Leave out a rule that opens, and let one that excludes ask for no more than *wider*."""
    if rule.exclude:
        said = ", ".join(f"{name}={pattern}" for name, pattern in wider) or "any query"
        hint = f"the translation excludes {said}"
        remarks.append(_Remark("CNV002", Severity.WARNING, rule.at, what, hint))
        return wider
    said = ", ".join(f'{{"{name}": "{pattern}"}}' for name, pattern in wider)
    hint = "it is left out"
    hint += f'; write "?": {said} yourself if more may stand beside it' if said else ""
    remarks.append(_Remark("CNV001", Severity.ERROR, rule.at, what, hint))
    return None


def _fragment_of(rule: Rule, remarks: list[_Remark]) -> str | bool | None:
    """The fragment that Android must find, None for none, False if the rule cannot be said."""
    if rule.fragment:
        return rule.fragment if rule.fragment.strip("*") else None
    what = "wants no fragment, or an empty one, which Android cannot ask for"
    if rule.exclude:
        hint = "the translation excludes any fragment"
        remarks.append(_Remark("CNV002", Severity.WARNING, rule.at, what, hint))
        return None
    remarks.append(_Remark("CNV001", Severity.ERROR, rule.at, what, "it is left out"))
    return False


# --- Android to Apple ------------------------------------------------------------------------


def _rules_of(component: Component, at: JsonPath, remarks: list[_Remark]) -> Iterator[Rule]:
    asked = (component.path, component.fragment, *component.query)
    if not any(asked):
        what = "asks for nothing, and such a rule never matches on Android"
        remarks.append(_Remark("CNV001", Severity.INFO, at, what, "it is left out"))
        return
    if component.path is not None and not component.path.startswith(("/", "*", "?")):
        what = f'"{component.path}" begins with no slash, so it never matches on Android'
        remarks.append(_Remark("CNV001", Severity.INFO, at, what, "it is left out"))
        return
    said = [component.path, component.fragment, *(pattern for _, pattern in component.query)]
    if never := next((text for text in said if text and "**" in text), None):
        what = f'"{never}": Android takes the second star for a letter that no app writes'
        remarks.append(_Remark("CNV001", Severity.INFO, at, what, "it is left out"))
        return
    if foreign := next((text for text in said if text and "$(" in text), None):
        what = f'"{foreign}" holds "$(", which on Apple\'s systems begins a variable'
        yield from _left_out_or_wider(component, at, what, remarks)
        return
    query = _items_of(component, at, remarks)
    if query is None:
        yield from _left_out_or_wider(component, at, "", remarks)
        return
    texts = [_as_apple(text) for text in said if text]
    yield Rule(
        at=at,
        path="*" if component.path is None else _as_apple(component.path),
        query=tuple((name, _present(_as_apple(pattern))) for name, pattern in query) or "*",
        fragment="*" if component.fragment is None else _present(_as_apple(component.fragment)),
        exclude=component.exclude,
        percent_encoded=not any(map(_needs_decoding, (*texts, *(name for name, _ in query)))),
    )


def _items_of(
    component: Component, at: JsonPath, remarks: list[_Remark]
) -> list[tuple[str, str]] | None:
    for name, pattern in component.query:
        fault = ""
        if not pattern:
            fault = f'wants parameter "{name}" to be there and empty'
        elif any(mark in name for mark in "*?"):
            fault = f'has wildcards in the name "{name}"'
        if fault:
            what = f"{fault}, for which Apple has no words"
            hint = (
                "it excludes whatever its other parts match"
                if component.exclude
                else "it is left out"
            )
            code = "CNV002" if component.exclude else "CNV001"
            severity = Severity.WARNING if component.exclude else Severity.ERROR
            remarks.append(_Remark(code, severity, at, what, hint))
            return None
    return list(component.query)


def _left_out_or_wider(
    component: Component, at: JsonPath, what: str, remarks: list[_Remark]
) -> Iterator[Rule]:
    if what:
        hint = "it excludes every URL" if component.exclude else "it is left out"
        code = "CNV002" if component.exclude else "CNV001"
        severity = Severity.WARNING if component.exclude else Severity.ERROR
        remarks.append(_Remark(code, severity, at, what, hint))
    if not component.exclude:
        return
    path = component.path if component.path and "$(" not in component.path else "*"
    is_raw = not _needs_decoding(path)
    yield Rule(at=at, path=_as_apple(path), exclude=True, percent_encoded=is_raw)


def _as_apple(expression: str) -> str:
    """
    The expression in Apple's words: ``?`` right after ``*`` is a dot to Android's matcher.

    That is a fault of its own that a test of AOSP's records (DalComponentParserTest).
    """
    return re.sub(r"(?<!\?)\*\?", "*.", expression)


def _present(pattern: str) -> str:
    """What must be there: Apple's ``*`` would take an absent parameter or fragment as well."""
    return pattern if pattern.strip("*") else "?*"


def _needs_decoding(text: str) -> bool:
    """Whether the text is one that a URL has only once it is decoded, or counts characters."""
    counts = "?" in text.replace("?*", "")
    return counts or bool(re.search(r'[^!-~]|["%<>\\^`{|}]', text))


# --- the proof -------------------------------------------------------------------------------


#: Who opens a URL that the other does not, and what decided it in the document.
_Kind: TypeAlias = "tuple[bool, JsonPath]"


class _Proof:
    """
    Both lists side by side over all URLs; each kind of URL on which they part is a remark.

    Of the rules in *explained* it was said already why they part.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        file: AppleFile,
        app_id: str,
        made: Sequence[_Sourced],
        explained: frozenset[JsonPath],
        *,
        is_from_apple: bool,
    ) -> None:
        self._rules = rules
        self._file = file
        self._app_id = app_id
        self._made = made
        self._explained = explained
        self._is_from_apple = is_from_apple
        self._compiled = compile_rules([one.component for one in made])

    def remarks(self) -> Iterator[_Remark]:
        """Paths without a slash at the end first: what parts on such a slash alone weighs less."""
        plain, is_complete = self._search(final_slash=False)
        with_slash, is_complete_too = self._search(final_slash=True)
        for kind, url in plain.items():
            reason = "as said above" if kind[1] in self._explained else self._reason(kind[1])
            yield self._remark(kind, url, Severity.WARNING, reason)
        for kind, url in with_slash.items():
            if kind not in plain:
                reason = "only Android tells a path with a slash at its end from one without"
                yield self._remark(kind, url, Severity.INFO, reason)
        if not (is_complete and is_complete_too):
            what = "has too many rules to compare them with their translation over all URLs"
            at = self._made[0].at[:-1]
            yield _Remark("CNV006", Severity.WARNING, at, what, "test the links that matter")

    def _search(self, *, final_slash: bool) -> tuple[dict[_Kind, str], bool]:
        space = Space(plain=True, final_slash=final_slash)
        on_apple = Ranking([space.add_apple(rule, self._file.variables) for rule in self._rules])
        on_android = Ranking([space.add_android(one.component) for one in self._made])
        found: dict[_Kind, str] = {}
        for region in space.regions():
            left, right = on_apple.first(region), on_android.first(region)
            is_on_apple = left is not None and not self._rules[left].exclude
            is_on_android = right is not None and not self._made[right].component.exclude
            if is_on_apple == is_on_android:
                continue
            kind = (is_on_apple, self._responsible(left, right, is_on_apple=is_on_apple))
            url = f"https://{_HOST}{region.url}"
            if (kind not in found or len(url) < len(found[kind])) and self._is_confirmed(url, kind):
                found[kind] = url
        return dict(sorted(found.items(), key=lambda item: str(item[0][1]))), space.is_complete

    def _responsible(self, left: int | None, right: int | None, *, is_on_apple: bool) -> JsonPath:
        """The place of a rule of which a loss was told already, else of the one that opens."""
        places = [
            self._rules[left].at if left is not None else None,
            self._made[right].at if right is not None else None,
        ]
        decided = [place for place in (places if is_on_apple else places[::-1]) if place]
        return next((place for place in decided if place in self._explained), decided[0])

    def _is_confirmed(self, url: str, kind: _Kind) -> bool:
        verdict = decide(self._file, self._app_id, url, _HOST)
        is_on_apple = verdict.decision is Decision.MATCH
        return is_on_apple is kind[0] and self._compiled.decide(url).allowed is not kind[0]

    def _reason(self, at: JsonPath) -> str:
        texts = [text for rule in self._rules if rule.at == at for text in _patterns_of(rule)]
        texts += [
            text
            for one in self._made
            if one.at == at
            for text in (one.component.path or "", one.component.fragment or "")
        ]
        if any("*" in text.rstrip("*") for text in texts):
            return "Apple's * takes all it can, Android's stops at what follows it in the pattern"
        if not self._is_from_apple and any(text.endswith("/*") for text in texts):
            return "Apple takes the parent of a path that ends in /* as well"
        if not self._is_from_apple and any(text == "?*" for text in texts):
            return "Apple takes an absent parameter or fragment for an empty one"
        return ""

    def _remark(self, kind: _Kind, url: str, severity: Severity, reason: str) -> _Remark:
        is_on_apple, at = kind
        code, where = ("CNV004", "Apple's systems") if is_on_apple else ("CNV005", "Android")
        amount = "less" if is_on_apple == self._is_from_apple else "more"
        hint = "; ".join(filter(None, [reason, f"the translation opens {amount}"]))
        return _Remark(code, severity, at, f"lets {url} open the app on {where} only", hint)


def _patterns_of(rule: Rule) -> tuple[str, ...]:
    query = (rule.query,) if isinstance(rule.query, str) else tuple(p for _, p in rule.query)
    return rule.path, rule.fragment, *query


def _places(remarks: Iterable[_Remark]) -> frozenset[JsonPath]:
    return frozenset(one.at for one in remarks)


def _findings(
    remarks: Iterable[_Remark], place_of: Callable[[JsonPath], Place]
) -> tuple[Finding, ...]:
    return tuple(
        Finding(one.code, one.severity, place_of(one.at), one.what, one.hint) for one in remarks
    )
