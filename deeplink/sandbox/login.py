"""The authorize page: consent, denial, the documented errors, and the page for a bad request."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from deeplink.sandbox.authorization import (
    Question,
    granting_address,
    parse_question,
    refusing_address,
)
from deeplink.sandbox.dialect import REDIRECT_ERRORS, SCOPES, Platform
from deeplink.sandbox.pages import Pages
from deeplink.sandbox.stage import Stage

#: The web's page, which libraries also call without its slash, and the iOS SDK's.
_WEB_PATHS = ("/v2/auth/authorize/", "/v2/auth/authorize")
_NATIVE_PATHS = ("/opensdk/oauth/", "/opensdk/oauth")

_PLATFORM_WORDS = {
    Platform.WEB: "a website",
    Platform.DESKTOP: "an app on this computer",
    Platform.ANDROID: "an Android app",
    Platform.IOS_BROWSER: "an iPhone app, through the browser",
    Platform.IOS_NATIVE: "an iPhone app",
}


def blueprint(stage: Stage, pages: Pages) -> Blueprint:
    """The pages over *stage*; a decision is the same request again, as POST."""
    login = Blueprint("login", __name__)

    def ask() -> Response:
        return _asked(stage, pages, _consent_or_auto)

    def decide() -> Response:
        return _asked(stage, pages, _decision)

    for path in (*_WEB_PATHS, *_NATIVE_PATHS):
        login.add_url_rule(path, "ask", ask, methods=["GET"])
        login.add_url_rule(path, "decide", decide, methods=["POST"])

    @login.get("/auth/authorize/")
    @login.get("/auth/authorize")
    def version_1() -> Response:
        stage.hints.say("version_1")
        return pages.render("error.html", status=404, faults=["/v2/auth/authorize/"])

    return login


_Step = Callable[[Stage, Pages, Question], Response]


def _asked(stage: Stage, pages: Pages, step: _Step) -> Response:
    def answer() -> Response:
        question = parse_question(
            request.args,
            native=request.path in _NATIVE_PATHS,
            clients=stage.clients,
            redirect_uris=stage.redirect_uris,
            knobs=stage.knobs,
            hint=stage.hints.say,
        )
        if isinstance(question, tuple):
            # Never a redirect: the redirect URI may be the very thing that is wrong.
            return pages.render("error.html", status=400, faults=question)
        return step(stage, pages, question)

    return stage.call("authorize", answer, stage.oauth_error)


def _consent_or_auto(stage: Stage, pages: Pages, question: Question) -> Response:
    if stage.knobs.auto or request.args.get("auto") == "1" or _may_skip(stage, question):
        return _grant(stage, question, question.scopes)
    return _consent(pages, question, "")


def _may_skip(stage: Stage, question: Question) -> bool:
    """https://developers.tiktok.com/doc/login-kit-web: ``disable_auto_auth`` 0 skips the page."""
    if not stage.knobs.remembers or request.args.get("disable_auto_auth") == "1":
        return False
    return stage.has_allowed(question.client_key, question.scopes)


def _decision(stage: Stage, pages: Pages, question: Question) -> Response:
    decision = request.form.get("decision", "")
    if decision in REDIRECT_ERRORS:
        stage.count(f"redirected:{decision}")
        return _go(refusing_address(question, decision, stage.log_id()))
    if decision != "allow":
        return _consent(pages, question, "Choose Allow or Deny.")
    ticked = set(request.form.getlist("scope"))
    scopes = tuple(scope for scope in question.scopes if scope in ticked)
    if not scopes:
        return _consent(pages, question, "Tick what the app may do, or deny the login.")
    stage.remember(question.client_key, scopes)
    return _grant(stage, question, scopes)


def _grant(stage: Stage, question: Question, scopes: tuple[str, ...]) -> Response:
    code = stage.grants.put_code(question, scopes, stage.knobs)
    stage.count("redirected:code")
    return _go(granting_address(question, code, scopes, stage.log_id()))


def _go(address: str) -> Response:
    # The Location is made by hand: it must stay byte for byte what the app registered.
    headers = {
        "Location": address,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(status=302, headers=headers)


def _consent(pages: Pages, question: Question, notice: str) -> Response:
    return pages.render(
        "consent.html",
        status=400 if notice else 200,
        client_key=question.client_key,
        platform=_PLATFORM_WORDS[question.platform],
        target=_target(question),
        scopes=[(scope, SCOPES[scope]) for scope in question.scopes],
        errors=[name for name in REDIRECT_ERRORS if name != "access_denied"],
        notice=notice,
    )


def _target(question: Question) -> str:
    if question.platform is Platform.IOS_BROWSER:
        return f"{question.client_key}://"
    return urlsplit(question.redirect_uri).netloc
