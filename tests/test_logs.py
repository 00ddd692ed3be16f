"""What a log line holds, and what never becomes one."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading

import pytest

from deeplink.logs import JsonFormatter, LineHandler


def line(message, *arguments, error=None, **fields):
    record = logging.LogRecord(
        "gunicorn.error", logging.ERROR, "x.py", 1, message, arguments, error
    )
    record.fields = fields
    return json.loads(JsonFormatter().format(record))


def caught(error):
    try:
        raise error
    except type(error):
        return sys.exc_info()


def test_a_line_is_one_json_object_with_our_fields():
    said = line("request", route="/login-callback/", status=200)
    assert said["message"] == "request"
    assert (said["level"], said["route"], said["status"]) == ("error", "/login-callback/", 200)
    assert said["time"].endswith("Z")


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        # gunicorn 27.0.1, workers/base.py, handle_error
        ("Error handling request %s %s", ("GET", "/login-callback/?code=SECRET-1")),
        ("Error handling request %s", ("/login-callback/?code=SECRET-1",)),
        ("Invalid request from ip=203.0.113.7: Invalid Header 'Cookie: SECRET-1'", ()),
        ("GET /login-callback/?code=SECRET-1&state=SECRET-2", ()),
        ("went to https://links.acme.com/x?code=SECRET-1 in vain", ()),
    ],
)
def test_no_query_header_or_address_of_a_request_is_printed(message, arguments):
    said = json.dumps(line(message, *arguments))
    assert "SECRET-" not in said
    assert "203.0.113.7" not in said


def test_an_exception_is_its_type_and_its_place_never_its_text():
    said = line("unexpected error", error=caught(ValueError("token SECRET-1")))
    assert said["exception"][0] == "ValueError"
    assert "test_logs.py" in said["exception"][-1]
    assert "SECRET-" not in json.dumps(said)


def test_lines_of_many_threads_stay_whole():
    reading, writing = os.pipe()
    logger = logging.Logger("test")
    logger.addHandler(LineHandler(writing))
    threads = [
        threading.Thread(target=lambda: [logger.info("x" * 1000) for _ in range(7)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == (b"x" * 1000 + b"\n") * 56


def test_a_log_that_nobody_reads_ends_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    logger = logging.Logger("test")
    logger.addHandler(LineHandler(writing))
    logger.info("into the void")
    os.close(writing)


def test_the_types_of_a_chain_are_told_without_their_texts():
    cause = OSError("SECRET-1")
    error = RuntimeError("SECRET-2")
    error.__cause__ = cause
    assert line("unexpected error", error=caught(error))["exception"][:2] == [
        "RuntimeError",
        "OSError",
    ]
