"""The standard face: what a client may ask, what the provider is asked, what comes back."""

from __future__ import annotations

import pytest

from deeplink.errors import (
    ProviderRefused,
    ProviderSilent,
    RequestRefused,
    TooMany,
    Unanswered,
)
from deeplink.oauth.clients import Kind, RedirectUri
from deeplink.oauth.facade import DeadEnd, Forward, Start
from deeplink.oauth.providers import APPLE, GITHUB, GOOGLE
from deeplink.outbound import Fault
from tests.oauth.face import (
    CHALLENGE,
    ISSUER,
    KEYS,
    LINK,
    LOOPBACK,
    OTHER_KEYS,
    SCHEME,
    TOKENS,
    WEB,
    PlayedProvider,
    Stage,
    answer_of,
    ask,
    client,
    query_of,
    question,
)

REFUSED = {"error": "invalid_grant", "error_description": "Authorization code is expired."}


def test_the_provider_is_asked_in_its_own_dialect():
    start = Stage().begin(scope="user.info.basic video.list")
    assert start.address.startswith("https://www.tiktok.com/v2/auth/authorize/?")
    asked = query_of(start.address)
    del asked["state"]
    assert asked == {
        "client_key": "tiktok-key",
        "response_type": "code",
        "scope": "user.info.basic,video.list",
        "redirect_uri": "https://login.example.com/oauth/tiktok/return",
        # The same digest as CHALLENGE, in TikTok's spelling.
        "code_challenge": "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize(
    ("client", "redirect_uri", "expected"),
    [
        ("web", WEB, None),
        ("shop", LINK, None),
        ("shop", SCHEME, "1"),
        ("desk", "http://127.0.0.1:49152/callback", "1"),
    ],
)
def test_consent_is_shown_again_where_another_program_could_take_the_answer(
    client, redirect_uri, expected
):
    start = Stage().begin(client, redirect_uri)
    assert query_of(start.address).get("disable_auto_auth") == expected


def test_a_login_ends_with_tokens_in_the_clients_own_words():
    stage = Stage()
    forward = stage.come_back(stage.begin())
    assert forward.address.startswith(f"{WEB}?code=web.")
    answer = answer_of(forward)
    assert (answer["state"], answer["iss"]) == ("st-1", ISSUER)
    assert stage.redeem(answer["code"]) == TOKENS | {"scope": "user.info.basic video.list"}


def test_the_verifier_proves_the_client_to_the_provider_as_well():
    stage = Stage()
    stage.redeem(stage.code())
    (url, form), *_ = stage.provider.calls
    assert url == "https://open.tiktokapis.com/v2/oauth/token/"
    assert form == {
        "client_key": "tiktok-key",
        "client_secret": "SECRET-of-tiktok",
        "code": "SECRET-code*1",
        "grant_type": "authorization_code",
        "redirect_uri": "https://login.example.com/oauth/tiktok/return",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }


def test_without_a_scope_all_of_the_clients_are_asked_for():
    assert query_of(Stage().begin(scope=None).address)["scope"] == "user.info.basic,video.list"


def test_without_a_state_none_comes_back():
    stage = Stage()
    assert "state" not in answer_of(stage.come_back(stage.begin(state=None)))


@pytest.mark.parametrize("state", ["a b+c%&=#?/", "x" * 1024, "~", "0"])
def test_a_state_comes_back_as_it_was(state):
    stage = Stage()
    assert answer_of(stage.come_back(stage.begin(state=state)))["state"] == state


def test_a_client_of_one_redirect_uri_may_leave_it_out_both_times():
    stage = Stage()
    code = stage.code("web", None)
    assert stage.redeem(code, redirect_uri=None)["access_token"] == "act.SECRET-1"


def test_a_client_of_several_redirect_uris_has_to_name_one():
    assert Stage().begin("shop", None) is DeadEnd.REDIRECT


def test_who_named_a_redirect_uri_at_the_start_names_it_at_the_end():
    stage = Stage()
    with pytest.raises(RequestRefused, match="redirect_uri") as refused:
        stage.redeem(stage.code(), redirect_uri=None)
    assert refused.value.error == "invalid_grant"


def test_the_port_of_a_loopback_redirect_uri_is_the_programs_own():
    stage = Stage()
    uri = "http://127.0.0.1:49152/callback"
    forward = stage.come_back(stage.begin("desk", uri))
    assert forward.address.startswith(f"{uri}?code=desk.")
    code = answer_of(forward)["code"]
    assert stage.redeem(code, "desk", redirect_uri=uri)["token_type"] == "Bearer"


def test_at_the_end_the_port_is_the_one_of_the_start():
    stage = Stage()
    code = stage.code("desk", "http://127.0.0.1:49152/callback")
    with pytest.raises(RequestRefused, match="redirect_uri"):
        stage.redeem(code, "desk", redirect_uri="http://127.0.0.1:49153/callback")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "user.info.basic video.publish"}, "invalid_scope"),
        ({"scope": "user.info.basic,video.list"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"state": "x" * 1025}, "invalid_request"),
        ({"state": "é"}, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_taken_goes_back_to_the_client_as_an_error(changes, error):
    forward = Stage().begin(**changes)
    assert forward.redirect_uri == WEB
    answer = answer_of(forward)
    assert (answer["error"], answer["iss"]) == (error, ISSUER)
    assert answer["error_description"].isascii()
    assert answer.get("state") == (None if "state" in changes else "st-1")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "server_error"}, "server_error"),
        ({"error_code": "2100004"}, "temporarily_unavailable"),
        ({"error": "invalid_scope"}, "invalid_scope"),
        ({"error": "invalid_client", "errCode": "10033"}, "server_error"),
        ({"error": "<b>call 555</b>", "error_description": "call 555"}, "server_error"),
    ],
)
def test_the_providers_refusal_goes_to_the_client_in_words_of_ours(sent, error):
    stage = Stage()
    forward = stage.come_back(stage.begin(), code="", **sent)
    answer = answer_of(forward)
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "st-1", ISSUER)
    assert "555" not in forward.address


def test_the_way_back_remembers_nothing_and_asks_nobody():
    """A preview or a reload does no harm: the second code is worth no more than the first."""
    stage = Stage()
    start = stage.begin()
    first, second = stage.come_back(start), stage.come_back(start)
    assert stage.provider.calls == []
    stage.redeem(answer_of(second)["code"])
    with pytest.raises(RequestRefused, match="used before"):
        stage.redeem(answer_of(first)["code"])
    assert len(stage.provider.calls) == 1


def test_a_refresh_gives_new_tokens():
    stage = Stage()
    answer = ask(
        stage.face,
        {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "rft.SECRET-0"},
    )
    assert answer["refresh_token"] == "rft.SECRET-1"
    assert stage.provider.forms[0]["refresh_token"] == "rft.SECRET-0"


def test_a_refresh_cannot_widen_the_scope():
    form = {
        "grant_type": "refresh_token",
        "client_id": "web",
        "refresh_token": "rft.SECRET-0",
        "scope": "video.publish",
    }
    with pytest.raises(RequestRefused) as refused:
        ask(Stage().face, form)
    assert refused.value.error == "invalid_scope"


@pytest.mark.parametrize("grant_type", ["password", "client_credentials", "implicit"])
def test_other_grants_are_not_supported(grant_type):
    with pytest.raises(RequestRefused) as refused:
        ask(Stage().face, {"grant_type": grant_type, "client_id": "web"})
    assert refused.value.error == "unsupported_grant_type"


def test_what_the_provider_refuses_is_refused():
    stage = Stage(provider=PlayedProvider(REFUSED))
    with pytest.raises(ProviderRefused) as refused:
        stage.redeem(stage.code())
    assert refused.value.error == "invalid_grant"


def test_a_silent_provider_used_up_the_code_all_the_same():
    stage = Stage(provider=PlayedProvider(Unanswered(Fault.TIMEOUT, sent=True)))
    code = stage.code()
    with pytest.raises(ProviderSilent):
        stage.redeem(code)
    with pytest.raises(RequestRefused, match="used before"):
        stage.redeem(code)
    assert len(stage.provider.calls) == 1


@pytest.mark.parametrize(
    "trouble", [Unanswered(Fault.CONNECT, sent=False), {"error": "rate_limit_exceeded"}]
)
def test_a_code_that_the_provider_has_not_looked_at_may_be_sent_again(trouble):
    stage = Stage(provider=PlayedProvider())
    stage.provider.answers = [trouble, TOKENS]
    code = stage.code()
    with pytest.raises((ProviderSilent, TooMany)):
        stage.redeem(code)
    assert stage.redeem(code)["access_token"] == "act.SECRET-1"
    with pytest.raises(RequestRefused, match="used before"):
        stage.redeem(code)


def revoke(stage, **fields):
    form = {name: [value] for name, value in fields.items()}
    return stage.face.revoke(form)


def test_an_access_token_is_revoked_by_one_call():
    stage = Stage(provider=PlayedProvider({}))
    revoke(stage, token="act.SECRET-1")
    assert [url for url, _ in stage.provider.calls] == [
        "https://open.tiktokapis.com/v2/oauth/revoke/"
    ]


def test_a_refresh_token_is_turned_into_an_access_token_and_that_is_revoked():
    """TikTok revokes access tokens only; RFC 7009 section 2.1 wants refresh tokens, too."""
    stage = Stage(provider=PlayedProvider())
    stage.provider.answers = [TOKENS, {}, REFUSED]
    revoke(stage, token="rft.SECRET-0", token_type_hint="refresh_token")
    first, second, third = stage.provider.forms
    assert third["refresh_token"] == "rft.SECRET-1"
    assert (first["grant_type"], first["refresh_token"]) == ("refresh_token", "rft.SECRET-0")
    assert second["token"] == "act.SECRET-1"


def test_a_token_without_a_hint_is_looked_for_in_both_places():
    stage = Stage(provider=PlayedProvider())
    stage.provider.answers = [REFUSED, TOKENS, {}, REFUSED]
    revoke(stage, token="rft.SECRET-0")
    assert len(stage.provider.calls) == 4


def test_a_token_that_nobody_knows_is_as_good_as_revoked():
    stage = Stage(provider=PlayedProvider(REFUSED))
    revoke(stage, token="SECRET-junk")
    assert len(stage.provider.calls) == 2
    revoke(stage, token="no token\n")
    assert len(stage.provider.calls) == 2


def test_the_metadata_is_what_rfc_8414_asks_for():
    assert Stage().face.metadata() == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": ["user.info.basic", "video.list"],
    }


@pytest.mark.parametrize(
    ("form", "basic", "error"),
    [
        ({}, None, "invalid_request"),
        ({"client_id": ["nobody"]}, None, "invalid_client"),
        ({"client_id": ["elsewhere"]}, None, "unauthorized_client"),
        ({"client_id": ["web"], "client_secret": ["SECRET-x"]}, None, "invalid_client"),
        ({"client_id": ["web"]}, ("web", "SECRET-x"), "invalid_client"),
        ({"client_id": ["web"]}, ("desk", ""), "invalid_request"),
        ({"client_id": ["web", "web"]}, None, "invalid_request"),
        ({"client_id": ["web"], "client_assertion": ["SECRET-x"]}, None, "invalid_client"),
    ],
)
def test_a_client_that_is_not_itself_is_refused(form, basic, error):
    with pytest.raises(RequestRefused) as refused:
        Stage().face.identify(form, basic)
    assert refused.value.error == error


@pytest.mark.parametrize(
    ("form", "basic"),
    [({"client_id": ["web"]}, None), ({}, ("web", "")), ({"client_id": ["web"]}, ("web", ""))],
)
def test_a_client_without_a_secret_may_say_so_in_two_ways(form, basic):
    assert Stage().face.identify(form, basic).key == "web"


def test_a_login_survives_a_promoted_key():
    """The new key is second first, then promoted: both servers know both."""
    stage = Stage(keys=(*KEYS, *OTHER_KEYS))
    promoted = stage.also(keys=(*OTHER_KEYS, *KEYS))
    start = stage.begin()
    code = answer_of(stage.come_back(start, face=promoted))["code"]
    assert stage.redeem(code)["access_token"] == "act.SECRET-1"
    with pytest.raises(RequestRefused, match="used before"):
        stage.redeem(code, face=promoted)


def test_a_client_that_was_removed_meanwhile_gets_nothing():
    stage = Stage()
    start = stage.begin()
    assert stage.come_back(start, face=stage.also(clients={})) is DeadEnd.LOST


def test_nothing_of_a_login_prints():
    stage = Stage()
    start = stage.begin(state="SECRET-state")
    forward = stage.come_back(start)
    assert isinstance(start, Start)
    assert isinstance(forward, Forward)
    assert "SECRET-" not in f"{start!r} {forward!r}"
    assert CHALLENGE not in repr(start)
    assert question() not in repr(forward)
    assert LOOPBACK not in repr(forward)


# Other providers' dialects; tests/end_to_end/test_facade_providers.py logs in with each.


def test_githubs_scopes_go_with_spaces_and_come_back_with_commas():
    """https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps"""
    tokens = {"access_token": "gho_SECRET", "scope": "repo,read:user", "token_type": "bearer"}
    stage = Stage(
        preset=GITHUB,
        provider=PlayedProvider(tokens),
        clients={"web": client("web", RedirectUri(WEB, Kind.WEB), scopes=("read:user", "repo"))},
    )
    start = stage.begin(scope="read:user repo")
    assert query_of(start.address)["scope"] == "read:user repo"
    answer = stage.redeem(answer_of(stage.come_back(start))["code"])
    assert answer == tokens | {"scope": "repo read:user"}


def test_a_token_that_a_provider_without_refresh_tokens_does_not_know_is_as_good_as_revoked():
    """An OAuth app of GitHub's has none; RFC 7009 section 2.2."""
    provider = PlayedProvider({"error": "unsupported_grant_type"})
    provider.answers.insert(0, {"error": "invalid_request"})
    stage = Stage(preset=GITHUB, provider=provider)
    assert stage.face.revoke({"token": ["gho_SECRET"]}) is None
    assert len(provider.calls) == 2


def test_the_providers_extra_parameters_are_its_rows():
    start = Stage(preset=GOOGLE).begin()
    query = query_of(start.address)
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")
    assert query["code_challenge"] == CHALLENGE
    assert query_of(Stage(preset=APPLE).begin().address)["response_mode"] == "form_post"


def test_a_refresh_that_takes_nothing_away_is_not_remembered():
    """Else the answer of before a revocation would be given after it."""
    stage = Stage(preset=GOOGLE)
    form = {"client_id": "web", "grant_type": "refresh_token", "refresh_token": "1//SECRET"}
    assert ask(stage.face, form) == ask(stage.face, form)
    assert len(stage.provider.calls) == 2
