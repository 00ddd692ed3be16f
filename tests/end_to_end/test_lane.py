"""gunicorn's promises, kept by the lane, and two habits of gthread that end with it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import time
from pathlib import Path

import pytest

from tests.end_to_end import lane_stage
from tests.end_to_end.lane_stage import (
    CLOSING,
    ECHO,
    FILE,
    HOST,
    LANES,
    PLAIN,
    answer,
    connect,
    everything,
    fetch,
    many,
)

HALF = PLAIN[:60]


@pytest.fixture(scope="module", params=LANES)
def lane(request, tmp_path_factory):
    with lane_stage.serving(request.param, tmp_path_factory.mktemp("lane") / "log") as server:
        yield server


@pytest.fixture(params=LANES)
def form(request):
    return request.param


def descriptors(server):
    """Open sockets of the workers; files of counters come and stay."""
    count = 0
    for worker in server.workers:
        for link in list(Path(f"/proc/{worker}/fd").iterdir()):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                count += os.readlink(link).startswith("socket:")
    return count


def test_half_a_head_costs_no_thread(lane):
    """Eight of them held all of gthread's eight threads here."""
    with many(lane, 60, HALF):
        assert b"200 OK" in fetch(lane, ECHO)


def test_half_a_head_behind_a_whole_request_costs_no_thread(lane):
    with many(lane, 60, ECHO.replace(b"Connection: close\r\n", b"") + HALF) as connections:
        assert all(b"200 OK" in answer(connection)[0] for connection in connections)
        assert b"200 OK" in fetch(lane, ECHO)


def test_clients_that_do_not_close_delay_nobody(lane):
    """gthread waits for each of them, two seconds, on its event loop."""
    with many(lane, 20, ECHO) as connections:
        for connection in connections:
            assert b"200 OK" in everything(connection)  # the server's end; ours stays open
        started = time.monotonic()
        assert b"200 OK" in fetch(lane, ECHO)
        assert b"200 OK" in fetch(lane)
        # Twenty of them were forty seconds; whatever else this machine does, it is not that.
        assert time.monotonic() - started < 20


def test_clients_that_go_away_leave_nothing_behind(lane):
    before = descriptors(lane)
    for request in (b"", HALF, PLAIN, CLOSING, ECHO, ECHO[:-2]):
        with many(lane, 20, request) as connections:
            for connection in connections[::2]:  # a reset rather than an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Longer than the patience with half a head, the slowest of them.
    for _ in range(400):
        if descriptors(lane) <= before:
            break
        time.sleep(0.1)
    assert descriptors(lane) <= before
    assert b"200 OK" in fetch(lane)
    assert "failed on a connection" not in lane.printed()


def test_a_large_file_reaches_a_slow_reader_whole_and_others_meanwhile(lane):
    large = PLAIN.replace(FILE.encode(), b"/large")
    with connect(lane) as slow:
        slow.sendall(large)
        assert b"200 OK" in fetch(lane)
        head, body = answer(slow)
        assert b"200 OK" in head
        assert body == bytes(range(256)) * 40_000
        slow.sendall(PLAIN)
        assert b"200 OK" in answer(slow)[0]


def test_a_large_last_answer_reaches_a_slow_reader_whole(lane):
    """It does not fit into the kernel's buffer, so the connection has to wait in the table."""
    large = CLOSING.replace(FILE.encode(), b"/large")
    fetch(lane, large)  # a head that is known is answered on another way than a new one
    with connect(lane) as slow:
        slow.sendall(large)
        assert b"200 OK" in fetch(lane)
        head, _, body = everything(slow).partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert body == bytes(range(256)) * 40_000


def test_one_connection_goes_to_and_fro_between_lane_and_application(lane):
    with connect(lane) as connection:
        for _ in range(5):
            connection.sendall(PLAIN)
            head, body = answer(connection)
            assert b"application/json" in head
            json.loads(body)
            connection.sendall(ECHO.replace(b"Connection: close\r\n", b""))
            _, body = answer(connection)
            assert json.loads(body) == {
                "method": "GET",
                "target": "/echo/x",
                "host": HOST,
                "client": "127.0.0.1",
                "server": "127.0.0.1",
                "query": "",
                "body": "",
            }


def test_every_answer_has_its_line_and_its_count(lane):
    counted = re.compile(
        rf'deeplink_requests_total{{method="HEAD",route="{FILE}",status="200"}} (\d+)'
    )
    metrics = f"GET /metrics HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()

    def count():
        found = counted.search(fetch(lane, metrics).decode())
        return int(found[1]) if found else 0

    def lines():
        read = [json.loads(line) for line in lane.printed().splitlines()]
        return [line for line in read if line.get("route") == FILE and line.get("method") == "HEAD"]

    before, written = count(), len(lines())
    for _ in range(30):
        fetch(lane, CLOSING.replace(b"GET", b"HEAD"))
    for _ in range(100):
        if count() - before == 30 and len(lines()) - written == 30:
            break
        time.sleep(0.05)
    assert (count() - before, len(lines()) - written) == (30, 30)
    ids = [line["request_id"] for line in lines()]
    assert len(set(ids)) == len(ids)


def test_a_head_must_be_whole_after_ten_seconds_however_it_drips(lane):
    with connect(lane) as dripping:
        started = time.monotonic()
        dripping.settimeout(0.5)
        dripping.sendall(HALF)
        for _ in range(40):
            try:
                dripping.sendall(b"x")
                closed = dripping.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
            assert closed
            break
        assert 9 < time.monotonic() - started < 15
    assert b"200 OK" in fetch(lane)


def test_idle_and_half_sent_connections_shut_nobody_out(form, tmp_path):
    """gthread stops accepting at its limit; here those silent longest make room."""
    options = ("--worker-connections", "64", "--threads", "4")
    with (
        lane_stage.serving(form, tmp_path / "log", *options) as server,
        many(server, 300, HALF),
        many(server, 300, PLAIN),
        many(server, 300),
    ):
        assert b"200 OK" in fetch(server)
        assert b"200 OK" in fetch(server, ECHO)
        assert descriptors(server) < 64 + 40


def test_a_kept_connection_ends_when_its_time_is_over(form, tmp_path):
    with (
        lane_stage.serving(form, tmp_path / "log", "--keep-alive", "1") as server,
        connect(server) as connection,
    ):
        connection.sendall(PLAIN)
        assert b"Connection: keep-alive" in answer(connection)[0]
        assert everything(connection) == b""


def test_without_keep_alive_every_answer_closes(form, tmp_path):
    with lane_stage.serving(form, tmp_path / "log", "--keep-alive", "0") as server:
        assert b"Connection: close" in fetch(server, PLAIN)


def test_a_worker_retires_after_its_last_request_and_loses_none(form, tmp_path):
    with lane_stage.serving(form, tmp_path / "log", "--max-requests", "25") as server:
        first = server.workers
        for number in range(120):
            request = (CLOSING, ECHO, PLAIN)[number % 3]
            with connect(server) as connection:
                connection.sendall(request)
                assert b"200 OK" in connection.recv(65536)
        assert set(server.workers).isdisjoint(first)
        assert server.printed().count("Autorestarting worker") >= 3


def test_a_reload_loses_no_request(form, tmp_path):
    """Kept connections, new ones and slow ones, through three reloads."""
    with (
        lane_stage.serving(form, tmp_path / "log") as server,
        lane_stage.asking(server) as lost,
    ):
        for _ in range(3):
            time.sleep(0.7)
            os.kill(server.process.pid, signal.SIGHUP)
        time.sleep(2)
    assert lost == []
    assert server.printed().count("Booting worker") >= 4


def test_a_stop_waits_for_who_is_being_served_and_ends_kept_connections(form, tmp_path):
    slow = f"GET /slow/1.5 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with (
        lane_stage.serving(form, tmp_path / "log") as server,
        connect(server) as served,
        connect(server) as kept,
        connect(server) as late,
        connect(server) as half,
    ):
        for connection in (kept, late):
            connection.sendall(PLAIN)
            answer(connection)
        half.sendall(PLAIN[:50])
        served.sendall(slow)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        late.sendall(PLAIN)
        half.sendall(PLAIN[50:])
        assert b"Connection: close" in everything(late)
        assert b"200 OK" in everything(half)
        assert everything(kept) == b""
        assert b"200 OK" in everything(served)
        assert server.process.wait(20) == 0


@pytest.mark.parametrize(
    ("options", "environ", "words"),
    [
        (("--proxy-protocol", "auto"), {}, "proxy_protocol is on"),
        (("--access-logfile", "/dev/null"), {}, "access log"),
        ((), {"SCRIPT_NAME": "/x"}, "SCRIPT_NAME"),
    ],
)
def test_where_the_lane_stands_aside_plain_gthread_serves(tmp_path, options, environ, words):
    with lane_stage.serving("inside", tmp_path / "log", *options, environ=environ) as server:
        lines = [line for line in server.printed().splitlines() if "stands aside" in line]
        assert len(lines) == 1
        assert words in lines[0]
        prefix = environ.get("SCRIPT_NAME", "").encode()
        assert b"200 OK" in fetch(server, ECHO.replace(b"GET ", b"GET " + prefix))
