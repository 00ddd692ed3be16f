"""
Proof Key for Code Exchange (RFC 7636): one secret a login, shown as a digest first.

https://www.rfc-editor.org/rfc/rfc7636
"""

from __future__ import annotations

import base64
import hashlib
import re

#: RFC 7636 section 4.1 wants 43 characters at least; TikTok's Android SDK makes 32
#: (``PKCEUtils.kt`` of tiktok-opensdk-android), so that a stricter server would refuse every
#: Android login.
SHORTEST_VERIFIER = 32
SHORTEST_STANDARD_VERIFIER = 43
LONGEST_VERIFIER = 128

_VERIFIER = re.compile(
    rf"[A-Za-z0-9._~-]{{{SHORTEST_VERIFIER},{LONGEST_VERIFIER}}}",
    re.ASCII,
)

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def is_verifier(text: str) -> bool:
    """
    Whether *text* can be a code verifier: 32 to 128 unreserved characters.

    >>> is_verifier("a" * 32), is_verifier("a" * 31), is_verifier("a" * 31 + "+")
    (True, False, False)
    """
    return _VERIFIER.fullmatch(text) is not None


def challenge(verifier: str, encoding: str = "base64url") -> str:
    """
    The digest of *verifier* in the spelling which a provider expects, ``base64url`` or ``hex``.

    RFC 7636 says base64url without padding. TikTok's SDKs and its Login Kit for Desktop say
    hexadecimal, and its server answers the standard spelling with "Code verifier or code
    challenge is invalid."; that is why the encoding is a provider's preset and not a constant.

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    >>> challenge("gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns", "hex")
    'e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef'
    """
    digest = hashlib.sha256(verifier.encode("ascii"))
    if encoding == "hex":
        return digest.hexdigest()
    if encoding == "base64url":
        return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
    raise ValueError(f"unknown encoding of a challenge: {encoding}")


def respell(s256: str, encoding: str) -> str:
    """
    The challenge *s256*, base64url as in RFC 7636, in a provider's spelling: the same digest.

    So the verifier of a client that knows the standard only proves itself to the provider, too.

    >>> respell("5qF4sSB0PQhQlQjyaWUrC9-R4pMykhvJ6XRP091Bv-8", "hex")
    'e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef'
    """
    return base64.urlsafe_b64decode(s256 + "=").hex() if encoding == "hex" else s256


def is_challenge(text: str) -> bool:
    """
    Whether *text* is a SHA-256 in base64url without padding, in the one spelling it has.

    >>> is_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), is_challenge("e6a178b1" * 8)
    (True, False)
    """
    if not _CHALLENGE.fullmatch(text):
        return False
    digest = base64.urlsafe_b64decode(text + "=")
    return base64.urlsafe_b64encode(digest) == f"{text}=".encode()
