"""
Streams that nobody thought of: the lane's answers and plain gthread's are the same bytes.

``LANE_FUZZ_SECONDS=600 pytest tests/end_to_end/test_lane_fuzz.py`` looks longer.
"""

from __future__ import annotations

import itertools
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.end_to_end import lane_stage
from tests.end_to_end.lane_stage import FILE, HOST, LANES

SECONDS = float(os.environ.get("LANE_FUZZ_SECONDS", "30"))

LINES = [
    *(f"GET {FILE} HTTP/1.1", f"GET {FILE} HTTP/1.1", f"HEAD {FILE} HTTP/1.0"),
    *("GET /echo/g HTTP/1.1", "POST /echo/p HTTP/1.1", "GET /echo/g HTTP/1.0"),
    *(f"POST {FILE} HTTP/1.1", f"GET {FILE}?a HTTP/1.1", f"GET http://x{FILE} HTTP/1.1"),
]
FIELDS = [
    *("Connection: close", "Connection: keep-alive", "Connection: upgrade", "connection:close"),
    *("Content-Length: 0", "Content-Length: 5", "Content-Length: 50", "Content-Length : 5"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding:\tchunked", "Transfer_Encoding: chunked"),
    *("Accept-Encoding: gzip", "If-None-Match: *", "Expect: 100-continue", f"Host: {HOST}"),
    *("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off", " folded", "X: \x00", "X: \xe9", "X"),
    *("User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Cookie: a=b", ": x", "X_Y: z"),
]
BODIES = ["", "", "", "hello", "5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n", "\r\n", "\n", "\x00"]


@st.composite
def requests(draw):
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=4))
    if draw(st.integers(0, 9)):
        fields.insert(0, f"Host: {HOST}")
    ends = ["\r\n"] * 12 + ["\n", "\r"]
    lines = [draw(st.sampled_from(LINES)), *fields, ""]
    head = "".join(line + draw(st.sampled_from(ends)) for line in lines)
    return head + draw(st.sampled_from(BODIES))


@st.composite
def streams(draw):
    """Some requests in a row, cut into pieces anywhere, perhaps ending too early."""
    whole = "".join(draw(st.lists(requests(), min_size=1, max_size=4))).encode("latin-1")
    if draw(st.integers(0, 4)) == 0:
        whole = whole[: draw(st.integers(1, len(whole)))]
    cuts = sorted(draw(st.lists(st.integers(1, len(whole)), max_size=3)))
    edges = [0, *cuts, len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(edges)]
    return [piece for piece in pieces if piece]


# Not with the parser in C: that judges a wrong half of a head by how it came. In one piece it is
# refused at once, in two nothing is said before its end; and the lane hands over one piece.
@pytest.fixture(scope="module", params=LANES)
def servers(request, tmp_path_factory):
    logs = tmp_path_factory.mktemp("fuzz")
    with (
        lane_stage.serving(request.param, logs / "lane.log") as lane,
        lane_stage.serving("plain", logs / "plain.log") as plain,
    ):
        assert "stands aside" not in lane.printed()
        yield lane, plain


def test_no_stream_of_requests_tells_lane_and_plain_gthread_apart(servers):
    @settings(
        max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(pieces=streams())
    def compare(pieces):
        plain, lane = lane_stage.same_outcome(*servers, pieces, half_close=True)
        assert lane == plain

    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        compare()
