"""Android phones: manifest, verified host and dynamic rules, generation by generation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deeplink.association import android
from deeplink.association.android import HANDLE_ALL_URLS, RULES, AppTarget, Statement
from deeplink.association.android_explain import explain_rules, explain_statement
from deeplink.association.android_match import (
    ANDROID_12,
    ANDROID_15,
    Condition,
    IntentFilter,
    Opens,
    compile_rules,
    decide,
)
from deeplink.association.android_patterns import translate
from deeplink.association.android_statements import GOOGLE
from deeplink.association.android_uri import parse_uri
from deeplink.association.apple_match import common_length
from deeplink.dropins import ASSETLINKS
from deeplink.journey.answers import Answer, Near, Remedy
from deeplink.journey.papers import android_origin
from deeplink.journey.remedies import elsewhere, mend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.association.android import Component
    from deeplink.association.android_explain import Explanation, JsonPath, Standing
    from deeplink.association.verdict import AndroidApp, App, Link
    from deeplink.journey.address import Address
    from deeplink.journey.papers import Estate, Paper, Row
    from deeplink.journey.systems import System

#: What a manifest is taken to cover where nothing says what it declares.
_ANY_WEB_LINK = IntentFilter(("http", "https"), (), None, None)

#: AOSP's agent before Android 12 refuses to verify more hosts than this at once.
_MOST_HOSTS = 10

#: Characters of a rule that an answer repeats.
_SHOWN = 100


def answer_android(estate: Estate, system: System, address: Address, app: App) -> Answer:
    """What *system* does with *address* for *app*, which has an Android app."""
    paper = estate.paper(address.host, ASSETLINKS)
    if paper is None or app.android is None:
        return Answer(app.key, "", Opens.BROWSER, "there is no file")
    return _Phone(estate, system, address, app, app.android, paper).answer()


def answer_chromium(estate: Estate, system: System, address: Address, app: App) -> Answer:
    """Whether Chromium takes the whole site for the app's own; paths do not matter to it."""
    paper = estate.paper(address.host, ASSETLINKS)
    if paper is None or app.android is None:
        return Answer(app.key, "", Opens.BROWSER, "there is no file")
    return _Phone(estate, system, address, app, app.android, paper).trusted()


class _Phone:
    """One app, one system, one URL, and the words for what was decided."""

    def __init__(
        self,
        estate: Estate,
        system: System,
        address: Address,
        app: App,
        android_app: AndroidApp,
        paper: Paper,
    ) -> None:
        self.estate, self.system, self.address = estate, system, address
        self.app, self.android_app, self.paper = app, android_app, paper
        #: The rows that a manifest is made of; None where it is anybody's guess.
        self.rows = estate.rows_at(address.host, app) if paper.is_generated else None

    def answer(self) -> Answer:
        """Filter, host, rules, in the order in which Android asks."""
        uri = parse_uri(self.address.url)
        declared = _ANY_WEB_LINK
        if self.rows is not None:
            declared = _filter_of([row.link for row in self.rows], self.address.host)
        if not declared.matches(uri):
            return self._undeclared()
        standing = self._standing(self.address.host)
        if not standing.keys:
            return self._unverified(standing)
        statement = _statement_of(self.paper.value, standing)
        rules = _rules_of(statement, self.paper.value)
        compiled = compile_rules(rules, self.system.translation) if rules else None
        verified = self._verified_hosts()
        opens = decide(uri, declared, compiled, verified, self.system.android)
        if opens is Opens.CHOOSER:
            return self._spoiled(verified)
        explained = None
        if statement and rules and self.system.android >= ANDROID_15:
            explained = explain_rules(rules, self.address.url, self.system.translation)
            if opens is Opens.BROWSER:
                return self._blocked(statement, explained)
        return self._opened(standing, statement, explained)

    def trusted(self) -> Answer:
        if self.address.scheme != "https":
            return self._browser("only a site over https can be an app's own")
        standing = self._standing(self.address.host)
        if not standing.keys:
            return self._unverified(standing)
        why = "the host is the app's: it may show pages of it without an address bar"
        return Answer(self.app.key, self._id, Opens.APP, why, None, notes=self._notes(standing))

    @property
    def _id(self) -> str:
        return self.android_app.package_name

    def _browser(self, why: str, near: Near | None = None, remedy: Remedy | None = None) -> Answer:
        return Answer(self.app.key, self._id, Opens.BROWSER, why, None, near, remedy)

    def _standing(self, host: str) -> Standing:
        paper = self.estate.paper(host, ASSETLINKS)
        text = paper.text if paper else ""
        return explain_statement(self.system.engine, text, host, self.android_app)

    def _undeclared(self) -> Answer:
        rows, host, key = self.rows or (), self.address.host, self.app.key
        uri = parse_uri(self.address.url)
        if uri.scheme != self.address.scheme:
            why = f'Android compares the scheme as it is written, and "{uri.scheme}" is another'
            return self._browser(why, None, Remedy(f'write "{self.address.scheme}" in the link'))
        if not any(not row.link.exclude for row in rows):
            why = f"no row of the config gives {key} a link on {host}"
            return self._browser(why, self._elsewhere(), self._mend(None))
        if uri.scheme != "https":
            why = f"the manifest is taken to declare https, and this is {uri.scheme}"
            what = 'link to https; or add android:scheme="http" to the filter in the manifest'
            return self._browser(why, None, Remedy(what))
        explained = explain_rules(_components(rows), self.address.url)
        row = android_origin(rows, explained.nearest.index) if explained.nearest else None
        near = self._elsewhere() or self._near(explained, row)
        return self._browser(f"no link of {key} matches", near, self._mend(row))

    def _near(self, explained: Explanation, row: Row | None) -> Near | None:
        if explained.nearest is None or row is None:
            return None
        # Of the rules that one row becomes, the row's own spelling is the one its writer knows.
        expression = f'"{explained.nearest.rule.path}"'
        sentences = tuple(
            sentence.replace(expression, f'"{row.link.path}"', 1) if part == "/" else sentence
            for part, sentence in explained.nearest.misses
        )
        reach = common_length(row.link.path, self.address.path)
        return Near(row.shown, sentences, self.estate.place(row.path), reach)

    def _unverified(self, standing: Standing) -> Answer:
        opens = Opens.CHOOSER if 0 < self.system.android < ANDROID_12 else Opens.BROWSER
        why, paper = standing.why or "the host is not verified", self.paper
        notes = self._notes(standing)
        if paper.is_generated:
            # What a config publishes is whole; a reader that loses it lacks the means to say it.
            return Answer(self.app.key, self._id, opens, why, None, notes=notes)
        if paper.fault:
            what, spot = paper.fault.what, paper.fault.spot
            hint = Remedy(paper.fault.hint, spot)
            return Answer(self.app.key, self._id, opens, what, spot, None, hint, notes)
        edit, spot = standing.edit, paper.spot(standing.at)
        remedy = Remedy(edit.what, paper.spot(edit.at)) if edit else None
        return Answer(self.app.key, self._id, opens, why, spot, None, remedy, notes)

    def _verified_hosts(self) -> dict[str, bool]:
        """Each host of the app; only what is older than Android 12 asks about the others."""
        hosts = {self.address.host}
        if self.system.android < ANDROID_12:
            for row in self.estate.rows or ():
                if row.link.app.key == self.app.key and not row.link.exclude:
                    hosts.update(row.link.hosts)
        too_many = self.system.engine != GOOGLE and len(hosts) > _MOST_HOSTS
        if too_many and self.system.android < ANDROID_12:
            return dict.fromkeys(hosts, False)
        return {
            host: host == self.address.host or bool(self._standing(host).keys) for host in hosts
        }

    def _spoiled(self, verified: dict[str, bool]) -> Answer:
        bad = sorted(host for host, good in verified.items() if not good)
        if len(bad) > _MOST_HOSTS:
            why = f"it verifies no app with more than {_MOST_HOSTS} hosts, and asks instead"
            remedy = None
        else:
            why = f"one host that is not verified spoils all of the app's, and {bad[0]} is not"
            remedy = Remedy(f"verify {bad[0]}: deeplink match https://{bad[0]}/ says what is wrong")
        return Answer(self.app.key, self._id, Opens.CHOOSER, why, None, None, remedy)

    def _blocked(self, statement: Statement, explained: Explanation) -> Answer:
        decided = explained.verdict.rule
        nearest = explained.nearest
        if self.rows is not None:
            index = decided if decided is not None else nearest.index if nearest else None
            row = android_origin(self.rows, index) if index is not None else None
            if decided is not None and row:
                why, spot = f"{row.shown} keeps it in the browser", self.estate.place(row.path)
                return Answer(
                    self.app.key, self._id, Opens.BROWSER, why, spot, None, self._mend(row)
                )
            near = self._elsewhere() or self._near(explained, row)
            return self._browser(f"no link of {self.app.key} matches", near, self._mend(row))
        at = _rules_path(statement)
        edit, near = explained.edit, None
        remedy = Remedy(edit.what, self.paper.spot((*at, *edit.at))) if edit else None
        if decided is not None:
            why = f"{self._written(at, decided)} keeps it in the browser"
            spot = self.paper.spot((*at, decided))
            return Answer(self.app.key, self._id, Opens.BROWSER, why, spot, None, remedy)
        why = "no dynamic rule matches, and what none matches is blocked"
        if nearest:
            sentences = tuple(sentence for _, sentence in nearest.misses)
            text, spot = self._written(at, nearest.index), self.paper.spot((*at, nearest.index))
            reach = common_length(nearest.rule.path or "", self.address.path)
            near = Near(text, sentences, spot, reach)
        elif explained.trials:
            why = "the dynamic rules only exclude, and what no rule matches is blocked"
        spot = self.paper.spot(at)
        return Answer(self.app.key, self._id, Opens.BROWSER, why, spot, near, remedy)

    def _opened(
        self, standing: Standing, statement: Statement | None, explained: Explanation | None
    ) -> Answer:
        notes = self._notes(standing)
        decided = explained.verdict.rule if explained else None
        if explained and explained.is_void:
            notes = (*notes, "one of the dynamic rules is empty, so the phone drops all of them")
        if self.rows is None:
            spot = self.paper.spot(standing.at) if standing.at else None
            why = f"the host vouches for {self._id}"
            if statement and decided is not None:
                at = _rules_path(statement)
                why, spot = self._written(at, decided), self.paper.spot((*at, decided))
            return Answer(self.app.key, self._id, Opens.APP, why, spot, notes=notes)
        row = android_origin(self.rows, decided) if decided is not None else self._declaring()
        if row is None:
            return Answer(self.app.key, self._id, Opens.APP, "the manifest decides", notes=notes)
        if explained is None and (ignored := self._ignored(row)):
            notes = (*notes, ignored)
        spot = self.estate.place(row.path)
        return Answer(self.app.key, self._id, Opens.APP, row.shown, spot, notes=notes)

    def _declaring(self) -> Row | None:
        """The first row whose path the manifest took the URL by."""
        uri = parse_uri(self.address.url)
        for row in self.rows or ():
            if not row.link.exclude and any(one.holds(uri) for one in _paths_of(row.link)):
                return row
        return None

    def _ignored(self, row: Row) -> str:
        """What the config says about the URL that a manifest alone cannot: conditions, exclude."""
        uri = parse_uri(self.address.url)
        for other in self.rows or ():
            if other.link.exclude and any(one.holds(uri) for one in _paths_of(other.link)):
                where = self.estate.place(other.path)
                return f"Android 14 and older cannot exclude: {other.shown} ({where}) is not heard"
            if other is row:
                break
        if row.link.query or row.link.fragment is not None:
            return "Android 14 and older see only the path: query and fragment are not heard"
        return ""

    def _mend(self, nearest: Row | None) -> Remedy | None:
        return mend(self.estate, self.address, self.app, nearest, self._would_open)

    def _elsewhere(self) -> Near | None:
        return elsewhere(self.estate, self.address, self.app, self._would_open)

    def _would_open(self, links: Sequence[Link]) -> bool:
        """Whether the app would open the URL if its host had these rows and vouched for it."""
        uri, host = parse_uri(self.address.url), self.address.host
        made = android.parse(android.build(links, [self.app]))
        rules = next((one.rules for one in made if isinstance(one, Statement)), None)
        compiled = compile_rules(rules, self.system.translation) if rules else None
        declared = _filter_of(links, host)
        return decide(uri, declared, compiled, {host: True}, self.system.android) is Opens.APP

    def _written(self, at: JsonPath, index: int) -> str:
        text = json.dumps(_at(self.paper.value, (*at, index)), ensure_ascii=False)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

    def _notes(self, standing: Standing) -> tuple[str, ...]:
        notes = [standing.why] if standing.keys and standing.why else []
        if standing.has_include:
            notes.append("the file includes others, which were not looked at")
        return tuple(notes)


def _filter_of(links: Sequence[Link], host: str) -> IntentFilter:
    """
    The intent filter that says what *links* say, as far as a manifest of any version can.

    Paths only: what has a query or a fragment to it is declared by its path, and what excludes
    is not declared at all; the dynamic rules narrow it down where there are any.
    """
    paths = [path for link in links if not link.exclude for path in _paths_of(link)]
    if not paths:
        return IntentFilter((), (), None, None)
    return IntentFilter(("https",), ((host, -1),), tuple(paths), None)


def _paths_of(link: Link) -> list[Condition]:
    expressions = dict.fromkeys(rule.path for rule in android.components_of(link) if rule.path)
    return [Condition("path", translate(expression)) for expression in expressions]


def nearest_row(rows: Sequence[Row], url: str) -> Row | None:
    """The row that comes nearest to opening *url*, as its rules for Android tell."""
    nearest = explain_rules(_components(rows), url).nearest
    return android_origin(rows, nearest.index) if nearest else None


def _components(rows: Sequence[Row]) -> list[Component]:
    return [rule for row in rows for rule in android.components_of(row.link)]


def _statement_of(value: object, standing: Standing) -> Statement | None:
    """
    The statement that verifies the app; with dynamic rules, if one of several has them.

    Rules that stand twice for one app are undefined; the first are taken.
    """
    made = [one for one in android.parse(value) if isinstance(one, Statement)]
    package = next((_package(one) for one in made if standing.at == (one.index,)), "")
    about = [
        one
        for one in made
        if isinstance(one.target, AppTarget)
        and one.target.package_name == package
        and HANDLE_ALL_URLS in one.relations
        and any(key in one.target.sha256_cert_fingerprints for key in standing.keys)
    ]
    with_rules = [one for one in about if one.rules]
    return next(iter([*with_rules, *about]), None)


def _rules_of(statement: Statement | None, value: object) -> tuple[Component, ...] | None:
    """The statement's rules, or None where one is malformed and so none is kept."""
    if statement is None or not statement.rules:
        return None
    written = _at(value, _rules_path(statement))
    is_whole = isinstance(written, list) and len(written) == len(statement.rules)
    return statement.rules if is_whole else None


def _at(value: object, path: JsonPath) -> object:
    for part in path:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _package(statement: Statement) -> str:
    target = statement.target
    return target.package_name if isinstance(target, AppTarget) else ""


def _rules_path(statement: Statement) -> JsonPath:
    return (statement.index, "relation_extensions", HANDLE_ALL_URLS, RULES)
