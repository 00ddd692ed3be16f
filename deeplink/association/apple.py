"""
Apple's association document, ``apple-app-site-association``: what we publish, what others wrote.

The *wire form* is the plain JSON value, with its faults; linters read it. The *rule form*
(AppleFile) is what Apple's systems make of it, defaults merged; matchers read that. Apple,
"Supporting associated domains": https://developer.apple.com/documentation/xcode/supporting-associated-domains
and https://developer.apple.com/documentation/bundleresources/applinks
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from deeplink.association.verdict import RESERVED_PATHS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deeplink.association.verdict import App, IosApp, Link

#: The services of the document whose value is a plain list of apps.
FLAT_SERVICES = ("webcredentials", "appclips", "activitycontinuation")

#: What a rule may say, and what it says where neither it nor any ``defaults`` does.
BUILT_IN: Mapping[str, object] = {
    "/": "*",
    "?": "*",
    "#": "*",
    "exclude": False,
    "caseSensitive": True,
    "percentEncoded": True,
}

#: Apple's archived guide says "128 KB" and not which; above the larger reading it is certain.
CERTAIN_SIZE, LARGEST_SIZE = 128_000, 131_072

#: pkcs7-signedData, 1.2.840.113549.1.7.2, as DER writes it (RFC 5652, section 5.1).
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")

#: What a URL never holds unescaped (RFC 3986, section 2): such a pattern means decoded text.
_DECODED_ONLY = re.compile(r'[^!-~]|["<>\\^`{|}]')

_WILDCARD = re.compile(r"[*?]")
_VARIABLE = re.compile(r"\$\([^)]*\)")

#: Deeper than any document, shallower than Python's stack.
_DEEPEST_ENCODING = 16

#: Where a value stands in the document: keys and indices from the root.
JsonPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule as Apple's systems apply it: what it says itself, then what it inherits.

    *query* is a pattern over the whole query, or pairs of parameter name and pattern.
    *inherited* says for each key that comes from a ``defaults`` object where that stands.
    """

    at: JsonPath
    path: str = "*"
    query: str | tuple[tuple[str, str], ...] = "*"
    fragment: str = "*"
    exclude: bool = False
    case_sensitive: bool = True
    percent_encoded: bool = True
    inherited: tuple[tuple[str, JsonPath], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of ``details``: the rules of one or more apps, tried in order."""

    at: JsonPath
    app_ids: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AppleFile:
    """A document as Apple's systems understand it; whatever they ignore is gone."""

    entries: tuple[Entry, ...] = ()
    variables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    services: tuple[tuple[str, tuple[str, ...]], ...] = ()
    has_applinks: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why Apple cannot read a file; *line* and *column* count from 1, 0 is the whole file."""

    code: str
    what: str
    hint: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """
    The bytes of a file, read: *value* is its JSON value, unless *fault* says why there is none.

    *text* is the JSON itself, out of its envelope if the file is *signed*. The signature was
    not checked: since iOS 9 nobody needs one over https, so nothing hangs on it.
    """

    size: int
    text: bytes = field(repr=False, default=b"")
    value: object = None
    signed: bool = False
    has_bom: bool = False
    fault: Unreadable | None = None


@dataclass(frozen=True, slots=True)
class _Defaults:
    values: Mapping[str, object] = field(default_factory=dict)
    places: tuple[tuple[str, JsonPath], ...] = ()


# --- what we publish -------------------------------------------------------------------------


def build(links: Sequence[Link], apps: Sequence[App]) -> dict[str, object]:
    """
    The document of one host: *links* are its rows in order, *apps* all apps of the config.

    It never claims more than the rows do. A parameter or fragment that may be anything must
    still be there (``?*``, where Apple's ``*`` would not require it, as Android does); rows
    that Apple cannot say exactly are left out if they open and widened if they exclude; and
    this server's own paths are excluded first wherever a row would cover them. Two things
    Apple cannot tell apart: ``/buy`` and ``/buy/``, and so ``/buy/*`` opens ``/buy`` as well.
    """
    details: list[dict[str, object]] = []
    for ios, rows in _rows_of_ios_apps(links):
        if ios.legacy_paths:
            details.extend(_entry_for_all_systems(app_id, rows) for app_id in ios.app_ids)
        else:
            details.append({"appIDs": list(ios.app_ids), "components": _components(rows)})
    applinks: dict[str, object] = {"details": details}
    if any("paths" in entry for entry in details):
        # iOS 12 and older refuse the file without it; it must be empty.
        applinks = {"apps": [], **applinks}
    document: dict[str, object] = {"applinks": applinks}
    if sharing := [app.ios for app in apps if app.ios and app.share_credentials]:
        ids = dict.fromkeys(app_id for ios in sharing for app_id in ios.app_ids)
        document["webcredentials"] = {"apps": list(ids)}
    return document


def render(document: Mapping[str, object]) -> bytes:
    """The bytes to serve: ASCII, indented, the same for the same document."""
    return json.dumps(document, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def _rows_of_ios_apps(links: Sequence[Link]) -> Iterator[tuple[IosApp, list[Link]]]:
    rows: dict[str, list[Link]] = {}
    for link in links:
        if link.app.ios and (link.exclude or _can_be_said(link)):
            rows.setdefault(link.app.key, []).append(link)
    for of_one_app in rows.values():
        if ios := of_one_app[0].app.ios:
            yield ios, of_one_app


def _can_be_said(link: Link) -> bool:
    """
    Whether Apple's language holds the row: it has no way to require an empty parameter.

    An absent parameter reads as an empty one (WWDC19, session 717), and so does a fragment.
    """
    return link.fragment != "" and all(pattern for _, pattern in link.query)


def _components(rows: Sequence[Link]) -> list[dict[str, object]]:
    kept = [{"/": path, "exclude": True} for path in _covered_reserved_paths(rows)]
    return [*kept, *(_component(row) for row in rows)]


def _component(row: Link) -> dict[str, object]:
    component: dict[str, object] = {"/": row.path}
    if row.query:
        component["?"] = {name: _required(pattern) for name, pattern in row.query}
    if row.fragment is not None:
        component["#"] = _required(row.fragment)
    if row.exclude:
        component["exclude"] = True
    if any(_DECODED_ONLY.search(text) for text in _texts(row)):
        component["percentEncoded"] = False
    return component


def _required(pattern: str) -> str:
    """The pattern, made to want at least one character where it would want nothing."""
    return "?*" if pattern and not pattern.strip("*") else pattern


def _texts(row: Link) -> Iterator[str]:
    yield row.path
    yield row.fragment or ""
    for name, pattern in row.query:
        yield name
        yield pattern


def _entry_for_all_systems(app_id: str, rows: Sequence[Link]) -> dict[str, object]:
    """
    The entry of one app id for iOS 13 and newer and, beside it, for what came before.

    The new systems ignore ``appID`` and ``paths`` beside the new keys (WWDC19, session 717).
    """
    return {
        "appID": app_id,
        "paths": list(_legacy_paths(rows)),
        "appIDs": [app_id],
        "components": _components(rows),
    }


def _legacy_paths(rows: Sequence[Link]) -> Iterator[str]:
    """
    The rows as ``paths``, which know no query and no fragment.

    A conditional row that opens is left out; one that excludes keeps its whole path in the
    browser: the old systems open less than the new ones, never more.
    """
    yield from (f"NOT {path}" for path in _covered_reserved_paths(rows))
    for row in rows:
        if row.exclude:
            yield f"NOT {row.path}"
        elif not row.has_conditions:
            yield row.path


def _covered_reserved_paths(rows: Sequence[Link]) -> list[str]:
    return [reserved for reserved in RESERVED_PATHS if _is_covered(reserved, rows)]


def _is_covered(reserved: str, rows: Sequence[Link]) -> bool:
    for row in rows:
        if row.exclude and row.path == reserved and not row.query and row.fragment is None:
            return False
        if not row.exclude and _overlap(row.path, reserved):
            return True
    return False


def _overlap(pattern: str, reserved: str) -> bool:
    """Whether some path under *reserved* is one that *pattern* opens."""
    plain = _VARIABLE.sub("*", pattern).rstrip("/") or "/"
    parent = reserved.removesuffix("/*")
    # Nearly all patterns begin with other words, and need no search.
    start = _WILDCARD.split(plain, maxsplit=1)[0]
    if not f"{parent}/".startswith(start) and not start.startswith(parent):
        return False
    forms = [plain, plain.removesuffix("/*")]
    if any(len(form) in _positions(form, parent) for form in forms):
        return True
    # Any position that is still alive can be led to the pattern's end by a longer path.
    return parent != reserved and any(_positions(form, f"{parent}/") for form in forms)


def _positions(pattern: str, text: str) -> set[int]:
    """How far into *pattern* one can be after all of *text*; its length is a full match."""
    alive = _past_stars(pattern, {0})
    for char in text:
        moved = {
            at if pattern[at] == "*" else at + 1
            for at in alive
            if at < len(pattern) and pattern[at] in ("*", "?", char)
        }
        alive = _past_stars(pattern, moved)
    return alive


def _past_stars(pattern: str, positions: set[int]) -> set[int]:
    reached = set(positions)
    for position in positions:
        at = position
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            reached.add(at)
    return reached


# --- what others wrote -----------------------------------------------------------------------


def read(data: bytes) -> Reading:
    """
    A file's JSON value, plain or out of a CMS envelope, or why Apple could not read it.

    >>> read(b'{"applinks": {}}').value
    {'applinks': {}}
    """
    if len(data) > LARGEST_SIZE:
        fault = Unreadable(
            "AASA002",
            f"the file has {len(data):,} bytes; Apple reads no more than 128 KB ({LARGEST_SIZE:,})",
            "merge rules with wildcards, or give a host of its own to some of the links",
        )
        return Reading(len(data), fault=fault)
    content = _signed_content(data) if data[:1] == b"\x30" else None
    text = data if content is None else content
    has_bom = text.startswith(b"\xef\xbb\xbf")
    value, fault_found = _json(text[3:] if has_bom else text)
    return Reading(len(data), text, value, content is not None, has_bom, fault_found)


def parse(value: object) -> AppleFile:
    """
    The rule form of any JSON value; what Apple's systems would ignore is left out.

    Every rule keeps its place, so that linters and matchers can say where they mean.
    """
    root = _object(value)
    at: JsonPath = ("applinks",)
    applinks = _object(root.get("applinks"))
    defaults = _with_level(_Defaults(), applinks, at)
    return AppleFile(
        entries=tuple(_entries(applinks.get("details"), (*at, "details"), defaults)),
        variables=tuple(
            (name, tuple(_strings(values)))
            for name, values in _object(applinks.get("substitutionVariables")).items()
        ),
        services=tuple(
            (name, tuple(_strings(_object(root[name]).get("apps"))))
            for name in FLAT_SERVICES
            if name in root
        ),
        has_applinks="applinks" in root,
    )


def write(file: AppleFile) -> dict[str, object]:
    """
    The document that means *file* in the modern form: every rule says all it inherits.

    ``write(parse(document))`` is *document* again for whatever ``build`` makes without the
    legacy form.
    """
    document: dict[str, object] = {}
    if file.has_applinks:
        applinks: dict[str, object] = {"details": [_written_entry(e) for e in file.entries]}
        if file.variables:
            variables = {name: list(values) for name, values in file.variables}
            applinks["substitutionVariables"] = variables
        document["applinks"] = applinks
    document.update((name, {"apps": list(ids)}) for name, ids in file.services)
    return document


def _json(text: bytes) -> tuple[object, Unreadable | None]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        return None, Unreadable("AASA001", "the file is not UTF-8", "save it as UTF-8", line, 1)
    try:
        value: object = json.loads(decoded, parse_constant=_refuse, parse_int=_number)
    except json.JSONDecodeError as error:
        what = f"the file is not JSON: {error.msg}"
        hint = "correct it here; Apple reads nothing of a file that is not strict JSON"
        return None, Unreadable("AASA001", what, hint, error.lineno, error.colno)
    except RecursionError:
        return None, Unreadable("AASA001", "the JSON is nested too deeply", "flatten it")
    except _NotANumber:
        what = "the file is not JSON: NaN and Infinity are no JSON numbers"
        return None, Unreadable("AASA001", what, "remove them")
    if isinstance(value, dict):
        return value, None
    hint = 'write an object: {"applinks": {"details": [...]}}'
    return None, Unreadable("AASA003", "the file's value is not a JSON object", hint, 1, 1)


class _NotANumber(ValueError):
    pass


def _refuse(constant: str) -> NoReturn:
    raise _NotANumber(constant)


def _number(digits: str) -> float:
    # Python refuses to make an int of more than 4,300 digits; no key of the document is a number.
    return float(digits)


def _signed_content(data: bytes) -> bytes | None:
    """The text inside a CMS SignedData (RFC 5652, sections 3 and 5), None if it is not one."""
    try:
        kind, envelope = _parts(_element(data, 0)[1])[:2]
        if kind[1] != _SIGNED_DATA:
            return None
        signed_data = _parts(envelope[1])[0][1]
        encapsulated = _parts(signed_data)[2][1]
        tag, octets = _parts(_parts(encapsulated)[1][1])[0]
        # BER may cut the text into pieces (X.690, section 8.7.3); openssl does while streaming.
        return b"".join(piece for _, piece in _parts(octets)) if tag == 0x24 else octets
    except (IndexError, ValueError):
        return None


def _parts(body: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(body):
        tag, content, at = _element(body, at)
        found.append((tag, content))
    return found


def _element(data: bytes, at: int, depth: int = 0) -> tuple[int, bytes, int]:
    """Tag, content and end of the element at *at*; refuses (ValueError) what runs over."""
    if depth > _DEEPEST_ENCODING:
        raise ValueError("nested too deeply")
    tag, length, start = data[at], data[at + 1], at + 2
    if length == 0x80:
        end = start
        while data[end : end + 2] != b"\0\0":
            end = _element(data, end, depth + 1)[2]
        return tag, data[start:end], end + 2
    if length > 0x80:
        octets = length & 0x7F
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + length > len(data):
        raise ValueError("cut short")
    return tag, data[start : start + length], start + length


def _entries(details: object, at: JsonPath, defaults: _Defaults) -> Iterator[Entry]:
    if isinstance(details, dict):
        # The oldest form: one key per app. Its order is undefined; we take the file's.
        for app_id, written in details.items():
            if isinstance(written, dict):
                yield _entry(written, (*at, app_id), (app_id,), defaults)
    elif isinstance(details, list):
        for index, written in enumerate(details):
            if isinstance(written, dict):
                yield _entry(written, (*at, index), _app_ids(written), defaults)


def _app_ids(written: Mapping[str, object]) -> tuple[str, ...]:
    """The entry's apps; beside ``appIDs``, even an empty one, swcutil ignores ``appID``."""
    if "appIDs" in written:
        return tuple(_strings(written["appIDs"]))
    return tuple(_strings([written.get("appID")]))


def _entry(
    written: Mapping[str, object], at: JsonPath, app_ids: tuple[str, ...], defaults: _Defaults
) -> Entry:
    merged = _with_level(defaults, written, at)
    key = "components" if "components" in written else "paths"
    rows = written.get(key)
    rules = []
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        said = row if key == "components" else _rule_of_path(row)
        if isinstance(said, dict):
            rules.append(_rule(said, (*at, key, index), merged))
    return Entry(at, app_ids, tuple(rules))


def _rule_of_path(row: object) -> dict[str, object] | None:
    """The rule that a ``paths`` row is; only upper-case ``NOT`` and a space exclude."""
    if not isinstance(row, str):
        return None
    if row.startswith("NOT "):
        return {"/": row[4:].lstrip(" "), "exclude": True}
    return {"/": row}


def _with_level(above: _Defaults, holder: Mapping[str, object], at: JsonPath) -> _Defaults:
    """The defaults below *holder*: any key of a rule may stand there, as swcutil shows."""
    own = {key: v for key, v in _object(holder.get("defaults")).items() if key in BUILT_IN}
    if not own:
        return above
    places = {**dict(above.places), **{key: (*at, "defaults", key) for key in own}}
    return _Defaults({**above.values, **own}, tuple(places.items()))


def _rule(said: Mapping[str, object], at: JsonPath, defaults: _Defaults) -> Rule:
    merged = {**BUILT_IN, **defaults.values, **said}
    path, fragment = merged["/"], merged["#"]
    return Rule(
        at=at,
        path=path if isinstance(path, str) else "*",
        query=_query(merged["?"]),
        fragment=fragment if isinstance(fragment, str) else "*",
        exclude=merged["exclude"] is True,
        case_sensitive=merged["caseSensitive"] is not False,
        percent_encoded=merged["percentEncoded"] is not False,
        inherited=tuple((key, place) for key, place in defaults.places if key not in said),
    )


def _query(written: object) -> str | tuple[tuple[str, str], ...]:
    if isinstance(written, str):
        return written
    # One predicate that is not a string, and swcutil drops the whole dictionary.
    if isinstance(written, dict) and all(isinstance(v, str) for v in written.values()):
        return tuple(written.items())
    return "*"


def _written_entry(entry: Entry) -> dict[str, object]:
    components = [_written_rule(rule) for rule in entry.rules]
    return {"appIDs": list(entry.app_ids), "components": components}


def _written_rule(rule: Rule) -> dict[str, object]:
    said: dict[str, object] = {
        "/": rule.path,
        "?": rule.query if isinstance(rule.query, str) else (dict(rule.query) or "*"),
        "#": rule.fragment,
        "exclude": rule.exclude,
        "caseSensitive": rule.case_sensitive,
        "percentEncoded": rule.percent_encoded,
    }
    return {key: v for key, v in said.items() if key == "/" or v != BUILT_IN[key]}


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
