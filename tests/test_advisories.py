"""One test per attack or duty we know of that has no room of its own; the number is its rule's."""

from __future__ import annotations

import ast

import pytest

from deeplink import config
from deeplink.errors import ConfigError
from deeplink.secret import Secret
from deeplink.web.wiring import create_app

PUBLIC = """
hosts = ["links.acme.com"]
home_url = "https://www.acme.com/"
admin_token = { env = "ADMIN_TOKEN" }
metrics_token = { env = "METRICS_TOKEN" }
[apps.shop]
[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = ["FINGERPRINT"]
[apps.shop.ios]
app_ids = ["Q7K2M9X4TB.com.acme.shop"]
[[callbacks]]
path = "/login-callback/"
app = "shop"
provider = "tiktok"
[providers.tiktok]
client_key = "awabcdefgh123456"
client_secret = SECRET_HERE
redirect_uri = "https://links.acme.com/login-callback/"
"""

FINGERPRINT = (
    "5D:0C:70:2B:7F:63:8B:3B:4D:7C:41:0E:22:27:95:8C:"
    "0B:7C:90:54:8E:F9:B1:7E:A3:7D:44:0A:62:CD:1E:91"
)

ENVIRON = {
    "TIKTOK_CLIENT_SECRET": "SECRET-tiktok-0123456789",
    "ADMIN_TOKEN": "SECRET-admin-0123456789",
    "METRICS_TOKEN": "SECRET-metrics-0123456789",
}


def write(folder, *, secret='{ env = "TIKTOK_CLIENT_SECRET" }', fingerprint=FINGERPRINT):
    path = folder / "deeplink.toml"
    text = PUBLIC.replace("SECRET_HERE", secret).replace("FINGERPRINT", fingerprint)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def client(tmp_path, root):
    loaded = config.load(write(tmp_path), ENVIRON)
    return create_app(loaded, root=root).test_client()


def ask(client, path, **headers):
    return client.get(path, base_url="https://links.acme.com", headers=headers)


def test_s7_public_hosts_insist_on_tls_also_on_error_pages(client):
    for path in ("/login-callback/", "/nowhere", "/login-callback/?code=%zz", "/healthz"):
        answer = ask(client, path)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_s13_the_readme_says_that_the_platforms_router_logs_the_query(root):
    readme = (root / "README.md").read_text("utf-8")
    assert "router writes request paths, query included" in readme


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example.com"},
        {"X-Forwarded-Proto": "http"},
        {"X-Forwarded-Uri": "/.well-known/other"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "host=evil.example.com;proto=http"},
    ],
)
def test_s30_no_forwarded_header_changes_an_answer(client, headers):
    plain = ask(client, "/login-callback/?code=a&state=b")
    spoofed = ask(client, "/login-callback/?code=a&state=b", **headers)
    assert spoofed.data == plain.data
    assert spoofed.status_code == plain.status_code == 200


def test_s30_a_host_that_is_not_in_the_config_gets_nothing(client):
    answer = client.get("/.well-known/assetlinks.json", base_url="https://evil.example.com")
    assert answer.status_code == 404
    assert b"evil" not in answer.data


@pytest.mark.parametrize(
    "fingerprint",
    [
        FINGERPRINT.lower(),
        FINGERPRINT.replace(":", ""),
        FINGERPRINT[:59],
        ":".join(["AA"] * 32),
        "YOUR_SHA256_FINGERPRINT",
    ],
    ids=["lower case", "no colons", "SHA-1", "placeholder", "template text"],
)
def test_s36_no_server_starts_with_a_fingerprint_that_no_phone_has(tmp_path, fingerprint):
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, fingerprint=fingerprint), ENVIRON)
    assert "apps.shop.android.sha256_cert_fingerprints[0]" in str(caught.value)


#: What these names hold is compared by ``hmac.compare_digest`` or ``Secret.equals``, never by ==.
GUARDED = {
    "binding", "challenge", "client_secret", "code_verifier", "mac", "password", "secret",
    "signature", "tag", "verifier",
}  # fmt: skip


def compared_in_the_open(source):
    """The lines that compare a secret, or what follows from one, as fast as the bytes differ."""
    lines = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.Module):
            continue
        revealed = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and reveals(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and any(
                isinstance(kind, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for kind in node.ops
            ):
                sides = [node.left, *node.comparators]
                # A constant of the source is no secret.
                if any(isinstance(side, ast.Constant) for side in sides):
                    continue
                if any(reveals(side) or named(side) & (GUARDED | revealed) for side in sides):
                    lines.append(ast.unparse(node))
    return lines


def reveals(node):
    return any(isinstance(part, ast.Attribute) and part.attr == "reveal" for part in ast.walk(node))


def named(node):
    if isinstance(node, ast.Name | ast.Attribute):
        return {node.id if isinstance(node, ast.Name) else node.attr}
    return set()


def test_s35_no_secret_is_compared_byte_by_byte(root):
    """By construction, as a measured time proves nothing on a shared machine."""
    rooms = ("oauth", "store", "web", "sandbox", "cli")
    paths = [path for room in rooms for path in sorted((root / "deeplink" / room).glob("*.py"))]
    for path in [*paths, *sorted((root / "deeplink").glob("[clms]*.py"))]:
        assert compared_in_the_open(path.read_text("utf-8")) == [], path


@pytest.mark.parametrize(
    "source",
    [
        "key.reveal() == shown",
        "def f(key):\n    text = key.reveal()\n    return sent != text",
        "shown in {key.reveal() for key in keys}",
        "record.tag == name.tag",
        "grant.challenge != challenge",
    ],
)
def test_s35_a_comparison_in_the_open_would_be_seen(source):
    assert compared_in_the_open(source)


def test_s35_all_app_keys_are_compared_whichever_fits(root):
    """The time must not tell that the first one was right."""
    source = (root / "deeplink" / "web" / "access.py").read_text("utf-8")
    [function] = [
        node for node in ast.walk(ast.parse(source)) if getattr(node, "name", "") == "_is_one_of"
    ]
    assert any(isinstance(node, ast.ListComp) for node in ast.walk(function))


def test_s41_a_secret_in_the_config_file_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, secret='"SECRET-in-the-file"'), ENVIRON)
    assert "client_secret" in str(caught.value)
    assert "SECRET-in-the-file" not in str(caught.value)


def test_s41_a_secret_does_not_print(tmp_path):
    loaded = config.load(write(tmp_path), ENVIRON)
    assert "SECRET-" not in repr(loaded)
    assert f"{Secret('SECRET-1')} {Secret('SECRET-1')!r}" == "••• •••"


def test_s42_health_and_the_front_door_show_strangers_nothing(client):
    assert set(ask(client, "/healthz").json) == {"status", "version"}
    assert ask(client, "/metrics").status_code == 401
    assert ask(client, "/").headers["Location"] == "https://www.acme.com/"
    assert ask(client, "/pretend-app/").status_code == 404


def test_s42_the_tokens_open_and_a_wrong_one_does_not(client):
    token = {"Authorization": f"Bearer {ENVIRON['METRICS_TOKEN']}"}
    assert b"deeplink_requests_total" in ask(client, "/metrics", **token).data
    assert ask(client, "/metrics", Authorization="Bearer wrong").status_code == 401
    page = ask(client, "/", Authorization=f"Bearer {ENVIRON['ADMIN_TOKEN']}")
    assert b"com.acme.shop" in page.data
    assert b"SECRET-" not in page.data
