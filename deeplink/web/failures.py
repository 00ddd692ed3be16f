"""
Which status and which words an error gets: one table, for people and for programs.

No view writes a status for an error; no text here comes from a request or from an exception.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from deeplink import errors
from deeplink.logs import event
from deeplink.words import phrase

if TYPE_CHECKING:
    from flask import Flask

    from deeplink.web.page import Pages

#: The status of each error that reaches the edge. A refused login's own status depends on its
#: OAuth code; ``web/exchange.py`` has that table.
STATUS: dict[type[errors.DeeplinkError], int] = {
    errors.TooMany: 429,
    errors.Busy: 503,
    errors.StoreUnavailable: 503,
    errors.DeeplinkError: 500,
}

#: status -> phrases (title, what happened, what to do now)
_WORDS: dict[int, tuple[str, str, str]] = {
    400: (
        phrase("This link is damaged"),
        phrase("A part of the address is missing or has been changed on the way."),
        phrase("Go back to the app and start again from there."),
    ),
    404: (
        phrase("Nothing here"),
        phrase("This address leads nowhere on this server."),
        phrase("Check the address, or go back to the app and start again from there."),
    ),
    405: (
        phrase("Not in this way"),
        phrase("This address exists, but not for this kind of request."),
        phrase("Go back to the app and start again from there."),
    ),
    413: (
        phrase("Too large"),
        phrase("The request is larger than this server takes."),
        phrase("Send less."),
    ),
    429: (
        phrase("Too many requests"),
        phrase("More requests came from here than this server takes at once."),
        phrase("Wait a little, then try again."),
    ),
    503: (
        phrase("Not just now"),
        phrase("The server cannot do this at the moment."),
        phrase("Wait a little, then try again."),
    ),
    500: (
        phrase("Something went wrong here"),
        phrase("The fault is on this server, not on your side."),
        phrase("Try again in a minute. If it stays so, tell the people who make the app."),
    ),
}


#: For whoever tries addresses of the standard face.
_NO_SUCH_FACE = (
    "Nothing here. The issuer is ORIGIN/oauth/PROVIDER, and what it has is listed in "
    "ORIGIN/oauth/PROVIDER/.well-known/oauth-authorization-server; no address ends with a slash."
)


def install(app: Flask, pages: Pages) -> None:
    """Answer every error of *app* from the table, as a page or, under ``/api``, as JSON."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        answer = _answer(error.code or 500, pages)
        # 405 must name the methods that do work (RFC 9110 section 15.5.6).
        for name, value in error.get_headers():
            if name == "Allow":
                answer.headers["Allow"] = value
        return answer

    @app.errorhandler(errors.DeeplinkError)
    def our_error(error: errors.DeeplinkError) -> Response:
        g.error_code = error.code
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        answer = _answer(status, pages)
        if isinstance(error, errors.TooMany):
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        logging.getLogger("deeplink").error("unexpected error", exc_info=error)
        return _answer(500, pages)


def note_unknown_host(seen: set[str], host: str) -> None:
    """Log a Host that is not ours once; at most a hundred, so that nobody can fill the log."""
    if len(seen) < 100 and host not in seen:
        seen.add(host)
        event("unknown host", {"host": host[:100]}, level=logging.WARNING)


def page(status: int, pages: Pages) -> Response:
    """The page of an error, in the visitor's language."""
    words = pages.words()
    title, message, hint = map(words.say, words_for(status))
    return pages.render(
        "failure.html", status=status, words=words, title=title, message=message, hint=hint
    )


def words_for(status: int) -> tuple[str, str, str]:
    """An error's title, what happened, and what to do now: phrases, not translated yet."""
    return _WORDS.get(status, _WORDS[500 if status >= 500 else 400])


def _answer(status: int, pages: Pages) -> Response:
    _, message, hint = words_for(status)
    g.setdefault("error_code", f"http_{status}")
    if request.path.startswith(("/api/", "/oauth/")):
        is_astray = status == 404 and request.path.startswith("/oauth/")
        answer = jsonify(
            error="invalid_request" if status < 500 else "server_error",
            error_description=_NO_SUCH_FACE if is_astray else f"{message} {hint}",
            request_id=g.get("request_id", ""),
        )
        answer.headers["Cache-Control"] = "no-store"
        answer.status_code = status
        return answer
    return page(status, pages)
