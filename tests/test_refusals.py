"""Refusals in our words: the table of codes, and nothing of what the provider wrote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.refusals import Cause, codes, explain

#: TikTok's documents and SDKs (its reference table of numeric codes), RFC 6749, OpenID Connect.
TABLE = [
    ({"error": "access_denied"}, Cause.CANCELLED),
    ({"error": "ACCESS_DENIED"}, Cause.CANCELLED),
    ({"error": "user_cancelled_authorize"}, Cause.CANCELLED),
    # The URL of the iOS SDK's own tests.
    ({"error_code": "-2", "error_string": "bytebase_cancel_oauth"}, Cause.CANCELLED),
    # A native open that fails makes the iOS SDK say this.
    (
        {
            "error_code": "-2",
            "error": "access_denied",
            "error_description": "User cancelled authorization",
        },
        Cause.CANCELLED,
    ),
    # -3 is "cancelled" on Android and "failed" on iOS; -4 the other way round.
    ({"err_code": "-3"}, Cause.CANCELLED),
    ({"error_code": "-3"}, Cause.UNKNOWN),
    ({"err_code": "-4"}, Cause.UNKNOWN),
    ({"error_code": "-4"}, Cause.CANCELLED),
    ({"error": "invalid_client", "err_code": "10033"}, Cause.APP_CERTIFICATE),
    (
        {
            "error": "invalid_client",
            "error_description": "App certificate does not match configurations.",
        },
        Cause.APP_CERTIFICATE,
    ),
    ({"error": "server_error", "err_code": "10004"}, Cause.SCOPE),
    ({"error_code": "10005"}, Cause.APP_SETUP),
    ({"err_code": "10006"}, Cause.APP_REDIRECT),
    ({"err_code": "10007"}, Cause.EXPIRED),
    ({"err_code": "10012"}, Cause.APP_REVIEW),
    ({"err_code": "10013"}, Cause.APP_KEY),
    ({"err_code": "2100004"}, Cause.BUSY),
    ({"err_code": "2100009"}, Cause.BLOCKED),
    ({"err_code": "6007061"}, Cause.UPDATE_NEEDED),
    ({"err_code": "6007062"}, Cause.AGE),
    ({"error_code": "-8"}, Cause.UNSUPPORTED),
    ({"error": "login_required"}, Cause.SIGN_IN_NEEDED),
    ({"error": "invalid_scope"}, Cause.SCOPE),
    ({"error": "unauthorized_client"}, Cause.APP_KEY),
    ({"error": "temporarily_unavailable"}, Cause.BUSY),
    ({"error": "something_new"}, Cause.UNKNOWN),
    ({"err_code": "99"}, Cause.UNKNOWN),
    ({"err_code": "not a number"}, Cause.UNKNOWN),
    # An unknown number leaves the word to the name.
    ({"err_code": "-1", "error": "access_denied"}, Cause.CANCELLED),
    ({"error": "access_denied", "error_code": "0"}, Cause.CANCELLED),
]


@pytest.mark.parametrize(("told", "cause"), TABLE)
def test_each_code_of_the_table_has_its_cause(told, cause):
    assert explain(**told).cause is cause


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"error_code": "0"},
        {"err_code": "0", "error_code": "0"},
        {"error_code": "00"},
        {"error_description": "only words"},
    ],
)
def test_success_is_no_refusal(told):
    assert explain(**told) is None


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(max_size=40)
            for name in ("error", "error_description", "err_code", "error_code", "error_string")
        },
    )
)
def test_whatever_is_told_the_words_are_ours(told):
    ours = {explain(**known) for known, _ in TABLE}
    assert explain(**told) in ours | {None}


@pytest.mark.parametrize("told", [told for told, _ in TABLE])
def test_every_refusal_is_whole_sentences_with_a_next_step(told):
    refusal = explain(**told)
    assert refusal.title[0].isupper()
    assert not refusal.title.endswith(".")
    assert refusal.sentence.endswith(".")
    assert refusal.next_step.endswith(".")


def test_a_cancelled_sign_in_is_nobodys_fault():
    assert explain(error="access_denied").title == "Sign-in cancelled"


def test_every_cause_is_reached_by_some_code():
    reached = {explain(**told).cause for told, _ in TABLE}
    assert reached == set(Cause)


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({"error": "access_denied"}, {"error": "access_denied"}),
        ({"error": "ACCESS_denied "}, {"error": "access_denied"}),
        ({"err_code": "010033"}, {"errCode": "10033"}),
        ({"err_code": "-3", "error_code": "-8"}, {"errCode": "-3", "error_code": "-8"}),
        ({"error_string": "bytebase_cancel_oauth"}, {"error_string": "bytebase_cancel_oauth"}),
        # Digits may be a stranger's telephone number, words his words.
        ({"err_code": "5550100", "error_code": "911", "error": "call me"}, {}),
        ({}, {}),
    ],
)
def test_a_report_holds_known_codes_only(told, known):
    assert codes(**told) == known
