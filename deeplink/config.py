"""
The config file becomes frozen values, once; nobody after that asks whether they are right.

``load`` is a function of its arguments: a path, an environment, the folder of drop-ins. It
collects every fault before it speaks, and a config with errors becomes no value at all.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deeplink.association.verdict import App, Link
from deeplink.errors import ConfigError
from deeplink.findings import Finding, Place, Severity, has_errors, in_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.brand import Brand
    from deeplink.dropins import DropIn
    from deeplink.limits import Limits
    from deeplink.oauth.clients import Client
    from deeplink.oauth.providers import Provider
    from deeplink.rules.exchange import ExchangeRules
    from deeplink.rules.report import Report
    from deeplink.secret import Secret
    from deeplink.words import Languages

#: Characters. A token that opens something must not be found by trying.
MIN_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Callback:
    """
    One login-callback page: where a browser lands when the phone did not hand the login over.

    *path* ends in a slash and is served without it too. *apps* are the apps that may be meant
    (production, staging), the first one primary. *provider* is a key of ``Config.providers``.
    *expires_after_minutes* is how long the page offers a login that no app took.
    """

    path: str
    hosts: tuple[str, ...]
    apps: tuple[App, ...]
    provider: str | None
    custom_scheme: bool
    expires_after_minutes: int


@dataclass(frozen=True, slots=True)
class PageSettings:
    """
    What the pages are made of: *languages* with all words, own and shipped; *templates* is the
    folder of own templates, checked. *lang* is the one language of all pages, if it is one.
    """

    lang: str | None
    languages: Languages
    templates: Path | None


@dataclass(frozen=True, slots=True)
class Config:
    """All that the admin decided; *findings* are the warnings. Errors make no value at all."""

    hosts: tuple[str, ...]
    alternate_host: str | None
    apps: tuple[App, ...]
    links: tuple[Link, ...]
    callbacks: tuple[Callback, ...]
    providers: Mapping[str, Provider]
    drop_ins: tuple[DropIn, ...]
    admin_token: Secret | None
    metrics_token: Secret | None
    home_url: str | None
    sandbox_url: str | None
    exchange: ExchangeRules
    limits: Limits
    brand: Brand
    pages: PageSettings
    issuer: str | None
    clients: Mapping[str, Client]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def is_local(self) -> bool:
        """Whether every host is this machine itself, so that only its user can be asking."""
        return all(is_loopback(host) for host in self.known_hosts())

    def known_hosts(self) -> tuple[str, ...]:
        issuer_host = urlsplit(self.issuer).hostname if self.issuer else None
        others = [host for host in (self.alternate_host, issuer_host) if host]
        return tuple(dict.fromkeys((*self.hosts, *others)))

    def links_at(self, host: str) -> tuple[Link, ...]:
        """
        What the association files of *host* claim, in order: callback pages first, then links.

        The alternate host claims no callback: a tap there must leave for the other host, and a
        phone that took the link on both would never show the page that offers the tap.
        """
        rows = [
            Link(app=app, hosts=row.hosts, path=row.path)
            for row in self.callbacks
            for app in row.apps
        ]
        return tuple(row for row in (*rows, *self.links) if host in row.hosts)


def load(path: Path, environ: Mapping[str, str], *, well_known: Path | None = None) -> Config:
    """
    The config in the file *path*, with what *environ* and the folder *well_known* add to it.

    Refuses with ConfigError, which carries every finding, warnings too, in the order of the
    file. No text of it holds a secret.
    """
    # A config is loaded once and by few commands; the rest need not import what reads it.
    from deeplink.places import read_toml
    from deeplink.rules.report import Report

    file = shown(path)
    report = Report(read_toml(_text(path, file), file))
    try:
        config = _read(report, environ, well_known)
    except RecursionError:
        what, hint = "is nested too deeply to be read", "use fewer brackets"
        finding = Finding("CFG001", Severity.ERROR, Place(file, 1, 1), what, hint)
        raise ConfigError([finding]) from None
    findings = tuple(in_order(report.findings))
    if has_errors(findings):
        raise ConfigError(findings)
    return replace(config, findings=findings)


def shown(path: Path) -> str:
    """*path* as findings name it: from the working directory if it lies below that."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except (OSError, ValueError):
        return str(path)


def _text(path: Path, file: str) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        what = f"cannot be read ({error.strerror or type(error).__name__})"
        hint = "name another file with --config or DEEPLINK_CONFIG"
        raise ConfigError([Finding("CFG002", Severity.ERROR, Place(file), what, hint)]) from None
    except ValueError:
        what, hint = "is not the name of a file", "remove the NUL character"
        raise ConfigError([Finding("CFG002", Severity.ERROR, Place(file), what, hint)]) from None
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode()
        line = before.count("\n") + 1
        place = Place(file, line, len(before) - before.rfind("\n"))
        what = f"has a byte that is not UTF-8 (0x{octets[error.start]:02X})"
        finding = Finding("CFG003", Severity.ERROR, place, what, "save the file as UTF-8")
        raise ConfigError([finding]) from None


def _read(report: Report, environ: Mapping[str, str], well_known: Path | None) -> Config:
    """The config as far as it can be read; all that is wrong with it goes into *report*."""
    from deeplink import schema
    from deeplink.rules import apps, clients, exchange, hosts, links, providers
    from deeplink.rules.brand import read_brand
    from deeplink.rules.pages import read_pages

    table = schema.sound(report)
    brand = read_brand(table, report)
    names = hosts.read_hosts(table, environ, report)
    alternate_host = hosts.read_alternate(table, names, environ, report)
    known_hosts = (*names, alternate_host) if alternate_host else names
    public_host = next((host for host in known_hosts if not is_loopback(host)), None)
    is_public = public_host is not None
    written = report.document.value.get("providers")
    known = links.Known(
        hosts=names,
        alternate_host=alternate_host,
        apps=apps.read_apps(table, report, is_public=is_public),
        providers=frozenset(written if isinstance(written, dict) else ()),
    )
    rows = links.read_callbacks(table, known, report)
    setting = providers.Setting(
        hosts=names,
        callbacks=rows,
        environ=environ,
        public_host=public_host,
        providers=known.providers,
        has_refused_callbacks=len(rows) < len(table["callbacks"]),
    )
    configured, sandbox_url = providers.read_providers(table, setting, report)
    config = Config(
        hosts=names,
        alternate_host=alternate_host,
        apps=tuple(known.apps.values()),
        links=links.read_links(table, known, report),
        callbacks=tuple(row.callback for row in rows),
        providers=configured,
        drop_ins=providers.read_ownership(table, report),
        admin_token=_token("admin_token", table, environ, report, is_public=is_public),
        metrics_token=_token("metrics_token", table, environ, report, is_public=is_public),
        home_url=_home_url(table, environ, report),
        sandbox_url=sandbox_url,
        exchange=exchange.read_exchange(table, environ, report, is_public=is_public),
        limits=exchange.read_limits(table),
        brand=brand,
        pages=read_pages(table, brand, report),
        issuer=None,
        clients={},
    )
    config = replace(config, issuer=clients.read_issuer(table, config, environ, report))
    config = replace(config, clients=clients.read_clients(table, config, known.providers, report))
    if well_known is not None:
        config = _with_drop_ins(config, well_known, report)
    if alternate_host:
        # It asks the matchers of both phones, which nobody else needs at start.
        from deeplink.rules.alternate import check_alternate

        check_alternate(config, report)
    return config


def _token(
    name: str,
    table: Mapping[str, Any],
    environ: Mapping[str, str],
    report: Report,
    *,
    is_public: bool,
) -> Secret | None:
    from deeplink.rules import pointers

    token = pointers.secret(table.get(name), (name,), environ, report, needed=is_public)
    if token is not None and len(token.reveal()) < MIN_TOKEN:
        what = f"is too short: {len(token.reveal())} characters can be found by trying"
        hint = f"make one of {MIN_TOKEN} or more: openssl rand -hex 16"
        report.error("CFG068", (name,), what, hint)
    return token


def _home_url(table: Mapping[str, Any], environ: Mapping[str, str], report: Report) -> str | None:
    from deeplink.rules import pointers

    text = pointers.text(table.get("home_url"), ("home_url",), environ, report)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_right = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or not text.isascii() or any(character in text for character in ' "<>\\^`{|}'):
        hint = 'write one such as "https://www.acme.com/"'
        report.error("CFG070", ("home_url",), "is not an https URL", hint)
    return text


def _with_drop_ins(config: Config, well_known: Path, report: Report) -> Config:
    from deeplink import dropins

    paths = [row.path for row in config.callbacks]
    drop_ins, findings = dropins.load_drop_ins(well_known, config.known_hosts(), paths)
    report.findings.extend(findings)
    generated = {
        host: dropins.generated(config.links_at(host), config.apps) for host in config.known_hosts()
    }
    report.findings.extend(dropins.conflicts(drop_ins, generated))
    return replace(config, drop_ins=(*drop_ins, *config.drop_ins))


def is_loopback(host: str) -> bool:
    """
    Whether *host* can only mean this machine: a loopback address, localhost, or a name under it.

    >>> is_loopback("127.0.0.1"), is_loopback("app.localhost"), is_loopback("localhost.example.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
