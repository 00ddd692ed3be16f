"""
What an app's developer should do about a failed exchange: one sentence or two for each case.

The sentences are ours; a provider's own is never repeated, because it may quote the request.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deeplink.oauth.answer import Refused
    from deeplink.oauth.providers import Preset, Provider, Symptom


class Operation(StrEnum):
    """What was asked of the provider; the values are the last part of our paths."""

    EXCHANGE = "exchange"
    REFRESH = "refresh"
    REVOKE = "revoke"


#: By operation and OAuth error; ``{name}`` is the provider's.
_BY_OPERATION = {
    (Operation.EXCHANGE, "invalid_grant"): (
        "The code has expired, was used before, or is not one of {name}'s for this app. Start the "
        "login again, and send its code once, at once."
    ),
    (Operation.EXCHANGE, "invalid_request"): (
        "{name} refused the code without saying why. Check that code and code_verifier come from "
        "the same login, and that the app started it with {redirect_uri}; then start again."
    ),
    (Operation.REFRESH, "invalid_grant"): (
        "The refresh token has expired or was revoked. The person has to log in again."
    ),
    (Operation.REFRESH, "invalid_request"): (
        "{name} refused the refresh token without saying why. Send the newest one, unchanged; if "
        "that is refused too, the person has to log in again."
    ),
    (Operation.REVOKE, "invalid_grant"): (
        "{name} does not know this token any more: it has expired or was revoked before."
    ),
    (Operation.REVOKE, "invalid_request"): (
        "{name} does not know this token: it has expired, was revoked before, or is none of "
        "{name}'s. Send the refresh token, which ends the whole login."
    ),
}

#: In place of those above where each refresh ends the refresh token that was shown.
_WHERE_REFRESH_TOKENS_ROTATE = {
    (Operation.REFRESH, "invalid_grant"): (
        "The refresh token has expired, was revoked, or was replaced: each refresh gives a new one "
        "and ends the old. Keep the newest; without it the person has to log in again."
    ),
}

#: In place of those above where only an access token can be revoked.
_WHERE_ACCESS_TOKENS_ARE_REVOKED = {
    (Operation.REVOKE, "invalid_grant"): (
        "{name} does not know this token any more: it has expired or was revoked before. To end "
        "a login whose access token has expired, refresh first and revoke the new access token."
    ),
    (Operation.REVOKE, "invalid_request"): (
        "{name} does not know this token: it has expired, was revoked before, or is no access "
        "token. To end a login whose access token has expired, refresh first and revoke the new "
        "access token."
    ),
}

#: By OAuth error, whatever was asked.
_BY_ERROR = {
    "access_denied": "{name}, or the person, refused. Offer to start the login again.",
    "invalid_client": (
        "{name} does not accept this server's credentials. The app cannot mend this. Whoever runs "
        "the server: compare key and secret with the provider's portal."
    ),
    "invalid_scope": (
        "{name} does not grant one of the scopes to this app. Ask for fewer, or have them approved "
        "in the provider's portal; then start the login again."
    ),
    "unauthorized_client": (
        "{name} does not allow this to the configured client. The app cannot mend this. Whoever "
        "runs the server: is the app live, and is its login product added, in the portal?"
    ),
    "temporarily_unavailable": (
        "{name} cannot answer just now. Send the same request again in a few seconds; if it is "
        "refused then, start the login again."
    ),
    "server_error": (
        "{name} had a fault of its own. Send the same request once more; if it is refused then, "
        "start the login again."
    ),
}

_UNKNOWN = (
    "{name} refused in a way that its documentation does not describe. Start the login again; if "
    "it stays so, report it, with the log_id, to the people who run this server."
)

_NOT_SENT = {
    Operation.EXCHANGE: "The code has not been used: send the same request again.",
    Operation.REFRESH: "The refresh token has not been used: send the same request again.",
    Operation.REVOKE: "The token has not been revoked: send the same request again.",
}

_PERHAPS_USED = {
    Operation.EXCHANGE: (
        "The code may have been used. Send the same request once more; if it is refused then, "
        "start the login again."
    ),
    Operation.REFRESH: (
        "The refresh token may have been replaced. Send the same request once more; if it is "
        "refused then, the person has to log in again."
    ),
    Operation.REVOKE: "The token may or may not be revoked: send the same request once more.",
}

_LOST = {
    Operation.EXCHANGE: (
        "{name} gave a token in an answer that cannot be trusted; it was given back. Start the "
        "login again."
    ),
    Operation.REFRESH: (
        "{name} gave a token in an answer that cannot be trusted; it was given back. The person "
        "has to log in again."
    ),
}


def on_refusal(provider: Provider, operation: Operation, refused: Refused) -> tuple[str, str]:
    """
    The OAuth error and the sentence for what the provider *refused*.

    A description that the provider's row knows says more than the error code; TikTok has one code
    for a wrong verifier, a wrong redirect URI and a malformed form.
    """
    for symptom in provider.preset.symptoms:
        if _fits(symptom, refused):
            return symptom.error, _filled(symptom.advice, provider)
    error = refused.error
    sentence = _by_operation(provider.preset).get((operation, error))
    return error, _filled(sentence or _BY_ERROR.get(error, _UNKNOWN), provider)


def _fits(symptom: Symptom, refused: Refused) -> bool:
    return (not symptom.word or symptom.word == refused.word) and (
        not symptom.description or _folded(symptom.description) == _folded(refused.description)
    )


def _by_operation(preset: Preset) -> dict[tuple[Operation, str], str]:
    sentences = dict(_BY_OPERATION)
    if preset.rotates_refresh_tokens:
        sentences |= _WHERE_REFRESH_TOKENS_ROTATE
    if not preset.revocation.takes_refresh_tokens:
        sentences |= _WHERE_ACCESS_TOKENS_ARE_REVOKED
    return sentences


def on_silence(provider: Provider, operation: Operation, *, sent: bool) -> str:
    """The sentence for no answer in time, which says whether the code may have been used."""
    if sent:
        return f"{provider.preset.name} did not answer in time. {_PERHAPS_USED[operation]}"
    return f"{provider.preset.name} could not be reached. {_NOT_SENT[operation]}"


def on_nonsense(provider: Provider, operation: Operation) -> str:
    """The sentence for an answer that no OAuth server gives: a page, a redirect, a flood."""
    return (
        f"{provider.preset.name} answered with something else than an answer. "
        f"{_PERHAPS_USED[operation]}"
    )


def on_lost_token(provider: Provider, operation: Operation) -> str:
    """The sentence for a token that came in a broken answer and was revoked at once."""
    return _filled(_LOST[operation], provider)


def _folded(description: str) -> str:
    return " ".join(description.split()).rstrip(".").casefold()


def _filled(sentence: str, provider: Provider) -> str:
    return sentence.format(name=provider.preset.name, redirect_uri=provider.redirect_uri)
