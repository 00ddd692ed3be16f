"""The three questions to a provider: what leaves, how its answers are told, what is never done."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from deeplink.errors import ProviderRefused, ProviderSilent, RequestRefused, TooMany
from deeplink.oauth.providers import TIKTOK, at_sandbox
from deeplink.oauth.request import CodeRequest, TokenRequest
from deeplink.oauth.vault import ANSWER_WITHIN, LEASE_MARGIN, LONGEST_PAUSE
from deeplink.outbound import PATIENCE, SHORT_PATIENCE, Fault, Unanswered
from deeplink.secret import Secret

VERIFIER = "SECRET-verifier-of-43-characters-aaaaaaaaaa"
CODE = CodeRequest(Secret("SECRET-code*0!6410"), Secret(VERIFIER), None, ())
OLD = TokenRequest(Secret("rft.SECRET-old"), None, ())
ACCESS = TokenRequest(Secret("act.SECRET-a"), None, ())
LOG_ID = "202206221854370101130062072500FFA2"
TOKENS = {
    "access_token": "act.SECRET-a",
    "expires_in": 7200,
    "refresh_token": "rft.SECRET-r",
    "token_type": "Bearer",
}
TOKEN_URL = "https://open.tiktokapis.com/v2/oauth/token/"
REVOKE_URL = "https://open.tiktokapis.com/v2/oauth/revoke/"


def error(code, description="SECRET-words", **more):
    return {"error": code, "error_description": description, **more}


def test_a_code_leaves_with_the_secret_and_what_is_configured(play):
    exchange, upstream = play((200, TOKENS))
    assert exchange.redeem(CODE).fields == TOKENS
    assert upstream.calls == [
        (
            TOKEN_URL,
            [
                ("client_key", "awkey"),
                ("client_secret", "SECRET-client"),
                ("code", "SECRET-code*0!6410"),
                ("grant_type", "authorization_code"),
                ("redirect_uri", "https://app.example.com/login-callback/"),
                ("code_verifier", VERIFIER),
            ],
            False,
            PATIENCE,
        )
    ]


def test_a_refresh_leaves_with_the_secret(play):
    exchange, upstream = play((200, TOKENS))
    assert exchange.refresh(OLD).fields == TOKENS
    assert upstream.calls[0][:2] == (
        TOKEN_URL,
        [
            ("client_key", "awkey"),
            ("client_secret", "SECRET-client"),
            ("grant_type", "refresh_token"),
            ("refresh_token", "rft.SECRET-old"),
        ],
    )


def test_a_revocation_leaves_with_the_secret(play):
    exchange, upstream = play((200, b""))
    exchange.revoke(ACCESS)
    assert upstream.calls[0][:2] == (
        REVOKE_URL,
        [("client_key", "awkey"), ("client_secret", "SECRET-client"), ("token", "act.SECRET-a")],
    )


def test_plain_http_is_asked_for_only_by_the_sandbox(play):
    preset = at_sandbox(TIKTOK, "http://127.0.0.1:8001")
    exchange, upstream = play((200, TOKENS), sandbox=True, preset=preset)
    exchange.redeem(CODE)
    assert upstream.calls[0][0] == "http://127.0.0.1:8001/v2/oauth/token/"
    assert upstream.calls[0][2] is True


@pytest.mark.parametrize(
    ("body", "expected", "part"),
    [
        (
            error("invalid_grant", "Authorization code is expired."),
            "invalid_grant",
            "TikTok for Business",
        ),
        (
            error("invalid_request", "Code verifier or code challenge is invalid."),
            "invalid_request",
            "not base64url",
        ),
        (
            error("invalid_request", "code verifier or  code challenge is invalid"),
            "invalid_request",
            "react-native-tiktok keeps one",
        ),
        (
            error(
                "invalid_request",
                "Redirect_uri is not matched with the uri when requesting code.",
            ),
            "invalid_request",
            "https://app.example.com/login-callback/, byte for byte, trailing slash included",
        ),
        (
            error("invalid_request", "The request parameters are malformed."),
            "server_error",
            "The app cannot mend this",
        ),
        (
            error("invalid_request", "Client secret is missed in request."),
            "invalid_client",
            "the secret in its environment",
        ),
        (
            error("invalid_client", "Client key or secret is incorrect."),
            "invalid_client",
            "a sandbox of TikTok's has a pair of its own",
        ),
        (error("invalid_grant"), "invalid_grant", "Start the login again"),
        (error("invalid_request"), "invalid_request", "without saying why"),
        (error("invalid_client"), "invalid_client", "compare key and secret"),
        (error("invalid_scope"), "invalid_scope", "one of the scopes"),
        (error("access_denied"), "access_denied", "refused"),
        (error("unauthorized_client"), "unauthorized_client", "is the app live"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_s23_a_refusal_is_told_in_our_words(play, status, body, expected, part):
    exchange, upstream = play((status, body | {"log_id": LOG_ID}))
    with pytest.raises(ProviderRefused) as caught:
        exchange.redeem(CODE)
    assert (caught.value.error, caught.value.log_id) == (expected, LOG_ID)
    assert part in caught.value.description
    assert "SECRET" not in caught.value.description
    assert len(upstream.calls) == 1


@pytest.mark.parametrize(
    ("verb", "asked", "part"),
    [
        ("refresh", OLD, "each refresh gives a new one"),
        ("revoke", ACCESS, "refresh first and revoke the new access token"),
    ],
)
def test_a_dead_token_is_explained_by_what_was_asked(play, verb, asked, part):
    exchange, _ = play((200, error("invalid_grant")))
    with pytest.raises(ProviderRefused) as caught:
        getattr(exchange, verb)(asked)
    assert part in caught.value.description


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, error("server_error")), "server_error"),
        ((200, error("temporarily_unavailable")), "temporarily_unavailable"),
        ((200, error("SECRET-made-up")), "server_error"),
        ((200, b"<html>SECRET</html>"), "server_error"),
        ((502, b""), "server_error"),
        ((200, {"data": TOKENS}), "server_error"),
        (Unanswered(Fault.REDIRECT, sent=True), "server_error"),
        (Unanswered(Fault.TOO_LARGE, sent=True), "server_error"),
        (Unanswered(Fault.MALFORMED, sent=True), "server_error"),
        (Unanswered(Fault.TIMEOUT, sent=True), "temporarily_unavailable"),
        (Unanswered(Fault.BROKEN, sent=True), "temporarily_unavailable"),
    ],
)
@pytest.mark.parametrize(("verb", "asked"), [("redeem", CODE), ("refresh", OLD)])
def test_s24_no_usable_answer_is_silence_and_is_never_repeated(play, verb, asked, answer, expected):
    exchange, upstream = play(answer)
    with pytest.raises(ProviderSilent) as caught:
        getattr(exchange, verb)(asked)
    assert caught.value.error == expected
    assert "SECRET" not in caught.value.description
    assert caught.value.__context__ is None
    assert len(upstream.calls) == 1


@pytest.mark.parametrize(
    ("verb", "asked", "sent", "part"),
    [
        ("redeem", CODE, False, "The code has not been used"),
        ("redeem", CODE, True, "The code may have been used"),
        ("refresh", OLD, False, "The refresh token has not been used"),
        ("refresh", OLD, True, "The refresh token may have been replaced"),
        ("revoke", ACCESS, False, "The token has not been revoked"),
        ("revoke", ACCESS, True, "may or may not be revoked"),
    ],
)
def test_silence_says_whether_anything_may_have_happened(play, verb, asked, sent, part):
    exchange, _ = play(Unanswered(Fault.TIMEOUT, sent=sent))
    with pytest.raises(ProviderSilent) as caught:
        getattr(exchange, verb)(asked)
    assert part in caught.value.description


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((429, error("rate_limit_exceeded"), {"retry-after": "7"}), 7),
        ((200, error("rate_limit_exceeded")), 10),
        ((429, b"slow down", {"retry-after": "0"}), 1),
        ((429, b"", {"retry-after": "999999"}), 600),
        ((429, b"", {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}), 10),
        ((429, b"", {"retry-after": "٣"}), 10),
    ],
)
def test_a_provider_that_limits_us_is_told_with_a_time(play, answer, seconds):
    exchange, _ = play(answer)
    with pytest.raises(TooMany) as caught:
        exchange.redeem(CODE)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("body", [TOKENS | {"expires_in": "7200"}, TOKENS | error("invalid_grant")])
def test_s29_a_token_that_nobody_will_get_is_revoked(play, body):
    exchange, upstream = play((200, body), (200, b""))
    with pytest.raises((ProviderSilent, ProviderRefused)):
        exchange.redeem(CODE)
    url, fields, _, patience = upstream.calls[1]
    assert (url, fields[-1]) == (REVOKE_URL, ("token", "act.SECRET-a"))
    assert patience is SHORT_PATIENCE


def test_s29_a_failed_revocation_changes_nothing_for_the_app(play):
    broken = (200, TOKENS | {"token_type": None})
    exchange, upstream = play(broken, Unanswered(Fault.TIMEOUT, sent=True))
    with pytest.raises(ProviderSilent, match="Start the login again"):
        exchange.redeem(CODE)
    assert len(upstream.calls) == 2


def test_an_exchange_and_the_revocation_after_it_end_within_the_hosts_thirty_seconds():
    assert PATIENCE.total + SHORT_PATIENCE.total < 25


def test_a_repeat_that_waits_for_a_killed_process_still_has_time_for_a_call_of_its_own():
    deadline = PATIENCE.total + SHORT_PATIENCE.total
    assert (deadline + LEASE_MARGIN + LONGEST_PAUSE) + deadline < ANSWER_WITHIN < 30


def test_s26_the_same_request_gets_the_same_tokens_without_a_second_call(play):
    exchange, upstream = play((200, TOKENS | {"log_id": LOG_ID}))
    first, second = exchange.redeem(CODE), exchange.redeem(CODE)
    assert (first.fields, first.log_id) == (second.fields, second.log_id)
    assert (first.is_replay, second.is_replay) == (False, True)
    assert list(second.fields) == list(first.fields)
    assert len(upstream.calls) == 1


def test_s26_another_verifier_after_a_success_is_refused_without_a_call(play):
    exchange, upstream = play((200, TOKENS))
    exchange.redeem(CODE)
    with pytest.raises(RequestRefused) as caught:
        exchange.redeem(replace(CODE, code_verifier=Secret("SECRET-junk" + "j" * 40)))
    assert (caught.value.error, len(upstream.calls)) == ("invalid_grant", 1)


def test_s27_the_same_refresh_gets_the_same_tokens_until_the_new_one_is_used(play):
    second = TOKENS | {"access_token": "act.SECRET-b", "refresh_token": "rft.SECRET-s"}
    exchange, upstream = play((200, TOKENS), (200, second))
    assert exchange.refresh(OLD).fields == TOKENS
    assert exchange.refresh(OLD).fields == TOKENS
    assert exchange.refresh(TokenRequest(Secret("rft.SECRET-r"), None, ())).fields == second
    with pytest.raises(RequestRefused) as caught:
        exchange.refresh(OLD)
    assert (caught.value.error, len(upstream.calls)) == ("invalid_grant", 2)


def test_a_provider_that_rotates_nothing_keeps_its_answer_all_the_same(play):
    without = {name: value for name, value in TOKENS.items() if name != "refresh_token"}
    exchange, upstream = play((200, without))
    assert exchange.refresh(OLD).fields == exchange.refresh(OLD).fields == without
    assert len(upstream.calls) == 1


def test_a_provider_that_does_not_verify_pkce_is_off_until_that_is_accepted(play):
    """Whoever has the code could invent a verifier."""
    lax = replace(TIKTOK, verifies_pkce=False)
    exchange, upstream = play((200, TOKENS), preset=lax)
    with pytest.raises(RequestRefused) as caught:
        exchange.redeem(CODE)
    assert (caught.value.error, upstream.calls) == ("unauthorized_client", [])
    accepting, _ = play((200, TOKENS), preset=lax, accept_code_without_pkce=True)
    assert accepting.redeem(CODE).fields == TOKENS


def test_s12_nothing_secret_reaches_the_log(play, caplog):
    caplog.set_level(logging.DEBUG)
    answers = [
        (200, TOKENS),
        (200, error("invalid_client", "SECRET-words", log_id=LOG_ID)),
        (200, b"SECRET-html"),
        Unanswered(Fault.TIMEOUT, sent=True),
    ]
    exchange, _ = play(*answers)
    for number in range(len(answers)):
        try:
            exchange.redeem(replace(CODE, code=Secret(f"SECRET-code-{number}")))
        except (ProviderRefused, ProviderSilent):
            continue
    seen = [record.fields for record in caplog.records if record.name == "deeplink"]
    assert [line["error"] for line in seen] == ["invalid_client", "unusable_answer", "timeout"]
    assert seen[0]["log_id"] == LOG_ID
    assert "SECRET" not in caplog.text + str(seen)
