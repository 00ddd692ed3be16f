"""Client libraries of Google, GitHub and Apple that we did not write, over real connections."""

from __future__ import annotations

import json
import logging
import re
from html import unescape
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import google.auth.exceptions
import google.oauth2.id_token
import jwt
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as Authlib
from github import BadCredentialsException, Github, GithubException
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from social_core.backends.apple import AppleIdAuth
from social_core.backends.github import GithubOAuth2
from social_core.exceptions import SocialAuthBaseException
from social_core.strategy import BaseStrategy

from deeplink.sandbox.tiktok import create_sandbox
from deeplink.sandbox.vendor_keys import default_signing_key
from tests.listening import listening
from tests.sandbox.phone import CALLBACK, KEY, SECRET

GITHUB_APP = "Iv23liTestOfTheTests"
GOOGLE_SCOPES = ["openid", "https://www.googleapis.com/auth/userinfo.email"]


def at_githubs_root(app):
    """PyGithub knows a host and no path before its own: its paths lead to the pretend GitHub."""

    def moved(environ, start_response):
        if environ["PATH_INFO"].startswith("/login/oauth/"):
            environ["PATH_INFO"] = "/github" + environ["PATH_INFO"]
        return app(environ, start_response)

    return moved


@pytest.fixture(scope="module")
def base(root):
    clients = {KEY: SECRET, GITHUB_APP: SECRET}
    app = create_sandbox(clients, [CALLBACK], auto=True, templates=root / "templates")
    with listening(at_githubs_root(app)) as url:
        yield url


@pytest.fixture(autouse=True)
def quiet_libraries(caplog, monkeypatch):
    """Several of them write bodies and headers, secrets included, into their DEBUG logs."""
    for name in ("requests_oauthlib", "github.Requester", "google", "social"):
        caplog.set_level(logging.INFO, logger=name)
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def walk(url):
    """The browser's part: ask, be granted, and bring the redirect back."""
    answer = requests.get(url, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def code_of(link):
    return parse_qs(urlsplit(link).query)["code"][0]


# ---------------------------------------------------------------------------------- Google


def google_flow(base):
    config = {
        "client_id": KEY,
        "client_secret": SECRET,
        "auth_uri": f"{base}/google/o/oauth2/v2/auth",
        "token_uri": f"{base}/google/token",
        "redirect_uris": [CALLBACK],
    }
    return Flow.from_client_config({"web": config}, GOOGLE_SCOPES, redirect_uri=CALLBACK)


def test_googles_own_library_goes_all_the_way(base):
    flow = google_flow(base)
    url, _ = flow.authorization_url(access_type="offline", prompt="consent")
    assert "code_challenge_method=S256" in url
    link = walk(url)
    assert "code=4%2F0A" in link
    flow.fetch_token(code=code_of(link))
    first = flow.credentials
    assert first.refresh_token.startswith("1//")
    assert flow.oauth2session.token["scope"] == GOOGLE_SCOPES

    again = Credentials(None, first.refresh_token, None, f"{base}/google/token", KEY, SECRET)
    again.refresh(GoogleRequest())
    assert again.token != first.token
    assert again.refresh_token == first.refresh_token

    claims = google.oauth2.id_token.verify_token(
        first.id_token, GoogleRequest(), KEY, f"{base}/google/oauth2/v3/certs"
    )
    assert (claims["iss"], claims["email"]) == ("https://accounts.google.com", "sandy@box.example")


def test_google_gives_no_refresh_token_to_an_app_that_does_not_work_offline(base):
    flow = google_flow(base)
    url, _ = flow.authorization_url(access_type="online", prompt="consent")
    flow.fetch_token(code=code_of(walk(url)))
    assert flow.credentials.refresh_token is None


def test_googles_library_reads_the_refusal_of_a_revoked_login(base):
    flow = google_flow(base)
    url, _ = flow.authorization_url(access_type="offline", prompt="consent")
    flow.fetch_token(code=code_of(walk(url)))
    old = flow.credentials
    with Authlib(KEY, SECRET) as client:
        client.trust_env = False
        assert client.revoke_token(f"{base}/google/revoke", token=old.token).status_code == 200
        assert client.revoke_token(f"{base}/google/revoke", token=old.token).json() == {
            "error": "invalid_token",
            "error_description": "Token expired or revoked",
        }
    dead = Credentials(None, old.refresh_token, None, f"{base}/google/token", KEY, SECRET)
    with pytest.raises(google.auth.exceptions.RefreshError, match="expired or revoked"):
        dead.refresh(GoogleRequest())


# ---------------------------------------------------------------------------------- GitHub


@pytest.fixture
def pygithub(base):
    with Github(base_url=base, retry=None, seconds_between_requests=None) as github:
        yield github


@pytest.mark.parametrize("client_id", [KEY, GITHUB_APP])
def test_pygithub_redeems_a_code(pygithub, client_id):
    oauth = pygithub.get_oauth_application(client_id, SECRET)
    token = oauth.get_access_token(code_of(walk(oauth.get_login_url(CALLBACK))))
    if client_id == KEY:
        assert (token.token[:4], token.expires_in, token.refresh_token) == ("gho_", None, None)
    else:
        assert (token.token[:4], token.expires_in, token.refresh_token[:4]) == (
            "ghu_",
            28800,
            "ghr_",
        )


def test_pygithub_refreshes_and_reads_the_error_at_200(pygithub):
    oauth = pygithub.get_oauth_application(GITHUB_APP, SECRET)
    old = oauth.get_access_token(code_of(walk(oauth.get_login_url(CALLBACK))))
    new = oauth.refresh_access_token(old.refresh_token)
    assert new.refresh_token != old.refresh_token
    with pytest.raises(GithubException) as dead:
        oauth.refresh_access_token(old.refresh_token)
    assert (dead.value.status, dead.value.data["error"]) == (200, "bad_refresh_token")


def test_pygithub_reads_a_bad_code_and_a_wrong_secret(pygithub):
    oauth = pygithub.get_oauth_application(KEY, SECRET)
    with pytest.raises(BadCredentialsException):
        oauth.get_access_token("0123456789abcdef0123")
    wrong = pygithub.get_oauth_application(KEY, "SECRET-old")
    with pytest.raises(GithubException) as refused:
        wrong.get_access_token(code_of(walk(oauth.get_login_url(CALLBACK))))
    assert refused.value.data["error"] == "incorrect_client_credentials"


def test_pygithub_proves_a_login_with_pkce(pygithub):
    """RFC 7636 appendix B."""
    oauth = pygithub.get_oauth_application(KEY, SECRET)
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    url = oauth.get_login_url(CALLBACK) + f"&code_challenge={challenge}&code_challenge_method=S256"
    code = code_of(walk(url))
    with pytest.raises(BadCredentialsException):
        oauth.get_access_token(code)
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth.get_access_token(code, verifier).type == "bearer"


# ------------------------------------------------------------------------------ social-core


class Strategy(BaseStrategy):
    """The least that social-core needs: settings, a session, the data of one request."""

    def __init__(self, settings):
        nonces = set()
        nonce = SimpleNamespace(
            use=lambda *key: not nonces.add(key), consume=lambda *key: key in nonces
        )
        super().__init__(SimpleNamespace(nonce=nonce))
        self.settings, self.session, self.data = settings, {}, {}

    def get_setting(self, name):
        return self.settings[name]

    def request_data(self, merge=True):
        return self.data

    get_request_data = request_data

    def session_get(self, name, default=None):
        return self.session.get(name, default)

    def session_set(self, name, value):
        self.session[name] = value

    def session_pop(self, name):
        return self.session.pop(name, None)

    def build_absolute_uri(self, path=None):
        return path or ""

    def authenticate(self, *_, response, **__):
        return response


def started(backend, base, urls, settings):
    """*backend* with the addresses of the sandbox."""
    moved = type("Moved", (backend,), {name: base + path for name, path in urls.items()})
    return moved(Strategy(settings), redirect_uri=CALLBACK)


def finish(login, answer):
    login.strategy.data = login.data = answer
    return login.auth_complete()


def test_social_cores_github_goes_all_the_way(base):
    urls = {
        "AUTHORIZATION_URL": "/github/login/oauth/authorize",
        "ACCESS_TOKEN_URL": "/github/login/oauth/access_token",
        "API_URL": "/github/",
    }
    settings = {"KEY": KEY, "SECRET": SECRET, "SCOPE": ["read:user", "repo"]}
    login = started(GithubOAuth2, base, urls, settings)
    link = walk(login.auth_url())
    person = finish(login, dict(parse_qsl(urlsplit(link).query)))
    assert (person["login"], person["id"]) == ("sandybox", 583231)
    assert person["scope"] == "read:user,repo"
    assert "expires_in" not in person


APPLE_URLS = {
    "AUTHORIZATION_URL": "/apple/auth/authorize",
    "ACCESS_TOKEN_URL": "/apple/auth/token",
    "JWK_URL": "/apple/auth/keys",
}


def apple_settings(**changes):
    settings = {
        "CLIENT": KEY,
        "TEAM": "SANDBOX001",
        "KEY": "SANDBOXKEY",
        "SECRET": default_signing_key(),
        "SCOPE": ["name", "email"],
    }
    return settings | changes


def posted(page):
    """What the browser would send: the hidden fields of the one form."""
    assert f'action="{CALLBACK}"' in page
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in pairs}


def test_social_cores_apple_goes_all_the_way_by_form_post(base):
    """It signs its own client secret, and checks the id_token's signature and audience."""
    login = started(AppleIdAuth, base, APPLE_URLS, apple_settings())
    url = login.auth_url()
    assert "response_mode=form_post" in url
    answer = posted(requests.get(url, timeout=5).text)
    assert json.loads(answer["user"])["name"] == {"firstName": "Sandy", "lastName": "Box"}
    person = finish(login, answer)
    assert (person["iss"], person["aud"]) == ("https://appleid.apple.com", KEY)
    assert login.get_user_details(person)["first_name"] == "Sandy"
    # The name comes once in a lifetime.
    assert "user" not in posted(requests.get(login.auth_url(), timeout=5).text)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"TEAM": "SOMEBODY00"}, "invalid_client"),
        ({"KEY": "OTHERKEY00"}, "invalid_client"),
        ({"CLIENT": GITHUB_APP}, "invalid_grant"),
    ],
    ids=["another team", "another key", "another client"],
)
def test_apple_refuses_a_secret_or_a_code_that_is_not_this_clients(base, change, error):
    login = started(AppleIdAuth, base, APPLE_URLS, apple_settings(SCOPE=[]))
    link = walk(login.auth_url())
    login.strategy.settings = apple_settings(SCOPE=[], **change)
    with pytest.raises(SocialAuthBaseException) as refused:
        finish(login, dict(parse_qsl(urlsplit(link).query)))
    assert refused.value.provider_code == error


def test_apple_refuses_a_signed_secret_of_more_than_six_months(base):
    now = 1_700_000_000
    claims = {"iss": "SANDBOX001", "sub": KEY, "aud": "https://appleid.apple.com", "iat": now}
    secret = jwt.encode(
        claims | {"exp": 99_999_999_999},
        default_signing_key(),
        algorithm="ES256",
        headers={"kid": "SANDBOXKEY"},
    )
    form = {
        "client_id": KEY,
        "client_secret": secret,
        "grant_type": "refresh_token",
        "refresh_token": "r1",
    }
    answer = requests.post(f"{base}/apple/auth/token", data=form, timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})
