"""
What a browser and a machine can ask one of the other pretend providers, in its row's dialect.

Under the vendor's key as a path: ``/google/token``, ``/github/login/oauth/access_token``. Mischief
that is ordered for ``authorize``, ``token``, ``revoke`` or ``user_info`` meets these as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from flask import Blueprint, Response, jsonify, request

from deeplink.sandbox.authorization import is_registered, redirect_uri_fault
from deeplink.sandbox.dialect import RFC_STATUS, Refusal
from deeplink.sandbox.pages import Pages
from deeplink.sandbox.stage import Stage
from deeplink.sandbox.vendor_grants import Asked, Pair, VendorGrants
from deeplink.sandbox.vendor_keys import IdTokens, is_signed_secret
from deeplink.sandbox.vendors import PERSON, Fault, Vendor, Words

#: Far above anything that a client sends; keeps what is remembered of a login small.
_VALUE_LENGTH = 2048

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that the endpoints of one vendor share."""

    vendor: Vendor
    stage: Stage
    pages: Pages
    grants: VendorGrants
    id_tokens: IdTokens


def blueprint(vendor: Vendor, stage: Stage, pages: Pages) -> Blueprint:
    """*vendor*'s own paths under its key, with codes and tokens of their own."""
    scene = _Scene(vendor, stage, pages, VendorGrants(vendor, stage.now, stage.token), IdTokens())
    door = Blueprint(f"vendor_{vendor.key}", __name__, url_prefix=f"/{vendor.key}")

    def called(endpoint: str, answer: Callable[[], Response]) -> Response:
        stage.count(f"{vendor.key}:{endpoint}")
        return stage.call(endpoint, answer, lambda refusal: _unwell(scene, refusal))

    @door.route(vendor.authorize_path, methods=["GET", "POST"])
    def authorize() -> Response:
        return called("authorize", lambda: _authorize(scene))

    @door.post(vendor.token_path)
    def token() -> Response:
        return called("token", lambda: _token(scene))

    @door.route(vendor.revoke_path, methods=[vendor.revoke_method])
    def revoke(client_id: str | None = None) -> Response:
        return called("revoke", lambda: _revoke(scene, client_id))

    if vendor.userinfo_path:

        @door.get(vendor.userinfo_path)
        def user_info() -> Response:
            return called("user_info", lambda: _user_info(scene))

    if vendor.keys_path:

        @door.get(vendor.keys_path)
        def keys() -> Response:
            return jsonify(scene.id_tokens.public())

    return door


def _authorize(scene: _Scene) -> Response:
    asked = _asked(scene)
    if isinstance(asked, tuple):
        # Never a redirect: the redirect URI may be the very thing that is wrong.
        return scene.pages.render(
            "vendor_error.html", status=400, vendor=scene.vendor.name, faults=asked
        )
    if request.method == "POST":
        if request.form.get("decision") != "allow":
            return _go_back(scene, asked, {"error": scene.vendor.denial})
        ticked = set(request.form.getlist("scope"))
        return _allow(scene, asked, tuple(scope for scope in asked.scopes if scope in ticked))
    if scene.stage.knobs.auto or request.args.get("auto") == "1":
        return _allow(scene, asked, asked.scopes)
    return scene.pages.render(
        "vendor_consent.html",
        vendor=scene.vendor.name,
        client_id=asked.client_id,
        target=urlsplit(asked.redirect_uri).netloc,
        scopes=asked.scopes,
    )


def _asked(scene: _Scene) -> Asked | tuple[str, ...]:
    """The authorize request, or the names of all parameters that are wrong."""
    vendor, query = scene.vendor, request.args
    scopes = tuple(
        dict.fromkeys(re.findall(f"[^{vendor.scope_separators}]+", query.get("scope", "")))
    )
    challenge = query.get("code_challenge")
    method = query.get("code_challenge_method", "plain")
    mode = query.get("response_mode", "query")
    client_id = query.get("client_id", "")
    sound = {
        "client_id": client_id in scene.stage.clients,
        "redirect_uri": _takes_redirect_uri(scene.stage, query.get("redirect_uri", "")),
        # GitHub does not know the parameter; who leaves it out means this.
        "response_type": query.get("response_type", "code") == "code",
        "scope": not vendor.scopes or set(scopes) <= set(vendor.scopes),
        "response_mode": mode == "form_post"
        or (mode == "query" and not set(scopes) & set(vendor.posts_for)),
        "code_challenge_method": challenge is None or method in vendor.challenge_methods,
        "state": len(query.get("state", "")) <= _VALUE_LENGTH,
        "code_challenge": len(challenge or "") <= _VALUE_LENGTH,
        "nonce": len(query.get("nonce", "")) <= _VALUE_LENGTH,
    }
    if faults := tuple(name for name, is_sound in sound.items() if not is_sound):
        return faults
    return Asked(
        client_id=client_id,
        redirect_uri=query["redirect_uri"],
        scopes=scopes,
        state=query.get("state"),
        nonce=query.get("nonce"),
        challenge=challenge,
        challenge_method=method,
        response_mode=mode,
        wants_refresh=_wants_refresh(scene, client_id),
    )


def _takes_redirect_uri(stage: Stage, uri: str) -> bool:
    if redirect_uri_fault(uri):
        return False
    registered = stage.redirect_uris
    return not registered or any(is_registered(uri, entry) for entry in registered)


def _wants_refresh(scene: _Scene, client_id: str) -> bool:
    vendor = scene.vendor
    if vendor.offline is not None and not _is_said(vendor.offline):
        return False
    first = not scene.grants.has_consented(client_id)
    return vendor.reconsent is None or first or _is_said(vendor.reconsent)


def _is_said(parameter: tuple[str, str]) -> bool:
    name, value = parameter
    return value in request.args.get(name, "").split()


def _allow(scene: _Scene, asked: Asked, scopes: tuple[str, ...]) -> Response:
    first = not scene.grants.has_consented(asked.client_id)
    answer = {"code": scene.grants.put_code(asked, scopes)}
    if first and asked.response_mode == "form_post" and "name" in scopes:
        # Once in a lifetime: the name is in no token (Apple, "Request an authorization …").
        name = {"firstName": "Sandy", "lastName": "Box"}
        email = PERSON[scene.vendor.key]["email"]
        answer["user"] = json.dumps({"name": name, "email": email})
    return _go_back(scene, asked, answer)


def _go_back(scene: _Scene, asked: Asked, answer: dict[str, str]) -> Response:
    if asked.state is not None:
        answer["state"] = asked.state
    if scene.vendor.answers_have_issuer:
        answer["iss"] = scene.vendor.issuer
    if asked.response_mode == "form_post":
        return scene.pages.render(
            "vendor_post.html",
            vendor=scene.vendor.name,
            action=asked.redirect_uri,
            fields=sorted(answer.items()),
        )
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in answer.items())
    glue = "&" if "?" in asked.redirect_uri else "?"
    headers = {"Location": asked.redirect_uri + glue + query, "Cache-Control": "no-store"}
    return Response(status=302, headers=headers)


def _token(scene: _Scene) -> Response:
    fields = _fields(scene.vendor)
    client_id = _client(scene, scene.vendor.client_by, fields)
    if client_id is None:
        return _fault(scene, Fault.CLIENT)
    outcome = _granted(scene, fields, client_id)
    if isinstance(outcome, Fault):
        return _fault(scene, outcome)
    return _spelt(scene.vendor, _token_answer(scene, outcome, fields), 200)


def _fields(vendor: Vendor) -> dict[str, str]:
    if request.mimetype == "application/json" and "json" in vendor.client_by:
        body = request.get_json(silent=True)
        items = body.items() if isinstance(body, dict) else ()
        return {name: value for name, value in items if isinstance(value, str)}
    return request.form.to_dict() if request.mimetype == _FORM else {}


def _client(scene: _Scene, ways: tuple[str, ...], fields: Mapping[str, str]) -> str | None:
    """The client that the request proves to come from, by one of *ways*; None if it does not."""
    client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    shown = request.authorization
    if "basic" in ways and shown is not None and shown.type == "basic":
        client_id, secret = shown.username or "", shown.password or ""
    elif not {"form", "json"} & set(ways):
        return None
    known = scene.stage.clients.get(client_id)
    if known is None:
        return None
    if scene.vendor.signed_secret:
        audience = scene.vendor.signed_secret
        is_right = is_signed_secret(secret, client_id, audience, scene.stage.now())
    else:
        is_right = known.equals(secret)
    return client_id if is_right else None


def _granted(scene: _Scene, fields: Mapping[str, str], client_id: str) -> Pair | Fault:
    # GitHub's web flow documents no grant_type; a code alone means the code's.
    match fields.get("grant_type", "authorization_code" if "code" in fields else ""):
        case "authorization_code":
            if not fields.get("code"):
                return Fault.MALFORMED
            return scene.grants.redeem(
                fields["code"],
                client_id,
                fields.get("redirect_uri"),
                fields.get("code_verifier", ""),
            )
        case "refresh_token":
            if not fields.get("refresh_token"):
                return Fault.MALFORMED
            return scene.grants.refresh(fields["refresh_token"], client_id)
        case "":
            return Fault.MALFORMED
        case _:
            return Fault.GRANT_TYPE


def _token_answer(scene: _Scene, pair: Pair, fields: Mapping[str, str]) -> dict[str, object]:
    vendor, login = scene.vendor, pair.login
    answer: dict[str, object] = {"access_token": pair.access, "token_type": vendor.token_type}
    if pair.access_life is not None:
        answer["expires_in"] = pair.access_life
    if pair.refresh is not None:
        answer["refresh_token"] = pair.refresh
        if vendor.refresh_life_field:
            answer[vendor.refresh_life_field] = pair.refresh_life
    if vendor.names_scope:
        answer["scope"] = vendor.granted_separator.join(login.scopes)
    refreshing = fields.get("grant_type") == "refresh_token"
    if _brings_id_token(vendor, login.scopes, refreshing=refreshing):
        now = int(scene.stage.now())
        claims = dict(PERSON[vendor.key])
        claims |= {
            "iss": vendor.issuer,
            "aud": login.asked.client_id,
            "iat": now,
            "exp": now + 3600,
        }
        if login.asked.nonce is not None:
            claims["nonce"] = login.asked.nonce
        answer["id_token"] = scene.id_tokens.sign(claims)
    return answer


def _brings_id_token(vendor: Vendor, scopes: tuple[str, ...], *, refreshing: bool) -> bool:
    if vendor.id_token_for is None or (refreshing and not vendor.id_token_on_refresh):
        return False
    return vendor.id_token_for in ("", *scopes)


def _revoke(scene: _Scene, named: str | None) -> Response:
    vendor = scene.vendor
    fields: dict[str, str] = request.form.to_dict()
    if vendor.revoke_method == "DELETE":
        # The one who deletes is an API, and that reads JSON only.
        body = request.get_json(silent=True)
        fields = body if isinstance(body, dict) else {}
    client_id = None
    if vendor.revoke_client_by:
        client_id = _client(scene, vendor.revoke_client_by, fields)
        if client_id is None or named not in (None, client_id):
            return _fault(scene, Fault.REVOKING_CLIENT)
    token = fields.get(vendor.revoke_param)
    if not isinstance(token, str) or not token:
        return _fault(scene, Fault.MALFORMED if vendor.words[Fault.TOKEN].error else Fault.TOKEN)
    if not scene.grants.revoke(token, client_id) and not vendor.unknown_token_is_fine:
        return _fault(scene, Fault.TOKEN)
    return Response(vendor.revoked_body, vendor.revoked_status, mimetype="application/json")


def _user_info(scene: _Scene) -> Response:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    login = scene.grants.open(token.strip()) if scheme.lower() in ("bearer", "token") else None
    if login is None:
        refused = jsonify(error="invalid_request", message="Bad credentials")
        refused.status_code = 401
        return refused
    return jsonify(PERSON[scene.vendor.key])


def _unwell(scene: _Scene, refusal: Refusal) -> Response:
    """An error that mischief ordered; none of these vendors documents its own."""
    status = RFC_STATUS.get(refusal.error, 400)
    body = {"error": refusal.error, "error_description": refusal.description}
    return _spelt(scene.vendor, body, status)


def _fault(scene: _Scene, fault: Fault) -> Response:
    words: Words = scene.vendor.words[fault]
    if not words.error:
        # An endpoint of GitHub's API, which speaks JSON only and has no OAuth errors.
        answer = jsonify(message=words.description)
        answer.status_code = words.status
        return answer
    body: dict[str, object] = {"error": words.error}
    if words.description is not None:
        body["error_description"] = words.description
    return _spelt(scene.vendor, body, words.status)


def _spelt(vendor: Vendor, body: Mapping[str, object], status: int) -> Response:
    if vendor.form_by_default and "application/json" not in request.headers.get("Accept", ""):
        answer = Response(urlencode(body), mimetype=_FORM)
    else:
        answer = jsonify(body)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer
