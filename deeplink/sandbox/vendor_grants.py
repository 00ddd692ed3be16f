"""
Codes and tokens of the other pretend providers: who was given what, until when.

In memory, bounded, safe between threads; clock and randomness are arguments.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from deeplink.sandbox.shelf import LIMIT, remember
from deeplink.sandbox.vendors import Fault, TokenShape, Vendor


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A sound authorize request. *wants_refresh* is what this login's parameters say about it;
    *state* and *nonce* are None if absent.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None
    challenge_method: str
    response_mode: str
    wants_refresh: bool


@dataclass(frozen=True, slots=True)
class Login:
    """What one person allowed one app; its tokens know it by *number*."""

    number: int
    asked: Asked
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Fresh tokens: *refresh* is None where there is none to hand out."""

    login: Login
    access: str
    access_life: int | None
    refresh: str | None
    refresh_life: int | None


@dataclass(frozen=True, slots=True)
class _Code:
    login: Login
    expires: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    login: Login
    expires: float


class VendorGrants:
    """One vendor's codes and tokens. *now* is in seconds since 1970, *token* gives random bytes."""

    def __init__(
        self, vendor: Vendor, now: Callable[[], float], token: Callable[[int], bytes]
    ) -> None:
        self._vendor = vendor
        self._now = now
        self._token = token
        self._lock = threading.RLock()
        self._logins = 0
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}
        self._consents: set[str] = set()

    def put_code(self, asked: Asked, scopes: tuple[str, ...]) -> str:
        with self._lock:
            self._logins += 1
            if len(self._consents) < LIMIT:
                self._consents.add(asked.client_id)
            code = self._text(self._vendor.code)
            life = self._vendor.code.seconds or 0
            kept = _Code(Login(self._logins, asked, scopes), self._now() + life)
            remember(self._codes, code, kept)
            return code

    def has_consented(self, client_id: str) -> bool:
        """Whether the person who lives here has allowed the app something before."""
        with self._lock:
            return client_id in self._consents

    def redeem(
        self, code: str, client_id: str, redirect_uri: str | None, verifier: str
    ) -> Pair | Fault:
        """Tokens for a code, once; of any number of callers at one moment one gets them."""
        with self._lock:
            kept = self._codes.get(code)
            if kept is None or kept.login.asked.client_id != client_id:
                return Fault.CODE
            if kept.used:
                return Fault.CODE_USED
            if kept.expires <= self._now():
                return Fault.CODE
            if redirect_uri is not None and redirect_uri != kept.login.asked.redirect_uri:
                return Fault.REDIRECT_URI
            if (fault := self._proof_fault(kept.login.asked, verifier)) is not None:
                return fault
            self._codes[code] = replace(kept, used=True)
            return self._issue(kept.login, with_refresh=kept.login.asked.wants_refresh)

    def refresh(self, token: str, client_id: str) -> Pair | Fault:
        with self._lock:
            kept = self._refresh.get(token)
            if kept is None or kept.login.asked.client_id != client_id:
                return Fault.REFRESH_TOKEN
            if kept.expires <= self._now():
                return Fault.REFRESH_TOKEN
            if self._vendor.refresh_ends_access:
                _forget(self._access, kept.login)
            if self._vendor.rotates:
                del self._refresh[token]
            return self._issue(kept.login, with_refresh=self._vendor.rotates)

    def revoke(self, token: str, client_id: str | None) -> bool:
        """
        Whether *token* lived and is ended now. Without *client_id* anybody may: it is enough to
        have the token.
        """
        with self._lock:
            kept = self._living(token)
            if kept is None or client_id not in (None, kept.asked.client_id):
                return False
            if self._vendor.revokes_whole_login:
                _forget(self._access, kept)
                _forget(self._refresh, kept)
            else:
                self._access.pop(token, None)
                self._refresh.pop(token, None)
            return True

    def open(self, access_token: str) -> Login | None:
        with self._lock:
            kept = self._access.get(access_token)
            return kept.login if kept is not None and kept.expires > self._now() else None

    def _living(self, token: str) -> Login | None:
        kept = self._access.get(token) or self._refresh.get(token)
        return kept.login if kept is not None and kept.expires > self._now() else None

    def _proof_fault(self, asked: Asked, verifier: str) -> Fault | None:
        if asked.challenge is None:
            needless = verifier and self._vendor.needless_proof_refused
            return Fault.PROOF_NEEDLESS if needless else None
        if not verifier:
            return Fault.PROOF_MISSING
        shown = verifier.encode()
        if asked.challenge_method == "S256":
            shown = base64.urlsafe_b64encode(hashlib.sha256(shown).digest()).rstrip(b"=")
        return None if hmac.compare_digest(shown, asked.challenge.encode()) else Fault.PROOF

    def _issue(self, login: Login, *, with_refresh: bool) -> Pair:
        vendor = self._vendor
        expires = login.asked.client_id.startswith(vendor.expiring_apps)
        shape = vendor.expiring_access if expires else vendor.access
        access = self._text(shape)
        remember(self._access, access, _Token(login, self._end(shape)))
        refresh = None
        if with_refresh and expires:
            refresh = self._text(vendor.refresh)
            remember(self._refresh, refresh, _Token(login, self._end(vendor.refresh)))
        return Pair(login, access, shape.seconds, refresh, vendor.refresh.seconds)

    def _end(self, shape: TokenShape) -> float:
        return float("inf") if shape.seconds is None else self._now() + shape.seconds

    def _text(self, shape: TokenShape) -> str:
        octets = self._token(shape.size)
        if not shape.prefix or shape.prefix.endswith("_"):
            return shape.prefix + octets.hex()
        return shape.prefix + base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _forget(shelf: dict[str, _Token], login: Login) -> None:
    for text in [text for text, token in shelf.items() if token.login.number == login.number]:
        del shelf[text]
