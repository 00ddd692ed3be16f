"""The seam is tight: whatever is sent, lane and plain gthread answer with the same bytes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end import lane_stage
from tests.end_to_end.lane_stage import FILE, HOST, PLAIN, ROOT

VECTORS = [
    json.loads(line)
    for line in (ROOT / "tests/vectors/http/requests.jsonl").read_text("ascii").splitlines()
]

POST = f"POST /echo/post HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\n\r\nhello".encode()
ECHO = f"GET /echo/get HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
PHONE = (
    f"GET {FILE} HTTP/1.1\r\nHost: {HOST}\r\nConnection: keep-alive\r\n"
    "Accept-Encoding: gzip\r\nUser-Agent: Mozilla/5.0\r\n\r\n"
).encode()


# Both parsers where the lane is inside; how a head travels does not depend on who reads it.
@pytest.fixture(
    scope="module",
    params=[*(("inside", parser) for parser in lane_stage.PARSERS), ("process", "python")],
    ids="-".join,
)
def servers(request, tmp_path_factory):
    logs = tmp_path_factory.mktemp("lane")
    form, parser = request.param
    with (
        lane_stage.serving(form, logs / "lane.log", parser=parser) as lane,
        lane_stage.serving("plain", logs / "plain.log", parser=parser) as plain,
    ):
        assert "stands aside" not in lane.printed()
        yield lane, plain


def compare(servers, cases):
    """The names of the *cases* (name, segments, half_close) that the two servers tell apart."""
    with ThreadPoolExecutor(12) as pool:
        pairs = pool.map(
            lambda case: lane_stage.same_outcome(*servers, case[1], half_close=case[2]), cases
        )
        return {
            case[0]: pair for case, pair in zip(cases, pairs, strict=True) if pair[0] != pair[1]
        }


def test_every_odd_request_has_the_same_answer_and_the_same_end(servers):
    cases = [
        (
            vector["name"],
            [segment.encode("latin-1") for segment in vector["segments"]],
            vector.get("half_close", False),
        )
        for vector in VECTORS
    ]
    assert compare(servers, cases) == {}


def test_a_request_may_be_split_at_every_byte(servers):
    cases = [(f"split at {at}", [PHONE[:at], PHONE[at:]], False) for at in range(1, len(PHONE))]
    assert compare(servers, cases) == {}


def test_a_request_may_drip_byte_by_byte(servers):
    cases = [
        (str(request), [bytes([byte]) for byte in request], False)
        for request in (PLAIN, ECHO, POST)
    ]
    assert compare(servers, cases) == {}


@pytest.mark.parametrize("order", ["lane-post-lane", "post-lane-echo", "echo-lane-lane-post"])
def test_a_pipeline_across_the_seam_may_be_split_anywhere(servers, order):
    known = {"lane": PLAIN, "post": POST, "echo": ECHO}
    whole = b"".join(known[word] for word in order.split("-"))
    cases = [
        (f"{order} split at {at}", [whole[:at], whole[at:]], False)
        for at in range(1, len(whole), 5)
    ]
    assert compare(servers, cases) == {}
