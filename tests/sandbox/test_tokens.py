"""Codes, tokens and the person behind them, as TikTok's documentation has it."""

from __future__ import annotations

import re
import threading

import pytest

from tests.sandbox.phone import (
    BASE64URL,
    CALLBACK,
    FORM,
    HEX,
    KEY,
    LOOPBACK,
    MOMENT,
    SECRET,
    VERIFIER,
    answer_of,
)

EXPIRED = ("invalid_grant", "Authorization code is expired.")
MALFORMED = ("invalid_request", "The request parameters are malformed.")
MISMATCH = (
    "invalid_request",
    "Redirect_uri is not matched with the uri when requesting code.",
)
BAD_PROOF = ("invalid_request", "Code verifier or code challenge is invalid.")
NO_SECRET = ("invalid_request", "Client secret is missed in request.")
BAD_PAIR = ("invalid_client", "Client key or secret is incorrect.")


def refusal(response):
    assert "access_token" not in response.json
    return response.json["error"], response.json["error_description"]


def test_a_code_becomes_a_flat_answer_with_the_documented_fields(phone):
    answer = phone.redeem(phone.code(scope="user.info.basic,video.list")).json
    assert sorted(answer) == [
        "access_token",
        "expires_in",
        "open_id",
        "refresh_expires_in",
        "refresh_token",
        "scope",
        "token_type",
    ]
    assert answer["access_token"].startswith("act.")
    assert answer["refresh_token"].startswith("rft.")
    assert answer["scope"] == "user.info.basic,video.list"
    assert answer["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("profile", "access", "refresh"), [("2026", 7200, 15552000), ("legacy", 86400, 31536000)]
)
def test_lifetimes(make_phone, profile, access, refresh):
    answer = make_phone(lifetimes=profile).logged_in()
    assert (answer["expires_in"], answer["refresh_expires_in"]) == (access, refresh)


def test_tokens_are_not_kept_by_caches(phone):
    assert phone.redeem(phone.code()).headers["Cache-Control"] == "no-store"


def test_a_code_is_good_once(phone):
    code = phone.code()
    assert "access_token" in phone.redeem(code).json
    assert refusal(phone.redeem(code)) == EXPIRED


def test_eight_at_once_get_one_pair_of_tokens(phone):
    code, answers, gate = phone.code(), [], threading.Barrier(8)

    def run():
        gate.wait(10)
        answers.append(
            phone.http.application.test_client()
            .post(
                "/v2/oauth/token/",
                data={
                    "client_key": KEY,
                    "client_secret": SECRET,
                    "code": code,
                    "grant_type": "authorization_code",
                    "redirect_uri": CALLBACK,
                },
            )
            .json
        )

    runners = [threading.Thread(target=run) for _ in range(8)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(10)
    assert sorted("access_token" in answer for answer in answers) == [False] * 7 + [True]


def test_a_code_lives_ten_minutes(phone, clock):
    first, second = phone.code(), phone.code()
    clock.time = MOMENT + 599
    assert "access_token" in phone.redeem(first).json
    clock.time = MOMENT + 600
    assert refusal(phone.redeem(second)) == EXPIRED


@pytest.mark.parametrize("code", ["nothing", "a%2A0%216410"])
def test_an_unknown_or_encoded_code_is_called_expired(phone, code):
    assert refusal(phone.redeem(code)) == EXPIRED


def test_a_code_of_another_client_is_called_expired(phone):
    stolen = {"client_key": "other-key", "client_secret": "SECRET-of-the-other"}
    assert refusal(phone.redeem(phone.code(), **stolen)) == EXPIRED


@pytest.mark.parametrize(
    "uri", ["https://app.example.com/login-callback", CALLBACK + "?", CALLBACK.upper(), None]
)
def test_the_redirect_uri_is_compared_byte_for_byte(phone, uri):
    assert refusal(phone.redeem(phone.code(), redirect_uri=uri)) == MISMATCH


def test_a_failed_attempt_leaves_the_code_alone_unless_the_knob_says_otherwise(phone):
    code = phone.code()
    assert refusal(phone.redeem(code, redirect_uri="https://x.example/")) == MISMATCH
    assert "access_token" in phone.redeem(code).json
    phone.turn(burns="attempt")
    code = phone.code()
    assert refusal(phone.redeem(code, redirect_uri="https://x.example/")) == MISMATCH
    assert refusal(phone.redeem(code)) == EXPIRED


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ({"client_key": None}, MALFORMED),
        ({"client_key": None, "client_id": KEY}, MALFORMED),
        ({"client_secret": None}, NO_SECRET),
        ({"client_secret": ""}, NO_SECRET),
        ({"client_secret": "SECRET-of-somebody"}, BAD_PAIR),
        ({"client_key": "nobody"}, BAD_PAIR),
        ({"grant_type": None}, MALFORMED),
        ({"code": None}, MALFORMED),
    ],
)
def test_a_token_request_that_lacks_something(phone, form, answer):
    assert refusal(phone.redeem(**({"code": "x"} | form))) == answer


def test_an_unknown_grant_type(phone):
    assert phone.token(grant_type="password").json["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    "extra", [{"client_id": KEY}, {"token_type_hint": "x"}, {"code_verifier": VERIFIER}]
)
def test_strict_ignores_extra_parameters_as_tiktok_does(make_phone, extra):
    phone = make_phone(strict=True)
    assert "access_token" in phone.redeem(phone.code(), **extra).json


def test_a_json_body_is_malformed(phone):
    response = phone.http.post("/v2/oauth/token/", json={"client_key": KEY})
    assert refusal(response) == MALFORMED


def test_parameters_in_the_query_are_not_read(phone):
    query = {"client_key": KEY, "client_secret": SECRET, "grant_type": "client_credentials"}
    response = phone.http.post("/v2/oauth/token/", query_string=query, content_type=FORM)
    assert refusal(response) == MALFORMED


def test_a_charset_in_the_content_type_is_taken_by_default_and_refused_by_strict(make_phone):
    """teranetsrl/oauth2_client#204."""
    form = {"client_key": KEY, "client_secret": SECRET, "grant_type": "client_credentials"}
    charset = f"{FORM};charset=UTF-8"
    lenient, strict = (
        make_phone(strict=strict).http.post("/v2/oauth/token/", data=form, content_type=charset)
        for strict in (False, True)
    )
    assert lenient.json["access_token"].startswith("clt.")
    assert refusal(strict) == MALFORMED


def test_a_secret_in_the_header_is_taken_by_default_and_refused_by_strict(make_phone):
    form = {"client_key": KEY, "grant_type": "client_credentials"}
    lenient, strict = (
        make_phone(strict=strict).http.post(
            "/v2/oauth/token/", data=form, content_type=FORM, auth=(KEY, SECRET)
        )
        for strict in (False, True)
    )
    assert lenient.json["access_token"].startswith("clt.")
    assert refusal(strict) == NO_SECRET


@pytest.mark.parametrize(
    "path",
    [
        "/v2/oauth/token",
        "/v2/oauth/revoke",
        "/v2/oauth/get_qrcode",
        "/v2/oauth/check_qrcode",
        "/v2/oauth/token//",
    ],
)
def test_without_its_slash_a_path_is_not_found_and_not_redirected(phone, path):
    response = phone.http.post(path, data={}, content_type=FORM)
    assert response.status_code == 404
    assert "Location" not in response.headers


def test_a_log_id_is_fourteen_digits_of_time_and_twenty_of_chance(phone):
    """Documented example: 202206221854370101130062072500FFA2."""
    response = phone.token(grant_type="password")
    assert re.fullmatch("20220622185437[0-9A-F]{20}", response.json["log_id"])
    assert response.headers["X-Tt-Logid"] == response.json["log_id"]


def test_errors_come_with_200_unless_the_status_is_the_rfcs(make_phone):
    wrong = {"grant_type": "password", "client_secret": "SECRET-of-somebody"}
    assert make_phone().token(**wrong).status_code == 200
    assert make_phone(error_status="rfc").token(**wrong).status_code == 401
    assert make_phone(error_status="rfc").token(grant_type="password").status_code == 400


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        {"redirect_uri": LOOPBACK},
        {"device_platform": "android"},
        {"path": "/opensdk/oauth/"},
    ],
)
def test_the_hexadecimal_challenge_of_tiktoks_sdks_proves_the_verifier(make_phone, asked, strict):
    phone = make_phone(strict=strict)
    uri = asked.get("redirect_uri", CALLBACK)
    code = phone.code(code_challenge=HEX, **asked)
    assert refusal(phone.redeem(code, uri)) == BAD_PROOF
    assert refusal(phone.redeem(code, uri, code_verifier="x" * 43)) == BAD_PROOF
    assert "access_token" in phone.redeem(code, uri, code_verifier=VERIFIER).json


def test_the_rfcs_challenge_is_taken_by_default_and_refused_by_strict(make_phone):
    asked = {"redirect_uri": LOOPBACK, "code_challenge": BASE64URL}
    lenient, strict = make_phone(), make_phone(strict=True)
    proof = {"redirect_uri": LOOPBACK, "code_verifier": VERIFIER}
    assert "access_token" in lenient.redeem(lenient.code(**asked), **proof).json
    assert refusal(strict.redeem(strict.code(**asked), **proof)) == BAD_PROOF


def test_an_android_sdks_verifier_of_32_characters_is_long_enough(make_phone):
    """Its digest by ``printf %s aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | sha256sum``."""
    digest = "3ba3f5f43b92602683c19aee62a20342b084dd5971ddd33808d81a328879a547"
    phone = make_phone(strict=True)
    code = phone.code(device_platform="android", code_challenge=digest)
    assert "access_token" in phone.redeem(code, code_verifier="a" * 32).json


def test_the_web_keeps_a_challenge_and_does_not_enforce_it(phone):
    assert "access_token" in phone.redeem(phone.code(code_challenge=BASE64URL)).json


@pytest.mark.parametrize(
    ("knob", "challenge", "taken"),
    [
        ("either", HEX, True),
        ("either", BASE64URL, True),
        ("hex", BASE64URL, False),
        ("base64url", BASE64URL, True),
        ("base64url", HEX, False),
        ("off", "nonsense", True),
    ],
)
def test_the_pkce_knob_rules_everybody(phone, knob, challenge, taken):
    phone.turn(pkce=knob)
    answer = phone.redeem(phone.code(code_challenge=challenge), code_verifier=VERIFIER).json
    assert ("access_token" in answer) is taken


def test_a_refresh_brings_a_new_pair_and_kills_the_old_refresh_token_at_once(phone):
    """The refresh page of 2 November 2026: "Refresh tokens are rotated"."""
    first = phone.logged_in("user.info.basic,video.list")
    second = phone.refresh(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["scope"] == "user.info.basic,video.list"
    assert phone.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
    assert "access_token" in phone.refresh(second["refresh_token"]).json


def test_under_the_legacy_knob_a_refresh_token_may_stay(phone):
    phone.turn(rotation="maybe")
    first = phone.logged_in()
    second = phone.refresh(first["refresh_token"]).json
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]


def test_tokens_end_with_their_time(phone, clock):
    tokens = phone.logged_in()
    clock.time = MOMENT + 7199
    assert phone.user(tokens["access_token"]).status_code == 200
    clock.time = MOMENT + 7200
    assert phone.user(tokens["access_token"]).status_code == 401
    clock.time = MOMENT + 15552000
    assert phone.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_a_refresh_token_of_another_client_is_refused(phone):
    thief = {"client_key": "other-key", "client_secret": "SECRET-of-the-other"}
    answer = phone.refresh(phone.logged_in()["refresh_token"], **thief)
    assert answer.json["error"] == "invalid_grant"


def test_revoke_answers_empty_and_ends_the_whole_grant(phone):
    tokens, others = phone.logged_in(), phone.logged_in()
    response = phone.revoke(tokens["access_token"])
    assert (response.status_code, response.json) == (200, {})
    assert phone.user(tokens["access_token"]).status_code == 401
    assert phone.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert phone.user(others["access_token"]).status_code == 200


def test_revoke_refuses_what_is_not_a_living_access_token_of_this_client(phone):
    tokens = phone.logged_in()
    thief = {"client_key": "other-key", "client_secret": "SECRET-of-the-other"}
    assert phone.revoke("act.unknown").json["error"] == "invalid_request"
    assert phone.revoke(tokens["refresh_token"]).json["error"] == "invalid_request"
    assert phone.revoke(tokens["access_token"], **thief).json["error"] == "invalid_request"
    assert phone.user(tokens["access_token"]).status_code == 200


def test_the_apps_own_token_opens_no_person(phone):
    answer = phone.token(grant_type="client_credentials").json
    assert sorted(answer) == ["access_token", "expires_in", "token_type"]
    assert answer["access_token"].startswith("clt.")
    assert answer["expires_in"] == 7200
    assert phone.user(answer["access_token"]).status_code == 401


def test_user_info_has_its_own_envelope(phone):
    tokens = phone.logged_in()
    response = phone.user(tokens["access_token"], "open_id,display_name")
    assert response.json["data"] == {
        "user": {"open_id": tokens["open_id"], "display_name": "Sandy Box"}
    }
    error = response.json["error"]
    assert (error["code"], error["message"]) == ("ok", "")
    assert response.headers["X-Tt-Logid"] == error["log_id"]


@pytest.mark.parametrize(
    ("scope", "field"),
    [
        ("user.info.basic", "union_id"),
        ("user.info.basic", "avatar_url_100"),
        ("user.info.profile", "username"),
        ("user.info.profile", "is_verified"),
        ("user.info.stats", "video_count"),
    ],
)
def test_a_field_opens_with_its_scope_and_not_without(phone, scope, field):
    with_it, without = phone.logged_in(scope), phone.logged_in("video.list")
    assert list(phone.user(with_it["access_token"], field).json["data"]["user"]) == [field]
    refused = phone.user(without["access_token"], field)
    assert refused.status_code == 401
    assert refused.json["error"]["code"] == "scope_not_authorized"


def test_a_field_without_its_scope_may_be_dropped_in_silence(phone):
    phone.turn(field_without_scope="drop")
    answer = phone.user(phone.logged_in()["access_token"], "display_name,username").json
    assert answer["data"]["user"] == {"display_name": "Sandy Box"}


@pytest.mark.parametrize("fields", [None, "", "email", "open_id,email"])
def test_fields_are_required_and_known(phone, fields):
    response = phone.user(phone.logged_in()["access_token"], fields)
    assert response.status_code == 400
    assert response.json["error"]["code"] == "invalid_params"


@pytest.mark.parametrize("header", ["", "act.x", "Bearer act.x", "Basic eDp5"])
def test_user_info_wants_a_living_token(phone, header):
    response = phone.http.get("/v2/user/info/?fields=open_id", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json["error"]["code"] == "access_token_invalid"


def test_open_id_differs_between_apps_and_union_id_does_not(phone):
    other = {"client_key": "other-key", "client_secret": "SECRET-of-the-other"}
    mine = phone.logged_in()
    theirs = phone.redeem(phone.code(client_key="other-key"), **other).json
    assert mine["open_id"] != theirs["open_id"]
    mine, theirs = (
        phone.user(tokens["access_token"], "union_id").json["data"] for tokens in (mine, theirs)
    )
    assert mine == theirs


def test_the_601st_user_info_of_a_minute_is_too_many(phone, clock):
    phone.turn(user_info_per_minute=3)
    token = phone.logged_in()["access_token"]
    assert [phone.user(token).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert phone.user(token).json["error"]["code"] == "rate_limit_exceeded"
    clock.time += 60
    assert phone.user(token).status_code == 200


def test_a_scanned_code_walks_from_new_to_utilised(phone):
    form = {"client_key": KEY, "scope": "user.info.basic", "state": "st-1"}
    drawn = phone.http.post("/v2/oauth/get_qrcode/", data=form, content_type=FORM).json
    filled = drawn["scan_qrcode_url"].replace("tobefilled", "ticket-1")

    def poll():
        sent = {"client_key": KEY, "client_secret": SECRET, "token": drawn["token"]}
        return phone.http.post("/v2/oauth/check_qrcode/", data=sent, content_type=FORM)

    assert poll().json["status"] == "new"
    phone.http.post("/__sandbox__/scan", json={"address": filled})
    assert poll().json == {"client_ticket": "ticket-1", "status": "scanned"}
    phone.http.post("/__sandbox__/scan", json={"address": filled, "confirm": True})
    confirmed = poll().json
    assert (confirmed["status"], confirmed["state"]) == ("confirmed", "st-1")

    class Redirect:
        headers = {"Location": confirmed["redirect_uri"]}  # noqa: RUF012

    uri = confirmed["redirect_uri"].partition("?")[0]
    assert "access_token" in phone.redeem(answer_of(Redirect)["code"], uri).json
    assert poll().json["status"] == "utilised"


def test_an_unscanned_code_expires(phone, clock):
    form = {"client_key": KEY, "scope": "user.info.basic"}
    drawn = phone.http.post("/v2/oauth/get_qrcode/", data=form, content_type=FORM).json
    clock.time += 600
    sent = {"client_key": KEY, "client_secret": SECRET, "token": drawn["token"]}
    poll = phone.http.post("/v2/oauth/check_qrcode/", data=sent, content_type=FORM)
    assert poll.json["status"] == "expired"
