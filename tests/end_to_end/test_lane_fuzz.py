"""
Streams that nobody thought of: the lane's answers and plain gthread's are the same bytes.

``LANE_FUZZ_SECONDS=600 pytest tests/end_to_end/test_lane_fuzz.py`` looks longer.
"""

from __future__ import annotations

import itertools
import os
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.end_to_end import lane_stage
from tests.end_to_end.lane_stage import FILE, HOST, LANES, PARSERS

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


#: The parser in C judges a wrong half of a head by how it came: in one piece it is refused at once,
#: in two nothing is said before its end; and the lane hands over one piece. So there nothing counts
#: as the same as a refusal at the very end.
_REFUSED_AT_THE_END = re.compile(rb"HTTP/1\.1 400 (?:(?!HTTP/1\.).)*\Z", re.DOTALL)

KINDS = [
    *((form, "python") for form in LANES),
    *(("inside", name) for name in PARSERS if name == "fast"),
]


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def servers(request, tmp_path_factory):
    form, parser = request.param
    logs = tmp_path_factory.mktemp("fuzz")
    with (
        lane_stage.serving(form, logs / "lane.log", parser=parser) as lane,
        lane_stage.serving("plain", logs / "plain.log", parser=parser) as plain,
    ):
        assert "stands aside" not in lane.printed()
        yield lane, plain, parser


def test_no_stream_of_requests_tells_lane_and_plain_gthread_apart(servers):
    lane_server, plain_server, parser = servers

    @settings(
        max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(pieces=streams())
    def compare(pieces):
        both = lane_stage.same_outcome(lane_server, plain_server, pieces, half_close=True)
        if parser == "fast":
            plain, lane = (_REFUSED_AT_THE_END.sub(b"", outcome.answers) for outcome in both)
        else:
            plain, lane = both
        assert lane == plain

    # In CI the two forms get all the time that there is.
    until = time.monotonic() + (SECONDS if parser == "python" else SECONDS / 3)
    while time.monotonic() < until:
        compare()
