"""
The three questions that need the client secret: redeem a code, refresh, revoke.

Nothing is tried twice: a code works once, and a refresh token dies with the answer that replaces
it. The vault stands around the first two and gives the answer again to whoever asks the same.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, NoReturn, Protocol
from urllib.parse import quote

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
from deeplink.oauth.credentials import basic, client_secret
from deeplink.oauth.vault import Answer, Purpose, Question
from deeplink.outbound import PATIENCE, SHORT_PATIENCE, Fault
from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Unpack

    from deeplink.oauth.providers import Provider
    from deeplink.oauth.request import CodeRequest, TokenRequest
    from deeplink.oauth.vault import Vault
    from deeplink.outbound import Manner, Patience, Reply

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
        **manner: Unpack[Manner],
    ) -> Reply: ...


class Exchange:
    """
    One provider's client, with its secret, as the configuration has it.

    Every verb makes one call to the provider, or none where *vault* has the answer. Each refuses
    with ``ProviderRefused`` (definite: the same question gets the same answer), ``ProviderSilent``
    (nobody knows; its text says what may have happened), ``TooMany`` (the provider limits us) or
    ``Busy`` (no room to wait for an answer that is under way).
    """

    def __init__(
        self,
        provider: Provider,
        send: Send,
        vault: Vault,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self._send = send
        self._vault = vault
        self._now = now

    def redeem(self, request: CodeRequest) -> Result:
        """
        The tokens for the code in *request*; for the same request again, the same tokens.

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
        question = self._question(
            Purpose.EXCHANGE, request.app, request.code, request.code_verifier
        )
        return self._once(question, Operation.EXCHANGE, fields)

    def refresh(self, request: TokenRequest) -> Result:
        """
        New tokens for the refresh token in *request*. Where it stops working with the answer, the
        same ones again for who asks again within a minute and has not used them yet.
        """
        fields = [
            *self._credentials(),
            ("grant_type", "refresh_token"),
            ("refresh_token", request.token.reveal()),
        ]
        if not self.provider.preset.rotates_refresh_tokens:
            # A lost answer loses nothing; a remembered one would outlive a revocation.
            return self._tokens(Operation.REFRESH, fields)
        question = self._question(Purpose.REFRESH, request.app, request.token, None)
        return self._once(question, Operation.REFRESH, fields)

    def revoke(self, request: TokenRequest) -> None:
        """Make the token in *request* worthless at the provider."""
        reply = self._ask_revocation(request.token, request.hint)
        answer = read_revocation(reply, self.provider.preset)
        if isinstance(answer, Refused):
            self._refuse(Operation.REVOKE, reply, answer)
        if isinstance(answer, Unusable):
            self._give_up(Operation.REVOKE, reply, answer)

    def _question(
        self, purpose: Purpose, app: str | None, grant: Secret, proof: Secret | None
    ) -> Question:
        provider = self.provider
        return Question(
            purpose=purpose,
            provider=provider.key,
            app=app or "",
            client_key=provider.client_key,
            redirect_uri=provider.redirect_uri,
            grant=grant,
            proof=proof,
        )

    def _once(
        self, question: Question, operation: Operation, fields: Sequence[tuple[str, str]]
    ) -> Result:
        fresh: list[Result] = []

        def ask() -> Answer:
            result = self._tokens(operation, fields)
            fresh.append(result)
            token = result.fields.get("refresh_token")
            is_successor = question.purpose is Purpose.REFRESH and isinstance(token, str) and token
            body = json.dumps([dict(result.fields), result.log_id]).encode()
            return Answer(body, Secret(str(token)) if is_successor else None)

        answer = self._vault.once(question, ask)
        if fresh and not answer.is_replay:
            return fresh[0]
        kept, log_id = json.loads(answer.body)
        return Result(kept, log_id, answer.is_replay)

    def _tokens(self, operation: Operation, fields: Sequence[tuple[str, str]]) -> Result:
        reply = self._ask(operation, fields)
        answer = read_tokens(reply, self.provider.preset)
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
            ("client_secret", client_secret(provider, self._now())),
        ]

    def _ask_revocation(
        self, token: Secret, hint: str | None = None, patience: Patience = PATIENCE
    ) -> Reply:
        wanted = self.provider.preset.revocation
        fields = self._credentials() if wanted.credentials == "form" else []
        fields.append((wanted.token_param, token.reveal()))
        if hint:
            fields.append(("token_type_hint", hint))
        # Only what differs from a POST of a form.
        manner: Manner = {}
        if wanted.method != "POST":
            manner["method"] = wanted.method
        if wanted.body == "json":
            manner["as_json"] = True
        if wanted.credentials == "basic":
            manner["authorization"] = basic(self.provider, self._now())
        return self._ask(Operation.REVOKE, fields, patience, **manner)

    def _ask(
        self,
        operation: Operation,
        fields: Sequence[tuple[str, str]],
        patience: Patience = PATIENCE,
        **manner: Unpack[Manner],
    ) -> Reply:
        preset = self.provider.preset
        url = preset.revoke_url if operation is Operation.REVOKE else preset.token_url
        url = url.replace("{client_key}", quote(self.provider.client_key, safe=""))
        try:
            return self._send(
                url, fields, insecure_loopback=self.provider.sandbox, patience=patience, **manner
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
            reply = self._ask_revocation(token, patience=SHORT_PATIENCE)
        except (ProviderSilent, TooMany):
            return
        if read_revocation(reply, self.provider.preset):
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
