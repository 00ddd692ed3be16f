"""
``deeplink match``: which app opens a URL on each system, or why none does.

``--json`` prints one object: ``ok``, ``findings`` (of ``--expect``, or of a config with errors) and
``urls``. Each of these has ``url``, ``opens``, ``notes``, ``assumes``, ``caveats`` (a list for each
platform) and ``systems``: ``system`` (a stable id), ``name``, ``platform``, ``current``, ``opens``
(``app``, ``browser``, ``chooser``), ``apps`` in the order of preference, and ``answers``, one for
each app: ``app``, ``id``, ``opens``, ``why``, ``place``, ``nearest`` (``rule``, ``misses``,
``place``), ``edit`` (``what``, ``place``) and ``notes``. A place is null, or ``file``, ``line``,
``column``, ``key`` (of the config) and ``pointer`` (into a document, RFC 6901).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplink import config as configuration
from deeplink.association.android_match import Opens
from deeplink.cli import say
from deeplink.dropins import APPLE, ASSETLINKS
from deeplink.errors import ConfigError
from deeplink.findings import Finding, Place, Severity, has_errors
from deeplink.journey.address import Malformed, read_address
from deeplink.journey.answers import follow, nearest_first
from deeplink.journey.expectations import judge, names_of, read_expectations
from deeplink.journey.papers import estate_of, estate_of_files
from deeplink.journey.systems import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deeplink.journey.address import Address
    from deeplink.journey.answers import Answer, Journey, Outcome
    from deeplink.journey.papers import Estate
    from deeplink.journey.systems import System

ROOT = Path(__file__).parents[2]

#: Bytes. More than any system reads; the engines say where each stops.
_MAX_SIZE = 16 * 1024 * 1024

_NAMES = {Platform.IOS: "iOS", Platform.ANDROID: "Android"}

_COLOURS = {Opens.APP: "green", Opens.CHOOSER: "yellow", Opens.BROWSER: "yellow"}


@dataclass(frozen=True, slots=True)
class _Files:
    """The options that put files in the place of the config."""

    apple: Path | None
    android: Path | None
    host: str | None
    app_ids: tuple[str, ...]
    packages: tuple[str, ...]
    fingerprints: tuple[str, ...]

    @property
    def is_any(self) -> bool:
        return self.apple is not None or self.android is not None


@click.command()
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option(
    "--expect",
    type=click.Path(path_type=Path),
    help='Check a list of lines "opens URL [APP] [on SYSTEM...]" and "stays URL ...".',
)
@click.option("--apple", type=click.Path(path_type=Path), help="An apple-app-site-association.")
@click.option("--android", type=click.Path(path_type=Path), help="An assetlinks.json.")
@click.option("--host", help="The host that serves these files.  [default: the URL's own]")
@click.option("--app-id", "app_ids", multiple=True, help="An iOS app.  [default: all in the file]")
@click.option("--package", "packages", multiple=True, help="An Android app.  [default: likewise]")
@click.option(
    "--fingerprint", "fingerprints", multiple=True, help="The key that it is signed with."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--config",
    "config_path",
    envvar="DEEPLINK_CONFIG",
    type=click.Path(path_type=Path),
    default=ROOT / "config" / "deeplink.toml",
    help="Config file.  [default: config/deeplink.toml]",
)
def match(
    urls: tuple[str, ...],
    expect: Path | None,
    apple: Path | None,
    android: Path | None,
    host: str | None,
    app_ids: tuple[str, ...],
    packages: tuple[str, ...],
    fingerprints: tuple[str, ...],
    as_json: bool,
    config_path: Path,
) -> None:
    """
    Say which app opens a URL on each system, or why none does.

    \b
    deeplink match https://links.acme.com/invite/42
    deeplink match --expect links.txt
    deeplink match --apple apple-app-site-association https://acme.com/buy/1
    deeplink match --android assetlinks.json --package com.acme.shop https://acme.com/

    The rules are those of the config, unless files are named. The lines of an --expect file:

    \b
    opens https://links.acme.com/invite/42
    opens https://links.acme.com/login-callback/ staging
    stays https://links.acme.com/product/legal on ios android-15

    Exit code 0: an app opens each URL on at least one current system (iOS 14+; Android 12 and
    later with Google services), and every expectation holds. 1: some URL opens nowhere, an
    expectation does not hold, or the config has errors. 2: the command was misused, or a URL is
    malformed.
    """
    files = _Files(apple, android, host, app_ids, packages, fingerprints)
    _refuse_misuse(urls, expect, files)
    addresses = [_address(url) for url in urls]
    try:
        estate = _estate_of_files(files) if files.is_any else _estate_of_config(config_path)
    except ConfigError as error:
        if as_json:
            found = [finding.as_json() for finding in error.findings]
            say.as_json({"ok": False, "findings": found, "urls": []})
        else:
            say.findings(error.findings, to_stderr=True)
        raise SystemExit(1) from None
    journeys = [follow(estate, address) for address in addresses]
    findings, checked = _checked(expect, estate) if expect else ([], [])
    is_ok = all(journey.opens for journey in journeys) and not has_errors(findings)
    if as_json:
        shown = [*journeys, *checked]
        rows = [journey.as_json() for journey in shown]
        found = [finding.as_json() for finding in findings]
        say.as_json({"ok": is_ok, "findings": found, "urls": rows})
    else:
        _print(journeys)
        if expect:
            _print_expectations(expect, findings, len(checked))
    raise SystemExit(0 if is_ok else 1)


def _refuse_misuse(urls: Sequence[str], expect: Path | None, files: _Files) -> None:
    if not urls and expect is None:
        raise click.UsageError(
            "there is no URL; write deeplink match https://links.acme.com/invite/42"
        )
    if not files.is_any:
        given = [
            ("--host", files.host),
            ("--app-id", files.app_ids),
            ("--package", files.packages),
            ("--fingerprint", files.fingerprints),
        ]
        for option, value in given:
            if value:
                raise click.UsageError(
                    f"{option} belongs to files; add --apple FILE or --android FILE"
                )
    if files.app_ids and files.apple is None:
        raise click.UsageError("--app-id belongs to Apple's file; add --apple FILE")
    if (files.packages or files.fingerprints) and files.android is None:
        raise click.UsageError(
            "--package and --fingerprint belong to assetlinks.json; add --android FILE"
        )


def _address(url: str) -> Address:
    address = read_address(url)
    if isinstance(address, Malformed):
        raise click.UsageError(str(address))
    return address


def _estate_of_config(path: Path) -> Estate:
    from deeplink.places import read_toml

    config = configuration.load(path, os.environ, well_known=ROOT / "well_known")
    return estate_of(config, read_toml(path.read_text("utf-8"), configuration.shown(path)))


def _estate_of_files(files: _Files) -> Estate:
    from deeplink.fingerprint import fault_of, normalise

    named = {APPLE: files.apple, ASSETLINKS: files.android}
    fingerprints = []
    for text in files.fingerprints:
        try:
            fingerprints.append(normalise(text))
        except ValueError:
            what, hint = fault_of(text) or ("is no SHA-256 fingerprint", "write 32 octets")
            raise click.BadParameter(f"{what}; {hint}", param_hint="--fingerprint") from None
    return estate_of_files(
        {
            name: (configuration.shown(path), _read(path))
            for name, path in named.items()
            if path is not None
        },
        host=files.host.lower().rstrip(".") if files.host else None,
        app_ids=files.app_ids,
        packages=files.packages,
        fingerprints=fingerprints,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            octets = opened.read(_MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not the name of a file"
        raise click.UsageError(f"{path} cannot be read ({reason}); name another file") from None
    if len(octets) > _MAX_SIZE:
        raise click.UsageError(f"{path} is larger than 16 MiB; no system reads more than 1 MiB")
    return octets


def _checked(expect: Path, estate: Estate) -> tuple[list[Finding], list[Journey]]:
    file = configuration.shown(expect)
    try:
        text = _read(expect).decode()
    except UnicodeDecodeError:
        what = "is not UTF-8"
        return [Finding("EXP001", Severity.ERROR, Place(file), what, "save it as UTF-8")], []
    apps = [app.key for app in estate.apps]
    expectations, findings = read_expectations(text, file, apps)
    journeys = []
    for expectation in expectations:
        journey = follow(estate, expectation.address)
        journeys.append(journey)
        if found := judge(expectation, journey):
            findings.append(found)
    return sorted(findings, key=lambda finding: finding.place.line), journeys


def _print_expectations(expect: Path, findings: Sequence[Finding], count: int) -> None:
    say.findings(findings)
    name = configuration.shown(expect)
    if findings:
        lines = "1 line" if count == 1 else f"{count} lines"
        say.line(f"{name}: {say.tally(findings)}; {lines} could be read")
    else:
        say.line(f"{name}: {count} as expected")


def _print(journeys: Sequence[Journey]) -> None:
    for journey in journeys:
        verdict = "" if journey.opens else ": no app opens it on a current system"
        say.line(f"{click.style(journey.address.url, bold=True)}{verdict}")
        for note in journey.notes:
            say.line(f"  note: {note}")
        groups = list(_groups(journey))
        width = max((len(names) for names, _ in groups), default=0)
        for names, lines in groups:
            for line in lines:
                say.line(f"  {names:<{width}}  {line}".rstrip())
                names = ""
        say.line()
    _print_texts("taken for granted", [text for one in journeys for text in one.assumed])
    for platform in (Platform.IOS, Platform.ANDROID):
        opening = [one for one in journeys if _opens_on(one, platform)]
        texts = [
            text
            for one in opening
            for kind, all_ in one.caveats
            for text in all_
            if kind is platform
        ]
        _print_texts(f"no file can settle, on {_NAMES[platform]}", texts)


def _print_texts(title: str, texts: Sequence[str]) -> None:
    if texts:
        say.line(f"{title}:")
    for text in dict.fromkeys(texts):
        say.line(f"  {text}")


def _opens_on(journey: Journey, platform: Platform) -> bool:
    return any(one.apps for one in journey.outcomes if one.system.platform is platform)


def _groups(journey: Journey) -> Iterator[tuple[str, list[str]]]:
    """Systems that are told the same share their lines; a variant has some if it differs."""
    essences = {outcome.system.id: _essence(outcome) for outcome in journey.outcomes}
    groups: dict[tuple[str, ...], list[System]] = {}
    for outcome in journey.outcomes:
        system = outcome.system
        if system.like and essences.get(system.like) == essences[system.id]:
            continue
        if system.platform is not Platform.CHROMIUM or _has_news(journey, outcome):
            groups.setdefault(tuple(_lines(outcome)), []).append(system)
    for lines, systems in groups.items():
        yield ", ".join(names_of(systems)), list(lines)


def _essence(outcome: Outcome) -> list[tuple[str, Opens, str]]:
    return [(answer.app, answer.opens, answer.why) for answer in outcome.answers]


def _has_news(journey: Journey, outcome: Outcome) -> bool:
    """Whether Chromium lacks trust in an app that a phone would let open the URL."""
    trusted = set(outcome.apps)
    opening = {app for one in journey.outcomes if one.system.android for app in one.apps}
    return journey.address.scheme == "https" and not opening <= trusted


def _lines(outcome: Outcome) -> Iterator[str]:
    if not outcome.answers:
        yield "browser  no app is known on this platform"
    opening = [answer for answer in outcome.answers if answer.opens is Opens.APP]
    for position, answer in enumerate(opening):
        yield from _lines_of(answer, _tie(outcome.system) if position else "")
    if opening:
        return
    folded: dict[str, list[Answer]] = {}
    for answer in nearest_first(outcome.answers):
        folded.setdefault(_without_name(answer), []).append(answer)
    for first, *others in folded.values():
        is_personal = bool(first.app) and (first.app in first.why or first.id in first.why)
        yield from _lines_of(first, "", [one.app for one in others if is_personal])


def _without_name(answer: Answer) -> str:
    """The reason with the app's names taken out, to see who shares it."""
    return f"{answer.opens} {answer.why}".replace(answer.id, "").replace(answer.app, "")


def _tie(system: System) -> str:
    """How a phone with several of the apps chooses, in short."""
    if system.platform is Platform.IOS:
        return "if the app above is not installed"
    return "if it was installed after the app above" if system.android else ""


def _lines_of(answer: Answer, tie: str, others: Sequence[str] = ()) -> Iterator[str]:
    where = f"  {answer.spot}" if answer.spot else ""
    shared = f"; the same goes for {', '.join(others)}" if others else ""
    chosen = f", {tie}" if tie else ""
    yield f"{_word(answer)}{chosen}  {answer.why}{shared}{where}"
    if answer.near:
        where = f"  {answer.near.spot}" if answer.near.spot else ""
        yield f"  nearest: {answer.near.rule}{where}"
        for sentence in answer.near.misses:
            yield f"    {sentence}"
    if answer.remedy:
        is_there = answer.remedy.spot in (None, answer.spot, answer.near and answer.near.spot)
        where = "" if is_there else f"{answer.remedy.spot}: "
        yield f"  to open it: {where}{answer.remedy.what}"
    for note in answer.notes:
        yield f"  note: {note}"


def _word(answer: Answer) -> str:
    words = {
        Opens.APP: f"opens {answer.app}",
        Opens.BROWSER: "browser",
        Opens.CHOOSER: "asks which",
    }
    return click.style(words[answer.opens], fg=_COLOURS[answer.opens])
