"""
What is wrong with an ``assetlinks.json`` as somebody wrote it.

Linters read the wire form: the plain JSON value, with its faults. An error is what certainly
breaks for its owner; a file that works gets none. Where readers differ the finding names those
that it concerns: Google's API skips a bad statement, Android 12 and later without Google
services lose the whole file. Sources as in ``android_google`` and ``android_devices``.
"""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING

from deeplink import fingerprint
from deeplink.association.android import (
    GET_LOGIN_CREDS,
    HANDLE_ALL_URLS,
    AppTarget,
    Statement,
    parse,
)
from deeplink.association.android_devices import Agent, unreadable_at
from deeplink.association.android_google import include_of, site_of
from deeplink.association.android_lint_rules import Sheet, lint_extensions
from deeplink.association.android_questions import PACKAGE, RELATION
from deeplink.association.android_statements import CHROMIUM, GOOGLE
from deeplink.findings import Finding, Place, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deeplink.association.android_lint_rules import JsonPath

#: What the codes of this room mean; they never change.
CODES = {
    "DAL001": "the file's value is not a list",
    "DAL002": "an element of the list is not an object",
    "DAL003": "a member that nobody reads",
    "DAL004": "a value that Android's own parser cannot read, so the whole file is lost",
    "DAL005": "the list is empty",
    "DAL006": "a statement that stands twice",
    "DAL101": "a fingerprint that never matches",
    "DAL102": "a key that anyone holds, or nobody of yours",
    "DAL103": "a fingerprint that stands twice",
    "DAL104": "only one key",
    "DAL105": "no list of fingerprints",
    "DAL201": "no list of relations",
    "DAL202": "a relation that is malformed",
    "DAL203": "a relation that nobody is known to read",
    "DAL204": "no target",
    "DAL205": "a namespace that nobody knows",
    "DAL206": "a package name that no app can have",
    "DAL207": "a package name from an example",
    "DAL208": "a site that is malformed",
    "DAL209": "a site that never matches",
    "DAL210": "an app whose links this file does not open",
    "DAL211": "package names that differ in case only",
    "DAL301": "an include that is no URL",
    "DAL302": "an include beside a relation or a target",
    "DAL303": "an include over http",
    "DAL304": "an include, which not everyone follows",
    "DAL401": "relation extensions of the wrong type",
    "DAL402": "extensions of a relation that the statement does not make",
    "DAL403": "extensions without rules",
    "DAL404": "rules that are no list",
    "DAL405": "an empty list of rules",
    "DAL406": "rules for the same app twice",
    "DAL410": "a rule that is no object",
    "DAL411": "a malformed or empty field of a rule",
    "DAL412": "a key that rules do not have",
    "DAL413": "an empty value of a parameter",
    "DAL414": "a rule that asks for nothing",
    "DAL415": "a path that no URL has",
    "DAL416": "an escape in an expression",
    "DAL417": "a question mark right after a star",
    "DAL418": "an expression that early builds of Android 15 mistake",
    "DAL419": "a star that stops early",
    "DAL420": "rules that open nothing",
    "DAL421": "a rule that is never reached",
    "DAL490": "rules need Android 15",
}

#: developers.google.com/digital-asset-links, "Relation Strings"; the others as Chromium and
#: androidx.browser name them.
KNOWN_RELATIONS = (
    HANDLE_ALL_URLS,
    GET_LOGIN_CREDS,
    "delegate_permission/common.use_as_origin",
    "delegate_permission/common.query_webapk",
    "delegate_permission/common.share_location",
)
_QUERY_WEBAPK = "delegate_permission/common.query_webapk"

_STATEMENT_MEMBERS = ("relation", "target", "include", "relation_extensions")
_TARGET_MEMBERS = {
    "android_app": ("namespace", "package_name", "sha256_cert_fingerprints"),
    "web": ("namespace", "site"),
}
_NAMESPACES = tuple(_TARGET_MEMBERS)

_FILE_LOST = (str(Agent.ANDROID_12_14), str(Agent.ANDROID_15))
_AGENTS = tuple(str(agent) for agent in Agent)
_NOT_CHROMIUM = (GOOGLE, *_AGENTS)


def lint(value: object, place_of: Callable[[JsonPath], Place]) -> list[Finding]:
    """
    The faults of a document's JSON value, as far as they can be seen in it.

    *place_of* says where the value at a JSON path stands in the file.
    """
    sheet = Sheet()
    if not isinstance(value, list):
        hint = "put the statement into a list: [ {...} ]" if isinstance(value, dict) else ""
        sheet.error("DAL001", (), "is not a list of statements, so nobody reads it", hint)
    else:
        _lint_list(value, sheet)
    return [
        Finding(one.code, one.severity, place_of(one.at), one.what, one.hint, one.engines)
        for one in sheet.remarks
    ]


def _lint_list(entries: list[object], sheet: Sheet) -> None:
    if not entries:
        what = "is empty: no app opens a link of this host, and no password is shared"
        sheet.warn("DAL005", (), what, "add a statement, or delete the file")
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            _lint_entry(entry, (index,), sheet)
        else:
            what = "is not an object; Android loses the whole file over it"
            sheet.error("DAL002", (index,), what, "delete it", GOOGLE, *_AGENTS)
    _lint_together(entries, sheet)


def _lint_entry(entry: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    _lint_readability(entry, at, sheet)
    _lint_members(entry, _STATEMENT_MEMBERS, at, sheet)
    if "include" in entry:
        _lint_include(entry, at, sheet)
        return
    _lint_relations(entry, at, sheet)
    if isinstance(entry.get("target"), dict):
        _lint_target(entry, at, sheet)
    else:
        what = "has no target, so it says nothing" if "target" not in entry else "is not an object"
        hint = 'write {"namespace": "android_app", "package_name": ..., ...}'
        sheet.error("DAL204", (*at, "target") if "target" in entry else at, what, hint)
    if "relation_extensions" in entry:
        lint_extensions(entry, at, sheet)


def _lint_readability(entry: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    """Numbers, nulls, booleans where AOSP's own JSON parser has no place for them."""
    plain = {name: value for name, value in entry.items() if name != "relation_extensions"}
    lost = {agent: unreadable_at(agent, plain) for agent in Agent}
    where = next((path for path in reversed(lost.values()) if path is not None), None)
    if where is None:
        return
    engines = [str(agent) for agent, path in lost.items() if path is not None]
    what = "is a kind of value that Android's own parser cannot take; it loses the whole file"
    hint = "write it as a text, or leave it out; phones with Google services do not mind"
    sheet.warn("DAL004", (*at, *where), what, hint, *engines)


def _lint_members(
    wire: Mapping[str, object], known: tuple[str, ...], at: JsonPath, sheet: Sheet
) -> None:
    for name in wire:
        if name in known or name.strip("_$/#").lower() in ("comment", "comments", "note"):
            continue
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
        what = "is not a member that anybody reads"
        if near and near[0] not in wire:
            sheet.warn("DAL003", (*at, name), what, f'did you mean "{near[0]}"?')
        elif name in ("exclude", "paths", "dynamic_app_link_components"):
            hint = f'which links open is said under "relation_extensions", "{HANDLE_ALL_URLS}"'
            sheet.warn("DAL003", (*at, name), what, hint)
        else:
            sheet.note(
                "DAL003",
                (*at, name),
                what,
                "it does no harm; leave it out, unless you expected it to do something",
            )


def _lint_include(entry: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    url, here = entry["include"], (*at, "include")
    beside = [name for name in ("relation", "target") if name in entry]
    if not isinstance(url, str):
        what = "is not the URL of another list; paths cannot be chosen here, and this is lost"
        hint = f'name paths under "relation_extensions", "{HANDLE_ALL_URLS}"'
        sheet.error("DAL301", here, what, hint, *_NOT_CHROMIUM)
    elif beside:
        what = f'stands beside "{beside[0]}": Google refuses both, Android reads the include alone'
        sheet.error("DAL302", here, what, "make two elements of the list", *_NOT_CHROMIUM)
    elif include_of({"include": url}) is None:
        what = f'"{url}" is not a URL that anybody fetches'
        sheet.error("DAL301", here, what, "write https://host/path", *_NOT_CHROMIUM)
    elif not url.lower().startswith("https:"):
        what = "is http: a file that came by https may not include it, and Android 12 and later "
        what += "without Google services lose the whole file"
        sheet.error("DAL303", here, what, "serve that list by https", *_NOT_CHROMIUM)
    else:
        what = "is not followed by Chrome, and Android's own verifier follows it one level deep"
        sheet.note("DAL304", here, what, "put statements for Trusted Web Activities here", CHROMIUM)


def _lint_relations(entry: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    here = (*at, "relation")
    relations = entry.get("relation")
    if not isinstance(relations, list) or not relations:
        what = "is not a list of relations" if "relation" in entry else "has no relation"
        where = here if "relation" in entry else at
        sheet.error("DAL201", where, what, f'write "relation": ["{HANDLE_ALL_URLS}"]')
        return
    for index, name in enumerate(relations):
        _lint_relation(name, (*here, index), sheet)


def _lint_relation(name: object, at: JsonPath, sheet: Sheet) -> None:
    if not isinstance(name, str) or not RELATION.fullmatch(name):
        what = "is not of the form kind/detail; Google skips the statement, Android 12 and later "
        what += "without Google services lose the whole file"
        sheet.error("DAL202", at, what, _nearest_relation(name), *_NOT_CHROMIUM)
    elif name not in KNOWN_RELATIONS:
        near = difflib.get_close_matches(name, KNOWN_RELATIONS, n=1, cutoff=0.85)
        if near:
            what = f'"{name}" is not a relation that anybody is known to read'
            sheet.warn("DAL203", at, what, f'did you mean "{near[0]}"?')
        else:
            what = f'"{name}" is a relation of your own; no known reader asks for it'
            sheet.note("DAL203", at, what)


def _nearest_relation(name: object) -> str:
    known = {relation.rpartition(".")[2]: relation for relation in KNOWN_RELATIONS}
    word = (
        name.strip().lower().rpartition("/")[2].rpartition(".")[2] if isinstance(name, str) else ""
    )
    return f'write "{known.get(word, HANDLE_ALL_URLS)}"'


def _lint_target(entry: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    target, here = entry["target"], (*at, "target")
    if not isinstance(target, dict):
        return
    namespace = target.get("namespace")
    known = _TARGET_MEMBERS.get(namespace) if isinstance(namespace, str) else None
    if known is None:
        _lint_namespace(target, here, sheet)
        return
    _lint_members(target, known, here, sheet)
    if namespace == "web":
        _lint_site(entry, target, here, sheet)
    else:
        _lint_package(target, here, sheet)
        _lint_keys(target, here, sheet)


def _lint_namespace(target: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    namespace = target.get("namespace")
    what = f'"{namespace}" is not a namespace' if "namespace" in target else "has no namespace"
    what += "; Google skips the statement, Android 12 and later without Google services lose the "
    what += "whole file"
    if namespace == "ios_app":
        hint = "delete it; iOS apps belong in apple-app-site-association"
    elif isinstance(namespace, str) and namespace:
        hint = did_you_mean(namespace, _NAMESPACES)
    else:
        hint = (
            'write "namespace": "web"' if "site" in target else 'write "namespace": "android_app"'
        )
    where = (*at, "namespace") if "namespace" in target else at
    sheet.error("DAL205", where, what, hint, *_NOT_CHROMIUM)


def _lint_package(target: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    package = target.get("package_name")
    where = (*at, "package_name") if "package_name" in target else at
    if not isinstance(package, str) or not PACKAGE.fullmatch(package) or "." not in package:
        what = "has no package_name" if where == at else "is not the package name of an app"
        hint = 'write the applicationId of the build, such as "com.yourname.app"'
        sheet.error("DAL206", where, what, hint)
    elif package.split(".")[:2] == ["com", "example"]:
        what = f'"{package}": Google Play takes no app under com.example'
        sheet.warn("DAL207", where, what, "write the applicationId that you publish")


def _lint_keys(target: Mapping[str, object], at: JsonPath, sheet: Sheet) -> None:
    name = "sha256_cert_fingerprints"
    keys, here = target.get(name), (*at, name)
    if not isinstance(keys, list) or not keys:
        what = f"has no {name}" if name not in target else "is not a list of fingerprints"
        what += "; Google skips the statement, Android 12 and later without Google services lose "
        what += "the whole file"
        hint = f'write "{name}": ["14:6D:..."], one text for each key'
        sheet.error("DAL105", here if name in target else at, what, hint)
        return
    seen: set[str] = set()
    for index, key in enumerate(keys):
        _lint_key(key, (*here, index), sheet)
        if str(key) in seen:
            sheet.note("DAL103", (*here, index), "stands in this list already", "delete it")
        seen.add(str(key))
    if len(keys) == 1:
        what = (
            "is one key; with Play App Signing the phones carry Google's key, not your upload key"
        )
        hint = "if you use it, list the key from Play Console, App integrity, App signing"
        sheet.note("DAL104", here, what, hint)


def _lint_key(key: object, at: JsonPath, sheet: Sheet) -> None:
    if not isinstance(key, str):
        hint = "write the fingerprint as a text, in quotes"
        sheet.error("DAL101", at, "is not a fingerprint", hint)
        return
    fault = fingerprint.fault_of(key)
    known = fingerprint.known_key(key)
    if fault:
        sheet.error("DAL101", at, *fault)
    if known:
        hint = "list the key that signs your release instead"
        sheet.warn("DAL102", at, f"is {known}", hint)


def _lint_site(
    entry: Mapping[str, object], target: Mapping[str, object], at: JsonPath, sheet: Sheet
) -> None:
    site, relations = target.get("site"), entry.get("relation")
    where = (*at, "site") if "site" in target else at
    named = site_of(site)
    if named is not None:
        if "*" in named.host:
            what = "has a wildcard; a site is one host, and sub-domains are sites of their own"
            sheet.warn("DAL209", where, what, "write one statement for each host")
        return
    is_manifest = isinstance(relations, list) and _QUERY_WEBAPK in relations
    if is_manifest and isinstance(site, str):
        what = "names a manifest, as Chrome wants it; Google's API calls it malformed, and Android "
        what += "12 and later without Google services lose the whole file"
        hint = "put it on a host without apps, if those phones matter to you"
        sheet.warn("DAL208", where, what, hint, GOOGLE, *_AGENTS)
    elif isinstance(site, str) and site_of(site.rstrip("/")) is not None:
        what = "ends in a slash, which Google calls malformed"
        sheet.error("DAL208", where, what, f'write "{site.rstrip("/")}"', GOOGLE, CHROMIUM)
    else:
        what = "has no site" if where == at else "is not a site: scheme and host, without a path"
        what += "; Android 12 and later without Google services lose the whole file"
        sheet.error("DAL208", where, what, 'write "https://www.example.com"')


def _lint_together(entries: list[object], sheet: Sheet) -> None:
    """What can be seen only between statements: repetitions, and apps that open no link."""
    made = [one for one in parse(entries) if isinstance(one, Statement)]
    seen: set[Statement] = set()
    opened: Counter[str] = Counter()
    for statement in made:
        bare = Statement(statement.relations, statement.target, statement.rules)
        if bare in seen:
            what = "says what an earlier statement says already"
            sheet.note("DAL006", (statement.index,), what, "delete it")
        seen.add(bare)
        if isinstance(statement.target, AppTarget) and HANDLE_ALL_URLS in statement.relations:
            opened[statement.target.package_name] += 1
    _lint_rules_twice(made, sheet)
    _lint_packages(made, opened, sheet)


def _lint_rules_twice(made: list[Statement], sheet: Sheet) -> None:
    ruled: set[tuple[str, str]] = set()
    for statement in made:
        if statement.rules is None or not isinstance(statement.target, AppTarget):
            continue
        keys = statement.target.sha256_cert_fingerprints
        pairs = {(statement.target.package_name, key) for key in keys}
        if pairs & ruled:
            what = "gives the same app rules again; which of them count is undefined"
            hint = "put all rules of an app into one statement"
            sheet.warn("DAL406", (statement.index, "relation_extensions"), what, hint)
        ruled |= pairs


def _lint_packages(made: list[Statement], opened: Counter[str], sheet: Sheet) -> None:
    spellings: dict[str, str] = {}
    noted: set[str] = set()
    for statement in made:
        if not isinstance(statement.target, AppTarget):
            continue
        package, at = statement.target.package_name, (statement.index, "target", "package_name")
        first = spellings.setdefault(package.lower(), package)
        if first != package:
            what = f'"{package}" differs from "{first}" in case only; to Android they are two apps'
            sheet.warn("DAL211", at, what, "write the applicationId of the build")
        if GET_LOGIN_CREDS in statement.relations and not opened[package] and package not in noted:
            noted.add(package)
            what = "may share passwords, but no statement lets the app open links"
            hint = f'add "{HANDLE_ALL_URLS}" if it should; passkeys need it too'
            sheet.note("DAL210", (statement.index, "relation"), what, hint)
