"""The exchange over HTTP: what an app may send, and what every answer looks like."""

from __future__ import annotations

import io
import json
import logging

import pytest
from flask import Flask

from deeplink.errors import Busy, ConfigError, DeeplinkError, LoginError, StoreUnavailable
from deeplink.limits import Limiter, Limits
from deeplink.oauth.exchange import Exchange
from deeplink.oauth.providers import TIKTOK, Provider
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Vault
from deeplink.outbound import Fault, Reply, Unanswered
from deeplink.rules.exchange import ExchangeRules
from deeplink.secret import Secret
from deeplink.store.memory import MemoryStore
from deeplink.web import exchange as web
from deeplink.web.access import Access

VERIFIER = "SECRET-verifier-of-43-characters-aaaaaaaaaa"
LOG_ID = "202206221854370101130062072500FFA2"
TOKENS = {
    "access_token": "act.SECRET-a",
    "expires_in": 7200,
    "refresh_token": "rft.SECRET-r",
    "token_type": "Bearer",
}
GOOD = {"code": "SECRET-code*0!6410", "code_verifier": VERIFIER}


@pytest.fixture
def upstream():
    """The next answer of the provider, to be changed by a test; it counts its calls."""

    class Upstream:
        answer, calls = (200, TOKENS), 0

        def __call__(self, url, fields, *, insecure_loopback, patience):
            self.calls += 1
            if isinstance(self.answer, Exception):
                raise self.answer
            status, body = self.answer
            return Reply(status, {}, json.dumps(body).encode())

    return Upstream()


OPEN = ExchangeRules("memory", None, "verify", (), (), (), False)
UNLIMITED = Limits(0, 0, 0, 0, 0)
KEYS = build_keys([Secret("SECRET-server-key" + "k" * 32)], instead=())


def api_over(exchanges, *, rules=OPEN, limits=UNLIMITED, threads=50, attest=None):
    """An app with nothing but the exchange, and these rules."""
    limiter = Limiter(limits, KEYS[0].name, processes=1)
    access = Access(
        rules, limiter, trusted_hops=limits.trusted_hops, threads=threads, attest=attest
    )
    app = Flask("test")
    app.register_blueprint(web.blueprint(exchanges, access))
    return app.test_client()


@pytest.fixture
def client(upstream):
    return api_over({"tiktok": exchange_with(upstream)})


def exchange_with(upstream):
    provider = Provider(
        key="tiktok",
        preset=TIKTOK,
        client_key="awkey",
        client_secret=Secret("SECRET-client"),
        redirect_uri="https://app.example.com/login-callback/",
        sandbox=False,
    )
    vault = Vault(MemoryStore(), KEYS, deadline=10, threads=20)
    return Exchange(provider, upstream, vault)


def post(client, body=GOOD, verb="exchange", **options):
    return client.post(f"/api/tiktok/{verb}", json=body, **options)


def test_a_code_becomes_tokens(client):
    answer = post(client)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    body = answer.json
    assert len(body.pop("request_id")) == 16
    assert body == TOKENS


def test_a_form_does_as_well(client):
    answer = client.post(
        "/api/tiktok/exchange",
        data=f"code=a%2A0!6410&verifier={VERIFIER}",
        content_type="application/x-www-form-urlencoded; charset=UTF-8",
    )
    assert answer.status_code == 200
    assert answer.json["warnings"] == [
        {"code": "parameter_name", "message": "verifier was read as code_verifier."}
    ]


def test_repairs_are_told(client):
    answer = post(client, {"code": "abc%2A0&scopes=x", "code_verifier": "a" * 32})
    assert [warning["code"] for warning in answer.json["warnings"]] == [
        "code_tail",
        "code_percent_encoded",
        "verifier_short",
    ]


def test_the_providers_log_id_is_passed_on(client, upstream):
    upstream.answer = (200, TOKENS | {"log_id": LOG_ID})
    assert post(client).json["log_id"] == LOG_ID


def test_a_refresh_becomes_tokens(client):
    assert post(client, {"refresh_token": "rft.SECRET-r"}, "refresh").json["expires_in"] == 7200


def test_a_revocation_says_nothing_but_its_request_id(client, upstream):
    upstream.answer = (200, {})
    answer = post(client, {"access_token": "act.SECRET-a"}, "revoke")
    assert (answer.status_code, sorted(answer.json)) == (200, ["request_id", "warnings"])
    answer = post(client, {"token": "act.SECRET-a"}, "revoke")
    assert (answer.status_code, list(answer.json)) == (200, ["request_id"])


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ((200, {"error": "invalid_grant"}), 400, "invalid_grant"),
        ((200, {"error": "invalid_request"}), 400, "invalid_request"),
        ((200, {"error": "invalid_scope"}), 400, "invalid_scope"),
        ((200, {"error": "access_denied"}), 400, "access_denied"),
        ((401, {"error": "invalid_client"}), 502, "server_error"),
        ((400, {"error": "unauthorized_client"}), 502, "server_error"),
        ((400, {"error": "unsupported_grant_type"}), 502, "server_error"),
        ((400, {"error": "made up"}), 502, "server_error"),
        ((200, {"error": "server_error"}), 502, "server_error"),
        ((200, {"error": "temporarily_unavailable"}), 504, "temporarily_unavailable"),
        ((200, ["nonsense"]), 502, "server_error"),
        ((200, TOKENS | {"expires_in": "soon"}), 502, "server_error"),
        ((429, {}), 429, "temporarily_unavailable"),
        (Unanswered(Fault.TIMEOUT, sent=True), 504, "temporarily_unavailable"),
        (Unanswered(Fault.CONNECT, sent=False), 504, "temporarily_unavailable"),
        (Unanswered(Fault.REDIRECT, sent=True), 502, "server_error"),
        (StoreUnavailable("no"), 503, "temporarily_unavailable"),
        (Busy(7), 503, "temporarily_unavailable"),
    ],
)
def test_every_error_has_its_true_status(client, upstream, answer, status, error):
    upstream.answer = answer
    failed = post(client)
    assert (failed.status_code, failed.json["error"]) == (status, error)
    assert {"error", "error_description", "request_id"} == set(failed.json)
    assert ("Retry-After" in failed.headers) == (status in (429, 503))


def test_those_who_shall_come_back_learn_when(client, upstream):
    seconds = []
    for number, upstream.answer in enumerate([(429, {}), StoreUnavailable("no"), Busy(7)]):
        failed = post(client, GOOD | {"code": f"SECRET-{number}"})
        seconds.append(failed.headers["Retry-After"])
    assert seconds == ["10", "5", "7"]


def test_an_error_keeps_the_providers_log_id(client, upstream):
    upstream.answer = (200, {"error": "invalid_grant", "log_id": LOG_ID})
    assert post(client).json["log_id"] == LOG_ID


def test_the_log_learns_what_the_app_need_not_know(client, upstream):
    """An app cannot mend a wrong secret; whoever runs the server can."""
    codes = []
    upstream.answer = (200, {"error": "invalid_client"})

    @client.application.after_request
    def note(response):
        from flask import g

        codes.append(g.error_code)
        return response

    assert post(client).json["error"] == "server_error"
    assert codes == ["invalid_client"]


def test_s14_an_unknown_provider_is_404(client):
    answer = client.post("/api/nobody/exchange", json=GOOD)
    assert (answer.status_code, answer.json["error"]) == (404, "invalid_request")
    assert "no such provider" in answer.json["error_description"]


@pytest.mark.parametrize("verb", ["exchange", "refresh", "revoke"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_s14_other_methods_are_405_with_a_sentence(client, verb, method):
    answer = client.open(f"/api/tiktok/{verb}?code=SECRET-a", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json["error_description"].startswith("Send this request with POST")


def test_s14_head_is_405_without_a_body(client):
    answer = client.head("/api/tiktok/exchange")
    assert (answer.status_code, answer.data) == (405, b"")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""]
)
def test_s14_other_content_types_are_415(client, upstream, content_type):
    answer = client.post(
        "/api/tiktok/exchange", data=json.dumps(GOOD), headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json["error"]) == (415, "invalid_request")
    assert upstream.calls == 0


@pytest.mark.parametrize(("size", "status"), [(8192, 400), (8193, 413), (10**6, 413)])
def test_s14_a_body_has_eight_kibibytes_at_most(client, upstream, size, status):
    answer = client.post("/api/tiktok/exchange", data=b"x" * size, content_type="application/json")
    assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")
    assert upstream.calls == 0


def test_s14_a_body_of_unknown_length_has_the_same_limit(client):
    with open("/dev/zero", "rb") as endless:
        answer = client.post(
            "/api/tiktok/exchange",
            input_stream=endless,
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
    assert answer.status_code == 413


@pytest.mark.parametrize("sent", [b"code=a", b"code=a&code_verifier=" + b"v" * 40])
def test_s14_half_a_body_is_not_taken_for_a_whole_one(client, upstream, sent):
    """gunicorn hands over what came before the phone went into its tunnel."""
    answer = client.post(
        "/api/tiktok/exchange",
        input_stream=io.BytesIO(sent),
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "100"},
    )
    assert (answer.status_code, upstream.calls) == (400, 0)
    assert answer.json["error_description"].endswith("Send the same request again.")


def test_s14_nothing_may_stand_in_the_address(client, upstream):
    answer = client.post("/api/tiktok/exchange?code=SECRET-a", json=GOOD)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert "behind a question mark" in answer.json["error_description"]
    assert upstream.calls == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_secret", "SECRET-x"),
        ("client_key", "other"),
        ("redirect_uri", "https://evil.example/"),
        ("token_url", "https://evil.example/"),
        ("app", "other"),
        ("provider", "other"),
    ],
)
def test_s16_an_app_cannot_override_the_configuration(client, upstream, name, value):
    answer = post(client, GOOD | {name: value})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert name in answer.json["error_description"]
    assert upstream.calls == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: post(client),
        lambda client: post(client, {}),
        lambda client: post(client, {"refresh_token": "a"}, "refresh"),
        lambda client: client.get("/api/tiktok/exchange"),
        lambda client: client.post("/api/nobody/exchange"),
    ],
    ids=["tokens", "refused", "refreshed", "wrong method", "unknown provider"],
)
def test_s25_no_answer_is_ever_stored(client, ask):
    answer = ask(client)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert "Set-Cookie" not in answer.headers


def test_a_denied_login_in_a_link_costs_no_call(client, upstream):
    link = "https://app.example.com/login-callback/?error=access_denied&state=x"
    answer = post(client, {"redirect_url": link, "code_verifier": VERIFIER})
    assert (answer.status_code, answer.json["error"]) == (400, "access_denied")
    assert upstream.calls == 0


def test_every_error_that_a_view_can_meet_has_a_status():
    def all_below(kind):
        return {kind}.union(*(all_below(below) for below in kind.__subclasses__()))

    elsewhere = {DeeplinkError, LoginError, ConfigError, Unanswered}
    assert all_below(DeeplinkError) - elsewhere <= set(web.STATUS)


def test_s12_no_answer_and_no_log_holds_a_secret_but_the_tokens_themselves(
    client, upstream, caplog
):
    caplog.set_level(logging.DEBUG)
    words = {"error": "SECRET-e", "error_description": "SECRET-d", "log_id": "SECRET-l"}
    for upstream.answer in ((200, words), (500, words | TOKENS), (200, ["SECRET-x"])):
        assert "SECRET" not in post(client).text
    for body in ({"SECRET-name": 1}, {"code": "SECRET a"}, {"code": "SECRET-a"}, ["SECRET"]):
        assert "SECRET" not in post(client, body).text
    assert "SECRET" not in caplog.text
