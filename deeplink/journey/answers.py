"""
What becomes of a URL: for each system an answer per app, with the grounds of each.

``follow`` is the verb: it asks Apple's and Android's engines about the files of the URL's host
and puts what they say into the words of whoever wrote the rules, config or document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeplink.association import android_explain, apple_match
from deeplink.association.android_match import Opens
from deeplink.association.verdict import App
from deeplink.config import is_loopback
from deeplink.dropins import APPLE, ASSETLINKS
from deeplink.findings import did_you_mean
from deeplink.journey.systems import SYSTEMS, Platform
from deeplink.rules.paths import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deeplink.journey.address import Address
    from deeplink.journey.papers import Estate, Spot
    from deeplink.journey.systems import System

#: More misses than any rule can have.
_FAR = 10**6


@dataclass(frozen=True, slots=True)
class Near:
    """
    The rule that came closest: its text, and a sentence for each part that failed.

    *reach* counts the characters of the path that it follows; of two apps' rules with as many
    misses the one that reaches further is nearer.
    """

    rule: str
    misses: tuple[str, ...]
    spot: Spot | None = None
    reach: int = 0

    def as_json(self) -> dict[str, object]:
        return {"rule": self.rule, "misses": list(self.misses), "place": _json(self.spot)}


@dataclass(frozen=True, slots=True)
class Remedy:
    """The smallest edit found that opens the app: what to write, and where."""

    what: str
    spot: Spot | None = None

    def as_json(self) -> dict[str, object]:
        return {"what": self.what, "place": _json(self.spot)}


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One app on one system. *why* is a clause, *spot* the rule that decided or the place at fault.

    *id* is the app's name at that platform: app id or package name.
    """

    app: str
    id: str
    opens: Opens
    why: str
    spot: Spot | None = None
    near: Near | None = None
    remedy: Remedy | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "app": self.app,
            "id": self.id,
            "opens": str(self.opens),
            "why": self.why,
            "place": _json(self.spot),
            "nearest": self.near.as_json() if self.near else None,
            "edit": self.remedy.as_json() if self.remedy else None,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One system: where a tap ends, and the apps that would open, in the order of preference.

    *answers* begins with those apps. None at all: no app of this platform is known. One without
    a name: the file cannot be read, so nobody knows which apps it means.
    """

    system: System
    opens: Opens
    answers: tuple[Answer, ...]

    @property
    def apps(self) -> tuple[str, ...]:
        return tuple(one.app for one in self.answers if one.opens is Opens.APP)

    def as_json(self) -> dict[str, object]:
        return {
            "system": self.system.id,
            "name": self.system.name,
            "platform": str(self.system.platform),
            "current": self.system.is_current,
            "opens": str(self.opens),
            "apps": list(self.apps),
            "answers": [answer.as_json() for answer in self.answers],
        }


@dataclass(frozen=True, slots=True)
class Journey:
    """All that is known about one URL; *notes* concern the whole of it, *caveats* no file."""

    address: Address
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    assumed: tuple[str, ...]
    caveats: tuple[tuple[Platform, tuple[str, ...]], ...]

    @property
    def opens(self) -> bool:
        """Whether an app opens it on at least one current system."""
        return any(one.opens is Opens.APP for one in self.outcomes if one.system.is_current)

    def as_json(self) -> dict[str, object]:
        return {
            "url": self.address.url,
            "opens": self.opens,
            "notes": list(self.notes),
            "systems": [outcome.as_json() for outcome in self.outcomes],
            "assumes": list(self.assumed),
            "caveats": {str(platform): list(texts) for platform, texts in self.caveats},
        }


def follow(estate: Estate, address: Address) -> Journey:
    """What every system does with *address*, for every app of *estate*."""
    outcomes = tuple(_outcomes(estate, address))
    platforms = {outcome.system.platform for outcome in outcomes}
    caveats = {Platform.IOS: apple_match.CAVEATS, Platform.ANDROID: android_explain.CAVEATS}
    return Journey(
        address,
        outcomes,
        (*_notes(estate, address), *_notes_on_apps(estate, outcomes)),
        (*_assumed(estate, address), *estate.assumed),
        tuple((platform, texts) for platform, texts in caveats.items() if platform in platforms),
    )


def nearest_first(answers: Sequence[Answer]) -> list[Answer]:
    """Answers that do not open, those first of whom least is missing."""
    return sorted(answers, key=_distance)


def _distance(answer: Answer) -> tuple[bool, int, int]:
    if answer.near is None:
        # What an exclusion or a file decides is no matter of nearness: a rule did match.
        return answer.spot is None, _FAR, 0
    return True, len(answer.near.misses), -answer.near.reach


def knows(estate: Estate, host: str) -> bool:
    return estate.hosts is None or host in estate.hosts


def _outcomes(estate: Estate, address: Address) -> Iterator[Outcome]:
    # Both rooms stand on the types above.
    from deeplink.journey.on_android import answer_android, answer_chromium
    from deeplink.journey.on_apple import answer_apple, in_order_of_details

    for system in SYSTEMS:
        is_apple = system.platform is Platform.IOS
        if not estate.has(APPLE if is_apple else ASSETLINKS):
            continue
        apps = [app for app in estate.apps if (app.ios if is_apple else app.android)]
        if not apps:
            answers = list(_nobody(estate, address, APPLE if is_apple else ASSETLINKS))
        elif not knows(estate, address.host):
            answers = [_unknown_host(estate, address, app, is_apple=is_apple) for app in apps]
        elif is_apple:
            answers = [answer_apple(estate, system, address, app) for app in apps]
            answers = in_order_of_details(estate, system, address, answers)
        elif system.platform is Platform.CHROMIUM:
            answers = [answer_chromium(estate, system, address, app) for app in apps]
        else:
            answers = [answer_android(estate, system, address, app) for app in apps]
        yield _outcome(system, answers)


def _outcome(system: System, answers: Sequence[Answer]) -> Outcome:
    ends = [answer.opens for answer in answers]
    opens = next((one for one in (Opens.APP, Opens.CHOOSER) if one in ends), Opens.BROWSER)
    ordered = sorted(answers, key=lambda answer: answer.opens is not Opens.APP)
    return Outcome(system, opens, tuple(ordered))


def _nobody(estate: Estate, address: Address, name: str) -> Iterator[Answer]:
    """Where no app can be named, because the file names none: whether it can be read at all."""
    paper = estate.paper(address.host, name)
    if paper is not None and paper.fault is not None:
        fault = paper.fault
        remedy = Remedy(fault.hint, fault.spot)
        yield Answer("", "", Opens.BROWSER, fault.what, fault.spot, None, remedy)


def _unknown_host(estate: Estate, address: Address, app: App, *, is_apple: bool) -> Answer:
    hosts = estate.hosts or ()
    name = app.ios.app_ids[0] if is_apple and app.ios else ""
    name = name or (app.android.package_name if app.android else app.key)
    if estate.rows is None:
        why = f"the file is that of {hosts[0]}, and a phone asks {address.host} for its own"
        remedy = Remedy(f"serve it on {address.host}, too")
        return Answer(app.key, name, Opens.BROWSER, why, None, None, remedy)
    why = f"{address.host} is none of the hosts"
    remedy = Remedy(
        f'add "{address.host}" to hosts ({did_you_mean(address.host, hosts)})',
        estate.place(("hosts",)),
    )
    return Answer(app.key, name, Opens.BROWSER, why, None, None, remedy)


def _notes(estate: Estate, address: Address) -> Iterator[str]:
    host = address.host
    if is_loopback(host):
        yield (
            f"{host} is this machine: no phone fetches a file from it; below stands what phones "
            "would do if it were a public host"
        )
    if address.has_odd_port:
        yield (
            f"port {address.port}: phones fetch the files of {host} without it, from port 443, "
            "and an entitlement has no port"
        )
    if estate.rows is not None and is_reserved(address.path):
        yield f"{address.path} belongs to this server itself, and no app should have it"
    if not address.path:
        yield f'the URL has no path; browsers write "{address.scheme}://{host}/" for it'
    if is_alternate_callback(estate, address):
        yield (
            f"{host} is the alternate host: it claims no callback, on purpose, so that a tap on "
            "its page leaves for the host that does"
        )


def is_reserved(path: str) -> bool:
    """Whether this server answers *path* itself, so that no app should have it."""
    return any(path == own or path.startswith(f"{own}/") for own in RESERVED)


def is_alternate_callback(estate: Estate, address: Address) -> bool:
    """Whether the URL is a callback page on the host that has it only to be left."""
    path = f"{address.path.rstrip('/')}/"
    return address.host == estate.alternate_host and any(
        row.is_callback and row.link.path == path for row in estate.rows or ()
    )


def _notes_on_apps(estate: Estate, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Apps that open the URL on one platform and are not on the other."""
    opening = {app for outcome in outcomes if outcome.system.is_current for app in outcome.apps}
    for app in estate.apps if estate.rows is not None else ():
        if app.key in opening and not (app.ios and app.android):
            missing, there = ("ios", "Android") if app.android else ("android", "iOS")
            yield f"{app.key} has no {missing} table, so it opens links on {there} only"


def _assumed(estate: Estate, address: Address) -> Iterator[str]:
    if estate.rows is None or not knows(estate, address.host):
        return
    host = address.host
    if estate.has(APPLE) and any(app.ios for app in estate.apps):
        yield f"iOS: the entitlement names applinks:{host}"
    if estate.has(ASSETLINKS) and any(app.android for app in estate.apps):
        yield (
            "Android: the manifest declares https, the host and the paths of the links, in a "
            "filter with autoVerify"
        )


def _json(spot: Spot | None) -> dict[str, object] | None:
    return spot.as_json() if spot else None
