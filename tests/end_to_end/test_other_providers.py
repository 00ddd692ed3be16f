"""A login with each of the other providers, through real gunicorn and the real sandbox."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from html import unescape

import pytest

from tests.end_to_end.conftest import free_port, running

VERIFIER = "SECRET-verifier-0123456789-0123456789-0123456789"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)

CONFIG = """
hosts = ["127.0.0.1"]

[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = [
  "5D:0C:70:2B:7F:63:8B:3B:4D:7C:41:0E:22:27:95:8C:0B:7C:90:54:8E:F9:B1:7E:A3:7D:44:0A:62:CD:1E:91",
]
"""

ROW = """
[[callbacks]]
path = "/{name}-callback/"
app = "shop"
provider = "{name}"

[providers.{name}]
sandbox = true
redirect_uri = "http://127.0.0.1:8000/{name}-callback/"
{more}
"""

PATHS = {
    "google": "/google/o/oauth2/v2/auth",
    "github": "/github/login/oauth/authorize",
    "apple": "/apple/auth/authorize",
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory, root, sandbox):
    folder = tmp_path_factory.mktemp("everybody")
    rows = [
        ROW.format(name=name, more="accept_code_without_pkce = true" if name == "apple" else "")
        for name in PATHS
    ]
    (folder / "deeplink.toml").write_text(CONFIG + "".join(rows), "utf-8")
    port = free_port()
    environ = {
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "LOG_LEVEL": "DEBUG",
        "DEEPLINK_CONFIG": str(folder / "deeplink.toml"),
        "DEEPLINK_SANDBOX_URL": sandbox.url,
    }
    arguments = ["gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", "--log-level", "debug"]
    with running(arguments, port, folder / "log", root=root, environ=environ) as server:
        yield server


def consent(server, sandbox, name):
    """The link or the form with which the browser comes back: method, target, body."""
    query = {
        "client_id": "sandbox-client-key",
        "response_type": "code",
        "redirect_uri": f"{server.url}/{name}-callback/",
        "state": "SECRET-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "response_mode": "form_post" if name == "apple" else "query",
    }
    answer, page = sandbox.request("GET", f"{PATHS[name]}?{urllib.parse.urlencode(query)}")
    if answer.status == 302:
        return "GET", answer.headers["Location"].removeprefix(server.url), None
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.decode())
    form = urllib.parse.urlencode([(key, unescape(value)) for key, value in pairs])
    return "POST", f"/{name}-callback/", form.encode()


@pytest.mark.parametrize("name", PATHS)
def test_a_login_goes_from_the_consent_by_the_page_to_the_tokens(everybody, sandbox, name):
    method, target, form = consent(everybody, sandbox, name)
    headers = {"User-Agent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer, page = everybody.request(method, target, headers=headers, body=form)
    assert answer.status == 200
    found = re.search(r'href="intent://127\.0\.0\.1(/[^"#]+)#Intent', page.decode())
    link = everybody.url + unescape(found[1])

    body = json.dumps({"redirect_url": link, "code_verifier": VERIFIER}).encode()
    answer, tokens = everybody.request(
        "POST",
        f"/api/{name}/exchange",
        headers={"Content-Type": "application/json"},
        body=body,
    )
    assert answer.status == 200, tokens
    assert json.loads(tokens)["access_token"]
    assert "SECRET" not in everybody.printed()
    assert json.loads(tokens)["access_token"] not in everybody.printed()
