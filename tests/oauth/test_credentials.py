"""How this server proves who it is; PyJWT, which we did not write, reads what we sign."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from deeplink.oauth.credentials import basic, client_secret, is_signing_key
from deeplink.oauth.providers import APPLE, GITHUB, SigningKey
from deeplink.secret import Secret

NOW = 1_795_000_000.5


def pem(key, password=None):
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


KEY = ec.generate_private_key(ec.SECP256R1())


def apple(configured, **changes):
    values = {
        "preset": APPLE,
        "client_key": "com.acme.shop.web",
        "client_secret": Secret(pem(KEY)),
        "signing_key": SigningKey("ABCDE12345", "ABC123DEFG"),
    }
    return configured(**(values | changes))


def test_a_shared_secret_goes_out_as_it_is(configured):
    assert client_secret(configured(), NOW) == "SECRET-client"


def test_apples_secret_is_what_its_documentation_asks_for(configured):
    """developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret"""
    signed = client_secret(apple(configured), NOW)
    assert jwt.get_unverified_header(signed) == {"alg": "ES256", "kid": "ABC123DEFG"}
    claims = jwt.decode(
        signed,
        KEY.public_key(),
        algorithms=["ES256"],
        audience="https://appleid.apple.com",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {
        "iss": "ABCDE12345",
        "iat": 1_794_999_940,
        "exp": 1_795_000_300,
        "aud": "https://appleid.apple.com",
        "sub": "com.acme.shop.web",
    }


def test_basic_is_the_pair_in_base64(configured):
    """RFC 7617 section 2 has this very pair and its spelling."""
    pair = {"client_key": "Aladdin", "client_secret": Secret("open+sesame")}
    assert basic(configured(preset=GITHUB, **pair), NOW) == "Basic QWxhZGRpbjpvcGVuJTJCc2VzYW1l"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pem(KEY), True),
        (f"\n{pem(KEY)}\n", True),
        (pem(ec.generate_private_key(ec.SECP384R1())), False),
        (pem(ed25519.Ed25519PrivateKey.generate()), False),
        (pem(rsa.generate_private_key(65537, 2048)), False),
        (pem(KEY, b"password"), False),
        (pem(KEY)[:-40], False),
        ("", False),
        ("SECRET-no-pem", False),
    ],
    ids=["p256", "in white space", "p384", "ed25519", "rsa", "locked", "cut", "", "no"],
)
def test_only_an_open_key_on_p256_can_sign(text, expected):
    assert is_signing_key(text) is expected
