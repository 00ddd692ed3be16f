"""
The endpoints that machines call: token, revoke, user info.

The order in which TikTok looks at a token request is not known; here it is content type, client,
secret, grant type, code, redirect URI, verifier.

https://developers.tiktok.com/doc/oauth-user-access-token-management,
https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from deeplink.sandbox.authorization import Question, proof_fault
from deeplink.sandbox.dialect import (
    API_STATUS,
    GRANT_TYPE_UNKNOWN,
    MALFORMED,
    PAIR_WRONG,
    REDIRECT_DIFFERS,
    SCOPE_OF_FIELD,
    SECRET_MISSING,
    Refusal,
    person,
)
from deeplink.sandbox.grants import Answer
from deeplink.sandbox.loopback import is_loopback_origin
from deeplink.sandbox.stage import Stage

_FORM = "application/x-www-form-urlencoded"

#: An OAuth error in the words of the user API, for mischief.
_API_WORDS = {
    "server_error": "internal_error",
    "temporarily_unavailable": "internal_error",
    "rate_limit_exceeded": "rate_limit_exceeded",
}


def blueprint(stage: Stage) -> Blueprint:
    """The three endpoints over *stage*; without their trailing slash they are 404."""
    api = Blueprint("tokens", __name__)

    @api.post("/v2/oauth/token/")
    def token() -> Response:
        return stage.call("token", lambda: _token(stage), stage.oauth_error)

    @api.post("/v2/oauth/revoke/")
    def revoke() -> Response:
        return stage.call("revoke", lambda: _revoke(stage), stage.oauth_error)

    @api.route("/v2/user/info/", methods=["GET", "OPTIONS"])
    def user_info() -> Response:
        if request.method == "OPTIONS":
            return _for_pages_of_this_machine(Response(status=204))
        answer = stage.call("user_info", lambda: _user_info(stage), lambda r: _unwell(stage, r))
        return _for_pages_of_this_machine(answer)

    for path in ("/v2/oauth/token", "/v2/oauth/revoke", "/v2/user/info"):
        api.add_url_rule(path, "no_slash", stage.no_slash, methods=["GET", "POST"])
    return api


def _token(stage: Stage) -> Response:
    if (refusal := client_fault(stage)) is not None:
        return stage.oauth_error(refusal)
    outcome = _granted(stage, request.form["client_key"])
    if isinstance(outcome, Refusal):
        return stage.oauth_error(outcome)
    return stage.json_answer(outcome)


def client_fault(stage: Stage) -> Refusal | None:
    """Why the form of the current request does not come from one of the clients."""
    form = request.form
    if (refusal := body_fault(stage)) is not None:
        return refusal
    client_key = form.get("client_key", "")
    if not client_key:
        if form.get("client_id"):
            stage.hints.say("client_id")
        return MALFORMED
    shown = form.get("client_secret") or _secret_of_header(stage, client_key)
    if not shown:
        return SECRET_MISSING
    secret = stage.clients.get(client_key)
    return None if secret is not None and secret.equals(shown) else PAIR_WRONG


def _secret_of_header(stage: Stage, client_key: str) -> str:
    # RFC 6749 section 2.3.1 prefers HTTP Basic, and generic libraries send it by default.
    shown = request.authorization
    if shown is None or shown.type != "basic" or shown.username != client_key:
        return ""
    stage.hints.say("basic_auth_refused" if stage.knobs.strict else "basic_auth")
    return "" if stage.knobs.strict else shown.password or ""


def body_fault(stage: Stage) -> Refusal | None:
    """Why the body of the current request is not the plain form that TikTok reads."""
    if request.headers.get("Content-Type") == _FORM:
        return None
    if request.mimetype != _FORM:
        stage.hints.say("not_a_form")
        return MALFORMED
    # ";charset=UTF-8" is what several generic libraries add (teranetsrl/oauth2_client#204).
    stage.hints.say("content_type_parameter")
    return MALFORMED if stage.knobs.strict else None


def _granted(stage: Stage, client_key: str) -> Answer | Refusal:
    form, knobs, hint = request.form, stage.knobs, stage.hints.say
    match form.get("grant_type"):
        case None | "":
            return MALFORMED
        case "authorization_code":
            return _redeemed(stage, client_key)
        case "refresh_token":
            if not form.get("refresh_token"):
                return MALFORMED
            return stage.grants.refresh(form["refresh_token"], client_key, knobs, hint)
        case "client_credentials":
            return stage.grants.client_token(client_key, knobs)
        case _:
            return GRANT_TYPE_UNKNOWN


def _redeemed(stage: Stage, client_key: str) -> Answer | Refusal:
    form, knobs, hint = request.form, stage.knobs, stage.hints.say
    code = form.get("code", "")
    if not code:
        return MALFORMED
    if "&" in code:
        hint("code_tail")
    elif "%" in code:
        hint("encoded_code")

    def fault(question: Question) -> Refusal | None:
        # Byte for byte: a trailing slash more or less is another URI.
        if form.get("redirect_uri") != question.redirect_uri:
            hint("redirect_differs")
            return REDIRECT_DIFFERS
        return proof_fault(question, form.get("code_verifier", ""), knobs, hint)

    return stage.grants.redeem(code, client_key, fault, knobs, hint)


def _revoke(stage: Stage) -> Response:
    refusal = client_fault(stage)
    if refusal is None and not request.form.get("token"):
        refusal = MALFORMED
    if refusal is None:
        form = request.form
        refusal = stage.grants.revoke(form["token"], form["client_key"])
    return stage.json_answer({}) if refusal is None else stage.oauth_error(refusal)


def _user_info(stage: Stage) -> Response:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    grant = stage.grants.open(token.strip()) if scheme.lower() == "bearer" else None
    if grant is None:
        return _api_error(
            stage,
            "access_token_invalid",
            "The access token is invalid or not found in the request.",
        )
    if stage.is_too_fast(grant.client_key):
        return _api_error(stage, "rate_limit_exceeded", "The API rate limit was exceeded.")
    fields = [field for field in request.args.get("fields", "").split(",") if field]
    if not fields or any(field not in SCOPE_OF_FIELD for field in fields):
        return _api_error(stage, "invalid_params", "Invalid or missing fields in the request.")
    open_fields = [field for field in fields if SCOPE_OF_FIELD[field] in grant.scopes]
    if open_fields != fields and stage.knobs.field_without_scope == "error":
        return _api_error(
            stage,
            "scope_not_authorized",
            "The user did not authorize the scope required for completing this request.",
        )
    everything = person(grant.client_key, f"{request.host_url}__sandbox__/avatar.svg")
    user = {field: everything[field] for field in open_fields}
    log_id = stage.log_id()
    error = {"code": "ok", "message": "", "log_id": log_id}
    return stage.json_answer({"data": {"user": user}, "error": error}, log_id=log_id)


def _unwell(stage: Stage, refusal: Refusal) -> Response:
    return _api_error(stage, _API_WORDS[refusal.error], refusal.description)


def _api_error(stage: Stage, code: str, message: str) -> Response:
    log_id = stage.log_id()
    body = {"data": {}, "error": {"code": code, "message": message, "log_id": log_id}}
    return stage.json_answer(body, log_id=log_id, status=API_STATUS[code])


def _for_pages_of_this_machine(response: Response) -> Response:
    # The one endpoint that a page may call: a demo on another loopback port shows the name.
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin", "")
    if is_loopback_origin(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET"
        response.headers["Access-Control-Allow-Headers"] = "Authorization"
        response.headers["Access-Control-Max-Age"] = "600"
    return response
