"""
Links that must open and links that must stay in the browser, a line each, for CI.

::

    # comment
    opens https://links.acme.com/invite/42
    opens https://links.acme.com/login-callback/ staging
    stays https://links.acme.com/product/legal on ios android-15

The name of an app asks about that app alone. After ``on`` stand platforms or the ids of systems;
without it the current ones of every platform that the app, or any app, is on are meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deeplink.association.android_match import Opens
from deeplink.findings import Finding, Place, Severity, did_you_mean
from deeplink.journey.address import Malformed, read_address
from deeplink.journey.systems import SYSTEMS, Platform, name_of, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deeplink.journey.address import Address
    from deeplink.journey.answers import Answer, Journey, Outcome
    from deeplink.journey.systems import System

#: What the codes of this room mean; they never change.
CODES = {
    "EXP001": "a line that cannot be read",
    "EXP002": "a link that must open and does not",
    "EXP003": "a link that must stay in the browser and does not",
    "EXP004": "the file says nothing",
}

_VERBS = ("opens", "stays")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line. *app* None means any app; *systems* empty means the current ones."""

    place: Place
    must_open: bool
    address: Address
    app: str | None
    systems: tuple[System, ...]


def read_expectations(
    text: str, file: str, apps: Sequence[str]
) -> tuple[list[Expectation], list[Finding]]:
    """The lines of *text*, and a finding for each that is none; *apps* are the names known."""
    read: list[Expectation] = []
    findings: list[Finding] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        words = _words(line)
        if not words:
            continue
        found = _read_line(words, Place(file, number), apps)
        if isinstance(found, Expectation):
            read.append(found)
        else:
            what, hint = found
            findings.append(Finding("EXP001", Severity.ERROR, Place(file, number), what, hint))
    if not read and not findings:
        hint = 'write lines such as "opens https://links.acme.com/invite/42"'
        findings.append(Finding("EXP004", Severity.ERROR, Place(file), "expects nothing", hint))
    return read, findings


def judge(expectation: Expectation, journey: Journey) -> Finding | None:
    """What is wrong about *journey*, that of the expectation's URL; None if all is as wanted."""
    wrong = [
        outcome
        for outcome in journey.outcomes
        if _is_meant(expectation, outcome)
        and _opens(expectation, outcome) is not expectation.must_open
    ]
    if not wrong:
        is_asked = any(_is_meant(expectation, outcome) for outcome in journey.outcomes)
        if is_asked or not expectation.must_open:
            return None
        what = f"{journey.address.url} must open, but no app is on a system that is asked about"
        return _finding("EXP002", expectation, what, "name other systems after on")
    names = ", ".join(names_of([outcome.system for outcome in wrong]))
    first = wrong[0]
    if expectation.must_open:
        who = expectation.app or "an app"
        what = f"{journey.address.url} must open {who}, and does not on {names}"
        why, hint = _grounds(_answer(expectation, first))
        return _finding("EXP002", expectation, f"{what}: {why}", hint)
    answer = next(one for one in _answers(expectation, first) if one.opens is Opens.APP)
    where = f" ({answer.spot})" if answer.spot else ""
    what = f"{journey.address.url} must stay in the browser, and opens {answer.app} on {names}"
    hint = answer.notes[0] if answer.notes else "narrow the rule, or exclude the URL before it"
    return _finding("EXP003", expectation, f"{what}: {answer.why}{where}", hint)


def names_of(systems: Sequence[System]) -> Iterator[str]:
    """The names of *systems*, neighbours of one family as one."""
    run: list[System] = []
    for system in systems:
        if run and not _follows(system, run[-1]):
            yield name_of(run)
            run = []
        run.append(system)
    if run:
        yield name_of(run)


def _follows(system: System, before: System) -> bool:
    at = SYSTEMS.index(system)
    return at > 0 and SYSTEMS[at - 1] == before and before.family == system.family


def _words(line: str) -> list[str]:
    """The words before a comment; inside a URL "#" begins a fragment."""
    words = []
    for word in line.split():
        if word.startswith("#"):
            break
        words.append(word)
    return words


def _read_line(
    words: list[str], place: Place, apps: Sequence[str]
) -> Expectation | tuple[str, str]:
    verb, *rest = words
    if verb not in _VERBS:
        return f'"{verb}" is no expectation', did_you_mean(verb, _VERBS)
    if not rest:
        return f'"{verb}" stands alone', f'write "{verb} https://…"'
    url, *rest = rest
    address = read_address(url)
    if isinstance(address, Malformed):
        return str(address).rpartition("; ")[0], address.hint
    app = rest.pop(0) if rest and rest[0] != "on" else None
    if app is not None and app not in apps:
        return f'"{app}" is not one of the apps', did_you_mean(app, apps)
    if rest and (rest[0] != "on" or len(rest) == 1):
        return f'"{" ".join(rest)}" cannot be read', 'write the app, then "on" and systems'
    systems: list[System] = []
    for word, meant in named(rest[1:]):
        if not meant:
            known = [*(str(one) for one in Platform), *(system.id for system in SYSTEMS)]
            return f'"{word}" is no system', did_you_mean(word, known)
        systems += meant
    return Expectation(place, verb == "opens", address, app, tuple(systems))


def _is_meant(expectation: Expectation, outcome: Outcome) -> bool:
    if expectation.systems:
        return outcome.system in expectation.systems
    return outcome.system.is_current and bool(_answers(expectation, outcome))


def _answers(expectation: Expectation, outcome: Outcome) -> list[Answer]:
    return [one for one in outcome.answers if expectation.app in (None, one.app)]


def _opens(expectation: Expectation, outcome: Outcome) -> bool:
    """
    Whether the app opens; asked to stay, a link that makes the phone ask has not stayed.
    """
    ends = {one.opens for one in _answers(expectation, outcome)}
    if not expectation.must_open and Opens.CHOOSER in ends:
        return True
    return Opens.APP in ends


def _answer(expectation: Expectation, outcome: Outcome) -> Answer | None:
    """The answer that came nearest, among those that do not open."""
    answers = _answers(expectation, outcome)
    return next((one for one in answers if one.near), answers[0] if answers else None)


def _grounds(answer: Answer | None) -> tuple[str, str]:
    if answer is None:
        return "no app is on that system", "name other systems after on"
    why = answer.why
    if answer.near:
        where = f" ({answer.near.spot})" if answer.near.spot else ""
        why = f"{why}, nearest is {answer.near.rule}{where}"
    if answer.remedy is None:
        return why, "deeplink match says more"
    where = f"{answer.remedy.spot}: " if answer.remedy.spot else ""
    return why, f"{where}{answer.remedy.what}"


def _finding(code: str, expectation: Expectation, what: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, expectation.place, what, hint)
