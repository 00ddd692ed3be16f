"""One answer off the wire: what is taken, what is none, and when another may follow."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from deeplink.wire import Answer, TooLarge


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        ours.settimeout(2)
        yield ours, theirs


@pytest.fixture
def answer_to(pair):
    """The answer that the other side's bytes make; *ends* closes its side behind them."""
    ours, theirs = pair

    def read(sent, *, ends=True):
        theirs.sendall(sent)
        if ends:
            theirs.shutdown(socket.SHUT_WR)
        return Answer(ours, silence=2, deadline=time.monotonic() + 2)

    return read


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (OK + b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (OK + b"content-length:2\t \r\n\r\n{}", b"{}"),
        (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
        (OK + b"\r\nuntil the end", b"until the end"),
        (CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", b"{}"),
        (CHUNKED + b"01;name=value\r\n{\r\nA \r\n123456789}\r\n0\r\nX: y\r\n\r\n", b"{123456789}"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 204 Nothing\r\nContent-Length: 5\r\n\r\n", b""),
    ],
)
def test_an_answer_s_end_is_where_rfc_9112_section_6_3_puts_it(answer_to, sent, body):
    assert answer_to(sent).read(1000) == body


def test_an_answer_may_come_byte_by_byte(pair):
    ours, theirs = pair

    def drip():
        for byte in CHUNKED + b"2\r\n{}\r\n0\r\n\r\n":
            theirs.send(bytes([byte]))
            time.sleep(0.001)

    dripping = threading.Thread(target=drip)
    dripping.start()
    answer = Answer(ours, silence=2, deadline=time.monotonic() + 2)
    assert (answer.read(100), answer.may_be_followed) == (b"{}", True)
    dripping.join(5)


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 020 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        b" HTTP/1.1 200 OK\r\n\r\n",
        OK + b"Content-Length : 2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
        OK + b"Content-Length: +2\r\n\r\n{}",
        OK + b"Content-Length: 2,\r\n\r\n{}",
        OK + b"Content-Length: \r\n\r\n{}",
        OK + b"X: folded\r\n over\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"X: a\nContent-Length: 2\r\n\r\n{}",
        OK + b"X: \x00\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"X: y\r\n" * 101 + b"Content-Length: 2\r\n\r\n{}",
        OK + b"X: " + b"y" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        CHUNKED + b"0" * 20_000,
    ],
)
def test_what_is_not_quite_http_is_no_answer(answer_to, sent):
    with pytest.raises(ValueError, match=r"^(no|a) "):
        answer_to(sent).read(1000)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 20",
        OK,
        OK + b"Content-Length: 3\r\n\r\n{}",
        CHUNKED,
        CHUNKED + b"3\r\n{}",
        CHUNKED + b"2\r\n{}\r\n0\r\n",
    ],
)
def test_an_answer_that_ends_early_is_broken(answer_to, sent):
    with pytest.raises(ConnectionError):
        answer_to(sent).read(1000)


@pytest.mark.parametrize(
    "sent",
    [
        OK + b"Content-Length: 11\r\n\r\n",
        OK + b"\r\n" + b"x" * 11,
        CHUNKED + b"a\r\n" + b"x" * 10 + b"\r\n1\r\nx\r\n0\r\n\r\n",
        CHUNKED + b"ffffffff\r\n",
    ],
)
def test_a_body_over_the_limit_is_not_read(answer_to, sent):
    with pytest.raises(TooLarge):
        answer_to(sent).read(10)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (OK + b"Content-Length: 2\r\n\r\n{}", True),
        (CHUNKED + b"0\r\n\r\n", True),
        (OK + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 200 Unasked", False),
        (OK + b"Connection: Close\r\nContent-Length: 2\r\n\r\n{}", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", False),
        (OK + b"\r\nuntil the end", False),
        (
            OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            False,
        ),
    ],
)
def test_another_request_follows_only_where_the_end_is_beyond_doubt(answer_to, sent, expected):
    answer = answer_to(sent)
    answer.read(1000)
    assert answer.may_be_followed is expected


def test_a_name_that_stands_twice_has_both_values(answer_to):
    answer = answer_to(OK + b"X-A: one\r\nx-a: two\r\nContent-Length: 0\r\n\r\n")
    assert answer.headers["x-a"] == "one, two"


def test_no_wait_is_longer_than_what_is_left_of_the_time(pair):
    ours, _ = pair
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        Answer(ours, silence=2, deadline=began + 0.2)
    assert time.monotonic() - began < 1


def test_blanks_around_a_value_are_none_of_it_and_those_within_are(answer_to):
    within = b"a" + b" " * 9000 + b"b"
    sent = OK + b"X-Told: \t" + within + b"\t \r\nContent-Length: 0\r\n\r\n"
    assert answer_to(sent).headers["x-told"] == within.decode("ascii")
