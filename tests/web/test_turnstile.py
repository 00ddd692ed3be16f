"""What those are told who find no seat: before Flask, and word for word as Flask would."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.test import Client

from deeplink import config
from deeplink.errors import RequestRefused
from deeplink.web.wiring import create_app

PAGE = "https://www.acme.com"
PATH = "/api/tiktok/exchange"
GOOD = {"code": "a-code", "code_verifier": "v" * 43}


class Full:
    """A server of one seat. ``while_full(ask)`` runs *ask* while somebody has it."""

    def __init__(self, root, origins):
        loaded = config.load(root / "config" / "deeplink.toml", {})
        rules = replace(loaded.exchange, store="memory", allowed_origins=origins)
        self.ask = None
        self.app = create_app(
            replace(loaded, exchange=rules), root=root, threads=1, attest=self._attest
        )
        self.quick = Client(self.app.wsgi_app)
        self.slow = Client(Flask.wsgi_app.__get__(self.app))

    def while_full(self, ask):
        with ThreadPoolExecutor(1) as somebody_else:
            told = []
            self.ask = lambda: told.append(somebody_else.submit(ask).result(timeout=10))
            assert self.quick.post(PATH, json=GOOD).status_code == 403
        return told[0]

    def _attest(self, evidence):
        self.ask()
        raise RequestRefused("unauthorized_client", "That is enough.")


@pytest.fixture
def build_full(root):
    return lambda origins=(): Full(root, tuple(origins))


def lines(caplog):
    """The requests of the log, without what differs from one to the next."""
    changing = ("ms", "request_id")
    return [
        {name: value for name, value in record.fields.items() if name not in changing}
        for record in caplog.records
        if record.getMessage() == "request"
    ]


@pytest.mark.parametrize("verb", ["exchange", "refresh", "revoke"])
@pytest.mark.parametrize("origins", [(), (PAGE,)])
@pytest.mark.parametrize("sent", [{}, {"Origin": PAGE}, {"Origin": "https://other.example"}])
def test_the_quick_refusal_is_the_slow_one(build_full, caplog, verb, origins, sent):
    caplog.set_level(logging.INFO)
    full = build_full(origins)

    def ask(client):
        answer = client.post(f"/api/tiktok/{verb}", json=GOOD, headers=sent)
        told = answer.json
        assert len(told.pop("request_id")) == 16
        return answer.status, sorted(answer.headers), told

    quick, slow = full.while_full(lambda: (ask(full.quick), ask(full.slow)))
    assert quick == slow
    assert quick[0] == "503 SERVICE UNAVAILABLE"
    told = lines(caplog)
    assert told[0] == told[1]
    assert told[0]["error"] == "busy"


def test_both_are_counted(build_full):
    full = build_full()

    def count():
        labels = {"route": "/api/<provider>/exchange", "method": "POST", "status": "503"}
        text = full.quick.get("/metrics").text
        wanted = "{" + ",".join(f'{name}="{labels[name]}"' for name in sorted(labels)) + "}"
        found = [line for line in text.splitlines() if wanted in line and "_total" in line]
        return float(found[0].split()[-1]) if found else 0.0

    def ask():
        before = count()
        full.quick.post(PATH, json=GOOD)
        between = count()
        full.slow.post(PATH, json=GOOD)
        return between - before, count() - between

    assert full.while_full(ask) == (1, 1)


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", PATH, "localhost", 503),
        ("OPTIONS", PATH, "localhost", 204),
        ("POST", "/api/nobody/exchange", "localhost", 503),
        ("POST", f"{PATH}/", "localhost", 404),
        ("POST", PATH, "evil.example", 404),
        ("GET", "/.well-known/assetlinks.json", "localhost", 200),
        ("GET", "/login-callback/", "localhost", 200),
    ],
)
def test_everything_else_is_the_applications(build_full, method, path, host, status):
    full = build_full([PAGE])

    def ask(client):
        sent = {"Host": host, "Origin": PAGE}
        answer = client.open(path, method=method, headers=sent)
        return answer.status_code, answer.headers.get("Content-Length")

    quick, slow = full.while_full(lambda: (ask(full.quick), ask(full.slow)))
    assert quick == slow
    assert quick[0] == status


def test_at_an_unknown_host_no_page_is_told_anything(build_full):
    answer = build_full([PAGE]).quick.post(
        PATH, json=GOOD, headers={"Host": "evil.example", "Origin": PAGE}
    )
    assert answer.status_code == 404
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_with_a_seat_free_nobody_is_refused(build_full):
    full = build_full()
    full.ask = lambda: None
    assert [full.quick.post(PATH, json=GOOD).status_code for _ in range(3)] == [403] * 3
