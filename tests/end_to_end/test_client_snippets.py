"""What docs/clients.md tells people to paste, pasted: the texts of Auth.js and Authlib log in."""

from __future__ import annotations

import json
import re
import subprocess
from urllib.parse import urlsplit

import pytest
from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask

from tests.end_to_end.conftest import configured
from tests.end_to_end.test_facade_clients import NODE, node, plain_http, walk

__all__ = ["node", "plain_http"]

WEBSITE = "https://www.example.com"


@pytest.fixture(scope="module")
def document(root):
    return (root / "docs" / "clients.md").read_text("utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory, root, sandbox, document):
    """The shipped config with the website's client as the document has it."""
    folder = tmp_path_factory.mktemp("snippets")
    (client,) = re.findall(r"   \[clients\.website\]\n(?:   [^`\n]+\n)+", document)
    config = (root / "config" / "deeplink.toml").read_text("utf-8")
    with configured(folder, f"{config}\n{client}", root=root, sandbox=sandbox) as server:
        yield server


@pytest.fixture
def snippet(document, site, sandbox):
    """The code under a heading, for this machine's server and the pretend TikTok."""

    def find(heading):
        section = document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        code = re.search(r"```\w+\n(.*?)```", section, re.DOTALL)[1]
        code = code.replace("https://login.example.com", site.url)
        return code.replace("https://open.tiktokapis.com", sandbox.url)

    return find


def test_authjs_logs_in_with_the_text_of_the_document(node, snippet):
    done = subprocess.run(
        [node, "authjs.mjs", WEBSITE],
        cwd=NODE,
        input=snippet("Auth.js"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "link": f"{WEBSITE}/api/auth/callback/tiktok-face",
        "name": "Sandy Box",
        "denied": ["OAuthCallbackError", None],
    }


def test_authlib_logs_in_with_the_text_of_the_document(snippet):
    app = Flask("website")
    app.secret_key = "SECRET-of-the-website"
    oauth = OAuth(app)
    exec(snippet("Authlib"), {"oauth": oauth})  # noqa: S102 - our own document

    @app.get("/login")
    def login():
        return oauth.tiktok.authorize_redirect(f"{WEBSITE}/callback")

    @app.get("/callback")
    def callback():
        try:
            return oauth.tiktok.authorize_access_token()["scope"]
        except OAuthError as error:
            return error.error, 400

    browser = app.test_client()

    def log_in(decision):
        started = browser.get("/login", base_url=WEBSITE)
        arrived = urlsplit(walk(started.headers["Location"], decision))
        return browser.get(f"{arrived.path}?{arrived.query}", base_url=WEBSITE)

    assert log_in("allow").text == "user.info.basic"
    assert (log_in("access_denied").status_code, log_in("access_denied").text) == (
        400,
        "access_denied",
    )
