"""
Codes and tokens: who was given what, until when, and what each use does to it.

Everything is in memory, bounded, and safe between threads; clock and randomness are arguments.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deeplink.sandbox.authorization import Question
from deeplink.sandbox.dialect import (
    CODE_EXPIRED,
    LIFETIMES,
    REFRESH_EXPIRED,
    TOKEN_UNKNOWN,
    Lifetimes,
    Refusal,
    open_id,
)
from deeplink.sandbox.knobs import Knobs
from deeplink.sandbox.shelf import remember

#: Parts of a code's tail that were seen in the documentation and in the wild:
#: "...*0!6410" and "...*1!6431.u1".
_CODE_TAILS = ("", ".u1", ".s1")

#: The flat JSON object of the token endpoint.
Answer = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person allowed one app; the tokens of a grant live and die by *number*."""

    number: int
    client_key: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Code:
    question: Question
    scopes: tuple[str, ...]
    expires: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    grant: Grant
    expires: float
    used: bool = False


class Grants:
    """
    The state machine of a login: a code becomes a pair of tokens once, a pair becomes the next.

    *now* is in seconds since 1970; *token* is ``secrets.token_bytes`` or a stand-in.
    """

    def __init__(self, now: Callable[[], float], token: Callable[[int], bytes]) -> None:
        self._now = now
        self._token = token
        self._lock = threading.RLock()
        self._grants = 0
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    def put_code(self, question: Question, scopes: Sequence[str], knobs: Knobs) -> str:
        """A fresh code: base64url of 96 random bytes and TikTok's tail, as in "…*0!6410"."""
        digits = int.from_bytes(self._token(4), "big")
        tail = f"*{digits % 2}!{digits // 2 % 9000 + 1000}{_CODE_TAILS[digits % 3]}"
        code = self._text(96) + tail
        with self._lock:
            expires = self._now() + LIFETIMES[knobs.lifetimes].code
            remember(self._codes, code, _Code(question, tuple(scopes), expires))
        return code

    def redeem(
        self,
        code: str,
        client_key: str,
        fault: Callable[[Question], Refusal | None],
        knobs: Knobs,
        hint: Callable[[str], None],
    ) -> Answer | Refusal:
        """
        Tokens for a code, once. *fault* looks at the question which the code answers.

        Of any number of callers at the same moment one gets the tokens.
        """
        with self._lock:
            kept = self._codes.get(code)
            if kept is None or kept.question.client_key != client_key:
                return CODE_EXPIRED
            if kept.used:
                hint("used_code")
                return CODE_EXPIRED
            if kept.expires <= self._now():
                return CODE_EXPIRED
            refusal = fault(kept.question)
            if refusal is None or knobs.burns == "attempt":
                self._codes[code] = _Code(kept.question, kept.scopes, kept.expires, used=True)
            if refusal is not None:
                return refusal
            self._grants += 1
            return self._issue(Grant(self._grants, client_key, kept.scopes), knobs)

    def is_used(self, code: str) -> bool:
        with self._lock:
            kept = self._codes.get(code)
            return kept is not None and kept.used

    def refresh(
        self, refresh_token: str, client_key: str, knobs: Knobs, hint: Callable[[str], None]
    ) -> Answer | Refusal:
        """
        The next pair of tokens; the refresh token that was shown dies at once.

        "The previous refresh token stops working once a new one is issued" (oauth-refresh page,
        2 November 2026). Whether the 180 days start again is not said; here they do.
        """
        with self._lock:
            kept = self._refresh.get(refresh_token)
            if kept is None or kept.grant.client_key != client_key:
                return REFRESH_EXPIRED
            if kept.used:
                hint("used_refresh")
                return REFRESH_EXPIRED
            if kept.expires <= self._now():
                return REFRESH_EXPIRED
            if knobs.rotation == "maybe":
                return self._issue(kept.grant, knobs, keep=refresh_token)
            self._refresh[refresh_token] = _Token(kept.grant, kept.expires, used=True)
            return self._issue(kept.grant, knobs)

    def client_token(self, client_key: str, knobs: Knobs) -> Answer:
        """The app's own token, without a person (``client_credentials``)."""
        lifetime = LIFETIMES[knobs.lifetimes].client
        return {
            "access_token": f"clt.{self._text(48)}",
            "expires_in": lifetime,
            "token_type": "Bearer",
        }

    def revoke(self, access_token: str, client_key: str) -> Refusal | None:
        """End the grant behind a living access token: all its tokens stop working."""
        with self._lock:
            kept = self._living(access_token)
            if kept is None or kept.client_key != client_key:
                return TOKEN_UNKNOWN
            for tokens in (self._access, self._refresh):
                of_grant = [text for text, token in tokens.items() if token.grant == kept]
                for text in of_grant:
                    del tokens[text]
            return None

    def open(self, access_token: str) -> Grant | None:
        """The grant behind a living access token of a person; None for anything else."""
        with self._lock:
            return self._living(access_token)

    def counts(self) -> dict[str, int]:
        """How many codes and tokens would be taken now."""
        with self._lock:
            now = self._now()
            codes = self._codes.values()
            access, refresh = self._access.values(), self._refresh.values()
            return {
                "codes": sum(not code.used and code.expires > now for code in codes),
                "access_tokens": sum(token.expires > now for token in access),
                "refresh_tokens": sum(not token.used and token.expires > now for token in refresh),
            }

    def _living(self, access_token: str) -> Grant | None:
        kept = self._access.get(access_token)
        return kept.grant if kept is not None and kept.expires > self._now() else None

    def _issue(self, grant: Grant, knobs: Knobs, keep: str | None = None) -> Answer:
        lifetimes: Lifetimes = LIFETIMES[knobs.lifetimes]
        access = f"act.{self._text(48)}"
        refresh = keep or f"rft.{self._text(48)}"
        now = self._now()
        remember(self._access, access, _Token(grant, now + lifetimes.access))
        remember(self._refresh, refresh, _Token(grant, now + lifetimes.refresh))
        return {
            "access_token": access,
            "expires_in": lifetimes.access,
            "open_id": open_id(grant.client_key),
            "refresh_expires_in": lifetimes.refresh,
            "refresh_token": refresh,
            "scope": ",".join(grant.scopes),
            "token_type": "Bearer",
        }

    def _text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._token(size)).rstrip(b"=").decode()
