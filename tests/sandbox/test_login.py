"""The authorize page: who gets in, what it shows, and where the browser goes next."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.sandbox.phone import CALLBACK, HEX, KEY, LOOPBACK, answer_of, question


class Page(HTMLParser):
    """The tags of a page and its words."""

    def __init__(self, response):
        super().__init__()
        self.tags = []
        self.words = ""
        self.feed(response.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def all(self, tag, **wanted):
        return [
            attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()
        ]


def faults(response):
    return re.findall("<li><code>(.*?)</code></li>", response.text)


@pytest.mark.parametrize("path", ["/v2/auth/authorize/", "/v2/auth/authorize"])
def test_the_page_is_there_with_and_without_its_slash(phone, path):
    assert phone.ask(path).status_code == 200


def test_the_consent_page_offers_ticks_allow_deny_and_the_documented_errors(phone):
    page = Page(phone.ask(scope="user.info.basic,video.list"))
    ticks = page.all("input", type="checkbox")
    assert [tick["value"] for tick in ticks] == ["user.info.basic", "video.list"]
    assert all("checked" in tick for tick in ticks)
    assert [button["value"] for button in page.all("button", name="decision")] == [
        "allow",
        "access_denied",
        "invalid_request",
        "unauthorized_client",
        "invalid_client",
        "invalid_scope",
        "unsupported_response_type",
        "server_error",
        "temporarily_unavailable",
    ]


def test_every_tick_has_its_label_and_the_page_its_language(phone):
    page = Page(phone.ask())
    assert page.all("html", lang="en")
    assert len(page.all("label")) == len(page.all("input"))
    assert page.all("meta", name="viewport", content="width=device-width, initial-scale=1")


def test_the_consent_page_says_that_it_is_a_pretence_and_where_one_goes(phone):
    words = Page(phone.ask()).words
    assert "Pretend TikTok." in words
    assert "app.example.com" in words


def test_the_page_runs_no_script_and_is_kept_by_nobody(phone):
    response = phone.ask()
    assert "script" not in [tag for tag, _ in Page(response).tags]
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Frame-Options"] == "DENY"


def test_the_policy_allows_the_very_style_of_the_page(phone):
    import base64
    import hashlib

    response = phone.ask()
    style = re.search("<style>(.*?)</style>", response.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]


def test_a_hostile_state_stays_text(phone):
    response = phone.ask(state='"><script>alert(1)</script>')
    assert "<script" not in response.text


def test_allow_comes_back_with_code_granted_scopes_and_state(phone):
    answer = answer_of(phone.decide("allow", ["user.info.basic"]))
    assert list(answer) == ["code", "scopes", "state"]
    assert answer["scopes"] == "user.info.basic"
    assert answer["state"] == "st-1"


def test_a_code_looks_like_tiktoks_and_is_percent_encoded_on_its_way(phone):
    """Documented as "...*0!6410", seen as "...*1!6431.u1"; arrives as %2A0%216410."""
    location = phone.decide("allow", ["user.info.basic"]).headers["Location"]
    assert re.fullmatch(
        re.escape(CALLBACK)
        + r"\?code=[A-Za-z0-9_-]{128}%2A[01]%21[0-9]{4}(\.u1|\.s1)?"
        + "&scopes=user.info.basic&state=st-1",
        location,
    )


def test_an_unticked_scope_is_not_granted(phone):
    asked = {"scope": "user.info.basic,user.info.stats"}
    code = answer_of(phone.decide("allow", ["user.info.stats"], **asked))
    assert code["scopes"] == "user.info.stats"
    assert phone.redeem(code["code"]).json["scope"] == "user.info.stats"


def test_a_scope_that_was_not_asked_for_cannot_be_ticked(phone):
    answer = answer_of(phone.decide("allow", ["user.info.basic", "video.publish"]))
    assert answer["scopes"] == "user.info.basic"


def test_allow_with_nothing_ticked_shows_the_page_again(phone):
    response = phone.decide("allow", [])
    assert response.status_code == 400
    assert Page(response).all("p", role="alert")


def test_denial_on_the_web(phone):
    response = phone.decide("access_denied")
    assert response.status_code == 302
    assert answer_of(response) == {
        "error": "access_denied",
        "error_description": "User cancelled authorization",
        "state": "st-1",
    }


def test_denial_on_android_has_err_code(phone):
    answer = answer_of(phone.decide("access_denied", device_platform="android"))
    assert answer["errCode"] == "-2"
    assert answer["state"] == "st-1"


def test_a_wrong_certificate_on_android_looks_as_in_the_field(phone):
    """tiktok-opensdk-android#5: ``https://my-domain.tld?error=invalid_client&errCode=10033&…``."""
    asked = {"device_platform": "android", "redirect_uri": "https://my-domain.tld"}
    location = phone.decide("invalid_client", **asked).headers["Location"]
    assert location.startswith("https://my-domain.tld?error=invalid_client&errCode=10033&")


def test_denial_on_iphone_goes_to_the_sdks_scheme_with_error_code(phone):
    response = phone.decide("access_denied", device_platform="iphone", state="", request_id="r-1")
    location = response.headers["Location"]
    assert location.startswith(f"{KEY}://response.bridge.tiktok.com/oauth?error=access_denied&")
    answer = answer_of(response)
    assert answer["error_code"] == "-2"
    assert answer["from_platform"] == "tiktokopensdk"
    assert answer["request_id"] == "r-1"
    assert answer["state"] == ""


def test_the_native_iphone_login_returns_to_the_redirect_uri_with_its_marks(phone):
    asked = {"path": "/opensdk/oauth/", "code_challenge": HEX, "request_id": "r-1"}
    response = phone.decide("allow", ["user.info.basic"], **asked)
    assert response.headers["Location"].startswith(f"{CALLBACK}?code=")
    answer = answer_of(response)
    assert answer["error_code"] == "0"
    assert answer["from_platform"] == "tiktokopensdk"
    assert answer["request_id"] == "r-1"
    assert re.fullmatch("[0-9]{14}[0-9A-F]{20}", answer["response_id"])


def test_an_absent_state_stays_absent_and_an_empty_one_empty(phone):
    assert "state" not in answer_of(phone.decide("access_denied", state=None))
    assert answer_of(phone.decide("access_denied", state=""))["state"] == ""


def test_a_state_comes_back_as_it_was(phone):
    odd = "a b&c=d%20+é/\u2028#"
    assert answer_of(phone.decide("access_denied", state=odd))["state"] == odd


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"client_key": "nobody"}, ["client_key"]),
        ({"client_key": None}, ["client_key"]),
        ({"client_key": None, "client_id": KEY}, ["client_key"]),
        ({"redirect_uri": None}, ["redirect_uri"]),
        ({"redirect_uri": "http://app.example.com/"}, ["redirect_uri"]),
        ({"redirect_uri": "http://127.0.0.1@app.example.com/"}, ["redirect_uri"]),
        ({"redirect_uri": "https://127.0.0.1@app.example.com/"}, ["redirect_uri"]),
        ({"redirect_uri": "https://app.example.com/#x"}, ["redirect_uri"]),
        ({"redirect_uri": "https://app.example.com/#"}, ["redirect_uri"]),
        ({"redirect_uri": "https://app.example.com/a\r\nSet-Cookie: a=b"}, ["redirect_uri"]),
        ({"redirect_uri": "https://app.example.com\\@x/"}, ["redirect_uri"]),
        ({"redirect_uri": "https:///login"}, ["redirect_uri"]),
        ({"redirect_uri": "https://[::1/"}, ["redirect_uri"]),
        ({"redirect_uri": "https://app.example.com:99999/"}, ["redirect_uri"]),
        ({"redirect_uri": "javascript:alert(1)"}, ["redirect_uri"]),
        ({"redirect_uri": "myapp://login"}, ["redirect_uri"]),
        ({"redirect_uri": "https://app.example.com/" + "a" * 500}, ["redirect_uri"]),
        ({"scope": None}, ["scope"]),
        ({"scope": "user.info.basi"}, ["scope"]),
        ({"response_type": "token"}, ["response_type"]),
        ({"code_challenge": HEX, "code_challenge_method": "plain"}, ["code_challenge"]),
        ({"client_key": "nobody", "scope": "x"}, ["client_key", "scope"]),
    ],
)
def test_a_bad_request_ends_on_tiktoks_own_page_and_never_redirects(phone, changes, named):
    response = phone.ask(**changes)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert faults(response) == named
    assert "We couldn’t log in with TikTok." in response.text


def test_a_bad_request_cannot_be_allowed_by_posting_the_decision(phone):
    response = phone.decide("allow", ["user.info.basic"], redirect_uri="http://evil.example/")
    assert (response.status_code, faults(response)) == (400, ["redirect_uri"])


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/login-callback/",
        "https://app.example.com",
        "http://127.0.0.1:1234/cb",
        "http://localhost:1234/cb/",
        "http://demo.localhost:8000/login-callback/",
        "http://[::1]:80/",
    ],
)
def test_without_a_list_https_and_this_machine_are_good_redirect_uris(phone, uri):
    location = phone.decide("access_denied", redirect_uri=uri).headers["Location"]
    assert location.startswith(f"{uri}?error=")


def test_with_a_list_only_its_very_bytes_are_good(make_phone):
    phone = make_phone([CALLBACK])
    assert phone.ask(redirect_uri=CALLBACK).status_code == 200
    assert faults(phone.ask(redirect_uri=CALLBACK.rstrip("/"))) == ["redirect_uri"]
    assert faults(phone.ask(redirect_uri=LOOPBACK)) == ["redirect_uri"]
    assert faults(phone.ask(redirect_uri=CALLBACK.replace("app", "APP"))) == ["redirect_uri"]


def test_a_star_stands_for_the_port_of_a_loopback_host(make_phone):
    phone = make_phone(["http://127.0.0.1:*/callback/"])
    assert phone.ask(redirect_uri="http://127.0.0.1:49152/callback/").status_code == 200
    for uri in (
        "http://127.0.0.1/callback/",
        "http://127.0.0.1:/callback/",
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1:49152/x/callback/",
        "http://127.0.0.1:1@evil.example/callback/",
        "http://localhost:49152/callback/",
    ):
        assert faults(phone.ask(redirect_uri=uri)) == ["redirect_uri"]


@pytest.mark.parametrize(
    "uri",
    ["https://app.example.com:*/x", "http://app.example.com/", "https://*.example.com/#", "", "x"],
)
def test_a_list_entry_that_can_never_match_stops_the_sandbox(make_phone, uri):
    with pytest.raises(ValueError, match="redirect URI"):
        make_phone([uri])


@pytest.mark.parametrize("changes", [{"redirect_uri": LOOPBACK}, {"device_platform": "android"}])
def test_strict_wants_a_challenge_from_desktop_and_mobile(make_phone, changes):
    """brightbean-studio#103: "Without code_challenge, TikTok rejects the request"."""
    phone = make_phone(strict=True)
    assert faults(phone.ask(**changes)) == ["code_challenge"]
    assert phone.ask(code_challenge=HEX, **changes).status_code == 200


def test_strict_wants_no_challenge_on_the_web(make_phone):
    assert make_phone(strict=True).ask().status_code == 200


def test_scopes_with_spaces_are_taken_by_default_and_refused_by_strict(make_phone):
    asked = {"scope": "user.info.basic video.list"}
    assert make_phone().ask(**asked).status_code == 200
    assert faults(make_phone(strict=True).ask(**asked)) == ["scope"]


def test_scopes_are_a_set(phone):
    page = Page(phone.ask(scope="video.list,user.info.basic,video.list"))
    ticks = [tick["value"] for tick in page.all("input")]
    assert ticks == ["video.list", "user.info.basic"]


def test_auto_consents_at_once_with_all_scopes(make_phone):
    answer = answer_of(make_phone(auto=True).ask(scope="user.info.basic,video.list"))
    assert answer["scopes"] == "user.info.basic,video.list"


def test_auto_1_in_the_query_consents_too(phone):
    assert "code" in answer_of(
        phone.http.get("/v2/auth/authorize/", query_string=question(auto="1"))
    )


def test_who_allowed_the_same_before_is_sent_on_unless_the_app_wants_the_page(phone):
    """https://developers.tiktok.com/doc/login-kit-web: disable_auto_auth."""
    phone.turn(remembers=True)
    assert phone.ask().status_code == 200
    phone.code()
    assert "code" in answer_of(phone.ask())
    assert "code" in answer_of(phone.ask(disable_auto_auth="0"))
    assert phone.ask(disable_auto_auth="1").status_code == 200
    assert phone.ask(scope="user.info.basic,video.list").status_code == 200
    assert phone.ask(client_key="other-key").status_code == 200
    phone.turn(remembers=False)
    assert phone.ask().status_code == 200


def test_the_address_of_login_kit_1_explains_itself(phone):
    response = phone.http.get("/auth/authorize/?client_key=x")
    assert response.status_code == 404
    assert faults(response) == ["/v2/auth/authorize/"]
