"""Who sends half a body holds a thread for ten seconds, not for ever."""

from __future__ import annotations

import socket

import pytest

from deeplink.web.arrivals import Arrivals


@pytest.fixture
def line():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def time():
    class Time:
        now = 0.0

        def __call__(self):
            return self.now

    return Time()


def announced(ours, **more):
    return {"gunicorn.socket": ours, "CONTENT_LENGTH": "100"} | more


def may_read(ours):
    """Whether a read would wait for more; it ends at once where the line was cut."""
    ours.setblocking(False)
    try:
        return ours.recv(10) != b""
    except BlockingIOError:
        return True


def test_a_body_that_does_not_come_is_waited_for_ten_seconds(line, time):
    arrivals = Arrivals(clock=time)
    arrivals.expect(announced(line[0]))
    time.now = 9.9
    arrivals.cut_off_late_ones()
    assert may_read(line[0])
    time.now = 10.0
    arrivals.cut_off_late_ones()
    assert not may_read(line[0])


def test_the_answer_still_goes_out(line, time):
    arrivals = Arrivals(clock=time)
    arrivals.expect(announced(line[0], CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"))
    time.now = 11.0
    arrivals.cut_off_late_ones()
    line[0].sendall(b"HTTP/1.1 400")
    assert line[1].recv(20) == b"HTTP/1.1 400"


def test_a_request_that_is_over_or_has_no_body_keeps_its_line(line, time):
    arrivals = Arrivals(clock=time)
    arrivals.expect(announced(line[0]))
    arrivals.settle()
    arrivals.expect(announced(line[0], CONTENT_LENGTH=""))
    time.now = 11.0
    arrivals.cut_off_late_ones()
    assert may_read(line[0])


def test_a_server_without_sockets_to_show_is_left_alone():
    Arrivals().expect({"CONTENT_LENGTH": "1"})
