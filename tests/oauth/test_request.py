"""What apps really send: spellings, mangled codes, whole links; and what they may not send."""

from __future__ import annotations

import contextlib
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplink.errors import RequestRefused
from deeplink.oauth.providers import GOOGLE
from deeplink.oauth.request import (
    parse_code_request,
    parse_refresh_request,
    parse_revoke_request,
    read_fields,
)

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
VERIFIER = "SECRET-verifier-of-43-characters-aaaaaaaaaa"
CODE = "SECRET-abc_DEF*0!6410"
CALLBACK = "https://app.example.com/login-callback/"
GOOGLES = {"preset": GOOGLE, "client_key": "web"}
OF_GOOGLE = "https://accounts.google.com"


def ask(provider, **fields):
    return parse_code_request({"code": CODE, "code_verifier": VERIFIER} | fields, provider)


def ask_link(provider, link):
    return parse_code_request({"redirect_url": link, "code_verifier": VERIFIER}, provider)


def codes(request):
    return [repair.code for repair in request.warnings]


def refusal(call, *arguments, **options):
    with pytest.raises(RequestRefused) as caught:
        call(*arguments, **options)
    assert "SECRET" not in caught.value.description
    return caught.value


def test_a_code_and_a_verifier_are_all_that_is_needed(provider):
    asked = ask(provider)
    assert (asked.code.reveal(), asked.code_verifier.reveal()) == (CODE, VERIFIER)
    assert (asked.app, asked.warnings) == (None, ())


def test_a_request_does_not_print_its_secrets(provider):
    assert "SECRET" not in repr(ask(provider))


@pytest.mark.parametrize("spelling", ["authCode", "auth_code", "authorization_code"])
def test_every_spelling_of_code_is_read_and_told(provider, spelling):
    asked = parse_code_request({spelling: CODE, "code_verifier": VERIFIER}, provider)
    assert asked.code.reveal() == CODE
    assert [(r.code, r.message) for r in asked.warnings] == [
        ("parameter_name", f"{spelling} was read as code.")
    ]


@pytest.mark.parametrize("spelling", ["codeVerifier", "verifier"])
def test_every_spelling_of_code_verifier_is_read(provider, spelling):
    asked = parse_code_request({"code": CODE, spelling: VERIFIER}, provider)
    assert asked.code_verifier.reveal() == VERIFIER


@pytest.mark.parametrize(
    ("sent", "code", "warnings"),
    [
        ("abc*0!6410", "abc*0!6410", []),
        ("abc%2A0%216410", "abc*0!6410", ["code_percent_encoded"]),
        ("abc%2a0%216410", "abc*0!6410", ["code_percent_encoded"]),
        (
            "abc%252A0%25216410",
            "abc*0!6410",
            ["code_percent_encoded", "code_percent_encoded_twice"],
        ),
        (
            "abc%25252A0",
            "abc%2A0",
            ["code_percent_encoded", "code_percent_encoded_twice", "code_still_encoded"],
        ),
        # The sample of tiktok_api's README: link.replaceAll("<REDIRECT_URI>?code=", "").
        (
            "abc%2A0%216410&scopes=user.info.basic&state=",
            "abc*0!6410",
            ["code_tail", "code_percent_encoded"],
        ),
        # The same, encoded once more.
        (
            "abc%252A0%25216410%26scopes%3Duser.info.basic",
            "abc*0!6410",
            ["code_percent_encoded", "code_tail", "code_percent_encoded_twice"],
        ),
        # The same with a redirect URI that did not match: the whole link.
        (
            "https://app.example.com/login-callback/?code=abc%2A0&scopes=x",
            "abc*0",
            ["code_prefix", "code_tail", "code_percent_encoded"],
        ),
        ("code=abc", "abc", ["code_prefix"]),
        ("?code=abc#_=_", "abc", ["code_prefix", "code_tail"]),
        (" abc\r\n", "abc", ["code_whitespace"]),
        ("abc%20", "abc", ["code_percent_encoded", "code_whitespace"]),
        ("a+b", "a+b", []),
        ("a%2Bb+c", "a+b+c", ["code_percent_encoded"]),
        ("4/0Ab_5qlk", "4/0Ab_5qlk", []),
        ("4%2F0Ab_5qlk", "4/0Ab_5qlk", ["code_percent_encoded"]),
        ("100%", "100%", []),
        ("mycode=1", "mycode=1", []),
        ("abc==", "abc==", []),
    ],
)
def test_s17_a_mangled_code_is_repaired_and_each_repair_is_told(provider, sent, code, warnings):
    asked = ask(provider, code=sent)
    assert (asked.code.reveal(), codes(asked)) == (code, warnings)


@pytest.mark.parametrize(
    "code", ["SECRET a", "SECRET\x00", "SECRETé", "SECRET%C3%A9", "SECRET%00", "a" * 4097, "\ud800"]
)
def test_a_code_with_impossible_characters_is_refused(provider, code):
    assert "no authorization code has" in refusal(ask, provider, code=code).description


@pytest.mark.parametrize("code", ["", None, "&scopes=x", "code=", "  "])
def test_an_empty_code_is_refused(provider, code):
    assert refusal(ask, provider, code=code).error == "invalid_request"


def test_s15_a_missing_verifier_names_the_plugins(provider):
    error = refusal(parse_code_request, {"code": CODE}, provider)
    assert error.description.startswith("code_verifier is missing. ")
    for plugin in ("tiktok_api", "react-native-tiktok", "flutter_tiktok_sdk"):
        assert plugin in error.description


@pytest.mark.parametrize(
    "verifier", ["SECRET-" + "a" * 24, "SECRET-" + "a" * 122, "SECRET-" + "=" * 40, "plain"]
)
def test_s15_a_verifier_that_cannot_be_one_is_refused(provider, verifier):
    assert "32 to 128" in refusal(ask, provider, code_verifier=verifier).description


def test_s15_the_android_sdks_32_characters_pass_with_a_warning(provider):
    assert codes(ask(provider, code_verifier="a" * 32)) == ["verifier_short"]
    assert codes(ask(provider, code_verifier="a" * 43)) == []


#: TikTok's SDK has this pair in its own tests, tiktok-opensdk-android.
SDK_VERIFIER = "gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns"
HEX = "e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef"
BASE64URL = "5qF4sSB0PQhQlQjyaWUrC9-R4pMykhvJ6XRP091Bv-8"


def test_a_challenge_that_is_sent_along_and_right_says_nothing(provider):
    assert ask(provider, code_verifier=SDK_VERIFIER, code_challenge=HEX).warnings == ()


@pytest.mark.parametrize(
    ("challenge", "part"),
    [
        (BASE64URL, "TikTok wants the SHA-256 in lower-case hexadecimal."),
        (BASE64URL + "=", "TikTok wants the SHA-256 in lower-case hexadecimal."),
        (HEX[:-1], "does not belong to code_challenge: it is of another login"),
        ("\ud800", "does not belong to code_challenge: it is of another login"),
    ],
)
def test_a_challenge_that_is_sent_along_says_what_tiktok_leaves_open(provider, challenge, part):
    sent = {"code_verifier": SDK_VERIFIER, "code_challenge": challenge}
    assert part in refusal(ask, provider, **sent).description


def test_google_is_told_of_the_other_spelling(configured):
    sent = {"code_verifier": SDK_VERIFIER, "code_challenge": HEX}
    assert (
        "Google wants the SHA-256 in base64url"
        in refusal(ask, configured(**GOOGLES), **sent).description
    )


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"redirect_uri": CALLBACK + "?code=SECRET-a"}, "Send that as redirect_url."),
        ({"client_key": "sandbox-key"}, "client_key is not the one of this server."),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri is not the one of this server"),
        ({"redirect_uri": CALLBACK[:-1]}, "differs in its trailing slash from"),
        ({"app": "unknown"}, "app does not name an app"),
        ({"client_secret": "SECRET-x"}, "client_secret does not belong into an app"),
        ({"token_url": "https://evil.example/"}, "token_url is not a field of this request"),
        ({"clientKey": "awkey"}, 'did you mean "client_key"?'),
        ({"SECRET-as-a-name": "x"}, "A field whose name cannot be repeated here is not a field"),
        ({"<b>": "x"}, "A field whose name cannot be repeated here is not a field"),
        ({"code_verifier": 12}, "code_verifier must be a string."),
        ({"code": ["SECRET-a"]}, "code must be a string."),
        ({"authCode": CODE}, "code stands twice in the body, under two names."),
        ({"redirect_url": CALLBACK + "?code=a"}, "Send either code or redirect_url, not both."),
    ],
)
def test_s16_nothing_but_the_configuration_chooses(provider, fields, part):
    assert part in refusal(ask, provider, **fields).description


def test_s16_what_agrees_with_the_configuration_is_accepted(configured):
    provider = configured(apps=("demo", "staging"))
    asked = ask(provider, client_key="awkey", redirect_uri=CALLBACK, app="staging")
    assert (asked.app, asked.warnings) == ("staging", ())


def test_what_libraries_bring_along_is_ignored(provider):
    extra = {
        "grant_type": "authorization_code",
        "state": None,
        "scope": ["a"],
        "scopes": "user.info.basic",
        "request_id": "1",
        "response_id": 2,
    }
    assert ask(provider, **extra).warnings == ()


@pytest.mark.parametrize(
    "link",
    [
        f"{CALLBACK}?code=abc%2A0%216410&scopes=user.info.basic&state=x",
        f"{CALLBACK}?state=&from_platform=tiktokopensdk&code=abc%2A0%216410&error_code=0",
        f"{CALLBACK}#code=abc%2A0%216410",
        "awkey://response.bridge.tiktok.com/oauth?from_platform=x&code=abc%2A0%216410",
        "awkey://response.bridge.tiktok.com/oauth/?code=abc*0!6410",
        "MyApp://login?code=abc*0!6410",
    ],
)
def test_a_whole_deep_link_is_taken_apart(configured, link):
    asked = ask_link(configured(custom_schemes=("myapp",)), link)
    assert (asked.code.reveal(), asked.warnings) == ("abc*0!6410", ())


def test_a_link_that_differs_in_its_slash_is_taken_with_a_warning(provider):
    asked = ask_link(provider, f"{CALLBACK[:-1]}?code=abc")
    assert (asked.code.reveal(), codes(asked)) == ("abc", ["redirect_url_slash"])


def test_a_link_whose_code_was_encoded_twice_is_repaired(provider):
    asked = ask_link(provider, f"{CALLBACK}?code=abc%252A0")
    assert (asked.code.reveal(), codes(asked)) == ("abc*0", ["code_percent_encoded"])


@pytest.mark.parametrize(
    "link",
    [
        "https://app.example.com/other-callback/?code=SECRET-a",
        "https://evil.example/login-callback/?code=SECRET-a",
        "https://app.example.com/login-callback/extra?code=SECRET-a",
        "http://app.example.com/login-callback/?code=SECRET-a",
        "otherkey://response.bridge.tiktok.com/oauth?code=SECRET-a",
        "awkey://response.bridge.example/oauth?code=SECRET-a",
        "otherapp://login?code=SECRET-a",
        "SECRET-not-a-link",
        "https://[half/?code=SECRET-a",
    ],
)
def test_s16_a_link_of_another_callback_is_refused(provider, link):
    """A code of another provider must not be sent to this one (RFC 9700 section 4.4)."""
    assert "does not begin with" in refusal(ask_link, provider, link).description


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("", "neither a code nor an error"),
        ("?state=x", "neither a code nor an error"),
        ("?code=", "neither a code nor an error"),
        ("?code=SECRET-a&code=SECRET-b", "holds code twice"),
        ("?error=a&error=b", "holds error twice"),
    ],
)
def test_a_link_without_one_clear_code_is_refused(provider, query, part):
    assert part in refusal(ask_link, provider, CALLBACK + query).description


@pytest.mark.parametrize(
    ("query", "error", "part"),
    [
        ("error=access_denied&error_description=SECRET-words", "access_denied", "cancelled"),
        ("error=invalid_client&errCode=10033", "unauthorized_client", "signing certificate"),
        ("error=invalid_scope&errCode=10004", "invalid_scope", "scope"),
        ("error_code=-2&error_string=bytebase_cancel_oauth", "access_denied", "cancelled"),
        ("error=SECRET-made-up", "invalid_request", "no reason that we know"),
        ("error=access_denied&code=abc", "access_denied", "cancelled"),
    ],
)
def test_a_link_that_tells_of_a_refusal_is_answered_in_plain_words(provider, query, error, part):
    refused = refusal(ask_link, provider, f"{CALLBACK}?{query}")
    assert refused.error == error
    assert part in refused.description


def test_s20_an_answer_that_names_its_provider_is_taken(configured):
    """Google and GitHub send ``iss`` (RFC 9207) in 2026, and apps pass on what they got."""
    google = configured(**GOOGLES)
    link = f"{CALLBACK}?state=x&iss=https%3A%2F%2Faccounts.google.com&code=4%2F0A&scope=email"
    assert ask_link(google, link).code.reveal() == "4/0A"
    assert ask(google, iss=OF_GOOGLE).warnings == ()


@pytest.mark.parametrize("iss", ["https://attacker.example", OF_GOOGLE + "/", "HTTPS:" + OF_GOOGLE])
def test_s20_an_answer_of_another_provider_is_refused(configured, iss):
    google = configured(**GOOGLES)
    link = f"{CALLBACK}?code=SECRET-a&iss={quote(iss, safe='')}"
    assert "code is another provider's" in refusal(ask_link, google, link).description
    assert "code is another provider's" in refusal(ask, google, iss=iss).description
    refused = f"{CALLBACK}?error=access_denied&iss={quote(iss, safe='')}"
    assert refusal(ask_link, google, refused).error == "invalid_request"


def test_s20_two_names_are_none(configured):
    link = f"{CALLBACK}?code=a&iss=https%3A%2F%2Faccounts.google.com&iss=https%3A%2F%2Fa.example"
    assert "holds iss twice" in refusal(ask_link, configured(**GOOGLES), link).description


def test_s20_a_provider_that_names_itself_nowhere_has_not_sent_it(provider):
    """RFC 9207 section 2.4: what an unexpected ``iss`` came with should be discarded."""
    link = f"{CALLBACK}?code=SECRET-a&iss={quote(OF_GOOGLE, safe='')}"
    assert "does not name TikTok" in refusal(ask_link, provider, link).description


@pytest.mark.parametrize("name", ["refresh_token", "refreshToken"])
def test_a_refresh_names_its_token(provider, name):
    asked = parse_refresh_request({name: "rft.SECRET!x"}, provider)
    assert asked.token.reveal() == "rft.SECRET!x"


@pytest.mark.parametrize("name", ["token", "access_token", "accessToken"])
def test_a_revocation_names_its_token(provider, name):
    fields = {name: "act.SECRET!x ", "token_type_hint": "access_token"}
    asked = parse_revoke_request(fields, provider)
    assert asked.token.reveal() == "act.SECRET!x"
    assert "token_whitespace" in codes(asked)


@pytest.mark.parametrize(
    ("parse", "fields", "part"),
    [
        (parse_refresh_request, {}, "refresh_token is missing."),
        (parse_revoke_request, {}, "token is missing."),
        (parse_refresh_request, {"refresh_token": "SECRET x"}, "no token has"),
        (parse_refresh_request, {"code": CODE}, "code is not a field"),
        (parse_revoke_request, {"refresh_token": "SECRET-x"}, "refresh_token is not a field"),
        (parse_refresh_request, {"refresh_token": "a", "client_key": "b"}, "client_key is not"),
    ],
)
def test_other_token_requests_are_refused(provider, parse, fields, part):
    assert part in refusal(parse, fields, provider).description


def test_a_form_keeps_its_plus():
    """Apps put codes into forms without escaping them; no code holds a space."""
    body = b"code=a+b%2Bc%2A0&code_verifier=v&state="
    assert read_fields(FORM, body) == {"code": "a+b+c*0", "code_verifier": "v", "state": ""}


def test_json_that_is_called_a_form_is_told_apart():
    """What ``curl -d`` says of any body."""
    told = refusal(read_fields, FORM, b' {"code":"SECRET-a"}').description
    assert told.endswith("Send Content-Type: application/json.")


def test_json_may_begin_with_a_byte_order_mark():
    assert read_fields(JSON, b'\xef\xbb\xbf{"code":"a"}') == {"code": "a"}


@pytest.mark.parametrize(
    ("mimetype", "body"),
    [
        (JSON, b""),
        (JSON, b"SECRET"),
        (JSON, b"[1]"),
        (JSON, b'"SECRET"'),
        (JSON, b'{"code":"\xff"}'),
        (JSON, b"[" * 8000),
        (JSON, b'{"a":' * 1500),
        (JSON, b"1" * 8000),
        (FORM, b"code=%ff"),
        (FORM, b"code=\xff"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(mimetype, body):
    assert "as its Content-Type says" in refusal(read_fields, mimetype, body).description


@pytest.mark.parametrize(
    ("mimetype", "body"),
    [
        (JSON, b'{"code":"SECRET-a","code":"SECRET-b"}'),
        (FORM, b"code=SECRET-a&code=SECRET-a"),
        (FORM, b"code=SECRET-a&%63ode=SECRET-b"),
    ],
)
def test_s14_a_field_that_stands_twice_is_refused(mimetype, body):
    assert refusal(read_fields, mimetype, body).description.startswith("code stands twice")


names = st.sampled_from(["code", "authCode", "code_verifier", "redirect_url", "state", "x", "app"])
values = st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text(), max_size=2))


@given(st.sampled_from([JSON, FORM]), st.binary(max_size=200))
def test_no_bytes_crash_the_reader(mimetype, body):
    with contextlib.suppress(RequestRefused):
        assert isinstance(read_fields(mimetype, body), dict)


@given(st.dictionaries(st.one_of(names, st.text()), values, max_size=5))
def test_no_fields_crash_the_parser(provider, fields):
    with contextlib.suppress(RequestRefused):
        assert parse_code_request(fields, provider).code.reveal()


fragments = st.sampled_from(
    ["%2A", "%25", "2A", "%", "&", "&scopes=", "code=", "?", "#", "+", " ", "*0!", "=", "a", "%26"]
)


def parse_or_none(provider, code):
    try:
        return ask(provider, code=code)
    except RequestRefused:
        return None


@given(st.lists(fragments, min_size=1, max_size=8).map("".join))
def test_s17_a_code_never_changes_without_a_warning(provider, sent):
    asked = parse_or_none(provider, sent)
    if asked:
        assert asked.code.reveal() == sent or asked.warnings


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="%&#")))
def test_s17_any_code_survives_one_or_two_encodings(provider, code):
    if not code or "code=" in code:
        return
    for rounds in (quote(code, safe=""), quote(quote(code, safe=""), safe="")):
        assert parse_or_none(provider, rounds).code.reveal() == code


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="%&#")))
def test_a_form_and_json_carry_the_same_code(code):
    form = read_fields(FORM, f"code={quote(code, safe='+')}".encode())
    assert form == read_fields(JSON, json.dumps({"code": code}).encode())
