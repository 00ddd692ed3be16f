"""
Questions about statements and answers to them, in words that all readers of the file share.

A question is Google's: does *source* state *relation* about *target*? The readers, Google's API,
two generations of Android's own verifier and Chromium, differ in what a faulty file costs; see
``android_google`` and ``android_devices``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: ``kind/detail``, well-known/details.md of google/digitalassetlinks, "Relation".
RELATION = re.compile(r"[a-z0-9_.]+/[a-z0-9_.]+")
#: How each reader spells a key; anything else never matches.
FINGERPRINT = re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}")
#: A Java package name, as compatibility-tests/v1 (1000-list-source) wants it.
PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")

DEFAULT_PORTS = {"http": 80, "https": 443}


class Answer(StrEnum):
    """INVALID: the question cannot be asked, or the file cannot be read at all."""

    LINKED = "linked"
    NOT_LINKED = "not_linked"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Site:
    """A web site: scheme and host in lower case, the host without its final dot."""

    scheme: str
    host: str
    port: int

    def as_json(self) -> dict[str, object]:
        """As Google's API prints it, with the final dot of a fully qualified name."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return {"namespace": "web", "site": f"{self.scheme}://{self.host}.{port}"}


@dataclass(frozen=True, slots=True)
class AppKey:
    """An Android app signed with one key."""

    package_name: str
    fingerprint: str

    def as_json(self) -> dict[str, object]:
        return {
            "namespace": "android_app",
            "package_name": self.package_name,
            "sha256_cert_fingerprint": self.fingerprint,
        }


Asset = Site | AppKey


@dataclass(frozen=True, slots=True)
class Made:
    """One statement as a reader understood it: of several relations or keys, one each."""

    relation: str
    target: Asset

    def as_json(self) -> dict[str, object]:
        return {"relation": self.relation, "target": self.target.as_json()}


@dataclass(frozen=True, slots=True)
class Response:
    """What came over HTTP beside the body; header names in lower case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """
    The file as a reader meets it. *document* is a parsed value, a text, or None for "no file".

    *response* is None where only the document is in question. *includes* are further documents
    by URL, None among them.
    """

    document: object
    includes: Mapping[str, object]
    response: Response | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    A reader's answer. *errors* are the code names of Google's API, whatever the answer.

    *state* is the number that ``pm get-app-links`` shows on Android 12 and later, where it can
    be told: 1 verified, 1026 rejected, 1028 malformed, 1029 redirect.
    """

    answer: Answer
    errors: tuple[str, ...] = ()
    statements: tuple[Made, ...] = ()
    state: int | None = None


def strict_json(text: str) -> object:
    """The value of a JSON text, by the letter of RFC 8259; ValueError for anything else."""
    try:
        # Numbers mean nothing in this file; as floats they may have any number of digits.
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse, parse_int=float)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def response_of(wire: object) -> Response | None:
    """The response that ``{status, headers}`` describes; None for anything else."""
    if not isinstance(wire, dict):
        return None
    status, headers = wire.get("status"), wire.get("headers")
    return Response(
        status if isinstance(status, int) else 200,
        {name.lower(): str(value) for name, value in headers.items()}
        if isinstance(headers, dict)
        else {},
    )


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
