"""Who gets through the door of the exchange, and what the others are told."""

from __future__ import annotations

import hashlib
import json
import logging
import threading

import pytest
from flask import Flask

from deeplink.errors import Busy, RequestRefused
from deeplink.limits import Limiter, Limits
from deeplink.oauth.answer import Result
from deeplink.oauth.providers import TIKTOK, Provider
from deeplink.rules.exchange import ExchangeRules
from deeplink.secret import Secret
from deeplink.web import exchange as web
from deeplink.web.access import Access, Seats
from deeplink.web.address import client_of

GOOD = {"code": "SECRET-code", "code_verifier": "SECRET-verifier-of-43-characters-aaaaaaaaaa"}
PAGE = "https://www.acme.com"


class Exchange:
    """Answers every request, and counts them; *while_asked* runs inside."""

    provider = Provider(
        key="tiktok",
        preset=TIKTOK,
        client_key="awkey",
        client_secret=Secret("SECRET-client"),
        redirect_uri="https://app.example.com/login-callback/",
        sandbox=False,
        apps=("shop", "staging"),
    )

    def __init__(self):
        self.calls, self.while_asked = 0, lambda: None

    def redeem(self, asked):
        self.calls += 1
        self.while_asked()
        return Result({"access_token": "act.SECRET-a"}, None)


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def open_door(exchange):
    """A client of an exchange with these rules: ``open_door(app_keys=…, per_address=3)``."""

    def start(*, origins=(), app_keys=(), threads=50, attest=None, **limits):
        keys = tuple(Secret(key) for key in app_keys)
        rules = ExchangeRules("memory", None, "verify", (), tuple(origins), keys, False)
        names = ("trusted_hops", "per_address", "per_app", "per_code", "to_provider")
        counted = Limits(**(dict.fromkeys(names, 0) | limits))
        limiter = Limiter(counted, lambda *parts: repr(parts).encode(), processes=1)
        access = Access(
            rules, limiter, trusted_hops=counted.trusted_hops, threads=threads, attest=attest
        )
        app = Flask("test")
        app.register_blueprint(web.blueprint({"tiktok": exchange}, access))
        return app.test_client()

    return start


def post(client, body=GOOD, *, address="192.0.2.1", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/api/tiktok/exchange",
        json=body,
        headers=named,
        environ_overrides={"REMOTE_ADDR": address},
    )


def preflight(client, origin=PAGE):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options("/api/tiktok/exchange", headers=headers)


def test_s32_without_a_list_no_page_of_another_origin_gets_in(open_door, exchange):
    client = open_door()
    answer = post(client, Origin=PAGE)
    assert (answer.status_code, answer.json["error"]) == (403, "unauthorized_client")
    assert "allowed_origins" in answer.json["error_description"]
    assert preflight(client).status_code == 405
    assert exchange.calls == 0
    for told in (answer, preflight(client), post(client)):
        assert not [name for name, _ in told.headers if name.startswith("Access-Control")]


def test_s32_a_listed_origin_gets_in_by_name_and_without_cookies(open_door):
    client = open_door(origins=[PAGE])
    asked, answer = preflight(client), post(client, Origin=PAGE)
    assert (asked.status_code, asked.data) == (204, b"")
    assert asked.headers["Access-Control-Allow-Methods"] == "POST"
    assert asked.headers["Access-Control-Allow-Headers"] == "Content-Type, X-App-Key"
    for told in (asked, answer):
        assert told.headers["Access-Control-Allow-Origin"] == PAGE
        assert "Access-Control-Allow-Credentials" not in told.headers
        assert "Origin" in told.headers["Vary"]
    assert answer.status_code == 200


def test_s32_a_page_can_read_why_it_was_refused(open_door):
    client = open_door(origins=[PAGE], per_address=1)
    post(client, Origin=PAGE)
    limited = post(client, Origin=PAGE)
    assert (limited.status_code, limited.headers["Access-Control-Allow-Origin"]) == (429, PAGE)
    assert limited.headers["Access-Control-Expose-Headers"] == "Retry-After"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://www.acme.com.evil.example",
        "https://evil.example/https://www.acme.com",
        "http://www.acme.com",
        "https://www.acme.com:8443",
        "https://WWW.ACME.COM",
        "*",
        "",
        "https://[",
    ],
)
def test_s32_an_origin_that_only_looks_like_a_listed_one_stays_out(open_door, exchange, origin):
    client = open_door(origins=[PAGE])
    answer = post(client, Origin=origin)
    assert answer.status_code == 403
    assert preflight(client, origin).status_code == 405
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert exchange.calls == 0


def test_this_servers_own_pages_need_no_entry(open_door):
    assert post(open_door(), Origin="https://localhost").status_code == 200


def test_an_answer_says_that_it_depends_on_the_origin_also_to_those_without_one(open_door):
    assert "Origin" in post(open_door(origins=[PAGE])).headers["Vary"]


KEYS = ["SECRET-app-key-of-version-2", "SECRET-app-key-of-version-1"]


@pytest.mark.parametrize("key", KEYS)
def test_each_of_several_app_keys_opens(open_door, key):
    assert post(open_door(app_keys=KEYS), X_App_Key=key).status_code == 200


@pytest.mark.parametrize("key", ["", "SECRET-app-key-of-version-", KEYS[0] + "x", "é"])
def test_s35_any_other_app_key_is_refused_alike(open_door, exchange, key):
    answer = post(open_door(app_keys=KEYS), X_App_Key=key)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.json["error_description"] == (
        "The header X-App-Key is missing or not one that this server knows."
    )
    assert exchange.calls == 0


def test_s31_one_address_is_limited_and_another_is_not(open_door):
    client = open_door(per_address=2)
    statuses = [post(client).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert post(client, address="192.0.2.2").status_code == 200


def test_s31_wrong_app_keys_count_so_that_nobody_tries_them_all(open_door):
    client = open_door(per_address=2, app_keys=KEYS)
    assert [post(client, X_App_Key="guess").status_code for _ in range(3)] == [401, 401, 429]


def test_s31_a_limited_answer_says_when_to_come_back(open_door):
    client = open_door(per_address=1)
    post(client)
    answer = post(client)
    assert answer.json["error"] == "temporarily_unavailable"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Cache-Control"] == "no-store"


def test_s31_one_code_is_limited_whoever_asks(open_door):
    client = open_door(per_code=2)
    answers = [post(client, address=f"192.0.2.{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert post(client, GOOD | {"code": "SECRET-other"}).status_code == 200


def test_s31_one_app_is_limited_and_another_is_not(open_door):
    client = open_door(per_app=1)
    assert [post(client, GOOD | {"app": "shop"}).status_code for _ in range(2)] == [200, 429]
    assert post(client, GOOD | {"app": "staging"}).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["X_Forwarded_For", "Forwarded", "X_Real_IP"],
)
def test_s30_a_forwarded_address_without_trusted_hops_turns_the_limit_off_and_says_so_once(
    open_door, caplog, header
):
    caplog.set_level(logging.WARNING)
    client = open_door(per_address=1)
    answers = [post(client, **{header: f"198.51.100.{number}"}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [record.fields["remedy"] for record in caplog.records] == [
        "set trusted_hops in [limits] to the number of proxies"
    ]
    assert "198.51.100" not in caplog.text


def test_s30_with_trusted_hops_what_a_client_makes_up_does_not_count(open_door):
    client = open_door(per_address=1, trusted_hops=1)
    made_up = [f"203.0.113.{number}, 198.51.100.7" for number in range(3)]
    assert [post(client, X_Forwarded_For=entry).status_code for entry in made_up] == [200, 429, 429]


@pytest.mark.parametrize(
    ("hops", "peer", "forwarded", "expected"),
    [
        (0, "192.0.2.7", None, "192.0.2.7"),
        (0, "192.0.2.7", "198.51.100.7", None),
        (0, "2001:db8:1:2:3::7", None, "2001:db8:1:2::/64"),
        (0, "::ffff:192.0.2.7", None, "192.0.2.7"),
        (0, "", None, None),
        (1, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "1.1.1.1,198.51.100.7", "198.51.100.7"),
        (2, "10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (2, "10.0.0.1", "198.51.100.7", "10.0.0.1"),
        (1, "10.0.0.1", None, None),
        (1, "10.0.0.1", "unknown", None),
        (1, "10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        (1, "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::/64"),
        (1, "10.0.0.1", "fe80::1%eth0", "fe80::/64"),
    ],
)
def test_s30_the_client_is_as_far_from_the_right_as_there_are_proxies(
    hops, peer, forwarded, expected
):
    environ = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    assert client_of(environ, hops) == expected


def test_the_last_twenty_threads_are_never_taken_by_exchanges():
    seats = Seats(50)
    for _ in range(30):
        seats.take()
    with pytest.raises(Busy):
        seats.take()
    seats.give_back()
    seats.take()


def test_nobody_gives_back_a_seat_that_nobody_took():
    with pytest.raises(ValueError, match="given back"):
        Seats(50).give_back()


def test_who_finds_no_seat_is_told_at_once_and_a_seat_is_given_back(open_door, exchange):
    client = open_door(threads=2)
    inside, may_go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        assert may_go_on.wait(timeout=10)

    exchange.while_asked = wait
    first = threading.Thread(target=post, args=(client,))
    first.start()
    assert inside.wait(timeout=10)
    answer = post(client)
    may_go_on.set()
    first.join(timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    exchange.while_asked = lambda: None
    assert [post(client).status_code for _ in range(5)] == [200] * 5


def test_a_refused_request_gives_its_seat_back(open_door):
    client = open_door(threads=2)
    assert {post(client, {}).status_code for _ in range(5)} == {400}
    assert {post(client, Origin="null").status_code for _ in range(5)} == {403}
    assert post(client).status_code == 200


def test_s33_the_hook_sees_headers_and_the_bodys_digest_before_anything_is_sent(
    open_door, exchange
):
    seen = []

    def attest(evidence):
        seen.append((evidence, exchange.calls))

    client = open_door(attest=attest)
    body = json.dumps(GOOD).encode()
    client.post(
        "/api/tiktok/exchange",
        data=body,
        content_type="application/json",
        headers={"X-Attestation": "abc"},
    )
    ((evidence, calls),) = seen
    assert (evidence.provider, evidence.verb, calls) == ("tiktok", "exchange", 0)
    assert evidence.headers["x-attestation"] == "abc"
    assert evidence.body_sha256 == hashlib.sha256(body).digest()


def test_s33_what_the_hook_refuses_goes_nowhere(open_door, exchange):
    def attest(evidence):
        raise RequestRefused("unauthorized_client", "The app could not prove that it is genuine.")

    answer = post(open_door(attest=attest))
    assert (answer.status_code, exchange.calls) == (403, 0)


def test_s33_a_hook_that_fails_fails_closed(open_door, exchange):
    def attest(evidence):
        raise KeyError("a fault of its own")

    client = open_door(attest=attest)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert post(client).status_code == 500
    assert exchange.calls == 0
