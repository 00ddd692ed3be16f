"""
How this server proves to a provider who it is: by a shared secret, or by one that it signs.

https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from deeplink.oauth.providers import Provider

#: In seconds. Apple takes up to six months (15,777,000), but a signed secret that leaks into
#: somebody's log should be worthless soon; signing takes a tenth of a millisecond.
LIFE = 300

#: In seconds. Apple refuses a token from the future, and its clock may be behind ours.
CLOCK_SKEW = 60


def client_secret(provider: Provider, now: float) -> str:
    """
    What goes out as ``client_secret``; *now* is in seconds since 1970.

    With a signing key it is a JWT signed with ES256: issued by the team, about the client, for
    the vendor (https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret).
    """
    secret = provider.client_secret.reveal()
    if provider.signing_key is None:
        return secret
    issued = int(now) - CLOCK_SKEW
    header = {"alg": "ES256", "kid": provider.signing_key.key_id}
    claims = {
        "iss": provider.signing_key.team_id,
        "iat": issued,
        "exp": issued + CLOCK_SKEW + LIFE,
        "aud": provider.preset.secret_audience,
        "sub": provider.client_key,
    }
    signed = f"{_segment(_json(header))}.{_segment(_json(claims))}"
    return f"{signed}.{_segment(_es256(secret, signed.encode()))}"


def basic(provider: Provider, now: float) -> str:
    """
    The value of an Authorization header; RFC 6749 has both parts form-encoded before RFC 7617.

    Ids and secrets of letters, digits and ``-._`` are the same in either spelling.
    """
    pair = f"{quote_plus(provider.client_key)}:{quote_plus(client_secret(provider, now))}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def is_signing_key(pem: str) -> bool:
    """Whether *pem* is a private key on P-256, unencrypted, as Apple's .p8 files are."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)


def _es256(pem: str, message: bytes) -> bytes:
    """RFC 7518 section 3.4: the two numbers side by side, 32 bytes each, not as DER has them."""
    # 60 ms of import, which only those pay who sign.
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the config lets no other kind of key pass")
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _segment(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
