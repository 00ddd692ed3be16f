"""
The standard face over HTTP: two addresses for the browser, three for OAuth libraries.

``authorize`` and ``return`` answer with a redirect or with a page, never with JSON, because a
person looks at them; ``token``, ``revoke`` and the metadata answer as RFC 6749 section 5, RFC 7009
and RFC 8414 say. All of them answer on the issuer's own host alone.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit

from flask import Blueprint, Response, abort, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from deeplink import errors
from deeplink.oauth.clients import Kind
from deeplink.oauth.facade import (
    LONGEST_REQUEST,
    DeadEnd,
    Forward,
    Start,
    parse,
    token_error,
)
from deeplink.oauth.transactions import TRANSACTION_LIFETIME
from deeplink.secret import Secret
from deeplink.visitor import classify
from deeplink.web import failures
from deeplink.web.context import current_body
from deeplink.web.guards import host_of
from deeplink.web.ways import intent_url
from deeplink.words import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.oauth.clients import Client
    from deeplink.oauth.facade import Face, Parameters
    from deeplink.visitor import Visitor
    from deeplink.web.access import Access
    from deeplink.web.page import Pages
    from deeplink.words import Words

FORM = "application/x-www-form-urlencoded"

#: Logins of one browser that can be under way; the cookies of more would fill its request head.
MOST_LOGINS = 8

#: Seconds for which a client may keep what it read about this server.
_METADATA_AGE = 300

_START_AGAIN = phrase("Go back to the app and start again from there.")
_TELL = phrase("Nothing is wrong on your side. Please tell the people who make the app.")
_CANNOT_START = phrase("This sign-in cannot start")
_AGAIN = phrase("Start again from the app")

#: Why nothing was forwarded -> phrases (title, what happened, what to do now); the status is 400.
_WORDS: dict[DeadEnd, tuple[str, str, str]] = {
    DeadEnd.MALFORMED: (
        phrase("This link is damaged"),
        phrase("A part of the address is missing or has been changed on the way."),
        _START_AGAIN,
    ),
    DeadEnd.CLIENT: (
        _CANNOT_START,
        phrase("The app that sent you here is not known to this server."),
        _TELL,
    ),
    DeadEnd.REDIRECT: (
        _CANNOT_START,
        phrase(
            "The app did not say where to send you back to, or named a place that is not its own."
        ),
        _TELL,
    ),
    DeadEnd.LOST: (
        _AGAIN,
        phrase("This sign-in took too long, or it was not started here."),
        _START_AGAIN,
    ),
    DeadEnd.OTHER_BROWSER: (
        _AGAIN,
        phrase(
            "This sign-in was started in another browser, or by somebody else. Nothing was "
            "passed on."
        ),
        _START_AGAIN,
    ),
    DeadEnd.NO_COOKIE: (
        _AGAIN,
        phrase(
            "This sign-in was not started in this browser, or the browser keeps no cookies. "
            "Nothing was passed on."
        ),
        phrase(
            "Go back to the app and start again from there. Stay in one browser until you are back."
        ),
    ),
    DeadEnd.MIXED_UP: (
        _AGAIN,
        phrase(
            "The answer came from another service than the one that was asked. Nothing was "
            "passed on."
        ),
        _START_AGAIN,
    ),
    DeadEnd.NOTHING: (
        phrase("Nothing to do here"),
        phrase("This page hands a sign-in back to the app that started it, and none came along."),
        phrase("Go back to the app and start the sign-in there."),
    ),
}

#: What the people who make the app need to know besides, in English like every report.
_REPORTS = {
    DeadEnd.CLIENT: "client_id names no client that is configured for this provider.",
    DeadEnd.REDIRECT: "redirect_uri is missing, or is not one of the client's, byte for byte. "
    "Only the port of a loopback address is free.",
}

#: grant_type -> the exchange's word for it, and the parameter with the code or token.
_GRANTS = {
    "authorization_code": ("exchange", "code"),
    "refresh_token": ("refresh", "refresh_token"),
}

#: The views that a person sees.
_FOR_PEOPLE = frozenset({"facade.authorize", "facade.come_back", "facade.take_form"})

#: What a request that reaches no view is told; any other HTTP error is told by its number.
_SENTENCES = {
    404: "Nothing here. The metadata of this server lists its addresses.",
    405: "Send this request with POST: what stands in an address stays in every log on its way.",
    413: f"The body is larger than {LONGEST_REQUEST} bytes.",
    415: f"Send the body as {FORM}.",
}


def blueprint(faces: Mapping[str, Face], access: Access, *, pages: Pages) -> Blueprint:
    """
    The addresses of *faces*, by the provider's key, for whom *access* has room.

    All faces have one origin.
    """
    routes = Blueprint("facade", __name__)

    def face_of(provider: str) -> Face:
        face = faces.get(provider)
        if face is None or host_of(request.environ) != urlsplit(face.issuer).hostname:
            abort(404)
        g.readers = face.origins
        return face

    @routes.get("/oauth/<provider>/authorize", provide_automatic_options=False)
    def authorize(provider: str) -> Response:
        face = face_of(provider)
        # With a count of its own: who only opens this page must not cost others their tokens.
        access.count_address("authorize")
        outcome = face.begin(_query())
        if isinstance(outcome, Start):
            return _sent_off(outcome, face)
        return _sent_back(outcome, pages)

    @routes.get("/oauth/<provider>/return", provide_automatic_options=False)
    def come_back(provider: str) -> Response:
        face = face_of(provider)
        return _sent_back(face.finish(_query(), _logins(face)), pages)

    @routes.post("/oauth/<provider>/return", provide_automatic_options=False)
    def take_form(provider: str) -> Response:
        face = face_of(provider)
        if not face.takes_forms:
            raise MethodNotAllowed(["GET", "HEAD"])
        # 303 and not 302, so that a GET follows whatever the browser (RFC 9110 section 15.4.4).
        return _redirect(face.ask_again(_body().decode("latin-1")), status=303)

    @routes.post("/oauth/<provider>/token", provide_automatic_options=False)
    def token(provider: str) -> Response:
        face = face_of(provider)
        access.enter()
        form, client = _asker(face, access)
        return jsonify(face.answer(client, form))

    @routes.post("/oauth/<provider>/revoke", provide_automatic_options=False)
    def revoke(provider: str) -> Response:
        face = face_of(provider)
        access.enter()
        form, _ = _asker(face, access)
        face.revoke(form)
        return jsonify({})

    # RFC 8414 section 3.1 puts the suffix before the path, OpenID Connect Discovery behind it;
    # libraries try both. Many ask for OpenID Connect's suffix first, or for it alone, and need no
    # more of the answer than an OAuth server has (section 5 allows it).
    @routes.get(
        "/.well-known/oauth-authorization-server/oauth/<provider>", provide_automatic_options=False
    )
    @routes.get(
        "/oauth/<provider>/.well-known/oauth-authorization-server", provide_automatic_options=False
    )
    @routes.get(
        "/.well-known/openid-configuration/oauth/<provider>", provide_automatic_options=False
    )
    @routes.get(
        "/oauth/<provider>/.well-known/openid-configuration", provide_automatic_options=False
    )
    def metadata(provider: str) -> Response:
        face = face_of(provider)
        answer = jsonify(face.metadata())
        answer.headers["Cache-Control"] = f"max-age={_METADATA_AGE}"
        return answer

    # The rules above would leave other methods to the application's own answer.
    @routes.route(
        "/oauth/<provider>/<any(token, revoke):verb>",
        methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"],
        provide_automatic_options=False,
    )
    def other_method(provider: str, verb: str) -> Response:
        face = face_of(provider)
        if request.method == "OPTIONS":
            return _preflight(face)
        raise MethodNotAllowed(["POST", "OPTIONS"])

    def failed(error: Exception) -> Response:
        """As a page where a person looks, as JSON where a library reads."""
        answer = _failure(error)
        return _as_page(answer, pages) if request.endpoint in _FOR_PEOPLE else answer

    routes.register_error_handler(HTTPException, failed)
    routes.register_error_handler(errors.DeeplinkError, failed)
    routes.after_request(_finish)
    routes.teardown_request(access.leave)
    return routes


# The browser's legs.


def _query() -> str:
    return str(request.environ.get("QUERY_STRING", ""))


def _sent_off(start: Start, face: Face) -> Response:
    answer = _redirect(start.address)
    prefix, is_secure = _cookie_kind(face)
    answer.set_cookie(
        f"{prefix}{start.id}",
        start.cookie.reveal(),
        max_age=TRANSACTION_LIFETIME,
        path="/",
        secure=is_secure,
        httponly=True,
        # Lax and not Strict: the way back begins on the provider's site.
        samesite="Lax",
    )
    for id in sorted(_logins(face))[: -(MOST_LOGINS - 1)]:
        answer.delete_cookie(
            f"{prefix}{id}", path="/", secure=is_secure, httponly=True, samesite="Lax"
        )
    return answer


def _cookie_kind(face: Face) -> tuple[str, bool]:
    """
    The beginning of a cookie's name, and whether it is for TLS only.

    No other host, not even a sibling, can set a cookie whose name begins with ``__Host-``
    (RFC 6265bis section 4.1.3.2); without TLS, on this machine, there is no such thing.
    """
    is_secure = face.issuer.startswith("https://")
    return ("__Host-deeplink-login-" if is_secure else "deeplink-login-"), is_secure


def _logins(face: Face) -> dict[str, list[str]]:
    """The browser's logins under way: the values of its cookies by transaction."""
    prefix, _ = _cookie_kind(face)
    return {
        name.removeprefix(prefix): values
        for name, values in request.cookies.lists()
        if name.startswith(prefix)
    }


def _sent_back(outcome: Forward | DeadEnd, pages: Pages) -> Response:
    if isinstance(outcome, DeadEnd):
        g.error_code = outcome.value
        words = pages.words(_queried_locales())
        title, message, hint = map(words.say, _WORDS[outcome])
        return pages.render(
            "failure.html",
            status=400,
            words=words,
            title=title,
            message=message,
            hint=hint,
            report=_REPORTS.get(outcome, ""),
        )
    if outcome.error:
        g.error_code = f"face_{outcome.error}"
    visitor = classify(request.headers.get("User-Agent", ""))
    is_for_app = outcome.registered.kind in (Kind.APP, Kind.SCHEME)
    if is_for_app and (visitor.on_android or visitor.on_ios):
        return _page_between(outcome, visitor, pages)
    return _redirect(outcome.address)


def _queried_locales() -> str:
    return " ".join(request.args.getlist("ui_locales")[:1])


def _page_between(outcome: Forward, visitor: Visitor, pages: Pages) -> Response:
    """
    The page on a phone, where the app may not open by itself: a plain link, and plain words.

    A redirect that no app takes leaves the person with an error of the browser's, or on the app's
    own host, from which no tap on iOS leads into the app any more.
    """
    refusal = outcome.refusal
    words = pages.words(outcome.locales)
    title, message, label = _named(outcome, words)
    # On iOS an https link opens the app by a tap alone, and only from another host: this one.
    waits_for_tap = visitor.on_ios and outcome.registered.kind is Kind.APP
    return pages.render(
        "between.html",
        words=words,
        script=None if waits_for_tap or outcome.error else "forward_once",
        is_refused=bool(outcome.error),
        title=words.say(refusal.title) if refusal else title,
        message=words.say(refusal.sentence) if refusal else message,
        next_step=words.say(refusal.next_step) if refusal else "",
        label=label,
        url=_way_into_app(outcome, visitor),
    )


def _named(outcome: Forward, words: Words) -> tuple[str, str, str]:
    """Title, message and the button's label, with the app's name if it has one."""
    app = outcome.client.app
    if app is None:
        title, label = words.say("Return to the app"), words.say("Open the app")
        message = words.say("Your sign-in is almost done. Go back to the app to finish it.")
        return title, message, words.say("Back to the app") if outcome.error else label
    name = app.name
    title, label = words.say("Return to {app}", app=name), words.say("Open {app}", app=name)
    message = words.say("Your sign-in is almost done. Go back to {app} to finish it.", app=name)
    return title, message, words.say("Back to {app}", app=name) if outcome.error else label


def _way_into_app(outcome: Forward, visitor: Visitor) -> str:
    app = outcome.client.app
    if outcome.registered.kind is Kind.APP and visitor.on_android and app and app.android:
        parts = urlsplit(outcome.redirect_uri)
        package = app.android.package_name
        return intent_url(parts.netloc, parts.path, outcome.query, package)
    return outcome.address


def _redirect(address: str, status: int = 302) -> Response:
    """302, as in RFC 6749, wherever a GET got here: none then becomes a POST (RFC 9700, 4.12)."""
    answer = Response(status=status, headers={"Location": address})
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _as_page(failure: Response, pages: Pages) -> Response:
    """*failure* for somebody who reads no JSON: the same status, no detail."""
    page = failures.page(failure.status_code, pages)
    for name in ("Allow", "Retry-After"):
        if name in failure.headers:
            page.headers[name] = failure.headers[name]
    return page


# The client's legs.


def _asker(face: Face, access: Access) -> tuple[Parameters, Client]:
    """The form of the request, and the client that sends it, if it may."""
    body = _body()
    form = parse(body.decode("latin-1"))
    if form is None:
        raise errors.RequestRefused("invalid_request", f"The body is not {FORM} in UTF-8.")
    client = face.identify(form, _basic())
    g.readers = frozenset(client.origins)
    verb, name = _purpose(form)
    grant = Secret(form[name][0]) if name in form else None
    access.count(app=f"client {client.key}", grant=grant)
    if verb:
        access.check_evidence(face.provider.key, verb, body)
    return form, client


def _purpose(form: Parameters) -> tuple[str, str]:
    """The exchange's word for what is asked, "" if it has none, and where the code or token is."""
    if request.endpoint == "facade.revoke":
        return "revoke", "token"
    kind = form["grant_type"][0] if "grant_type" in form else ""
    return _GRANTS.get(kind, ("", ""))


def _body() -> bytes:
    if request.query_string:
        raise errors.RequestRefused(
            "invalid_request",
            "Send everything in the body and nothing behind a question mark: what stands in an "
            "address stays in every log on its way.",
        )
    if request.mimetype != FORM:
        abort(415)
    return current_body(LONGEST_REQUEST)


def _basic() -> tuple[str, str] | None:
    """
    User and password of the Authorization header; RFC 6749 section 2.3.1 knows Basic only.

    Both are form-encoded before they are put there; oauth4webapi writes ``my%2Dapp``.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("another scheme")
        user, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        user = colon = password = ""
    if not colon or not user:
        raise errors.RequestRefused(
            "invalid_client", "The Authorization header names no client. Send client_id instead."
        )
    return unquote_plus(user), unquote_plus(password)


def _preflight(face: Face) -> Response:
    answer = Response(status=204)
    if request.headers.get("Origin", "") in face.origins:
        answer.headers["Access-Control-Allow-Methods"] = "POST"
        answer.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, X-Requested-With"
        )
        answer.headers["Access-Control-Max-Age"] = "600"
    return answer


def _let_read(answer: Response, origins: frozenset[str]) -> None:
    """Let the page that asks read *answer*, if its origin is one of *origins*; never with cookies.

    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    answer.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin", "")
    if origin in origins and origin:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Expose-Headers"] = "Retry-After"


def _failure(error: Exception) -> Response:
    """What RFC 6749 section 5.2 has for *error*, and a true status where it has nothing."""
    status, word, sentence, code, log_id, retry_after = _read_error(error)
    g.error_code = code
    body = {"error": word, "error_description": sentence, "request_id": g.get("request_id", "")}
    if log_id:
        body["log_id"] = log_id
    answer = jsonify(body)
    answer.status_code = status
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="client_id without password"'
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(error.valid_methods)
    return answer


def _read_error(error: Exception) -> tuple[int, str, str, str, str | None, int]:
    """Status, word, sentence, the log's code, the provider's log id, seconds to wait."""
    if isinstance(error, HTTPException):
        status = error.code or 500
        sentence = _SENTENCES.get(status, f"The request could not be taken (HTTP {status}).")
        word = "invalid_request" if status < 500 else "server_error"
        return status, word, sentence, f"http_{status}", None, 0
    if isinstance(error, errors.TooMany):
        is_busy = isinstance(error, errors.Busy)
        status, reason = (503, "No room just now.") if is_busy else (429, "Too many requests.")
        sentence = f"{reason} Send this one again in {error.retry_after} seconds."
        return status, "temporarily_unavailable", sentence, error.code, None, error.retry_after
    if isinstance(error, errors.LoginError):
        return _read_login_error(error)
    sentence = "This server cannot do this just now. Send the same request again soon."
    code = getattr(error, "code", "server_error")
    return 503, "temporarily_unavailable", sentence, code, None, 1


def _read_login_error(error: errors.LoginError) -> tuple[int, str, str, str, str | None, int]:
    if word := token_error(error):
        # RFC 6749 section 5.2: 401 is for who tried the Authorization header.
        tried = word == "invalid_client" and "Authorization" in request.headers
        return 401 if tried else 400, word, error.description, error.error, error.log_id, 0
    if error.error == "temporarily_unavailable":
        # RFC 7009 section 2.2.1 has this status for a revocation that may be tried again.
        return 503, error.error, error.description, error.error, error.log_id, 1
    return 502, "server_error", error.description, error.error, error.log_id, 0


def _finish(response: Response) -> Response:
    """
    The headers of every answer. Nothing is stored but the metadata (RFC 6749 section 5.1).

    Before a client is known, the pages of all clients may read; then its own alone.
    """
    if "Cache-Control" not in response.headers or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    if response.headers["Cache-Control"] == "no-store":
        response.headers["Pragma"] = "no-cache"
    if request.endpoint not in _FOR_PEOPLE:
        _let_read(response, g.get("readers", frozenset()))
    return response
