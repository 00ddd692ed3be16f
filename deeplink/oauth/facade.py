"""
The standard face: a correct authorization server in front of a provider that is not.

To its clients it speaks RFC 6749 with PKCE S256 (RFC 7636), RFC 9207 and RFC 7009; to the provider
the provider's dialect, by its row. It keeps nothing but marks of what was used: a login travels
sealed, see ``transactions``. No client has a secret; who may redeem a code is whoever has the
verifier, and this server checks that itself, whatever the provider checks.

https://www.rfc-editor.org/rfc/rfc6749, https://www.rfc-editor.org/rfc/rfc9700
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qsl, quote

from deeplink.errors import (
    LoginError,
    ProviderRefused,
    ProviderSilent,
    RequestRefused,
    TooMany,
)
from deeplink.oauth.clients import Kind, issuer
from deeplink.oauth.pkce import (
    LONGEST_VERIFIER,
    SHORTEST_STANDARD_VERIFIER,
    challenge,
    is_challenge,
    is_verifier,
    respell,
)
from deeplink.oauth.request import CodeRequest, TokenRequest
from deeplink.oauth.transactions import (
    CODE_LIFETIME,
    LONGEST_CODE,
    LONGEST_STATE,
    SKEW,
    TRANSACTION_LIFETIME,
    Grant,
    Seals,
    Transaction,
    digest,
)
from deeplink.refusals import Cause, explain
from deeplink.secret import Secret
from deeplink.words import TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from deeplink.oauth.answer import Result
    from deeplink.oauth.clients import Client, RedirectUri
    from deeplink.oauth.exchange import Exchange
    from deeplink.oauth.sealing import Key
    from deeplink.refusals import Refusal
    from deeplink.store import Store

#: The parameters of a request, decoded, each with all its values.
Parameters = Mapping[str, Sequence[str]]

#: Characters of a query or a body, and parameters in it: a request has a dozen.
LONGEST_REQUEST = 8192
_MOST_PARAMETERS = 64

#: RFC 6749 appendix A.5 and A.11, A.12: state and codes, and tokens.
_PRINTABLE = re.compile(r"[\x20-\x7e]+", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)

#: Each of these once, or two programs could read two different requests (RFC 6749 section 3.1).
_ASKED_ONCE = (
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_ANSWERED_ONCE = (
    "code",
    "state",
    "error",
    "error_description",
    "errCode",
    "error_code",
    "error_string",
    "iss",
)
#: What a client may send to the token endpoints, each once; anything else is passed over.
_SENT_ONCE = (
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "client_id",
    "client_secret",
    "client_assertion",
    "refresh_token",
    "scope",
    "token",
    "token_type_hint",
)

#: The nearest code of RFC 6749 section 4.1.2.1. What the provider holds against this server's
#: own client is no fault of the client's request.
_ERROR_OF_CAUSE = {
    Cause.CANCELLED: "access_denied",
    Cause.SIGN_IN_NEEDED: "access_denied",
    Cause.AGE: "access_denied",
    Cause.BLOCKED: "access_denied",
    Cause.EXPIRED: "temporarily_unavailable",
    Cause.BUSY: "temporarily_unavailable",
    Cause.SCOPE: "invalid_scope",
}

#: What means the same to our client as to us; the rest is about this server as a client.
_PASSED_ON = frozenset(
    {"access_denied", "server_error", "temporarily_unavailable", "invalid_scope"}
)
_OURS = "server_error"

#: Characters of ``ui_locales`` that travel with a login; a few tags.
_LONGEST_LOCALES = 64

#: RFC 6749 section 5.2 has these for a grant; the other words that providers say mean the same.
_TOKEN_ERRORS = frozenset({"invalid_grant", "invalid_scope"})


class DeadEnd(StrEnum):
    """Why a browser is sent nowhere. The values are the log's and never change."""

    MALFORMED = "face_malformed"
    CLIENT = "face_unknown_client"
    REDIRECT = "face_redirect_uri"
    LOST = "face_state"
    OTHER_BROWSER = "face_other_browser"
    NO_COOKIE = "face_no_cookie"
    MIXED_UP = "face_iss"
    NOTHING = "face_nothing"


@dataclass(frozen=True, slots=True)
class Start:
    """A login begins: the browser goes to *address* and keeps *cookie* under the name *id*."""

    address: str = field(repr=False)
    id: str
    cookie: Secret


@dataclass(frozen=True, slots=True)
class Forward:
    """
    An answer for the client: the browser goes to *redirect_uri* with *query*, ready-made.

    *registered* is what the config says about that URI; *error* is the OAuth error in the query,
    *refusal* the same in words for the person, if the provider said no. *locales* are the languages
    that the client wants pages in, as ``ui_locales`` has them.
    """

    client: Client
    registered: RedirectUri
    redirect_uri: str
    query: str = field(repr=False)
    error: str = ""
    refusal: Refusal | None = None
    locales: str = ""

    @property
    def address(self) -> str:
        return f"{self.redirect_uri}?{self.query}"


class Face:
    """
    The standard face of one provider, for *clients*.

    *origin* is where this server is reached, from the config. *exchange* is the provider's, with
    ``return_address`` as its redirect URI. *store* keeps the marks of what was used.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        origin: str,
        clients: Mapping[str, Client],
        keys: Sequence[Key],
        store: Store,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.provider = exchange.provider
        self.issuer = issuer(origin, self.provider.key)
        self._exchange = exchange
        self._clients = {
            key: client for key, client in clients.items() if self.provider.key in client.providers
        }
        self._strangers = clients.keys() - self._clients.keys()
        self._keys = sorted(keys, key=lambda key: key.id)
        self._store = store
        self._clock = clock
        self._random = random
        self._seals = Seals(keys, issuer=self.issuer, provider=self.provider.key, random=random)

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all clients' pages: before a request, a browser does not say whose."""
        return frozenset(origin for row in self._clients.values() for origin in row.origins)

    def metadata(self) -> dict[str, object]:
        """What RFC 8414 section 2 wants said about this server, less what we do not have."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": sorted(
                {scope for client in self._clients.values() for scope in client.scopes}
            ),
        }

    # The browser's legs.

    def begin(self, query: str) -> Start | Forward | DeadEnd:
        """
        Where the browser goes from ``authorize``: to the provider, or back with an error.

        An error goes nowhere before client and redirect URI are known to belong together
        (RFC 6749 section 4.1.2.1).
        """
        values = parse(query)
        if values is None:
            return DeadEnd.MALFORMED
        client = self._clients.get(_only(values, "client_id") or "")
        if client is None:
            return DeadEnd.CLIENT
        target = _target(client, values)
        if target is None:
            return DeadEnd.REDIRECT
        registered, redirect_uri = target
        state = _only(values, "state")
        echoed = state if state and _is_state(state) else None
        try:
            start = self._start(client, registered, redirect_uri, values)
        except RequestRefused as error:
            answer = [("error", error.error), ("error_description", error.description)]
            return self._forward(
                client,
                registered,
                redirect_uri,
                echoed,
                answer,
                error=error.error,
                refusal=explain(error=error.error),
                locales=_locales(values),
            )
        return start

    def finish(self, query: str, cookies: Mapping[str, Sequence[str]]) -> Forward | DeadEnd:
        """
        Where the browser goes from ``return``: to the client, with a code of ours or an error.

        *cookies* are this server's, by the id of their transaction, with all values that came.
        Nothing is redeemed and nothing is remembered: who comes twice gets the same answer twice.
        """
        values = parse(query)
        if values is None or any(len(values.get(name, ())) > 1 for name in _ANSWERED_ONCE):
            return DeadEnd.MALFORMED
        if "state" not in values:
            return DeadEnd.NOTHING
        now = self._clock()
        try:
            transaction = self._seals.open_transaction(values["state"][0], now)
        except RequestRefused:
            return DeadEnd.LOST
        client = self._clients.get(transaction.client)
        registered = client.registered(transaction.redirect_uri) if client else None
        if client is None or registered is None:
            # The config has changed since the start.
            return DeadEnd.LOST
        if fault := _fault_of_browser(transaction, registered, cookies):
            return fault
        if "iss" in values and values["iss"][0] != self.provider.preset.issuer:
            return DeadEnd.MIXED_UP
        return self._answer(values, transaction, client, registered, now)

    @property
    def takes_forms(self) -> bool:
        """Whether the provider's answer comes in the body of a POST."""
        return self.provider.preset.form_post

    def ask_again(self, form: str) -> str:
        """
        The address of ``return`` with the answer in *form*, for the browser to ask by GET.

        A form that another site posts brings no Lax cookie along, the GET that follows does. Only
        what ``finish`` reads goes on, in our own spelling: Apple's ``user`` stays behind, because
        personal data has no place in an address.
        """
        values = parse(form)
        if values is None:
            _refuse("invalid_request", "The answer is no form in UTF-8.")
        fields = [(name, value) for name in _ANSWERED_ONCE for value in values.get(name, ())]
        return f"{self.provider.redirect_uri}?{_encoded(fields)}"

    # The client's own legs.

    def identify(self, form: Parameters, basic: tuple[str, str] | None) -> Client:
        """
        The client that *form* names, or the Authorization header (*basic*: user and password).

        Libraries that were given no secret send Basic with an empty password (requests-oauthlib)
        or ``client_secret=`` (RFC 6749 section 2.3.1 allows both); a real one is refused.
        """
        _once(form, _SENT_ONCE)
        named = _only(form, "client_id")
        if basic and named is not None and basic[0] != named:
            _refuse("invalid_request", "client_id and the Authorization header differ.")
        key = basic[0] if basic else named
        if key is None:
            _refuse("invalid_request", "client_id is missing. Send the client's name.")
        if (basic and basic[1]) or _only(form, "client_secret") or "client_assertion" in form:
            _refuse(
                "invalid_client",
                "This client has no secret: whoever has an app has its secrets. Take it out of "
                "the app; the method is none (token_endpoint_auth_method).",
            )
        if key in self._strangers:
            _refuse("unauthorized_client", "This client may not use this provider.")
        if key not in self._clients:
            _refuse("invalid_client", "No such client is configured here.")
        return self._clients[key]

    def answer(self, client: Client, form: Parameters) -> dict[str, str | int]:
        """The token endpoint's answer, RFC 6749 section 5.1, with the fields of the provider."""
        match _only(form, "grant_type"):
            case None:
                _refuse("invalid_request", "grant_type is missing.")
            case "authorization_code":
                return self._tokens(self._redeem(client, form))
            case "refresh_token":
                return self._tokens(self._refresh(client, form))
            case _:
                _refuse(
                    "unsupported_grant_type",
                    "grant_type is authorization_code or refresh_token here.",
                )

    def revoke(self, form: Parameters) -> None:
        """
        Make the token in *form* worthless, be it an access token or a refresh token.

        RFC 7009 section 2.2: a token that is not known is as good as revoked. Providers such as
        TikTok revoke access tokens only, so that a refresh token is first turned into one.
        """
        token = _only(form, "token")
        if token is None:
            _refuse("invalid_request", "token is missing.")
        if not _VISIBLE.fullmatch(token):
            return
        asked = TokenRequest(Secret(token), None, ())
        kinds = [self._revoke_access, self._revoke_refresh]
        if self.provider.preset.revocation.takes_refresh_tokens:
            kinds.pop()
        elif _only(form, "token_type_hint") == "refresh_token":
            kinds.reverse()
        for revoke in kinds:
            if revoke(asked):
                return

    # How a login begins.

    def _start(
        self, client: Client, registered: RedirectUri, redirect_uri: str, values: Parameters
    ) -> Start:
        _check_response(values)
        s256 = _challenge(values)
        scopes = _scopes(client, values)
        state = _only(values, "state")
        if state is not None and not _is_state(state):
            _refuse("invalid_request", f"state is over {LONGEST_STATE} characters, or not ASCII.")
        identity, cookie = self._random(8).hex(), Secret(self._random(16).hex())
        now = int(self._clock())
        transaction = Transaction(
            # Sorted by their names, cookies are sorted by their age.
            id=f"{now:08x}{identity}",
            client=client.key,
            redirect_uri=redirect_uri,
            named_redirect="redirect_uri" in values,
            challenge=s256,
            state=state,
            binding=digest(cookie.reveal()),
            started=now,
            locales=_locales(values),
        )
        address = self._provider_address(transaction, scopes, registered)
        return Start(address, transaction.id, cookie)

    def _provider_address(
        self, transaction: Transaction, scopes: Sequence[str], registered: RedirectUri
    ) -> str:
        """The provider's authorize page, asked in its dialect."""
        provider, preset = self.provider, self.provider.preset
        fields = [
            (preset.id_param, provider.client_key),
            ("response_type", "code"),
            ("scope", preset.scope_separator.join(scopes)),
            ("redirect_uri", provider.redirect_uri),
            ("state", self._seals.seal_transaction(transaction)),
            *preset.authorize_extra,
            # Also where it is not documented that the provider looks at it: it may.
            ("code_challenge", respell(transaction.challenge, preset.challenge_encoding)),
            ("code_challenge_method", "S256"),
        ]
        if registered.kind in (Kind.LOOPBACK, Kind.SCHEME):
            # Another program could have taken the scheme or the port and started this login:
            # the person has to see who asks (RFC 8252 section 8.6).
            fields += preset.consent_again
        return f"{preset.authorize_url}?{_encoded(fields)}"

    # How it comes back.

    def _answer(
        self,
        values: Parameters,
        transaction: Transaction,
        client: Client,
        registered: RedirectUri,
        now: float,
    ) -> Forward | DeadEnd:
        refusal = explain(
            error=_first(values, "error"),
            error_description=_first(values, "error_description"),
            err_code=_first(values, "errCode"),
            error_code=_first(values, "error_code"),
            error_string=_first(values, "error_string"),
        )
        code = _first(values, "code")
        if refusal and code:
            return DeadEnd.MALFORMED
        target, state = transaction.redirect_uri, transaction.state
        if refusal:
            said = _first(values, "error")
            error = said if said in _PASSED_ON else _ERROR_OF_CAUSE.get(refusal.cause, _OURS)
            sentence = _ascii(f"{refusal.title}. {refusal.sentence}")
            answer = [("error", error), ("error_description", sentence)]
            return self._forward(
                client,
                registered,
                target,
                state,
                answer,
                error=error,
                refusal=refusal,
                locales=transaction.locales,
            )
        if not code:
            return DeadEnd.NOTHING
        if len(code) > LONGEST_CODE or not _VISIBLE.fullmatch(code):
            return DeadEnd.MALFORMED
        grant = Grant(
            transaction=transaction.id,
            client=client.key,
            redirect_uri=target,
            named_redirect=transaction.named_redirect,
            challenge=transaction.challenge,
            code=Secret(code),
            issued=int(now),
        )
        answer = [("code", self._seals.seal_grant(grant))]
        locales = transaction.locales
        return self._forward(client, registered, target, state, answer, locales=locales)

    def _forward(
        self,
        client: Client,
        registered: RedirectUri,
        redirect_uri: str,
        state: str | None,
        answer: Sequence[tuple[str, str]],
        *,
        error: str = "",
        refusal: Refusal | None = None,
        locales: str,
    ) -> Forward:
        fields = [*answer]
        if state is not None:
            fields.append(("state", state))
        # RFC 9207: whose answer this is, so that a client of several servers is not mixed up.
        fields.append(("iss", self.issuer))
        query = _encoded(fields)
        return Forward(client, registered, redirect_uri, query, error, refusal, locales)

    # What a client asks for by itself.

    def _redeem(self, client: Client, form: Parameters) -> Result:
        code = _only(form, "code")
        if code is None:
            _refuse("invalid_request", "code is missing.")
        verifier = _verifier(form)
        grant = self._seals.open_grant(code, client.key, self._clock())
        _check_redirect(grant, _only(form, "redirect_uri"))
        if not hmac.compare_digest(challenge(verifier), grant.challenge):
            _refuse(
                "invalid_grant",
                "code_verifier is not the one whose challenge started this login.",
            )
        # Only now: a stranger with a wrong verifier must not be able to use up the code.
        if not self._is_first_use(grant):
            _refuse("invalid_grant", "The code was used before. Start the login again.")
        asked = CodeRequest(grant.code, Secret(verifier), None, ())
        try:
            return self._exchange.redeem(asked)
        except (TooMany, ProviderSilent) as error:
            # The provider has not looked at the code: the client may send it again.
            if isinstance(error, TooMany) or not error.sent:
                self._forget_use(grant)
            raise

    def _is_first_use(self, grant: Grant) -> bool:
        """
        Whether neither this login nor this code of the provider's was ever redeemed.

        The marks outlive everything that could be presented again. They are put under every key,
        in the same order everywhere, so that servers agree while a key is being promoted.
        """
        ttl = TRANSACTION_LIFETIME + CODE_LIFETIME + 2 * SKEW
        return all(
            self._store.put(name, b"used", ttl, only_if_absent=True) for name in self._marks(grant)
        )

    def _forget_use(self, grant: Grant) -> None:
        for name in self._marks(grant):
            self._store.take(name)

    def _marks(self, grant: Grant) -> list[str]:
        used = (("login", grant.transaction), ("code", grant.code.reveal()))
        return [
            key.name("face", kind, self.provider.key, text).hex()
            for kind, text in used
            for key in self._keys
        ]

    def _refresh(self, client: Client, form: Parameters) -> Result:
        token = _only(form, "refresh_token")
        if token is None:
            _refuse("invalid_request", "refresh_token is missing.")
        if not _VISIBLE.fullmatch(token):
            _refuse("invalid_grant", "refresh_token holds characters that no token has.")
        _scopes(client, form)
        return self._exchange.refresh(TokenRequest(Secret(token), None, ()))

    def _tokens(self, result: Result) -> dict[str, str | int]:
        fields = dict(result.fields)
        if "id_token" in fields:
            # It is the provider's, for this server as its client: libraries that find it under
            # its own name check issuer and audience, rightly, and refuse the whole login.
            fields["provider_id_token"] = fields.pop("id_token")
        granted = fields.get("scope")
        if isinstance(granted, str):
            separator = self.provider.preset.granted_scope_separator
            words = granted.replace(separator, " ").split()
            fields["scope"] = " ".join(words)
            if not words:
                del fields["scope"]
        return fields

    def _revoke_access(self, asked: TokenRequest) -> bool:
        """Whether the provider took the token for one of its access tokens, and revoked it."""
        try:
            self._exchange.revoke(asked)
        except ProviderRefused as error:
            if error.error not in ("invalid_grant", "invalid_request"):
                raise
            return False
        return True

    def _revoke_refresh(self, asked: TokenRequest) -> bool:
        try:
            fresh = self._exchange.refresh(asked).fields
        except ProviderRefused as error:
            # GitHub's OAuth apps have no refresh tokens at all.
            if error.error not in ("invalid_grant", "invalid_request", "unsupported_grant_type"):
                raise
            return False
        is_revoked = self._revoke_access(TokenRequest(Secret(str(fresh["access_token"])), None, ()))
        if successor := fresh.get("refresh_token"):
            # The vault keeps an answer until its successor is presented: without this the revoked
            # token would still be answered, with tokens that are worth nothing.
            with suppress(LoginError):
                self._exchange.refresh(TokenRequest(Secret(str(successor)), None, ()))
        return is_revoked


def parse(encoded: str) -> Parameters | None:
    """
    The parameters of a query or a form; None if it is too long, or no percent-encoded UTF-8.

    A parameter without a value counts as absent (RFC 6749 section 3.1).

    >>> parse("a=1+2&b=&a=%2B"), parse("a=%ff")
    ({'a': ['1 2', '+']}, None)
    """
    if len(encoded) > LONGEST_REQUEST or not encoded.isascii():
        return None
    try:
        pairs = parse_qsl(encoded, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def token_error(error: LoginError) -> str:
    """The word of RFC 6749 section 5.2 for what went wrong with a grant; "" if none fits."""
    if isinstance(error, RequestRefused):
        return error.error
    if isinstance(error, ProviderRefused):
        if error.error in _TOKEN_ERRORS:
            return error.error
        if error.error in ("access_denied", "invalid_request"):
            return "invalid_grant"
    return ""


def _only(values: Parameters, name: str) -> str | None:
    """The one value of *name*; None if there is none, or more than one."""
    found = values.get(name, ())
    return found[0] if len(found) == 1 else None


def _first(values: Parameters, name: str) -> str:
    return values[name][0] if name in values else ""


def _once(values: Parameters, names: Sequence[str]) -> None:
    for name in names:
        if len(values.get(name, ())) > 1:
            _refuse("invalid_request", f"{name} is there twice. Send it once.")


def _target(client: Client, values: Parameters) -> tuple[RedirectUri, str] | None:
    if "redirect_uri" in values:
        sent = _only(values, "redirect_uri")
        registered = client.registered(sent) if sent else None
        return (registered, sent) if registered and sent else None
    # RFC 6749 section 3.1.2.3: it may be left out where there is only one it could be.
    if len(client.redirect_uris) != 1 or client.redirect_uris[0].kind is Kind.LOOPBACK:
        return None
    return client.redirect_uris[0], client.redirect_uris[0].uri


def _check_response(values: Parameters) -> None:
    _once(values, _ASKED_ONCE)
    kind = _only(values, "response_type")
    if kind is None:
        _refuse("invalid_request", "response_type is missing. Send response_type=code.")
    if kind != "code":
        _refuse("unsupported_response_type", "response_type is code here, and nothing else.")
    if _only(values, "response_mode") not in (None, "query"):
        _refuse("invalid_request", "response_mode is query here, and nothing else.")


def _challenge(values: Parameters) -> str:
    # RFC 9700 section 2.1.1. An absent method means plain (RFC 7636 section 4.3), which would
    # show the verifier to everybody who sees the address.
    sent = _only(values, "code_challenge")
    if sent is None:
        _refuse(
            "invalid_request",
            "code_challenge is missing. Switch PKCE on in the client, with the method S256.",
        )
    if _only(values, "code_challenge_method") != "S256":
        _refuse("invalid_request", "code_challenge_method must be S256; plain is not taken.")
    if not is_challenge(sent):
        _refuse(
            "invalid_request",
            "code_challenge must be the SHA-256 of the verifier in base64url, 43 characters.",
        )
    return sent


def _scopes(client: Client, values: Parameters) -> tuple[str, ...]:
    """The scopes that are asked for, in order; all of the client's if none is."""
    _once(values, ("scope",))
    asked = _only(values, "scope")
    if asked is None:
        return client.scopes
    scopes = tuple(dict.fromkeys(scope for scope in asked.split(" ") if scope))
    if not scopes:
        return client.scopes
    if not set(scopes) <= set(client.scopes):
        _refuse(
            "invalid_scope",
            f"This client may ask for: {' '.join(client.scopes)} (with spaces between).",
        )
    return scopes


def _verifier(form: Parameters) -> str:
    verifier = _only(form, "code_verifier")
    if verifier is None:
        _refuse("invalid_request", "code_verifier is missing. Send the verifier of this login.")
    if len(verifier) < SHORTEST_STANDARD_VERIFIER or not is_verifier(verifier):
        _refuse(
            "invalid_request",
            f"code_verifier has {SHORTEST_STANDARD_VERIFIER} to {LONGEST_VERIFIER} characters out "
            "of A-Z a-z 0-9 - . _ ~ (RFC 7636).",
        )
    return verifier


def _check_redirect(grant: Grant, sent: str | None) -> None:
    if sent is None and not grant.named_redirect:
        return
    if sent != grant.redirect_uri:
        _refuse(
            "invalid_grant",
            "redirect_uri is not the one that started this login. Send the same again.",
        )


def _fault_of_browser(
    transaction: Transaction, registered: RedirectUri, cookies: Mapping[str, Sequence[str]]
) -> DeadEnd | None:
    """
    Why this browser cannot be the one in which the login began.

    Otherwise somebody could end a login of his own in another's browser, or another's in his. A
    phone may come back in another browser than it left from, so that an answer which only the
    client's own app can get goes on without a cookie; the app has the verifier or has not.
    """
    held = cookies.get(transaction.id, ())
    if not held:
        return None if registered.kind is Kind.APP else DeadEnd.NO_COOKIE
    # Two cookies of one name are a sibling host's work: one of them is not ours.
    if all(hmac.compare_digest(digest(value), transaction.binding) for value in held):
        return None
    return DeadEnd.OTHER_BROWSER


def _locales(values: Parameters) -> str:
    """
    The languages that the client asks for: ``lang``, as at every page of ours, or ``ui_locales``.

    They only choose among our own catalogues, so that what is no tag is passed over.
    """
    asked = f"{_first(values, 'lang')} {_first(values, 'ui_locales')}".split()
    tags = [tag for tag in asked if TAG.fullmatch(tag)]
    return " ".join(tags)[:_LONGEST_LOCALES]


def _is_state(text: str) -> bool:
    return len(text) <= LONGEST_STATE and _PRINTABLE.fullmatch(text) is not None


def _encoded(fields: Sequence[tuple[str, str]]) -> str:
    # "%20" and not "+": what reads a query of a custom scheme does not always know the plus.
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields)


def _ascii(text: str) -> str:
    """*text* as ``error_description`` may have it: ASCII without quotes (RFC 6749 section 5.2)."""
    plain = text.replace("’", "'").replace('"', "'").replace("\\", "/")
    return plain.encode("ascii", "ignore").decode("ascii")


def _refuse(error: str, description: str) -> NoReturn:
    raise RequestRefused(error, description)
