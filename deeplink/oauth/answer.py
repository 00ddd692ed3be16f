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

    from deeplink.oauth.providers import Preset, Tokens
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

#: A list, perhaps of nothing; any other text of an answer is one word.
_LINES = frozenset({"scope"})

#: The vendor's word for an error, if it looks like one.
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)

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

    *description* and *word*, its own name for the error, are the provider's, for comparison with
    known ones only. *access_token* is one that came along in spite of the error.
    """

    error: str
    description: str = field(repr=False)
    log_id: str | None
    access_token: Secret | None
    word: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Neither a result nor an error. *access_token* is one that came in a broken result."""

    log_id: str | None
    access_token: Secret | None


def read_tokens(reply: Reply, preset: Preset) -> Result | Refused | Unusable:
    """What the token endpoint's *reply* says, whatever its status, in *preset*'s dialect."""
    body = _read_object(reply.body)
    if body is None:
        return Unusable(_log_id(reply, {}), None)
    if refused := _refusal(reply, body, preset):
        return refused
    log_id = _log_id(reply, body)
    fields = _known_fields(body, preset.tokens)
    if fields is None:
        return Unusable(log_id, _access_token(body))
    return Result(fields, log_id)


def read_revocation(reply: Reply, preset: Preset) -> Refused | Unusable | None:
    """
    What the revocation endpoint's *reply* says; None if the token is revoked.

    TikTok's success is an empty body or ``{}``; RFC 7009 section 2.2 says that only the status
    counts, so both are asked: no error in the body, and a status of success.
    """
    body = _read_object(reply.body) or {}
    if refused := _refusal(reply, body, preset):
        return refused
    if reply.status < 300:
        return None
    error = dict(preset.revocation.statuses).get(reply.status)
    log_id = _log_id(reply, body)
    return Refused(error, "", log_id, None) if error else Unusable(log_id, None)


def _read_object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refusal(reply: Reply, body: Mapping[str, object], preset: Preset) -> Refused | None:
    """The error that *body* holds: a word, or the envelope of TikTok's other endpoints."""
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("code", UNKNOWN_ERROR) if error else None
        error = None if error == "ok" else error
    if not error:
        return None
    word = error if isinstance(error, str) and _WORD.fullmatch(error) else ""
    # GitHub has words of its own for RFC 6749's errors.
    own = {symptom.word: symptom.error for symptom in preset.symptoms if symptom.word}
    known = word if word in KNOWN_ERRORS else own.get(word, UNKNOWN_ERROR)
    description = body.get("error_description")
    return Refused(
        known,
        description if isinstance(description, str) else "",
        _log_id(reply, body),
        _access_token(body),
        word,
    )


def _known_fields(body: Mapping[str, object], tokens: Tokens) -> dict[str, str | int] | None:
    """The fields that we pass on, in alphabetical order; None if one is not what it should be."""
    fields: dict[str, str | int] = {}
    for name in sorted((*tokens.texts, *tokens.seconds)):
        value = body.get(name)
        if value is None and name not in tokens.required:
            continue
        if not _is_right(value, name, is_number=name in tokens.seconds):
            return None
        fields[name] = value
    return fields


def _is_right(value: object, name: str, *, is_number: bool) -> TypeGuard[str | int]:
    if is_number:
        return type(value) is int and value >= 0
    shape = _LINE if name in _LINES else _TOKEN
    return isinstance(value, str) and shape.fullmatch(value) is not None


def _access_token(body: Mapping[str, object]) -> Secret | None:
    token = body.get("access_token")
    return Secret(token) if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def _log_id(reply: Reply, body: Mapping[str, object]) -> str | None:
    """The provider's name for the call, if it looks like one: it is logged and shown."""
    for value in (body.get("log_id"), reply.headers.get("x-tt-logid")):
        if isinstance(value, str) and _LOG_ID.fullmatch(value):
            return value
    return None
