"""
The alternate host: it shows the callback pages, so no association file of it may claim them.

Its whole use is a tap that leaves it for the other host. A phone on which an app claims the page
here, too, never shows it, or keeps the tap (Apple, "Allowing apps and websites to link to your
content"). Asked are the very files that the host publishes, by the matchers of both phones.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from deeplink.association import android, apple, apple_match
from deeplink.association.android_match import compile_rules
from deeplink.dropins import APPLE, ASSETLINKS
from deeplink.findings import Finding, Place, Severity
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deeplink.config import Callback, Config
    from deeplink.rules.report import Report

#: What a provider's redirect looks like; a file may claim it by path alone or by its query.
_QUERY = "code=c&scopes=s&state=s"

_HERE = ("alternate_host",)
_HANDLES = "delegate_permission/common.handle_all_urls"


def check_alternate(config: Config, report: Report) -> None:
    """Note what of *config*, its drop-ins included, spoils the second page."""
    host = config.alternate_host
    if host is None:
        return
    rows_of = Counter(row.path for row in config.callbacks)
    for path, count in rows_of.items():
        if count > 1:
            what = f"has no page for {quoted(path)}, because {count} callbacks have that path"
            report.warning("ALT003", _HERE, what, "give each callback a path of its own")
    served = [row for row in config.callbacks if rows_of[row.path] == 1]
    for place, document in _documents(config, host, APPLE):
        for row, app_id in _claimed_by_apple(apple.parse(document), host, served):
            what = f"claims {quoted(row.path)} of the alternate host for {app_id}"
            _note("ALT001", Severity.ERROR, place, what, report)
    for place, document in _documents(config, host, ASSETLINKS):
        for row, package_name in _claimed_by_android(document, host, served):
            what = f"lets {package_name} claim {quoted(row.path)} of the alternate host"
            _note("ALT002", Severity.WARNING, place, what, report)


def _documents(config: Config, host: str, name: str) -> Iterator[tuple[Place | None, object]]:
    """The host's documents of that *name*: the generated one, which has no place, and drop-ins."""
    build = apple.build if name == APPLE else android.build
    yield None, build(config.links_at(host), config.apps)
    for drop_in in config.drop_ins:
        if drop_in.name == name and drop_in.host in (None, host):
            # A drop-in that could not be read is not among them; it has a finding of its own.
            is_apple = name == APPLE
            value = apple.read(drop_in.body).value if is_apple else json.loads(drop_in.body)
            yield Place(drop_in.source), value


def _claimed_by_apple(
    file: apple.AppleFile, host: str, rows: list[Callback]
) -> Iterator[tuple[Callback, str]]:
    app_ids = dict.fromkeys(app_id for entry in file.entries for app_id in entry.app_ids)
    for row in rows:
        for app_id in app_ids:
            urls = [f"https://{host}{path}?{_QUERY}" for path in (row.path, row.path.rstrip("/"))]
            verdicts = [apple_match.decide(file, app_id, url, host) for url in urls]
            if any(each.decision is apple_match.Decision.MATCH for each in verdicts):
                yield row, app_id


def _claimed_by_android(
    document: object, host: str, rows: list[Callback]
) -> Iterator[tuple[Callback, str]]:
    for statement in android.parse(document):
        if not isinstance(statement, android.Statement) or _HANDLES not in statement.relations:
            continue
        if not isinstance(statement.target, android.AppTarget):
            continue
        rules = compile_rules(statement.rules or ())
        for row in rows:
            if rules.decide(f"https://{host}{row.path}?{_QUERY}").allowed:
                yield row, statement.target.package_name


def _note(code: str, severity: Severity, place: Place | None, what: str, report: Report) -> None:
    if place is not None:
        hint = "exclude the path there: a tap on its page must leave the host"
        report.findings.append(Finding(code, severity, place, what, hint))
        return
    hint = "take the host out of that row's hosts, or exclude the path: a tap must leave the host"
    where = report.place(_HERE)
    report.findings.append(
        Finding(code, severity, where, f"is in a row of links that {what}", hint)
    )
