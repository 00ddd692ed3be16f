"""Roles survive their processes: what the lane promises as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end import lane_stage
from tests.end_to_end.lane_stage import (
    CLOSING,
    ECHO,
    HOST,
    PLAIN,
    answer,
    asking,
    connect,
    everything,
    fetch,
    many,
)

KEPT_ECHO = ECHO.replace(b"Connection: close\r\n", b"")


@pytest.fixture
def server(tmp_path):
    with lane_stage.serving("process", tmp_path / "log") as server:
        yield server


def applications(server):
    """The process ids of living workers that serve what the lane hands over."""
    joined = map(int, re.findall(r"Worker (\d+) serves what is no file", server.printed()))
    return set(server.workers).intersection(joined) - {lane_of(server)}


def lane_of(server):
    """The process id of the worker that last became the lane."""
    return int(re.findall(r"Worker (\d+) answers the files", server.printed())[-1])


def application_of(server):
    until(lambda: len(applications(server)) == 1)
    (application,) = applications(server)
    return application


@contextlib.contextmanager
def standing_still(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def until(condition, seconds=15):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(condition)


def test_files_come_while_the_application_stands_still(server):
    with standing_still(application_of(server)):
        for _ in range(20):
            assert b"200 OK" in fetch(server)


def test_what_serves_applications_stands_back_for_the_lane(server):
    fetch(server, ECHO)

    def niceness(pid):
        return {
            int(task.name): (task / "stat").read_text("ascii").rpartition(")")[2].split()[16]
            for task in Path(f"/proc/{pid}/task").iterdir()
        }

    lane, application = lane_of(server), application_of(server)
    assert niceness(lane)[lane] == "0"
    assert niceness(application)[application] == "2"
    assert "5" in niceness(application).values()


def test_a_kept_connection_goes_back_to_the_lane(server):
    with connect(server) as connection:
        connection.sendall(KEPT_ECHO)
        answer(connection)
        time.sleep(0.3)  # the answer is here before the connection is there
        with standing_still(application_of(server)):
            connection.sendall(PLAIN)
            assert b"200 OK" in answer(connection)[0]


def test_a_killed_lane_has_a_successor_at_once(server):
    for _ in range(3):
        killed = lane_of(server)
        os.kill(killed, signal.SIGKILL)
        # Connections that it had taken end with it; the next is its successor's.
        until(lambda killed=killed: killed not in server.workers)
        started = time.monotonic()
        for request in (CLOSING, ECHO) * 10:
            assert b"200 OK" in fetch(server, request)
        assert time.monotonic() - started < 5
        assert lane_of(server) != killed
        until(lambda: len(server.workers) == 2)


def test_a_killed_application_has_a_successor(server):
    for _ in range(3):
        lane, killed = lane_of(server), application_of(server)
        os.kill(killed, signal.SIGKILL)
        until(lambda killed=killed: killed not in server.workers)
        for request in (CLOSING, ECHO) * 10:
            assert b"200 OK" in fetch(server, request)
        until(lambda: len(server.workers) == 2)
        assert lane_of(server) == lane


@contextlib.contextmanager
def fifty_in_the_queue(server):
    """Fifty requests that an application, whose process id this gives, has not taken yet."""
    with many(server, 50) as connections:
        application = application_of(server)
        with standing_still(application):
            for connection in connections:
                connection.sendall(ECHO)
            time.sleep(0.3)
            yield application
        assert all(b"200 OK" in everything(connection) for connection in connections)


def test_requests_in_the_queue_outlive_the_application_that_was_to_serve_them(server):
    with fifty_in_the_queue(server) as application:
        os.kill(application, signal.SIGKILL)


def test_requests_in_the_queue_outlive_the_lane_that_put_them_there(server):
    with fifty_in_the_queue(server):
        os.kill(lane_of(server), signal.SIGKILL)


def test_a_stop_waits_for_requests_in_the_queue(server):
    with fifty_in_the_queue(server):
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
    assert server.process.wait(20) == 0


def test_an_application_becomes_the_lane_while_no_new_worker_comes(server):
    lane, application = lane_of(server), application_of(server)
    with standing_still(server.process.pid):
        os.kill(lane, signal.SIGKILL)
        for request in (CLOSING, ECHO) * 5:
            assert b"200 OK" in fetch(server, request)
        assert lane_of(server) == application


def test_the_lane_serves_applications_while_no_new_worker_comes(server):
    application = application_of(server)
    assert b"200 OK" in fetch(server, ECHO)  # so it is known to be there
    with standing_still(server.process.pid):
        os.kill(application, signal.SIGKILL)
        for request in (CLOSING, ECHO) * 5:
            assert b"200 OK" in fetch(server, request)


def test_one_worker_after_the_other_may_go(server):
    """SIGTTOU ends the oldest, which is the lane, and nobody comes in its place."""
    oldest = lane_of(server)
    os.kill(server.process.pid, signal.SIGTTOU)
    until(lambda: oldest not in server.workers)
    for request in (CLOSING, ECHO) * 5:
        assert b"200 OK" in fetch(server, request)
    assert server.workers == [lane_of(server)]


def test_fewer_and_more_workers_lose_no_request(server):
    with asking(server) as lost:
        for number in (signal.SIGTTOU, signal.SIGTTIN, signal.SIGTTIN, signal.SIGTTOU) * 2:
            time.sleep(0.7)
            os.kill(server.process.pid, number)
        time.sleep(1)
    assert lost == []
    assert len(set(re.findall(r"Worker (\d+) answers the files", server.printed()))) > 2


def test_who_cannot_be_served_hears_so_soon_and_others_get_their_files(server):
    """More requests than the queue holds, and nobody who takes them."""
    api = ECHO.replace(b"GET /echo/x", b"POST /api/tiktok/exchange")
    api = api.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n{}")
    requests = (ECHO, api, ECHO.replace(b"GET", b"HEAD"))
    with many(server, 600) as connections:
        with standing_still(application_of(server)):
            for number, connection in enumerate(connections):
                connection.sendall(requests[number % 3])
            assert b"200 OK" in fetch(server)
            # The first are in the queue still; the last did not fit.
            texts, api_text, head_text = map(everything, connections[-3:])
            assert b"200 OK" in fetch(server)
        for text in (texts, api_text, head_text):
            assert text.startswith(b"HTTP/1.1 503 SERVICE UNAVAILABLE\r\n")
            assert b"\r\nRetry-After: 1\r\n" in text
            assert b"\r\nCache-Control: no-store\r\n" in text
            assert b"\r\nX-Content-Type-Options: nosniff\r\n" in text
            assert b"\r\nConnection: close\r\n" in text
        assert texts.endswith(b"Wait a little, then try again.\n")
        assert b'{"error": "temporarily_unavailable"' in api_text
        assert head_text.endswith(b"\r\n\r\n")
        assert b"200 OK" in everything(connections[0])
        assert all(everything(other).startswith(b"HTTP/1.1 ") for other in connections[1:-3])
    assert b"200 OK" in fetch(server, ECHO)
    metrics = fetch(server, ECHO.replace(b"/echo/x", b"/metrics")).decode()
    assert re.search(r'requests_total\{method="HEAD",route="unmatched",status="503"} \d', metrics)


def test_a_head_that_is_too_long_to_travel_is_served_all_the_same(server):
    fields = "".join(f"X-{number}: {'x' * 1000}\r\n" for number in range(90))
    head = ECHO.replace(b"\r\n\r\n", b"\r\n" + fields.encode() + b"\r\n")
    assert b"200 OK" in fetch(server, head)


def test_one_worker_alone_is_both(tmp_path):
    with lane_stage.serving("process", tmp_path / "log", "--workers", "1") as server:
        assert b"200 OK" in fetch(server)
        assert b"200 OK" in fetch(server, ECHO)


def test_with_listeners_of_its_own_each_worker_answers_files_itself(tmp_path):
    with lane_stage.serving("process", tmp_path / "log", "--reuse-port") as server:
        assert server.printed().count("Each worker answers files itself") == 2
        for request in (CLOSING, ECHO) * 10:
            assert b"200 OK" in fetch(server, request)


def test_an_application_takes_no_more_than_it_has_threads_for(tmp_path):
    """What one cannot serve at once waits where others can take it."""
    slow = f"GET /slow/1 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    options = ("--workers", "3", "--threads", "4")
    with lane_stage.serving("process", tmp_path / "log", *options) as server:
        time.sleep(0.5)  # until then the lane may not have noticed that it has help
        with many(server, 8, slow) as connections:
            started = time.monotonic()
            assert all(b"200 OK" in everything(connection) for connection in connections)
            # Four in each; eight in one take two rounds.
            assert time.monotonic() - started < 1.9


def test_where_the_lane_stands_aside_all_workers_are_plain_gthread(tmp_path):
    with lane_stage.serving("process", tmp_path / "log", "--proxy-protocol", "auto") as server:
        assert server.printed().count("stands aside: proxy_protocol is on") == 2
        assert b"200 OK" in fetch(server, ECHO)


def test_reloads_count_the_lane_once_and_leave_nothing_open_in_the_master(tmp_path):
    """The configuration file reads the number that it set itself."""
    environ = {"DEEPLINK_LANE": "process", "WEB_CONCURRENCY": "1", "PORT": "8000"}
    opened = []
    with lane_stage.serving("configured", tmp_path / "log", environ=environ) as server:
        until(lambda: len(server.workers) == 2)
        for _ in range(3):
            before = server.workers
            os.kill(server.process.pid, signal.SIGHUP)
            until(lambda before=before: set(server.workers).isdisjoint(before))
            until(lambda: len(server.workers) == 2)
            time.sleep(0.3)
            opened.append(len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())))
        assert '"processes": 2' not in server.printed()
        assert b"200 OK" in fetch(server)
    assert opened[0] == opened[1] == opened[2]


def test_an_unknown_form_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(AssertionError, match="DEEPLINK_LANE is 'yes'; write 0, 1 or process"):
        lane_stage.serving(
            "configured", tmp_path / "log", environ={"DEEPLINK_LANE": "yes"}
        ).__enter__()
