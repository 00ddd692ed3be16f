"""
Whether an Android phone opens a URL in an app: filters, verified hosts, dynamic rules.

An intent filter says which URLs the app wants, the host's file whether it may have them, and
the file's dynamic rules (Android 15, Google services) which of them it gets. All compare with
the *decoded* URL. Sources: android.content.IntentFilter, UriRelativeFilterGroup, android.net.Uri
and DomainVerificationService of the Android Open Source Project.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deeplink.association.android import WELL_KNOWN_PATH, component_of
from deeplink.association.android_patterns import (
    Kind,
    Pattern,
    Translation,
    pattern_of,
    translate,
)
from deeplink.association.android_uri import Uri, parse_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deeplink.association.android import Component

#: The first Android that keeps unverified links from apps, checks each host for itself, and
#: knows pathSuffix and pathAdvancedPattern (API 31).
ANDROID_12 = 12
#: The first Android with filter groups and dynamic rules (API 35).
ANDROID_15 = 15

_SUFFIXES = {
    "": Kind.LITERAL,
    "Prefix": Kind.PREFIX,
    "Pattern": Kind.SIMPLE_GLOB,
    "Suffix": Kind.SUFFIX,
    "AdvancedPattern": Kind.ADVANCED_GLOB,
}
_SINCE_12 = (Kind.SUFFIX, Kind.ADVANCED_GLOB)


class Opens(StrEnum):
    """Where a tap on a link ends."""

    APP = "app"
    BROWSER = "browser"
    CHOOSER = "chooser"


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One thing a rule or a group asks for. *part* is ``path``, ``query`` or ``fragment``.

    A *pattern* of None, for a malformed one, never holds.
    """

    part: str
    pattern: Pattern | None

    def holds(self, uri: Uri) -> bool:
        if self.pattern is None:
            return False
        if self.part == "query":
            return any(self.pattern.matches(pair) for pair in uri.parts())
        text = uri.path if self.part == "path" else uri.fragment
        return text is not None and self.pattern.matches(text)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that must all hold; one without conditions never matches."""

    conditions: tuple[Condition, ...]
    allow: bool

    def matches(self, uri: Uri) -> bool:
        return bool(self.conditions) and all(one.holds(uri) for one in self.conditions)


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What dynamic rules say; *rule* is the place of the one that decided, None if none did."""

    allowed: bool
    rule: int | None


@dataclass(frozen=True, slots=True)
class Rules:
    """
    Dynamic rules ready for use; None stands for rules that the device throws away.

    The first rule that matches decides, and a URL that none matches is blocked. No rules, or
    rules that are thrown away, block nothing.
    """

    groups: tuple[Group, ...] | None

    def decide(self, url: str | Uri) -> RuleVerdict:
        if not self.groups:
            return RuleVerdict(allowed=True, rule=None)
        uri = parse_uri(url) if isinstance(url, str) else url
        for index, group in enumerate(self.groups):
            if group.matches(uri):
                return RuleVerdict(group.allow, index)
        return RuleVerdict(allowed=False, rule=None)


@dataclass(frozen=True, slots=True)
class IntentFilter:
    """
    The ``<data>`` of one intent filter, all elements merged as Android merges them.

    *authorities* are host and port (-1: any), *paths* and *groups* None where none is given.
    """

    schemes: tuple[str, ...]
    authorities: tuple[tuple[str, int], ...]
    paths: tuple[Condition, ...] | None
    groups: tuple[Group, ...] | None

    def matches(self, url: str | Uri) -> bool:
        uri = parse_uri(url) if isinstance(url, str) else url
        if uri.scheme not in self.schemes:
            return False
        if not self.authorities:
            # Without a host, ports and paths are ignored (developer.android.com, <data>).
            return True
        if not any(_is_authority(uri, host, port) for host, port in self.authorities):
            return False
        if self.paths is None and self.groups is None:
            return True
        if any(path.holds(uri) for path in self.paths or ()):
            return True
        deciding = next((group for group in self.groups or () if group.matches(uri)), None)
        return deciding is not None and deciding.allow


def compile_rules(
    components: Iterable[Component], translation: Translation = Translation.NEWEST
) -> Rules:
    """
    The rules as a device with that translation has them.

    An empty expression throws there, and then none of the host's rules is kept ("any malformed
    or empty field discards all"): https://developer.android.com/training/app-links
    """
    groups: list[Group] = []
    for component in components:
        conditions: list[Condition] = []
        for part, expression in _expressions_of(component):
            pattern = translate(expression, translation)
            if pattern is None:
                return Rules(None)
            conditions.append(Condition(part, pattern))
        groups.append(Group(tuple(conditions), allow=not component.exclude))
    return Rules(tuple(groups))


def filter_of(wire: Mapping[str, object], android: int = ANDROID_15) -> IntentFilter:
    """
    The filter that Android of that version reads from ``{schemes, authorities, paths, groups}``.

    Attributes that it does not know are not there for it: a filter with nothing but pathSuffix
    takes every path on Android 11. A malformed advanced pattern matches nothing.
    """
    wired_paths, wired_groups = wire.get("paths"), wire.get("groups")
    paths = [path for one in _dicts(wired_paths) for path in _conditions_of(one, android)]
    groups = [
        Group(
            tuple(one for data in _dicts(group.get("data")) for _, one in _all_of(data)),
            allow=group.get("allow") is not False,
        )
        for group in _dicts(wired_groups)
    ]
    return IntentFilter(
        schemes=tuple(_texts(wire.get("schemes"))),
        authorities=tuple(_authorities_of(wire.get("authorities"))),
        paths=tuple(paths) if paths else None,
        groups=tuple(groups) if groups and android >= ANDROID_15 else None,
    )


def is_approved(host: str, verified: Iterable[str]) -> bool:
    """
    Whether DomainVerificationService takes *host* for verified.

    ``*.example.com`` approves whatever ends in ``example.com``, even ``badexample.com``; the
    intent filter alone keeps that out.
    """
    names = tuple(verified)
    return host in names or any(
        host.endswith(name.removeprefix("*.")) for name in names if name.startswith("*.")
    )


def asset_url(host: str) -> str:
    """Where the file for a host of an intent filter is fetched; ``*.`` means the apex."""
    return f"https://{host.removeprefix('*.')}{WELL_KNOWN_PATH}"


def may_embed(header: str, package_name: str) -> bool:
    """Whether ``X-Embedder-Ancestors`` lets the app show the page (Chromium, Custom Tabs)."""
    if header in ("", "*", "none"):
        return header != "none"
    return package_name in (name.strip() for name in header.split(","))


def decide(
    url: str | Uri,
    intent_filter: IntentFilter,
    rules: Rules | None,
    verified: Mapping[str, bool],
    android: int,
) -> Opens:
    """
    Where a tap on *url* ends on a phone with the app installed and no choice made by its owner.

    *verified* says of each host of the app whether its file named the app. Up to Android 11
    one bad host spoils them all, and then the phone asks; from 12 the browser opens.
    """
    uri = parse_uri(url) if isinstance(url, str) else url
    if not intent_filter.matches(uri):
        return Opens.BROWSER
    if android < ANDROID_12:
        return Opens.APP if verified and all(verified.values()) else Opens.CHOOSER
    names = [host for host, good in verified.items() if good]
    if not is_approved((uri.host or "").lower(), names):
        return Opens.BROWSER
    if android >= ANDROID_15 and rules is not None and not rules.decide(uri).allowed:
        return Opens.BROWSER
    return Opens.APP


def conform_match(row: Mapping[str, object]) -> dict[str, object]:
    """
    The answer to one row of the android-match questions; whatever the row holds, never a raise.

    Patterns and expressions answer ``results`` as booleans, cases as words, a row with neither
    ``result``; an expression says its ``type`` and ``pattern`` too.
    """
    answer: dict[str, object] = {"id": row.get("id")}
    kind = row.get("kind")
    if kind == "pattern":
        return answer | _answer_pattern(row)
    if kind in ("dal_expression", "dal_expression_2024"):
        return answer | _answer_expression(row)
    if kind == "asset_url":
        return answer | {"result": asset_url(_text(row.get("host")))}
    if kind == "embedder_ancestors_header":
        allowed = may_embed(_text(row.get("header")), _text(row.get("package")))
        return answer | {"result": _ALLOWED[allowed]}
    judge = {
        "dynamic_components": _answer_rule,
        "intent_filter": _answer_filter,
        "verified_host": _answer_host,
        "decision": _answer_decision,
    }.get(_text(kind))
    if judge is None:
        return answer | {"result": "unknown"}
    return answer | {"results": judge(row, _dicts(row.get("cases")))}


_ALLOWED = {True: "allowed", False: "blocked"}


def _answer_pattern(row: Mapping[str, object]) -> dict[str, object]:
    kind = row.get("type")
    known = next((one for one in Kind if one == kind), None)
    pattern = pattern_of(known, _text(row.get("pattern"))) if known else None
    return {"result": "invalid"} if pattern is None else _results(pattern, row)


def _answer_expression(row: Mapping[str, object]) -> dict[str, object]:
    early = row.get("kind") == "dal_expression_2024"
    translation = Translation.EARLY if early else Translation.NEWEST
    pattern = translate(_text(row.get("expression")), translation)
    if pattern is None:
        return {"result": "invalid"}
    return {"type": str(pattern.kind), "pattern": pattern.shown} | _results(pattern, row)


def _results(pattern: Pattern, row: Mapping[str, object]) -> dict[str, object]:
    return {"results": [pattern.matches(text) for text in _texts(row.get("inputs"))]}


def _answer_rule(row: Mapping[str, object], cases: Sequence[Mapping[str, object]]) -> list[str]:
    rules = _rules_of(row.get("components"))
    return [_ALLOWED[rules.decide(_text(case.get("url"))).allowed] for case in cases]


def _answer_filter(row: Mapping[str, object], cases: Sequence[Mapping[str, object]]) -> list[str]:
    intent_filter = filter_of(_dict(row.get("filter")))
    return [
        "match" if intent_filter.matches(_text(case.get("url"))) else "no_match" for case in cases
    ]


def _answer_host(row: Mapping[str, object], cases: Sequence[Mapping[str, object]]) -> list[str]:
    verified = _texts(row.get("verified"))
    return [
        "approved" if is_approved(_text(case.get("host")), verified) else "not_approved"
        for case in cases
    ]


def _answer_decision(row: Mapping[str, object], cases: Sequence[Mapping[str, object]]) -> list[str]:
    version = row.get("android")
    android = version if isinstance(version, int) else ANDROID_15
    intent_filter = filter_of(_dict(row.get("filter")), android)
    rules = _rules_of(row.get("dynamic"))
    verified = row.get("verified")
    return [
        str(
            decide(
                uri := parse_uri(_text(case.get("url"))),
                intent_filter,
                rules,
                {host: good is True for host, good in verified.items()}
                if isinstance(verified, dict)
                else {(uri.host or "").lower(): verified is True},
                android,
            )
        )
        for case in cases
    ]


def _rules_of(wire: object) -> Rules:
    return compile_rules(component_of(rule) for rule in _dicts(wire))


def _expressions_of(component: Component) -> Iterable[tuple[str, str]]:
    if component.path is not None:
        yield "path", component.path
    if component.fragment is not None:
        yield "fragment", component.fragment
    for name, value in component.query:
        yield "query", f"{name}={value}"


def _all_of(wire: Mapping[str, object]) -> Iterable[tuple[Kind, Condition]]:
    for attribute, value in wire.items():
        for part in ("path", "query", "fragment"):
            kind = _SUFFIXES.get(attribute.removeprefix(part))
            if attribute.startswith(part) and kind is not None:
                yield kind, Condition(part, pattern_of(kind, _text(value)))


def _conditions_of(wire: Mapping[str, object], android: int) -> Iterable[Condition]:
    for kind, condition in _all_of(wire):
        known = kind not in _SINCE_12 or android >= ANDROID_12
        if condition.part == "path" and known:
            yield condition


def _authorities_of(wire: object) -> Iterable[tuple[str, int]]:
    for authority in wire if isinstance(wire, list) else ():
        if isinstance(authority, list) and authority and isinstance(authority[0], str):
            port = authority[1] if len(authority) > 1 else None
            yield authority[0], port if isinstance(port, int) else -1


def _is_authority(uri: Uri, host: str, port: int) -> bool:
    if uri.host is None:
        return False
    wanted, given = host.removeprefix("*").lower(), uri.host.lower()
    same = given.endswith(wanted) if host.startswith("*") else given == wanted
    # A port that is not written is -1, so 443 never matches https://host/.
    return same and port in (-1, uri.port)


def _dict(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
