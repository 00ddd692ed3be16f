"""
Server keys, and what is made with them: sealed values, and names that tell nothing.

A key opens nothing by itself. A sealed value's own key comes from the server key *and* secrets
that only the one who asks can bring (a code and its verifier), so that neither a stolen store nor
a stolen key shows a token. HKDF is RFC 5869, the cipher RFC 8452 (AES-256-GCM-SIV) or, where
OpenSSL is older than 3.2, AES-256-GCM; every value has a key of its own, used once.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deeplink.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from deeplink.secret import Secret

#: How many characters a configured key should have: 32 random ones are more than 128 bits.
MIN_KEY_LENGTH = 32

_ID_LENGTH = 4
_SALT_LENGTH = 16
#: One value a key, so that the nonce need not differ.
_NONCE = bytes(12)

_GCM_SIV, _GCM = b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class Key:
    """One server key. *id* is public and follows from the key; the rest does not print."""

    id: bytes
    _sealing: bytes = field(repr=False)
    _naming: bytes = field(repr=False)

    def name(self, label: str, *parts: str | bytes) -> bytes:
        """
        16 bytes that stand for *parts*: the same for the same, and nobody without the key can
        tell which, or try them out. *label* keeps names of different kinds apart. Parts that
        several names have in common can be ``joined`` once.
        """
        return hmac.digest(self._naming, joined(label, *parts), "sha256")[:16]


def build_keys(configured: Sequence[Secret], *, instead: Iterable[Secret]) -> tuple[Key, ...]:
    """
    The configured keys in their order; the first seals, all open.

    Without any, one key that follows from the secrets *instead* (the providers' client secrets,
    in any order): all servers have those, and they are as hard to guess. One of the two is needed.
    """
    texts: list[tuple[str, ...]] = [(secret.reveal(),) for secret in configured]
    if not texts:
        texts = [tuple(sorted(secret.reveal() for secret in instead))]
    if not all(texts):
        raise ValueError("neither a key nor a client secret to make one from")
    return tuple({key.id: key for key in map(_build_key, texts)}.values())


def seal(
    key: Key,
    plain: bytes,
    *,
    secrets: Sequence[str],
    context: Sequence[str | bytes],
    random: Callable[[int], bytes],
) -> bytes:
    """
    *plain* as only somebody with *key*, *secrets* and *context* reads it.

    *random* gives that many unpredictable bytes (``secrets.token_bytes``).
    """
    kind = _GCM_SIV if _GCM_SIV in _CIPHERS else _GCM
    salt = random(_SALT_LENGTH)
    head = kind + key.id + salt
    cipher = _CIPHERS[kind](_derive(key, salt, secrets, context))
    return head + cipher.encrypt(_NONCE, plain, head)


def unseal(
    keys: Sequence[Key], sealed: bytes, *, secrets: Sequence[str], context: Sequence[str | bytes]
) -> bytes:
    """
    The plain bytes of what ``seal`` made with one of *keys*.

    Refuses with ``StoreUnavailable`` what was sealed with another key, or is damaged: that is a
    fault of the servers, and whoever asks should ask again. It is no answer to the question.
    """
    kind, key_id = sealed[:1], sealed[1 : 1 + _ID_LENGTH]
    head = sealed[: 1 + _ID_LENGTH + _SALT_LENGTH]
    key = next((key for key in keys if key.id == key_id), None)
    if key is None or kind not in _CIPHERS:
        raise StoreUnavailable(
            "a value was sealed with a key or cipher that this process lacks; give all servers "
            "the same keys, a new one second, and promote it when all of them have it"
        )
    cipher = _CIPHERS[kind](_derive(key, head[-_SALT_LENGTH:], secrets, context))
    try:
        return cipher.decrypt(_NONCE, sealed[len(head) :], head)
    except InvalidTag:
        raise StoreUnavailable("a sealed value is damaged; see who else writes there") from None


def can_open(keys: Sequence[Key], sealed: bytes) -> bool:
    """Whether *sealed* names one of *keys* and a cipher of this process; not that it is whole."""
    kind, key_id = sealed[:1], sealed[1 : 1 + _ID_LENGTH]
    return kind in _CIPHERS and any(key.id == key_id for key in keys)


def _ciphers() -> dict[bytes, type[AESGCM | AESGCMSIV]]:
    try:
        AESGCMSIV(bytes(32))
    except UnsupportedAlgorithm:
        return {_GCM: AESGCM}
    return {_GCM_SIV: AESGCMSIV, _GCM: AESGCM}


_CIPHERS = _ciphers()


def _build_key(texts: Sequence[str]) -> Key:
    material = joined(*texts)
    return Key(
        _hkdf(material, None, b"deeplink key id", _ID_LENGTH),
        _hkdf(material, None, b"deeplink sealing", 32),
        _hkdf(material, None, b"deeplink naming", 32),
    )


def _derive(key: Key, salt: bytes, secrets: Sequence[str], context: Sequence[str | bytes]) -> bytes:
    return _hkdf(joined(*secrets), key._sealing, salt + joined(*context), 32)


def _hkdf(material: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)


def joined(*parts: str | bytes) -> bytes:
    """
    Each part behind its length, so that ("ab", "c") is not ("a", "bc"); bytes were joined before.

    >>> joined("a", joined("b", "c")) == joined("a", "b", "c")
    True
    """
    return b"".join([part if isinstance(part, bytes) else _measured(part) for part in parts])


def _measured(part: str) -> bytes:
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded
