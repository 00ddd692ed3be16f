"""A request's body: whole, or refused with a status that says why."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException

from deeplink.web.context import current_body

LIMIT = 10


class Broken(io.BytesIO):
    def __init__(self, trouble):
        super().__init__()
        self.trouble = trouble

    def read(self, size=-1):
        raise self.trouble


def body_of(stream, **environ):
    environ = {"wsgi.input": stream, **environ}
    with Flask("test").test_request_context("/", method="POST", environ_overrides=environ):
        return current_body(LIMIT)


@pytest.mark.parametrize("sent", [b"", b"{}", b"0123456789"])
def test_a_whole_body_is_taken_and_no_byte_behind_it(sent):
    stream = io.BytesIO(sent + b"GET / HTTP/1.1")
    assert body_of(stream, CONTENT_LENGTH=str(len(sent))) == sent
    assert stream.tell() == len(sent)


@pytest.mark.parametrize("sent", [b"", b"{}", b"0123456789"])
def test_a_body_in_chunks_is_taken_to_its_end(sent):
    assert body_of(io.BytesIO(sent), HTTP_TRANSFER_ENCODING="chunked") == sent


def test_without_a_length_or_chunks_there_is_no_body():
    assert body_of(io.BytesIO(b"GET / HTTP/1.1")) == b""


@pytest.mark.parametrize(
    ("status", "stream", "environ"),
    [
        (400, io.BytesIO(b"half"), {"CONTENT_LENGTH": "9"}),
        (400, Broken(ConnectionResetError()), {"CONTENT_LENGTH": "9"}),
        (400, Broken(ParseException()), {"HTTP_TRANSFER_ENCODING": "chunked"}),
        (413, Broken(AssertionError("it was read")), {"CONTENT_LENGTH": "11"}),
        (413, io.BytesIO(b"0123456789+"), {"HTTP_TRANSFER_ENCODING": "chunked"}),
    ],
)
def test_half_a_body_is_refused_and_so_is_a_large_one(status, stream, environ):
    with pytest.raises(HTTPException) as caught:
        body_of(stream, **environ)
    assert caught.value.code == status
