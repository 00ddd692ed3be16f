"""
What differs between OAuth providers, as rows of data: a new provider is a new row.

Each row names where its facts come from and on which day they were checked; a row without a
source stays off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deeplink.secret import Secret


@dataclass(frozen=True, slots=True)
class Symptom:
    """
    One error that a vendor is known to answer, and what it means for whoever reads our answer.

    *description* is the vendor's ``error_description``, compared without case and full stop;
    *error* is the code that we answer, which is the vendor's own unless that one misleads;
    *advice* may hold ``{redirect_uri}``, the configured one.
    """

    description: str
    error: str
    advice: str


@dataclass(frozen=True, slots=True)
class Preset:
    """
    The facts about one vendor. Scope separators and parameter names are the wire's own.

    *sdk_return_url* is where the vendor's own SDK is sent back to, besides the redirect URI;
    ``{client_key}`` stands in it. *verifier_advice* says where app developers lose the verifier.
    """

    key: str
    name: str
    authorize_url: str
    token_url: str
    revoke_url: str
    userinfo_url: str
    id_param: str
    scope_separator: str
    challenge_encoding: str  # "hex" or "base64url"
    verifies_pkce: bool
    id_field: str  # the field of the token answer that names the person
    error_at_200: bool
    sdk_return_url: str
    verifier_advice: str
    symptoms: tuple[Symptom, ...]
    source: str
    checked_on: str
    #: Asks the provider to show its consent page even to somebody who agreed before.
    consent_again: tuple[tuple[str, str], ...] = ()
    #: What the provider calls itself in the ``iss`` of its answers (RFC 9207); "" if it does not.
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
    id_param="client_key",
    scope_separator=",",
    challenge_encoding="hex",
    verifies_pkce=True,
    id_field="open_id",
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
    # https://developers.tiktok.com/doc/login-kit-web
    consent_again=(("disable_auto_auth", "1"),),
)

PRESETS = {preset.key: preset for preset in (TIKTOK,)}


@dataclass(frozen=True, slots=True)
class Provider:
    """
    A vendor's row joined with what the admin configured: all that an exchange needs to know.

    *key* is the name in the config and in ``/api/KEY/exchange``. *apps* are the keys of the apps
    that a request may name, *custom_schemes* the schemes, without colon, under which a deep link
    with this provider's code may reach them. *accept_code_without_pkce* opens the exchange for a
    vendor that does not verify PKCE.
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


def at_sandbox(preset: Preset, base_url: str) -> Preset:
    """The same vendor, played on this machine: *base_url* (no trailing slash) serves its paths."""
    return replace(
        preset,
        authorize_url=base_url + _path(preset.authorize_url),
        token_url=base_url + _path(preset.token_url),
        revoke_url=base_url + _path(preset.revoke_url),
        userinfo_url=base_url + _path(preset.userinfo_url),
    )


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
