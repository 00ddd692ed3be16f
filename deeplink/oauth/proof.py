"""
Whether a provider takes this server's own credentials: asked once, without any person's login.

The client-credentials grant (RFC 6749 section 4.4) needs the key and the secret and nothing else.
What comes back, a token of no person, is dropped here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deeplink.errors import Unanswered
from deeplink.oauth.advice import Operation, on_refusal
from deeplink.oauth.answer import Refused, Result, read_tokens
from deeplink.outbound import PATIENCE, Fault

if TYPE_CHECKING:
    from deeplink.oauth.exchange import Send
    from deeplink.oauth.providers import Provider


class Standing(StrEnum):
    """How the credentials stand with the provider."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNCLEAR = "unclear"
    UNPROVABLE = "unprovable"


@dataclass(frozen=True, slots=True)
class Proof:
    """*what* and *hint* are clauses for a finding about the provider's client_secret."""

    standing: Standing
    what: str
    hint: str


#: What an operator can do about each fault of the way there.
_REMEDIES = {
    Fault.NAME: "see whether this machine can resolve names",
    Fault.CONNECT: "see whether this machine may open connections to it, firewall included",
    Fault.TLS: "see whether this machine's certificates are current and nobody stands in between",
    Fault.TIMEOUT: "try again in a minute",
}


def prove(provider: Provider, send: Send) -> Proof:
    """
    How the provider judges the configured client key and secret. One call, never repeated; no
    text has a secret or anything that the provider sent.
    """
    preset = provider.preset
    if not preset.client_credentials:
        what = f"cannot be proven: {preset.name} has no grant that needs only key and secret"
        return Proof(Standing.UNPROVABLE, what, "try a login")
    fields = [
        (preset.id_param, provider.client_key),
        ("client_secret", provider.client_secret.reveal()),
        ("grant_type", "client_credentials"),
    ]
    try:
        reply = send(
            preset.token_url, fields, insecure_loopback=provider.sandbox, patience=PATIENCE
        )
    except Unanswered as failure:
        return _unreachable(provider, failure.fault)
    answer = read_tokens(reply, preset)
    if isinstance(answer, Result):
        return Proof(Standing.ACCEPTED, f"is accepted by {preset.name}, with its client_key", "")
    # The provider's row knows the sentences by which TikTok's invalid_request means the secret.
    said = "nothing readable"
    if isinstance(answer, Refused):
        said, _ = on_refusal(provider, Operation.EXCHANGE, answer)
    if said in ("invalid_client", "unauthorized_client"):
        what = f"is refused by {preset.name}, or its client_key is"
        hint = (
            "compare both with the portal, character by character: they must come from the same "
            "app, and a sandbox there has a pair of its own"
        )
        return Proof(Standing.REFUSED, what, hint)
    what = f"is neither accepted nor refused: {preset.name} answered {said} (HTTP {reply.status})"
    return Proof(Standing.UNCLEAR, what, "try again in a minute; see the provider's status page")


def _unreachable(provider: Provider, fault: str) -> Proof:
    name = provider.preset.name
    if provider.sandbox:
        what = f"cannot be proven: the sandbox does not answer ({fault})"
        return Proof(Standing.UNREACHABLE, what, "start it: make run, or deeplink sandbox")
    remedy = _REMEDIES.get(Fault(fault), "try again; see the provider's status page")
    return Proof(Standing.UNREACHABLE, f"cannot be proven: {name} gave no answer ({fault})", remedy)
