"""
What a provider answered, judged by its body alone.

TikTok sends errors with status 200 and does not document which status an error has
(https://developers.tiktok.com/doc/oauth-error-handling), so that only the body can tell. Nothing
of it goes on but known fields of the right type; of an error only the code, if it is a documented
one, and the log id.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.outbound import Reply

#: RFC 6749 section 5.2, the two of 4.1.2.1 that mean "later", and TikTok's word for "too many".
#: TikTok's list: https://developers.tiktok.com/doc/oauth-error-handling
KNOWN_ERRORS = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
        "server_error",
        "temporarily_unavailable",
        "rate_limit_exceeded",
    }
)

#: What an error that nobody documented is called.
UNKNOWN_ERROR = "unknown_error"

#: One visible word (RFC 6749 appendix A.12); one line of printable ASCII, perhaps empty; seconds.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_LINE = re.compile(r"[\x20-\x7e]{0,8192}", re.ASCII)

#: The fields that go on to the app, and what each must look like.
_TEXTS = {
    "access_token": _TOKEN,
    "open_id": _TOKEN,
    "refresh_token": _TOKEN,
    "scope": _LINE,
    "token_type": _TOKEN,
}
_SECONDS = ("expires_in", "refresh_expires_in")

#: RFC 6749 section 5.1; ``expires_in`` is only recommended there, but an app that guesses a
#: token's life guesses wrong (TikTok went from 24 hours to 2).
_REQUIRED = ("access_token", "expires_in", "token_type")

#: 14 digits of UTC time and 20 hexadecimal ones: ``202206221854370101130062072500FFA2``.
_LOG_ID = re.compile(r"20[0-9]{12}[0-9A-Fa-f]{18,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Result:
    """
    What the provider gave: *fields* in the order of the app's answer; they do not print.

    *is_replay* says that it was given before, and that no call was made for it this time.
    """

    fields: Mapping[str, str | int] = field(repr=False)
    log_id: str | None
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """
    The body says no. *error* is of ``KNOWN_ERRORS`` or ``UNKNOWN_ERROR``.

    *description* is the provider's, for comparison with known sentences only. *access_token* is
    one that came along in spite of the error.
    """

    error: str
    description: str = field(repr=False)
    log_id: str | None
    access_token: Secret | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """Neither a result nor an error. *access_token* is one that came in a broken result."""

    log_id: str | None
    access_token: Secret | None


def read_tokens(reply: Reply) -> Result | Refused | Unusable:
    """What the token endpoint's *reply* says, whatever its status."""
    body = _read_object(reply.body)
    if body is None:
        return Unusable(_log_id(reply, {}), None)
    if refused := _refusal(reply, body):
        return refused
    log_id = _log_id(reply, body)
    fields = _known_fields(body)
    if fields is None:
        return Unusable(log_id, _access_token(body))
    return Result(fields, log_id)


def read_revocation(reply: Reply) -> Refused | Unusable | None:
    """
    What the revocation endpoint's *reply* says; None if the token is revoked.

    TikTok's success is an empty body or ``{}``; RFC 7009 section 2.2 says that only the status
    counts, so both are asked: no error in the body, and a status of success.
    """
    body = _read_object(reply.body) or {}
    if refused := _refusal(reply, body):
        return refused
    return None if reply.status < 300 else Unusable(_log_id(reply, body), None)


def _read_object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refusal(reply: Reply, body: Mapping[str, object]) -> Refused | None:
    """The error that *body* holds: a word, or the envelope of TikTok's other endpoints."""
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("code", UNKNOWN_ERROR) if error else None
        error = None if error == "ok" else error
    if not error:
        return None
    known = error if isinstance(error, str) and error in KNOWN_ERRORS else UNKNOWN_ERROR
    description = body.get("error_description")
    return Refused(
        known,
        description if isinstance(description, str) else "",
        _log_id(reply, body),
        _access_token(body),
    )


def _known_fields(body: Mapping[str, object]) -> dict[str, str | int] | None:
    """The fields that we pass on, in alphabetical order; None if one is not what it should be."""
    fields: dict[str, str | int] = {}
    for name in sorted((*_TEXTS, *_SECONDS)):
        value = body.get(name)
        if value is None and name not in _REQUIRED:
            continue
        if not _is_right(value, name):
            return None
        fields[name] = value
    return fields


def _is_right(value: object, name: str) -> TypeGuard[str | int]:
    if name in _SECONDS:
        return type(value) is int and value >= 0
    return isinstance(value, str) and _TEXTS[name].fullmatch(value) is not None


def _access_token(body: Mapping[str, object]) -> Secret | None:
    token = body.get("access_token")
    return Secret(token) if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def _log_id(reply: Reply, body: Mapping[str, object]) -> str | None:
    """The provider's name for the call, if it looks like one: it is logged and shown."""
    for value in (body.get("log_id"), reply.headers.get("x-tt-logid")):
        if isinstance(value, str) and _LOG_ID.fullmatch(value):
            return value
    return None
