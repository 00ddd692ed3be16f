"""What the lane says, in finished bytes, when nobody can take a request: 503, come back soon."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deeplink.web.failures import words_for
from deeplink.web.fastlane_offer import Reply
from deeplink.web.guards import METHODS
from deeplink.web.prebuilt import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: What Retry-After says, in seconds: one queue's length is served in less.
RETRY_AFTER = 1

#: Paths under which programs ask; ``web/failures.py`` answers them in JSON, too.
_FOR_PROGRAMS = (b"/api/", b"/oauth/")


def refusals(standing: Sequence[tuple[str, str]]) -> Callable[[bytes], Reply]:
    """
    The refusal of a request by its head, whole or not, with the *standing* headers.

    Its words are those of ``web/failures.py``; a page in somebody's language would need more than
    the lane knows.
    """
    _, message, hint = words_for(503)
    text = f"{message} {hint}"
    error = {"error": "temporarily_unavailable", "error_description": text}
    forms = {
        True: _answer("application/json", json.dumps(error) + "\n"),
        False: _answer("text/plain; charset=utf-8", text + "\n"),
    }
    replies = {
        (method, is_program): Reply("unmatched", method, _bodiless(answer, method), standing)
        for method in (*METHODS, "OTHER")
        for is_program, answer in forms.items()
    }

    def choose(head: bytes) -> Reply:
        first, _, rest = head.partition(b" ")
        method = first.decode("latin-1")
        return replies[method if method in METHODS else "OTHER", rest.startswith(_FOR_PROGRAMS)]

    return choose


def _answer(content_type: str, body: str) -> Answer:
    headers = (
        ("Content-Type", content_type),
        ("Content-Length", str(len(body.encode()))),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(RETRY_AFTER)),
    )
    return Answer(503, headers, body.encode())


def _bodiless(answer: Answer, method: str) -> Answer:
    return Answer(answer.status, answer.headers, b"") if method == "HEAD" else answer
