"""The main job over real sockets: files, page, exchange, and what the logs say of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import urllib.parse

import pytest

VERIFIER = "SECRET-verifier-0123456789-0123456789-0123456789"
STATE = "SECRET-state-1"

FILES = [
    "/.well-known/assetlinks.json",
    "/.well-known/apple-app-site-association",
    "/apple-app-site-association",
]


def login(server, sandbox):
    """Consent at the sandbox as a phone's browser does, and give the link that comes back."""
    query = urllib.parse.urlencode(
        {
            "client_key": "sandbox-client-key",
            "response_type": "code",
            "scope": "user.info.basic",
            "redirect_uri": f"{server.url}/login-callback/",
            "state": STATE,
            "code_challenge": hashlib.sha256(VERIFIER.encode()).hexdigest(),
            "code_challenge_method": "S256",
        }
    )
    answer, _ = sandbox.request("GET", f"/v2/auth/authorize/?{query}")
    assert answer.status == 302, answer.status
    return answer.headers["Location"]


def post(server, path, **fields):
    answer, body = server.request(
        "POST",
        path,
        headers={"Content-Type": "application/json"},
        body=json.dumps(fields).encode(),
    )
    return answer, json.loads(body)


@pytest.mark.parametrize("path", FILES)
def test_the_association_files_come_at_once_and_whole(server, path):
    answer, body = server.request("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers
    json.loads(body)


@pytest.mark.parametrize("path", FILES)
def test_head_promises_what_get_gives(server, path):
    got, body = server.request("GET", path)
    head, nothing = server.request("HEAD", path)
    assert nothing == b""
    assert int(head.headers["Content-Length"]) == len(body)
    assert head.headers["ETag"] == got.headers["ETag"]


@pytest.mark.parametrize("path", FILES)
def test_an_etag_comes_back_as_304(server, path):
    got, _ = server.request("GET", path)
    again, body = server.request("GET", path, headers={"If-None-Match": got.headers["ETag"]})
    assert (again.status, body) == (304, b"")


def test_gzip_is_another_representation_with_its_own_etag(server):
    plain, text = server.request("GET", FILES[0])
    packed, body = server.request("GET", FILES[0], headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(body) == text
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "accept-encoding" in packed.headers["Vary"].lower()


@pytest.mark.parametrize("path", [*FILES, "/", "/login-callback/", "/invite/x"])
def test_an_unknown_host_gets_404(server, path):
    answer, _ = server.request("GET", path, host="stranger.example.com")
    assert answer.status == 404


def test_a_proxy_that_says_http_changes_nothing(server):
    got, body = server.request("GET", FILES[1])
    proxied, same = server.request("GET", FILES[1], headers={"X-Forwarded-Proto": "http"})
    assert (proxied.status, same) == (got.status, body)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_answers_any_host(server, path):
    answer, _ = server.request("GET", path, host="10.1.2.3")
    assert answer.status == 200


def test_a_login_ends_with_tokens(server, sandbox):
    link = login(server, sandbox)
    answer, tokens = post(server, "/api/tiktok/exchange", redirect_url=link, code_verifier=VERIFIER)
    assert answer.status == 200, tokens
    assert tokens["access_token"].startswith("act.")
    assert tokens["expires_in"] == 7200
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_refresh_gives_new_tokens_and_a_revocation_ends_them(server, sandbox):
    link = login(server, sandbox)
    _, first = post(server, "/api/tiktok/exchange", redirect_url=link, code_verifier=VERIFIER)
    answer, second = post(server, "/api/tiktok/refresh", refresh_token=first["refresh_token"])
    assert answer.status == 200, second
    assert second["refresh_token"] != first["refresh_token"]
    answer, _ = post(server, "/api/tiktok/revoke", token=second["access_token"])
    assert answer.status == 200
    asked, _ = sandbox.request(
        "GET",
        "/v2/user/info/?fields=open_id",
        headers={"Authorization": f"Bearer {second['access_token']}"},
    )
    assert asked.status == 401


def test_a_wrong_verifier_is_invalid_and_says_so_with_a_true_4xx(server, sandbox):
    link = login(server, sandbox)
    answer, refusal = post(
        server, "/api/tiktok/exchange", redirect_url=link, code_verifier="w" * 43
    )
    assert answer.status == 400
    assert refusal["error"] in ("invalid_grant", "invalid_request")
    assert re.fullmatch(r"[0-9a-f]{16}", refusal["request_id"])
    assert refusal["log_id"]


@pytest.mark.parametrize("path", ["/login-callback/", "/login-callback"])
def test_the_callback_page_is_served_in_both_forms(server, path):
    answer, body = server.request(
        "GET",
        f"{path}?code=abc%2A0%216410&state=s",
        headers={
            "User-Agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/140.0"
        },
    )
    assert answer.status == 200
    assert b"intent://" in body
    assert b"code=abc%2A0%216410&amp;state=s#Intent" in body


def test_a_head_that_gunicorn_refuses_prints_no_query(server):
    answer, _ = server.request("GET", "/login-callback/?code=SECRET-too-long" + "x" * 9000)
    assert answer.status in (400, 414)
    assert "SECRET-too-long" not in server.printed()


def test_the_log_has_a_line_a_request_and_no_secret(server, sandbox):
    link = login(server, sandbox)
    query = link.partition("?")[2]
    server.request("GET", f"/login-callback/?{query}", headers={"Referer": link})
    _, tokens = post(server, "/api/tiktok/exchange", redirect_url=link, code_verifier=VERIFIER)
    secrets = [
        "SECRET-",
        "sandbox-client-secret",
        tokens["access_token"],
        tokens["refresh_token"],
        urllib.parse.parse_qs(query)["code"][0],
        urllib.parse.quote(urllib.parse.parse_qs(query)["code"][0], safe=""),
    ]
    for printed in (server.printed(), sandbox.printed()):
        assert [secret for secret in secrets if secret in printed] == []
    lines = [json.loads(line) for line in server.printed().splitlines()]
    assert {"/login-callback/", "/api/<provider>/exchange"} <= {line.get("route") for line in lines}


def test_metrics_add_up_over_the_workers(server):
    before = _count(server)
    for _ in range(20):
        server.request("GET", "/healthz")
    assert _count(server) - before == 20


def test_exchanges_are_counted_by_outcome(server, sandbox):
    link = login(server, sandbox)
    post(server, "/api/tiktok/exchange", redirect_url=link, code_verifier="w" * 43)
    _, body = server.request("GET", "/metrics")
    assert b'operation="exchange",outcome="invalid_request",provider="tiktok"' in body


def _count(server):
    _, body = server.request("GET", "/metrics")
    match = re.search(
        rb'deeplink_requests_total\{method="GET",route="/healthz",status="200"\} ([0-9.]+)', body
    )
    return float(match[1]) if match else 0.0
