"""
What is wrong with an ``apple-app-site-association`` as somebody wrote it.

Linters read the wire form: the plain JSON value, with the misspelt keys that Apple ignores and
that therefore widen a rule. An error is what certainly breaks; a file that works gets none.
"""

from __future__ import annotations

import difflib
import re
import string
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from deeplink.association import apple
from deeplink.association.apple import AppleFile, JsonPath, Rule
from deeplink.association.apple_match import (
    PREDEFINED,
    Decision,
    Kind,
    Token,
    common_length,
    decide,
    entitlement,
    tokens_of,
)
from deeplink.association.apple_reach import unreachable
from deeplink.association.apple_samples import SAFE, SAMPLE_HOST, samples
from deeplink.findings import Finding, Place, Severity, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

#: What the codes of this room mean; they never change.
CODES = {
    "AASA001": "the file is not JSON",
    "AASA002": "the file is larger than Apple reads",
    "AASA003": "the file's value is not an object",
    "AASA004": "the file is signed; the signature was not checked",
    "AASA005": "the file begins with a byte order mark",
    "AASA010": "the file names no service",
    "AASA011": "a key that Apple does not know",
    "AASA012": "a service inside another",
    "AASA013": "a value of the wrong type",
    "AASA014": "applinks.apps is not empty",
    "AASA015": "details is an object, the oldest form",
    "AASA020": "an entry that names no app",
    "AASA021": "an app id that no app can have",
    "AASA022": "an app id that is a placeholder",
    "AASA023": "app ids that differ by a slip between two services",
    "AASA024": "an app id that stands twice in one list",
    "AASA025": "an appID that is ignored because appIDs stands beside it",
    "AASA030": "components beside paths",
    "AASA031": "an entry with neither components nor paths",
    "AASA032": "an entry that opens nothing",
    "AASA033": "appIDs with paths only",
    "AASA034": "NOT in components",
    "AASA035": "NOT in a spelling that does not exclude",
    "AASA040": "a key in a rule that Apple does not know",
    "AASA041": "a rule without a condition",
    "AASA042": "a condition that is ignored because of its type",
    "AASA043": "a parameter's pattern that is no string: the whole dictionary is dropped",
    "AASA044": "a switch that is neither true nor false",
    "AASA045": "a query dictionary that requires nothing",
    "AASA046": "a pattern that can never match",
    "AASA047": "a query where it is not read as one",
    "AASA048": "a host inside a path",
    "AASA049": "a percent-escape that compares otherwise than it looks",
    "AASA050": "a substitution variable that does not exist",
    "AASA051": "a faulty definition of a substitution variable",
    "AASA052": "$(lang)-$(region) knows no scripts",
    "AASA053": "another language's pattern syntax",
    "AASA054": "defaults that reach into every rule",
    "AASA055": "a rule that is never reached",
    "AASA056": "Apple's sample rules",
    "AASA057": "the system version that a feature needs",
    "AASA060": "an entitlement that covers nothing",
    "AASA061": "an entitlement that works in development only",
    "AASA062": "more domains than Apple advises",
}

_SERVICES = ("applinks", *apple.FLAT_SERVICES)
_APPLINKS_KEYS = ("apps", "details", "defaults", "substitutionVariables")
_ENTRY_KEYS = ("appID", "appIDs", "components", "paths", "defaults")
_RULE_KEYS = (*apple.BUILT_IN, "comment")

#: What people write for the keys that are signs.
_SPELLED_OUT = {"path": "/", "paths": "/", "query": "?", "fragment": "#", "hash": "#"}

#: Keys that are meant for readers, like Apple's ``comment``.
_REMARKS = frozenset({"comments", "description", "note", "notes", "name", "title", "//"})

#: Xcode's and Apple's examples, and what templates put in their place.
_SAMPLE_PREFIXES = frozenset(
    {
        *("ABCDE12345", "12345ABCDE", "ABCDEFGHIJ", "ABCD1234EF", "A1B2C3D4E5", "1234567890"),
        *("0123456789", "XXXXXXXXXX", "AAAAAAAAAA", "0000000000", "TEAMID1234", "YOURTEAMID"),
        *("9JA89QQLNQ", "D3KQX62K1A"),
    }
)
_SAMPLE_BUNDLE = re.compile(
    r"^(com|org)\.(example|yourcompany|mycompany|company)(\.|$)"
    r"|your[._-]?(app|bundle|company)|placeholder|bundle_?id|PRODUCT_BUNDLE",
    re.IGNORECASE,
)
_PREFIX_LETTERS = frozenset(string.ascii_uppercase + string.digits)
_BUNDLE_LETTERS = frozenset(string.ascii_letters + string.digits + "-.")

_NOT = re.compile(r"^\s*(?:!|not(?=[\s/*]))\s*", re.IGNORECASE)
_QUERY_IN_PATH = re.compile(r"\?[A-Za-z_][\w.-]*=")
_URL_IN_PATH = re.compile(r"^/?[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HOST_IN_PATH = re.compile(
    r"^/?(?:[a-z0-9-]+\.)+"
    r"(?:com|org|net|io|app|dev|co|me|info|biz|edu|gov|link|page|de|uk|fr|jp|cn|ru|br)(?:/|$)",
    re.IGNORECASE,
)
#: What every URL library escapes, so that it never arrives unescaped (RFC 3986, section 2).
_NEVER_RAW = re.compile(r'[\x00-\x20"<>\x7f]')
_LOWER_ESCAPE = re.compile(r"%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f?*$]{2}|[*$])")
_FOREIGN = re.compile(
    r"\{\w+\}|/:\w|\\[dws]|\[[0-9A-Za-z]-[0-9A-Za-z]|(?:^|[/(])\.[*+]|^\^|\([^()|$]*\||(?<=.)\$$"
)

#: Apple's documentation puts these into its first example.
_SAMPLE_PATHS = frozenset({"/buy/*", "/help/website/*", "/help/*"})

#: Since which iOS and macOS a feature exists; Apple's reference pages, "Availability".
_SINCE = {
    "NOT in paths": ("9.2", "10.15"),
    "components": ("13.0", "10.15"),
    "appIDs": ("13.0", "10.15"),
    "applinks without apps": ("13.0", "10.15"),
    "caseSensitive": ("13.5", "10.15.5"),
    "substitutionVariables": ("13.5", "10.15.5"),
    "percentEncoded": ("14.0", "11.0"),
    "defaults": ("14.0", "11.0"),
}

#: Apple's archived guide: "no more than about 20 to 30 domain names".
_MOST_DOMAINS = 30

#: The bound of the search for near ids; beyond it nothing is said.
_MOST_PAIRS = 20_000


class Remark(NamedTuple):
    """A finding before it has a place: *at* is where in the document it lies."""

    code: str
    severity: Severity
    at: JsonPath
    what: str
    hint: str


class Feature(NamedTuple):
    """Something in a document that older systems do not know."""

    name: str
    ios: str
    macos: str
    at: JsonPath


def lint(
    value: object, place_of: Callable[[JsonPath], Place], *, min_ios: str = ""
) -> list[Finding]:
    """
    The faults of a document's JSON value, as far as they can be seen in it.

    *place_of* says where the value at a JSON path stands in the file. With *min_ios* (``12``,
    ``13.4``) a feature that this system lacks is a warning; without it, the newest system that
    the document needs is one remark.
    """
    remarks = list(_remarks(value))
    remarks += _features_missing(value, min_ios) if min_ios else _newest_needed(value)
    return [
        Finding(one.code, one.severity, place_of(one.at), one.what, one.hint) for one in remarks
    ]


def lint_reading(reading: apple.Reading, file: str) -> list[Finding]:
    """The faults of a file's bytes; ``lint`` has those of its value, whatever its type."""
    whole = Place(file)
    fault = reading.fault
    if fault and fault.code != "AASA003":
        place = Place(file, fault.line, fault.column)
        return [Finding(fault.code, Severity.ERROR, place, fault.what, fault.hint)]
    found = []
    if reading.size > apple.CERTAIN_SIZE:
        what = f"has {reading.size:,} bytes; Apple's limit of 128 KB may mean 128,000"
        hint = "merge rules with wildcards before it grows further"
        found.append(Finding("AASA002", Severity.WARNING, whole, what, hint))
    if reading.signed:
        what = "is signed; the signature was not checked"
        hint = "serve the plain JSON: nothing since iOS 9 needs a signature over https"
        found.append(Finding("AASA004", Severity.INFO, whole, what, hint))
    if reading.has_bom:
        what = "begins with a byte order mark, which JSON does not allow (RFC 8259, section 8.1)"
        hint = 'save it as "UTF-8 without BOM"'
        found.append(Finding("AASA005", Severity.WARNING, Place(file, 1, 1), what, hint))
    return found


def lint_entitlements(texts: Sequence[str], place_of: Callable[[JsonPath], Place]) -> list[Finding]:
    """The faults of an app's Associated Domains strings; paths have one index, from 0."""
    found = []
    for index, text in enumerate(texts):
        read = entitlement(text)
        if read.fault:
            what = f'"{text}" covers nothing: it {read.fault}'
            found.append(Finding("AASA060", Severity.ERROR, place_of((index,)), what))
        elif "developer" in read.mode:
            what = f'"{text}" counts only for development-signed apps on prepared devices'
            hint = "leave ?mode= out of the entitlement that you ship"
            found.append(Finding("AASA061", Severity.WARNING, place_of((index,)), what, hint))
    if len(texts) > _MOST_DOMAINS:
        what = f"has {len(texts)} domains; Apple advises 20 to 30 at most"
        hint = "use a wildcard, applinks:*.example.com"
        found.append(Finding("AASA062", Severity.WARNING, place_of(()), what, hint))
    return found


def features(value: object) -> list[Feature]:
    """What in the document needs a system newer than iOS 9, each at its first use."""
    found: dict[str, Feature] = {}

    def note(name: str, at: JsonPath) -> None:
        found.setdefault(name, Feature(name, *_SINCE[name], at))

    applinks = _object(_object(value).get("applinks"))
    if applinks and "apps" not in applinks:
        note("applinks without apps", ("applinks",))
    for key in ("substitutionVariables", "defaults"):
        if key in applinks:
            note(key, ("applinks", key))
    for at, entry in _entries(applinks):
        for key in ("appIDs", "components", "defaults"):
            if key in entry:
                note(key, (*at, key))
        for place, rule in _rows(at, entry, "components"):
            for key in ("caseSensitive", "percentEncoded"):
                if key in _object(rule):
                    note(key, (*place, key))
        for place, path in _rows(at, entry, "paths"):
            if isinstance(path, str) and path.startswith("NOT "):
                note("NOT in paths", place)
    return list(found.values())


def _error(code: str, at: JsonPath, what: str, hint: str) -> Remark:
    return Remark(code, Severity.ERROR, at, what, hint)


def _warning(code: str, at: JsonPath, what: str, hint: str) -> Remark:
    return Remark(code, Severity.WARNING, at, what, hint)


def _info(code: str, at: JsonPath, what: str, hint: str) -> Remark:
    return Remark(code, Severity.INFO, at, what, hint)


def _remarks(value: object) -> Iterator[Remark]:
    if not isinstance(value, dict):
        hint = 'write an object: {"applinks": {"details": [...]}}'
        yield _error("AASA003", (), "is not a JSON object", hint)
        return
    yield from _about_services(value)
    yield from _about_ids(value)
    applinks = value.get("applinks")
    if isinstance(applinks, dict):
        file = apple.parse(value)
        rules = {rule.at: rule for entry in file.entries for rule in entry.rules}
        yield from _about_applinks(applinks)
        yield from _about_variables(applinks)
        yield from _about_defaults(applinks, ("applinks",))
        for at, entry in _entries(applinks):
            yield from _about_entry(at, entry)
            yield from _about_defaults(entry, at)
            yield from _about_rules(at, entry, rules, file)
        yield from _about_patterns(file)
        yield from _about_samples(file)
        yield from _about_unreachable(file)


# --- services --------------------------------------------------------------------------------


def _about_services(root: Mapping[str, object]) -> Iterator[Remark]:
    if not any(name in root for name in _SERVICES):
        hint = f"the services are {', '.join(_SERVICES)}"
        yield _error("AASA010", (), "names no service, so it does nothing", hint)
    for key, value in root.items():
        if key not in _SERVICES:
            yield from _about_unknown_key(key, (key,), _SERVICES)
        elif not isinstance(value, dict):
            yield _wrong_type((key,), value, 'an object, {"apps": [...]}')
        elif key != "applinks":
            yield from _about_flat_service(key, value)


def _about_flat_service(name: str, service: Mapping[str, object]) -> Iterator[Remark]:
    at: JsonPath = (name,)
    if "apps" not in service:
        what = "has no apps, so it does nothing"
        yield _error("AASA013", at, what, f'write "{name}": {{"apps": ["<prefix>.<bundle id>"]}}')
    elif not isinstance(service["apps"], list):
        yield _wrong_type((*at, "apps"), service["apps"], "a list of app ids")
    for key in service:
        if key in _SERVICES:
            yield _nested(key, name)
        elif key != "apps":
            yield from _about_unknown_key(key, (*at, key), ("apps",))


def _about_applinks(applinks: Mapping[str, object]) -> Iterator[Remark]:
    at: JsonPath = ("applinks",)
    for key in applinks:
        if key in _SERVICES:
            yield _nested(key, "applinks")
        elif key not in _APPLINKS_KEYS:
            yield from _about_unknown_key(key, (*at, key), _APPLINKS_KEYS)
    if applinks.get("apps"):
        what = "is not empty: iOS 12 and older want an empty list, iOS 13 and newer ignore it"
        hint = 'write "apps": [] or leave it out; the apps of a link stand in details'
        yield _warning("AASA014", (*at, "apps"), what, hint)
    details = applinks.get("details")
    if "details" not in applinks:
        yield _warning("AASA013", at, "has no details, so it opens nothing", 'add "details": []')
    elif isinstance(details, dict):
        what = "is an object, the oldest form; the order of its apps is undefined"
        hint = "write a list of entries, each with appIDs and components"
        yield _info("AASA015", (*at, "details"), what, hint)
    elif not isinstance(details, list):
        yield _wrong_type((*at, "details"), details, "a list of entries")
    items = details.items() if isinstance(details, dict) else _numbered(details)
    for index, entry in items:
        if not isinstance(entry, dict):
            yield _wrong_type((*at, "details", index), entry, "an object")


def _nested(name: str, inside: str) -> Remark:
    what = f"is a service of its own; inside {inside} nobody reads it"
    return _error("AASA012", (inside, name), what, f"move it out, beside {inside}")


def _about_unknown_key(key: str, at: JsonPath, known: Collection[str]) -> Iterator[Remark]:
    what = "is not a key that Apple knows, and is ignored"
    if _resembles(key, known):
        yield _warning("AASA011", at, what, did_you_mean(key, known))
    elif not _is_remark(key):
        yield _info("AASA011", at, what, f"known here: {', '.join(known)}")


def _wrong_type(at: JsonPath, value: object, wanted: str) -> Remark:
    return _error("AASA013", at, f"is {_type_name(value)} and is ignored", f"write {wanted}")


# --- app ids ---------------------------------------------------------------------------------


def _about_ids(root: Mapping[str, object]) -> Iterator[Remark]:
    lists = dict(_id_lists(root))
    for at, ids in lists.items():
        seen: set[str] = set()
        for index, app_id in enumerate(ids):
            place = (*at, index) if at[-1] in ("appIDs", "apps") else at
            if not isinstance(app_id, str):
                yield _wrong_type(place, app_id, 'a string, "<prefix>.<bundle id>"')
                continue
            yield from _about_id(place, app_id)
            if app_id in seen:
                what = f'"{app_id}" stands in this list already'
                yield _warning("AASA024", place, what, "remove one of the two")
            seen.add(app_id)
    yield from _about_near_ids(lists)


def _id_lists(root: Mapping[str, object]) -> Iterator[tuple[JsonPath, list[object]]]:
    """Every list of app ids that counts, with its place; a single id as a list of one."""
    details = _object(root.get("applinks")).get("details")
    for at, entry in _entries(_object(root.get("applinks"))):
        if isinstance(details, dict):
            yield at, [at[-1]]
        elif isinstance(entry.get("appIDs"), list):
            yield (*at, "appIDs"), _list(entry["appIDs"])
        elif "appID" in entry and "appIDs" not in entry:
            yield (*at, "appID"), [entry["appID"]]
    for name in apple.FLAT_SERVICES:
        yield (name, "apps"), _list(_object(root.get(name)).get("apps"))


def _about_id(at: JsonPath, app_id: str) -> Iterator[Remark]:
    prefix, dot, bundle = app_id.partition(".")
    if fault := _id_fault(prefix, dot, bundle):
        hint = 'write "<prefix>.<bundle id>", for example "A1B2C3D4E5.org.site.app"'
        yield _error("AASA021", at, f'"{app_id}" {fault}', hint)
    elif prefix in _SAMPLE_PREFIXES or _SAMPLE_BUNDLE.search(bundle):
        is_sample = prefix in _SAMPLE_PREFIXES and _SAMPLE_BUNDLE.search(bundle)
        say = _error if is_sample else _warning
        hint = "take the id from Xcode: App ID Prefix (mostly the Team ID), dot, bundle id"
        yield say("AASA022", at, f'"{app_id}" looks like a placeholder', hint)


def _id_fault(prefix: str, dot: str, bundle: str) -> str:
    if prefix.upper() != prefix and len(prefix) == 10 and prefix.isalnum() and bundle:
        return "has a prefix in lower case; Apple's are in upper case and compared exactly"
    if not (dot and len(prefix) == 10 and _PREFIX_LETTERS.issuperset(prefix)):
        return "does not begin with a prefix of 10 letters and digits and a dot"
    if not bundle:
        return "has no bundle id after its prefix"
    if "*" in bundle:
        return "has a wildcard; a wildcard App ID cannot have associated domains"
    if not _BUNDLE_LETTERS.issuperset(bundle) or not all(bundle.split(".")):
        return "has a bundle id with something else than letters, digits, hyphens, single dots"
    return ""


def _about_near_ids(lists: Mapping[JsonPath, list[object]]) -> Iterator[Remark]:
    """Ids of a flat service that no link entry has, but nearly: mostly a slip of the pen."""
    linked = {i for at, ids in lists.items() if at[0] == "applinks" for i in _strings(ids)}
    for at, ids in lists.items():
        if at[0] == "applinks" or len(ids) * len(linked) > _MOST_PAIRS:
            continue
        theirs = set(_strings(ids))
        for index, app_id in enumerate(ids):
            if not isinstance(app_id, str) or app_id in linked:
                continue
            near = [i for i in sorted(linked) if i not in theirs and _is_slip(app_id, i)]
            if near:
                what = f'"{app_id}" is nearly, but not quite, "{near[0]}" of applinks'
                hint = "write the same id in both places if one app is meant"
                yield _warning("AASA023", (*at, index), what, hint)


def _is_slip(left: str, right: str) -> bool:
    if left.lower() == right.lower():
        return True
    (prefix, _, bundle), (other, _, other_bundle) = left.partition("."), right.partition(".")
    if bundle == other_bundle:
        return _is_one_edit(prefix, other)
    if prefix != other:
        return False
    parts, other_parts = bundle.split("."), other_bundle.split(".")
    return _without_echo(parts) == _without_echo(other_parts) or (
        # A digit more or less is mostly another app on purpose: app, app2.
        bundle.strip(string.digits) != other_bundle.strip(string.digits)
        and _is_one_edit(bundle, other_bundle)
    )


def _without_echo(parts: list[str]) -> list[str]:
    return [part for n, part in enumerate(parts) if n == 0 or parts[n - 1] != part]


def _is_one_edit(left: str, right: str) -> bool:
    """Whether one character more, less, other or swapped with its neighbour makes them equal."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = common_length(left, right)
    a, b = left[start:], right[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[1::-1], a[2:]) == (b[:2], b[2:])


# --- entries ---------------------------------------------------------------------------------


def _about_entry(at: JsonPath, entry: Mapping[str, object]) -> Iterator[Remark]:
    for key in entry:
        if key in _SERVICES:
            yield _error(
                "AASA012",
                (*at, key),
                "is a service; inside an entry nobody reads it",
                "move it out",
            )
        elif key not in _ENTRY_KEYS:
            yield from _about_unknown_key(key, (*at, key), _ENTRY_KEYS)
    if isinstance(at[-1], int):
        yield from _about_the_apps_of(at, entry)
    for key in ("components", "paths"):
        if key in entry and not isinstance(entry[key], list):
            yield _wrong_type((*at, key), entry[key], "a list")
    if "components" not in entry and "paths" not in entry:
        what = "has neither components nor paths, so it opens nothing"
        yield _warning("AASA031", at, what, 'add "components": [{"/": "/path/*"}]')
    elif entry.get("components") == [] or entry.get("components", entry.get("paths")) == []:
        what = "has no rules, so it opens nothing"
        yield _warning("AASA032", at, what, "add the paths that the app opens")
    if "components" in entry and "paths" in entry:
        yield _mixed(at, entry)


def _about_the_apps_of(at: JsonPath, entry: Mapping[str, object]) -> Iterator[Remark]:
    ids, app_id = entry.get("appIDs"), entry.get("appID")
    if "appIDs" in entry and not isinstance(ids, list):
        yield _wrong_type((*at, "appIDs"), ids, "a list of app ids")
    elif not ids and (app_id is None or "appIDs" in entry):
        what = "names no app, so it applies to nobody"
        yield _error("AASA020", at, what, 'add "appIDs": ["<prefix>.<bundle id>"]')
    elif isinstance(ids, list) and app_id is not None and app_id not in ids:
        what = f'"{app_id}" is ignored: beside appIDs, iOS 13 and newer do not read appID'
        yield _warning("AASA025", (*at, "appID"), what, "put it into appIDs")
    if ids and "paths" in entry and "components" not in entry and app_id is None:
        what = "stands with paths only: iOS 12 and older know paths, but not appIDs"
        hint = "write components instead of paths, which all systems with appIDs read"
        yield _info("AASA033", (*at, "appIDs"), what, hint)


def _mixed(at: JsonPath, entry: Mapping[str, object]) -> Remark:
    """The two forms side by side are fine as long as old systems open no more than new ones."""
    new, old = (
        apple.parse({"applinks": {"details": [{"appIDs": ["x"], key: entry[key]}]}})
        for key in ("components", "paths")
    )
    for rule in (*_rules_of(new), *_rules_of(old)):
        for url in samples(rule, old):
            if _opens(old, url) and not _opens(new, url):
                what = f"has paths beside components, and only paths opens {url}: iOS 12 or older"
                hint = "newer systems ignore paths; remove it, or make it open no more"
                return _warning("AASA030", (*at, "paths"), what, hint)
    what = "stands beside components: only iOS 12 and older read it"
    return _info("AASA030", (*at, "paths"), what, "remove it unless you support iOS 12")


def _opens(file: AppleFile, url: str) -> bool:
    return decide(file, "x", url, SAMPLE_HOST).decision is Decision.MATCH


def _rules_of(file: AppleFile) -> Iterator[Rule]:
    for entry in file.entries:
        yield from entry.rules


# --- rules as written ------------------------------------------------------------------------


def _about_rules(
    at: JsonPath, entry: Mapping[str, object], rules: Mapping[JsonPath, Rule], file: AppleFile
) -> Iterator[Remark]:
    for place, rule in _rows(at, entry, "components"):
        if not isinstance(rule, dict):
            yield _wrong_type(place, rule, 'an object, {"/": "/path/*"}')
            continue
        effective = rules[place]
        yield from _about_rule_keys(place, rule, effective)
        yield from _about_types(place, rule)
        yield from _about_query(place, rule, effective)
    for place, path in _rows(at, entry, "paths"):
        if not isinstance(path, str):
            yield _wrong_type(place, path, 'a string, "/path/*"')
        elif (meant := _NOT.sub("NOT ", path)) != path:
            is_read = path.startswith("NOT ")
            fault = "has more than one space after NOT" if is_read else "excludes nothing"
            say = _warning if is_read else _error
            what = f'"{path}" {fault}: NOT is upper-case, with one space after it'
            yield say("AASA035", place, what, f'write "{meant}"')
    own = [rules[place] for place, _ in _rows(at, entry, "components") if place in rules]
    own = own or [rules[place] for place, _ in _rows(at, entry, "paths") if place in rules]
    if own and all(rule.exclude for rule in own):
        what = "has only rules that exclude, so it opens nothing"
        yield _warning("AASA032", at, what, 'add what the app opens, for example {"/": "*"}')


def _about_rule_keys(at: JsonPath, rule: Mapping[str, object], effective: Rule) -> Iterator[Remark]:
    is_open = (effective.path, effective.query, effective.fragment) == ("*", "*", "*")
    unknown = [key for key in rule if key not in _RULE_KEYS]
    for key in unknown:
        yield from _about_unknown_rule_key(at, key, is_open and not effective.exclude)
    said = set(rule).difference(unknown, ("comment", "exclude"))
    if is_open and not (said or unknown or effective.exclude):
        what = "has no condition, so it opens every URL of the host"
        yield _warning("AASA041", at, what, 'say so with {"/": "*"}, or add the path')


def _about_unknown_rule_key(at: JsonPath, key: str, opens_all: bool) -> Iterator[Remark]:
    place, what = (*at, key), "is not a key that Apple knows: it is ignored"
    meant = _SPELLED_OUT.get(key.lower()) or _resembles(key, _RULE_KEYS)
    if meant == "comment" or _is_remark(key):
        yield _info("AASA040", place, what, 'Apple\'s key for remarks is "comment"')
        return
    hint = f'did you mean "{meant}"?' if meant else did_you_mean(key, _RULE_KEYS)
    if key.startswith("/") and len(key) > 1:
        hint = f'write the path as the value: {{"/": "{key}"}}'
    if opens_all:
        yield _error("AASA040", place, f"{what}, and the rule opens every URL of the host", hint)
    elif meant in ("/", "?", "#", "exclude"):
        yield _error("AASA040", place, f"{what}, and the rule opens more than it says", hint)
    else:
        yield _warning("AASA040", place, what, hint)


def _about_types(at: JsonPath, rule: Mapping[str, object]) -> Iterator[Remark]:
    for key in ("/", "#"):
        if key in rule and not isinstance(rule[key], str):
            yield _ignored_condition((*at, key), rule[key], "a string")
    query = rule.get("?", "")
    if isinstance(query, dict):
        for name, pattern in query.items():
            if not isinstance(pattern, str):
                what = f"is {_type_name(pattern)}: Apple then ignores all parameters of the rule"
                hint = 'write a string; "?*" requires the parameter'
                yield _error("AASA043", (*at, "?", name), what, hint)
    elif not isinstance(query, str):
        yield _ignored_condition((*at, "?"), query, 'a string or an object {"name": "pattern"}')
    for key in ("exclude", "caseSensitive", "percentEncoded"):
        if key in rule and not isinstance(rule[key], bool):
            what = f"is {_type_name(rule[key])}, which does not count"
            say = _error if key == "exclude" else _warning
            yield say("AASA044", (*at, key), what, "write true or false, without quotes")


def _ignored_condition(at: JsonPath, value: object, wanted: str) -> Remark:
    what = f"is {_type_name(value)} and is ignored: the rule opens more than it says"
    return _error("AASA042", at, what, f"write {wanted}")


def _about_query(at: JsonPath, rule: Mapping[str, object], effective: Rule) -> Iterator[Remark]:
    pairs = rule.get("?")
    if not isinstance(pairs, dict) or not isinstance(effective.query, tuple):
        return
    if all(not pattern.strip("*") and pattern for _, pattern in effective.query):
        names = " or ".join(f'"{name}"' for name in pairs) or "any parameter"
        what = "requires nothing: an absent parameter reads as an empty one, and * matches that"
        hint = f'write "?*" as the pattern to require {names}'
        yield _warning("AASA045", (*at, "?"), what, hint)


# --- patterns as they count ------------------------------------------------------------------


def _about_patterns(file: AppleFile) -> Iterator[Remark]:
    custom = dict(file.variables)
    for rule in _rules_of(file):
        inherited = {key for key, _ in rule.inherited}
        for key, at, pattern in _patterns(rule):
            if key not in inherited:
                yield from _about_pattern(rule, key, at, pattern)
                yield from _about_references(rule, at, pattern, custom)


def _patterns(rule: Rule) -> Iterator[tuple[str, JsonPath, str]]:
    is_path_row = rule.at[-2] == "paths"
    yield "/", rule.at if is_path_row else (*rule.at, "/"), rule.path
    if isinstance(rule.query, str):
        yield "?", (*rule.at, "?"), rule.query
    else:
        for name, pattern in rule.query:
            yield "?=", (*rule.at, "?", name), pattern
    yield "#", (*rule.at, "#"), rule.fragment


def _about_pattern(rule: Rule, key: str, at: JsonPath, pattern: str) -> Iterator[Remark]:
    if key == "/" and pattern.startswith("NOT ") and rule.at[-2] == "components":
        hint = f'write {{"/": "{pattern[4:]}", "exclude": true}}'
        yield _error("AASA034", at, f'"{pattern}" excludes nothing: NOT is of paths', hint)
    elif key == "/" and rule.at[-2] == "paths" and _NOT.match(pattern):
        return
    elif impossible := _impossible(rule, key, pattern):
        what, hint = impossible
        yield _error("AASA046", at, f'"{pattern}" can never match: {what}', hint)
    elif key == "/" and _QUERY_IN_PATH.search(pattern):
        what = f'"{pattern}" does not look at the query: in a path, ? is any one character'
        hint = 'write the parameter under "?": {"name": "value"}'
        yield _error("AASA047", at, what, hint)
    elif key == "/" and _HOST_IN_PATH.match(pattern):
        what = f'"{pattern}" looks for a host inside the path'
        hint = "leave the host out; the file counts for the host that serves it"
        yield _warning("AASA048", at, what, hint)
    elif key == "?" and _QUERY_IN_PATH.match(pattern):
        what = f'"{pattern}" begins with any one character, not with the question mark'
        yield _error("AASA047", at, what, f'leave the question mark out: "{pattern[1:]}"')
    elif _FOREIGN.search(_without_references(pattern)):
        what = f'"{pattern}" holds signs that only other pattern languages read; here they are text'
        hint = "use * for any characters, ? for one, $(name) for a list"
        yield _warning("AASA053", at, what, hint)
    yield from _about_escapes(rule, at, pattern)
    if key == "?=" and isinstance(name := at[-1], str):
        yield from _about_name(rule, at, name)


def _impossible(rule: Rule, key: str, pattern: str) -> tuple[str, str] | None:
    """Why no URL has what *pattern* wants, and what to write instead; None if one may."""
    if key == "/" and _URL_IN_PATH.match(pattern):
        return "it is a whole URL", "write the path only, from its first slash on"
    if not rule.percent_encoded:
        return None
    if key == "/" and "#" in pattern:
        return "a path ends before the #", 'put what follows the # under "#"'
    if key in ("?", "?=") and "#" in pattern:
        return "a query ends before the #", 'put what follows the # under "#"'
    if key == "#" and pattern.startswith("#"):
        return "the fragment begins after the #", f'write "{pattern[1:]}"'
    if key == "?=" and "&" in pattern:
        return "a value ends before the &", "write the other parameter as an item of its own"
    if not pattern.isascii():
        hint = 'add "percentEncoded": false (iOS 14), or write "' + quote(pattern, safe=SAFE) + '"'
        return "in a URL, characters like these are percent-escaped", hint
    if _NEVER_RAW.search(_without_references(pattern)):
        hint = 'add "percentEncoded": false (iOS 14), or write the escape, %20 for a space'
        return "a URL never holds such a character unescaped", hint
    return None


def _about_escapes(rule: Rule, at: JsonPath, pattern: str) -> Iterator[Remark]:
    if not rule.percent_encoded:
        if _ESCAPE.search(pattern):
            what = f'"{pattern}" is compared with the decoded URL, where this escape is gone'
            hint = "write the character itself, or leave percentEncoded true"
            yield _warning("AASA049", at, what, hint)
    elif rule.case_sensitive and _LOWER_ESCAPE.search(pattern):
        what = f'"{pattern}" has an escape in lower case; browsers write upper case'
        hint = 'write "' + _ESCAPE.sub(lambda found: found[0].upper(), pattern) + '"'
        yield _warning("AASA049", at, what, hint)
    elif _NO_ESCAPE.search(pattern):
        what = f'"{pattern}" has a % that begins no escape; URLs write %25 for it'
        yield _warning("AASA049", at, what, "write %25, or two hexadecimal digits after the %")


def _about_name(rule: Rule, at: JsonPath, name: str) -> Iterator[Remark]:
    if rule.percent_encoded and ("&" in name or "=" in name):
        what = "is no parameter's name: a name ends before = and &"
        yield _error("AASA046", at, what, 'write {"name": "pattern"}')
    elif "*" in name or "?" in name or "$(" in name:
        what = "is compared as it is: names of parameters are no patterns"
        yield _warning("AASA053", at, what, "write the name, or a pattern over the whole query")


def _about_references(
    rule: Rule, at: JsonPath, pattern: str, custom: Mapping[str, tuple[str, ...]]
) -> Iterator[Remark]:
    known = {*PREDEFINED, *custom}
    for kind, name in tokens_of(pattern):
        if kind is Kind.NEVER:
            what = f'"{pattern}" has a $( that is never closed'
            hint = "close it with ), there is no way to write $( as text"
            yield _error("AASA050", at, what, hint)
        elif kind is Kind.VARIABLE and name not in known:
            what = f'"$({name})" is not defined, so the rule never matches'
            hint = did_you_mean(name, known)
            yield _error("AASA050", at, what, f"define it in substitutionVariables; {hint}")
        elif rule.percent_encoded and not "".join(custom.get(name, ())).isascii():
            what = f'"$({name})" has values that no URL holds unescaped'
            hint = 'add "percentEncoded": false to the rule (iOS 14), or escape the values'
            yield _warning("AASA046", at, what, hint)
    if "$(lang)-$(region)" in pattern:
        what = '"$(lang)-$(region)" does not match a tag with a script, such as zh-Hant-TW'
        yield _info("AASA052", at, what, 'add a rule with "$(lang)-*" if you have such pages')


def _about_variables(applinks: Mapping[str, object]) -> Iterator[Remark]:
    at: JsonPath = ("applinks", "substitutionVariables")
    variables = applinks.get("substitutionVariables", {})
    if not isinstance(variables, dict):
        yield _wrong_type(at, variables, 'an object, {"name": ["value"]}')
        return
    for name, values in variables.items():
        place = (*at, name)
        if set(name) & set("$()"):
            what = "has a name with $, ( or ), by which no pattern can refer to it"
            yield _error("AASA051", place, what, "rename it")
        elif name in PREDEFINED:
            what = f"redefines Apple's own $({name})"
            yield _warning(
                "AASA051", place, what, "choose another name; which one wins is not said"
            )
        if not isinstance(values, list):
            yield _wrong_type(place, values, "a list of strings")
        elif not values:
            what = "has no values, so a rule that uses it never matches"
            yield _warning("AASA051", place, what, "add the values, or remove the rule")
        for index, text in _numbered(values):
            if not isinstance(text, str):
                yield _wrong_type((*place, index), text, "a string")
            elif "$(" in text:
                what = f'"{text}" cannot refer to another variable; $( is taken as text'
                yield _error("AASA051", (*place, index), what, "write the values out")


def _about_defaults(holder: Mapping[str, object], at: JsonPath) -> Iterator[Remark]:
    defaults, place = holder.get("defaults", {}), (*at, "defaults")
    if not isinstance(defaults, dict):
        yield _wrong_type(place, defaults, 'an object, {"caseSensitive": false}')
        return
    yield from _about_types(place, defaults)
    for key in defaults:
        if key not in _RULE_KEYS:
            yield from _about_unknown_key(key, (*place, key), _RULE_KEYS)
    for key in ("/", "?", "#", "exclude"):
        if key in defaults:
            say = _warning if defaults[key] is True else _info
            what = f"counts in every rule below that does not say {_quoted(key)} itself"
            yield say("AASA054", (*place, key), what, "write it into the rules that mean it")


def _about_samples(file: AppleFile) -> Iterator[Remark]:
    for entry in file.entries:
        paths = [rule.path for rule in entry.rules]
        if _SAMPLE_PATHS.issubset(paths):
            at = entry.rules[paths.index("/buy/*")].at
            what = "and its neighbours are the sample rules of Apple's documentation"
            yield _warning("AASA056", at, what, "replace them with your own paths")


# --- systems ---------------------------------------------------------------------------------


def _newest_needed(value: object) -> list[Remark]:
    needed = sorted(features(value), key=lambda feature: _version(feature.ios))
    if not needed or _version(needed[-1].ios) <= _version("13.0"):
        return []
    newest = needed[-1]
    what = f"is fully understood from iOS {newest.ios} and macOS {newest.macos} on: {newest.name}"
    return [_info("AASA057", newest.at, what, "older systems ignore what they do not know")]


def _features_missing(value: object, min_ios: str) -> list[Remark]:
    return [
        _warning(
            "AASA057",
            feature.at,
            f"{feature.name} is not understood before iOS {feature.ios}",
            f"you support iOS {min_ios}: say it in an older form too, or raise the minimum",
        )
        for feature in features(value)
        if _version(feature.ios) > _version(min_ios)
    ]


def _version(text: str) -> tuple[int, ...]:
    numbers = tuple(int(part) if part.isdecimal() else 0 for part in text.split("."))
    return numbers + (0,) * (3 - len(numbers))


# --- rules that are never reached --------------------------------------------------------------


def _about_unreachable(file: AppleFile) -> Iterator[Remark]:
    for rule, deciding, url in unreachable(file):
        where = _place_name(deciding.at)
        what = f"is never reached: {where} comes first, for example for {url}"
        if deciding.exclude == rule.exclude:
            yield _warning("AASA055", rule.at, what, "remove it, or move it in front")
        elif rule.exclude:
            hint = f"move it in front of {where}; as it stands, it excludes nothing"
            yield _error("AASA055", rule.at, what, hint)
        else:
            hint = f"move it in front of {where}; as it stands, it opens nothing"
            yield _warning("AASA055", rule.at, what, hint)


# --- words and plain values --------------------------------------------------------------------


def _resembles(key: str, known: Collection[str]) -> str:
    """The known key that *key* was probably meant to be; empty if none is near."""
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), folded, n=1, cutoff=0.75)
    return folded[near[0]] if near else ""


def _is_remark(key: str) -> bool:
    return key.lower() in _REMARKS or key.startswith(("_", "$"))


def _without_references(pattern: str) -> str:
    return "".join(word for kind, word in _spelled(pattern) if kind is not Kind.VARIABLE)


def _spelled(pattern: str) -> Iterator[Token]:
    signs = {Kind.ANY: "*", Kind.ONE: "?"}
    for kind, word in tokens_of(pattern):
        yield kind, signs.get(kind, word)


def _place_name(at: JsonPath) -> str:
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in at]
    return "".join(words).removeprefix(".")


def _quoted(key: str) -> str:
    return f'"{key}"'


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _entries(applinks: Mapping[str, object]) -> Iterator[tuple[JsonPath, dict[str, object]]]:
    details = applinks.get("details")
    items = details.items() if isinstance(details, dict) else _numbered(details)
    for key, entry in items:
        if isinstance(entry, dict):
            yield ("applinks", "details", key), entry


def _rows(at: JsonPath, entry: Mapping[str, object], key: str) -> Iterator[tuple[JsonPath, object]]:
    for index, row in _numbered(entry.get(key)):
        yield (*at, key, index), row


def _numbered(value: object) -> Iterator[tuple[int, object]]:
    yield from enumerate(_list(value))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _strings(values: Iterable[object]) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str))
