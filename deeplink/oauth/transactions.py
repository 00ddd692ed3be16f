"""
What the standard face remembers of a login, given to the browser and the client to carry: sealed.

Two kinds of values leave this server and come back: the *transaction* (the provider's ``state``,
from ``authorize`` to ``return``) and the *code* (from ``return`` to ``token``). Each is sealed
under a key of its own that follows from purpose, provider, client and issuer, so that none passes
for another, and is bounded in length and in time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from deeplink.errors import RequestRefused, StoreUnavailable
from deeplink.oauth.sealing import can_open, seal, unseal
from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deeplink.oauth.sealing import Key

#: Seconds. RFC 6749 section 4.1.2 wants ten minutes at most for a code; a person who consents may
#: first have to log in at the provider, with a second factor.
TRANSACTION_LIFETIME = 600
CODE_LIFETIME = 300

#: Seconds by which the clocks of two of our servers may differ.
SKEW = 30

#: Characters of a sealed value: they travel in addresses. The sandbox takes 2,048 for ``state``;
#: nobody documents more.
LONGEST = {"transaction": 2048, "code": 3072}

#: Characters of what goes into them: a client's state, and a provider's code.
LONGEST_STATE = 1024
LONGEST_CODE = 1536

_TEXT = re.compile(r"([a-z][a-z0-9_-]{0,31})\.([A-Za-z0-9_-]+)", re.ASCII)
_CHECK_LENGTH = 4


class Purpose(StrEnum):
    """What a sealed value is for."""

    TRANSACTION = "transaction"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Transaction:
    """
    A login under way. *binding* is the digest of what the browser's cookie holds.

    *redirect_uri* is the one that was sent or, if none was (*named_redirect* False), the client's
    only one. *challenge* is the client's S256 challenge in base64url. *state* is None if absent.
    *locales* are language tags with spaces between.
    """

    id: str
    client: str
    redirect_uri: str
    named_redirect: bool
    challenge: str
    state: str | None
    binding: str
    started: int
    locales: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code of ours stands for: the provider's *code*, and who may redeem it."""

    transaction: str
    client: str
    redirect_uri: str
    named_redirect: bool
    challenge: str
    code: Secret
    issued: int


class Seals:
    """The sealed values of one provider's face; *issuer* is the face's, *random* makes salts."""

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        issuer: str,
        provider: str,
        random: Callable[[int], bytes],
    ) -> None:
        self._keys = tuple(keys)
        self._context = (provider, issuer)
        self._random = random

    def seal_transaction(self, transaction: Transaction) -> str:
        fields = [
            transaction.id,
            transaction.redirect_uri,
            transaction.named_redirect,
            transaction.challenge,
            transaction.state,
            transaction.binding,
            transaction.started,
            transaction.locales,
        ]
        return self._seal(Purpose.TRANSACTION, transaction.client, fields)

    def open_transaction(self, text: str, now: float) -> Transaction:
        """
        The transaction in *text*, if it is one of ours and in its time.

        Refuses anything else with ``RequestRefused`` (``invalid_grant``), whatever is wrong with
        it, and with ``StoreUnavailable`` what was sealed under a key that this process lacks.
        """
        client, fields = self._open(Purpose.TRANSACTION, text)
        identity, redirect_uri, named, challenge, state, binding, started, locales = fields
        _check_time(started, now, TRANSACTION_LIFETIME)
        return Transaction(
            identity, client, redirect_uri, named, challenge, state, binding, started, locales
        )

    def seal_grant(self, grant: Grant) -> str:
        fields = [
            grant.transaction,
            grant.redirect_uri,
            grant.named_redirect,
            grant.challenge,
            grant.code.reveal(),
            grant.issued,
        ]
        return self._seal(Purpose.CODE, grant.client, fields)

    def open_grant(self, text: str, client: str, now: float) -> Grant:
        """The grant in *text*, if it was issued to *client*; refuses as ``open_transaction``."""
        owner, fields = self._open(Purpose.CODE, text)
        if owner != client:
            _refuse()
        transaction, redirect_uri, named, challenge, code, issued = fields
        _check_time(issued, now, CODE_LIFETIME)
        return Grant(transaction, owner, redirect_uri, named, challenge, Secret(code), issued)

    def _seal(self, purpose: Purpose, client: str, fields: Sequence[object]) -> str:
        sealed = seal(
            self._keys[0],
            json.dumps(fields, separators=(",", ":")).encode(),
            secrets=(),
            context=(purpose, *self._context, client),
            random=self._random,
        )
        text = f"{client}.{_encoded(_check(client, sealed) + sealed)}"
        if len(text) > LONGEST[purpose]:
            raise RequestRefused("invalid_request", "The request is too long; shorten its state.")
        return text

    def _open(self, purpose: Purpose, text: str) -> tuple[str, list[Any]]:
        match = _TEXT.fullmatch(text) if len(text) <= LONGEST[purpose] else None
        if match is None:
            _refuse()
        client, octets = match[1], _decoded(match[2])
        check, sealed = octets[:_CHECK_LENGTH], octets[_CHECK_LENGTH:]
        # Whoever can write the check can write anything: it only tells junk, which is the asker's
        # fault, from a value sealed by a server with other keys, which is ours.
        if check != _check(client, sealed):
            _refuse()
        if not can_open(self._keys, sealed):
            raise StoreUnavailable(
                "a login was started on a server with another key; give all servers the same "
                "keys, a new one second, and promote it when all of them have it"
            )
        try:
            plain = unseal(
                self._keys, sealed, secrets=(), context=(purpose, *self._context, client)
            )
        except StoreUnavailable:
            # The key is known, so that it is the value that is wrong.
            _refuse()
        fields: list[Any] = json.loads(plain)
        return client, fields


def digest(text: str) -> str:
    """What a sealed value keeps of a browser's *text*, 128 bits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _check_time(then: int, now: float, lifetime: int) -> None:
    if not now - lifetime < then <= now + SKEW:
        _refuse()


def _check(client: str, sealed: bytes) -> bytes:
    return hashlib.sha256(client.encode() + b"." + sealed).digest()[:_CHECK_LENGTH]


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    """The octets of *text* in its one spelling: two spellings would be two codes."""
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
    if not octets or _encoded(octets) != text:
        _refuse()
    return octets


def _refuse() -> NoReturn:
    # One answer for all: what is wrong with a stolen or a made-up value is news to a thief.
    raise RequestRefused(
        "invalid_grant",
        "The code has expired, was used before, was changed on its way, or is not this client's. "
        "Start the login again and send its code once, at once.",
    ) from None
