"""``deeplink check``: everything that is wrong with a config or an association file, at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplink import config as configuration
from deeplink.cli import folders, say
from deeplink.errors import ConfigError
from deeplink.findings import Finding, Place, Severity, has_errors, in_order
from deeplink.oauth.clients import issuer, return_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deeplink.association.verdict import App
    from deeplink.config import Config


#: What the codes of this command mean; those of configs and documents have their own homes.
CODES = {
    "CHK001": "the file cannot be read",
    "CHK002": "the file is no association file",
    "CHK010": "a provider refuses the client key or the secret",
    "CHK011": "a provider cannot be reached to prove the credentials",
    "CHK012": "a provider neither accepts nor refuses the credentials",
    "CHK013": "credentials that can be proven only by a login",
}

#: Members of Apple's file (https://developer.apple.com/documentation/bundleresources/applinks).
_APPLE_MEMBERS = frozenset({"applinks", "webcredentials", "appclips", "activitycontinuation"})

#: Bytes. More than any system reads; the linters say where each stops.
_MAX_SIZE = 16 * 1024 * 1024


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--config",
    "config_path",
    envvar="DEEPLINK_CONFIG",
    type=click.Path(path_type=Path),
    help="Config file.  [default: config/deeplink.toml]",
)
@click.option(
    "--online",
    is_flag=True,
    help="Also ask each provider whether it takes the client key and secret.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(files: tuple[Path, ...], config_path: Path | None, online: bool, as_json: bool) -> None:
    """
    Check the config, or association files, and say what is wrong and where.

    \b
    deeplink check
    deeplink check --config staging.toml
    deeplink check --online
    deeplink check assetlinks.json apple-app-site-association
    deeplink check --json

    A FILE that ends in .toml is a config; any other is an association file, whatever its name.
    Exit code 0: fine, perhaps with warnings. 1: at least one error. 2: the command was misused.
    """
    source = click.get_current_context().get_parameter_source("config_path")
    is_asked_for = source is click.core.ParameterSource.COMMANDLINE
    configs = [path for path in files if path.suffix == ".toml"]
    if not files or is_asked_for:
        configs.insert(0, config_path or folders.CONFIG)
    documents = [path for path in files if path.suffix != ".toml"]
    loaded: list[tuple[Path, Config]] = []
    found: list[Finding] = []
    for path in configs:
        config, findings = _load(path)
        found += findings
        if config is not None:
            loaded.append((path, config))
    accepted: list[str] = []
    if online:
        found += _prove(loaded, accepted)
    for path in documents:
        found += _check_document(path)
    if as_json:
        proven = {"accepted": accepted} if online else {}
        say.as_json(_report(found, loaded) | proven)
    else:
        _print(found, loaded, documents)
        for name in accepted:
            say.line(f"{name}: the provider accepts client_key and client_secret")
    raise SystemExit(1 if has_errors(found) else 0)


def _load(path: Path) -> tuple[Config | None, Sequence[Finding]]:
    try:
        config = configuration.load(path, os.environ, well_known=folders.WELL_KNOWN)
    except ConfigError as error:
        return None, error.findings
    return config, config.findings


def _prove(loaded: Sequence[tuple[Path, Config]], accepted: list[str]) -> Iterator[Finding]:
    """What the providers of the configs object to; who objects to nothing joins *accepted*."""
    # The HTTP client takes 130 ms to import, which only those pay who ask.
    from deeplink.oauth.proof import Standing, prove
    from deeplink.outbound import Outbound
    from deeplink.places import read_toml

    codes = {
        Standing.REFUSED: ("CHK010", Severity.ERROR),
        Standing.UNREACHABLE: ("CHK011", Severity.ERROR),
        Standing.UNCLEAR: ("CHK012", Severity.ERROR),
        Standing.UNPROVABLE: ("CHK013", Severity.WARNING),
    }
    outbound = Outbound(1)
    for path, config in loaded:
        document = read_toml(path.read_text("utf-8"), configuration.shown(path))
        for key, provider in config.providers.items():
            proof = prove(provider, outbound.send)
            if proof.standing is Standing.ACCEPTED:
                accepted.append(key)
                continue
            code, severity = codes[proof.standing]
            place = document.place(("providers", key, "client_secret"))
            yield Finding(code, severity, place, proof.what, proof.hint)
    outbound.close()


def _check_document(path: Path) -> list[Finding]:
    file = configuration.shown(path)
    try:
        with path.open("rb") as opened:
            octets = opened.read(_MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not the name of a file"
        hint = "name an association file, or a config that ends in .toml"
        return [_fault("CHK001", Place(file), f"cannot be read ({reason})", hint)]
    if len(octets) > _MAX_SIZE:
        hint = "no system reads more than 1 MiB"
        return [_fault("CHK001", Place(file), "is larger than 16 MiB", hint)]
    try:
        return in_order(_lint(path.name, octets, file))
    except ConfigError as error:
        return list(error.findings)


def _lint(name: str, octets: bytes, file: str) -> Iterator[Finding]:
    """What the linter of the file's kind says; its members decide, its name where they do not."""
    # The linters and what they stand on are imported only where there is something to lint.
    from deeplink.association import android_lint, apple, apple_lint
    from deeplink.places import read_json

    reading = apple.read(octets)
    is_apple = reading.signed or name.startswith("apple-app-site-association")
    text = reading.text.removeprefix(b"\xef\xbb\xbf") if reading.has_bom and is_apple else octets
    document = read_json(reading.text if reading.signed else text, file)
    for _, place in document.duplicates:
        what = "stands twice in one object, and most readers see only the last"
        yield Finding("JSON003", Severity.WARNING, place, what, "keep one of the two")
    members = set(document.value) if isinstance(document.value, dict) else set()
    lint: Callable[..., list[Finding]]
    if is_apple or members & _APPLE_MEMBERS:
        yield from apple_lint.lint_reading(reading, file)
        lint = apple_lint.lint
    elif isinstance(document.value, list) or name == "assetlinks.json" or "relation" in members:
        lint = android_lint.lint
    else:
        what = "is neither an assetlinks.json nor an apple-app-site-association"
        hint = "the first is a list of statements, the second an object with applinks"
        yield _fault("CHK002", document.place(()), what, hint)
        return
    yield from lint(document.value, document.place)


def _fault(code: str, place: Place, what: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, place, what, hint)


def _print(
    found: Sequence[Finding], loaded: Sequence[tuple[Path, Config]], documents: Sequence[Path]
) -> None:
    say.findings(found)
    tally = say.tally(found)
    if has_errors(found):
        say.line(f"deeplink: {tally}; write what the lines say and run deeplink check again")
        return
    for path, config in loaded:
        say.line(f"{configuration.shown(path)}: {tally or 'nothing to object to'}; it serves")
        say.table(_served(config))
    if not loaded:
        names = ", ".join(configuration.shown(path) for path in documents)
        say.line(f"{names}: {tally or 'nothing to object to'}")


def _served(config: Config) -> Iterator[tuple[str, str]]:
    for host in config.hosts:
        yield "hosts", host
    if config.alternate_host:
        yield "hosts", f"{config.alternate_host} (alternate)"
    yield from _second_page(config)
    for app in config.apps:
        yield "apps", f"{app.key}: {_platforms(app)}"
    for link in config.links:
        stays = ", stays in the browser" if link.exclude else ""
        yield (
            "links",
            f"{link.path}{_conditions(link.query, link.fragment)} → {link.app.key}{stays}",
        )
    for callback in config.callbacks:
        apps = ", ".join(app.key for app in callback.apps)
        sender = f", provider {callback.provider}" if callback.provider else ""
        yield "callbacks", f"{callback.path} → {apps}{sender}"
    for provider in config.providers.values():
        where = "the sandbox" if provider.sandbox else provider.preset.name
        yield "providers", f"{provider.key}: {where}, {provider.redirect_uri}"
    yield from _served_to_clients(config)
    for drop_in in config.drop_ins:
        yield "drop-ins", f"{', '.join(drop_in.paths)} ← {drop_in.source}"


def _second_page(config: Config) -> Iterator[tuple[str, str]]:
    """What is to be set up for iOS, where a tap opens an app only if it leaves its page's host."""
    host = config.alternate_host
    if host is not None:
        yield "second page", f"{host}: point its DNS and its certificate at this server, too"
        yield "second page", f"keep it out of the apps: no applinks:{host}, no intent filter for it"
    elif any(app.ios for row in config.callbacks for app in row.apps) and not config.is_local:
        yield "second page", "none: on iOS people must touch and hold the button (alternate_host)"


def _served_to_clients(config: Config) -> Iterator[tuple[str, str]]:
    """The standard face; its redirect URI is a second one for the provider's portal."""
    if config.issuer is None or not config.clients:
        return
    for key in config.providers:
        if any(key in client.providers for client in config.clients.values()):
            back = return_address(config.issuer, key)
            yield "issuers", f"{issuer(config.issuer, key)} (register with {key}: {back})"
    for client in config.clients.values():
        ways = ", ".join(f"{uri.uri} ({uri.kind})" for uri in client.redirect_uris)
        yield "clients", f"{client.key}: {ways}"


def _platforms(app: App) -> str:
    android = f"Android {app.android.package_name}" if app.android else ""
    ios = f"iOS {', '.join(app.ios.app_ids)}" if app.ios else ""
    return "; ".join(filter(None, [android, ios]))


def _conditions(query: Sequence[tuple[str, str]], fragment: str | None) -> str:
    items = "&".join(f"{name}={value}" for name, value in query)
    return f"{'?' if items else ''}{items}{'' if fragment is None else f'#{fragment}'}"


def _report(found: Sequence[Finding], loaded: Sequence[tuple[Path, Config]]) -> dict[str, object]:
    served = []
    for path, config in loaded:
        rows: dict[str, list[str]] = {}
        for kind, text in _served(config):
            rows.setdefault(kind, []).append(text)
        served.append({"file": configuration.shown(path), **rows})
    return {
        "ok": not has_errors(found),
        "findings": [finding.as_json() for finding in found],
        "served": served,
    }
