"""
What the callback page says after its first moment, when no server is asked any more.

The server finishes the words; the page's script only chooses among them. Each moment is four
lines: the symbol (an SVG path), title, message, next step. The page carries them in attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deeplink.refusals import explain
from deeplink.words import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.refusals import Refusal
    from deeplink.words import Words

_CHECK = "M15 25l6 6 12-14"
_CLOCK = "M24 13v12l7 5"
_CROSS = "M17 17l14 14M31 17L17 31"

#: Name in the script -> symbol and phrases.
_LATER = {
    # The visitor is back, and the app was in front meanwhile.
    "returned": (
        _CHECK,
        phrase("You can close this page"),
        phrase("If {app} has signed you in, you are done."),
        phrase("If not, try again."),
    ),
    # A reload after that, or the same login a second time.
    "used": (
        _CHECK,
        phrase("Already handed over"),
        phrase("This sign-in went to {app} before, and it works only once."),
        phrase("If you are not signed in, start again in {app}."),
    ),
    "expired": (
        _CLOCK,
        phrase("This sign-in took too long"),
        phrase("The service allows only a short time between its page and the app."),
        phrase("Go back to the app and start again."),
    ),
}


def later(words: Words, app: str) -> dict[str, str]:
    """The moments of a login that waits to be taken over by *app*."""
    return {
        name: "\n".join((symbol, *(words.say(text, app=app) for text in texts)))
        for name, (symbol, *texts) in _LATER.items()
    }


def refused(words: Words, refusal: Refusal) -> Mapping[str, str]:
    """The moment of a page that tells of *refusal*, to be told again after a reload."""
    return {"refused": _refusal(words, refusal)}


def unknown_refusals(words: Words) -> dict[str, str]:
    """The refusals of a page that got them in its fragment: cancelled, and every other one."""
    return {
        "cancelled": _refusal(words, explain(error="access_denied")),
        "refused": _refusal(words, explain(error="?")),
    }


def _refusal(words: Words, refusal: Refusal | None) -> str:
    texts = (refusal.title, refusal.sentence, refusal.next_step) if refusal else ("", "", "")
    return "\n".join((_CROSS, *(words.say(text) for text in texts)))
