"""
Keys of the pretend providers: those they sign id tokens with, and the one a client signs with.

https://www.rfc-editor.org/rfc/rfc7515, https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from deeplink.sandbox import DEFAULT_KEY_ID, DEFAULT_TEAM_ID

#: In seconds: "must not be greater than 15777000 (6 months in seconds) from the Current UNIX Time
#: on the server" (Apple, Creating a client secret).
LONGEST_SECRET_LIFE = 15_777_000


def default_signing_key() -> str:
    """
    The private key (PEM) of the client that exists when no other is named.

    Public on purpose, and the same on every machine: it opens nothing but the sandbox.
    """
    return (
        _client_key()
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode("ascii")
    )


def is_signed_secret(secret: str, client_id: str, audience: str, now: float) -> bool:
    """
    Whether *secret* is a JWT that the default key signed for *client_id*, as Apple wants it.

    ES256 with ``kid``; ``iss`` the team, ``sub`` the client, ``aud`` *audience*; issued in the
    past, not expired, and for no longer than six months.
    """
    try:
        signed, _, signature = secret.rpartition(".")
        header, claims = (json.loads(_octets(part)) for part in signed.split("."))
        numbers = _octets(signature)
    except (ValueError, binascii.Error):
        return False
    if not isinstance(header, dict) or not isinstance(claims, dict) or len(numbers) != 64:
        return False
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) is not int or type(expires) is not int:
        return False
    return (
        (header.get("alg"), header.get("kid")) == ("ES256", DEFAULT_KEY_ID)
        and (claims.get("iss"), claims.get("sub")) == (DEFAULT_TEAM_ID, client_id)
        and claims.get("aud") == audience
        and issued <= now < expires <= now + LONGEST_SECRET_LIFE
        and _is_signature(numbers, signed.encode())
    )


class IdTokens:
    """Signs id tokens with a key that is made on first use, and shows its public half."""

    def __init__(self) -> None:
        self._key: rsa.RSAPrivateKey | None = None
        self._lock = threading.Lock()

    def sign(self, claims: Mapping[str, object]) -> str:
        header = {"alg": "RS256", "kid": "sandbox-1", "typ": "JWT"}
        signed = f"{_segment(json.dumps(header).encode())}.{_segment(json.dumps(claims).encode())}"
        signature = self._own().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_segment(signature)}"

    def public(self) -> dict[str, object]:
        """A JWK set."""
        numbers = self._own().public_key().public_numbers()
        key = {
            "kty": "RSA",
            "kid": "sandbox-1",
            "use": "sig",
            "alg": "RS256",
            "n": _segment(numbers.n.to_bytes(256, "big")),
            "e": _segment(numbers.e.to_bytes(3, "big")),
        }
        return {"keys": [key]}

    def _own(self) -> rsa.RSAPrivateKey:
        with self._lock:
            if self._key is None:
                self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            return self._key


def _client_key() -> ec.EllipticCurvePrivateKey:
    digest = hashlib.sha256(b"the signing key of the sandbox's default client").digest()
    return ec.derive_private_key(int.from_bytes(digest, "big") >> 1, ec.SECP256R1())


def _is_signature(numbers: bytes, message: bytes) -> bool:
    r, s = int.from_bytes(numbers[:32], "big"), int.from_bytes(numbers[32:], "big")
    try:
        _client_key().public_key().verify(
            encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        return False
    return True


def _segment(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _octets(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
