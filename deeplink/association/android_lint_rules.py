"""
What is wrong with dynamic rules as somebody wrote them, each claim with a URL that shows it.

Rules are read in order, the first that matches decides, and what none matches is blocked; so a
list of exclusions opens nothing at all. https://developer.android.com/training/app-links
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from deeplink.association.android import HANDLE_ALL_URLS, RULES, Component, component_of
from deeplink.association.android_devices import Agent
from deeplink.association.android_match import compile_rules
from deeplink.association.android_patterns import Kind, Translation, translate
from deeplink.findings import Severity, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JsonPath = tuple[str | int, ...]

#: Who reads dynamic rules at all.
WITH_RULES = (str(Agent.ANDROID_15),)
#: Whose parser cannot take what dynamic rules are made of, and loses the file.
BEFORE_RULES = (str(Agent.ANDROID_6_11), str(Agent.ANDROID_12_14))

#: The keys of a rule; Android's parser takes "comments" where Apple's key is "comment".
RULE_KEYS = ("/", "?", "#", "exclude", "comment", "comments")
_APPLE_KEYS = ("caseSensitive", "percentEncoded")
_SLIPS = {"path": "/", "query": "?", "fragment": "#", "excludes": "exclude"}

#: At most so many pairs of rules are compared, so that a long list stays quick.
_MOST_PAIRS = 20_000


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding before its place in the file is known. *engines* empty means all readers."""

    code: str
    severity: Severity
    at: JsonPath
    what: str
    hint: str = ""
    engines: tuple[str, ...] = ()


@dataclass(slots=True)
class Sheet:
    """The remarks of one lint, in the order in which they are made."""

    remarks: list[Remark] = field(default_factory=list)

    def error(self, code: str, at: JsonPath, what: str, hint: str = "", *engines: str) -> None:
        self.remarks.append(Remark(code, Severity.ERROR, at, what, hint, engines))

    def warn(self, code: str, at: JsonPath, what: str, hint: str = "", *engines: str) -> None:
        self.remarks.append(Remark(code, Severity.WARNING, at, what, hint, engines))

    def note(self, code: str, at: JsonPath, what: str, hint: str = "", *engines: str) -> None:
        self.remarks.append(Remark(code, Severity.INFO, at, what, hint, engines))


def lint_extensions(entry: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    """The faults of ``relation_extensions`` in the statement at *at*."""
    at = (*at, "relation_extensions")
    extensions, relations = entry["relation_extensions"], entry.get("relation")
    if not isinstance(extensions, dict):
        what = "is not an object, so its rules are not read"
        sheet.error("DAL401", at, what, f'write {{"{HANDLE_ALL_URLS}": {{"{RULES}": [...]}}}}')
        return
    for name, extension in extensions.items():
        here = (*at, name)
        if not isinstance(relations, list) or name not in relations:
            what = "is not a relation of this statement, so nobody reads what stands here"
            sheet.warn("DAL402", here, what, did_you_mean(name, _names(relations)))
        if not isinstance(extension, dict):
            sheet.error("DAL401", here, "is not an object", f'write {{"{RULES}": [...]}}')
        elif RULES in extension:
            _lint_rules(extension[RULES], (*here, RULES), sheet)
        elif name == HANDLE_ALL_URLS:
            what = "has no rules that Android knows"
            hint = next((did_you_mean(key, [RULES]) for key in extension), f'write "{RULES}"')
            sheet.warn("DAL403", here, what, hint)


def _names(relations: object) -> list[str]:
    listed = relations if isinstance(relations, list) else []
    return [name for name in listed if isinstance(name, str)] or [HANDLE_ALL_URLS]


def _lint_rules(rules: object, at: JsonPath, sheet: Sheet) -> None:
    if not isinstance(rules, list):
        sheet.error("DAL404", at, "is not a list of rules", 'write [{"/": "/path/*"}]')
        return
    if not rules:
        what = "is empty, so it narrows nothing: the app's own filters decide"
        sheet.note("DAL405", at, what, "leave it out", *WITH_RULES)
        return
    before = len(sheet.remarks)
    for index, rule in enumerate(rules):
        _lint_rule(rule, (*at, index), sheet)
    is_sound = not any(one.severity is Severity.ERROR for one in sheet.remarks[before:])
    what = "needs Android 15 and Google services; older ones with Google services ignore it"
    hint = (
        "phones without them lose the whole file before Android 15 (derived from the source of "
        "AOSP's parser); keep it if those do not matter to you"
    )
    sheet.note("DAL490", at, what, hint, *BEFORE_RULES)
    if is_sound:
        _lint_order([component_of(rule) for rule in rules], at, sheet)


def _lint_rule(rule: object, at: JsonPath, sheet: Sheet) -> None:
    if not isinstance(rule, dict):
        what = "is not an object; Android 15 loses the whole file over it"
        sheet.error("DAL410", at, what, 'write {"/": "/path/*"}', *WITH_RULES)
        return
    for key, value in rule.items():
        if key in ("/", "#"):
            _lint_expression(key, value, (*at, key), sheet)
        elif key == "?":
            _lint_query(value, (*at, key), sheet)
        elif key == "exclude" and not isinstance(value, bool):
            _malformed((*at, key), "is not true or false", "write true, without quotes", sheet)
        elif key not in RULE_KEYS:
            _lint_unknown_key(key, (*at, key), sheet)
    if not any(key in rule for key in ("/", "?", "#")):
        what = "asks for nothing, and such a rule never matches"
        sheet.warn("DAL414", at, what, 'to mean every URL write {"/": "*"}', *WITH_RULES)


def _malformed(at: JsonPath, what: str, hint: str, sheet: Sheet) -> None:
    what = f"{what}; a malformed or empty field discards all rules of the host"
    sheet.error("DAL411", at, what, hint, *WITH_RULES)


def _lint_unknown_key(key: str, at: JsonPath, sheet: Sheet) -> None:
    if key in _APPLE_KEYS:
        what = "is Apple's; Android has no such switch: case counts, and URLs are decoded"
        sheet.warn("DAL412", at, what, "leave it out", *WITH_RULES)
        return
    near = _SLIPS.get(key.lower())
    hint = f'did you mean "{near}"?' if near else did_you_mean(key, RULE_KEYS)
    what = "is not a key of a rule, so Android does not look at this condition"
    sheet.warn("DAL412", at, what, hint, *WITH_RULES)


def _lint_query(query: object, at: JsonPath, sheet: Sheet) -> None:
    if not isinstance(query, dict):
        what = "is not an object of names and values (as a text it is Apple's form)"
        _malformed(at, what, 'write {"name": "value"}', sheet)
        return
    if not query:
        _malformed(at, "is empty", "leave it out, or name a parameter", sheet)
    for name, value in query.items():
        if not isinstance(value, str):
            _malformed((*at, name), "is not a text", 'write the value in quotes: "true"', sheet)
        elif not value:
            what = "is empty, which the documentation does not allow"
            hint = 'to ask for any value write "*", for a value that is not empty "?*"'
            sheet.warn("DAL413", (*at, name), what, hint, *WITH_RULES)
        else:
            _lint_wildcards(f"{name}={value}", (*at, name), sheet)


def _lint_expression(key: str, value: object, at: JsonPath, sheet: Sheet) -> None:
    if not isinstance(value, str):
        _malformed(at, "is not a text", 'write it in quotes: "/path/*"', sheet)
        return
    if not value:
        _malformed(at, "is empty", 'leave it out, or write "*"', sheet)
        return
    if key == "/" and not value.startswith(("/", "*", "?")):
        what = f'"{value}" does not begin with "/", so it never matches a path'
        sheet.warn("DAL415", at, what, f'write "/{value}"', *WITH_RULES)
    if key == "/" and "#" in value:
        what = f'"{value}" has a "#", which no path has'
        sheet.warn("DAL415", at, what, 'write what follows under "#"', *WITH_RULES)
    if key == "/" and "=" in value.partition("?")[2]:
        what = f'"{value}": "?" is any one character here, not the start of a query'
        sheet.warn("DAL415", at, what, 'write parameters under "?"', *WITH_RULES)
    _lint_wildcards(value, at, sheet)


def _lint_wildcards(expression: str, at: JsonPath, sheet: Sheet) -> None:
    if _has_escape(expression):
        what = f'"{expression}" is compared with the decoded URL, where "%" escapes are gone'
        sheet.warn("DAL416", at, what, "write the characters themselves", *WITH_RULES)
    if "*?" in expression.replace("?*", ""):
        what = f'"{expression}": "?" right after "*" matches only a dot, by a fault of Android\'s'
        sheet.warn("DAL417", at, what, 'write "?*" for one character or more', *WITH_RULES)
    _lint_stops(expression, at, sheet)
    kind = getattr(translate(expression), "kind", None)
    if "." in expression and kind in (Kind.LITERAL, Kind.PREFIX):
        what = f'"{expression}": the first builds of Android 15 do not match the dot'
        sheet.note("DAL418", at, what, "test it on the oldest device you support", *WITH_RULES)
    elif "?*" in expression.rstrip("*").removesuffix("?"):
        what = f'"{expression}": the first builds of Android 15 never match text after "?*"'
        sheet.note("DAL418", at, what, "test it on the oldest device you support", *WITH_RULES)


def _has_escape(expression: str) -> bool:
    hexadecimal = "0123456789abcdefABCDEF"
    return any(
        len(tail) >= 2 and tail[0] in hexadecimal and tail[1] in hexadecimal
        for tail in expression.split("%")[1:]
    )


def _lint_stops(expression: str, at: JsonPath, sheet: Sheet) -> None:
    """A star that stops too early, shown by a text which the writer surely meant as well."""
    for index, char in enumerate(expression):
        following = expression[index + 1 : index + 2]
        if char != "*" or following in ("", "*", "?"):
            continue
        is_segment = following == "/" and expression[index - 1 : index] == "/"
        lead = "" if index else "/x"
        inside = lead if lead and following == "/" else f"{lead or 'x'}{following}y"
        rest = expression[index + 1 :].replace("*", "x").replace("?", "x")
        witness = expression[:index].replace("*", "x").replace("?", "x") + inside + rest
        pattern = translate(expression)
        if pattern is None or pattern.matches(witness):
            continue
        what = (
            f'"{expression}": "*" stops at the first "{following}" after it, so this does not '
            f'match "{witness}"'
        )
        deeper = expression[:index] + f"*{following}" + expression[index:]
        hint = f'if it should, add a rule with "{deeper}" for each "{following}" more'
        remark = sheet.note if is_segment else sheet.warn
        remark("DAL419", at, what, hint, *WITH_RULES)
        return


def _lint_order(rules: Sequence[Component], at: JsonPath, sheet: Sheet) -> None:
    if all(rule.exclude for rule in rules):
        what = "only excludes, and what no rule matches is blocked: no link opens the app"
        sheet.error("DAL420", at, what, 'add {"/": "*"} as the last rule', *WITH_RULES)
        return
    for covering, covered, url in _shadowed(rules):
        same = rules[covering].exclude is rules[covered].exclude
        what = f'is never reached: rule {covering + 1} of the list takes its URLs first ("{url}")'
        hint = "delete it" if same else "move it before that rule"
        remark = sheet.note if same else sheet.warn
        remark("DAL421", (*at, covered), what, hint, *WITH_RULES)


def _shadowed(rules: Sequence[Component]) -> Iterator[tuple[int, int, str]]:
    """
    Each rule that a single earlier one covers: both places, and a URL that shows it.

    The URL is tried: it matches the later rule alone and is decided by the earlier one.
    """
    left = _MOST_PAIRS
    compiled = compile_rules(rules, Translation.NEWEST)
    for later, rule in enumerate(rules):
        for earlier in range(later):
            left -= 1
            if left < 0:
                return
            if not _covers(rules[earlier], rule):
                continue
            url = example_of(rule)
            alone = compile_rules([rule]).decide(url)
            if alone.rule == 0 and (compiled.decide(url).rule or 0) <= earlier:
                yield earlier, later, url
                break


def example_of(rule: Component) -> str:
    """A URL that the rule is meant for: its stars empty or ``x``, its ``?`` an ``x``."""
    query = "&".join(f"{_filled(name)}={_filled(value)}" for name, value in rule.query)
    path = "/" if rule.path is None else _filled(rule.path)
    path = path if path.startswith("/") else "/" + path
    url = f"https://example.com{quote(path)}"
    url += f"?{quote(query, safe='=&')}" if query else ""
    return url + (f"#{quote(_filled(rule.fragment))}" if rule.fragment is not None else "")


def _filled(expression: str) -> str:
    stars = expression.replace("*", "x" if expression == "*" else "")
    return stars.replace("?", "x")


def _covers(one: Component, other: Component) -> bool:
    """Whether *one* surely takes every URL that *other* takes; False if that is not sure."""
    if one.path is None and one.fragment is None and not one.query:
        return False
    return (
        (one.path == "*" or _includes(one.path, other.path))
        and _includes(one.fragment, other.fragment)
        and all(
            any(_includes(f"{n}={v}", f"{name}={value}") for name, value in other.query)
            for n, v in one.query
        )
    )


def _includes(one: str | None, other: str | None) -> bool:
    """Whether every text that *other* takes is taken by *one* too, as far as that is plain."""
    if one is None or one == other:
        return True
    pattern, inner = translate(one), translate(other or "")
    if pattern is None or inner is None or other is None:
        return False
    if inner.kind is Kind.LITERAL:
        return pattern.matches(inner.text)
    head = other[: min(other.find(mark) for mark in "*?" if mark in other)]
    return pattern.kind is Kind.PREFIX and head.startswith(pattern.text)
