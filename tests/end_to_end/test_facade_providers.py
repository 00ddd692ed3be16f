"""The standard face in front of every provider that is on by default, by a library."""

from __future__ import annotations

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tests.end_to_end.conftest import free_port, running
from tests.end_to_end.test_facade_clients import CALLBACK, plain_http, walk
from tests.end_to_end.test_other_providers import CONFIG, ROW, VERIFIER

__all__ = ["plain_http"]

SCOPES = {"google": ["openid", "email"], "github": ["read:user"], "tiktok": ["user.info.basic"]}

CLIENT = """
[clients.{name}]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = {scopes}
providers = ["{name}"]
"""


@pytest.fixture(scope="module")
def faces(tmp_path_factory, root, sandbox):
    folder = tmp_path_factory.mktemp("faces")
    rows = [ROW.format(name=name, more="") for name in SCOPES]
    rows += [
        CLIENT.format(name=name, scopes=str(scopes).replace("'", '"'))
        for name, scopes in SCOPES.items()
    ]
    (folder / "deeplink.toml").write_text(CONFIG + "".join(rows), "utf-8")
    port = free_port()
    environ = {
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "DEEPLINK_CONFIG": str(folder / "deeplink.toml"),
        "DEEPLINK_SANDBOX_URL": sandbox.url,
    }
    arguments = ["gunicorn", "app:app", "--bind", f"127.0.0.1:{port}"]
    with running(arguments, port, folder / "log", root=root, environ=environ) as server:
        yield server


@pytest.mark.parametrize("name", SCOPES)
def test_a_library_logs_in_and_revokes(faces, name):
    issuer = f"{faces.url}/oauth/{name}"
    with OAuth2Session(
        name,
        scope=" ".join(SCOPES[name]),
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
    ) as client:
        client.trust_env = False
        url, state = client.create_authorization_url(f"{issuer}/authorize", code_verifier=VERIFIER)
        link = walk(url)
        proof = {"authorization_response": link, "state": state}
        token = client.fetch_token(f"{issuer}/token", code_verifier=VERIFIER, **proof)
        assert token["access_token"]
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.fetch_token(f"{issuer}/token", code_verifier=VERIFIER, **proof)
        if token.get("refresh_token"):
            fresh = client.refresh_token(f"{issuer}/token", refresh_token=token["refresh_token"])
            assert fresh["access_token"] != token["access_token"]
            token = fresh
        revoked = client.revoke_token(f"{issuer}/revoke", token=token["access_token"])
    assert revoked.status_code == 200
    assert "SECRET" not in faces.printed()
