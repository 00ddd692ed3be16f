"""
The question an app brings to the authorize page, and the address by which the answer returns.

https://developers.tiktok.com/doc/login-kit-web, -desktop; the mobile forms are those of the
sources of TikTok's SDKs (tiktok-opensdk-android, tiktok-opensdk-ios).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from deeplink.sandbox.dialect import (
    PROOF_WRONG,
    REDIRECT_ERRORS,
    SCOPES,
    Platform,
    Refusal,
)
from deeplink.sandbox.knobs import Knobs
from deeplink.sandbox.loopback import is_loopback

#: What may stand in a redirect URI: printable ASCII less what RFC 3986 leaves out, and no "#".
_URI = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")

#: Portal: "less than 512 characters".
_URI_LENGTH = 511

#: Far above anything that a client sends; keeps what is remembered of a question small.
_VALUE_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Question:
    """A sound authorize request. *state* is None if absent; an empty one is echoed empty."""

    client_key: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    platform: Platform
    request_id: str


def parse_question(
    query: Mapping[str, str],
    *,
    native: bool,
    clients: Container[str],
    redirect_uris: Sequence[str],
    knobs: Knobs,
    hint: Callable[[str], None],
) -> Question | tuple[str, ...]:
    """
    The question in *query*, or the names of all parameters that are wrong.

    *native* is the iOS SDK's address, ``/opensdk/oauth/``. No *redirect_uris* means: any https
    URI, and any http URI of this machine.
    """
    redirect_uri = query.get("redirect_uri", "")
    platform = _platform(query, redirect_uri, native)
    challenge = query.get("code_challenge") or None
    scopes = _scopes(query.get("scope", ""), knobs, hint)
    sound = {
        "client_key": query.get("client_key", "") in clients,
        "redirect_uri": _takes_redirect_uri(redirect_uri, redirect_uris, knobs, hint),
        "response_type": query.get("response_type") == "code",
        "scope": bool(scopes) and all(scope in SCOPES for scope in scopes),
        "state": len(query.get("state", "")) <= _VALUE_LENGTH,
        "code_challenge": _takes_challenge(query, challenge, platform, knobs, hint),
    }
    if not sound["client_key"] and "client_id" in query and "client_key" not in query:
        hint("client_id")
    faults = tuple(name for name, is_sound in sound.items() if not is_sound)
    if faults:
        return faults
    return Question(
        client_key=query["client_key"],
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=query.get("state"),
        challenge=challenge,
        platform=platform,
        request_id=query.get("request_id", "")[:_VALUE_LENGTH],
    )


def _platform(query: Mapping[str, str], redirect_uri: str, native: bool) -> Platform:
    if native:
        return Platform.IOS_NATIVE
    device = query.get("device_platform", "").lower()
    if device == "android":
        return Platform.ANDROID
    if device in ("iphone", "ipad"):
        return Platform.IOS_BROWSER
    return Platform.DESKTOP if is_loopback(_host(redirect_uri)) else Platform.WEB


def _host(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:  # half an IPv6 address
        return ""


def _scopes(text: str, knobs: Knobs, hint: Callable[[str], None]) -> tuple[str, ...]:
    words = text.split(",")
    if " " in text.strip() and not knobs.strict:
        # RFC 6749's separator, which generic libraries use.
        if any(" " in word.strip() for word in words):
            hint("scope_spaces")
        words = text.replace(",", " ").split()
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def _takes_redirect_uri(
    uri: str, registered: Sequence[str], knobs: Knobs, hint: Callable[[str], None]
) -> bool:
    if redirect_uri_fault(uri):
        return False
    if registered:
        return any(is_registered(uri, entry) for entry in registered)
    parts = urlsplit(uri)
    if is_loopback(parts.hostname or "") and (
        parts.hostname not in ("localhost", "127.0.0.1") or parts.port is None
    ):
        hint("redirect_loopback")
    if parts.query:
        if knobs.strict:
            return False
        hint("redirect_query")
    return True


def redirect_uri_fault(uri: str, *, wildcard: bool = False) -> str | None:
    """What no registration could cure in *uri*, as a clause; *wildcard* lets the port be ``*``."""
    if wildcard and ":*" in uri:
        prefix, _, rest = uri.partition(":*")
        if not is_loopback(_host(prefix)) or (rest and not rest.startswith("/")):
            return "has a * which is not the port of a loopback host"
        uri = f"{prefix}:1{rest}"
    if len(uri) > _URI_LENGTH:
        return "is longer than 511 characters"
    if not _URI.fullmatch(uri):
        return "is empty, or has a character that a redirect URI cannot have (such as # or a space)"
    try:
        parts = urlsplit(uri)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return "has a port or host that is no port or host"
    if not parts.hostname or not port_is_sound:
        return "has no host, or a port that is no port"
    if parts.username is not None:
        return "has a user name in it"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
        return None
    return "is neither https nor http on this machine"


def is_registered(uri: str, entry: str) -> bool:
    """Whether *uri* is *entry*, whose port may be ``*``."""
    if ":*" not in entry:
        return uri == entry
    prefix, _, rest = entry.partition(":*")
    port = uri.removeprefix(f"{prefix}:").removesuffix(rest)
    return uri == f"{prefix}:{port}{rest}" and re.fullmatch("[0-9]{1,5}", port) is not None


def _takes_challenge(
    query: Mapping[str, str],
    challenge: str | None,
    platform: Platform,
    knobs: Knobs,
    hint: Callable[[str], None],
) -> bool:
    # TikTok's SDKs never send the method; the desktop page knows S256 only.
    if query.get("code_challenge_method", "S256") != "S256":
        return False
    if challenge is not None:
        return len(challenge) <= _VALUE_LENGTH
    if platform is Platform.WEB or knobs.pkce == "off":
        return True
    if not knobs.strict:
        hint("no_challenge")
    return not knobs.strict


def proof_fault(
    question: Question, verifier: str, knobs: Knobs, hint: Callable[[str], None]
) -> Refusal | None:
    """
    Why *verifier* does not prove that its bearer asked *question*; None if it does.

    Desktop and mobile want lower-case hexadecimal, where RFC 7636 says base64url. The length is
    not checked: TikTok's Android SDK makes verifiers of 32 characters, below the RFC's 43.
    """
    if question.challenge is None or knobs.pkce == "off":
        return None
    spelling = _spelling(question.challenge, verifier)
    if knobs.pkce == "platform" and question.platform is Platform.WEB:
        if verifier and spelling is None:
            hint("web_proof")
        return None
    wanted = knobs.pkce
    if wanted == "platform":
        wanted = "hex" if knobs.strict else "either"
    if spelling == wanted or (spelling and wanted == "either"):
        if spelling == "base64url" and wanted == "either":
            hint("base64url_challenge")
        return None
    if spelling == "base64url":
        hint("base64url_refused")
    return PROOF_WRONG


def _spelling(challenge: str, verifier: str) -> str | None:
    digest = hashlib.sha256(verifier.encode()).digest()
    if hmac.compare_digest(challenge.encode(), digest.hex().encode()):
        return "hex"
    standard = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return "base64url" if hmac.compare_digest(challenge.encode(), standard) else None


def granting_address(question: Question, code: str, scopes: Sequence[str], response_id: str) -> str:
    """Where the browser goes with a *code*. The code's ``*`` and ``!`` arrive as %2A and %21."""
    answer = {"code": code, "scopes": ",".join(scopes)}
    if question.platform is Platform.IOS_NATIVE:
        answer["error_code"] = "0"
    return _address(question, answer, response_id)


def refusing_address(question: Question, error: str, response_id: str) -> str:
    """Where the browser goes with one of the documented errors."""
    description, number = REDIRECT_ERRORS[error]
    answer = {"error": error}
    if question.platform is Platform.ANDROID:
        answer["errCode"] = str(number)
    if question.platform in (Platform.IOS_BROWSER, Platform.IOS_NATIVE):
        answer["error_code"] = str(number)
    answer["error_description"] = description
    return _address(question, answer, response_id)


def _address(question: Question, answer: dict[str, str], response_id: str) -> str:
    target = question.redirect_uri
    if question.platform is Platform.IOS_BROWSER:
        # ASWebAuthenticationSession listens for this scheme, not for the redirect URI.
        target = f"{question.client_key}://response.bridge.tiktok.com/oauth"
    if question.platform in (Platform.IOS_BROWSER, Platform.IOS_NATIVE):
        answer["from_platform"] = "tiktokopensdk"
        answer["request_id"] = question.request_id
        answer["response_id"] = response_id
    if question.state is not None:
        answer["state"] = question.state
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in answer.items())
    # Glued on as it is, also to a URI without a path: tiktok-opensdk-android#5.
    return target + ("&" if "?" in target else "?") + query
