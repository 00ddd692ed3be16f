"""The law of the strict reader: what it understands, gunicorn understands in the same way."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeplink.web.fastlane_head import reader

SCHEMES = ["X-FORWARDED-PROTOCOL", "X-FORWARDED-PROTO", "X-FORWARDED-SSL"]
PARSERS = ["python", *(["fast"] if importlib.util.find_spec("gunicorn_h1c") else [])]

VECTORS = Path(__file__).parents[1] / "vectors" / "http" / "requests.jsonl"


@pytest.fixture(scope="module")
def read():
    """One for all tests: what it remembers of one must not mislead it in another."""
    return reader(SCHEMES)


#: What is worth putting together: pieces of good requests and of bad ones.
NAMES = [
    *("Host", "hOSt", "Connection", "Accept-Encoding", "If-None-Match", "Content-Length"),
    *("Transfer-Encoding", "Expect", "Upgrade", "X-Forwarded-Proto", "X-Forwarded-Ssl", "Cookie"),
    *("User-Agent", "Accept", "X_A", "Host ", " Host", "", "X\x00", "X\xe9", "Content-Type", "TE"),
]
VALUES = [
    *("a.example", "a.example", "a.example:80", "close", "keep-alive", "Close", "upgrade", "0"),
    *("5", "chunked", "https", "http", "on", "gzip", "*", '"x"', "", " padded\t", "\x00", "\xe9"),
    *("a\rb", "a\nb", "a\r\n b", "100-continue", "a, b", "\x7f", "Mozilla/5.0 (X11; Linux x86_64)"),
]
LINES = [
    *("GET /a HTTP/1.1", "HEAD /a HTTP/1.1", "GET /a HTTP/1.0", "HEAD /a/b?c HTTP/1.0"),
    *("POST /a HTTP/1.1", "GET  /a HTTP/1.1", "GET /a HTTP/1.2", "GET http://b/a HTTP/1.1"),
    *("GET /\xe9 HTTP/1.1", "GET /a", "get /a HTTP/1.1", "GET //a HTTP/1.1", "GET /a\t HTTP/1.1"),
]
ENDS = ["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", "\n\r"]


@st.composite
def heads(draw):
    lines = [draw(st.sampled_from(LINES[: draw(st.sampled_from([4, len(LINES)]))]))]
    for _ in range(draw(st.integers(0, 6))):
        name = draw(st.sampled_from(NAMES) | st.text(st.characters(max_codepoint=255), max_size=3))
        value = draw(
            st.sampled_from(VALUES) | st.text(st.characters(max_codepoint=255), max_size=4)
        )
        lines.append(f"{name}:{draw(st.sampled_from(['', ' ', '  ']))}{value}")
    if draw(st.integers(0, 9)) == 0:  # a good line in a wrong place
        lines = draw(st.permutations(lines))
    ending = draw(st.sampled_from(ENDS)) if draw(st.integers(0, 3)) == 0 else "\r\n"
    rest = draw(st.sampled_from(["", "", "", "x", "\r\n", "GET /b HTTP/1.1\r\n\r\n"]))
    return ("".join(line + ending for line in lines) + ending + rest).encode("latin-1")


def agrees(ask, head, parser):
    """Whether gunicorn's *parser* reads the same out of *head*, and nothing is left over."""
    cfg = Config()
    cfg.set("http_parser", parser)
    parser = RequestParser(cfg, iter([head]), ("203.0.113.1", 1))
    request = next(parser)
    fields = dict(request.headers)
    method, target, host, coding, condition = (value.decode("latin-1") for value in ask.what)
    return (
        (request.method, request.uri, request.version) == (method, target, (1, ask.minor))
        and [value for name, value in request.headers if name == "HOST"] == [host]
        and (fields.get("ACCEPT-ENCODING", ""), fields.get("IF-NONE-MATCH", ""))
        == (coding, condition)
        and request.should_close() == ask.close
        and request.body.read() == b""
        and parser.unreader.read() == b""
    )


@pytest.mark.parametrize("parser", PARSERS)
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=heads())
def test_what_is_understood_gunicorn_understands_in_the_same_way(parser, read, head):
    ask = read(head)
    assert ask is None or agrees(ask, head, parser)


@pytest.mark.parametrize("parser", PARSERS)
def test_the_law_holds_for_every_odd_request_that_we_know(parser, read):
    requests = [json.loads(line) for line in VECTORS.read_text("ascii").splitlines()]
    heads = ["".join(request["segments"]).encode("latin-1") for request in requests]
    # Limits are the business of web/fastlane_judge.py.
    heads = [head for head in heads if len(head) < 4000 and head.count(b"\n") < 100]
    understood = {head: read(head) for head in heads if read(head) is not None}
    assert [head for head, ask in understood.items() if not agrees(ask, head, parser)] == []
    assert len(understood) >= 20


def test_a_phones_request_is_understood(read):
    head = (
        b"GET /a HTTP/1.1\r\nHost: b.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        b'Accept-Encoding: gzip, br\r\nIf-None-Match: "x"\r\nX-Forwarded-Proto: https\r\n'
        b"connection:  Close \r\n\r\n"
    )
    assert read(head) == ((b"GET", b"/a", b"b.example", b"gzip, br", b'"x"'), 1, True)


@pytest.mark.parametrize(
    "field",
    [
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Upgrade: h2c",
        "Expect: 100-continue",
        "Host: b.example",
        "Connection: keep-alive, close",
        "Cookie: a=b",
        "Authorization: Basic YTpi",
        "X_A: b",
        "X-A : b",
        "X-A: b\r\n c",
        "X-A: \x00",
        "X-A: \xe9",
    ],
)
def test_one_unusual_field_and_the_request_is_left_to_gunicorn(read, field):
    head = f"GET /a HTTP/1.1\r\nHost: b.example\r\n{field}\r\n\r\n".encode("latin-1")
    assert read(head) is None


def test_a_known_line_means_nothing_in_a_wrong_place(read):
    """Lines are remembered; where they stand still matters."""
    first, host, other, end = b"GET /a HTTP/1.1\r\n", b"Host: b\r\n", b"X-A: b\r\n", b"\r\n"
    assert read(first + host + other + end) is not None
    for wrong in (
        *(other + first + host + end, host + first + other + end, other + host + end),
        *(first + host + end + other, first + host + other, first + host + end + end + other),
        *(first + end + host + other + end, end + first + host + other + end, other + end),
        *(first + host + other + first + end, first + host + host + other + end, end, b""),
    ):
        assert read(wrong) is None


def test_no_stranger_makes_the_memory_of_lines_grow(read):
    known = {
        cell.cell_contents.__class__: cell.cell_contents
        for cell in read.__closure__
        if isinstance(cell.cell_contents, set)
    }
    assert known
    for number in range(5000):
        head = f"GET /a{number} HTTP/1.1\r\nHost: b{number}\r\nX-A: {number}\r\n\r\n".encode()
        assert read(head) is not None
        assert all(len(each) <= 1024 for each in known.values())


def test_proxies_that_contradict_each_other_are_left_to_gunicorn(read):
    head = b"GET /a HTTP/1.1\r\nHost: b\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n"
    assert read(head) is None


def test_a_byte_behind_the_head_and_it_is_left_to_gunicorn(read):
    head = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n"
    assert read(head) is not None
    assert [read(head + rest) for rest in (b"\r\n", b"x", head)] == [None, None, None]
