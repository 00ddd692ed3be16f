"""The provider's answer is judged by its body; what is not understood goes nowhere."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplink.oauth import answer as judge
from deeplink.oauth.answer import Refused, Result, Unusable
from deeplink.oauth.providers import TIKTOK
from deeplink.outbound import Reply

read_tokens = partial(judge.read_tokens, preset=TIKTOK)
read_revocation = partial(judge.read_revocation, preset=TIKTOK)

LOG_ID = "202206221854370101130062072500FFA2"
TOKENS = {
    "access_token": "act.SECRET-a!6410.u1",
    "expires_in": 7200,
    "open_id": "723f24d7",
    "refresh_expires_in": 15552000,
    "refresh_token": "rft.SECRET-r!6410.u1",
    "scope": "user.info.basic,video.list",
    "token_type": "Bearer",
}


def reply(body, status=200, **headers):
    return Reply(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize("status", [200, 400, 500])
def test_s22_a_whole_answer_is_a_result_whatever_its_status(status):
    result = read_tokens(reply(TOKENS | {"log_id": LOG_ID}, status))
    assert result == Result(TOKENS, LOG_ID)


def test_s22_only_known_fields_go_on():
    result = read_tokens(reply(TOKENS | {"message": "ok", "union_id": "u", "captcha": ""}))
    assert list(result.fields) == sorted(TOKENS)


def test_a_minimal_answer_is_enough():
    body = {"access_token": "a", "expires_in": 0, "token_type": "bearer", "refresh_token": None}
    assert read_tokens(reply(body)).fields == {
        "access_token": "a",
        "expires_in": 0,
        "token_type": "bearer",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "with space"},
        {"access_token": "é"},
        {"expires_in": None},
        {"expires_in": "7200"},
        {"expires_in": 7200.5},
        {"expires_in": True},
        {"expires_in": -1},
        {"token_type": None},
        {"token_type": 1},
        {"token_type": ""},
        {"refresh_token": 1},
        {"refresh_token": ""},
        {"refresh_expires_in": "long"},
        {"open_id": ["x"]},
        {"scope": ["user.info.basic"]},
        {"scope": "a\nb"},
    ],
)
def test_s22_an_answer_with_a_field_of_the_wrong_kind_is_unusable(change):
    answer = read_tokens(reply(TOKENS | change))
    assert isinstance(answer, Unusable)


def test_s29_the_token_of_an_unusable_answer_is_kept_for_its_revocation():
    answer = read_tokens(reply(TOKENS | {"expires_in": "7200"}))
    assert answer.access_token.reveal() == "act.SECRET-a!6410.u1"
    assert "SECRET" not in repr(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>SECRET</html>",
        b"[]",
        b"null",
        b'{"access_token":',
        b"\xff\xfe",
        b"[" * 60000,
        b"1" * 5000,
        {"data": TOKENS, "message": "success"},  # the envelope of Login Kit v1
        {},
    ],
)
def test_a_body_that_is_no_answer_is_unusable(body):
    assert read_tokens(reply(body)) == Unusable(None, None)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_an_error_is_one_whatever_its_status(status):
    body = {"error": "invalid_grant", "error_description": "SECRET-d", "log_id": LOG_ID}
    answer = read_tokens(reply(body, status))
    assert answer == Refused("invalid_grant", "SECRET-d", LOG_ID, None, "invalid_grant")
    assert "SECRET" not in repr(answer)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("invalid_client", "invalid_client"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("rate_limit_exceeded", "rate_limit_exceeded"),
        ({"code": "rate_limit_exceeded", "message": ""}, "rate_limit_exceeded"),
        ({"code": "SECRET-x"}, "unknown_error"),
        ({}, None),
        ({"message": "x"}, "unknown_error"),
        ("SECRET-x", "unknown_error"),
        ("Invalid_Grant", "unknown_error"),
        (["invalid_grant"], "unknown_error"),
        (10007, "unknown_error"),
    ],
)
def test_s23_only_documented_errors_have_a_name(error, expected):
    answer = read_tokens(reply({"error": error}))
    assert getattr(answer, "error", None) == expected


@pytest.mark.parametrize("error", ["", None, 0, {"code": "ok", "message": ""}])
def test_an_error_that_says_ok_is_none(error):
    assert isinstance(read_tokens(reply(TOKENS | {"error": error})), Result)


def test_a_token_beside_an_error_is_not_handed_on():
    answer = read_tokens(reply(TOKENS | {"error": "server_error"}))
    assert answer.error == "server_error"
    assert answer.access_token.reveal() == "act.SECRET-a!6410.u1"


@pytest.mark.parametrize(
    ("body", "header", "expected"),
    [
        (LOG_ID, "", LOG_ID),
        (None, LOG_ID, LOG_ID),
        ("SECRET-x", LOG_ID, LOG_ID),
        ("act.SECRET-a", "", None),
        ("20220622", "", None),
        (f"{LOG_ID}\n", "", None),
        (["x"], "x" * 34, None),
    ],
)
def test_a_log_id_is_kept_only_if_it_looks_like_one(body, header, expected):
    answer = read_tokens(
        reply({"error": "invalid_grant", "log_id": body}, **{"x-tt-logid": header})
    )
    assert answer.log_id == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", None),
        (200, b"{}", None),
        (204, b"", None),
        (200, b'{"data":{},"error":{"code":"ok"}}', None),
        (500, b"", Unusable(None, None)),
        (404, b"<html>", Unusable(None, None)),
        (
            200,
            b'{"error":"invalid_request"}',
            Refused("invalid_request", "", None, None, "invalid_request"),
        ),
    ],
)
def test_a_revocation_is_done_if_neither_body_nor_status_object(status, body, expected):
    assert read_revocation(reply(body, status)) == expected


@given(st.binary(max_size=300), st.integers(200, 599))
def test_no_bytes_crash_the_reader(body, status):
    assert isinstance(read_tokens(reply(body, status)), (Refused, Unusable))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*TOKENS, "error", "log_id"]), json_values))
def test_no_fields_crash_the_reader(body):
    answer = read_tokens(reply(body))
    assert isinstance(answer, (Result, Refused, Unusable))
    if isinstance(answer, Result):
        assert set(answer.fields) <= set(TOKENS)
