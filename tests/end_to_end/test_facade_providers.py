"""The standard face in front of every provider that it can serve, by libraries."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from urllib.parse import urlencode

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from playwright.sync_api import sync_playwright

from deeplink.oauth.pkce import challenge
from tests.end_to_end.conftest import configured
from tests.end_to_end.test_facade_clients import (
    CALLBACK,
    EXPECTED,
    NODE,
    node,
    plain_http,
    walk,
)
from tests.end_to_end.test_other_providers import CONFIG, ROW, VERIFIER

__all__ = ["node", "plain_http"]

SCOPES = {
    "tiktok": ["user.info.basic", "user.info.profile"],
    "google": ["openid", "email"],
    "github": ["read:user", "repo"],
    "apple": ["name", "email"],
}

#: Apple does not document PKCE, so that its row is off until the config says otherwise.
MORE = {"apple": "accept_code_without_pkce = true"}

CLIENT = """
[clients.{name}]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = {scopes}
providers = ["{name}"]
"""


@pytest.fixture(scope="module")
def faces(tmp_path_factory, root, sandbox):
    folder = tmp_path_factory.mktemp("faces")
    rows = [ROW.format(name=name, more=MORE.get(name, "")) for name in SCOPES]
    rows += [CLIENT.format(name=name, scopes=json.dumps(row)) for name, row in SCOPES.items()]
    # For browsers another site than the pretend providers, which are at 127.0.0.1.
    text = f'issuer = "http://localhost:8000"\n{CONFIG}{"".join(rows)}'
    with configured(folder, text, root=root, sandbox=sandbox) as server:
        yield server


@pytest.fixture
def origin(faces):
    return f"http://localhost:{faces.port}"


@pytest.fixture
def log_in(origin):
    """Opens a library's client for a provider, logged in."""
    opened = []

    def start(name, **settings):
        client = OAuth2Session(
            name,
            scope=" ".join(SCOPES[name]),
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
            revocation_endpoint_auth_method="none",
            **settings,
        )
        client.trust_env = False
        opened.append(client)
        issuer = f"{origin}/oauth/{name}"
        url, state = client.create_authorization_url(f"{issuer}/authorize", code_verifier=VERIFIER)
        proof = {"authorization_response": come_back(url), "state": state}
        token = client.fetch_token(f"{issuer}/token", code_verifier=VERIFIER, **proof)
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.fetch_token(f"{issuer}/token", code_verifier=VERIFIER, **proof)
        return client, issuer, token

    yield start
    for client in opened:
        client.close()


def come_back(url):
    """The browser's part; where the provider answers with a form, the browser posts it."""
    with requests.Session() as browser:
        browser.trust_env = False
        provider = browser.get(url, allow_redirects=False, timeout=10).headers["Location"]
        answer = browser.get(provider, allow_redirects=False, timeout=10)
        if answer.status_code == 200:
            target = unescape(re.search(r'<form [^>]*action="([^"]*)"', answer.text)[1])
            pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
            form = [(name, unescape(value)) for name, value in pairs]
            # Another site's form: Lax cookies stay at home.
            answer = requests.post(target, data=form, allow_redirects=False, timeout=10)
            assert answer.status_code == 303
        answer = browser.get(answer.headers["Location"], allow_redirects=False, timeout=10)
    return answer.headers["Location"]


@pytest.mark.parametrize("name", SCOPES)
def test_a_library_logs_in_refreshes_and_revokes(faces, log_in, name):
    client, issuer, token = log_in(name)
    assert token["token_type"].lower() == "bearer"
    if name != "apple":  # which does not say what was granted
        assert token["scope"] == " ".join(SCOPES[name])
    # GitHub's OAuth apps have no refresh tokens, Google and Apple keep theirs in force.
    assert ("refresh_token" in token) is (name != "github")
    if "refresh_token" in token:
        fresh = client.refresh_token(f"{issuer}/token", refresh_token=token["refresh_token"])
        assert fresh["access_token"] != token["access_token"]
        assert (fresh["refresh_token"] != token["refresh_token"]) is (name == "tiktok")
        token = fresh
    revoked = client.revoke_token(f"{issuer}/revoke", token=token["access_token"])
    assert revoked.status_code == 200
    if "refresh_token" in token:
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token(f"{issuer}/token", refresh_token=token["refresh_token"])
    # RFC 7009 section 2.2: what is not known is as good as revoked.
    for gone in (token["access_token"], "never-was"):
        assert client.revoke_token(f"{issuer}/revoke", token=gone).status_code == 200
    assert "SECRET" not in faces.printed()


@pytest.mark.parametrize("library", ["oauth4webapi", "openid-client"])
def test_a_strict_library_logs_in_with_google(node, origin, library):
    """With the scope openid: what it then finds in the answer, it checks."""
    scopes = " ".join(SCOPES["google"])
    done = subprocess.run(
        [node, "clients.mjs", library, origin, "google", "google", scopes, "profile"],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # Google's refresh tokens stay in force; after a revocation the whole login is over.
    unlike_tiktok = {"rotated": False, "old_refresh_token": "no error", "expires_in": 3599}
    assert json.loads(done.stdout.splitlines()[-1]) == EXPECTED | unlike_tiktok | {"scope": scopes}


@pytest.mark.parametrize("name", ["google", "apple"])
def test_the_providers_id_token_does_not_pass_for_ours(log_in, name):
    """Its issuer and audience are not ours and the client's: OpenID Connect libraries refuse it."""
    _, _, token = log_in(name)
    assert "id_token" not in token
    assert token["provider_id_token"].count(".") == 2


@pytest.mark.parametrize("name", SCOPES)
def test_a_refusal_comes_back_in_the_standards_words(faces, origin, sandbox, name):
    body = json.dumps({"auto": False}).encode()
    headers = {"Content-Type": "application/json"}
    sandbox.request("POST", "/__sandbox__/knobs", headers=headers, body=body)
    try:
        url, _ = OAuth2Session(
            name, scope=SCOPES[name][0], redirect_uri=CALLBACK, code_challenge_method="S256"
        ).create_authorization_url(f"{origin}/oauth/{name}/authorize", code_verifier=VERIFIER)
        answer = walk(url, "access_denied") if name != "apple" else denied_by_form(url)
    finally:
        body = json.dumps({"auto": True}).encode()
        sandbox.request("POST", "/__sandbox__/knobs", headers=headers, body=body)
    assert answer.startswith(f"{CALLBACK}?error=access_denied&")
    assert f"iss=http%3A%2F%2Flocalhost%3A{faces.port}%2Foauth%2F{name}" in answer


def test_a_browser_posts_apples_answer_and_its_cookie_comes_along(origin, chromium_path):
    """The pretend Apple is at 127.0.0.1: another site, whose POST brings no Lax cookie."""
    verifier, state = VERIFIER, "st-1"
    asked = {
        "response_type": "code",
        "client_id": "apple",
        "redirect_uri": CALLBACK,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        at_home = re.compile(re.escape(CALLBACK))
        page.route(at_home, lambda route: route.fulfill(body="<title>app</title>"))
        posted = []
        page.on("request", lambda request: posted.append(request))
        page.goto(f"{origin}/oauth/apple/authorize?{urlencode(asked)}")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(at_home)
        arrived = page.url
        (form,) = [request for request in posted if request.method == "POST"]
        assert "cookie" not in form.all_headers()
        browser.close()
    assert form.url == f"{origin}/oauth/apple/return"
    assert f"state={state}" in arrived
    assert arrived.startswith(f"{CALLBACK}?code=apple.")


def denied_by_form(url):
    with requests.Session() as browser:
        browser.trust_env = False
        provider = browser.get(url, allow_redirects=False, timeout=10).headers["Location"]
        page = browser.post(provider, data={"decision": "deny"}, timeout=10).text
        target = unescape(re.search(r'<form [^>]*action="([^"]*)"', page)[1])
        pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
        form = [(name, unescape(value)) for name, value in pairs]
        answer = browser.post(target, data=form, allow_redirects=False, timeout=10)
        answer = browser.get(answer.headers["Location"], allow_redirects=False, timeout=10)
    return answer.headers["Location"]
