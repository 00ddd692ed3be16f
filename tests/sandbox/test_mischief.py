"""The bad days: each mischief as a client on the wire meets it."""

from __future__ import annotations

import json
import zlib

import pytest
import requests

from deeplink.sandbox.mischief import Queue, parse_mischief
from tests.sandbox.phone import CALLBACK, KEY, SECRET, question

FORM = {"client_key": KEY, "client_secret": SECRET, "grant_type": "client_credentials"}


@pytest.fixture
def wire(serve_sandbox):
    """A session with a sandbox that really listens."""
    with requests.Session() as session:
        session.trust_env = False
        session.base = serve_sandbox(auto=True)
        yield session


def order(wire, **mischief):
    answer = wire.post(f"{wire.base}/__sandbox__/mischief", json=mischief)
    assert answer.status_code == 200, answer.text


def token(wire, form=FORM):
    return wire.post(f"{wire.base}/v2/oauth/token/", data=form, timeout=5, allow_redirects=False)


def code_form(wire):
    address = wire.get(
        f"{wire.base}/v2/auth/authorize/", params=question(), allow_redirects=False
    ).headers["Location"]
    code = address.partition("code=")[2].partition("&")[0]
    return {
        "client_key": KEY,
        "client_secret": SECRET,
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": requests.utils.unquote(code),
    }


@pytest.mark.parametrize("kind", ["server_error", "temporarily_unavailable"])
def test_an_error_of_the_day_comes_as_tiktok_spells_it(phone, kind):
    phone.order(kind=kind, endpoint="token")
    response = phone.token(grant_type="client_credentials")
    assert (response.status_code, response.json["error"]) == (200, kind)
    assert "access_token" in phone.token(grant_type="client_credentials").json


def test_under_the_rfcs_statuses_they_are_5xx(make_phone):
    phone = make_phone(error_status="rfc")
    phone.order(kind="server_error")
    phone.order(kind="temporarily_unavailable")
    statuses = [phone.token(grant_type="client_credentials").status_code for _ in range(3)]
    assert statuses == [500, 503, 200]


def test_user_info_is_unwell_in_its_own_envelope(phone):
    phone.order(kind="server_error", endpoint="user_info")
    response = phone.user("act.x")
    assert (response.status_code, response.json["error"]["code"]) == (500, "internal_error")


def test_too_many_calls(phone):
    phone.order(kind="rate_limit")
    response = phone.token(grant_type="client_credentials")
    assert (response.status_code, response.json["error"]) == (429, "rate_limit_exceeded")


def test_an_order_holds_for_its_number_of_calls_of_its_endpoint(phone):
    phone.order(kind="empty", endpoint="token", calls=2)
    assert phone.user("act.x").status_code == 401
    bodies = [phone.token(grant_type="client_credentials").data for _ in range(3)]
    assert [body == b"" for body in bodies] == [True, True, False]


def test_orders_for_any_endpoint_leave_the_consent_page_alone(phone):
    phone.order(kind="html")
    assert phone.ask().status_code == 200
    assert phone.token(grant_type="client_credentials").status_code == 502


def test_a_late_answer_is_the_right_one(phone, clock):
    phone.order(kind="slow", seconds=7)
    assert "access_token" in phone.token(grant_type="client_credentials").json
    assert clock.slept == [7]


def test_half_a_json_object(phone):
    phone.order(kind="malformed_json")
    response = phone.token(grant_type="client_credentials")
    assert response.mimetype == "application/json"
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.data)


def test_a_redirect_counts_who_follows_it(phone):
    phone.order(kind="redirect")
    response = phone.token(grant_type="client_credentials")
    assert (response.status_code, response.headers["Location"]) == (302, "/__sandbox__/followed")
    phone.http.get("/__sandbox__/followed")
    assert phone.state()["calls"]["followed"] == 1


def test_a_huge_body_is_as_huge_as_ordered(wire):
    order(wire, kind="huge_body", size=3_000_000)
    assert len(token(wire).content) == 3_000_000


def test_a_gzip_bomb_is_small_on_the_wire(wire):
    order(wire, kind="gzip_bomb", size=20_000_000)
    response = wire.post(f"{wire.base}/v2/oauth/token/", data=FORM, stream=True, timeout=5)
    packed = response.raw.read(decode_content=False)
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 100_000
    assert len(zlib.decompress(packed, 31)) == 20_000_000


@pytest.mark.parametrize(("kind", "is_done"), [("drop", False), ("drop_after_commit", True)])
def test_a_dropped_connection_has_used_the_code_up_or_not(wire, kind, is_done):
    form = code_form(wire)
    order(wire, kind=kind, endpoint="token")
    with pytest.raises(requests.ConnectionError):
        token(wire, form)
    assert ("error" in token(wire, form).json()) is is_done


@pytest.mark.parametrize("kind", ["html", "empty", "malformed_json"])
def test_any_mischief_can_be_played_after_the_work_was_done(phone, kind):
    code = phone.code()
    phone.order(kind=kind, endpoint="token", committed=True)
    phone.redeem(code)
    assert phone.redeem(code).json["error"] == "invalid_grant"


def test_no_answer_ends_with_a_closed_connection(wire):
    order(wire, kind="timeout", seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        token(wire)


def test_an_answer_is_cut_in_the_middle(wire):
    order(wire, kind="truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        token(wire)


def test_an_answer_comes_twice_in_one_body(phone):
    phone.order(kind="duplicate_answer")
    body = phone.token(grant_type="client_credentials").text
    assert body.count('"access_token"') == 2


def test_an_answer_trickles(phone, clock):
    phone.order(kind="trickle", seconds=30)
    response = phone.token(grant_type="client_credentials")
    assert response.json["token_type"] == "Bearer"
    assert sum(clock.slept) == pytest.approx(30)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({}, "kind is one of: server_error, "),
        ({"kind": ["drop"]}, "kind is one of: server_error, "),
        ({"kind": "drop", "endpoint": "tokn"}, "endpoint is one of: any, token, "),
        ({"kind": "drop", "calls": 0}, "calls lies between 1 and 10000"),
        ({"kind": "drop", "calls": True}, "calls is a number"),
        ({"kind": "slow", "seconds": -1}, "seconds lies between 0 and 3600"),
        ({"kind": "drop", "committed": 1}, "committed is true or false"),
        ({"kind": "drop", "time": 1}, "an order has only these keys: "),
        (["drop"], "an order is a JSON object such as "),
    ],
)
def test_a_wrong_order_is_answered_with_what_to_write(phone, order, says):
    response = phone.http.post("/__sandbox__/mischief", json=order)
    assert response.status_code == 400
    assert response.json["error"].startswith(says)


def test_an_order_must_be_json_so_that_no_foreign_page_can_send_one(phone):
    response = phone.http.post("/__sandbox__/mischief", data='{"kind":"drop"}')
    assert response.status_code == 400
    assert phone.state()["mischief"] == []


def test_orders_can_be_seen_and_forgotten(phone):
    phone.order(kind="slow", calls=3)
    assert phone.http.get("/__sandbox__/mischief").json == {
        "mischief": [
            {
                "kind": "slow",
                "endpoint": "any",
                "calls": 3,
                "committed": True,
                "seconds": 5,
                "size": 0,
            }
        ]
    }
    assert phone.http.delete("/__sandbox__/mischief").json["mischief"] == []


def test_orders_are_bounded():
    queue, order = Queue(), parse_mischief({"kind": "drop"})
    for _ in range(1000):
        queue.put(order)
    with pytest.raises(ValueError, match="no more than 1000 orders can wait"):
        queue.put(order)
