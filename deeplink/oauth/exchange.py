"""
The three questions that need the client secret: redeem a code, refresh, revoke.

Nothing is kept between two calls and nothing is tried twice: a code works once, and a refresh
token dies with the answer that replaces it. Whoever remembers answers stands around these verbs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn, Protocol

from deeplink.errors import (
    ProviderRefused,
    ProviderSilent,
    RequestRefused,
    TooMany,
    Unanswered,
)
from deeplink.logs import event
from deeplink.oauth.advice import (
    Operation,
    on_lost_token,
    on_nonsense,
    on_refusal,
    on_silence,
)
from deeplink.oauth.answer import (
    UNKNOWN_ERROR,
    Refused,
    Result,
    Unusable,
    read_revocation,
    read_tokens,
)
from deeplink.outbound import PATIENCE, SHORT_PATIENCE, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.oauth.providers import Provider
    from deeplink.oauth.request import CodeRequest, TokenRequest
    from deeplink.outbound import Patience, Reply
    from deeplink.secret import Secret

#: What Retry-After says, in seconds, if the provider limits us without naming a time, and at most.
RETRY_AFTER = 10
LONGEST_RETRY_AFTER = 600

#: Faults that are an answer of a kind, in difference to silence.
_NONSENSE = frozenset({Fault.REDIRECT, Fault.TOO_LARGE, Fault.UNDECODABLE, Fault.MALFORMED})


class Send(Protocol):
    """The way out: ``Outbound.send``, or a provider that a test plays."""

    def __call__(
        self,
        url: str,
        fields: Sequence[tuple[str, str]],
        *,
        insecure_loopback: bool,
        patience: Patience,
    ) -> Reply: ...


class Exchange:
    """
    One provider's client, with its secret, as the configuration has it.

    Every verb makes one call to the provider. Each refuses with ``ProviderRefused`` (definite: the
    same question gets the same answer), ``ProviderSilent`` (nobody knows; its text says what may
    have happened) or ``TooMany`` (the provider limits us).
    """

    def __init__(self, provider: Provider, send: Send) -> None:
        self.provider = provider
        self._send = send

    def redeem(self, request: CodeRequest) -> Result:
        """
        The tokens for the code in *request*. A second call with it is refused by the provider.

        Refuses with ``RequestRefused`` at a provider that does not verify PKCE, unless the config
        accepts that: whoever has the code could invent a verifier.
        """
        provider = self.provider
        if not (provider.preset.verifies_pkce or provider.accept_code_without_pkce):
            raise RequestRefused(
                "unauthorized_client",
                f"{provider.preset.name} does not verify PKCE, so that a stolen code would be "
                "enough to log in; this server does not redeem its codes. Whoever runs the server "
                "can accept that: accept_code_without_pkce.",
            )
        fields = [
            *self._credentials(),
            ("code", request.code.reveal()),
            ("grant_type", "authorization_code"),
            ("redirect_uri", provider.redirect_uri),
        ]
        if request.code_verifier:
            fields.append(("code_verifier", request.code_verifier.reveal()))
        return self._tokens(Operation.EXCHANGE, fields)

    def refresh(self, request: TokenRequest) -> Result:
        """New tokens for the refresh token in *request*, which stops working with the answer."""
        fields = [
            *self._credentials(),
            ("grant_type", "refresh_token"),
            ("refresh_token", request.token.reveal()),
        ]
        return self._tokens(Operation.REFRESH, fields)

    def revoke(self, request: TokenRequest) -> None:
        """Make the token in *request* worthless at the provider."""
        reply = self._ask(Operation.REVOKE, self._revocation(request.token))
        answer = read_revocation(reply)
        if isinstance(answer, Refused):
            self._refuse(Operation.REVOKE, reply, answer)
        if isinstance(answer, Unusable):
            self._give_up(Operation.REVOKE, reply, answer)

    def _tokens(self, operation: Operation, fields: Sequence[tuple[str, str]]) -> Result:
        reply = self._ask(operation, fields)
        answer = read_tokens(reply)
        if isinstance(answer, Result):
            return answer
        if answer.access_token:
            self._give_back(answer.access_token)
        if isinstance(answer, Refused):
            self._refuse(operation, reply, answer)
        self._give_up(operation, reply, answer)

    def _credentials(self) -> list[tuple[str, str]]:
        provider = self.provider
        return [
            (provider.preset.id_param, provider.client_key),
            ("client_secret", provider.client_secret.reveal()),
        ]

    def _revocation(self, token: Secret) -> list[tuple[str, str]]:
        return [*self._credentials(), ("token", token.reveal())]

    def _ask(
        self,
        operation: Operation,
        fields: Sequence[tuple[str, str]],
        patience: Patience = PATIENCE,
    ) -> Reply:
        preset = self.provider.preset
        url = preset.revoke_url if operation is Operation.REVOKE else preset.token_url
        try:
            return self._send(
                url, fields, insecure_loopback=self.provider.sandbox, patience=patience
            )
        except Unanswered as failure:
            fault, sent = failure.fault, failure.sent
        self._note(operation, str(fault))
        if fault in _NONSENSE:
            raise ProviderSilent("server_error", on_nonsense(self.provider, operation))
        raise ProviderSilent(
            "temporarily_unavailable", on_silence(self.provider, operation, sent=sent), sent=sent
        )

    def _refuse(self, operation: Operation, reply: Reply, refused: Refused) -> NoReturn:
        error, sentence = on_refusal(self.provider, operation, refused)
        self._note(operation, refused.error, refused.log_id)
        if error == "rate_limit_exceeded" or reply.status == 429:
            raise TooMany(_retry_after(reply))
        if refused.error == UNKNOWN_ERROR:
            raise ProviderSilent("server_error", sentence, log_id=refused.log_id)
        if refused.error in ("server_error", "temporarily_unavailable"):
            raise ProviderSilent(error, sentence, log_id=refused.log_id)
        raise ProviderRefused(error, sentence, log_id=refused.log_id)

    def _give_up(self, operation: Operation, reply: Reply, unusable: Unusable) -> NoReturn:
        self._note(operation, "unusable_answer", unusable.log_id)
        if reply.status == 429:
            raise TooMany(_retry_after(reply))
        if unusable.access_token:
            sentence = on_lost_token(self.provider, operation)
        else:
            sentence = on_nonsense(self.provider, operation)
        raise ProviderSilent("server_error", sentence, log_id=unusable.log_id)

    def _give_back(self, token: Secret) -> None:
        """
        Revoke a token that nobody will get, so that it does not live on unseen.

        A failure is logged and changes nothing: the app starts again in any case.
        """
        try:
            reply = self._ask(Operation.REVOKE, self._revocation(token), SHORT_PATIENCE)
        except ProviderSilent:
            return
        if read_revocation(reply):
            self._note(Operation.REVOKE, "lost_token_not_revoked")

    def _note(self, operation: Operation, error: str, log_id: str | None = None) -> None:
        event(
            "exchange failed",
            {
                "provider": self.provider.key,
                "operation": str(operation),
                "error": error,
                "log_id": log_id or "",
            },
            level=logging.WARNING,
        )


def _retry_after(reply: Reply) -> int:
    """Only whole seconds are read; a date would need a clock, and nobody was seen to send one."""
    value = reply.headers.get("retry-after", "")
    if value.isascii() and value.isdigit() and len(value) < 9:
        return max(1, min(int(value), LONGEST_RETRY_AFTER))
    return RETRY_AFTER
