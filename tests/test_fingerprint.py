"""Fingerprints as people paste them, and the one spelling that Android compares."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplink.fingerprint import KNOWN_KEYS, fault_of, fingerprint_of, known_key, normalise

RIGHT = (
    "FA:C6:17:45:DC:09:03:78:6F:B9:ED:E6:2A:96:2B:39:"
    "9F:73:48:F0:BB:6F:89:9B:83:32:66:75:91:03:3B:9C"
)


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        RIGHT.lower(),
        RIGHT.replace(":", ""),
        RIGHT.replace(":", " "),
        RIGHT.lower().replace(":", "-"),
        f"  {RIGHT}\n",
        f"SHA256: {RIGHT}",
        f"sha256 Fingerprint={RIGHT}",
        "+sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w=",
        "-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w",
        "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w",
    ],
)
def test_every_usual_spelling_becomes_the_right_one(text):
    assert normalise(text) == RIGHT
    fault = fault_of(text)
    assert fault is None if text == RIGHT else fault[1] == f'write "{RIGHT}"'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (RIGHT.lower(), "lower case"),
        (RIGHT.replace(":", ""), "colons"),
        (RIGHT + " ", "white space"),
        (RIGHT[:59], "SHA-1"),
        (RIGHT[:47], "MD5"),
        (RIGHT[:-3], "31 octets"),
        (RIGHT[:-1], "odd number"),
        ("ga0RGNYHvNM5d0SLGQfpQWAPGJ8=", "Facebook"),
        ("sha256/+sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w=", "public key"),
        ("YOUR-ANDROID-SIGNING-CERT-FINGERPRINT", "placeholder"),
        ("AA:BB:CC:…", "placeholder"),
        ("XX:XX:XX", "placeholder"),
        (":".join(["00"] * 32), "placeholder"),
        (":".join(f"{octet:02X}" for octet in range(32)), "placeholder"),
        (":".join(["AA", "BB", "CC", "DD"] * 8), "placeholder"),
        ("", "empty"),
        ("org.demo.app", "not a SHA-256"),
    ],
)
def test_what_is_wrong_is_said_in_its_own_words(text, what):
    assert what in fault_of(text)[0]


def test_a_wrong_digest_says_where_the_right_one_is():
    assert "Play Console" in fault_of(RIGHT[:59])[1]


@pytest.mark.parametrize("text", [RIGHT[:59], "", "hello", "sha256/" + "A" * 43 + "="])
def test_what_is_no_sha_256_fingerprint_is_not_guessed(text):
    with pytest.raises(ValueError, match="not a SHA-256"):
        normalise(text)


def test_the_debug_key_of_the_templates_is_known_in_any_spelling():
    assert "React Native" in known_key(RIGHT.lower().replace(":", ""))


def test_a_key_of_ones_own_is_not_known():
    assert known_key(fingerprint_of(b"certificate")) is None


@pytest.mark.parametrize("key", KNOWN_KEYS)
def test_known_keys_are_spelt_right_themselves(key):
    assert fault_of(key) is None


def test_a_fingerprint_is_the_digest_of_the_certificate():
    # sha256 of no bytes at all, FIPS 180-4.
    assert fingerprint_of(b"").startswith("E3:B0:C4:42:98:FC:1C:14")


@given(st.binary(min_size=32, max_size=32))
def test_every_digest_survives_all_its_spellings(digest):
    spelt = digest.hex(":").upper()
    assert normalise(digest.hex()) == normalise(base64.b64encode(digest).decode()) == spelt


@given(st.text(max_size=100))
def test_no_text_makes_the_check_raise(text):
    assert fault_of(text) is None or len(fault_of(text)) == 2
    assert known_key(text) in (None, *KNOWN_KEYS.values())
