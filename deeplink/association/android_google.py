"""
The file as Google's Digital Asset Links API reads it: a bad statement is skipped and reported.

Follows the conformance suite of the protocol, github.com/google/digitalassetlinks,
compatibility-tests/v1, and the API's list of error codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deeplink.association.android_questions import (
    DEFAULT_PORTS,
    FINGERPRINT,
    PACKAGE,
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
    from collections.abc import Iterator, Mapping

    from deeplink.association.android_questions import Asset, Response

#: How many files one question may cost. Google publishes none; the suite wants an end to loops.
FETCH_BUDGET = 20

#: The members that make an entry a statement, and may not stand beside ``include``.
_STATEMENT_MEMBERS = ("relation", "target")
_MAX_PORT = 65535
_NOT_IN_A_HOST = frozenset('/?#@\\<>"%^`{|}' + "".join(map(chr, range(33))))


def answer(query: Mapping[str, object], served: Served, *, lists: bool) -> Verdict:
    """
    The API's answer to ``statements:list`` (*lists*) or ``assetlinks:check``.

    A list that found nothing but faults is invalid; a check may be linked although there were
    faults, and is never invalid because of the file.
    """
    faults = tuple(_faults_of_query(query, lists=lists))
    if faults:
        return Verdict(Answer.INVALID, faults)
    reading = _Reading(served)
    reading.read_source(query.get("source"))
    relation = query.get("relation")
    wanted = None if lists else _assets_of(query.get("target"))
    held = tuple(
        made
        for made in reading.made
        if relation in ("", None, made.relation) and (wanted is None or made.target in wanted)
    )
    errors = tuple(dict.fromkeys(reading.errors))
    if held:
        return Verdict(Answer.LINKED, errors, held)
    # "No statements were found" is a fault of an unfiltered list (comptest2002, comptest3002).
    empty = not relation and served.document is not None and not reading.made
    failed = lists and (bool(errors) or empty)
    return Verdict(Answer.INVALID if failed else Answer.NOT_LINKED, errors)


def site_of(text: object) -> Site | None:
    """
    The site that *text* names, or None where Google calls it malformed.

    Scheme and host in any case, a default port or none, a final dot or none are the same site;
    a path, even ``/``, a query, a fragment or a user make it no site.
    """
    if not isinstance(text, str):
        return None
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS or not _is_plain(rest):
        return None
    host, colon, digits = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    if not colon:
        host, digits = rest, ""
    port = _port_of(digits) if colon else DEFAULT_PORTS[scheme]
    labels = host.lower().removesuffix(".").split(".")
    if port is None or not all(labels):
        return None
    return Site(scheme, ".".join(labels), port)


def made_of(entry: object) -> tuple[Made, ...] | None:
    """The statements of one well-formed entry without ``include``; None for a malformed one."""
    if not isinstance(entry, dict):
        return None
    relations, targets = entry.get("relation"), _targets_of(entry.get("target"))
    if not isinstance(relations, list) or not relations or targets is None:
        return None
    if not all(isinstance(name, str) and RELATION.fullmatch(name) for name in relations):
        return None
    return tuple(Made(name, target) for name in relations for target in targets)


def include_of(entry: Mapping[str, object]) -> str | None:
    """The URL of an include, or None for one that Google calls malformed."""
    url = entry["include"]
    if not isinstance(url, str) or any(name in entry for name in _STATEMENT_MEMBERS):
        return None
    scheme, separator, rest = url.partition("://")
    authority = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    site = site_of(f"{scheme}://{authority.rpartition('@')[2]}")
    return url if separator and site else None


class _Reading:
    """One question's walk through a file and its includes: statements and faults so far."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.made: list[Made] = []
        self.errors: list[str] = []
        self.budget = FETCH_BUDGET

    def read_source(self, source: object) -> None:
        site = site_of(source.get("site")) if isinstance(source, dict) else None
        if self.served.document is None:
            # An app that nobody knows makes no statements; a file that is not there is a fault.
            self.errors += ["FETCH_ERROR"] if site else []
            return
        error = _error_of(self.served.response)
        if error:
            self.errors.append(error)
            return
        self._read(self.served.document, secure=site is None or site.scheme == "https")

    def _read(self, document: object, *, secure: bool) -> None:
        waiting = [(document, secure)]
        while waiting:
            current, is_secure = waiting.pop(0)
            for include in self._read_list(current):
                found = self._fetch(include, secure=is_secure)
                if found is not None:
                    waiting.append((found, is_secure or include.lower().startswith("https:")))

    def _read_list(self, document: object) -> Iterator[str]:
        try:
            entries = strict_json(document) if isinstance(document, str) else document
        except ValueError:
            entries = None
        if not isinstance(entries, list):
            self.errors.append("MALFORMED_CONTENT")
            return
        for entry in entries:
            if isinstance(entry, dict) and "include" in entry:
                url = include_of(entry)
                if url is not None:
                    yield url
                    continue
                made = None
            else:
                made = made_of(entry)
            if made is None:
                self.errors.append("MALFORMED_CONTENT")
            else:
                self.made += made

    def _fetch(self, url: str, *, secure: bool) -> object:
        if secure and not url.lower().startswith("https:"):
            self.errors.append("SECURE_ASSET_INCLUDES_INSECURE")
            return None
        if self.budget <= 0:
            self.errors.append("FETCH_BUDGET_EXHAUSTED")
            return None
        self.budget -= 1
        document = self.served.includes.get(url)
        if document is None:
            self.errors.append("FETCH_ERROR")
        return document


def _faults_of_query(query: Mapping[str, object], *, lists: bool) -> Iterator[str]:
    relation = query.get("relation")
    missing = relation in ("", None)
    asset_fields = ("source",) if lists else ("source", "target")
    if (missing and not lists) or any(_assets_of(query.get(name)) is None for name in asset_fields):
        yield "INVALID_QUERY"
    elif not missing and not (isinstance(relation, str) and RELATION.fullmatch(relation)):
        yield "INVALID_QUERY"
        # comptest4301 wants this code too for a relation such as "delegate_permission/*".
        yield "MALFORMED_CONTENT"


def _assets_of(wire: object) -> tuple[Asset, ...] | None:
    """What a question names; of several keys, any one will do. None if it is malformed."""
    if not isinstance(wire, dict):
        return None
    if wire.get("namespace") == "web":
        site = site_of(wire.get("site"))
        return (site,) if site else None
    keys = wire.get("sha256_cert_fingerprints", [wire.get("sha256_cert_fingerprint")])
    return _app_keys_of(wire, keys) if wire.get("namespace") == "android_app" else None


def _targets_of(wire: object) -> tuple[Asset, ...] | None:
    if not isinstance(wire, dict):
        return None
    if wire.get("namespace") == "web":
        site = site_of(wire.get("site"))
        return (site,) if site else None
    if wire.get("namespace") == "android_app":
        return _app_keys_of(wire, wire.get("sha256_cert_fingerprints"))
    return None


def _app_keys_of(wire: Mapping[str, object], keys: object) -> tuple[AppKey, ...] | None:
    package = wire.get("package_name")
    if not isinstance(package, str) or not PACKAGE.fullmatch(package):
        return None
    if not isinstance(keys, list) or not keys:
        return None
    if not all(isinstance(key, str) and FINGERPRINT.fullmatch(key) for key in keys):
        return None
    return tuple(AppKey(package, key) for key in keys)


def _error_of(response: Response | None) -> str | None:
    if response is None:
        return None
    if 300 <= response.status < 400:
        return "REDIRECT"
    if response.status != 200:
        return "FETCH_ERROR"
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if media_type == "application/json" else "WRONG_CONTENT_TYPE"


def _is_plain(rest: str) -> bool:
    """Whether *rest* is a host and a port at most: nothing of a path, a query or a user."""
    return bool(rest) and not any(char in _NOT_IN_A_HOST or char.isspace() for char in rest)


def _port_of(digits: str) -> int | None:
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5:
        return None
    return int(digits) if int(digits) <= _MAX_PORT else None
