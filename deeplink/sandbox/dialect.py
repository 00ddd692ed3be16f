"""
TikTok's own words: errors, scopes, fields and lifetimes, as data.

https://developers.tiktok.com/doc/oauth-error-handling,
https://developers.tiktok.com/doc/tiktok-api-v2-error-handling,
https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the OAuth endpoints: ``error`` and ``error_description`` of the JSON body."""

    error: str
    description: str


# The descriptions that TikTok documents, or that developers quote from it.
MALFORMED = Refusal("invalid_request", "The request parameters are malformed.")
SECRET_MISSING = Refusal("invalid_request", "Client secret is missed in request.")
PAIR_WRONG = Refusal("invalid_client", "Client key or secret is incorrect.")
CODE_EXPIRED = Refusal("invalid_grant", "Authorization code is expired.")
REDIRECT_DIFFERS = Refusal(
    "invalid_request", "Redirect_uri is not matched with the uri when requesting code."
)
PROOF_WRONG = Refusal("invalid_request", "Code verifier or code challenge is invalid.")
# The wording of the rest is ours; only the error codes are documented.
GRANT_TYPE_UNKNOWN = Refusal("unsupported_grant_type", "The grant type is not supported.")
REFRESH_EXPIRED = Refusal("invalid_grant", "Refresh token is invalid or expired.")
TOKEN_UNKNOWN = Refusal("invalid_request", "The access token is invalid or not found.")
SERVER_ERROR = Refusal("server_error", "The server met an unexpected condition.")
UNAVAILABLE = Refusal("temporarily_unavailable", "The server is overloaded; try again later.")
TOO_MANY = Refusal("rate_limit_exceeded", "The API rate limit was exceeded.")

#: Statuses under ``--error-status rfc`` (RFC 6749 section 5.2); all others are 400. TikTok's own
#: are not documented; what developers report is 200 with an error in the body.
RFC_STATUS = {
    "invalid_client": 401,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "temporarily_unavailable": 503,
}

#: Statuses of the user API, which are documented, by ``error.code``.
API_STATUS = {
    "access_token_invalid": 401,
    "scope_not_authorized": 401,
    "scope_permission_missed": 400,
    "invalid_params": 400,
    "rate_limit_exceeded": 429,
    "internal_error": 500,
}

#: The errors which TikTok documents for the redirect back to the app: the description, and the
#: number that the SDKs read besides ("errCode" on Android, "error_code" on iOS).
#: https://developers.tiktok.com/doc/getting-started-android-handling-errors
REDIRECT_ERRORS = {
    "access_denied": ("User cancelled authorization", -2),
    "invalid_request": ("Parameter error", 10002),
    "unauthorized_client": ("Illegal app config", 10003),
    "invalid_client": ("App certificate does not match configurations.", 10033),
    "invalid_scope": ("Illegal scope", 10004),
    "unsupported_response_type": ("The response type is not supported", 10009),
    "server_error": ("The server met an unexpected condition", -1),
    "temporarily_unavailable": ("The server is busy", 2100004),
}

#: The fields which each scope opens in ``/v2/user/info/``.
FIELDS_OF_SCOPE = {
    "user.info.basic": (
        "open_id",
        "union_id",
        "avatar_url",
        "avatar_url_100",
        "avatar_large_url",
        "display_name",
    ),
    "user.info.profile": ("bio_description", "profile_deep_link", "is_verified", "username"),
    "user.info.stats": ("follower_count", "following_count", "likes_count", "video_count"),
}

SCOPE_OF_FIELD = {field: scope for scope, names in FIELDS_OF_SCOPE.items() for field in names}

#: What the consent page says of each scope; a scope that is not here does not exist.
SCOPES = {
    "user.info.basic": "Read your profile name and picture",
    "user.info.profile": "Read your bio, username and verification",
    "user.info.stats": "Read your follower, like and video counts",
    "user.info.open_id": "Read your anonymous id",
    "video.list": "Read your public videos",
    "video.upload": "Upload drafts for you to finish",
    "video.publish": "Publish videos to your profile",
    "user.setting.list": "Read your posting settings",
    "user.settings.update": "Change your posting settings",
    "artist.certification.read": "Read your artist certification",
    "artist.certification.update": "Change your artist certification",
    "research.data.basic": "Read public data for research",
    "research.adlib.basic": "Read the ad library for research",
}


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """In seconds. The code's is not documented; 600 is RFC 6749's upper bound (4.1.2)."""

    access: int
    refresh: int
    client: int = 7200
    code: int = 600


#: "2026" is the page of 5 November 2026 (2 hours, 180 days), "legacy" what stood there before
#: and what most libraries still assume (24 hours, 365 days).
#: https://developers.tiktok.com/doc/oauth-user-access-token-management
LIFETIMES = {
    "2026": Lifetimes(access=7200, refresh=15_552_000),
    "legacy": Lifetimes(access=86_400, refresh=31_536_000),
}


class Platform(StrEnum):
    """Who asks for the login; the rules for the challenge and the way back depend on it."""

    WEB = "web"
    DESKTOP = "desktop"
    ANDROID = "android"
    IOS_BROWSER = "ios browser"
    IOS_NATIVE = "ios native"


def person(client_key: str, avatar_url: str) -> dict[str, str | int | bool]:
    """Every field of the one person who lives here, as the app *client_key* sees them."""
    return {
        "open_id": open_id(client_key),
        # The same for every app of one developer, and all clients here are one developer's.
        "union_id": _identity("union"),
        "avatar_url": avatar_url,
        "avatar_url_100": avatar_url,
        "avatar_large_url": avatar_url,
        "display_name": "Sandy Box",
        "bio_description": "I live in a sandbox.",
        "profile_deep_link": "https://vm.tiktok.com/sandbox/",
        "is_verified": False,
        "username": "sandy.box",
        "follower_count": 128,
        "following_count": 64,
        "likes_count": 4096,
        "video_count": 8,
    }


def open_id(client_key: str) -> str:
    """The person's id for one app: stable, and different for every client key."""
    return _identity(f"open/{client_key}")


def _identity(name: str) -> str:
    digest = hashlib.sha256(f"sandy.box/{name}".encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
