"""Behind the scenes: what is shown, what can be turned, who may come in, and what is logged."""

from __future__ import annotations

import logging

import pytest

from tests.sandbox.phone import CALLBACK, HEX, KEY, LOOPBACK, MOMENT


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8001",
        "127.8.9.10:1",
        "localhost",
        "LocalHost:8001",
        "tiktok.localhost:8001",
        "[::1]:8001",
    ],
)
def test_this_machine_may_come_in(phone, host):
    assert phone.http.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "tiktok.example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "notlocalhost",
        ".localhost",
        "128.0.0.1",
        "0.0.0.0",  # noqa: S104 - a Host that must be refused
        "192.168.1.5:8001",
        "[::2]",
        "127.0.0.1@example.com",
        "127.0.0.1, example.com",
        "127.1",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/v2/oauth/token/", "/nowhere"])
def test_everybody_else_gets_one_sentence(phone, host, path):
    response = phone.http.post(path, headers={"Host": host})
    assert response.status_code == 403
    assert response.text == (
        "The pretend TikTok answers only on this machine: 127.0.0.1, ::1 or localhost.\n"
    )


def test_the_front_page_names_the_clients_and_no_secret(phone):
    page = phone.http.get("/").text
    assert KEY in page
    assert "SECRET-" not in page


def test_the_scenes_count_and_show_no_code_token_or_secret(phone):
    code, tokens = phone.code(), phone.logged_in()
    state = phone.http.get("/__sandbox__/", headers={"Accept": "application/json"})
    assert state.json["live"] == {"codes": 1, "access_tokens": 1, "refresh_tokens": 1}
    assert state.json["calls"] == {"authorize": 2, "redirected:code": 2, "token": 1}
    page = phone.http.get("/__sandbox__/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert "<h1>Behind the scenes</h1>" in page.text
    for shown in (state.text, page.text):
        for hidden in (code, tokens["access_token"], tokens["refresh_token"], "SECRET-"):
            assert hidden not in shown


def test_the_clock_can_be_turned(phone):
    tokens = phone.logged_in()
    assert phone.http.post("/__sandbox__/clock", json={"offset": 7200}).status_code == 200
    assert phone.user(tokens["access_token"]).status_code == 401
    assert phone.state()["clock_offset"] == 7200
    assert phone.state()["live"]["access_tokens"] == 0


@pytest.mark.parametrize("body", [{}, {"offset": "1"}, {"offset": 1e12}, [], None])
def test_the_clock_refuses_nonsense(phone, body):
    assert phone.http.post("/__sandbox__/clock", json=body).status_code == 400


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"pkce": "plain"}, "pkce is one of: platform, either, hex, base64url, off"),
        ({"strict": "yes"}, "auto, strict and remembers are true or false"),
        ({"speed": 1}, "no knob of this name; there are: auto, strict, "),
        ({"user_info_per_minute": -1}, "user_info_per_minute is a whole number, 0 or more"),
        ([], 'send an object such as {"strict": true}'),
    ],
)
def test_a_wrong_knob_is_answered_with_what_to_write(phone, knobs, says):
    response = phone.http.post("/__sandbox__/knobs", json=knobs)
    assert response.status_code == 400
    assert response.json["error"].startswith(says)


def test_a_page_of_this_machine_may_read_the_user(phone):
    """The demo on port 8000 shows the name; its browser asks first because of the header."""
    origin = {"Origin": "http://127.0.0.1:8000"}
    asked = phone.http.options("/v2/user/info/", headers=origin)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:8000"
    assert asked.headers["Access-Control-Allow-Headers"] == "Authorization"
    answer = phone.user(phone.logged_in()["access_token"], Origin="http://127.0.0.1:8000")
    assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:8000"
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://[", ""]
)
def test_a_page_of_another_machine_may_not(phone, origin):
    answer = phone.http.options("/v2/user/info/", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v2/oauth/token/", "/__sandbox__/mischief", "/__sandbox__/"])
def test_no_page_may_read_anything_else(phone, path):
    for method in ("OPTIONS", "POST", "GET"):
        answer = phone.http.open(path, method=method, headers={"Origin": "http://127.0.0.1:8000"})
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_what_tiktok_would_refuse_is_said_once_per_kind(phone, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(3):
        phone.ask(redirect_uri=LOOPBACK)
    assert caplog.messages == [
        "TikTok would probably refuse this: a login of a desktop or mobile app without "
        "code_challenge; send the SHA-256 of the verifier in lower-case hexadecimal"
    ]


def test_a_request_without_fault_is_not_commented(make_phone, caplog):
    caplog.set_level(logging.DEBUG, logger="deeplink")
    phone = make_phone(strict=True)
    asked = {"redirect_uri": LOOPBACK, "code_challenge": HEX}
    assert phone.ask(**asked).status_code == 200
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x%2A0%216410", "refused: the code arrived percent-encoded"),
        ("x*0!6410&scopes=user.info.basic", "refused: the code has the rest of the redirect's"),
    ],
)
def test_a_mangled_code_is_explained_without_being_shown(phone, caplog, code, says):
    phone.redeem(code)
    assert caplog.messages[0].startswith(says)
    assert code not in caplog.text


def test_no_code_token_or_secret_is_ever_logged(phone, caplog):
    caplog.set_level(logging.DEBUG)
    code = phone.code()
    tokens = phone.redeem(code).json
    phone.redeem(code)
    phone.redeem(phone.code(), redirect_uri=CALLBACK.rstrip("/"))
    phone.refresh(tokens["refresh_token"])
    phone.refresh(tokens["refresh_token"])
    assert len(caplog.messages) == 3
    for hidden in (code, tokens["access_token"], tokens["refresh_token"], "SECRET-"):
        assert hidden not in caplog.text


def test_memory_is_bounded(phone, monkeypatch):
    import deeplink.sandbox.shelf

    monkeypatch.setattr(deeplink.sandbox.shelf, "LIMIT", 5)
    codes = [phone.code() for _ in range(7)]
    assert phone.state()["live"]["codes"] == 5
    assert phone.redeem(codes[0]).json["error"] == "invalid_grant"
    assert "access_token" in phone.redeem(codes[-1]).json


def test_two_sandboxes_in_one_process_share_nothing(make_phone):
    first, second = make_phone(), make_phone()
    first.turn(strict=True)
    code = first.code()
    assert second.state()["knobs"]["strict"] is False
    assert second.redeem(code).json["error"] == "invalid_grant"


def test_the_time_of_the_log_id_follows_the_clock(phone):
    phone.http.post("/__sandbox__/clock", json={"offset": 24 * 3600})
    assert MOMENT == 1655924077
    assert phone.token(grant_type="x").json["log_id"].startswith("20220623185437")
