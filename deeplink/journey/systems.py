"""
The systems that read association files, in generations that read them differently.

iOS by the keys it knows (Apple's reference gives for each the version that brought it); Android
by its verifier and by whether it has dynamic rules. Phones with Google services verify through
Google, others through the agent of the Android Open Source Project.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deeplink.association.android_devices import Agent
from deeplink.association.android_match import ANDROID_12, ANDROID_15
from deeplink.association.android_patterns import Translation
from deeplink.association.android_statements import CHROMIUM, GOOGLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The last Android at which one bad host spoils all hosts of an app, by its first version.
ANDROID_6 = 6


class Platform(StrEnum):
    """Whose phone it is; Chromium is the browser, asked by apps that show web pages as theirs."""

    IOS = "ios"
    ANDROID = "android"
    CHROMIUM = "chromium"


@dataclass(frozen=True, slots=True)
class System:
    """
    One generation. *id* is stable; *until* is empty for one that lasts.

    *is_current* marks those that count when a link must open. *like* names the system beside
    which this one is worth a line only if it answers differently.
    """

    id: str
    platform: Platform
    family: str
    since: str
    until: str
    is_current: bool = False
    like: str = ""
    ignores: frozenset[str] = frozenset()
    reads_paths_only: bool = False
    engine: str = ""
    android: int = 0
    translation: Translation = Translation.NEWEST

    @property
    def name(self) -> str:
        return name_of([self])


_NEW_IN_14 = frozenset({"percentEncoded", "defaults"})
_NEW_IN_13_5 = frozenset({"caseSensitive", "substitutionVariables"})

_IOS = (
    System("ios-9", Platform.IOS, "iOS", "9.2", "12", reads_paths_only=True),
    System("ios-13", Platform.IOS, "iOS", "13", "13.4", ignores=_NEW_IN_14 | _NEW_IN_13_5),
    System("ios-13.5", Platform.IOS, "iOS", "13.5", "13.7", ignores=_NEW_IN_14),
    System("ios-14", Platform.IOS, "iOS", "14", "", is_current=True),
)


def _google(number: str, until: str, android: int, *, is_current: bool) -> System:
    return System(
        f"android-{number}",
        Platform.ANDROID,
        "Android",
        number,
        until,
        is_current=is_current,
        engine=GOOGLE,
        android=android,
    )


def _bare(number: str, until: str, android: int, agent: Agent) -> System:
    return System(
        f"aosp-{number}",
        Platform.ANDROID,
        "Android, no Google services,",
        number,
        until,
        like=f"android-{number}",
        engine=str(agent),
        android=android,
    )


#: Every system, in the order in which reports name them.
SYSTEMS = (
    *_IOS,
    _google("6", "11", ANDROID_6, is_current=False),
    _google("12", "14", ANDROID_12, is_current=True),
    _google("15", "", ANDROID_15, is_current=True),
    System(
        "android-15-early",
        Platform.ANDROID,
        "Android, early builds of",
        "15",
        "15",
        like="android-15",
        engine=GOOGLE,
        android=ANDROID_15,
        translation=Translation.EARLY,
    ),
    _bare("6", "11", ANDROID_6, Agent.ANDROID_6_11),
    _bare("12", "14", ANDROID_12, Agent.ANDROID_12_14),
    _bare("15", "", ANDROID_15, Agent.ANDROID_15),
    System("chromium", Platform.CHROMIUM, "Chrome, web pages in apps", "", "", engine=CHROMIUM),
)


def name_of(systems: Iterable[System]) -> str:
    """
    Neighbours of one family under one name.

    >>> name_of(SYSTEMS[1:4])
    'iOS 13+'
    """
    chosen = list(systems)
    first, last = chosen[0], chosen[-1]
    if not first.since:
        return first.family
    if first.since == last.until:
        return f"{first.family} {first.since}"
    return f"{first.family} {first.since}" + (f"–{last.until}" if last.until else "+")


def named(words: Iterable[str]) -> Iterator[tuple[str, tuple[System, ...]]]:
    """For each word, the systems it means: a system's id, or a platform for its current ones."""
    for word in words:
        wanted = word.lower()
        of_platform = [one for one in SYSTEMS if one.platform == wanted and one.is_current]
        yield word, tuple(of_platform or [one for one in SYSTEMS if one.id == wanted])


def as_read_by(system: System, document: object) -> object:
    """
    Apple's document less what *system* does not know; all that is left stays in its place.

    That older systems pass over keys they do not know is derived from how newer ones do.
    """
    root = document if isinstance(document, dict) else {}
    applinks = root.get("applinks")
    if not isinstance(applinks, dict):
        return {}
    kept = _without(applinks, system.ignores)
    if system.reads_paths_only:
        kept = {"details": applinks.get("details")} if "apps" in applinks else {}
    details = kept.get("details")
    if isinstance(details, list):
        kept["details"] = [_entry_for(system, entry) for entry in details]
    elif isinstance(details, dict):
        kept["details"] = {name: _entry_for(system, entry) for name, entry in details.items()}
    return {"applinks": kept}


def _entry_for(system: System, entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    if system.reads_paths_only:
        return {key: value for key, value in entry.items() if key in ("appID", "paths")}
    kept = _without(entry, system.ignores)
    rules = kept.get("components")
    if isinstance(rules, list):
        kept["components"] = [
            _without(rule, system.ignores) if isinstance(rule, dict) else rule for rule in rules
        ]
    return kept


def _without(written: dict[str, object], ignored: frozenset[str]) -> dict[str, object]:
    return {key: value for key, value in written.items() if key not in ignored}
