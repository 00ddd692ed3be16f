"""
The file as phones read it: Android's own verifier, in its generations, and Chromium.

Android 6 to 11 skip a bad statement. Android 12 and later lose the *whole file* for most faults
(the agent then shows state 1028), and before the parser of 2024 for booleans and for objects
inside an array too, which dynamic rules are made of. Chromium asks little, but for every key of
the app. Devices with Google services may use other code, which is not published. Sources:
packages/StatementService of the Android Open Source Project (StatementParser, JsonParser,
AssetFactory, StatementRetriever, UrlFetcher), components/digital_asset_links of Chromium.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from deeplink.association.android import HANDLE_ALL_URLS, RULES, text_of
from deeplink.association.android_questions import (
    DEFAULT_PORTS,
    RELATION,
    Answer,
    AppKey,
    Made,
    Served,
    Site,
    Verdict,
    strict_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deeplink.association.android_questions import Asset, Response

#: UrlFetcher.kt: a longer Content-Length is not read. The length is a Java int; beyond, -1.
MAX_LENGTH = 1024 * 1024
_MAX_INT = 2**31 - 1

#: VerifyStatus.kt, and STATE_SUCCESS of DomainVerificationInfo.
VERIFIED, REJECTED, MALFORMED, REDIRECTED = 1, 1026, 1028, 1029

#: Protocols that java.net.URL of Android knows; any other is a malformed URL.
_JAVA_PROTOCOLS = ("http", "https", "file", "ftp", "jar")
#: Deeper than any real file; Java would run out of stack not far beyond.
_DEEPEST = 500
_JSON_SPACE = re.compile(r"[ \t\r\n]*")


class Agent(StrEnum):
    """Generations of Android's verifier; each reads JSON and punishes faults in its own way."""

    ANDROID_6_11 = "aosp_6_11"
    ANDROID_12_14 = "aosp_12_14"
    ANDROID_15 = "aosp_15plus"

    @property
    def loses_file(self) -> bool:
        """Whether a malformed statement costs the whole file, not only itself."""
        return self is not Agent.ANDROID_6_11

    @property
    def reads_rules(self) -> bool:
        return self is Agent.ANDROID_15


class Loss(Enum):
    """What a fault costs: the entry, or every statement of the file."""

    ENTRY = "entry"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an agent made of one entry: statements, or the URL of an include."""

    made: tuple[Made, ...] = ()
    include: str | None = None


class _Unreadable(Enum):
    """The file is no JSON that the agent can read, or the list holds what throws."""

    SYNTAX = "syntax"
    CONTENT = "content"


def ask_agent(agent: Agent, query: Mapping[str, object], served: Served) -> Verdict:
    """Whether Android of that generation takes the app for a friend of the site."""
    source, wanted = _site_of(_member(query, "source", "site")), _wanted_of(query.get("target"))
    relation = query.get("relation")
    if source is None or not wanted or not isinstance(relation, str):
        return Verdict(Answer.INVALID)
    refusal = _refusal_of(served.response)
    if served.document is None or refusal is not None:
        return Verdict(Answer.NOT_LINKED, state=refusal or REJECTED)
    made = _read(agent, served.document, served.includes, level=1, secure=source.scheme == "https")
    if isinstance(made, _Unreadable):
        is_syntax = made is _Unreadable.SYNTAX
        return Verdict(Answer.INVALID if is_syntax else Answer.NOT_LINKED, state=MALFORMED)
    held = tuple(one for one in made if one.relation == relation and one.target in wanted)
    if held:
        return Verdict(Answer.LINKED, statements=held, state=VERIFIED)
    return Verdict(Answer.NOT_LINKED, state=REJECTED)


def ask_chromium(query: Mapping[str, object], served: Served) -> Verdict:
    """
    Whether Chromium opens the site without a browser's frame, or as a WebAPK of it.

    It wants every key of the app in one statement, reads neither ``include`` nor, for an app,
    ``namespace``, and compares a site as text, with its path.
    """
    relation, target = query.get("relation"), query.get("target")
    if not isinstance(relation, str) or not isinstance(target, dict):
        return Verdict(Answer.INVALID)
    is_missing = served.response is not None and served.response.status != 200
    if served.document is None or is_missing:
        return Verdict(Answer.NOT_LINKED)
    try:
        document = served.document
        entries = strict_json(document) if isinstance(document, str) else document
    except ValueError:
        return Verdict(Answer.INVALID)
    if not isinstance(entries, list):
        return Verdict(Answer.INVALID)
    found = any(_satisfies(entry, relation, target) for entry in entries)
    return Verdict(Answer.LINKED if found else Answer.NOT_LINKED)


def take(agent: Agent, entry: object) -> Taken | Loss:
    """What *agent* makes of one entry of a list, or what the entry's fault costs."""
    if not isinstance(entry, dict) or not is_readable(agent, entry):
        return Loss.FILE
    include = entry.get("include")
    if "include" in entry and (_text_of(include) or not agent.loses_file):
        return Taken(include=_text_of(include))
    target, relations = entry.get("target"), entry.get("relation")
    if not isinstance(target, dict) or not isinstance(relations, list):
        return Loss.ENTRY
    fault = Loss.FILE if agent.loses_file else Loss.ENTRY
    assets = _assets_of(target)
    names = [_text_of(name) for name in relations]
    if assets is None or not all(RELATION.fullmatch(name) for name in names):
        return fault
    if agent.reads_rules and not _has_readable_rules(entry):
        return fault
    return Taken(tuple(Made(name, asset) for name in names for asset in assets))


def is_readable(agent: Agent, value: object) -> bool:
    """
    Whether the agent's JsonParser takes the value; if not, the whole file is lost.

    The older parser knows objects, texts and arrays of texts (numbers in an array become
    texts); the one of 2024 knows booleans as members and arrays of anything but scalars too.
    """
    return unreadable_at(agent, value) is None


def unreadable_at(agent: Agent, value: object) -> tuple[str | int, ...] | None:
    """The path of a value in *value* that the agent's parser cannot take, or None."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, str):
            continue
        if isinstance(one, dict) and len(path) < _DEEPEST:
            waiting += [
                ((*path, name), member)
                for name, member in reversed(one.items())
                if not (agent.reads_rules and isinstance(member, bool))
            ]
        elif isinstance(one, list) and len(path) < _DEEPEST:
            if agent.reads_rules:
                waiting += [((*path, i), member) for i, member in reversed([*enumerate(one)])]
            elif not all(map(_is_text_or_number, one)):
                return path
        else:
            return path
    return None


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _read(
    agent: Agent,
    document: object,
    includes: Mapping[str, object],
    *,
    level: int,
    secure: bool,
) -> list[Made] | _Unreadable:
    entries = _entries_of(agent, document)
    if isinstance(entries, _Unreadable):
        return entries
    made: list[Made] = []
    urls: list[str] = []
    for entry in entries:
        taken = take(agent, entry)
        if taken is Loss.FILE:
            return _Unreadable.CONTENT
        if isinstance(taken, Taken):
            made += taken.made
            urls += [taken.include] if taken.include is not None else []
    # One level of include and no further: MAX_INCLUDE_LEVEL of StatementRetriever.
    for url in urls if level > 0 else ():
        more = _read_include(agent, url, includes, secure=secure)
        if isinstance(more, _Unreadable):
            return more
        made += more
    return made


def _read_include(
    agent: Agent, url: str, includes: Mapping[str, object], *, secure: bool
) -> list[Made] | _Unreadable:
    protocol = url.partition(":")[0].lower()
    if ":" not in url or protocol not in _JAVA_PROTOCOLS:
        return []
    if agent.loses_file and protocol != "https":
        # UrlFetcher.kt casts the connection to HttpsURLConnection outside its try.
        return _Unreadable.CONTENT
    if protocol != "https" and (secure or protocol != "http"):
        return []
    document = includes.get(url)
    made = [] if document is None else _read(agent, document, includes, level=0, secure=secure)
    if isinstance(made, _Unreadable):
        return _Unreadable.CONTENT if agent.loses_file else []
    return made


def _entries_of(agent: Agent, document: object) -> list[object] | _Unreadable:
    if isinstance(document, str):
        try:
            document = _android_json(document, allow_duplicates=agent.reads_rules)
        except ValueError:
            return _Unreadable.SYNTAX
    return document if isinstance(document, list) else _Unreadable.SYNTAX


def _android_json(text: str, *, allow_duplicates: bool) -> object:
    """
    The first value of a text, as android.util.JsonReader reads it when it is not lenient.

    It skips one byte order mark, takes control characters inside texts, and never looks at
    what follows the value. The parser before 2024 refuses a name that comes twice.
    """

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        if not allow_duplicates and len(dict(members)) < len(members):
            raise ValueError("a member name comes twice")
        return dict(members)

    def refuse(constant: str) -> object:
        raise ValueError(f"{constant} is no JSON")

    text = text.removeprefix("\ufeff")
    decoder = json.JSONDecoder(
        strict=False, object_pairs_hook=pairs, parse_constant=refuse, parse_int=float
    )
    space = _JSON_SPACE.match(text)
    try:
        value: object
        value, _ = decoder.raw_decode(text, space.end() if space else 0)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _assets_of(target: Mapping[str, object]) -> tuple[Asset, ...] | None:
    """AssetFactory.create; None where it throws. Neither package nor key is looked at closely."""
    if target.get("namespace") == "web":
        site = _site_of(target.get("site"))
        return (site,) if site else None
    package, keys = target.get("package_name"), target.get("sha256_cert_fingerprints")
    if target.get("namespace") != "android_app" or not _text_of(package):
        return None
    if not isinstance(keys, list) or not keys:
        return None
    return tuple(AppKey(_text_of(package), _text_of(key)) for key in keys)


def _has_readable_rules(entry: Mapping[str, object]) -> bool:
    """``getJSONObject`` throws on a rule that is no object; what is no list is not read."""
    rules: object = entry
    for name in ("relation_extensions", HANDLE_ALL_URLS, RULES):
        rules = rules.get(name) if isinstance(rules, dict) else None
    return not isinstance(rules, list) or all(isinstance(rule, dict) for rule in rules)


def _site_of(text: object) -> Site | None:
    """WebAsset.create: java.net.URL, then no user, and no path but ``/``; a fragment is fine."""
    scheme, separator, rest = _text_of(text).partition("://")
    scheme = scheme.strip().lower()
    if not separator or scheme not in DEFAULT_PORTS:
        return None
    rest = rest.partition("#")[0]
    authority = rest.removesuffix("/") if rest.count("/") == 1 else rest
    if any(char in authority for char in "/?@"):
        return None
    host, colon, digits = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return Site(scheme, authority.lower(), DEFAULT_PORTS[scheme])
    if not digits:
        return Site(scheme, host.lower(), DEFAULT_PORTS[scheme])
    is_int = digits.isascii() and digits.isdigit() and len(digits) < 10
    return Site(scheme, host.lower(), int(digits)) if is_int else None


def _wanted_of(target: object) -> tuple[Asset, ...]:
    """The app, once for each key of its signing history: any one that is listed will do."""
    if not isinstance(target, dict):
        return ()
    if target.get("namespace") == "web":
        site = _site_of(target.get("site"))
        return (site,) if site else ()
    package = target.get("package_name")
    if not isinstance(package, str) or not package:
        return ()
    return tuple(AppKey(package, key) for key in _keys_of(target))


def _keys_of(target: Mapping[str, object]) -> list[str]:
    keys = target.get("sha256_cert_fingerprints", [target.get("sha256_cert_fingerprint")])
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _refusal_of(response: Response | None) -> int | None:
    if response is None:
        return None
    if response.status != 200:
        return REDIRECTED if response.status in (301, 302) else REJECTED
    length = response.headers.get("content-length", "").strip()
    is_number = length.isascii() and length.isdigit() and len(length) <= len(str(_MAX_INT))
    return REJECTED if is_number and MAX_LENGTH < int(length) <= _MAX_INT else None


def _satisfies(entry: object, relation: str, target: Mapping[str, object]) -> bool:
    if not isinstance(entry, dict):
        return False
    relations, stated = entry.get("relation"), entry.get("target")
    if not isinstance(relations, list) or relation not in relations:
        return False
    if not isinstance(stated, dict):
        return False
    if target.get("namespace") == "web":
        return all(_same_text(stated, target, name) for name in ("namespace", "site"))
    keys = stated.get("sha256_cert_fingerprints")
    wanted = _keys_of(target)
    if not isinstance(keys, list) or not wanted or any(key not in keys for key in wanted):
        return False
    return _same_text(stated, target, "package_name")


def _same_text(stated: Mapping[str, object], wanted: Mapping[str, object], name: str) -> bool:
    value = stated.get(name)
    return isinstance(value, str) and value == wanted.get(name)


def _member(value: Mapping[str, object], *names: str) -> object:
    found: object = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text_of(value: object) -> str:
    """``optString`` and ``getString`` of org.json: nothing is empty, the rest is printed."""
    return "" if value is None else text_of(value)


def stricter(verdicts: Iterable[Verdict]) -> Verdict:
    """What holds on every one of several generations: the first that is not linked, or linked."""
    answers = list(verdicts)
    return next((one for one in answers if one.answer is not Answer.LINKED), answers[0])
