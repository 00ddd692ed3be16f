"""
The twenty problems that people report of TikTok's login, each walked into on purpose.

Through real gunicorn and the strict sandbox; ``docs/problems.md`` has a row for each, with the same
name, and what it promises there is what is asserted here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.parse

import pytest

from tests.end_to_end.conftest import free_port, running
from tests.end_to_end.test_login import VERIFIER, login, post

EXCHANGE = "/api/tiktok/exchange"
HEX = hashlib.sha256(VERIFIER.encode()).hexdigest()
PROBLEMS = {}


def problem(name):
    def keep(walk):
        PROBLEMS[name] = walk
        return walk

    return keep


def authorize(server, sandbox, **changes):
    query = {
        "client_key": "sandbox-client-key",
        "response_type": "code",
        "scope": "user.info.basic",
        "redirect_uri": f"{server.url}/login-callback/",
        "code_challenge": HEX,
    } | changes
    wanted = {name: value for name, value in query.items() if value is not None}
    return sandbox.request("GET", f"/v2/auth/authorize/?{urllib.parse.urlencode(wanted)}")


def code_of(link):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["code"][0]


def redeem(server, link, **more):
    return post(server, EXCHANGE, redirect_url=link, code_verifier=VERIFIER, **more)


def refused(answer, error, *parts, status=400):
    response, told = answer
    assert (response.status, told["error"]) == (status, error), told
    for part in parts:
        assert part in told["error_description"]


@problem("the browser shows the callback page, the app never opens")
def unverified(server, sandbox):
    phone = {"User-Agent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile"}
    target = login(server, sandbox).removeprefix(server.url)
    answer, page = server.request("GET", target, headers=phone)
    assert answer.status == 200
    assert re.search(rb'href="intent://127\.0\.0\.1[^"]+#Intent;scheme=https;package=', page)


@problem("redirect_uri differs, often by its slash")
def other_redirect_uri(server, sandbox):
    answer, _ = authorize(server, sandbox, redirect_uri=f"{server.url}/login-callback")
    slashless = answer.headers["Location"]
    refused(redeem(server, slashless), "invalid_request", "byte for byte, trailing slash included")
    sent = {"redirect_uri": f"{server.url}/login-callback"}
    named = post(server, EXCHANGE, code="a", code_verifier=VERIFIER, **sent)
    refused(named, "invalid_request", "differs in its trailing slash", "every byte")


@problem("Code verifier or code challenge is invalid")
def stale_verifier(server, sandbox):
    stale = "another-verifier-of-another-login-0123456789"
    link = login(server, sandbox)
    answer = post(server, EXCHANGE, redirect_url=link, code_verifier=stale)
    refused(answer, "invalid_request", "one of this very login", "hexadecimal", "not base64url")
    told = post(server, EXCHANGE, redirect_url=link, code_verifier=stale, code_challenge=HEX)
    refused(told, "invalid_request", "it is of another login")
    assert redeem(server, link)[0].status == 200


@problem("code_challenge is demanded on TikTok's page")
def no_challenge(server, sandbox):
    answer, page = authorize(server, sandbox, code_challenge=None)
    assert (answer.status, b"code_challenge" in page) == (400, True)


@problem("the verifier was lost, or the plugin returns none")
def no_verifier(server, sandbox):
    answer = post(server, EXCHANGE, redirect_url=login(server, sandbox))
    refused(
        answer, "invalid_request", "code_verifier is missing", "react-native-tiktok from 2.1.16"
    )


@problem("the code is encoded twice, or has &scopes= behind it")
def mangled_code(server, sandbox):
    for mangle, repairs in (
        (lambda tail: tail, ["code_tail", "code_percent_encoded"]),
        (
            lambda tail: urllib.parse.quote(tail, safe=""),
            ["code_percent_encoded", "code_tail", "code_percent_encoded_twice"],
        ),
    ):
        tail = login(server, sandbox).partition("code=")[2]
        answer, told = post(server, EXCHANGE, code=mangle(tail), code_verifier=VERIFIER)
        assert answer.status == 200, told
        assert [warning["code"] for warning in told["warnings"]] == repairs


@problem("Authorization code is expired, at the first try")
def sent_twice(server, sandbox):
    link = login(server, sandbox)
    first, again = redeem(server, link), redeem(server, link)
    assert first[1] | {"request_id": 0} == again[1] | {"request_id": 0}
    answer = post(server, EXCHANGE, code="made-up*0!6410", code_verifier=VERIFIER)
    refused(answer, "invalid_grant", "was used before", "once, at once")


@problem("client_key or client_id")
def client_id(server, sandbox):
    answer = post(server, EXCHANGE, code="a", code_verifier=VERIFIER, client_id="x")
    refused(answer, "invalid_request", 'did you mean "client_key"')
    discovery, body = server.request("GET", "/.well-known/oauth-authorization-server/oauth/tiktok")
    assert (discovery.status, "S256" in str(json.loads(body))) == (200, True)


@problem("The request parameters are malformed")
def malformed(server, sandbox):
    """The strict sandbox refuses what TikTok does; ours passes, a generic library's does not."""
    _, told = sandbox.request(
        "POST",
        "/v2/oauth/token/",
        headers={"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
        body=b"client_key=sandbox-client-key",
    )
    assert json.loads(told)["error_description"] == "The request parameters are malformed."
    assert "a Content-Type with a parameter such as charset" in sandbox.printed()
    assert redeem(server, login(server, sandbox))[0].status == 200


@problem("the code is another TikTok product's")
def other_product(server, sandbox):
    answer = post(server, EXCHANGE, code="business-code", code_verifier=VERIFIER)
    refused(answer, "invalid_grant", "TikTok for Business or TikTok Shop")


@problem("the client key is refused: sandbox pair, half updated, not live")
def wrong_pair(server, sandbox, tmp_path, root):
    port = free_port()
    command = ["deeplink", "sandbox", "--port", str(port), "--client", "sandbox-client-key:other"]
    with running(command, port, tmp_path / "log", root=root) as other:
        environ = {**os.environ, "DEEPLINK_SANDBOX_URL": other.url}
        told = subprocess.run(
            [sys.executable, "-m", "deeplink", "check", "--online"],
            cwd=root, env=environ, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert told.returncode == 1
    assert "CHK010" in told.stdout
    assert "a sandbox there has a pair of its own" in told.stdout
    assert "sandbox-client-secret" not in told.stdout + told.stderr
    answer = post(server, EXCHANGE, code="a", code_verifier=VERIFIER, client_key="live")
    refused(answer, "invalid_request", "A sandbox and the live app have different ones")


@problem("App certificate does not match (10033)")
def certificate(server, sandbox):
    link = f"{server.url}/login-callback/?error=invalid_client&errCode=10033&state=x"
    refused(redeem(server, link), "unauthorized_client", "signing certificate", status=403)


@problem("invalid_scope, 10004, scope_not_authorized")
def scope(server, sandbox):
    link = f"{server.url}/login-callback/?error=invalid_scope&errCode=10004"
    refused(redeem(server, link), "invalid_scope", "a scope is not approved")
    answer, told = redeem(server, login(server, sandbox))
    assert (answer.status, told["scope"]) == (200, "user.info.basic")


@problem("an error that comes with status 200")
def error_at_200(server, sandbox):
    body = b"client_key=sandbox-client-key&client_secret=x&grant_type=refresh_token"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer, _ = sandbox.request("POST", "/v2/oauth/token/", headers=form, body=body)
    assert answer.status == 200
    response, told = post(server, "/api/tiktok/refresh", refresh_token="rft.unknown")
    assert (response.status, told["error"]) == (400, "invalid_grant")
    assert re.fullmatch(r"20\d{12}[0-9A-F]{20}", told["log_id"])


@problem("a refresh token is lost by rotation or by two refreshes at once")
def rotation(server, sandbox):
    _, tokens = redeem(server, login(server, sandbox))
    old = {"refresh_token": tokens["refresh_token"]}
    first, again = (post(server, "/api/tiktok/refresh", **old)[1] for _ in range(2))
    assert first | {"request_id": 0} == again | {"request_id": 0}
    assert first["refresh_token"] != tokens["refresh_token"]
    new = {"refresh_token": first["refresh_token"]}
    assert post(server, "/api/tiktok/refresh", **new)[0].status == 200
    answer = post(server, "/api/tiktok/refresh", **old)
    refused(answer, "invalid_grant", "was replaced; start the login again")


@problem("24 hours and 365 days are hard-coded")
def lifetimes(server, sandbox):
    _, tokens = redeem(server, login(server, sandbox))
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (7200, 15_552_000)


@problem("TikTok takes no localhost, and tunnels are a nuisance")
def localhost(server, sandbox):
    link = login(server, sandbox)
    assert link.startswith("http://127.0.0.1:")
    assert redeem(server, link)[0].status == 200


@problem("the file that proves who owns the domain is not found, or wrong")
def ownership(server, sandbox):
    """Byte for byte from well_known/ (tests/test_dropins.py); never made up for a stranger."""
    made_up = "/tiktok" + "a" * 32 + ".txt"
    assert server.request("GET", made_up)[0].status == 404


@problem("no e-mail, no profile, a picture that is gone")
def profile(server, sandbox):
    _, tokens = redeem(server, login(server, sandbox))
    assert "email" not in tokens
    assert tokens["open_id"]
    for fields, status in (("open_id,display_name", 200), ("username", 401)):
        answer, _ = sandbox.request(
            "GET",
            f"/v2/user/info/?fields={fields}",
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
        )
        assert answer.status == status


@problem("the secret is in the app, tokens are in addresses and logs")
def secret_in_the_app(server, sandbox):
    answer = post(server, EXCHANGE, code="a", code_verifier=VERIFIER, client_secret="SECRET-x")
    refused(answer, "invalid_request", "does not belong into an app", "make a new one")
    answer = post(server, f"{EXCHANGE}?code=SECRET-a", code_verifier=VERIFIER)
    refused(answer, "invalid_request", "stays in every log")
    _, tokens = redeem(server, login(server, sandbox))
    for secret in (VERIFIER, "SECRET-", tokens["access_token"], tokens["refresh_token"]):
        assert secret not in server.printed()


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_people_run_into_is_prevented_or_explained(name, server, sandbox, tmp_path, root):
    more = (tmp_path, root) if PROBLEMS[name] is wrong_pair else ()
    PROBLEMS[name](server, sandbox, *more)


def test_the_page_of_problems_has_a_row_for_each(root):
    page = (root / "docs" / "problems.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+?) \|", page, re.MULTILINE)
    assert [number for number, _ in rows] == [str(number) for number in range(1, 21)]
    assert [name.replace("`", "") for _, name in rows] == list(PROBLEMS)
