"""
The other providers that are played here, as rows: their paths, words, lifetimes and habits.

Each row is written from its vendor's documentation; what is observed or chosen says so. TikTok
has modules of its own, because most of what is odd about it is behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Everything that can be wrong with a request of a machine; each row has words for all."""

    MALFORMED = "malformed"
    CLIENT = "client"
    GRANT_TYPE = "grant_type"
    CODE = "code"
    CODE_USED = "code_used"
    REDIRECT_URI = "redirect_uri"
    PROOF = "proof"
    PROOF_MISSING = "proof_missing"
    PROOF_NEEDLESS = "proof_needless"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a fault
    TOKEN = "token"  # noqa: S105 - the name of a fault
    REVOKING_CLIENT = "revoking_client"


@dataclass(frozen=True, slots=True)
class Words:
    """How a vendor says that something is wrong; None for a *description* that it does not send."""

    error: str
    description: str | None
    status: int


@dataclass(frozen=True, slots=True)
class TokenShape:
    """A kind of token: what it begins with, how many random bytes follow, how long it lives."""

    prefix: str
    size: int
    seconds: int | None  # None: it has no end, and no expires_in


@dataclass(frozen=True, slots=True)
class Vendor:
    """
    One provider on stage. Paths are its own; *key* comes before them here.

    *scopes* says what exists, empty if anything does. *posts_for* are the scopes that may only be
    asked for with ``response_mode=form_post``; with *answers_have_issuer* they name the *issuer*
    (RFC 9207). *offline* is the authorize parameter without which
    there is no refresh token, and *reconsent* the one without which a person who has consented
    before gives none. *expiring_apps* is what the client ids begin with whose tokens expire; ""
    for all. *id_token_for* is the scope that brings an id_token, "" if every login does and None
    if none. *client_by* are ``form``, ``json``, ``basic``, and *signed_secret* is whom a secret
    that the client signs itself must be meant for. *needless_proof_refused*: a verifier for a code
    that was asked for without challenge. *form_by_default*: a form unless Accept names JSON.
    """

    key: str
    name: str
    issuer: str
    answers_have_issuer: bool
    authorize_path: str
    token_path: str
    revoke_path: str
    revoke_method: str
    userinfo_path: str
    keys_path: str
    scopes: tuple[str, ...]
    scope_separators: str
    granted_separator: str
    names_scope: bool
    posts_for: tuple[str, ...]
    denial: str
    offline: tuple[str, str] | None
    reconsent: tuple[str, str] | None
    expiring_apps: str
    code: TokenShape
    access: TokenShape
    expiring_access: TokenShape
    refresh: TokenShape
    refresh_life_field: str
    rotates: bool
    refresh_ends_access: bool
    id_token_for: str | None
    id_token_on_refresh: bool
    token_type: str
    challenge_methods: tuple[str, ...]
    needless_proof_refused: bool
    client_by: tuple[str, ...]
    signed_secret: str
    form_by_default: bool
    revoke_client_by: tuple[str, ...]
    revoke_param: str
    revokes_whole_login: bool
    unknown_token_is_fine: bool
    revoked_status: int
    revoked_body: bytes
    words: dict[Fault, Words]


#: Addresses: https://developers.google.com/identity/openid-connect/reference; behaviour:
#: https://developers.google.com/identity/protocols/oauth2/web-server and …/native-app. The
#: descriptions are those that developers quote (google-api-java-client#1479,
#: google-api-php-client#2669, google-auth-library-nodejs#2028); a code's life is not documented.
GOOGLE = Vendor(
    key="google",
    name="Google",
    issuer="https://accounts.google.com",
    # https://developers.google.com/identity/openid-connect/reference: RFC 9207 is supported.
    answers_have_issuer=True,
    authorize_path="/o/oauth2/v2/auth",
    token_path="/token",  # noqa: S106 - a path
    revoke_path="/revoke",
    revoke_method="POST",
    userinfo_path="/v1/userinfo",
    keys_path="/oauth2/v3/certs",
    scopes=(
        "openid",
        "email",
        "profile",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
        "https://www.googleapis.com/auth/drive.metadata.readonly",
    ),
    scope_separators=" ",
    granted_separator=" ",
    names_scope=True,
    posts_for=(),
    denial="access_denied",
    offline=("access_type", "offline"),
    reconsent=("prompt", "consent"),
    expiring_apps="",
    # With the slash that stands as %2F in the link.
    code=TokenShape("4/0A", 51, 600),
    access=TokenShape("ya29.a0A", 120, 3599),
    expiring_access=TokenShape("ya29.a0A", 120, 3599),
    refresh=TokenShape("1//0g", 60, None),
    refresh_life_field="",
    rotates=False,
    refresh_ends_access=False,
    id_token_for="openid",  # noqa: S106 - a scope
    id_token_on_refresh=True,
    token_type="Bearer",  # noqa: S106 - a word
    challenge_methods=("S256", "plain"),
    needless_proof_refused=True,
    client_by=("form", "basic"),
    signed_secret="",
    form_by_default=False,
    revoke_client_by=(),
    revoke_param="token",
    # "If the token is an access token and it has a corresponding refresh token, the refresh
    # token will also be revoked."
    revokes_whole_login=True,
    unknown_token_is_fine=False,
    revoked_status=200,
    revoked_body=b"{}",
    words={
        Fault.MALFORMED: Words("invalid_request", "Missing required parameter.", 400),
        Fault.CLIENT: Words("invalid_client", "Unauthorized", 401),
        Fault.GRANT_TYPE: Words("unsupported_grant_type", "Invalid grant_type.", 400),
        Fault.CODE: Words("invalid_grant", "Malformed auth code.", 400),
        Fault.CODE_USED: Words("invalid_grant", "Bad Request", 400),
        Fault.REDIRECT_URI: Words("redirect_uri_mismatch", "Bad Request", 400),
        Fault.PROOF: Words("invalid_grant", "Invalid code verifier.", 400),
        Fault.PROOF_MISSING: Words("invalid_grant", "Missing code verifier.", 400),
        Fault.PROOF_NEEDLESS: Words(
            "invalid_grant", "code_verifier or verifier is not needed.", 400
        ),
        Fault.REFRESH_TOKEN: Words("invalid_grant", "Token has been expired or revoked.", 400),
        Fault.TOKEN: Words("invalid_token", "Token expired or revoked", 400),
        Fault.REVOKING_CLIENT: Words("invalid_client", "Unauthorized", 401),
    },
)

#: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
#: …/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors; expiring tokens:
#: …/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens; PKCE:
#: https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication/;
#: revocation: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token. How a
#: wrong verifier is refused is not documented; here as a bad code.
_BAD_CODE = Words("bad_verification_code", "The code passed is incorrect or expired.", 200)
GITHUB = Vendor(
    key="github",
    name="GitHub",
    issuer="",
    answers_have_issuer=False,
    authorize_path="/login/oauth/authorize",
    token_path="/login/oauth/access_token",  # noqa: S106 - a path
    revoke_path="/applications/<client_id>/token",
    revoke_method="DELETE",
    userinfo_path="/user",
    keys_path="",
    scopes=(),
    # Documented are spaces; libraries send commas, too (social-core's GithubOAuth2).
    scope_separators=" ,",
    granted_separator=",",
    names_scope=True,
    posts_for=(),
    denial="access_denied",
    offline=None,
    reconsent=None,
    # Client ids of GitHub Apps; those of OAuth apps begin otherwise.
    expiring_apps="Iv",
    code=TokenShape("", 10, 600),
    access=TokenShape("gho_", 18, None),
    expiring_access=TokenShape("ghu_", 18, 28_800),
    refresh=TokenShape("ghr_", 38, 15_897_600),
    refresh_life_field="refresh_token_expires_in",
    rotates=True,
    refresh_ends_access=True,
    id_token_for=None,
    id_token_on_refresh=False,
    token_type="bearer",  # noqa: S106 - a word
    challenge_methods=("S256",),
    needless_proof_refused=False,
    client_by=("form", "json", "basic"),
    signed_secret="",
    form_by_default=True,
    revoke_client_by=("basic",),
    revoke_param="access_token",
    revokes_whole_login=False,
    unknown_token_is_fine=False,
    revoked_status=204,
    revoked_body=b"",
    words={
        Fault.MALFORMED: _BAD_CODE,
        Fault.CLIENT: Words(
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
            200,
        ),
        Fault.GRANT_TYPE: Words("unsupported_grant_type", "The grant type is not supported.", 200),
        Fault.CODE: _BAD_CODE,
        Fault.CODE_USED: _BAD_CODE,
        Fault.REDIRECT_URI: Words(
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
            200,
        ),
        Fault.PROOF: _BAD_CODE,
        Fault.PROOF_MISSING: _BAD_CODE,
        Fault.PROOF_NEEDLESS: _BAD_CODE,
        Fault.REFRESH_TOKEN: Words(
            "bad_refresh_token", "The refresh token passed is incorrect or expired.", 200
        ),
        Fault.TOKEN: Words("", "Validation Failed", 422),
        Fault.REVOKING_CLIENT: Words("", "Bad credentials", 401),
    },
)

#: https://developer.apple.com/documentation/signinwithapplerestapi; words:
#: …/errorresponse and the forums' quotes (thread 726004). PKCE is not documented and is checked
#: where a challenge was sent (a-tokyo/apple-signin-auth#180); an unknown token is revoked without
#: a word (forums thread 707610); a refresh brings no new refresh token (thread 656845) and no
#: id_token (thread 126365).
APPLE = Vendor(
    key="apple",
    name="Apple",
    issuer="https://appleid.apple.com",
    answers_have_issuer=False,
    authorize_path="/auth/authorize",
    token_path="/auth/token",  # noqa: S106 - a path
    revoke_path="/auth/revoke",
    revoke_method="POST",
    userinfo_path="",
    keys_path="/auth/keys",
    scopes=("openid", "email", "name"),
    scope_separators=" ",
    granted_separator=" ",
    names_scope=False,
    posts_for=("email", "name"),
    denial="user_cancelled_authorize",
    offline=None,
    reconsent=None,
    expiring_apps="",
    code=TokenShape("c", 33, 300),
    access=TokenShape("a", 48, 3600),
    expiring_access=TokenShape("a", 48, 3600),
    refresh=TokenShape("r", 48, None),
    refresh_life_field="",
    rotates=False,
    refresh_ends_access=False,
    id_token_for="",
    id_token_on_refresh=False,
    token_type="Bearer",  # noqa: S106 - a word
    challenge_methods=("S256",),
    needless_proof_refused=False,
    client_by=("form",),
    signed_secret="https://appleid.apple.com",  # noqa: S106 - an address
    form_by_default=False,
    revoke_client_by=("form",),
    revoke_param="token",
    revokes_whole_login=True,
    unknown_token_is_fine=True,
    revoked_status=200,
    revoked_body=b"",
    words={
        Fault.MALFORMED: Words("invalid_request", None, 400),
        Fault.CLIENT: Words("invalid_client", None, 400),
        Fault.GRANT_TYPE: Words("unsupported_grant_type", None, 400),
        Fault.CODE: Words("invalid_grant", "The code has expired or has been revoked.", 400),
        Fault.CODE_USED: Words("invalid_grant", "The code has already been used.", 400),
        # "mismatched or invalid redirect URI" stands under invalid_client in Apple's list.
        Fault.REDIRECT_URI: Words("invalid_client", None, 400),
        Fault.PROOF: Words("invalid_grant", None, 400),
        Fault.PROOF_MISSING: Words("invalid_grant", None, 400),
        Fault.PROOF_NEEDLESS: Words("invalid_grant", None, 400),
        Fault.REFRESH_TOKEN: Words("invalid_grant", None, 400),
        Fault.TOKEN: Words("invalid_request", None, 400),
        Fault.REVOKING_CLIENT: Words("invalid_client", None, 400),
    },
)

VENDORS = (GOOGLE, GITHUB, APPLE)

#: The one person who lives here, in the words of each vendor's user endpoint or id_token.
PERSON: dict[str, dict[str, object]] = {
    "google": {"sub": "110169484474386276334", "name": "Sandy Box", "email": "sandy@box.example"},
    "github": {"id": 583231, "login": "sandybox", "name": "Sandy Box", "email": None},
    "apple": {"sub": "001999.5a4e44590b0042ab.1200", "email": "sandy@privaterelay.example"},
}
