"""The table of links and the callback pages: rows become values, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deeplink.association.android import losses_of
from deeplink.association.verdict import App, Link
from deeplink.config import Callback
from deeplink.findings import did_you_mean
from deeplink.rules import hosts as host_rules
from deeplink.rules.link_pages import read_link_page
from deeplink.rules.paths import RESERVED, check_claim, covers, read_path, read_pattern
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deeplink.rules.report import Path, Report


@dataclass(frozen=True, slots=True)
class Known:
    """What a row may name: the hosts, the alternate host, the apps, the names of providers."""

    hosts: tuple[str, ...]
    alternate_host: str | None
    apps: Mapping[str, App]
    providers: frozenset[str]

    @property
    def all_hosts(self) -> tuple[str, ...]:
        return (*self.hosts, self.alternate_host) if self.alternate_host else self.hosts


@dataclass(frozen=True, slots=True)
class Row:
    """A callback with its place in the file and its path as it is written there."""

    callback: Callback
    path: Path
    written: str


def read_links(table: dict[str, Any], known: Known, report: Report) -> tuple[Link, ...]:
    links: list[tuple[Link, Path]] = []
    for position, row in enumerate(table["links"]):
        path: Path = ("links", position)
        link = _link(row, path, known, report) if row is not None else None
        if link is not None:
            links.append((link, path))
    _check_reached(links, report)
    return tuple(link for link, _ in links)


def read_callbacks(table: dict[str, Any], known: Known, report: Report) -> tuple[Row, ...]:
    rows: list[Row] = []
    for position, row in enumerate(table["callbacks"]):
        callback = _callback(row, ("callbacks", position), known, report) if row else None
        if callback is not None:
            rows.append(callback)
    _check_distinct(rows, report)
    return tuple(rows)


def _link(row: dict[str, Any], path: Path, known: Known, report: Report) -> Link | None:
    app = _app(row.get("app"), (*path, "app"), known, report)
    hosts = known.hosts
    if row.get("hosts") is not None:
        hosts = host_rules.read_chosen(row["hosts"], (*path, "hosts"), known.all_hosts, report)
    query = [
        (name, read_pattern(value, (*path, "query", name), report))
        for name, value in row["query"].items()
        if read_pattern(name, (*path, "query", name), report) is not None
    ]
    fragment = row.get("fragment")
    if fragment is not None:
        fragment = read_pattern(fragment, (*path, "fragment"), report)
    pattern = read_path(row["path"], (*path, "path"), report) if row.get("path") else None
    if pattern is None or app is None or not hosts:
        return None
    items = tuple((name, value) for name, value in query if value is not None)
    page = read_link_page(row, app, path, report)
    link = Link(app, hosts, pattern, items, fragment, row["exclude"], page)
    if not link.has_conditions or pattern != "/*":
        _check_claim(link, (*path, "path"), report)
    if app.android:
        for loss in losses_of(link):
            hint = "accept it, or write rows that need no such pattern"
            report.warning("CFG075", path, f"is not wholly said to Android: {loss}", hint)
    return link


def _check_claim(link: Link, path: Path, report: Report) -> None:
    # A row that keeps paths in the browser claims nothing.
    if not link.exclude:
        check_claim(link.path, path, report)


def _app(name: str | None, path: Path, known: Known, report: Report) -> App | None:
    if name is None:
        return None
    if name not in known.apps:
        hint = did_you_mean(name, known.apps) if known.apps else "write a table [apps.NAME]"
        written = report.document.value.get("apps")
        # An app whose table was refused is there, and its fault is said.
        if not (isinstance(written, dict) and name in written):
            report.error("CFG050", path, f"{quoted(name)} is not one of the apps", hint)
        return None
    return known.apps[name]


def _check_reached(links: Sequence[tuple[Link, Path]], report: Report) -> None:
    """Note each row whose URLs an earlier row of the same app decides, all of them."""
    plain: dict[tuple[str, str], list[tuple[Link, Path]]] = {}
    patterns: dict[str, list[tuple[Link, Path]]] = {}
    for link, path in links:
        # A path without wildcard covers no path but itself; patterns must be asked one by one.
        equal = plain.setdefault((link.app.key, link.path), [])
        wider = patterns.setdefault(link.app.key, [])
        for row, where in (*equal, *wider):
            if _decides(row, link):
                line = report.place(where).line
                what = f"is never reached: the row on line {line} decides all that it matches"
                report.warning("CFG054", path, what, "remove it, or move it before that row")
                break
        (wider if "*" in link.path else equal).append((link, path))


def _decides(earlier: Link, later: Link) -> bool:
    if not covers(earlier.path, later.path) or not set(later.hosts) <= set(earlier.hosts):
        return False
    conditions = dict(later.query)
    has_query = all(
        name in conditions and covers(value, conditions[name]) for name, value in earlier.query
    )
    has_fragment = earlier.fragment is None or (
        later.fragment is not None and covers(earlier.fragment, later.fragment)
    )
    return has_query and has_fragment


def _callback(row: dict[str, Any], path: Path, known: Known, report: Report) -> Row | None:
    apps = _apps(row, path, known, report)
    hosts = known.hosts
    if row.get("hosts") is not None:
        hosts = host_rules.read_chosen(row["hosts"], (*path, "hosts"), known.hosts, report)
    provider = row.get("provider")
    if provider is not None and provider not in known.providers:
        hint = (
            did_you_mean(provider, known.providers)
            if known.providers
            else "write a table [providers.NAME]"
        )
        what = f"{quoted(provider)} is not one of the providers"
        report.error("CFG059", (*path, "provider"), what, hint)
    _check_scheme(row, path, apps, report)
    written = row.get("path", "")
    pattern = _callback_path(written, (*path, "path"), report) if written else None
    if pattern is None or not apps or not hosts:
        return None
    callback = Callback(
        path=pattern,
        hosts=hosts,
        apps=tuple(apps),
        provider=provider,
        custom_scheme=row["custom_scheme"],
        expires_after_minutes=row["expires_after_minutes"],
    )
    return Row(callback, path, written)


def _apps(row: dict[str, Any], path: Path, known: Known, report: Report) -> list[App]:
    app, apps = row.get("app"), row.get("apps")
    written = report.document.value["callbacks"][path[1]]
    if "app" in written and "apps" in written:
        what, hint = "has both app and apps", "keep apps, the primary one first"
        report.error("CFG058", path, what, hint)
    elif "app" not in written and "apps" not in written:
        report.error("CFG058", path, "names no app", 'write app = "…", the name of a table in apps')
    if apps is None:
        found = _app(app, (*path, "app"), known, report)
        return [found] if found else []
    chosen: dict[str, App] = {}
    for position, name in enumerate(apps):
        found = _app(name, (*path, "apps", position), known, report)
        if found and found.key in chosen:
            what = f"names {quoted(name)} twice"
            report.warning("CFG054", (*path, "apps", position), what, "remove one of the two")
        elif found:
            chosen[found.key] = found
    return list(chosen.values())


def _check_scheme(row: dict[str, Any], path: Path, apps: Sequence[App], report: Report) -> None:
    if not row["custom_scheme"] or not apps:
        return
    where = (*path, "custom_scheme")
    if not any(app.ios and app.ios.custom_scheme for app in apps):
        what = f"is true, but no app of this row has one ({', '.join(app.key for app in apps)})"
        hint = 'write custom_scheme = "…" in the app\'s ios table, or remove it here'
        report.error("CFG056", where, what, hint)
        return
    what = "is true: any app may register the same scheme and would be handed the code"
    report.warning("CFG057", where, what, "rely on it only where the provider verifies PKCE")


def _callback_path(text: str, path: Path, report: Report) -> str | None:
    if "*" in text:
        what = "has a wildcard; a redirect URI is one address"
        hint = f"write {quoted(text.partition('*')[0].rstrip('/') + '/')}"
        report.error("CFG055", path, what, hint)
        return None
    pattern = read_path(text, path, report)
    if pattern is None:
        return None
    if pattern == "/":
        hint = 'write a path of its own, such as "/login-callback/"'
        report.error("CFG052", path, "is the front page, which this server answers itself", hint)
        return None
    slashed = pattern if pattern.endswith("/") else f"{pattern}/"
    if any(slashed.startswith(f"{reserved}/") for reserved in RESERVED):
        check_claim(slashed, path, report)
        return None
    return slashed


def _check_distinct(rows: Sequence[Row], report: Report) -> None:
    """Note callbacks at one address: which app or provider is meant could not be told (S11)."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        clashes = [
            first[host, row.callback.path]
            for host in row.callback.hosts
            if (host, row.callback.path) in first
        ]
        if clashes:
            line = report.place(clashes[0].path).line
            what = f"is never reached: the callback on line {line} has the same path"
            hint = "give each provider a path of its own; several apps go into one row's apps"
            report.error("CFG054", (*row.path, "path"), what, hint)
        for host in row.callback.hosts:
            first.setdefault((host, row.callback.path), row)
