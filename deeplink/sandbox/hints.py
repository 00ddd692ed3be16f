"""
What a developer should know about their request, said once per kind through logging.

A hint is a constant: it never holds a code, a token, a secret, a query or a header's value.
"""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("deeplink.sandbox")

_WOULD_REFUSE = "TikTok would probably refuse this: "

_BASIC_AUTH = "a client_secret in an Authorization header; send it in the form"

_HINTS = {
    # Taken by default, refused under --strict.
    "content_type_parameter": _WOULD_REFUSE
    + "a Content-Type with a parameter such as charset; send exactly "
    "application/x-www-form-urlencoded",
    "basic_auth": _WOULD_REFUSE + _BASIC_AUTH,
    "base64url_challenge": _WOULD_REFUSE
    + "a base64url code_challenge from a desktop or mobile app; send the SHA-256 of the "
    "verifier in lower-case hexadecimal",
    "no_challenge": _WOULD_REFUSE
    + "a login of a desktop or mobile app without code_challenge; send the SHA-256 of the "
    "verifier in lower-case hexadecimal",
    "scope_spaces": _WOULD_REFUSE + "scopes separated by spaces; separate them by commas",
    "redirect_query": _WOULD_REFUSE
    + "a redirect URI with a query; register a static one and use state",
    "redirect_loopback": _WOULD_REFUSE
    + "a loopback redirect URI whose host is not localhost or 127.0.0.1, or without a port",
    "web_proof": "a web login's code_verifier does not fit its code_challenge; the web flow is "
    "not known to check it, so it was let through",
    # Refused always: the reason in more words than TikTok gives.
    "not_a_form": "refused: the body must be application/x-www-form-urlencoded, not JSON and "
    "not the query",
    "client_id": "refused: TikTok calls the client's name client_key, not client_id",
    "basic_auth_refused": "refused: " + _BASIC_AUTH,
    "encoded_code": "refused: the code arrived percent-encoded; decode it once before the exchange",
    "code_tail": "refused: the code has the rest of the redirect's query glued to it; cut it "
    "at the first &",
    "used_code": "refused: this code was used before; a code is good for one exchange",
    "used_refresh": "refused: this refresh token was used before; each refresh brings a new one",
    "redirect_differs": "refused: redirect_uri differs from the one of the authorize request; "
    "compare them byte by byte, the trailing slash first",
    "base64url_refused": "refused: the code_challenge was base64url; TikTok wants the SHA-256 of "
    "the verifier in lower-case hexadecimal",
    "no_slash": "refused: the path needs its trailing slash",
    "version_1": "refused: /auth/authorize/ is Login Kit v1, gone since February 2024; use "
    "/v2/auth/authorize/",
}


class Hints:
    """Says each hint once; the kinds are a closed set, so the memory is bounded."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def say(self, kind: str) -> None:
        text = _HINTS[kind]
        with self._lock:
            if kind in self._said:
                return
            self._said.add(kind)
        logger.warning("%s", text)

    def said(self) -> list[str]:
        """Every hint that was due so far, in words, for the sandbox's own page."""
        with self._lock:
            return [text for kind, text in _HINTS.items() if kind in self._said]
