"""
What differs between OAuth providers, as rows of data: a new provider is a new row.

Each row names where its facts come from and on which day they were checked. What its vendor does
not document is named ``unverified``; a protection that is not documented counts as absent, and what
rests on it stays off until the config accepts that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deeplink.oauth.pkce import SHORTEST_STANDARD_VERIFIER, SHORTEST_VERIFIER

if TYPE_CHECKING:
    from deeplink.secret import Secret


@dataclass(frozen=True, slots=True)
class Symptom:
    """
    One error that a vendor is known to answer, and what it means for whoever reads our answer.

    *word* is the vendor's ``error``, *description* its ``error_description``, compared without
    case and full stop; an empty one fits any. *error* is the code that we answer, which is the
    vendor's own unless that one misleads; *advice* may hold ``{redirect_uri}``, the configured one.
    """

    description: str
    error: str
    advice: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The token answer's fields that go on to the app, and those without which it is no answer."""

    texts: tuple[str, ...]
    seconds: tuple[str, ...]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revocation:
    """
    How a vendor wants to be asked to revoke.

    *credentials* is where client id and secret go: ``form``, ``basic`` (RFC 7617) or ``none``.
    *takes_hint* says that RFC 7009's ``token_type_hint`` is read, *takes_refresh_tokens* that not
    only access tokens can be revoked. *statuses* are errors which no body names, by HTTP status.
    """

    method: str  # "POST" or "DELETE"
    body: str  # "form" or "json"
    credentials: str
    token_param: str
    takes_hint: bool
    takes_refresh_tokens: bool
    statuses: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Preset:
    """
    The facts about one vendor. Scope separators and parameter names are the wire's own.

    *sdk_return_url* is where the vendor's own SDK is sent back to, besides the redirect URI;
    ``{client_key}`` stands in it, and in *revoke_url*. *verifier_advice* says where app developers
    lose the verifier. *secret* is ``shared`` for a text that the portal shows, ``es256_jwt`` for a
    token that we sign for *secret_audience* with the key of ``Provider.signing_key``.
    *authorize_extra* is what an authorize request needs besides RFC 6749's parameters. With
    *form_post* the answer arrives at the callback in the body of a POST. *sandbox_path* is where
    the sandbox plays the vendor. *unverified* names the fields that no page of the vendor's own
    proves; a protection among them counts as absent.
    """

    key: str
    name: str
    authorize_url: str
    token_url: str
    revoke_url: str
    userinfo_url: str  # "" if there is none
    sandbox_path: str
    id_param: str
    client_key_example: str
    secret: str
    secret_audience: str
    redirect_uri_limit: int | None  # in characters, where one is known
    scope_separator: str
    granted_scope_separator: str
    authorize_extra: tuple[tuple[str, str], ...]
    form_post: bool
    challenge_encoding: str  # "hex" or "base64url"
    verifies_pkce: bool
    shortest_verifier: int
    tokens: Tokens
    id_field: str  # the field of the token answer that names the person; "" if only an id_token
    rotates_refresh_tokens: bool
    revocation: Revocation
    error_at_200: bool
    sdk_return_url: str
    verifier_advice: str
    symptoms: tuple[Symptom, ...]
    source: str
    checked_on: str
    unverified: tuple[str, ...]
    # Whether key and secret alone get a token (RFC 6749 section 4.4), which proves both.
    client_credentials: bool = False
    #: Asks the provider to show its consent page even to somebody who agreed before.
    consent_again: tuple[tuple[str, str], ...] = ()
    #: What the provider calls itself, if it does so, in the ``iss`` of its answers (RFC 9207).
    issuer: str = ""


#: Descriptions: https://developers.tiktok.com/doc/oauth-error-handling, and those that developers
#: quote (react-native-tiktok#38, oauth2_client#204, next-auth#12437).
_TIKTOK_SYMPTOMS = (
    Symptom(
        description="Redirect_uri is not matched with the uri when requesting code.",
        error="invalid_request",
        advice=(
            "The login was started with another redirect URI than this server's. The app has to "
            "start it with exactly {redirect_uri}, byte for byte, trailing slash included, and "
            "the same stands in TikTok's portal. Correct it, then start the login again."
        ),
    ),
    Symptom(
        description="Code verifier or code challenge is invalid.",
        error="invalid_request",
        advice=(
            "The verifier does not belong to this code. Send the one of this very login: "
            "react-native-tiktok keeps one for the whole process, and an app that was restarted "
            "in between has lost it. If the app computes the challenge itself, it must be the "
            "lower-case hexadecimal SHA-256 of the verifier, not base64url. Then start again."
        ),
    ),
    Symptom(
        description="Authorization code is expired.",
        error="invalid_grant",
        advice=(
            "The code has expired, was used before, was changed on its way, or is not from Login "
            "Kit: TikTok answers the same to a code of TikTok for Business or TikTok Shop. Start "
            "the login again and send its code once, at once, as it stands in the link."
        ),
    ),
    Symptom(
        # Nothing that an app sends can cause it: it is about the form that this server makes.
        description="The request parameters are malformed.",
        error="server_error",
        advice=(
            "TikTok could not read this server's request. The app cannot mend this: report it, "
            "with the log_id, to the people who run this server."
        ),
    ),
    Symptom(
        description="Client secret is missed in request.",
        error="invalid_client",
        advice=(
            "TikTok saw no client secret from this server. The app cannot mend this: whoever runs "
            "the server has to look at the secret in its environment."
        ),
    ),
    Symptom(
        description="Client key or secret is incorrect.",
        error="invalid_client",
        advice=(
            "TikTok does not accept this server's client key and secret. The app cannot mend "
            "this. Whoever runs the server: compare both with the portal; a sandbox of TikTok's "
            "has a pair of its own, and key and secret have to come from the same one."
        ),
    ),
)

TIKTOK = Preset(
    key="tiktok",
    name="TikTok",
    authorize_url="https://www.tiktok.com/v2/auth/authorize/",
    # With the trailing slash: without it TikTok answers 404.
    token_url="https://open.tiktokapis.com/v2/oauth/token/",  # noqa: S106 - an address, no secret
    revoke_url="https://open.tiktokapis.com/v2/oauth/revoke/",
    userinfo_url="https://open.tiktokapis.com/v2/user/info/",
    sandbox_path="",
    id_param="client_key",
    client_key_example="aw…",
    secret="shared",  # noqa: S106 - the kind of secret, not one
    secret_audience="",
    # The portal takes no more: https://developers.tiktok.com/doc/login-kit-web#project_setup
    redirect_uri_limit=512,
    scope_separator=",",
    granted_scope_separator=",",
    authorize_extra=(),
    form_post=False,
    challenge_encoding="hex",
    verifies_pkce=True,
    shortest_verifier=SHORTEST_VERIFIER,
    tokens=Tokens(
        texts=("access_token", "open_id", "refresh_token", "scope", "token_type"),
        seconds=("expires_in", "refresh_expires_in"),
        # RFC 6749 only recommends expires_in, but an app that guesses a token's life guesses
        # wrong (TikTok went from 24 hours to 2).
        required=("access_token", "expires_in", "token_type"),
    ),
    id_field="open_id",
    rotates_refresh_tokens=True,
    revocation=Revocation(
        method="POST",
        body="form",
        credentials="form",
        token_param="token",  # noqa: S106 - a name
        takes_hint=False,
        takes_refresh_tokens=False,
        statuses=(),
    ),
    error_at_200=True,
    # The iOS SDK 2.3 and later, without the TikTok app (``TikTokAuthService.swift``).
    sdk_return_url="{client_key}://response.bridge.tiktok.com/oauth",
    verifier_advice=(
        "TikTok's SDK makes it when the login starts: keep what the plugin returns as "
        "codeVerifier (tiktok_api, tiktok_sdk_v2, react-native-tiktok from 2.1.16 on) until the "
        "code arrives. flutter_tiktok_sdk and tiktok_login_flutter never return one; change the "
        "plugin"
    ),
    symptoms=_TIKTOK_SYMPTOMS,
    source="https://developers.tiktok.com/doc/oauth-user-access-token-management",
    checked_on="2026-11-05",
    unverified=(),
    # https://developers.tiktok.com/doc/client-access-token-management
    client_credentials=True,
    # https://developers.tiktok.com/doc/login-kit-web
    consent_again=(("disable_auto_auth", "1"),),
)

_OTHER_REDIRECT_URI = (
    "The login was started with another redirect URI than this server's. The app has to start it "
    "with exactly {redirect_uri}, byte for byte, and the same has to be registered with the "
    "provider. Correct it, then start the login again."
)

#: What Google documents, and what developers quote from its token endpoint.
_GOOGLE_SYMPTOMS = (
    Symptom(
        # googleapis/google-api-java-client#1479
        word="invalid_grant",
        description="Invalid code verifier.",
        error="invalid_grant",
        advice=(
            "The verifier does not belong to this code. Send the one of this very login; its "
            "challenge is the base64url SHA-256, without padding, with "
            "code_challenge_method=S256. Then start the login again."
        ),
    ),
    Symptom(
        # googleapis/google-auth-library-nodejs#2028: Google binds a code to "no challenge", too.
        word="invalid_grant",
        description="code_verifier or verifier is not needed.",
        error="invalid_grant",
        advice=(
            "The login was started without a code_challenge, so that anybody who has its code "
            "could have redeemed it. Start it with code_challenge and code_challenge_method=S256; "
            "the server auth code of Google's own SDKs has none."
        ),
    ),
    Symptom(
        word="invalid_grant",
        description="Malformed auth code.",
        error="invalid_grant",
        advice=(
            "The code was changed on its way. Google's codes hold a slash (4/0A…) that stands as "
            "%2F in the link: decode it once. Start the login again."
        ),
    ),
    Symptom(
        word="redirect_uri_mismatch",
        description="",
        error="invalid_request",
        advice=_OTHER_REDIRECT_URI,
    ),
    Symptom(
        word="invalid_token",
        description="",
        error="invalid_request",
        advice=(
            "Google does not know this token any more: it has expired or was revoked before. To "
            "end a login, revoke its refresh token."
        ),
    ),
)

#: https://developers.google.com/identity/openid-connect/reference for the addresses and client
#: authentication, …/identity/protocols/oauth2/native-app for PKCE, codes and revocation.
GOOGLE = Preset(
    key="google",
    name="Google",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address, no secret
    revoke_url="https://oauth2.googleapis.com/revoke",
    userinfo_url="https://openidconnect.googleapis.com/v1/userinfo",
    sandbox_path="/google",
    id_param="client_id",
    client_key_example="….apps.googleusercontent.com",
    secret="shared",  # noqa: S106 - the kind of secret, not one
    secret_audience="",
    redirect_uri_limit=None,
    scope_separator=" ",
    granted_scope_separator=" ",
    # Without both there is a refresh token on a person's first login only, or never:
    # https://developers.google.com/identity/protocols/oauth2/web-server#offline
    authorize_extra=(("access_type", "offline"), ("prompt", "consent")),
    form_post=False,
    challenge_encoding="base64url",
    verifies_pkce=True,
    shortest_verifier=SHORTEST_STANDARD_VERIFIER,
    tokens=Tokens(
        texts=("access_token", "id_token", "refresh_token", "scope", "token_type"),
        seconds=("expires_in", "refresh_token_expires_in"),
        required=("access_token", "expires_in", "token_type"),
    ),
    id_field="",
    # The answer to a refresh has no refresh_token; the old one goes on.
    rotates_refresh_tokens=False,
    revocation=Revocation(
        method="POST",
        body="form",
        credentials="none",
        token_param="token",  # noqa: S106 - a name
        takes_hint=False,
        takes_refresh_tokens=True,
        statuses=(),
    ),
    error_at_200=False,
    sdk_return_url="",
    verifier_advice=(
        "The app makes it when it starts the login: keep it until the code arrives. A code "
        "that was asked for without code_challenge cannot be redeemed here"
    ),
    symptoms=_GOOGLE_SYMPTOMS,
    source="https://developers.google.com/identity/protocols/oauth2/native-app",
    checked_on="2026-11-22",
    unverified=(),
    # https://developers.google.com/identity/openid-connect/reference (RFC 9207 is supported)
    issuer="https://accounts.google.com",
)

#: https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
_GITHUB_SYMPTOMS = (
    Symptom(
        # The code of a wrong verifier is not documented; it may be this one, too.
        word="bad_verification_code",
        description="",
        error="invalid_grant",
        advice=(
            "The code has expired (after 10 minutes), was used before, or does not fit this app "
            "or this verifier. Start the login again and send its code once, at once."
        ),
    ),
    Symptom(
        word="incorrect_client_credentials",
        description="",
        error="invalid_client",
        advice=(
            "GitHub does not accept this server's client id and secret. The app cannot mend "
            "this. Whoever runs the server: compare both with the app's settings at GitHub."
        ),
    ),
    Symptom(
        word="redirect_uri_mismatch",
        description="",
        error="invalid_request",
        advice=_OTHER_REDIRECT_URI,
    ),
    Symptom(
        word="unverified_user_email",
        description="",
        error="access_denied",
        advice=(
            "This person has not verified the primary e-mail address of the GitHub account. Ask "
            "for that, then start the login again."
        ),
    ),
    Symptom(
        # Observed at HTTP 200: interlink-hq/interLink#262.
        word="bad_refresh_token",
        description="",
        error="invalid_grant",
        advice=(
            "The refresh token has expired (after 6 months), was revoked, or was replaced: each "
            "refresh gives a new one and ends the old. Without the newest the person has to log "
            "in again."
        ),
    ),
)

#: Refresh tokens are a GitHub App's; an OAuth app's access token has no end and no expires_in:
#: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
GITHUB = Preset(
    key="github",
    name="GitHub",
    authorize_url="https://github.com/login/oauth/authorize",
    # It answers a form unless Accept names JSON; every request of ours does.
    token_url="https://github.com/login/oauth/access_token",  # noqa: S106 - an address, no secret
    # https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token
    revoke_url="https://api.github.com/applications/{client_key}/token",
    userinfo_url="https://api.github.com/user",
    sandbox_path="/github",
    id_param="client_id",
    client_key_example="Ov23…",
    secret="shared",  # noqa: S106 - the kind of secret, not one
    secret_audience="",
    redirect_uri_limit=None,
    scope_separator=" ",
    granted_scope_separator=",",
    authorize_extra=(),
    form_post=False,
    challenge_encoding="base64url",
    # https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication/
    verifies_pkce=True,
    shortest_verifier=SHORTEST_STANDARD_VERIFIER,
    tokens=Tokens(
        texts=("access_token", "refresh_token", "scope", "token_type"),
        seconds=("expires_in", "refresh_token_expires_in"),
        required=("access_token", "token_type"),
    ),
    id_field="",
    rotates_refresh_tokens=True,
    revocation=Revocation(
        method="DELETE",
        body="json",
        credentials="basic",
        token_param="access_token",  # noqa: S106 - a name
        takes_hint=False,
        takes_refresh_tokens=False,
        statuses=((401, "invalid_client"), (404, "invalid_request"), (422, "invalid_request")),
    ),
    error_at_200=True,
    sdk_return_url="",
    verifier_advice=(
        "The app makes it when it starts the login, with code_challenge and "
        "code_challenge_method=S256: keep it until the code arrives"
    ),
    symptoms=_GITHUB_SYMPTOMS,
    source="https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
    checked_on="2026-11-22",
    # Only 422 is documented for the revocation, 404 for the sibling "check a token".
    unverified=("revocation.statuses", "issuer"),
    # It was sent for some days in April 2026 and is to come back (langfuse/langfuse#13091).
    issuer="https://github.com/login/oauth",
)

#: https://developer.apple.com/documentation/signinwithapplerestapi/errorresponse
_APPLE_SYMPTOMS = (
    Symptom(
        word="invalid_client",
        description="",
        error="invalid_client",
        advice=(
            "Apple does not accept this server's credentials, or not this redirect URI for them. "
            "The app cannot mend this. Whoever runs the server: client_key is the Services ID; "
            "compare team_id, key_id and the key with Apple's portal, {redirect_uri} with the "
            "Return URLs of the Services ID, and the server's clock with the time."
        ),
    ),
    Symptom(
        word="invalid_grant",
        description="The code has already been used.",
        error="invalid_grant",
        advice="This code was used before. Start the login again and send its code once, at once.",
    ),
)

#: The addresses, response_mode and client_secret_post stand in
#: https://appleid.apple.com/.well-known/openid-configuration
APPLE = Preset(
    key="apple",
    name="Apple",
    authorize_url="https://appleid.apple.com/auth/authorize",
    token_url="https://appleid.apple.com/auth/token",  # noqa: S106 - an address, no secret
    # https://developer.apple.com/documentation/signinwithapplerestapi/revoke-tokens
    revoke_url="https://appleid.apple.com/auth/revoke",
    userinfo_url="",
    sandbox_path="/apple",
    id_param="client_id",
    client_key_example="com.acme.shop.web",
    # https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
    secret="es256_jwt",  # noqa: S106 - the kind of secret, not one
    secret_audience="https://appleid.apple.com",  # noqa: S106 - an address, no secret
    redirect_uri_limit=None,
    scope_separator=" ",
    granted_scope_separator=" ",
    # Apple refuses a request for name or email without it.
    authorize_extra=(("response_mode", "form_post"),),
    form_post=True,
    challenge_encoding="base64url",
    # Neither Apple's pages nor its discovery document mention PKCE. It was seen to refuse a code
    # without the verifier of its challenge (a-tokyo/apple-signin-auth#180).
    verifies_pkce=False,
    shortest_verifier=SHORTEST_STANDARD_VERIFIER,
    tokens=Tokens(
        texts=("access_token", "id_token", "refresh_token", "token_type"),
        seconds=("expires_in",),
        required=("access_token", "expires_in", "token_type"),
    ),
    id_field="",
    # https://developer.apple.com/forums/thread/656845: the first one stays in force.
    rotates_refresh_tokens=False,
    revocation=Revocation(
        method="POST",
        body="form",
        credentials="form",
        token_param="token",  # noqa: S106 - a name
        takes_hint=True,
        takes_refresh_tokens=True,
        statuses=(),
    ),
    error_at_200=False,
    sdk_return_url="",
    verifier_advice=(
        "The app makes it when it starts the login, with code_challenge and "
        "code_challenge_method=S256: keep it until the code arrives"
    ),
    symptoms=_APPLE_SYMPTOMS,
    source="https://developer.apple.com/documentation/signinwithapplerestapi/generate-and-validate-tokens",
    checked_on="2026-11-22",
    unverified=("verifies_pkce",),
    # Of its discovery document, which does not say that answers have it.
    issuer="https://appleid.apple.com",
)

PRESETS = {preset.key: preset for preset in (TIKTOK, GOOGLE, GITHUB, APPLE)}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Whose key signs our client secret, in Apple's words; the key itself is a Secret elsewhere."""

    team_id: str
    key_id: str


@dataclass(frozen=True, slots=True)
class Provider:
    """
    A vendor's row joined with what the admin configured: all that an exchange needs to know.

    *key* is the name in the config and in ``/api/KEY/exchange``. *apps* are the keys of the apps
    that a request may name, *custom_schemes* the schemes, without colon, under which a deep link
    with this provider's code may reach them. *accept_code_without_pkce* opens the exchange for a
    vendor that does not verify PKCE. With *signing_key*, *client_secret* is the private key (PEM)
    which signs what is sent as one.
    """

    key: str
    preset: Preset
    client_key: str
    client_secret: Secret
    redirect_uri: str
    sandbox: bool
    apps: tuple[str, ...] = ()
    custom_schemes: tuple[str, ...] = ()
    accept_code_without_pkce: bool = False
    signing_key: SigningKey | None = None


def at_sandbox(preset: Preset, base_url: str) -> Preset:
    """The same vendor, played on this machine: *base_url* (no trailing slash) serves its paths."""
    base = base_url + preset.sandbox_path
    return replace(
        preset,
        authorize_url=base + _path(preset.authorize_url),
        token_url=base + _path(preset.token_url),
        revoke_url=base + _path(preset.revoke_url),
        userinfo_url=base + _path(preset.userinfo_url) if preset.userinfo_url else "",
    )


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
