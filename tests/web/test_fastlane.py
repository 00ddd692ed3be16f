"""The lane without a server: its bytes, its account, and what makes it stand aside."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from deeplink.logs import JsonFormatter, LineHandler
from deeplink.metrics import Metrics
from deeplink.web import fastlane_footing as footing
from deeplink.web import prebuilt
from deeplink.web.fastlane_account import Account
from deeplink.web.fastlane_judge import Judge
from deeplink.web.fastlane_offer import Answers, Offer

BODY = b"[]\n"
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.fixture
def offer():
    resources = {("b.example", "/a"): prebuilt.build("application/json", BODY)}
    return Offer(resources, (("X-Standing", "yes"), ("Vary", "nothing")), Metrics())


def ask(method=b"GET", path=b"/a", host=b"b.example", coding=b"", condition=b""):
    return (method, path, host, coding, condition)


def test_a_reply_is_gunicorns_first_lines_the_files_headers_and_the_standing_ones(offer):
    reply = Answers(offer).find(ask())
    assert reply.at(1, DATE, 1, False) == (
        b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Connection: keep-alive\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
        b'ETag: "64bf877e5e30148df19ac73f5e8ae33e"\r\n'
        b"Cache-Control: public, max-age=3600\r\nVary: Accept-Encoding\r\n"
        b"Access-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\n"
        b"X-Standing: yes\r\n\r\n[]\n"
    )


def test_a_reply_to_http_1_0_says_so_and_closes(offer):
    reply = Answers(offer).find(ask(method=b"HEAD"))
    lines = reply.at(1, DATE, 0, True).split(b"\r\n")
    assert lines[0] == b"HTTP/1.0 200 OK"
    assert b"Connection: close" in lines
    assert lines[-1] == b""


def test_the_date_of_a_reply_moves_with_the_second(offer):
    reply = Answers(offer).find(ask())
    assert b"Date: first\r\n" in reply.at(1, b"first", 1, False)
    assert b"Date: first\r\n" in reply.at(1, b"second", 1, False)
    assert b"Date: second\r\n" in reply.at(2, b"second", 1, False)


@pytest.mark.parametrize("host", [b"b.example", b"B.Example", b"b.example:8000", b"b.example."])
def test_a_host_is_found_in_every_spelling(offer, host):
    assert Answers(offer).find(ask(host=host)).status == 200


@pytest.mark.parametrize(
    "other", [{"host": b"c.example"}, {"host": b"b.example x"}, {"path": b"/a?b"}, {"path": b"/b"}]
)
def test_what_is_not_in_the_table_has_no_reply(offer, other):
    assert Answers(offer).find(ask(**other)) is None


def test_a_condition_that_holds_is_answered_304(offer):
    assert Answers(offer).find(ask(condition=b"*")).status == 304


def test_no_stranger_makes_the_memory_of_questions_grow(offer):
    answers = Answers(offer)
    for number in range(5000):
        answers.find(ask(condition=b'"%d"' % number))
    assert len(answers._known) <= 1024


def head(*fields, line="GET /a HTTP/1.1"):
    lines = [line, "Host: b.example", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def test_no_stranger_makes_the_memory_of_heads_grow(offer):
    judge = Judge(Config(), offer)
    for number in range(1000):
        assert judge.answer_to(head(f"X-Request-Id: {number}")) is not None
    assert len(judge.known) <= 256
    assert judge.answer_to(head("X-A: " + "a" * 3000))[0].status == 200
    assert max(map(len, judge.known)) < 2048


def test_gunicorns_limits_hold_for_the_lane(offer):
    cfg = Config()
    cfg.set("limit_request_fields", 3)
    cfg.set("limit_request_field_size", 100)
    judge = Judge(cfg, offer)
    assert judge.answer_to(head("A: b", "C: d")) is not None
    assert judge.answer_to(head("A: b", "C: d", "E: f")) is None
    assert judge.answer_to(head("A: " + "b" * 60)) is None


@pytest.mark.parametrize(
    ("half", "wanted"),
    [
        (b"G", True),
        (b"GET /a HTTP/1.1\r\n", True),
        (b"GET /a HTTP/1.1\r\nHost: b\r\n\r", True),
        (b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n", False),
        (b"GET /a HTTP/1.1\n", False),
        (b"GET /\x00 HTTP/1.1\r\n", False),
        (b"GET /" + b"a" * 5000, False),
        (b"\r\n\r\n", False),
    ],
)
def test_gunicorns_parser_says_whether_half_a_head_needs_more(offer, half, wanted):
    """However it arrives: at once, or with its last byte alone."""
    cfg = Config()
    cfg.set("http_parser", "python")
    judge = Judge(cfg, offer)
    assert judge.needs_more(half, len(half)) is wanted
    assert judge.needs_more(half, 1) is wanted


@contextlib.contextmanager
def written(path):
    """The project's handler on *path*, alone: pytest's own would make the account go slowly."""
    log = logging.getLogger("deeplink")
    before = log.handlers[:], log.propagate, log.level
    with path.open("wb") as file:
        handler = LineHandler(file.fileno())
        handler.setFormatter(JsonFormatter())
        log.handlers, log.propagate = [handler], False
        log.setLevel(logging.INFO)
        try:
            yield handler
        finally:
            log.handlers, log.propagate = before[:2]
            log.setLevel(before[2])


def request_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_account_writes_a_batch_of_lines_in_one_piece(offer, tmp_path, monkeypatch):
    """A call to the kernel and a JSON encoder per line were half of a request's cost."""
    account = Account(offer.metrics)
    reply = Answers(offer).find(ask())
    pieces = []
    monkeypatch.setattr(os, "write", lambda _, piece: pieces.append(bytes(piece)) or len(piece))
    with written(tmp_path / "log"):
        account.settle([(reply, 0.001)] * 50)
    assert [piece.count(b"\n") for piece in pieces] == [50]


def test_the_account_writes_the_lines_that_the_application_would(offer, tmp_path):
    """Field by field the line of web/guards.py, whichever way it takes to the log."""
    log = tmp_path / "log"
    reply = Answers(offer).find(ask())
    account = Account(offer.metrics)
    with written(log) as handler:
        account.settle([(reply, 0.00123), (reply, 0.5)])
        quick = request_lines(log)
        handler.addFilter(lambda record: True)
        account.settle([(reply, 0.00123), (reply, 0.5)])
        slow = request_lines(log)[2:]
    for line in (*quick, *slow):
        assert len(line.pop("request_id")) == 16
        line.pop("time")
    assert quick == slow
    assert list(quick[0].items()) == [
        ("level", "info"),
        ("logger", "deeplink"),
        ("message", "request"),
        ("route", "/a"),
        ("method", "GET"),
        ("status", 200),
        ("ms", 1.2),
    ]


def test_the_account_is_silent_where_the_log_is(offer, tmp_path):
    with written(tmp_path / "log"):
        logging.getLogger("deeplink").setLevel(logging.WARNING)
        Account(offer.metrics).settle([(Answers(offer).find(ask()), 0.001)])
    assert request_lines(tmp_path / "log") == []


def test_the_account_counts_as_the_application_does(offer):
    reply = Answers(offer).find(ask())
    for seconds in (0.0004, 0.001, 0.002, 40.0):
        offer.metrics.requests.labels("/b", "GET", "200").inc()
        offer.metrics.seconds.labels("/b").observe(seconds)
    Account(offer.metrics).settle([(reply, each) for each in (0.0004, 0.001, 0.002, 40.0)])
    text = offer.metrics.render().decode()
    ours = [line for line in text.splitlines() if 'route="/a"' in line and "_created" not in line]
    theirs = [line for line in text.splitlines() if 'route="/b"' in line and "_created" not in line]
    assert [line.replace('"/a"', '"/b"') for line in ours] == theirs
    assert 'deeplink_requests_total{method="GET",route="/a",status="200"} 4.0' in ours


def test_a_log_that_nobody_reads_holds_up_no_answer(offer):
    account = Account(offer.metrics)
    reply = Answers(offer).find(ask())
    for _ in range(3000):  # nothing settles them: the thread was never started
        account.note([(reply, 0.0)])
    assert account._batches.qsize() == 1000
    assert account._lost == 2000


def why(cfg=None, environ=(), folder=None):
    cfg = cfg or Config()
    folder = folder or footing.installed_gunicorn()
    return footing.reason_to_stand_aside(cfg, Logger(cfg), folder, dict(environ))


def test_nothing_is_in_the_way_of_the_lane_under_the_pinned_gunicorn():
    assert why() is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("certfile", "/x"),
        ("proxy_protocol", "auto"),
        ("protocol", "uwsgi"),
        ("http2_cleartext", "upgrade"),
        ("casefold_http_method", True),
        ("accesslog", "-"),
        ("pre_request", lambda worker, request: None),
        ("post_request", lambda worker, request: None),
    ],
)
def test_the_lane_stands_aside_for_what_it_does_not_do(key, value):
    cfg = Config()
    cfg.settings[key].value = value
    assert isinstance(why(cfg), str)


def test_the_lane_stands_aside_under_a_prefix():
    assert "SCRIPT_NAME" in why(environ={"SCRIPT_NAME": "/app"})


@pytest.mark.parametrize("name", sorted(footing.PROVED))
def test_the_lane_stands_aside_for_a_gunicorn_that_it_was_not_proved_with(tmp_path, name):
    for each in footing.PROVED:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        shutil.copy(footing.installed_gunicorn() / each, tmp_path / each)
    assert why(folder=tmp_path) is None
    with (tmp_path / name).open("a") as changed:
        changed.write("# a future release\n")
    assert name in why(folder=tmp_path)


def test_the_lane_is_for_linux():
    assert sys.platform.startswith("linux") is (why() is None)
