"""The other pretend providers' dialects, each as its documentation has it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from deeplink.sandbox.tiktok import create_sandbox
from deeplink.sandbox.vendor_keys import default_signing_key
from deeplink.sandbox.vendors import VENDORS, Fault
from tests.sandbox.phone import CALLBACK, KEY, MOMENT, OTHER, SECRET, Clock

APP = "Iv23liTest"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOGLE, GITHUB, APPLE = "/google", "/github", "/apple"
AUTHORIZE = {
    GOOGLE: "/google/o/oauth2/v2/auth",
    GITHUB: "/github/login/oauth/authorize",
    APPLE: "/apple/auth/authorize",
}
TOKEN = {
    GOOGLE: "/google/token",
    GITHUB: "/github/login/oauth/access_token",
    APPLE: "/apple/auth/token",
}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(root, clock):
    def start(**switches):
        count = itertools.count(1)
        app = create_sandbox(
            {KEY: SECRET, APP: SECRET, **OTHER},
            [CALLBACK],
            templates=root / "templates",
            now=clock.now,
            sleep=clock.sleep,
            token=lambda size: next(count).to_bytes(size, "big"),
            **switches,
        )
        return app.test_client()

    return start


@pytest.fixture
def http(make):
    return make(auto=True)


def signed(now=MOMENT, **changes):
    claims = {
        "iss": "SANDBOX001",
        "sub": KEY,
        "aud": "https://appleid.apple.com",
        "iat": int(now),
        "exp": int(now) + 600,
    }
    headers = {"kid": "SANDBOXKEY"}
    return jwt.encode(claims | changes, default_signing_key(), algorithm="ES256", headers=headers)


def ask(http, at, **changes):
    query = {
        "client_id": KEY,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "state": "s 1",
    } | changes
    return http.get(AUTHORIZE[at], query_string=query)


def code_of(answer):
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def redeem(http, at, code, headers=None, **changes):
    form = {
        "client_id": KEY,
        "client_secret": signed() if at == APPLE else SECRET,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
    } | changes
    headers = {"Accept": "application/json"} if headers is None else headers
    return http.post(TOKEN[at], data=form, headers=headers)


def test_every_row_has_words_for_every_fault():
    for vendor in VENDORS:
        assert set(vendor.words) == set(Fault)


@pytest.mark.parametrize("at", [GOOGLE, GITHUB, APPLE])
def test_without_auto_a_person_decides(make, at):
    http = make()
    page = ask(http, at)
    assert (page.status_code, "Allow" in page.text) == (200, True)
    query = {"client_id": KEY, "response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
    denied = http.post(AUTHORIZE[at], query_string=query, data={"decision": "deny"})
    error = "user_cancelled_authorize" if at == APPLE else "access_denied"
    named = "&iss=https%3A%2F%2Faccounts.google.com" if at == GOOGLE else ""
    assert denied.headers["Location"] == f"{CALLBACK}?error={error}&state=s{named}"


@pytest.mark.parametrize("at", [GOOGLE, GITHUB, APPLE])
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"client_id": "nobody"}, "client_id"),
        ({"redirect_uri": "https://app.example.com/login-callback"}, "redirect_uri"),
        ({"response_type": "token"}, "response_type"),
        ({"response_mode": "fragment"}, "response_mode"),
        ({"code_challenge": "x", "code_challenge_method": "S512"}, "code_challenge_method"),
        ({"state": "s" * 2049}, "state"),
    ],
)
def test_a_request_that_is_wrong_goes_nowhere(http, at, change, fault):
    answer = ask(http, at, **change)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert f"<code>{fault}</code>" in answer.text


def test_apple_wants_form_post_for_name_and_email(http):
    assert "<code>response_mode</code>" in ask(http, APPLE, scope="email").text
    page = ask(http, APPLE, scope="name email", response_mode="form_post")
    assert f'<form class="card" method="post" action="{CALLBACK}">' in page.text
    assert '<input type="hidden" name="state" value="s 1">' in page.text


@pytest.mark.parametrize("at", [GOOGLE, GITHUB, APPLE])
def test_a_code_works_once_and_for_its_time(http, clock, at):
    code, late = code_of(ask(http, at)), code_of(ask(http, at))
    assert "access_token" in redeem(http, at, code).json
    assert "error" in redeem(http, at, code).json
    clock.time += 601
    secret = {"client_secret": signed(clock.time)} if at == APPLE else {}
    assert "error" in redeem(http, at, late, **secret).json


@pytest.mark.parametrize("at", [GOOGLE, GITHUB, APPLE])
def test_another_clients_code_is_no_code(http, at):
    other = {"client_id": "other-key", "client_secret": "SECRET-of-the-other"}
    if at == APPLE:
        other["client_secret"] = signed(sub="other-key")
    answer = redeem(http, at, code_of(ask(http, at)), **other)
    assert answer.json["error"] in ("invalid_grant", "bad_verification_code")


@pytest.mark.parametrize("at", [GOOGLE, GITHUB, APPLE])
def test_a_challenge_wants_its_verifier(http, at):
    proof = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = code_of(ask(http, at, **proof))
    assert "error" in redeem(http, at, code).json
    assert "error" in redeem(http, at, code, code_verifier="x" * 43).json
    assert "error" not in redeem(http, at, code, code_verifier=VERIFIER).json


def test_google_takes_a_plain_challenge_and_github_does_not(http):
    plain = {"code_challenge": VERIFIER, "code_challenge_method": "plain"}
    code = code_of(ask(http, GOOGLE, **plain))
    assert "access_token" in redeem(http, GOOGLE, code, code_verifier=VERIFIER).json
    assert "<code>code_challenge_method</code>" in ask(http, GITHUB, **plain).text


def test_google_answers_by_basic_as_well(http):
    pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    form = {
        "grant_type": "authorization_code",
        "code": code_of(ask(http, GOOGLE)),
        "redirect_uri": CALLBACK,
    }
    assert http.post(TOKEN[GOOGLE], data=form, headers=headers).json["token_type"] == "Bearer"
    assert http.post(TOKEN[APPLE], data=form, headers=headers).json == {"error": "invalid_client"}


def test_google_gives_a_refresh_token_once_unless_consent_is_asked_for_again(http):
    def refresh_token(**more):
        answer = redeem(http, GOOGLE, code_of(ask(http, GOOGLE, access_type="offline", **more)))
        return answer.json.get("refresh_token")

    assert refresh_token() is not None
    assert refresh_token() is None
    assert refresh_token(prompt="consent") is not None


def test_googles_id_token_comes_with_openid_and_echoes_the_nonce(http):
    bare = redeem(http, GOOGLE, code_of(ask(http, GOOGLE, scope="email"))).json
    assert "id_token" not in bare
    code = code_of(ask(http, GOOGLE, scope="openid email", nonce="n-1"))
    id_token = redeem(http, GOOGLE, code).json["id_token"]
    keys = jwt.PyJWKSet.from_dict(http.get("/google/oauth2/v3/certs").json)
    claims = jwt.decode(
        id_token,
        keys.keys[0],
        algorithms=["RS256"],
        audience=KEY,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["nonce"]) == ("https://accounts.google.com", "n-1")


def test_github_answers_a_form_unless_json_is_asked_for(http):
    answer = redeem(http, GITHUB, code_of(ask(http, GITHUB, scope="repo gist")), headers={})
    assert answer.mimetype == "application/x-www-form-urlencoded"
    assert answer.text.endswith("&token_type=bearer&scope=repo%2Cgist")


def test_githubs_errors_come_at_200(http):
    answer = redeem(http, GITHUB, "0123456789abcdef0123")
    assert (answer.status_code, answer.json) == (
        200,
        {
            "error": "bad_verification_code",
            "error_description": "The code passed is incorrect or expired.",
        },
    )


def test_github_ends_the_old_tokens_at_a_refresh(http):
    app = {"client_id": APP}
    first = redeem(http, GITHUB, code_of(ask(http, GITHUB, **app)), **app).json
    form = {
        "client_id": APP,
        "client_secret": SECRET,
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
    }
    second = http.post(TOKEN[GITHUB], data=form, headers={"Accept": "application/json"}).json
    who = [
        http.get("/github/user", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        for tokens in (first, second)
    ]
    assert [answer.status_code for answer in who] == [401, 200]


def test_github_deletes_a_token_for_its_own_client_only(http):
    token = redeem(http, GITHUB, code_of(ask(http, GITHUB))).json["access_token"]

    def delete(client_id, pair):
        basic = base64.b64encode(":".join(pair).encode()).decode()
        return http.delete(
            f"/github/applications/{client_id}/token",
            json={"access_token": token},
            headers={"Authorization": f"Basic {basic}"},
        ).status_code

    assert delete(KEY, (KEY, "SECRET-wrong")) == 401
    assert delete("other-key", (KEY, SECRET)) == 401
    assert delete("other-key", ("other-key", "SECRET-of-the-other")) == 422
    assert delete(KEY, (KEY, SECRET)) == 204
    assert delete(KEY, (KEY, SECRET)) == 422


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "SOMEBODY00"},
        {"sub": "other-key"},
        {"aud": "https://example.com"},
        {"iat": int(MOMENT) + 60},
        {"exp": int(MOMENT)},
        {"exp": int(MOMENT) + 15_777_001},
        {"iat": None},
        {"exp": "soon"},
    ],
)
def test_apple_reads_every_claim_of_the_signed_secret(http, change):
    code = code_of(ask(http, APPLE))
    # PyJWT refuses to encode some of these; its lower half does not.
    claims = jwt.decode(signed(), options={"verify_signature": False}) | change
    secret = jwt.api_jws.encode(
        json.dumps(claims).encode(),
        default_signing_key(),
        algorithm="ES256",
        headers={"kid": "SANDBOXKEY"},
    )
    answer = redeem(http, APPLE, code, client_secret=secret)
    assert (answer.status_code, answer.json) == (400, {"error": "invalid_client"})


@pytest.mark.parametrize("secret", ["", "a.b", "a.b.c", "!!!", SECRET, f"{signed()[:-4]}AAAA"])
def test_apple_takes_nothing_else_for_a_secret(http, secret):
    answer = redeem(http, APPLE, code_of(ask(http, APPLE)), client_secret=secret)
    assert answer.json == {"error": "invalid_client"}


def test_mischief_meets_the_other_providers_too(http):
    http.post("/__sandbox__/mischief", json={"kind": "server_error", "endpoint": "token"})
    answer = redeem(http, APPLE, code_of(ask(http, APPLE)))
    assert (answer.status_code, answer.json["error"]) == (500, "server_error")
    calls = http.get("/__sandbox__/state").json["calls"]
    assert (calls["apple:token"], calls["mischief:server_error"]) == (1, 1)


def test_the_default_key_is_the_same_on_every_machine():
    digest = hashlib.sha256(default_signing_key().encode()).hexdigest()
    assert digest == "914c8bc0b77a4a75b704397906d7849d44d39e123a839c6b4c6dc7fcf9404a15"
