"""
What a provider's refusal means, in plain words: one table from its codes to our sentences.

Nothing that the provider or whoever wrote the link said is ever repeated: a page that shows
``error_description`` lets a stranger put his own words, and his own telephone number, on our host.

Codes: RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6, and TikTok's (errors of the
authorization response, "Handling errors" of its Login Kit, and the constants of its two SDKs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from deeplink.words import phrase


class Cause(StrEnum):
    """The closed list of reasons that we tell apart; the values never change."""

    CANCELLED = "cancelled"
    SIGN_IN_NEEDED = "sign_in_needed"
    EXPIRED = "expired"
    SCOPE = "scope"
    APP_SETUP = "app_setup"
    APP_CERTIFICATE = "app_certificate"
    APP_REDIRECT = "app_redirect"
    APP_KEY = "app_key"
    APP_REVIEW = "app_review"
    BUSY = "busy"
    UPDATE_NEEDED = "update_needed"
    AGE = "age"
    BLOCKED = "blocked"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused login as the visitor should read it: whole phrases, none of them a stranger's."""

    cause: Cause
    title: str
    sentence: str
    next_step: str


_WORDS: dict[Cause, tuple[str, str, str]] = {
    Cause.CANCELLED: (
        phrase("Sign-in cancelled"),
        phrase("You said no, or closed the sign-in before it was done. Nothing was shared."),
        phrase("Go back to the app. You can sign in there whenever you like."),
    ),
    Cause.SIGN_IN_NEEDED: (
        phrase("Please sign in again"),
        phrase("The service could not sign you in without asking you first."),
        phrase("Go back to the app and start again; this time, answer what the service asks."),
    ),
    Cause.EXPIRED: (
        phrase("This sign-in took too long"),
        phrase("The service allows only a short time between its page and the app."),
        phrase("Go back to the app and start again."),
    ),
    Cause.SCOPE: (
        phrase("The app asked for too much"),
        phrase("The app wants something that the service has not allowed it to have."),
        phrase(
            "Nothing is wrong on your side. Please tell the people who make the app: a "
            "scope is not approved, or the login product was not added."
        ),
    ),
    Cause.APP_SETUP: (
        phrase("The app is not set up correctly"),
        phrase("The service did not accept the way in which the app asked."),
        phrase(
            "Nothing is wrong on your side. Please tell the people who make the app: the "
            "sign-in request is not valid."
        ),
    ),
    Cause.APP_CERTIFICATE: (
        phrase("The app is not set up correctly"),
        phrase("The service does not recognise this copy of the app."),
        phrase(
            "Nothing is wrong on your side. Please tell the people who make the app: its "
            "signing certificate or package name is not the registered one."
        ),
    ),
    Cause.APP_REDIRECT: (
        phrase("The app is not set up correctly"),
        phrase("The service does not know the address it should send you back to."),
        phrase(
            "Nothing is wrong on your side. Please tell the people who make the app: the "
            "redirect URI differs from the registered one."
        ),
    ),
    Cause.APP_KEY: (
        phrase("The app is not set up correctly"),
        phrase("The service does not recognise the app."),
        phrase(
            "Nothing is wrong on your side. Please tell the people who make the app: the "
            "client key is wrong or not allowed to do this."
        ),
    ),
    Cause.APP_REVIEW: (
        phrase("The app is not approved yet"),
        phrase("The service is still reviewing the app."),
        phrase(
            "Nothing is wrong on your side. Please tell the people who make the app: only "
            "its registered test users can sign in for now."
        ),
    ),
    Cause.BUSY: (
        phrase("The service is busy"),
        phrase("The service could not answer just now."),
        phrase("Wait a minute, then start again in the app."),
    ),
    Cause.UPDATE_NEEDED: (
        phrase("Your TikTok app is too old"),
        phrase("Signing in needs a newer version of the TikTok app."),
        phrase("Update TikTok, then start again in the app."),
    ),
    Cause.AGE: (
        phrase("Not available for this account"),
        phrase("The service does not allow this because of the age given in the account."),
        phrase("Go back to the app and choose another way to sign in."),
    ),
    Cause.BLOCKED: (
        phrase("Not available for this account"),
        phrase("The service has blocked this account or this sign-in."),
        phrase("Look into the service’s own app for a message, or use another account."),
    ),
    Cause.UNSUPPORTED: (
        phrase("This does not work here"),
        phrase("The service does not offer this kind of sign-in on this device or to this app."),
        phrase("Go back to the app and choose another way to sign in."),
    ),
    Cause.UNKNOWN: (
        phrase("Sign-in did not work"),
        phrase("The service refused, and gave no reason that we know."),
        phrase(
            "Go back to the app and start again. If it stays so, tell the people who make the app."
        ),
    ),
}

#: The parameter ``error``, and old TikTok's ``error_string``.
_NAMES = {
    "access_denied": Cause.CANCELLED,
    "bytebase_cancel_oauth": Cause.CANCELLED,
    "user_cancelled": Cause.CANCELLED,
    "user_denied": Cause.CANCELLED,
    "user_cancelled_login": Cause.CANCELLED,
    "user_cancelled_authorize": Cause.CANCELLED,
    "login_required": Cause.SIGN_IN_NEEDED,
    "interaction_required": Cause.SIGN_IN_NEEDED,
    "consent_required": Cause.SIGN_IN_NEEDED,
    "account_selection_required": Cause.SIGN_IN_NEEDED,
    "invalid_grant": Cause.EXPIRED,
    "invalid_scope": Cause.SCOPE,
    "invalid_request": Cause.APP_SETUP,
    "unsupported_response_type": Cause.APP_SETUP,
    "unsupported_grant_type": Cause.APP_SETUP,
    "invalid_client": Cause.APP_KEY,
    "unauthorized_client": Cause.APP_KEY,
    "server_error": Cause.BUSY,
    "temporarily_unavailable": Cause.BUSY,
}

#: Descriptions that TikTok's server and SDKs are known to send, sometimes without a number.
_DESCRIPTIONS = {
    "user cancelled authorization": Cause.CANCELLED,
    "app certificate does not match configurations.": Cause.APP_CERTIFICATE,
    "redirect_uri is not matched with the uri when requesting code.": Cause.APP_REDIRECT,
    "client key or secret is incorrect.": Cause.APP_KEY,
    "authorization code is expired.": Cause.EXPIRED,
}

#: TikTok's numbers, the same on both platforms (its older error table; they are still returned).
_NUMBERS = {
    10002: Cause.APP_SETUP,
    10003: Cause.APP_SETUP,
    10004: Cause.SCOPE,
    10005: Cause.APP_SETUP,
    10006: Cause.APP_REDIRECT,
    10007: Cause.EXPIRED,
    10008: Cause.APP_KEY,
    10009: Cause.APP_SETUP,
    10010: Cause.EXPIRED,
    10011: Cause.APP_CERTIFICATE,
    10012: Cause.APP_REVIEW,
    10013: Cause.APP_KEY,
    10014: Cause.APP_KEY,
    10015: Cause.APP_SETUP,
    10017: Cause.APP_CERTIFICATE,
    10033: Cause.APP_CERTIFICATE,
    2190002: Cause.EXPIRED,
    2190003: Cause.SCOPE,
    2190008: Cause.EXPIRED,
    2100004: Cause.BUSY,
    2100009: Cause.BLOCKED,
    6007061: Cause.UPDATE_NEEDED,
    6007062: Cause.AGE,
    100000: Cause.UNKNOWN,
}

# The SDKs' own small numbers differ: -3 is "cancelled" in Android's BaseError and "failed" in
# iOS's TikTokAuthResponse, -4 the other way round. Android writes errCode, iOS error_code.
_ANDROID_NUMBERS = {
    -1: Cause.UNKNOWN,
    -2: Cause.CANCELLED,
    -3: Cause.CANCELLED,
    -4: Cause.UNKNOWN,
    -5: Cause.UNSUPPORTED,
}
_IOS_NUMBERS = {
    -1: Cause.UNKNOWN,
    -2: Cause.CANCELLED,
    -3: Cause.UNKNOWN,
    -4: Cause.CANCELLED,
    -5: Cause.UNSUPPORTED,
    -8: Cause.UNSUPPORTED,
}

#: Fewer digits than could ever cost anything to read.
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)


def explain(
    *,
    error: str = "",
    error_description: str = "",
    err_code: str = "",
    error_code: str = "",
    error_string: str = "",
) -> Refusal | None:
    """
    The refusal that these decoded parameters tell of, or None if they tell of none.

    ``0`` is TikTok's word for success, and a description alone refuses nothing. The parameters are
    those of the redirect URI: RFC 6749's first two, *err_code* (``errCode``, Android),
    *error_code* and *error_string* (iOS). A number is more exact than a description, and that
    than a name: with ``invalid_client``, 10033 says that it is the certificate.

    >>> explain(error="access_denied").title
    'Sign-in cancelled'
    """
    if not any((error, error_string, _unless_zero(err_code), _unless_zero(error_code))):
        return None
    causes = (
        _by_number(err_code, _ANDROID_NUMBERS),
        _by_number(error_code, _IOS_NUMBERS),
        _DESCRIPTIONS.get(error_description.strip().lower()),
        _NAMES.get(error.strip().lower()),
        _NAMES.get(error_string.strip().lower()),
    )
    known = [cause for cause in causes if cause is not None]
    exact = [cause for cause in known if cause is not Cause.UNKNOWN]
    cause = (exact or known or [Cause.UNKNOWN])[0]
    return Refusal(cause, *_WORDS[cause])


def codes(
    *, error: str = "", err_code: str = "", error_code: str = "", error_string: str = ""
) -> dict[str, str]:
    """
    Those of the parameters that are codes of our tables, under their names in a redirect URI.

    For a report to the people who make the app: what stands in no table is a stranger's text and
    is left out, digits too, because they may be his telephone number.

    >>> codes(error="Invalid_Client", err_code="10033", error_string="call 555")
    {'error': 'invalid_client', 'errCode': '10033'}
    """
    names = {"error": error.strip().lower(), "error_string": error_string.strip().lower()}
    numbers = {
        "errCode": (_read(err_code), _ANDROID_NUMBERS),
        "error_code": (_read(error_code), _IOS_NUMBERS),
    }
    known = {key: name for key, name in names.items() if name in _NAMES}
    for key, (number, platform) in numbers.items():
        if number in _NUMBERS or number in platform:
            known[key] = str(number)
    return known


def _unless_zero(number: str) -> str:
    return "" if _read(number) == 0 else number


def _by_number(number: str, platform: dict[int, Cause]) -> Cause | None:
    value = _read(number)
    return None if value is None else _NUMBERS.get(value, platform.get(value))


def _read(number: str) -> int | None:
    # Spaces only: the page's script reads a zero by the same rule.
    return int(number) if _NUMBER.fullmatch(number.strip(" ")) else None
