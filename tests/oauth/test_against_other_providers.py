"""Our client against pretend providers that were written from their documentation, not from us."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote, urlencode

import jwt
import pytest

from deeplink.errors import ProviderRefused, ProviderSilent, RequestRefused, TooMany
from deeplink.oauth.exchange import Exchange
from deeplink.oauth.pkce import challenge
from deeplink.oauth.providers import APPLE, GITHUB, GOOGLE, SigningKey, at_sandbox
from deeplink.oauth.request import (
    parse_code_request,
    parse_refresh_request,
    parse_revoke_request,
)
from deeplink.outbound import Outbound
from deeplink.sandbox.tiktok import create_sandbox
from deeplink.sandbox.vendor_keys import default_signing_key
from deeplink.secret import Secret
from tests.listening import listening

#: RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CALLBACK = "https://app.example.com/login-callback/"
#: A GitHub App's client id, whose tokens expire, and an OAuth app's.
CLIENTS = {"Iv23liTest": "SECRET-app", "Ov23liTest": "SECRET-client", "web": "SECRET-client"}

GITHUB_APP = {"preset": GITHUB, "client_key": "Iv23liTest", "client_secret": Secret("SECRET-app")}
OAUTH_APP = {"preset": GITHUB, "client_key": "Ov23liTest"}
AT_GOOGLE = {"preset": GOOGLE, "client_key": "web"}
AT_APPLE = {
    "preset": APPLE,
    "client_key": "web",
    "client_secret": Secret(default_signing_key()),
    "signing_key": SigningKey("SANDBOX001", "SANDBOXKEY"),
    "accept_code_without_pkce": True,
}
SCOPES = {"google": "openid email", "github": "read:user repo", "apple": "name email"}
ALL = [AT_GOOGLE, GITHUB_APP, OAUTH_APP, AT_APPLE]
IDS = ["google", "github app", "github oauth app", "apple"]
with_each = pytest.mark.parametrize("exchange", ALL, ids=IDS, indirect=True)


def with_one(which):
    return pytest.mark.parametrize("exchange", [which], ids=[""], indirect=True)


@pytest.fixture(scope="module")
def sandbox(root):
    app = create_sandbox(CLIENTS, [CALLBACK], auto=True, strict=True, templates=root / "templates")
    with listening(app) as url:
        yield url


@pytest.fixture
def exchange(request, sandbox, configured, no_memory):
    outbound = Outbound(4)
    changes = dict(request.param)
    changes["preset"] = at_sandbox(changes["preset"], sandbox)
    yield Exchange(configured(sandbox=True, **changes), outbound.send, no_memory)
    outbound.close()


@pytest.fixture
def log_in(exchange, browser):
    """One login as an app starts it, up to the link that opens the app."""

    def start(verifier=VERIFIER, redirect_uri=CALLBACK):
        provider = exchange.provider
        preset = provider.preset
        query = {
            "client_id": provider.client_key,
            "response_type": "code",
            "scope": SCOPES[preset.key],
            "redirect_uri": redirect_uri,
            "state": "s-1",
            **dict(preset.authorize_extra),
        }
        if verifier:
            query["code_challenge"] = challenge(verifier, preset.challenge_encoding)
            query["code_challenge_method"] = "S256"
        url = f"{preset.authorize_url}?{urlencode(query)}"
        answer = browser.request("GET", url, redirect=False)
        return answer.headers["Location"] if answer.status == 302 else posted(answer.data.decode())

    return start


def posted(page):
    """The form that the browser would send, as the callback page hands it on."""
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return f"{CALLBACK}?{urlencode([(name, unescape(value)) for name, value in pairs])}"


def redeem(exchange, link, verifier=VERIFIER):
    fields = {"redirect_url": link} | ({"code_verifier": verifier} if verifier else {})
    return exchange.redeem(parse_code_request(fields, exchange.provider)).fields


def refresh(exchange, token):
    asked = parse_refresh_request({"refresh_token": token}, exchange.provider)
    return exchange.refresh(asked).fields


def revoke(exchange, token, **more):
    exchange.revoke(parse_revoke_request({"token": token, **more}, exchange.provider))


@with_each
def test_a_code_becomes_tokens_once(exchange, log_in):
    link = log_in()
    assert redeem(exchange, link)["token_type"].lower() == "bearer"
    with pytest.raises(ProviderRefused) as again:
        redeem(exchange, link)
    assert again.value.error == "invalid_grant"


@with_one(AT_GOOGLE)
def test_s20_a_link_that_names_another_provider_is_refused(exchange, log_in):
    link = log_in()
    assert f"iss={quote(exchange.provider.preset.issuer, safe='')}" in link
    mixed_up = re.sub("iss=[^&]*", "iss=https%3A%2F%2Fattacker.example", link)
    with pytest.raises(RequestRefused, match="another provider's"):
        redeem(exchange, mixed_up)
    assert redeem(exchange, link)["access_token"]


@with_each
def test_a_wrong_verifier_is_refused_and_does_not_use_the_code_up(exchange, log_in):
    link = log_in()
    with pytest.raises(ProviderRefused) as refused:
        redeem(exchange, link, "another-verifier-of-more-than-43-characters")
    assert refused.value.error == "invalid_grant"
    assert redeem(exchange, link)["access_token"]


@with_each
def test_a_wrong_secret_is_not_the_apps_fault(exchange, log_in, configured):
    link = log_in()
    old = exchange.provider
    exchange.provider = configured(
        sandbox=True,
        preset=old.preset,
        client_key=old.client_key,
        client_secret=old.client_secret if old.signing_key else Secret("SECRET-old"),
        signing_key=old.signing_key and SigningKey("SOMEBODY00", "SANDBOXKEY"),
        accept_code_without_pkce=True,
    )
    with pytest.raises(ProviderRefused, match="app cannot mend this") as refused:
        redeem(exchange, link)
    assert refused.value.error == "invalid_client"


@pytest.mark.parametrize(
    ("exchange", "error"),
    [(AT_GOOGLE, "invalid_request"), (OAUTH_APP, "invalid_request"), (AT_APPLE, "invalid_client")],
    ids=["google", "github", "apple"],
    indirect=["exchange"],
)
def test_another_redirect_uri_is_explained_with_the_right_one(exchange, log_in, configured, error):
    code = log_in().partition("code=")[2].partition("&")[0]
    old, other = exchange.provider, "https://app.example.com/other/"
    exchange.provider = configured(
        sandbox=True,
        preset=old.preset,
        client_key=old.client_key,
        client_secret=old.client_secret,
        signing_key=old.signing_key,
        accept_code_without_pkce=True,
        redirect_uri=other,
    )
    fields = {"code": code, "code_verifier": VERIFIER}
    with pytest.raises(ProviderRefused, match=other) as refused:
        exchange.redeem(parse_code_request(fields, exchange.provider))
    assert refused.value.error == error


# ---------------------------------------------------------------------------------- Google


@with_one(AT_GOOGLE)
def test_google_gives_an_id_token_and_a_refresh_token_that_stays(exchange, log_in):
    first = redeem(exchange, log_in())
    assert (first["expires_in"], first["scope"]) == (3599, "openid email")
    claims = jwt.decode(first["id_token"], options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == ("https://accounts.google.com", "web")
    for _ in range(2):
        again = refresh(exchange, first["refresh_token"])
        assert "refresh_token" not in again
        assert again["access_token"] != first["access_token"]


@with_one(AT_GOOGLE)
def test_googles_code_with_its_slash_is_redeemed_as_the_link_has_it(exchange, log_in):
    """4%2F0A… is the trap: a code that is sent on undecoded is "Malformed auth code."."""
    cut = log_in().removeprefix(f"{CALLBACK}?code=").partition("&")[0]
    assert cut.startswith("4%2F0A")
    fields = {"code": cut, "code_verifier": VERIFIER}
    asked = parse_code_request(fields, exchange.provider)
    assert [repair.code for repair in asked.warnings] == ["code_percent_encoded"]
    assert exchange.redeem(asked).fields["access_token"].startswith("ya29.")


@with_one(AT_GOOGLE)
def test_google_refuses_a_verifier_for_a_login_without_challenge(exchange, log_in):
    """So nobody who stole such a code can invent one."""
    with pytest.raises(ProviderRefused, match="without a code_challenge"):
        redeem(exchange, log_in(verifier=None))


@with_one(AT_GOOGLE)
def test_google_wants_no_credentials_to_revoke_and_ends_the_whole_login(exchange, log_in):
    tokens = redeem(exchange, log_in())
    revoke(exchange, tokens["access_token"])
    with pytest.raises(ProviderRefused) as dead:
        refresh(exchange, tokens["refresh_token"])
    assert dead.value.error == "invalid_grant"
    with pytest.raises(ProviderRefused, match="revoke its refresh token") as gone:
        revoke(exchange, tokens["access_token"])
    assert gone.value.error == "invalid_request"


@with_one(AT_GOOGLE)
def test_a_verifier_of_tiktoks_length_is_refused_before_google_does(exchange):
    fields = {"code": "4/0Aabc", "code_verifier": "a" * 32}
    with pytest.raises(RequestRefused, match="43 to 128"):
        parse_code_request(fields, exchange.provider)


# ---------------------------------------------------------------------------------- GitHub


@with_one(OAUTH_APP)
def test_an_oauth_apps_token_has_no_end_and_no_successor(exchange, log_in):
    tokens = redeem(exchange, log_in())
    assert sorted(tokens) == ["access_token", "scope", "token_type"]
    assert tokens["scope"] == "read:user,repo"


@with_one(GITHUB_APP)
def test_a_github_apps_refresh_token_rotates(exchange, log_in):
    first = redeem(exchange, log_in())
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (28800, 15897600)
    second = refresh(exchange, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    with pytest.raises(ProviderRefused, match="each refresh gives a new one") as dead:
        refresh(exchange, first["refresh_token"])
    assert dead.value.error == "invalid_grant"


@with_one(OAUTH_APP)
def test_github_revokes_by_delete_with_basic(exchange, log_in):
    token = redeem(exchange, log_in())["access_token"]
    revoke(exchange, token)
    with pytest.raises(ProviderRefused, match="does not know this token") as gone:
        revoke(exchange, token)
    assert gone.value.error == "invalid_request"


@with_one(OAUTH_APP)
def test_githubs_own_words_are_answered_as_rfc_6749_has_them(exchange):
    fields = {"code": "0123456789abcdef0123", "code_verifier": VERIFIER}
    with pytest.raises(ProviderRefused, match="after 10 minutes") as refused:
        exchange.redeem(parse_code_request(fields, exchange.provider))
    assert refused.value.error == "invalid_grant"


# ----------------------------------------------------------------------------------- Apple


@with_one(AT_APPLE)
def test_apple_takes_the_signed_secret_and_the_answer_of_a_form_post(exchange, log_in):
    tokens = redeem(exchange, log_in())
    assert sorted(tokens) == [
        "access_token",
        "expires_in",
        "id_token",
        "refresh_token",
        "token_type",
    ]
    again = refresh(exchange, tokens["refresh_token"])
    assert sorted(again) == ["access_token", "expires_in", "token_type"]


@with_one(AT_APPLE)
def test_a_login_without_challenge_needs_no_verifier_where_that_is_accepted(exchange, log_in):
    assert redeem(exchange, log_in(verifier=None), verifier=None)["id_token"]


@with_one(AT_APPLE | {"accept_code_without_pkce": False})
def test_apples_codes_are_not_redeemed_unless_the_config_accepts_it(exchange, log_in):
    with pytest.raises(RequestRefused, match="accept_code_without_pkce") as refused:
        redeem(exchange, log_in())
    assert refused.value.error == "unauthorized_client"


@with_one(AT_APPLE)
def test_apple_revokes_either_token_by_its_hint_and_never_complains(exchange, log_in):
    tokens = redeem(exchange, log_in())
    revoke(exchange, tokens["refresh_token"], token_type_hint="refresh_token")
    with pytest.raises(ProviderRefused, match="has to log in again") as dead:
        refresh(exchange, tokens["refresh_token"])
    assert dead.value.error == "invalid_grant"
    revoke(exchange, tokens["refresh_token"], token_type_hint="refresh_token")


@pytest.mark.parametrize(
    ("preset", "hint", "sent"),
    [
        (APPLE, "refresh_token", ["client_id", "client_secret", "token", "token_type_hint"]),
        (APPLE, "id_token", ["client_id", "client_secret", "token"]),
        (APPLE, None, ["client_id", "client_secret", "token"]),
        (GOOGLE, "refresh_token", ["token"]),
    ],
)
def test_the_hint_goes_where_it_is_read(play, preset, hint, sent):
    exchange, upstream = play((200, b""), **{**AT_APPLE, "preset": preset})
    revoke(exchange, "t-1", token_type_hint=hint)
    (_, fields, _, _) = upstream.calls[0]
    assert [name for name, _ in fields] == sent


# ------------------------------------------------------------------------------ bad days


@with_each
@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("server_error", ProviderSilent),
        ("html", ProviderSilent),
        ("redirect", ProviderSilent),
        ("drop_after_commit", ProviderSilent),
        ("rate_limit", TooMany),
    ],
)
def test_a_providers_bad_day_ends_in_one_clear_error(
    exchange, log_in, browser, sandbox, kind, refusal
):
    link = log_in()
    order = {"kind": kind, "endpoint": "token", "calls": 1}
    assert browser.request("POST", f"{sandbox}/__sandbox__/mischief", json=order).status == 200
    with pytest.raises(refusal):
        redeem(exchange, link)
