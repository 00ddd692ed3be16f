"""OAuth libraries that we did not write, through a whole login over real connections."""

from __future__ import annotations

import logging

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as Authlib
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

from tests.sandbox.phone import CALLBACK, HEX, KEY, LOOPBACK, SECRET, VERIFIER


def walk(url):
    """The browser's part: ask, be granted, and bring the redirect back."""
    return requests.get(url, allow_redirects=False, timeout=5).headers["Location"]


def user(base, token):
    response = requests.get(
        f"{base}/v2/user/info/?fields=display_name",
        headers={"Authorization": f"Bearer {token['access_token']}"},
        timeout=5,
    )
    return response.json()["data"].get("user", {}).get("display_name")


def authlib(redirect_uri, **switches):
    session = Authlib(
        KEY,
        SECRET,
        scope="user.info.basic,user.info.profile",
        redirect_uri=redirect_uri,
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="client_secret_post",
        **switches,
    )
    session.trust_env = False
    return session


@pytest.mark.parametrize("redirect_uri", [LOOPBACK, CALLBACK])
@pytest.mark.parametrize("pkce", [True, False])
def test_authlib_goes_all_the_way(serve_sandbox, redirect_uri, pkce):
    base = serve_sandbox(auto=True)
    method = {"code_challenge_method": "S256"} if pkce else {}
    proof = {"code_verifier": VERIFIER} if pkce else {}
    with authlib(redirect_uri, **method) as client:
        url, _ = client.create_authorization_url(
            f"{base}/v2/auth/authorize/", client_key=KEY, **proof
        )
        token = client.fetch_token(
            f"{base}/v2/oauth/token/", authorization_response=walk(url), client_key=KEY, **proof
        )
        assert user(base, token) == "Sandy Box"
        body = f"client_key={KEY}"
        fresh = client.refresh_token(
            f"{base}/v2/oauth/token/", refresh_token=token["refresh_token"], body=body
        )
        assert fresh["refresh_token"] != token["refresh_token"]
        revoked = client.revoke_token(
            f"{base}/v2/oauth/revoke/", token=fresh["access_token"], body=body
        )
    assert revoked.json() == {}
    assert user(base, fresh) is None


def test_strict_refuses_the_charset_that_authlib_adds(serve_sandbox):
    base = serve_sandbox(auto=True, strict=True, error_status="rfc")
    with authlib(CALLBACK) as client:
        url, _ = client.create_authorization_url(f"{base}/v2/auth/authorize", client_key=KEY)
        # Authlib's error has no useful type of its own across versions; its text has the code.
        with pytest.raises(Exception, match="invalid_request: The request parameters are malf"):
            client.fetch_token(
                f"{base}/v2/oauth/token/", authorization_response=walk(url), client_key=KEY
            )


@pytest.mark.parametrize("pkce", ["S256", None])
def test_requests_oauthlib_goes_as_far_as_it_can(serve_sandbox, monkeypatch, caplog, pkce):
    """It has no revoke, and cannot know that TikTok's scopes are joined by commas."""
    # The library writes whole request bodies, secret included, into its DEBUG log.
    caplog.set_level(logging.INFO, logger="requests_oauthlib")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    base = serve_sandbox(auto=True)
    with RequestsOAuthlib(
        KEY, scope=["user.info.basic"], redirect_uri=LOOPBACK, pkce=pkce
    ) as client:
        client.trust_env = False
        url, _ = client.authorization_url(f"{base}/v2/auth/authorize/", client_key=KEY)
        token = client.fetch_token(
            f"{base}/v2/oauth/token/",
            authorization_response=walk(url),
            include_client_id=True,
            client_secret=SECRET,
            client_key=KEY,
        )
        assert user(base, token) == "Sandy Box"
        old = token["refresh_token"]
        fresh = client.refresh_token(
            f"{base}/v2/oauth/token/", refresh_token=old, client_key=KEY, client_secret=SECRET
        )
    assert fresh["refresh_token"] != old
    assert user(base, fresh) == "Sandy Box"


def test_strict_lets_a_client_pass_that_speaks_tiktoks_dialect(serve_sandbox):
    base = serve_sandbox(auto=True, strict=True)
    url = requests.Request(
        "GET",
        f"{base}/v2/auth/authorize",
        params={
            "client_key": KEY,
            "response_type": "code",
            "scope": "user.info.basic",
            "redirect_uri": LOOPBACK,
            "code_challenge": HEX,
            "code_challenge_method": "S256",
        },
    ).prepare()
    code = walk(url.url).partition("code=")[2].partition("&")[0]
    form = {
        "client_key": KEY,
        "client_secret": SECRET,
        "grant_type": "authorization_code",
        "redirect_uri": LOOPBACK,
        "code": requests.utils.unquote(code),
        "code_verifier": VERIFIER,
    }
    token = requests.post(f"{base}/v2/oauth/token/", data=form, timeout=5).json()
    assert user(base, token) == "Sandy Box"
