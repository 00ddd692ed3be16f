"""
SHA-256 fingerprints of signing certificates: the spelling Android wants, and what is wrong.

Every reader of ``assetlinks.json`` compares fingerprints as text with an upper-case hexadecimal
string, octets parted by colons; any other spelling of the same bytes never matches
(https://github.com/google/digitalassetlinks, well-known/details.md).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools

#: The length of a SHA-256 digest, in octets.
OCTETS = 32

#: Keys whose private half anyone can have, or that stand for somebody else's app.
KNOWN_KEYS = {
    # template/android/app/debug.keystore of github.com/facebook/react-native; Expo copies it.
    "FA:C6:17:45:DC:09:03:78:6F:B9:ED:E6:2A:96:2B:39"
    ":9F:73:48:F0:BB:6F:89:9B:83:32:66:75:91:03:3B:9C": (
        "the debug key of the React Native and Expo templates, whose private half anyone has"
    ),
    # github.com/google/digitalassetlinks, well-known/specification.md.
    "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64"
    ":16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5": (
        "the sample of Google's documentation, not the key of any app of yours"
    ),
    # build/target/product/security/testkey.x509.pem of the Android Open Source Project.
    "A4:0D:A8:0A:59:D1:70:CA:A9:50:CF:15:C1:8C:45:4D"
    ":47:A3:9B:26:98:9D:8B:64:0E:CD:74:5B:A7:1B:F5:DC": (
        "the test key of the Android Open Source Project, whose private half anyone has"
    ),
    # build/target/product/security/platform.x509.pem of the Android Open Source Project.
    "C8:A2:E9:BC:CF:59:7C:2F:B6:DC:66:BE:E2:93:FC:13"
    ":F2:FC:47:EC:77:BC:6B:2B:0D:52:C1:1F:51:19:2A:B8": (
        "the platform key of the Android Open Source Project, whose private half anyone has"
    ),
}

#: What tools print before the digits: keytool, openssl x509, apksigner.
_LABELS = (
    "sha256 fingerprint=",
    "sha256 fingerprint:",
    "sha-256 digest:",
    "sha-256:",
    "sha256:",
)

#: How a WebAuthn client on Android names an app's key; base64url follows.
_KEY_HASH_PREFIXES = ("android:apk-key-hash-sha256:", "android:apk-key-hash:")

#: Certificate pins look like fingerprints but are digests of the public key alone (RFC 7469).
_PIN_PREFIXES = ("sha256/", "pin-sha256=")

_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_FILLERS = (
    "your",
    "replace",
    "change",
    "todo",
    "placeholder",
    "example",
    "fingerprint",
    "insert",
)
_WHERE_TO_FIND = (
    "take the SHA-256 certificate fingerprint from Play Console, App integrity, App signing, "
    "or from keytool -list -v"
)


def normalise(text: str) -> str:
    """
    The one spelling that Google and Android accept: upper-case hexadecimal with colons.

    Takes any spelling of 32 octets: lower case, without colons, with spaces or dashes, base64
    or base64url, ``android:apk-key-hash:…``, a line of keytool or openssl. Refuses everything
    else with ValueError, because a guessed key would be worse than none.

    >>> normalise("android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w")[:23]
    'FA:C6:17:45:DC:09:03:78'
    """
    octets = _octets(text)
    if octets is None or len(octets) != OCTETS or _is_pin(text):
        raise ValueError("not a SHA-256 fingerprint")
    return octets.hex(":").upper()


def fault_of(text: str) -> tuple[str, str] | None:
    """
    What is wrong with *text* as a fingerprint, and what to write instead; None if it is right.

    A right spelling of a key that should not be published is no fault here: see ``known_key``.
    """
    if _is_pin(text):
        return "is a pin of the public key, not of the certificate", _WHERE_TO_FIND
    octets = _octets(text)
    if octets is None:
        return _fault_of_no_digest(text)
    if len(octets) != OCTETS:
        return _fault_of_length(text, octets)
    if _is_invented(octets):
        return "is a placeholder, not the fingerprint of a certificate", _WHERE_TO_FIND
    right = octets.hex(":").upper()
    return None if text == right else (_fault_of_spelling(text, right), f'write "{right}"')


def known_key(text: str) -> str | None:
    """What is publicly known about the key of fingerprint *text*, in any spelling, or None."""
    octets = _octets(text)
    return KNOWN_KEYS.get(octets.hex(":").upper()) if octets else None


def fingerprint_of(der: bytes) -> str:
    """The fingerprint of a certificate, given in its DER form, as Google spells it."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _is_pin(text: str) -> bool:
    return text.strip().lower().startswith(_PIN_PREFIXES)


def _octets(text: str) -> bytes | None:
    """The bytes that *text* spells in one of the usual ways, or None if it spells none."""
    bare = text.strip()
    for prefix in _KEY_HASH_PREFIXES:
        if bare.startswith(prefix):
            return _octets_of_base64(bare.removeprefix(prefix))
    for label in _LABELS:
        if bare.lower().startswith(label):
            bare = bare[len(label) :].strip()
            break
    digits = "".join(c for c in bare if c not in ":- \t\r\n")
    if digits and _HEX_DIGITS.issuperset(digits):
        return bytes.fromhex(digits) if len(digits) % 2 == 0 else None
    return _octets_of_base64(bare)


def _octets_of_base64(text: str) -> bytes | None:
    """
    The bytes of a base64 or base64url text; None unless it is as long as a digest.

    Any short word is base64 of something; only 16, 20 and 32 bytes are worth a remark.
    """
    try:
        unpadded = text.rstrip("=").translate(str.maketrans("-_", "+/"))
        octets = base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if len(octets) in (16, 20, OCTETS) else None


def _fault_of_no_digest(text: str) -> tuple[str, str]:
    lowered = text.lower()
    if not text.strip():
        return "is empty", _WHERE_TO_FIND
    filled = any(word in lowered for word in _FILLERS) or "xx" in lowered
    if filled or any(mark in text for mark in "…<>{}[]$*?") or "..." in text:
        return "is a placeholder, not the fingerprint of a certificate", _WHERE_TO_FIND
    if _HEX_DIGITS.issuperset(c for c in text if c not in ":- \t\r\n"):
        return "has an odd number of digits, so some are missing", _WHERE_TO_FIND
    return "is not a SHA-256 fingerprint (32 octets such as 4F, with colons)", _WHERE_TO_FIND


def _fault_of_length(text: str, octets: bytes) -> tuple[str, str]:
    is_base64 = not _HEX_DIGITS.issuperset(c for c in text if c not in ":- \t\r\n")
    if len(octets) == 20 and is_base64:
        return "is a key hash as Facebook wants it (base64 of SHA-1)", _WHERE_TO_FIND
    digest = {16: "an MD5", 20: "a SHA-1", 48: "a SHA-384", 64: "a SHA-512"}.get(len(octets))
    if digest:
        return f"is {digest} fingerprint of {len(octets)} octets, not SHA-256", _WHERE_TO_FIND
    return f"has {len(octets)} octets; a SHA-256 fingerprint has {OCTETS}", _WHERE_TO_FIND


def _is_invented(octets: bytes) -> bool:
    """
    Whether the octets are typed rather than computed: ``AA:BB:…``, ``00:00:…``, ``01:02:03:…``.

    Of 32 random octets fewer than 17 different ones come once in 10¹³ keys.
    """
    steps = {(after - before) % 256 for before, after in itertools.pairwise(octets)}
    return len(set(octets)) <= OCTETS // 2 or len(steps) == 1


def _fault_of_spelling(text: str, right: str) -> str:
    if text.upper() == right:
        return "is in lower case; Android compares it letter by letter, so it never matches"
    if text.strip().upper() == right:
        return "has white space around it; Android compares it letter by letter"
    if text.upper().replace(":", "") == right.replace(":", ""):
        return "lacks colons; Android compares it letter by letter, so it never matches"
    return "is not spelt as Android compares it: upper-case hexadecimal with colons"
