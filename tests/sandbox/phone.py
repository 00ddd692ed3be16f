"""What the tests of the pretend TikTok share: fixed names, a clock, and the client's side."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

KEY = "key-of-the-tests"
SECRET = "SECRET-of-the-tests"
OTHER = {"other-key": "SECRET-of-the-other"}
#: 2022-06-22 18:54:37 UTC.
MOMENT = 1655924077.0
CALLBACK = "https://app.example.com/login-callback/"
LOOPBACK = "http://127.0.0.1:5000/callback/"
#: RFC 7636 appendix B; the hexadecimal form is what `openssl dgst -sha256` says.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
HEX = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
BASE64URL = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
FORM = "application/x-www-form-urlencoded"


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.time = MOMENT
        self.slept = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)


class Phone:
    """The client's side of one sandbox: asks, decides, posts forms."""

    def __init__(self, app):
        self.http = app.test_client()

    def ask(self, path="/v2/auth/authorize/", **changes):
        return self.http.get(path, query_string=question(**changes))

    def decide(self, decision="allow", scopes=(), path="/v2/auth/authorize/", **changes):
        form = {"decision": decision, "scope": list(scopes)}
        return self.http.post(path, query_string=question(**changes), data=form)

    def code(self, **changes):
        scopes = changes.get("scope", "user.info.basic").split(",")
        return answer_of(self.decide("allow", scopes, **changes))["code"]

    def token(self, **form):
        filled = {"client_key": KEY, "client_secret": SECRET} | form
        sent = {name: value for name, value in filled.items() if value is not None}
        return self.http.post("/v2/oauth/token/", data=sent, content_type=FORM)

    def redeem(self, code, redirect_uri=CALLBACK, **form):
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self.token(**(grant | form))

    def refresh(self, refresh_token, **form):
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def revoke(self, token, **form):
        sent = {"client_key": KEY, "client_secret": SECRET, "token": token} | form
        return self.http.post("/v2/oauth/revoke/", data=sent, content_type=FORM)

    def user(self, access_token, fields="open_id,display_name", **headers):
        query = {} if fields is None else {"fields": fields}
        sent = {"Authorization": f"Bearer {access_token}"} | headers
        return self.http.get("/v2/user/info/", query_string=query, headers=sent)

    def logged_in(self, scope="user.info.basic"):
        return self.redeem(self.code(scope=scope)).json

    def order(self, **mischief):
        return self.http.post("/__sandbox__/mischief", json=mischief)

    def turn(self, **knobs):
        return self.http.post("/__sandbox__/knobs", json=knobs)

    def state(self):
        return self.http.get("/__sandbox__/state").json


def question(**changes):
    """A sound authorize request; a change to None leaves the parameter out."""
    asked = {
        "client_key": KEY,
        "response_type": "code",
        "scope": "user.info.basic",
        "redirect_uri": CALLBACK,
        "state": "st-1",
    } | changes
    return {name: value for name, value in asked.items() if value is not None}


def answer_of(response):
    """The query of the redirect, decoded, empty values kept."""
    query = urlsplit(response.headers["Location"]).query
    return {name: values[0] for name, values in parse_qs(query, True).items()}
