"""What two versions of an assetlinks.json mean differently, by reader, and for which URLs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from deeplink.association import android
from deeplink.association.android import HANDLE_ALL_URLS, RULES, AppTarget, Component, Statement
from deeplink.association.android_devices import (
    MALFORMED,
    Agent,
    Taken,
    ask_agent,
    ask_chromium,
    take,
)
from deeplink.association.android_google import include_of, made_of, site_of
from deeplink.association.android_lint_rules import example_of
from deeplink.association.android_match import Rules, compile_rules
from deeplink.association.android_questions import Answer, AppKey, Served, strict_json
from deeplink.association.android_statements import CHROMIUM, GOOGLE
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
from deeplink.association.language import Ranking, Space

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deeplink.association.android_questions import Made
    from deeplink.association.apple import JsonPath
    from deeplink.association.language import Needs, Region


def compare_android(old: str, new: str, host: str) -> Comparison:
    """What differs between two texts of ``assetlinks.json`` for *host*; both are valid JSON."""
    result = Comparison()
    before, after = _Statements(old, host), _Statements(new, host)
    _compare_facts(before, after, result)
    for package in sorted(before.packages & after.packages):
        _compare_rules(package, before, after, host, result)
    return result


class Fact(NamedTuple):
    """One thing that a reader takes from the file; *detail* is a key, a URL, or JSON."""

    relation: str
    subject: str
    detail: str


class _Statements:
    """One ``assetlinks.json`` with what each reader makes of it."""

    def __init__(self, text: str, host: str) -> None:
        value = strict_json(text)
        self.entries: list[object] = value if isinstance(value, list) else []
        self._text = text
        self._site = {"namespace": "web", "site": f"https://{host}"}
        #: By reader: each fact and the place of the first entry that makes it.
        self.facts: dict[str, dict[Fact, int]] = {
            GOOGLE: _first_places(self._of_google()),
            **{str(agent): _first_places(self._of_agent(agent)) for agent in Agent},
            CHROMIUM: _first_places(self._of_chromium()),
        }
        own = self.facts[str(Agent.ANDROID_15)]
        self.packages = {f.subject for f in own if f.relation == HANDLE_ALL_URLS and f.detail}

    def rules_of(self, package: str) -> list[tuple[int, tuple[Component, ...]]]:
        """The lists of dynamic rules that statements of *package* carry, with their places."""
        return [
            (one.index, one.rules)
            for one in android.parse(self.entries)
            if isinstance(one, Statement)
            and isinstance(one.target, AppTarget)
            and one.target.package_name == package
            and HANDLE_ALL_URLS in one.relations
            and one.rules is not None
        ]

    def _of_google(self) -> Iterator[tuple[Fact, int]]:
        for place, entry in enumerate(self.entries):
            if isinstance(entry, dict) and "include" in entry:
                if url := include_of(entry):
                    yield Fact("", "include", url), place
                continue
            for made in made_of(entry) or ():
                yield _fact_of(made), place
                if isinstance(entry, dict) and (more := _extension(entry, made.relation)):
                    yield Fact(made.relation, _fact_of(made).subject, more), place

    def _of_agent(self, agent: Agent) -> Iterator[tuple[Fact, int]]:
        target = {"namespace": "android_app", "package_name": "a.b", "sha256_cert_fingerprint": ""}
        question = {"source": self._site, "relation": HANDLE_ALL_URLS, "target": target}
        if ask_agent(agent, question, Served(self._text, {})).state == MALFORMED:
            return
        for place, entry in enumerate(self.entries):
            taken = take(agent, entry)
            if isinstance(taken, Taken):
                yield from ((_fact_of(made), place) for made in taken.made)
                if taken.include:
                    yield Fact("", "include", taken.include), place

    def _of_chromium(self) -> Iterator[tuple[Fact, int]]:
        for place, entry in enumerate(self.entries):
            for question, fact in _questions_of(entry):
                if ask_chromium(question, Served([entry], {})).answer is Answer.LINKED:
                    yield fact, place


def _first_places(facts: Iterator[tuple[Fact, int]]) -> dict[Fact, int]:
    places: dict[Fact, int] = {}
    for fact, place in facts:
        places.setdefault(fact, place)
    return places


def _fact_of(made: Made) -> Fact:
    if isinstance(made.target, AppKey):
        return Fact(made.relation, made.target.package_name, f"key {made.target.fingerprint}")
    return Fact(made.relation, str(made.target.as_json()["site"]), "")


def _extension(entry: Mapping[str, object], relation: str) -> str:
    """What the statement says beside its rules about the relation, for those who ask Google."""
    extensions = entry.get("relation_extensions")
    own = extensions.get(relation) if isinstance(extensions, dict) else None
    if isinstance(own, dict):
        own = {key: value for key, value in own.items() if key != RULES}
    return f"extension {json.dumps(own, sort_keys=True)}" if own else ""


def _questions_of(entry: object) -> Iterator[tuple[dict[str, object], Fact]]:
    """What Chromium could be asked about one entry: each key alone, and all of them at once."""
    if not isinstance(entry, dict) or not isinstance(entry.get("target"), dict):
        return
    target, relations = entry["target"], entry.get("relation")
    keys = target.get("sha256_cert_fingerprints")
    listed = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    sets = [[key] for key in listed] + ([sorted(set(listed))] if len(listed) > 1 else [])
    for relation in relations if isinstance(relations, list) else ():
        if not isinstance(relation, str):
            continue
        if isinstance(target.get("site"), str):
            known = site_of(target["site"])
            name = str(known.as_json()["site"]) if known else target["site"]
            yield {"relation": relation, "target": target}, Fact(relation, name, "")
        for wanted in sets:
            package = target.get("package_name")
            asked = {"package_name": package, "sha256_cert_fingerprints": wanted}
            words = f"key {wanted[0]}" if len(wanted) == 1 else f"all of {', '.join(wanted)}"
            if isinstance(package, str):
                yield {"relation": relation, "target": asked}, Fact(relation, package, words)


def _compare_facts(old: _Statements, new: _Statements, result: Comparison) -> None:
    engines: dict[tuple[Change, Fact], list[str]] = {}
    for engine in old.facts:
        before, after = old.facts[engine], new.facts[engine]
        for fact in before:
            if fact not in after:
                engines.setdefault((Change.REMOVED, fact), []).append(engine)
        for fact in after:
            if fact not in before:
                engines.setdefault((Change.ADDED, fact), []).append(engine)
    single = {(f.relation, f.subject) for _, f in engines if f.detail.startswith("key ")}
    for (change, fact), readers in engines.items():
        if fact.detail.startswith("all of ") and (fact.relation, fact.subject) in single:
            continue
        place = (old if change is Change.REMOVED else new).facts[readers[0]][fact]
        sides = sides_of(change, (place,))
        witness = ", ".join(filter(None, (fact.relation, fact.detail)))
        result.differences.append(Difference(change, tuple(readers), fact.subject, witness, *sides))


def _compare_rules(
    package: str, old: _Statements, new: _Statements, host: str, result: Comparison
) -> None:
    engines = (str(Agent.ANDROID_15),)
    lists = old.rules_of(package), new.rules_of(package)
    if [rules for _, rules in lists[0]] == [rules for _, rules in lists[1]]:
        return
    if any(len(given) > 1 for given in lists):
        why = "its dynamic rules stand in several statements, and Google leaves open which count"
        result.undecided.append(Undecided(engines, package, why))
        return
    before, after = (_Listed(*given[0]) if given else _Listed(None, ()) for given in lists)
    space = Space()
    left, right = before.ranking(space), after.ranking(space)
    found: dict[tuple[int | None, int | None], str] = {}
    for region in space.regions():
        was_open, old_rule = before.verdict(left, region)
        is_open, new_rule = after.verdict(right, region)
        if was_open != is_open:
            keep_shorter(found, (old_rule, new_rule), f"https://{host}{region.url}")
    urls, is_confirmed = list(found.values()), True
    if not space.is_complete:
        urls += [example_of(rule) for rule in (*before.rules, *after.rules)]
    shown: set[tuple[int | None, int | None]] = set()
    for url in urls:
        verdicts = before.compiled.decide(url), after.compiled.decide(url)
        deciding = verdicts[0].rule, verdicts[1].rule
        if verdicts[0].allowed == verdicts[1].allowed or deciding in shown:
            is_confirmed = is_confirmed and deciding in shown
            continue
        shown.add(deciding)
        change = Change.OPENS if verdicts[1].allowed else Change.STAYS
        said = before.said(verdicts[0].rule), after.said(verdicts[1].rule)
        result.differences.append(Difference(change, engines, package, url, *said))
    if not (space.is_complete and is_confirmed):
        why = given_up(before.rules, after.rules)
        result.undecided.append(Undecided(engines, package, why))


class _Listed:
    """One list of dynamic rules, and where it stands; *index* is None where there is none."""

    def __init__(self, index: int | None, rules: tuple[Component, ...]) -> None:
        self.rules = rules
        self.compiled: Rules = compile_rules(rules)
        self._index = index

    def ranking(self, space: Space) -> Ranking:
        needs: list[Needs] = []
        if self.compiled.groups:
            needs = [space.add_android(rule) for rule in self.rules]
        return Ranking(needs)

    def verdict(self, ranking: Ranking, region: Region) -> tuple[bool, int | None]:
        """Whether the URLs of *region* are let through, as ``Rules.decide`` has it, and by what."""
        if not self.compiled.groups:
            return True, None
        place = ranking.first(region)
        return place is not None and not self.rules[place].exclude, place

    def said(self, rule: int | None) -> Said:
        if not self.compiled.groups:
            is_lost = self.compiled.groups is None
            what = "its rules are malformed and discarded" if is_lost else "it has no dynamic rules"
            return Said(what, None if self._index is None else (self._index,))
        at: JsonPath = (self._index or 0, "relation_extensions", HANDLE_ALL_URLS, RULES)
        if rule is None:
            return Said("no rule matches", at)
        verb = "excludes" if self.rules[rule].exclude else "matches"
        return Said(f"{RULES}[{rule}] {verb}", (*at, rule))
