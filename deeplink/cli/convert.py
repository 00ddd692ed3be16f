"""``deeplink convert``: Apple's components into Android's dynamic rules, or back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplink.association import android, apple
from deeplink.association import convert as conversion
from deeplink.association.android import AppTarget
from deeplink.association.apple_match import rules_for
from deeplink.cli import documents, say
from deeplink.cli.documents import Kind
from deeplink.errors import ConfigError
from deeplink.findings import did_you_mean, has_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.association.android import Statement
    from deeplink.association.convert import Translation
    from deeplink.cli.documents import AssociationFile

_SOURCES = {"android": Kind.APPLE, "apple": Kind.ANDROID}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "platform",
    type=click.Choice(["android", "apple"]),
    required=True,
    help="The platform whose file is wanted.",
)
@click.option("--app-id", "app_ids", multiple=True, help="The iOS app; to write, any number.")
@click.option("--package", help="The Android app.")
@click.option("--fingerprint", "fingerprints", multiple=True, help="A key of it, to write.")
@click.option("--json", "as_json", is_flag=True, help="Result and findings as one JSON object.")
def convert(
    file: Path,
    platform: str,
    app_ids: tuple[str, ...],
    package: str | None,
    fingerprints: tuple[str, ...],
    as_json: bool,
) -> None:
    """
    Turn Apple's rules into Android's dynamic rules or back, and say what is lost.

    \b
    deeplink convert apple-app-site-association --to android
    deeplink convert apple-app-site-association --to android \\
        --package com.acme.app --fingerprint 14:6D:E9:…
    deeplink convert assetlinks.json --to apple --app-id A1B2C3D4E5.com.acme.app

    The result goes to standard output: a whole file for the apps that you name, the rules alone
    if you name none. What cannot be carried over goes to standard error, a line each, with a URL
    that shows it. Where FILE has several apps, --app-id or --package says whose rules are meant.
    Exit code 0: as said. 1: a rule had to be left out. 2: the command was misused.
    """
    try:
        opened = documents.load(file)
    except ConfigError as error:
        say.findings(error.findings, to_stderr=True)
        raise SystemExit(2) from None
    if opened.kind is not _SOURCES[platform]:
        raise click.UsageError(
            f"{opened.name} is an {opened.kind}, which is {platform.capitalize()}'s file already"
        )
    if platform == "android":
        translation = _to_android(opened, app_ids, package, fingerprints)
    else:
        translation = _to_apple(opened, app_ids, package, fingerprints)
    findings = translation.findings
    if as_json:
        say.as_json(
            {"result": translation.document, "findings": [one.as_json() for one in findings]}
        )
    else:
        say.findings(findings, to_stderr=True)
        say.as_json(translation.document)
    raise SystemExit(1 if has_errors(findings) else 0)


def _to_android(
    opened: AssociationFile,
    app_ids: Sequence[str],
    package: str | None,
    fingerprints: tuple[str, ...],
) -> Translation:
    if bool(package) != bool(fingerprints):
        raise click.UsageError("a whole assetlinks.json needs both --package and --fingerprint")
    if len(app_ids) > 1:
        raise click.UsageError("--app-id names the one iOS app whose rules are meant")
    value = apple.parse(opened.document.value)
    known = list(dict.fromkeys(i for entry in value.entries for i in entry.app_ids))
    said = {app_id: list(rules_for(value, app_id)) for app_id in known}
    app_id = _chosen("--app-id", app_ids[0] if app_ids else None, known, opened.name)
    if not app_ids and any(said[one] != said[app_id] for one in known):
        raise click.UsageError(
            f"the apps of {opened.name} have different rules; name one with --app-id: "
            + ", ".join(known)
        )
    target = AppTarget(package, fingerprints) if package else None
    return conversion.to_android(value, app_id, opened.document.place, target)


def _to_apple(
    opened: AssociationFile,
    app_ids: tuple[str, ...],
    package: str | None,
    fingerprints: tuple[str, ...],
) -> Translation:
    if fingerprints:
        raise click.UsageError("--fingerprint is for --to android; Apple's file has no keys")
    found = conversion.translatable(android.parse(opened.document.value))
    statements = {_package_of(one): one for one in reversed(found)}
    known = list(dict.fromkeys(_package_of(one) for one in found))
    chosen = _chosen("--package", package, known, opened.name)
    if package is None and any(one.rules != statements[chosen].rules for one in found):
        raise click.UsageError(
            f"the apps of {opened.name} have different rules; name one with --package: "
            + ", ".join(known)
        )
    return conversion.to_apple(statements[chosen], opened.document.place, app_ids)


def _package_of(statement: Statement) -> str:
    return statement.target.package_name if isinstance(statement.target, AppTarget) else ""


def _chosen(option: str, asked: str | None, known: Sequence[str], name: str) -> str:
    if not known:
        raise click.UsageError(f"{name} names no app that opens links; there is nothing to convert")
    if asked is None:
        return known[0]
    if asked not in known:
        hint = did_you_mean(asked, known)
        raise click.BadParameter(f'{name} names no "{asked}"; {hint}', param_hint=option)
    return asked
