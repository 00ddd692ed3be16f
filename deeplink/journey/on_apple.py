"""iPhones: what each generation makes of a host's apple-app-site-association."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from deeplink.association import apple
from deeplink.association.android_match import Opens
from deeplink.association.apple_match import (
    PREDEFINED,
    Decision,
    Explanation,
    Matcher,
    Reason,
    Target,
    decide,
    explain,
    which_app,
)
from deeplink.dropins import APPLE
from deeplink.journey.answers import Answer, Near, Remedy
from deeplink.journey.on_android import nearest_row
from deeplink.journey.papers import apple_origin
from deeplink.journey.remedies import elsewhere, mend
from deeplink.journey.systems import as_read_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.association.apple import AppleFile, Entry, Rule
    from deeplink.association.apple_match import Trial
    from deeplink.association.verdict import App, IosApp, Link
    from deeplink.journey.address import Address
    from deeplink.journey.papers import Estate, Paper, Row, Spot
    from deeplink.journey.systems import System

#: Characters of a rule that an answer repeats.
_SHOWN = 100


def answer_apple(estate: Estate, system: System, address: Address, app: App) -> Answer:
    """What *system* does with *address* for *app*, which has an iOS app."""
    paper, ios = estate.paper(address.host, APPLE), app.ios
    if paper is None or ios is None:
        return Answer(app.key, "", Opens.BROWSER, "there is no file")
    fault = paper.fault
    if fault:
        remedy = Remedy(fault.hint, fault.spot)
        return Answer(app.key, ios.app_ids[0], Opens.BROWSER, fault.what, fault.spot, None, remedy)
    file = file_for(system, paper.value)
    app_id, explanation = _best(file, ios, address)
    room = _Room(estate, system, address, app, ios, paper)
    if explanation.verdict.decision is Decision.MATCH:
        return room.opened(app_id, explanation)
    if explanation.verdict.decision is Decision.EXCLUDE:
        return room.excluded(app_id, explanation)
    return room.unmatched(app_id, explanation)


def in_order_of_details(
    estate: Estate, system: System, address: Address, answers: Sequence[Answer]
) -> list[Answer]:
    """
    The answers, those that open first, as iOS prefers them where several apps are installed.
    """
    paper = estate.paper(address.host, APPLE)
    file = file_for(system, paper.value if paper else None)
    left, ordered = list(answers), []
    while opening := {one.id: one for one in left if one.opens is Opens.APP}:
        first = which_app(file, address.url, address.host, tuple(opening))
        chosen = opening.get(first or "", next(iter(opening.values())))
        ordered.append(chosen)
        left.remove(chosen)
    return [*ordered, *left]


def file_for(system: System, document: object) -> AppleFile:
    """The document as *system* understands it."""
    file = apple.parse(as_read_by(system, document))
    if "substitutionVariables" in system.ignores or system.reads_paths_only:
        # Where variables are not known, "$(lang)" is text that no URL holds.
        file = replace(file, variables=tuple((name, ()) for name in PREDEFINED))
    return file


class _Room:
    """One app, one system, one URL, and the words for what was decided."""

    def __init__(
        self,
        estate: Estate,
        system: System,
        address: Address,
        app: App,
        ios: IosApp,
        paper: Paper,
    ) -> None:
        self.estate, self.system, self.address = estate, system, address
        self.app, self.ios, self.paper = app, ios, paper

    def opened(self, app_id: str, explanation: Explanation) -> Answer:
        rule = explanation.verdict.rule
        text, spot = self._rule(rule) if rule else ("", None)
        notes = self._inherited(rule) if rule else ()
        return Answer(self.app.key, app_id, Opens.APP, text, spot, notes=notes)

    def excluded(self, app_id: str, explanation: Explanation) -> Answer:
        rule = explanation.verdict.rule
        text, spot = self._rule(rule) if rule else ("", None)
        remedy = self._written_remedy(explanation)
        why = f"{text} keeps it in the browser"
        if self.paper.is_generated and rule:
            row = self._origin(rule)
            if row is None:
                why = f"{rule.path} belongs to this server itself, so no app may have it"
                remedy = Remedy("choose another path for the link")
            else:
                remedy = mend(self.estate, self.address, self.app, row, self._opens)
        return Answer(self.app.key, app_id, Opens.BROWSER, why, spot, None, remedy)

    def unmatched(self, app_id: str, explanation: Explanation) -> Answer:
        if explanation.verdict.reason is Reason.NO_ENTRY:
            return self._unnamed(app_id, explanation)
        nearest, remedy = self._nearest(explanation), self._written_remedy(explanation)
        near, row = None, None
        if nearest:
            text, spot = self._rule(nearest.rule)
            matcher = Matcher(Target(self.address.url), ())
            near = Near(text, self._sentences(nearest), spot, matcher.reach(nearest.rule))
        if self.paper.is_generated:
            if self.system.reads_paths_only and (left_out := self._left_out()):
                return self._untold(app_id, left_out)
            row = self._origin(nearest.rule) if nearest else None
            near = elsewhere(self.estate, self.address, self.app, self._opens) or near
            remedy = mend(self.estate, self.address, self.app, row, self._opens)
        why = f"no {'link' if self.paper.is_generated else 'rule'} of {self.app.key} matches"
        if not any(not trial.rule.exclude for trial in explanation.trials):
            why = f"{self.app.key} has no rule that opens a link"
        return Answer(self.app.key, app_id, Opens.BROWSER, why, None, near, remedy)

    def _left_out(self) -> Row | None:
        """The row whose path fits but whose conditions ``paths`` cannot hold."""
        matcher = Matcher(Target(self.address.url), ())
        for row in self.estate.rows_at(self.address.host, self.app):
            is_left_out = row.link.has_conditions and not row.link.exclude
            if is_left_out and matcher.path_matches(apple.Rule((), path=row.link.path)):
                return row
        return None

    def _untold(self, app_id: str, row: Row) -> Answer:
        why = f"iOS 12 and older know no query and no fragment, so {row.shown} is left out"
        spot = self.estate.place(row.path)
        return Answer(self.app.key, app_id, Opens.BROWSER, why, spot)

    def _unnamed(self, app_id: str, explanation: Explanation) -> Answer:
        """No entry names the app, or none that an old system could read."""
        host, key = self.address.host, self.app.key
        if self.system.reads_paths_only:
            why, spot, remedy = self._unread(app_id, explanation)
            return Answer(key, app_id, Opens.BROWSER, why, spot, None, remedy)
        if not self.paper.is_generated:
            why = f"no entry names {app_id}"
            remedy = self._written_remedy(explanation)
            spot = self.paper.spot(("applinks", "details"))
            return Answer(key, app_id, Opens.BROWSER, why, spot, None, remedy)
        why = f"no row of the config gives {key} a link on {host}"
        if self.estate.rows_at(host, self.app):
            why = f"no row of {key} can be said in Apple's language"
        near = elsewhere(self.estate, self.address, self.app, self._opens)
        remedy = mend(self.estate, self.address, self.app, None, self._opens)
        return Answer(key, app_id, Opens.BROWSER, why, None, near, remedy)

    def _unread(
        self, app_id: str, explanation: Explanation
    ) -> tuple[str, Spot | None, Remedy | None]:
        """Why a system that reads only ``appID`` and ``paths`` finds nothing."""
        if self.paper.is_generated and not self.ios.legacy_paths:
            remedy = Remedy(
                "write legacy_paths = true", self.estate.place(("apps", self.app.key, "ios"))
            )
            return f"{self.app.key} has no paths for iOS 12 and older", None, remedy
        if self.paper.is_generated:
            why = f"no row of the config gives {self.app.key} a link on {self.address.host}"
            return why, None, mend(self.estate, self.address, self.app, None, self._opens)
        newer = apple.parse(self.paper.value)
        entry = next((one for one in newer.entries if app_id in one.app_ids), None)
        if entry is None:
            spot = self.paper.spot(("applinks", "details"))
            return f"no entry names {app_id}", spot, self._written_remedy(explanation)
        spot = self.paper.spot(entry.at)
        wanted = self._legacy_wants(entry, app_id)
        why = 'iOS 12 and older read "apps", "appID" and "paths", and not all of them are there'
        return why, spot, Remedy(f"add {', '.join(wanted)}", spot)

    def _legacy_wants(self, entry: Entry, app_id: str) -> list[str]:
        """What the document lacks for a system that reads only the oldest form."""
        written = _object(_at(self.paper.value, entry.at))
        own = self.address.path or "/"
        paths = written.get("paths", [own])
        wanted = []
        if "apps" not in _object(_object(self.paper.value).get("applinks")):
            wanted.append('"apps": [] to "applinks"')
        if isinstance(entry.at[-1], int) and written.get("appID") != app_id:
            wanted.append(f'"appID": "{app_id}" to the entry')
        if "paths" not in written:
            wanted.append(f'"paths": ["{own}"] to the entry')
        legacy = {"applinks": {"details": [{"appID": app_id, "paths": paths}]}}
        verdict = decide(apple.parse(legacy), app_id, self.address.url, self.address.host)
        if verdict.decision is not Decision.MATCH:
            wanted.append(f'"{own}" to "paths", before what excludes it')
        return wanted

    def _rule(self, rule: Rule) -> tuple[str, Spot | None]:
        """A rule as its writer knows it, and where it stands."""
        if not self.paper.is_generated:
            written = json.dumps(_at(self.paper.value, rule.at), ensure_ascii=False)
            text = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
            return text, self.paper.spot(rule.at)
        row = self._origin(rule)
        return (row.shown, self.estate.place(row.path)) if row else (rule.path, None)

    def _origin(self, rule: Rule) -> Row | None:
        return apple_origin(self.estate, self.address.host, self.app, rule.at, self.paper)

    def _nearest(self, explanation: Explanation) -> Trial | None:
        """
        The nearest rule; of the config, where it misses no more, the one that is Android's too.
        """
        nearest = explanation.nearest
        if nearest is None or not self.paper.is_generated:
            return nearest
        row = nearest_row(self.estate.rows_at(self.address.host, self.app), self.address.url)
        for trial in explanation.trials:
            if len(trial.misses) == len(nearest.misses) and self._origin(trial.rule) is row:
                return nearest if row is None else trial
        return nearest

    def _sentences(self, trial: Trial) -> tuple[str, ...]:
        matcher = Matcher(Target(self.address.url), ())
        is_case = matcher.path_matches(replace(trial.rule, case_sensitive=False))
        hint = ": upper and lower case differ" if is_case else ""
        return tuple(
            f"{sentence}{hint}" if part == "/" else sentence for part, sentence in trial.misses
        )

    def _inherited(self, rule: Rule) -> tuple[str, ...]:
        return tuple(
            f'"{key}" comes from {self.paper.spot(place)}' for key, place in rule.inherited
        )

    def _written_remedy(self, explanation: Explanation) -> Remedy | None:
        edit = explanation.edit
        return Remedy(edit.what, self.paper.spot(edit.at)) if edit else None

    def _opens(self, links: Sequence[Link]) -> bool:
        """Whether the app would open the URL if its host had these rows."""
        file = file_for(self.system, apple.build(links, self.estate.apps))
        url, host = self.address.url, self.address.host
        return any(
            decide(file, app_id, url, host).decision is Decision.MATCH
            for app_id in self.ios.app_ids
        )


def _best(file: AppleFile, ios: IosApp, address: Address) -> tuple[str, Explanation]:
    """The first of the app's ids that opens the URL, or else the first that is named at all."""
    explained = [
        (app_id, explain(file, app_id, address.url, address.host)) for app_id in ios.app_ids
    ]
    return max(explained, key=lambda pair: _rank(pair[1]))


def _rank(explanation: Explanation) -> int:
    verdict = explanation.verdict
    if verdict.decision is Decision.MATCH:
        return 2
    return 0 if verdict.reason is Reason.NO_ENTRY else 1


def _at(value: object, path: apple.JsonPath) -> object:
    for part in path:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
