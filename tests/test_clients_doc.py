"""docs/clients.md: whatever is there to paste fits the config and the server that it describes."""

from __future__ import annotations

import re
import tomllib
from urllib.parse import urlsplit

import pytest

from deeplink import config
from deeplink.oauth.clients import Kind
from deeplink.web.wiring import create_app

#: Around the document's own lines, what it presupposes: the app and its callback.
AROUND = """
hosts = ["links.example.com"]

[apps.production.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = [
  "5D:0C:70:2B:7F:63:8B:3B:4D:7C:41:0E:22:27:95:8C:0B:7C:90:54:8E:F9:B1:7E:A3:7D:44:0A:62:CD:1E:91",
]

[[callbacks]]
path = "/login-callback/"
app = "production"
provider = "tiktok"

[providers.tiktok]
client_key = "awexamplekey00000"
client_secret = { env = "TIKTOK_CLIENT_SECRET" }
redirect_uri = "https://links.example.com/login-callback/"
"""

LIBRARIES = [
    "AppAuth for Android", "AppAuth for iOS", "react-native-app-auth", "flutter_appauth",
    "expo-auth-session", "Auth.js", "Authlib", "A plain web page", "oauth4webapi, openid-client",
]  # fmt: skip
NATIVE = LIBRARIES[:5]


@pytest.fixture(scope="module")
def document(root):
    return (root / "docs" / "clients.md").read_text("utf-8")


@pytest.fixture(scope="module")
def loaded(root, document, tmp_path_factory):
    """The config of the document, as the server reads it."""
    block = re.search(r"```toml\n(.*?)```", document, re.DOTALL)[1]
    (issuer, clients) = block.split("\n\n", 1)
    path = tmp_path_factory.mktemp("document") / "deeplink.toml"
    path.write_text(f"{issuer}\n{AROUND}\n{clients}", "utf-8")
    assert set(tomllib.loads(path.read_text("utf-8"))["clients"]) == {"shop", "website"}
    environ = {"TIKTOK_CLIENT_SECRET": "SECRET-of-tiktok"}
    return config.load(path, environ, well_known=root / "well_known")


@pytest.fixture(scope="module")
def addresses(loaded, root):
    """Every path of the standard face."""
    rules = create_app(loaded, root=root).url_map.iter_rules()
    return {
        rule.rule.replace("<provider>", "tiktok") for rule in rules if "<provider>" in rule.rule
    }


def section(document, heading):
    found = document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, heading
    return found


def codes(text):
    return re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)


def redirects(loaded):
    return {uri.uri: uri for client in loaded.clients.values() for uri in client.redirect_uris}


def test_the_config_of_the_document_has_the_kinds_it_speaks_of(loaded):
    kinds = {uri.uri: uri.kind for uri in redirects(loaded).values()}
    assert kinds == {
        "https://links.example.com/login-callback/": Kind.APP,
        "com.example.shop:/callback": Kind.SCHEME,
        "https://www.example.com/callback": Kind.WEB,
        "https://www.example.com/api/auth/callback/tiktok-face": Kind.WEB,
    }


@pytest.mark.parametrize("heading", LIBRARIES)
def test_every_address_is_one_of_the_servers(document, addresses, heading):
    found = re.findall(r"https://login\.example\.com[^\s'\"`)]*", section(document, heading))
    paths = {urlsplit(url).path for url in found}
    assert paths - addresses <= {"/oauth/tiktok"}  # the issuer
    assert paths or heading == "A plain web page"


@pytest.mark.parametrize("heading", LIBRARIES)
def test_every_redirect_uri_is_one_of_the_clients(document, loaded, heading):
    text = section(document, heading)
    pattern = r"https://(?:links|www)\.example\.com[^\s'\"`)]*|com\.example\.shop:[^\s'\"`)]*"
    assert set(re.findall(pattern, text)) <= set(redirects(loaded))


@pytest.mark.parametrize("heading", LIBRARIES)
def test_every_client_and_scope_is_in_the_config(document, loaded, heading):
    for code in codes(section(document, heading)):
        if "client" not in code.lower() and "AuthorizationRequest" not in code:
            continue
        named = re.findall(r"""(?<=['"])(?:shop|website)(?=['"])""", code)
        assert named, code
        for scope in re.findall(r"[a-z]+\.[a-z]+\.[a-z]+(?=['\"])", code):
            assert all(scope in loaded.clients[name].scopes for name in named), scope


@pytest.mark.parametrize("heading", NATIVE)
def test_what_was_not_run_says_so(document, heading):
    assert "\n*Not run here.*\n" in section(document, heading)
    assert "*Not run here.*" not in section(document, "Auth.js")


@pytest.mark.parametrize("heading", LIBRARIES[:-1])
def test_each_library_says_which_request_of_its_users_it_answers(document, heading):
    assert re.search(r"\*Answers:\* .{40}", section(document, heading))


def test_the_table_leads_to_every_library(document):
    table = section(document, "Which library, and what it answers")
    anchors = set(re.findall(r"\(#([\w-]+)\)", table))
    headings = {re.sub(r"[^\w -]", "", each).replace(" ", "-").lower() for each in LIBRARIES}
    assert anchors == headings


def test_the_examples_know_the_shipped_config(root):
    shipped = tomllib.loads((root / "config" / "deeplink.toml").read_text("utf-8"))
    demo = shipped["clients"]["demo"]
    page = (root / "docs" / "examples" / "web-login.html").read_text("utf-8")
    server = (root / "docs" / "examples" / "server_login.py").read_text("utf-8")
    assert 'CLIENT = "demo"' in page
    assert 'client_id="demo"' in server
    assert "http://127.0.0.1/web-login.html" in demo["redirect_uris"]
    assert "http://127.0.0.1:8080" in demo["origins"]
    assert "http://127.0.0.1/callback" in demo["redirect_uris"]
    assert "user.info.basic" in demo["scopes"]
