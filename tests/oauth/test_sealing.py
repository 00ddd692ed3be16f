"""Sealed values: who can open them, and what everybody else learns (nothing)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deeplink.errors import StoreUnavailable
from deeplink.oauth.sealing import build_keys, seal, unseal
from deeplink.secret import Secret

OLD = Secret("SECRET-old-" + "k" * 32)
NEW = Secret("SECRET-new-" + "k" * 32)
CLIENT = Secret("SECRET-client")
SECRETS = ("SECRET-code", "SECRET-verifier")
CONTEXT = ("exchange", "tiktok", "demo", "client-key", "https://example.com/login-callback/")


def salt(length):
    return b"s" * length


def keys(*configured):
    return build_keys(configured, instead=[CLIENT])


def sealed_with(key, plain=b"SECRET-tokens", secrets=SECRETS, context=CONTEXT, random=salt):
    return seal(keys(key)[0], plain, secrets=secrets, context=context, random=random)


def changed(values, position, value):
    return (*values[:position], value, *values[position + 1 :])


def test_the_same_secrets_and_context_open():
    opened = unseal(keys(OLD), sealed_with(OLD), secrets=SECRETS, context=CONTEXT)
    assert opened == b"SECRET-tokens"


@pytest.mark.parametrize("position", range(2))
def test_another_secret_does_not_open(position):
    secrets = changed(SECRETS, position, "other")
    with pytest.raises(StoreUnavailable, match="damaged"):
        unseal(keys(OLD), sealed_with(OLD), secrets=secrets, context=CONTEXT)


@pytest.mark.parametrize("position", range(5))
def test_another_context_does_not_open(position):
    context = changed(CONTEXT, position, "other")
    with pytest.raises(StoreUnavailable, match="damaged"):
        unseal(keys(OLD), sealed_with(OLD), secrets=SECRETS, context=context)


def test_where_one_part_ends_and_the_next_begins_counts():
    sealed = sealed_with(OLD, secrets=("ab", "c"))
    with pytest.raises(StoreUnavailable, match="damaged"):
        unseal(keys(OLD), sealed, secrets=("a", "bc"), context=CONTEXT)
    assert keys(OLD)[0].name("x", "ab", "c") != keys(OLD)[0].name("x", "a", "bc")


def test_every_byte_counts():
    sealed = sealed_with(OLD)
    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(StoreUnavailable):
            unseal(keys(OLD), bytes(damaged), secrets=SECRETS, context=CONTEXT)


@pytest.mark.parametrize("length", [0, 1, 5, 20, 21, 36])
def test_a_value_that_was_cut_off_is_damaged(length):
    with pytest.raises(StoreUnavailable):
        unseal(keys(OLD), sealed_with(OLD)[:length], secrets=SECRETS, context=CONTEXT)


def test_nothing_of_the_secrets_shows():
    key = keys(OLD)[0]
    shown = sealed_with(OLD) + key.name("turn", *SECRETS) + key.id + repr(key).encode()
    assert b"SECRET" not in shown
    assert b"tokens" not in shown


def test_each_value_has_a_key_of_its_own():
    """The nonce is constant, which is safe only because the salt makes the key."""
    one, other = sealed_with(OLD), sealed_with(OLD, random=lambda length: b"t" * length)
    assert one[21:] != other[21:]


def test_both_ciphers_open_what_they_sealed(monkeypatch):
    """Where OpenSSL is older than 3.2 there is no AES-GCM-SIV."""
    from deeplink.oauth import sealing

    monkeypatch.delitem(sealing._CIPHERS, b"\x01")
    sealed = sealed_with(OLD)
    assert sealed[:1] == b"\x02"
    monkeypatch.undo()
    assert sealed_with(OLD)[:1] == b"\x01"
    assert unseal(keys(OLD), sealed, secrets=SECRETS, context=CONTEXT) == b"SECRET-tokens"


def test_a_cipher_that_this_machine_lacks_is_no_answer(monkeypatch):
    from deeplink.oauth import sealing

    sealed = sealed_with(OLD)
    monkeypatch.delitem(sealing._CIPHERS, b"\x01")
    with pytest.raises(StoreUnavailable, match="key or cipher that this process lacks"):
        unseal(keys(OLD), sealed, secrets=SECRETS, context=CONTEXT)


def test_a_key_is_added_second_and_then_promoted():
    before, added, promoted = keys(OLD), keys(OLD, NEW), keys(NEW, OLD)
    for sealer in (before, added, promoted):
        sealed = seal(sealer[0], b"tokens", secrets=SECRETS, context=CONTEXT, random=salt)
        assert unseal(added, sealed, secrets=SECRETS, context=CONTEXT) == b"tokens"
        assert unseal(promoted, sealed, secrets=SECRETS, context=CONTEXT) == b"tokens"


def test_an_unknown_key_is_said_with_what_to_do():
    with pytest.raises(StoreUnavailable, match="the same keys, a new one second"):
        unseal(keys(OLD), sealed_with(NEW), secrets=SECRETS, context=CONTEXT)


def test_without_a_key_the_client_secrets_make_one():
    one = build_keys([], instead=[CLIENT, NEW])
    same = build_keys([], instead=[NEW, CLIENT])
    other = build_keys([], instead=[CLIENT])
    assert one == same
    assert one[0].id != other[0].id


def test_a_configured_key_owes_nothing_to_the_client_secrets():
    assert build_keys([OLD], instead=[CLIENT]) == build_keys([OLD], instead=[NEW])


def test_the_same_key_twice_is_one_key():
    assert len(keys(OLD, OLD)) == 1


def test_without_any_secret_there_is_no_key():
    with pytest.raises(ValueError, match="neither a key nor a client secret"):
        build_keys([], instead=[])


def test_the_key_derivation_is_that_of_rfc_5869():
    """RFC 5869, appendix A.1: our library does what the design names."""
    derived = HKDF(SHA256(), 42, bytes(range(13)), bytes(range(0xF0, 0xFA))).derive(b"\x0b" * 22)
    assert derived.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
