"""PKCE in both spellings. Vectors: RFC 7636 appendix B; tiktok-opensdk-android's unit test."""

from __future__ import annotations

import pytest

from deeplink.oauth.pkce import challenge, is_verifier

RFC = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ANDROID = "gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns"


@pytest.mark.parametrize(
    ("verifier", "encoding", "expected"),
    [
        (RFC, "base64url", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        (RFC, "hex", "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"),
        (ANDROID, "base64url", "5qF4sSB0PQhQlQjyaWUrC9-R4pMykhvJ6XRP091Bv-8"),
        (ANDROID, "hex", "e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef"),
    ],
)
def test_a_challenge_is_spelt_as_the_provider_wants_it(verifier, encoding, expected):
    assert challenge(verifier, encoding) == expected


def test_an_unknown_encoding_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="plain"):
        challenge(RFC, "plain")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 32, True),
        ("a" * 128, True),
        ("A0-._~" * 8, True),
        ("a" * 31, False),
        ("a" * 129, False),
        ("a" * 42 + "=", False),
        ("a" * 42 + "+", False),
        ("a" * 42 + "\n", False),
        ("a" * 42 + "é", False),
        ("a" * 42 + "٣", False),
        ("", False),
    ],
)
def test_s15_a_verifier_has_32_to_128_unreserved_characters(text, expected):
    assert is_verifier(text) is expected
