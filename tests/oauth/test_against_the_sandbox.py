"""Our client against a pretend TikTok that was written from TikTok's documentation, not from us."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from deeplink.errors import ProviderRefused, ProviderSilent, TooMany
from deeplink.oauth.exchange import Exchange
from deeplink.oauth.pkce import challenge
from deeplink.oauth.providers import TIKTOK, at_sandbox
from deeplink.oauth.request import (
    parse_code_request,
    parse_refresh_request,
    parse_revoke_request,
)
from deeplink.outbound import Outbound, Patience
from deeplink.sandbox.tiktok import create_sandbox
from deeplink.secret import Secret
from tests.listening import listening

VERIFIER = "SECRET-verifier-of-32-characters"
CALLBACK = "https://app.example.com/login-callback/"
QUICK = Patience(connect=2, silence=1, answer=1)


with_either_status = pytest.mark.parametrize("sandbox", ["200", "rfc"], indirect=True)


@pytest.fixture
def sandbox(root, request):
    """A strict sandbox that listens; gives its address."""
    app = create_sandbox(
        {"awkey": "SECRET-client"},
        [CALLBACK],
        auto=True,
        strict=True,
        error_status=getattr(request, "param", "200"),
        templates=root / "templates",
    )
    with listening(app) as url:
        yield url


@pytest.fixture
def exchange(sandbox, configured, no_memory):
    outbound = Outbound(4)

    def send(url, fields, *, insecure_loopback, patience):
        patience = min(patience, QUICK, key=lambda one: one.total)
        return outbound.send(url, fields, insecure_loopback=insecure_loopback, patience=patience)

    yield Exchange(configured(preset=at_sandbox(TIKTOK, sandbox), sandbox=True), send, no_memory)
    outbound.close()


@pytest.fixture
def log_in(sandbox, browser):
    """One login of the Android SDK's up to the link that opens the app."""

    def start(verifier=VERIFIER, encoding="hex"):
        query = {
            "client_key": "awkey",
            "response_type": "code",
            "scope": "user.info.basic",
            "redirect_uri": CALLBACK,
            "device_platform": "android",
            "code_challenge": challenge(verifier, encoding),
        }
        url = f"{sandbox}/v2/auth/authorize/?{urlencode(query)}"
        answer = browser.request("GET", url, redirect=False)
        return answer.headers["Location"]

    return start


@pytest.fixture
def order(sandbox, browser):
    def place(kind, **more):
        body = {"kind": kind, "endpoint": "token", "calls": 1} | more
        answer = browser.request("POST", f"{sandbox}/__sandbox__/mischief", json=body)
        assert answer.status < 300, answer.data

    return place


def code_request(exchange, link, verifier=VERIFIER):
    fields = {"redirect_url": link, "code_verifier": verifier}
    return parse_code_request(fields, exchange.provider)


@with_either_status
def test_a_login_goes_from_the_link_to_its_end(exchange, log_in):
    first = exchange.redeem(code_request(exchange, log_in())).fields
    assert first["access_token"].startswith("act.")
    assert (first["expires_in"], first["scope"]) == (7200, "user.info.basic")

    old = parse_refresh_request({"refresh_token": first["refresh_token"]}, exchange.provider)
    second = exchange.refresh(old).fields
    assert second["refresh_token"] != first["refresh_token"]
    with pytest.raises(ProviderRefused) as caught:
        exchange.refresh(old)
    assert caught.value.error == "invalid_grant"

    last = parse_revoke_request({"token": second["access_token"]}, exchange.provider)
    exchange.revoke(last)
    with pytest.raises(ProviderRefused, match="does not know this token"):
        exchange.revoke(last)


@with_either_status
def test_a_code_is_redeemed_once(exchange, log_in):
    asked = code_request(exchange, log_in())
    exchange.redeem(asked)
    with pytest.raises(ProviderRefused, match="was used before") as caught:
        exchange.redeem(asked)
    assert caught.value.error == "invalid_grant"
    assert len(caught.value.log_id) == 34


def test_a_code_cut_out_as_in_the_plugins_readme_is_redeemed(exchange, log_in):
    cut = log_in().removeprefix(f"{CALLBACK}?code=")
    fields = {"code": cut, "code_verifier": VERIFIER}
    asked = parse_code_request(fields, exchange.provider)
    assert [repair.code for repair in asked.warnings] == [
        "code_tail",
        "code_percent_encoded",
        "verifier_short",
    ]
    assert exchange.redeem(asked).fields["token_type"] == "Bearer"


@with_either_status
def test_a_stale_verifier_is_explained(exchange, log_in):
    with pytest.raises(ProviderRefused, match="one of this very login"):
        exchange.redeem(code_request(exchange, log_in(), "another-verifier-of-32-character"))


@with_either_status
def test_a_wrong_secret_is_not_the_apps_fault(exchange, log_in, configured):
    preset = exchange.provider.preset
    wrong = configured(preset=preset, sandbox=True, client_secret=Secret("SECRET-old"))
    asked = code_request(exchange, log_in())
    exchange.provider = wrong
    with pytest.raises(ProviderRefused, match="The app cannot mend this") as caught:
        exchange.redeem(asked)
    assert caught.value.error == "invalid_client"


def test_another_redirect_uri_is_explained_with_the_right_one(exchange, log_in, configured):
    asked = code_request(exchange, log_in())
    preset = exchange.provider.preset
    exchange.provider = configured(preset=preset, sandbox=True, redirect_uri=CALLBACK[:-1])
    with pytest.raises(ProviderRefused, match="trailing slash included"):
        exchange.redeem(asked)


@pytest.mark.parametrize(
    ("mischief", "expected"),
    [
        ({"kind": "server_error"}, "server_error"),
        ({"kind": "temporarily_unavailable"}, "temporarily_unavailable"),
        ({"kind": "trickle", "seconds": 4}, "temporarily_unavailable"),
        ({"kind": "timeout", "seconds": 3}, "temporarily_unavailable"),
        ({"kind": "malformed_json"}, "server_error"),
        ({"kind": "html"}, "server_error"),
        ({"kind": "empty"}, "server_error"),
        ({"kind": "redirect"}, "server_error"),
        ({"kind": "huge_body", "size": 1_000_000}, "server_error"),
        ({"kind": "gzip_bomb", "size": 10_000_000}, "server_error"),
        ({"kind": "drop"}, "temporarily_unavailable"),
        ({"kind": "drop_after_commit"}, "temporarily_unavailable"),
        ({"kind": "truncated"}, "temporarily_unavailable"),
        ({"kind": "duplicate_answer"}, "server_error"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
def test_s21_every_mischief_of_the_sandbox_ends_in_one_clear_error(
    exchange, log_in, order, mischief, expected
):
    asked = code_request(exchange, log_in())
    order(**mischief)
    with pytest.raises(ProviderSilent) as caught:
        exchange.redeem(asked)
    assert caught.value.error == expected


def test_s21_a_redirect_is_not_followed(exchange, log_in, order, sandbox, browser):
    asked = code_request(exchange, log_in())
    order("redirect")
    with pytest.raises(ProviderSilent):
        exchange.redeem(asked)
    calls = browser.request("GET", f"{sandbox}/__sandbox__/state").json()["calls"]
    assert (calls["token"], "followed" in calls) == (1, False)


def test_a_limit_of_the_providers_has_a_time(exchange, log_in, order):
    asked = code_request(exchange, log_in())
    order("rate_limit")
    with pytest.raises(TooMany) as caught:
        exchange.redeem(asked)
    assert caught.value.retry_after >= 1
