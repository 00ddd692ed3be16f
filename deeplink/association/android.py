"""
What assetlinks.json says: statements built from the table of links, and read back again.

A host makes one statement for each Android app that has a link there. If a row has conditions
that an intent filter cannot say (query, fragment, exclude), the statement carries dynamic rules
for all of the app's rows; Android 15 and later read them, with Google services.

Grammar: https://github.com/google/digitalassetlinks, well-known/details.md. Dynamic rules:
https://developer.android.com/training/app-links/configure-assetlinks
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deeplink.association.verdict import App, Link

#: The one relation that verifies App Links; passkeys and Custom Tabs ask for it too.
HANDLE_ALL_URLS = "delegate_permission/common.handle_all_urls"
#: Saved passwords of the site are offered in the app.
GET_LOGIN_CREDS = "delegate_permission/common.get_login_creds"
#: Where the rules of one relation lie inside ``relation_extensions``.
RULES = "dynamic_app_link_components"

#: For how many stops inside one star of a path the rules are written out, plus one.
DEPTH = 4

#: Where a file lies on its host (IANA well-known URI "assetlinks.json").
WELL_KNOWN_PATH = "/.well-known/assetlinks.json"


@dataclass(frozen=True, slots=True)
class Component:
    """
    One dynamic rule. A part that is None, or an empty *query*, is not looked at.

    The parts are expressions against the decoded URL: ``*`` runs up to the first occurrence of
    the character that follows it, ``?`` is one character.
    """

    path: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    fragment: str | None = None
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class AppTarget:
    """The app a statement speaks about, for any one of the keys."""

    package_name: str
    sha256_cert_fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteTarget:
    """The web site a statement speaks about, as the file spells it."""

    site: str


@dataclass(frozen=True, slots=True)
class Statement:
    """
    One statement. *rules* is None where no dynamic rules are given; an empty tuple is not that.

    *index* is its place in the list, for those who point at it.
    """

    relations: tuple[str, ...]
    target: AppTarget | SiteTarget
    rules: tuple[Component, ...] | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Include:
    """A pointer to another list of statements; Chromium does not follow it."""

    url: str
    index: int = 0


def build(links: Sequence[Link], apps: Sequence[App]) -> list[dict[str, object]]:
    """
    The document of the host whose rows *links* are, in the order of *apps*.

    Apps that share credentials appear even without a link here. No links and no credentials
    make an empty list, which is a valid document that states nothing.
    """
    statements = [_statement_of(app, [row for row in links if row.app == app]) for app in apps]
    return document_of([statement for statement in statements if statement is not None])


def render(document: object) -> bytes:
    """The bytes to serve: stable, indented, ASCII only, with a final newline."""
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def parse(document: object) -> list[Statement | Include]:
    """
    The statements that a parsed file makes, in order; what is malformed makes none.

    This is the rule form, for matchers. Which reader takes or loses what is said by
    ``android_statements``; what is wrong, and where, by ``android_lint``.
    """
    entries = document if isinstance(document, list) else []
    return [
        made
        for index, entry in enumerate(entries)
        if isinstance(entry, dict) and (made := _entry_of(entry, index)) is not None
    ]


def document_of(entries: Sequence[Statement | Include]) -> list[dict[str, object]]:
    """The document that makes these statements; ``parse`` gives them back."""
    return [
        {"include": entry.url} if isinstance(entry, Include) else _wire_of(entry)
        for entry in entries
    ]


def component_of(wire: Mapping[str, object]) -> Component:
    """
    A rule as Android's parser takes it, which coerces rather than refuses.

    A ``?`` that is no object is silently no condition at all (``optJSONObject``), texts are
    made of whatever stands there (``getString``): AOSP, StatementParser.kt, parseComponent.
    """
    query = wire.get("?")
    exclude = wire.get("exclude")
    return Component(
        path=text_of(wire["/"]) if "/" in wire else None,
        query=tuple((name, text_of(value)) for name, value in query.items())
        if isinstance(query, dict)
        else (),
        fragment=text_of(wire["#"]) if "#" in wire else None,
        exclude=exclude is True or (isinstance(exclude, str) and exclude.lower() == "true"),
    )


def text_of(value: object) -> str:
    """A JSON value as org.json's getString hands it out: texts as they are, the rest printed."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        return ""


def components_of(link: Link) -> tuple[Component, ...]:
    """
    The dynamic rules that say what *link* says, so that both phones take the same URLs.

    Apple drops trailing slashes on both sides, lets ``/invite/*`` match ``/invite`` and lets
    ``*`` run over anything; Android compares letter by letter and its ``*`` stops at the first
    occurrence of what follows. One row can therefore need several rules. ``*`` alone asks for
    something to be there: as a query value or a fragment it becomes ``?*``, on both phones.

    Nobody can ask for an empty parameter or fragment: such a row is left out if it opens, and
    excludes whatever its other parts match.
    """
    wanted = [(_decoded(name), _some(_decoded(value))) for name, value in link.query]
    query = tuple((name, value) for name, value in wanted if value)
    fragment = None if link.fragment is None else _some(_decoded(link.fragment))
    if not link.exclude and (len(query) < len(wanted) or fragment == ""):
        return ()
    return tuple(
        Component(path, query, fragment or None, link.exclude) for path in _paths_of(link.path)
    )


def losses_of(link: Link) -> tuple[str, ...]:
    """
    What of *link* Android's rules cannot say, one clause each, for the person who wrote it.

    Empty means that both phones agree on every URL, but for doubled slashes, repeated query
    names and parameters without a value, which no app writes.
    """
    return tuple(_losses_of(link))


def _statement_of(app: App, rows: Sequence[Link]) -> Statement | None:
    relations = [HANDLE_ALL_URLS] if rows else []
    relations += [GET_LOGIN_CREDS] if app.share_credentials else []
    if app.android is None or not relations:
        return None
    target = AppTarget(app.android.package_name, app.android.sha256_cert_fingerprints)
    if not any(row.has_conditions for row in rows):
        return Statement(tuple(relations), target)
    rules = tuple(rule for row in rows for rule in components_of(row))
    # An empty list would narrow nothing; rows that cannot be said must not open everything.
    return Statement(tuple(relations), target, rules or (Component("*", exclude=True),))


def _wire_of(statement: Statement) -> dict[str, object]:
    wire: dict[str, object] = {"relation": list(statement.relations)}
    if isinstance(statement.target, AppTarget):
        wire["target"] = {
            "namespace": "android_app",
            "package_name": statement.target.package_name,
            "sha256_cert_fingerprints": list(statement.target.sha256_cert_fingerprints),
        }
    else:
        wire["target"] = {"namespace": "web", "site": statement.target.site}
    if statement.rules is not None:
        rules = [_wire_of_component(rule) for rule in statement.rules]
        wire["relation_extensions"] = {HANDLE_ALL_URLS: {RULES: rules}}
    return wire


def _wire_of_component(rule: Component) -> dict[str, object]:
    wire: dict[str, object] = {}
    if rule.path is not None:
        wire["/"] = rule.path
    if rule.query:
        wire["?"] = dict(rule.query)
    if rule.fragment is not None:
        wire["#"] = rule.fragment
    if rule.exclude:
        wire["exclude"] = True
    return wire


def _entry_of(entry: Mapping[str, object], index: int) -> Statement | Include | None:
    include = entry.get("include")
    if include:
        return Include(include, index) if isinstance(include, str) else None
    relations, target = entry.get("relation"), _target_of(entry.get("target"))
    if not isinstance(relations, list) or target is None:
        return None
    names = tuple(name for name in relations if isinstance(name, str))
    return Statement(names, target, _rules_of(entry), index) if names else None


def _target_of(target: object) -> AppTarget | SiteTarget | None:
    if not isinstance(target, dict):
        return None
    package, keys, site = (
        target.get(name) for name in ("package_name", "sha256_cert_fingerprints", "site")
    )
    if target.get("namespace") == "android_app" and isinstance(package, str):
        if not isinstance(keys, list):
            return None
        return AppTarget(package, tuple(key for key in keys if isinstance(key, str)))
    if target.get("namespace") == "web" and isinstance(site, str):
        return SiteTarget(site)
    return None


def _rules_of(entry: Mapping[str, object]) -> tuple[Component, ...] | None:
    value: object = entry
    for name in ("relation_extensions", HANDLE_ALL_URLS, RULES):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    return tuple(component_of(rule) for rule in value if isinstance(rule, dict))


def _paths_of(pattern: str) -> tuple[str, ...]:
    path = _folded(_decoded(pattern)).rstrip("/") or "/"
    if path in ("/*", "*"):
        return ("*",)
    if path.endswith("/*"):
        forms = [path, path.removesuffix("/*")]
    elif path.endswith("*") or path == "/":
        forms = [path]
    else:
        forms = [path, path + "/"]
    return tuple(dict.fromkeys(deeper for form in forms for deeper in _deepened(form)))


def _deepened(path: str) -> Iterator[str]:
    """
    The path with each inner star spelt out for up to DEPTH - 1 stops inside it.

    ``/a/*/c`` takes one segment on Android; with ``/a/*/*/c`` and so on the rules together take
    what Apple's star takes.
    """
    first, *rest = path.split("*")
    gaps = [
        ["*" + (literal[:1] + "*") * stops + literal for stops in range(_depth_of(path))]
        if literal and not literal.startswith("?")
        else ["*" + literal]
        for literal in rest
    ]
    for chosen in itertools.product(*gaps):
        yield first + "".join(chosen)


def _depth_of(path: str) -> int:
    """DEPTH for one or two inner stars, less for more, so that a row stays a handful of rules."""
    return {0: DEPTH, 1: DEPTH, 2: DEPTH, 3: 2, 4: 2}.get(path.rstrip("*").count("*"), 1)


def _decoded(pattern: str) -> str:
    """Android compares with the decoded URL, where an escape in a rule never matches."""
    return unquote_to_bytes(pattern.encode("utf-8", "replace")).decode("utf-8", "replace")


def _folded(pattern: str) -> str:
    """Two stars in a row say no more than one, and Android takes the second for a letter."""
    while "**" in pattern:
        pattern = pattern.replace("**", "*")
    return pattern


def _some(pattern: str) -> str:
    return "?*" if _folded(pattern) == "*" else _folded(pattern)


def _losses_of(link: Link) -> Iterator[str]:
    path = _folded(_decoded(link.path)).rstrip("/")
    if "*" in path[:-1]:
        yield (
            f'path "{link.path}": on Android "*" is spelt out for {_depth_of(path) - 1} stops '
            "inside it, so deeper URLs open on iOS only"
        )
    values = [(f"query {name}", value) for name, value in link.query]
    values += [] if link.fragment is None else [("fragment", link.fragment)]
    for part, pattern in values:
        star = _folded(_decoded(pattern)).find("*")
        rest = _folded(_decoded(pattern))[star + 1 :]
        if star >= 0 and rest:
            yield (
                f'{part} "{pattern}": on Android "*" stops at the first "{rest[0]}" after it, '
                "so URLs with another one there open on iOS only"
            )
        if not pattern:
            yield f"{part} is empty, which neither phone can ask for"
    for part, pattern in [("path", link.path), *values]:
        if any(mark in pattern.lower() for mark in ("%2a", "%3f")):
            yield f'{part} "{pattern}": Android has no way to write a literal "*" or "?"'
    for name, value in link.query:
        if any(mark in _decoded(name) for mark in "*?=&;"):
            yield f'query name "{name}": Android reads "* ? = & ;" in a name as syntax'
        if "&" in _decoded(value):
            yield f'query value "{value}": Android decodes the query before it splits it at "&"'
