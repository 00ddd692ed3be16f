"""What two versions of an apple-app-site-association mean differently, app by app."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from deeplink.association import apple
from deeplink.association.apple_match import Decision, decide, rules_for, which_app
from deeplink.association.difference import (
    Change,
    Comparison,
    Difference,
    Said,
    Undecided,
    given_up,
    keep_shorter,
    sides_of,
)
from deeplink.association.language import Ranking, Space, examples_of
from deeplink.places import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.association.apple import AppleFile, JsonPath, Rule
    from deeplink.association.language import Region

#: Who reads the file: systems since 2019, and what came before, which read ``paths`` only.
APPLE, APPLE_12 = "apple", "apple_ios_12"

#: Pairs of apps whose order is looked at; more than one app on one URL is rare.
_MOST_PAIRS = 50


def compare_apple(old: object, new: object, host: str, *, with_ios_12: bool = False) -> Comparison:
    """
    What differs between two ``apple-app-site-association`` values for the links of *host*.

    *with_ios_12* asks, too, what iOS 12 and older make of them, which read ``paths`` only.
    """
    result = Comparison()
    before, after = apple.parse(old), apple.parse(new)
    _compare_services(before, after, result)
    _compare_apps(before, after, host, APPLE, result)
    if with_ios_12:
        older = Comparison()
        _compare_apps(_as_ios_12(old), _as_ios_12(new), host, APPLE_12, older)
        _merge(older, result)
    return result


def _compare_services(old: AppleFile, new: AppleFile, result: Comparison) -> None:
    before, after = dict(old.services), dict(new.services)
    for service in apple.FLAT_SERVICES:
        left, right = before.get(service, ()), after.get(service, ())
        for app_id in dict.fromkeys((*left, *right)):
            if app_id in left and app_id in right:
                continue
            change, ids = (Change.REMOVED, left) if app_id in left else (Change.ADDED, right)
            at: JsonPath = (service, "apps", ids.index(app_id))
            sides = sides_of(change, at)
            result.differences.append(Difference(change, (APPLE,), app_id, service, *sides))


def _compare_apps(
    old: AppleFile, new: AppleFile, host: str, engine: str, result: Comparison
) -> None:
    app_ids = sorted({i for file in (old, new) for entry in file.entries for i in entry.app_ids})
    for app_id in app_ids:
        _compare_app(app_id, old, new, host, engine, result)
    for pair in itertools.islice(itertools.combinations(app_ids, 2), _MOST_PAIRS):
        _compare_order(pair, old, new, host, engine, result)
    if len(app_ids) * (len(app_ids) - 1) // 2 > _MOST_PAIRS:
        why = f"it was looked at for {_MOST_PAIRS} pairs of apps only"
        result.undecided.append(Undecided((engine,), "the order of the apps", why))


def _compare_app(
    app_id: str, old: AppleFile, new: AppleFile, host: str, engine: str, result: Comparison
) -> None:
    before, after = list(rules_for(old, app_id)), list(rules_for(new, app_id))
    if _meaning(before, old) == _meaning(after, new):
        return
    space = Space()
    left = Ranking([space.add_apple(rule, old.variables) for rule in before])
    right = Ranking([space.add_apple(rule, new.variables) for rule in after])

    def verdict(rules: list[Rule], ranking: Ranking, region: Region) -> tuple[bool, int | None]:
        place = ranking.first(region)
        return place is not None and not rules[place].exclude, place

    found: dict[tuple[int | None, int | None], str] = {}
    for region in space.regions():
        was_open, old_rule = verdict(before, left, region)
        is_open, new_rule = verdict(after, right, region)
        if was_open != is_open:
            keep_shorter(found, (old_rule, new_rule), f"https://{host}{region.url}")
    urls, is_confirmed = list(found.values()), True
    if not space.is_complete:
        tails = [t for rule in before for t in examples_of(rule, old.variables)]
        tails += [t for rule in after for t in examples_of(rule, new.variables)]
        urls += [f"https://{host}{tail}" for tail in tails]
    shown: set[tuple[JsonPath | None, ...]] = set()
    for url in urls:
        verdicts = decide(old, app_id, url, host), decide(new, app_id, url, host)
        was_open, is_open = (one.decision is Decision.MATCH for one in verdicts)
        deciding = tuple(one.rule.at if one.rule else None for one in verdicts)
        if was_open == is_open or deciding in shown:
            is_confirmed = is_confirmed and deciding in shown
            continue
        shown.add(deciding)
        change = Change.OPENS if is_open else Change.STAYS
        said = (_said(verdicts[0].rule, app_id, old), _said(verdicts[1].rule, app_id, new))
        result.differences.append(Difference(change, (engine,), app_id, url, *said))
    if not (space.is_complete and is_confirmed):
        result.undecided.append(Undecided((engine,), app_id, given_up(before, after)))


def _meaning(rules: Sequence[Rule], file: AppleFile) -> object:
    """The rules less where they stand and how their query is sorted; equal means the same."""
    plain = [
        replace(
            rule,
            at=(),
            inherited=(),
            query=rule.query if isinstance(rule.query, str) else tuple(sorted(rule.query)),
        )
        for rule in rules
    ]
    has_variables = any("$(" in str(rule) for rule in plain)
    return plain, file.variables if has_variables else ()


def _said(rule: Rule | None, app_id: str, file: AppleFile) -> Said:
    if rule is not None:
        return Said(f"{dotted(rule.at)} {'excludes' if rule.exclude else 'matches'}", rule.at)
    is_named = any(app_id in entry.app_ids for entry in file.entries)
    return Said("no rule matches" if is_named else "no entry names the app")


def _compare_order(
    pair: tuple[str, str],
    old: AppleFile,
    new: AppleFile,
    host: str,
    engine: str,
    result: Comparison,
) -> None:
    """Which of two apps opens what both may open: the order of ``details`` decides."""
    orders = [_order(pair, file) for file in (old, new)]
    if any(set(pair) - set(order) for order in orders):
        return
    if orders[0] == orders[1] and len(orders[0]) == 2:
        return
    space = Space()
    ranked = [
        (rules, Ranking([space.add_apple(rule, file.variables) for rule in rules]), file)
        for file in (old, new)
        for rules in (list(rules_for(file, app_id)) for app_id in pair)
    ]
    shortest = ""
    for region in space.regions():
        deciding = [(rules, ranking.first(region)) for rules, ranking, _ in ranked]
        rules = [found[place] for found, place in deciding if place is not None]
        if len(rules) < 4 or any(rule.exclude for rule in rules):
            continue
        url = f"https://{host}{region.url}"
        if shortest and len(shortest) <= len(url):
            continue
        if which_app(old, url, host, pair) != which_app(new, url, host, pair):
            shortest = url
    if shortest:
        first, then = (str(which_app(file, shortest, host, pair)) for file in (old, new))
        said = Said(f"{first} comes first"), Said(f"{then} comes first")
        result.differences.append(Difference(Change.OTHER_APP, (engine,), then, shortest, *said))
    if not space.is_complete:
        result.undecided.append(
            Undecided((engine,), " and ".join(pair), "which of them comes first: too many rules")
        )


def _order(pair: tuple[str, str], file: AppleFile) -> list[str]:
    return [i for entry in file.entries for i in entry.app_ids if i in pair]


def _as_ios_12(value: object) -> AppleFile:
    """The rule form for iOS 9 to 12: ``paths`` and ``appID`` only, and ``apps`` must be []."""
    applinks = value.get("applinks") if isinstance(value, dict) else None
    if not isinstance(applinks, dict) or applinks.get("apps") != []:
        return apple.AppleFile()
    details = applinks.get("details")
    if isinstance(details, list):
        kept: object = [_as_old_entry(entry) for entry in details]
    elif isinstance(details, dict):
        kept = {app_id: _as_old_entry(entry) for app_id, entry in details.items()}
    else:
        kept = []
    return apple.parse({"applinks": {"details": kept}})


def _as_old_entry(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    return {key: value for key, value in entry.items() if key in ("appID", "paths")}


def _merge(older: Comparison, result: Comparison) -> None:
    """Put *older* into *result*, one line for what two engines say alike."""
    known = {(d.change, d.subject, d.witness): n for n, d in enumerate(result.differences)}
    for one in older.differences:
        place = known.get((one.change, one.subject, one.witness))
        if place is None:
            result.differences.append(one)
        else:
            same = result.differences[place]
            result.differences[place] = replace(same, engines=same.engines + one.engines)
    result.undecided += older.undecided
