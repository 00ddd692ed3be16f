"""
The exchange over HTTP: POST a code, a refresh token or an access token; JSON comes back.

RFC 6749 sections 5.1 and 5.2, with a true status for every error.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, Response, abort
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from deeplink import errors
from deeplink.oauth.request import (
    CONTENT_TYPES,
    MAX_BODY,
    CodeRequest,
    parse_code_request,
    parse_refresh_request,
    parse_revoke_request,
    read_fields,
)
from deeplink.web.context import current_body, current_notes, current_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deeplink.oauth.answer import Result
    from deeplink.oauth.exchange import Exchange
    from deeplink.oauth.providers import Provider
    from deeplink.oauth.request import Repair, TokenRequest
    from deeplink.web.access import Access

Asked = TypeVar("Asked", CodeRequest, "TokenRequest")

#: The status of each error, by class and, where one class has several, by OAuth error.
STATUS: dict[type[errors.DeeplinkError] | tuple[type[errors.DeeplinkError], str], int] = {
    errors.RequestRefused: 400,
    (errors.RequestRefused, "unauthorized_client"): 403,
    (errors.RequestRefused, "invalid_client"): 401,
    errors.ProviderRefused: 400,
    # These are about this server's own credentials or dialect. RFC 6749 has 401 and 400 for
    # them, but those would tell the app that it could do better.
    (errors.ProviderRefused, "invalid_client"): 502,
    (errors.ProviderRefused, "unauthorized_client"): 502,
    (errors.ProviderRefused, "unsupported_grant_type"): 502,
    (errors.ProviderRefused, "unsupported_response_type"): 502,
    (errors.ProviderRefused, "server_error"): 502,
    errors.ProviderSilent: 502,
    (errors.ProviderSilent, "temporarily_unavailable"): 504,
    errors.TooMany: 429,
    errors.Busy: 503,
    errors.StoreUnavailable: 503,
}

#: What Retry-After says, in seconds, to those whose answer lies under a key that we lack.
_STORE_RETRY_AFTER = 5

#: RFC 6749 section 5.1 asks for both headers; errors get them as well.
_NEVER_STORED = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))

#: What stands before every body of ours.
HEADERS = (("Content-Type", "application/json"), *_NEVER_STORED)

_VERBS = ("exchange", "refresh", "revoke")

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

#: What a request that reaches no view is told; any other HTTP error is told by its number.
_SENTENCES = {
    400: "The body did not come whole and in time. Send the same request again.",
    404: "This server has no such provider, or does not answer for this host. The path is "
    "/api/PROVIDER/exchange; provider and host are those of the server's configuration.",
    405: "Send this request with POST: what stands in an address stays in every log on its way.",
    413: f"The body is larger than {MAX_BODY} bytes. Send the code and the verifier, no more.",
    415: "Send the body as application/json or as application/x-www-form-urlencoded.",
}


def routes(providers: Iterable[str]) -> dict[str, str]:
    """The route that each path of *providers* belongs to, in the words of ``blueprint``."""
    return {f"/api/{key}/{verb}": f"/api/<provider>/{verb}" for key in providers for verb in _VERBS}


def too_many(error: errors.TooMany, request_id: str) -> str:
    """The body that tells somebody to come back."""
    reason = "No room just now." if isinstance(error, errors.Busy) else "Too many requests."
    unit = "second" if error.retry_after == 1 else "seconds"
    sentence = f"{reason} Send this one again in {error.retry_after} {unit}."
    return _failure_body("temporarily_unavailable", sentence, request_id)


def blueprint(exchanges: Mapping[str, Exchange], access: Access) -> Blueprint:
    """Routes over *exchanges*, by the provider's key, for whom *access* lets in."""
    api = Blueprint("exchange", __name__, url_prefix="/api")

    def exchange_of(provider: str) -> Exchange:
        exchange = exchanges.get(provider) or abort(404)
        # For the counters: a configured name and a verb of ours, so a closed set.
        current_notes().exchange = (provider, current_request().path.rpartition("/")[2])
        return exchange

    def read(
        exchange: Exchange,
        verb: str,
        parse: Callable[[Mapping[str, object], Provider], Asked],
    ) -> Asked:
        mimetype, body = _body()
        asked = parse(read_fields(mimetype, body), exchange.provider)
        grant = asked.code if isinstance(asked, CodeRequest) else asked.token
        access.count(app=asked.app, grant=grant)
        access.check_evidence(exchange.provider.key, verb, body)
        return asked

    @api.post("/<provider>/exchange", provide_automatic_options=False)
    def redeem(provider: str) -> Response:
        exchange = exchange_of(provider)
        asked = read(exchange, "exchange", parse_code_request)
        return _answer(exchange.redeem(asked), asked.warnings)

    @api.post("/<provider>/refresh", provide_automatic_options=False)
    def refresh(provider: str) -> Response:
        exchange = exchange_of(provider)
        asked = read(exchange, "refresh", parse_refresh_request)
        return _answer(exchange.refresh(asked), asked.warnings)

    @api.post("/<provider>/revoke", provide_automatic_options=False)
    def revoke(provider: str) -> Response:
        exchange = exchange_of(provider)
        asked = read(exchange, "revoke", parse_revoke_request)
        exchange.revoke(asked)
        return _answer(None, asked.warnings)

    # The rules above would leave other methods to the application's own answer.
    @api.route(
        f"/<provider>/<any({', '.join(_VERBS)}):verb>",
        methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"],
        provide_automatic_options=False,
    )
    def other_method(provider: str, verb: str) -> Response:
        raise MethodNotAllowed(["POST"])

    api.register_error_handler(HTTPException, _http_error)
    api.register_error_handler(errors.LoginError, _login_error)
    api.register_error_handler(errors.TooMany, _too_many)
    api.register_error_handler(errors.StoreUnavailable, _store_unavailable)

    api.after_request(_never_stored)
    access.guard(api)
    return api


def _body() -> tuple[str, bytes]:
    """The type and bytes of the body. Nothing else counts: an address stays in every log."""
    request = current_request()
    if request.query_string:
        raise errors.RequestRefused(
            "invalid_request",
            "Send everything in the body and nothing behind a question mark: what stands in an "
            "address stays in every log on its way.",
        )
    mimetype = request.mimetype
    if mimetype not in CONTENT_TYPES:
        abort(415)
    return mimetype, current_body(MAX_BODY)


def _answer(result: Result | None, warnings: tuple[Repair, ...]) -> Response:
    body: dict[str, object] = dict(result.fields) if result else {}
    body["request_id"] = _request_id()
    if result and result.is_replay:
        current_notes().outcome = "answered_again"
    if result and result.log_id:
        body["log_id"] = result.log_id
    if warnings:
        body["warnings"] = [{"code": item.code, "message": item.message} for item in warnings]
    return _as_json(_ENCODER.encode(body))


def _as_json(body: str, status: int = 200) -> Response:
    # All at once: to set a header later takes as long as to write the JSON.
    return Response(body, status, HEADERS)


def _request_id() -> str:
    notes = current_notes()
    if "request_id" not in notes:
        notes.request_id = secrets.token_hex(8)
    return str(notes.request_id)


def _login_error(error: errors.LoginError) -> Response:
    kind = type(error)
    status = STATUS.get((kind, error.error)) or STATUS[kind]
    word = error.error
    if kind is errors.ProviderRefused and status >= 500:
        word = "server_error"
    # The log keeps the exact word: "invalid_client" is for whoever runs the server.
    return _failure(status, word, error.description, code=error.error, log_id=error.log_id)


def _too_many(error: errors.TooMany) -> Response:
    current_notes().error_code = error.code
    answer = _as_json(too_many(error, _request_id()), STATUS[type(error)])
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _store_unavailable(error: errors.StoreUnavailable) -> Response:
    sentence = "This server cannot remember answers just now. Send the same request again soon."
    answer = _failure(
        STATUS[errors.StoreUnavailable], "temporarily_unavailable", sentence, code=error.code
    )
    answer.headers["Retry-After"] = str(_STORE_RETRY_AFTER)
    return answer


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    sentence = _SENTENCES.get(status, f"The request could not be taken (HTTP {status}).")
    word = "invalid_request" if status < 500 else "server_error"
    answer = _failure(status, word, sentence, code=f"http_{status}")
    if status == 405:
        answer.headers["Allow"] = "POST"
    return answer


def _failure(
    status: int, error: str, sentence: str, *, code: str, log_id: str | None = None
) -> Response:
    current_notes().error_code = code
    return _as_json(_failure_body(error, sentence, _request_id(), log_id), status)


def _failure_body(error: str, sentence: str, request_id: str, log_id: str | None = None) -> str:
    body = {"error": error, "error_description": sentence, "request_id": request_id}
    if log_id:
        body["log_id"] = log_id
    return _ENCODER.encode(body)


def _never_stored(response: Response) -> Response:
    if "Cache-Control" not in response.headers:
        response.headers.update(_NEVER_STORED)
    return response
