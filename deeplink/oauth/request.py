"""
What an app may ask of the exchange: its bytes become a value, once, and repairs are told.

Lenient in what it reads: JSON or a form, the spellings that SDKs and plugins really send, codes
that were percent-encoded once too often. Strict in what it takes over: nothing that an app sends
can choose the provider's address, the client, the secret or the redirect URI.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote_to_bytes

from deeplink.errors import RequestRefused
from deeplink.findings import did_you_mean
from deeplink.oauth.pkce import SHORTEST_STANDARD_VERIFIER, challenge, is_verifier
from deeplink.refusals import Cause, explain
from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deeplink.oauth.providers import Provider

#: The largest body that we read, in bytes: a code and a verifier have some hundreds.
MAX_BODY = 8 * 1024

#: Every name that a field goes by, and the one that we know it by.
_WHO = {"app": "app", "client_key": "client_key", "redirect_uri": "redirect_uri"}
_CODE_FIELDS = _WHO | {
    "iss": "iss",
    "code": "code",
    "authCode": "code",
    "auth_code": "code",
    "authorization_code": "code",
    "code_verifier": "code_verifier",
    "codeVerifier": "code_verifier",
    "verifier": "code_verifier",
    "code_challenge": "code_challenge",
    "codeChallenge": "code_challenge",
    "redirect_url": "redirect_url",
}
_REFRESH_FIELDS = _WHO | {"refresh_token": "refresh_token", "refreshToken": "refresh_token"}
_REVOKE_FIELDS = _WHO | {"token": "token", "access_token": "token", "accessToken": "token"}

#: What OAuth libraries and whole copied links bring along. ``state`` is for the app to check: only
#: the app knows which one it made.
_IGNORED = frozenset(
    {"grant_type", "state", "scope", "scopes", "request_id", "response_id", "token_type_hint"}
)

#: RFC 7009 section 2.1; another one is passed over, as the RFC allows.
_HINTS = ("access_token", "refresh_token")

#: A name that may be repeated in an answer: it cannot be a token, a code or a page of text.
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z_]{0,23}", re.ASCII)

#: RFC 6749 appendix A: a code or token is visible ASCII (we take no space: none was ever seen).
_VISIBLE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)
_CODE_PARAMETER = re.compile(r"(?:^|[?&#])code=", re.ASCII)
_RAW_TAIL = re.compile(r"[&#].*", re.ASCII | re.DOTALL)
_NAMED_TAIL = re.compile(r"&[A-Za-z_]+=.*", re.ASCII | re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that we put right on the way in; *code* is stable, *message* says what to send."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """An authorization code to be redeemed. *code_verifier* is None only where none is needed."""

    code: Secret
    code_verifier: Secret | None
    app: str | None
    warnings: tuple[Repair, ...]


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """
    A refresh token to be renewed, or a token to be revoked.

    *hint* is RFC 7009's ``token_type_hint``, where the provider reads one.
    """

    token: Secret
    app: str | None
    warnings: tuple[Repair, ...]
    hint: str | None = None


def read_fields(mimetype: str, body: bytes) -> dict[str, object]:
    """
    The names and values of *body*, whose *mimetype* is one of ``CONTENT_TYPES``.

    A ``+`` of a form stays a ``+``: apps put codes into forms without escaping them, and nothing
    that we read holds a space. A name that stands twice is refused, as nobody could say which
    value counts.
    """
    try:
        return _READERS[mimetype](body)
    except (ValueError, RecursionError):
        shape = "a JSON object" if mimetype == "application/json" else "a form in UTF-8"
    # What curl -d and many libraries say of any body unless they are told otherwise.
    if mimetype != "application/json" and body.lstrip().startswith(b"{"):
        _refuse("The body is JSON, but is called a form. Send Content-Type: application/json.")
    _refuse(f"The body is not {shape}, as its Content-Type says.")


def parse_code_request(fields: Mapping[str, object], provider: Provider) -> CodeRequest:
    """The code and verifier in *fields*, repaired where SDKs are known to mangle them."""
    found, repairs = _named(fields, _CODE_FIELDS)
    _check_who(found, provider)
    _check_issuer(found, provider)
    raw = _code_of_link(found, provider, repairs) if "redirect_url" in found else found.get("code")
    if not raw:
        _refuse(
            "code is missing. Send the code of the link that opened the app, or the whole link "
            "as redirect_url."
        )
    code = _repair_code(raw, repairs)
    verifier = _verifier(found.get("code_verifier"), provider, repairs)
    if verifier and "code_challenge" in found:
        _check_challenge(found["code_challenge"], verifier.reveal(), provider)
    return CodeRequest(Secret(code), verifier, found.get("app"), tuple(repairs))


def parse_refresh_request(fields: Mapping[str, object], provider: Provider) -> TokenRequest:
    return _token_request(fields, _REFRESH_FIELDS, "refresh_token", provider)


def parse_revoke_request(fields: Mapping[str, object], provider: Provider) -> TokenRequest:
    """The token to revoke; ``token`` is RFC 7009's name for it, an access token at TikTok."""
    asked = _token_request(fields, _REVOKE_FIELDS, "token", provider)
    hint = fields.get("token_type_hint")
    if not provider.preset.revocation.takes_hint or hint not in _HINTS:
        return asked
    return replace(asked, hint=str(hint))


def _token_request(
    fields: Mapping[str, object], known: Mapping[str, str], name: str, provider: Provider
) -> TokenRequest:
    found, repairs = _named(fields, known)
    _check_who(found, provider)
    if name not in found:
        _refuse(f"{name} is missing.")
    token = _trim(found[name], name, repairs)
    if not _VISIBLE.fullmatch(token):
        _refuse(f"{name} holds characters that no token has. Send it as it was given out.")
    return TokenRequest(Secret(token), found.get("app"), tuple(repairs))


def _read_json(body: bytes) -> dict[str, object]:
    value = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _read_form(body: bytes) -> dict[str, object]:
    if body.lstrip().startswith(b"{"):
        raise ValueError("JSON")
    pairs = (pair.partition(b"=") for pair in body.split(b"&") if pair)
    return _once((_unescape(name), _unescape(value)) for name, _, value in pairs)


_READERS: Mapping[str, Callable[[bytes], dict[str, object]]] = {
    "application/json": _read_json,
    "application/x-www-form-urlencoded": _read_form,
}
CONTENT_TYPES = frozenset(_READERS)


def _unescape(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode("utf-8")


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name in fields:
            _refuse(f"{_quoted(name)} stands twice in the body. Send it once.")
        fields[name] = value
    return fields


def _named(
    fields: Mapping[str, object], known: Mapping[str, str]
) -> tuple[dict[str, str], list[Repair]]:
    """The fields under the names that we know them by; an empty one counts as absent."""
    found: dict[str, str] = {}
    repairs: list[Repair] = []
    for spelling, value in fields.items():
        if spelling in _IGNORED:
            continue
        if spelling not in known:
            _refuse_name(spelling, known)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            _refuse(f"{spelling} must be a string.")
        name = known[spelling]
        if name in found:
            _refuse(f"{name} stands twice in the body, under two names. Send it once.")
        found[name] = value
        if spelling != name:
            repairs.append(Repair("parameter_name", f"{spelling} was read as {name}."))
    return found, repairs


def _refuse_name(name: str, known: Mapping[str, str]) -> NoReturn:
    if name == "client_secret":
        _refuse(
            "client_secret does not belong into an app: whoever has the app has the secret. "
            "Remove it from the app, and make a new one in the provider's portal."
        )
    hint = f" ({did_you_mean(name, known)})" if _IDENTIFIER.fullmatch(name) else ""
    _refuse(f"{_quoted(name)} is not a field of this request{hint}.")


def _quoted(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else "A field whose name cannot be repeated here"


def _check_who(found: Mapping[str, str], provider: Provider) -> None:
    """RFC 9700 section 4.4: what an app says about the client must be what is configured."""
    if found.get("client_key", provider.client_key) != provider.client_key:
        _refuse(
            "client_key is not the one of this server. A sandbox and the live app have different "
            "ones; the app and the server need the same."
        )
    sent = found.get("redirect_uri", provider.redirect_uri)
    if sent != provider.redirect_uri:
        if sent.startswith(f"{provider.redirect_uri}?"):
            _refuse("redirect_uri holds the whole link. Send that as redirect_url.")
        slash = sent.rstrip("/") == provider.redirect_uri.rstrip("/")
        what = "differs in its trailing slash from" if slash else "is not"
        _refuse(
            f"redirect_uri {what} the one of this server, {provider.redirect_uri}. The app, the "
            "server and the provider's portal have to agree on every byte."
        )
    if found.get("app") is not None and found["app"] not in provider.apps:
        _refuse("app does not name an app of this server's configuration.")


def _check_issuer(found: Mapping[str, str], provider: Provider) -> None:
    """
    Who says that the answer with the code is theirs, if anybody does, must be the provider: the
    code of another one must not be sent to this one, nor its refusal be believed.

    https://www.rfc-editor.org/rfc/rfc9207#section-2.4; an ``iss`` of a provider that is not known
    to send any is refused there, too.
    """
    if found.get("iss", provider.preset.issuer) != provider.preset.issuer:
        _refuse(
            f"iss does not name {provider.preset.name}: this code is another provider's. Send it "
            "to the exchange of the provider where the login began."
        )


def _code_of_link(
    found: Mapping[str, str], provider: Provider, repairs: list[Repair]
) -> str | None:
    """The code in the whole deep link; a link that tells of a refused login ends here."""
    if "code" in found:
        _refuse("Send either code or redirect_url, not both.")
    link = found["redirect_url"].strip()
    address, _, fragment = link.partition("#")
    address, _, query = address.partition("?")
    _check_address(address, provider, repairs)
    values = _parameters(query or fragment)
    _check_issuer(values, provider)
    refusal = explain(
        error=values.get("error", ""),
        error_description=values.get("error_description", ""),
        err_code=values.get("errCode", ""),
        error_code=values.get("error_code", ""),
        error_string=values.get("error_string", ""),
    )
    if refusal:
        error = _ERROR_OF_CAUSE.get(refusal.cause, "invalid_request")
        raise RequestRefused(error, f"{refusal.title}. {refusal.sentence} {refusal.next_step}")
    if not values.get("code"):
        _refuse(
            "redirect_url holds neither a code nor an error. Send the link exactly as it opened "
            "the app, with all that follows the question mark."
        )
    return values["code"]


#: Where the visitor's words say more than an OAuth code can, the nearest code. The status is that
#: of a refused request, also for "busy": the same link will never say anything else.
_ERROR_OF_CAUSE = {
    Cause.CANCELLED: "access_denied",
    Cause.SIGN_IN_NEEDED: "access_denied",
    Cause.AGE: "access_denied",
    Cause.BLOCKED: "access_denied",
    Cause.EXPIRED: "invalid_grant",
    Cause.SCOPE: "invalid_scope",
    Cause.APP_CERTIFICATE: "unauthorized_client",
    Cause.APP_KEY: "unauthorized_client",
    Cause.APP_REVIEW: "unauthorized_client",
    Cause.BUSY: "temporarily_unavailable",
}


def _check_address(address: str, provider: Provider, repairs: list[Repair]) -> None:
    """
    A link of another provider's callback is refused: its code must not be sent to this one.

    https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2
    """
    bare = address.rstrip("/")
    if address == provider.redirect_uri:
        return
    if bare == provider.redirect_uri.rstrip("/"):
        repairs.append(
            Repair(
                "redirect_url_slash",
                f"The link differs in its trailing slash from {provider.redirect_uri}; the app, "
                "the server and the provider's portal have to agree on every byte.",
            )
        )
        return
    own = provider.preset.sdk_return_url.format(client_key=provider.client_key)
    scheme = _SCHEME.match(address)
    if (own and bare == own) or (scheme and scheme[1].lower() in provider.custom_schemes):
        return
    _refuse(f"redirect_url does not begin with {provider.redirect_uri}, where this login ends.")


def _parameters(query: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in values and name in ("code", "error", "iss"):
            _refuse(f"redirect_url holds {name} twice. Send the link exactly as it came.")
        try:
            # Once, as the link's own escaping wants; a "+" is a part of a code, not a space.
            values[name] = _unescape(value.encode())
        except ValueError:
            values[name] = value
    return values


def _repair_code(raw: str, repairs: list[Repair]) -> str:
    """
    The code as the provider gave it out, as far as that can be told.

    A code of TikTok's holds no percent sign, so escapes are decoded, at most twice: TikTok asks
    for the decoded code, the sample of the ``tiktok_api`` plugin cuts it out of the link undecoded
    and with ``&scopes=`` behind it, and some apps encode that once more.
    """
    code = _cut(_trim(raw, "code", repairs), _RAW_TAIL, repairs)
    for spelling in ("code_percent_encoded", "code_percent_encoded_twice"):
        if not _ESCAPE.search(code):
            break
        code = _decoded(code)
        repairs.append(Repair(spelling, "The code was percent-decoded. Decode it once in the app."))
        code = _trim(_cut(code, _NAMED_TAIL, repairs), "code", repairs)
    if _ESCAPE.search(code):
        repairs.append(
            Repair("code_still_encoded", "The code still looks percent-encoded after two rounds.")
        )
    if not _VISIBLE.fullmatch(code):
        _refuse("code holds characters that no authorization code has. Send it as it came.")
    return code


def _trim(text: str, name: str, repairs: list[Repair]) -> str:
    trimmed = text.strip()
    if trimmed != text:
        repairs.append(Repair(f"{name}_whitespace", f"White space around {name} was removed."))
    return trimmed


def _cut(code: str, tail: re.Pattern[str], repairs: list[Repair]) -> str:
    """*code* without what stands before it in its link, and without *tail* behind it."""
    if before := _CODE_PARAMETER.search(code):
        code = code[before.end() :]
        repairs.append(
            Repair(
                "code_prefix",
                "What stood before the code was cut off. Send the code alone, or the whole link as "
                "redirect_url.",
            )
        )
    shorter = tail.sub("", code, count=1)
    if shorter != code:
        repairs.append(
            Repair(
                "code_tail", "What followed the code (&scopes=…) was cut off. Send the code alone."
            )
        )
    return shorter


def _decoded(code: str) -> str:
    try:
        return unquote_to_bytes(code).decode("ascii")
    except ValueError:
        _refuse("code holds characters that no authorization code has. Send it as it came.")


def _verifier(sent: str | None, provider: Provider, repairs: list[Repair]) -> Secret | None:
    if sent is None:
        if not provider.preset.verifies_pkce:
            return None
        _refuse(f"code_verifier is missing. {provider.preset.verifier_advice}.")
    verifier = _trim(sent, "code_verifier", repairs)
    shortest = provider.preset.shortest_verifier
    if not is_verifier(verifier) or len(verifier) < shortest:
        _refuse(
            f"code_verifier must have {shortest} to 128 characters out of A-Z a-z 0-9 - . _ ~. "
            "Send the verifier itself, not its challenge, and neither shortened nor encoded."
        )
    if len(verifier) < SHORTEST_STANDARD_VERIFIER:
        repairs.append(
            Repair(
                "verifier_short",
                "The code_verifier is shorter than the 43 characters of RFC 7636. TikTok's Android "
                "SDK makes 32; nothing to do if it is that one.",
            )
        )
    return Secret(verifier)


def _check_challenge(sent: str, verifier: str, provider: Provider) -> None:
    """
    Nobody has to send the challenge; to who does we can say what TikTok's one sentence leaves open:
    "Code verifier or code challenge is invalid".
    """
    expected = provider.preset.challenge_encoding
    if sent == challenge(verifier, expected):
        return
    if sent.rstrip("=") in {challenge(verifier, encoding) for encoding in _SPELLINGS}:
        _refuse(
            f"code_challenge fits code_verifier, but {provider.preset.name} wants the SHA-256 "
            f"{_SPELLINGS[expected]}. Start the login with that."
        )
    _refuse(
        "code_verifier does not belong to code_challenge: it is of another login, or the app lost "
        "it when it was restarted. Start the login again and keep its verifier."
    )


#: How a provider wants the digest of the verifier.
_SPELLINGS = {"hex": "in lower-case hexadecimal", "base64url": "in base64url, without padding"}


def _refuse(description: str) -> NoReturn:
    raise RequestRefused("invalid_request", description)
