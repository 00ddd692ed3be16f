"""OAuth libraries that we did not write, through the standard face, against the strict sandbox."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError as AuthlibError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

NODE = Path(__file__).parents[1] / "node"
CALLBACK = "http://127.0.0.1:45678/callback"
SCOPE = "user.info.basic user.info.profile"


@pytest.fixture(scope="session")
def node():
    """Node with the libraries of tests/node; without it tests are skipped, in CI they fail."""
    path = shutil.which("node")
    if path and (NODE / "node_modules").is_dir():
        return path
    if os.environ.get("CI") == "true":
        pytest.fail("the JavaScript libraries are missing: make node-clients installs them")
    pytest.skip("the JavaScript libraries are missing: make node-clients installs them")


@pytest.fixture(autouse=True)
def plain_http(monkeypatch, caplog):
    # They write whole requests and answers into their DEBUG logs.
    for name in ("requests_oauthlib", "urllib3"):
        caplog.set_level(logging.INFO, logger=name)
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def walk(url, decision="allow"):
    """The browser's part: start, consent or deny at the provider, come back."""
    with requests.Session() as browser:
        browser.trust_env = False
        provider = browser.get(url, allow_redirects=False, timeout=10).headers["Location"]
        ask = browser.get if decision == "allow" else browser.post
        data = None if decision == "allow" else {"decision": decision}
        returning = ask(provider, data=data, allow_redirects=False, timeout=10)
        answer = browser.get(returning.headers["Location"], allow_redirects=False, timeout=10)
    return answer.headers["Location"]


#: What each library says of the same login, and of the same errors, in its own words.
EXPECTED = {
    "token_type": "bearer",
    "scope": "user.info.basic user.info.profile",
    "expires_in": 7200,
    "rotated": True,
    "replayed_code": "invalid_grant",
    "old_refresh_token": "invalid_grant",
    "refresh_after_revocation": "invalid_grant",
    "wrong_verifier": "invalid_grant",
    "owner_after_wrong_verifier": "string",
    "denied": "access_denied",
    "scope_not_allowed": "invalid_scope",
}

#: AppAuth-JS throws the status line's text away with the body, and shows only that.
STATUS_ONLY = dict.fromkeys(
    ("replayed_code", "old_refresh_token", "refresh_after_revocation", "wrong_verifier"),
    "BAD REQUEST",
)


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        ("oauth4webapi", EXPECTED),
        ("openid-client", EXPECTED),
        ("appauth", EXPECTED | STATUS_ONLY),
        ("arctic", EXPECTED),
        ("badgateway", EXPECTED),
        ("oidc-client-ts", EXPECTED),
        ("simple-oauth2", EXPECTED),
    ],
)
def test_a_javascript_library_logs_in_refreshes_and_revokes(node, server, library, expected):
    done = subprocess.run(
        [node, "clients.mjs", library, server.url],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected


@pytest.fixture
def metadata(server):
    url = f"{server.url}/.well-known/oauth-authorization-server/oauth/tiktok"
    return requests.get(url, timeout=10).json()


@pytest.fixture
def authlib():
    with Authlib(
        "demo",
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
    ) as session:
        session.trust_env = False
        yield session


VERIFIER = "SECRET-verifier-0123456789-0123456789-0123456789"


def test_authlib_logs_in_refreshes_and_revokes(authlib, metadata):
    token_url = metadata["token_endpoint"]
    url, state = authlib.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER
    )
    link = walk(url)
    token = authlib.fetch_token(
        token_url, authorization_response=link, code_verifier=VERIFIER, state=state
    )
    assert token["scope"] == SCOPE
    fresh = authlib.refresh_token(token_url, refresh_token=token["refresh_token"])
    assert fresh["refresh_token"] != token["refresh_token"]
    revoked = authlib.revoke_token(
        metadata["revocation_endpoint"],
        token=fresh["refresh_token"],
        token_type_hint="refresh_token",
    )
    assert revoked.status_code == 200
    with pytest.raises(AuthlibError) as refused:
        authlib.refresh_token(token_url, refresh_token=fresh["refresh_token"])
    assert refused.value.error == "invalid_grant"


def test_authlib_is_told_of_a_wrong_verifier_in_its_own_type(authlib, metadata):
    url, state = authlib.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER
    )
    link = walk(url)
    with pytest.raises(AuthlibError) as wrong:
        authlib.fetch_token(
            metadata["token_endpoint"],
            authorization_response=link,
            code_verifier="w" * 43,
            state=state,
        )
    assert wrong.value.error == "invalid_grant"


@pytest.fixture
def oauthlib():
    with RequestsOAuthlib("demo", scope=SCOPE.split(), redirect_uri=CALLBACK, pkce="S256") as one:
        one.trust_env = False
        yield one


@pytest.mark.parametrize("names_itself_by", ["body", "header"])
def test_requests_oauthlib_logs_in_and_refreshes(oauthlib, metadata, names_itself_by):
    """Without a secret it sends Basic with an empty password, or client_id in the body."""
    token_url = metadata["token_endpoint"]
    in_body = True if names_itself_by == "body" else None
    url, _ = oauthlib.authorization_url(metadata["authorization_endpoint"])
    token = oauthlib.fetch_token(
        token_url, authorization_response=walk(url), include_client_id=in_body
    )
    # oauthlib compares the scopes word by word and warns if they differ; a warning is an error.
    assert token["scope"] == SCOPE.split()
    fresh = oauthlib.refresh_token(
        token_url, refresh_token=token["refresh_token"], client_id="demo"
    )
    assert fresh["access_token"] != token["access_token"]
    oauthlib.refresh_token(token_url, refresh_token=fresh["refresh_token"], client_id="demo")
    with pytest.raises(OAuth2Error) as stale:
        oauthlib.refresh_token(token_url, refresh_token=token["refresh_token"], client_id="demo")
    assert stale.value.error == "invalid_grant"


def test_requests_oauthlib_is_told_that_the_person_said_no(oauthlib, metadata):
    url, _ = oauthlib.authorization_url(metadata["authorization_endpoint"])
    with pytest.raises(OAuth2Error) as denied:
        oauthlib.fetch_token(
            metadata["token_endpoint"],
            authorization_response=walk(url, "access_denied"),
            include_client_id=True,
        )
    assert denied.value.error == "access_denied"


def test_code_injection_the_victims_provider_code_in_the_attackers_login_is_refused(
    authlib, metadata
):
    """The provider has the challenge of the login that its code belongs to: PKCE end to end."""
    url = metadata["authorization_endpoint"]
    victims, _ = authlib.create_authorization_url(url, code_verifier=VERIFIER)
    own = "SECRET-of-the-attacker-0123456789-0123456789-01"
    attackers, state = authlib.create_authorization_url(url, code_verifier=own)
    with requests.Session() as browser:
        browser.trust_env = False

        def step(address):
            return browser.get(address, allow_redirects=False, timeout=10).headers["Location"]

        stolen = parse_qs(urlsplit(step(step(victims))).query)["code"][0]
        returning = urlsplit(step(step(attackers)))
        query = {name: values[0] for name, values in parse_qs(returning.query).items()}
        injected = returning._replace(query=urlencode(query | {"code": stolen}))
        link = step(injected.geturl())
    with pytest.raises(AuthlibError) as refused:
        authlib.fetch_token(
            metadata["token_endpoint"],
            authorization_response=link,
            code_verifier=own,
            state=state,
        )
    assert refused.value.error == "invalid_grant"


def test_the_face_says_nothing_secret_in_its_log(server, authlib, metadata):
    url, state = authlib.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER, state="SECRET-state-of-a-client"
    )
    link = walk(url)
    token = authlib.fetch_token(
        metadata["token_endpoint"],
        authorization_response=link,
        code_verifier=VERIFIER,
        state=state,
    )
    code = link.partition("code=")[2].partition("&")[0]
    printed = server.printed()
    secrets = [code, token["access_token"], token["refresh_token"], VERIFIER, "SECRET-state"]
    assert [secret for secret in secrets if secret in printed] == []
    assert "/oauth/<provider>/return" in printed
