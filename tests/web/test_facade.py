"""The standard face over HTTP: redirects, cookies, pages, CORS and the shape of its errors."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import pytest

from deeplink.errors import RequestRefused, TooMany, Unanswered
from deeplink.oauth.providers import TIKTOK
from deeplink.outbound import Fault
from deeplink.web import facade
from tests.oauth.face import (
    CHALLENGE,
    GAME,
    ISSUER,
    LINK,
    OTHER_KEYS,
    SCHEME,
    VERIFIER,
    WEB,
    PlayedProvider,
    Stage,
    query_of,
    question,
    service,
)

HOST = "login.example.com"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"  # noqa: E501
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"  # noqa: E501
PAGE = "https://www.example.com"


class Browser:
    """A browser at the face's host; keeps its cookies. *settings* are those of ``service``."""

    def __init__(self, stage, face=None, **settings):
        self.http = service(stage, face, **settings).test_client()

    def get(self, path, agent=DESKTOP, host=HOST, **headers):
        sent = {"Host": host, "User-Agent": agent} | headers
        return self.http.get(path, headers=sent, base_url=f"https://{host}/")

    def authorize(self, *arguments, agent=DESKTOP, language="en", **changes):
        query = question(*arguments, **changes)
        headers = {"Accept-Language": language}
        return self.get(f"/oauth/tiktok/authorize?{query}", agent, **headers)

    def come_back(self, started, agent=DESKTOP, language="en", **answer):
        state = query_of(started.headers["Location"])["state"]
        query = urlencode({"code": "SECRET-code*1", "state": state} | answer)
        headers = {"Accept-Language": language}
        return self.get(f"/oauth/tiktok/return?{query}", agent, **headers)

    def post(self, path, form=None, host=HOST, **settings):
        return self.http.post(
            f"/oauth/tiktok/{path}", data=form or {}, base_url=f"https://{host}/", **settings
        )

    def posting_without_cookies(self, path, form):
        """As a browser posts a form from another site: Lax cookies stay at home."""
        http = self.http.application.test_client()
        url = f"https://{HOST}/oauth/tiktok/{path}"
        return http.post(url, data=form, content_type=facade.FORM)

    def code(self):
        forwarded = self.come_back(self.authorize())
        return query_of(forwarded.headers["Location"])["code"]

    def redeem(self, code, **changes):
        form = {
            "grant_type": "authorization_code",
            "client_id": "web",
            "code": code,
            "redirect_uri": WEB,
            "code_verifier": VERIFIER,
        } | changes
        return self.post("token", form)


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def browser(stage):
    return Browser(stage)


class _Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        if tag == "a":
            self.found.append(dict(attributes)["href"])


def test_a_login_over_http(browser):
    started = browser.authorize()
    assert started.status_code == 302
    assert started.headers["Location"].startswith("https://www.tiktok.com/v2/auth/authorize/?")
    forwarded = browser.come_back(started)
    assert forwarded.status_code == 302
    assert forwarded.headers["Location"].startswith(f"{WEB}?code=web.")
    answer = browser.redeem(query_of(forwarded.headers["Location"])["code"])
    assert answer.status_code == 200
    assert answer.json["access_token"] == "act.SECRET-1"
    assert answer.json["scope"] == "user.info.basic video.list"


def test_the_cookie_of_a_login_belongs_to_this_host_alone(browser):
    line = browser.authorize().headers["Set-Cookie"]
    name, _, rest = line.partition("=")
    assert name.startswith("__Host-deeplink-login-")
    attributes = {part.strip() for part in rest.split(";")[1:]}
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"} <= attributes
    assert not any(part.startswith("Domain") for part in attributes)


def test_on_this_machine_the_cookie_needs_no_tls():
    stage = Stage(origin="http://127.0.0.1:8000")
    browser = Browser(stage)
    answer = browser.get(f"/oauth/tiktok/authorize?{question()}", host="127.0.0.1")
    line = answer.headers["Set-Cookie"]
    assert line.startswith("deeplink-login-")
    assert "Secure" not in line


def test_a_cookie_from_a_sibling_host_is_not_even_read(stage, browser):
    """A sibling can set ``deeplink-login-…`` for the parent domain, but nothing with __Host-."""
    started = browser.authorize()
    name, _, rest = started.headers["Set-Cookie"].partition("=")
    thief = Browser(stage)
    bare = name.removeprefix("__Host-")
    thief.http.set_cookie(bare, rest.partition(";")[0], domain=HOST, secure=True)
    refused = thief.come_back(started)
    assert (refused.status_code, refused.headers.get("Location")) == (400, None)


def test_consent_in_one_browser_and_return_in_another_forwards_nothing(stage, browser):
    refused = Browser(stage).come_back(browser.authorize())
    assert refused.status_code == 400
    assert "Start again from the app" in refused.text
    assert "SECRET-" not in refused.text
    assert WEB not in refused.text
    assert "Location" not in refused.headers


def test_two_tabs_at_once_both_come_back(browser):
    first, second = browser.authorize(state="one"), browser.authorize(state="two")
    later, earlier = browser.come_back(second), browser.come_back(first)
    assert query_of(later.headers["Location"])["state"] == "two"
    assert query_of(earlier.headers["Location"])["state"] == "one"


def test_many_logins_leave_few_cookies_and_the_newest_still_works(stage, browser):
    """Else a page that opens the login again and again would fill the request head."""
    starts = []
    for second in range(20):
        stage.now = 1_800_000_000.0 + second
        starts.append(browser.authorize())
        assert len(browser.http._cookies) <= facade.MOST_LOGINS
    assert browser.come_back(starts[-1]).status_code == 302
    assert browser.come_back(starts[-facade.MOST_LOGINS]).status_code == 302
    assert browser.come_back(starts[0]).status_code == 400


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", WEB), "client_id"),
        (("web", "https://attacker.example/"), "redirect_uri"),
    ],
)
def test_what_must_not_be_redirected_is_a_page(browser, arguments, words):
    page = browser.authorize(*arguments)
    assert page.status_code == 400
    assert page.mimetype == "text/html"
    assert words in page.text
    assert "attacker" not in page.text
    assert "Set-Cookie" not in page.headers
    assert "Location" not in page.headers


@pytest.mark.parametrize("path", ["authorize?a=%ff", "return?state=%ff", "return", "return?code=a"])
def test_junk_is_a_page_and_no_fault_of_ours(browser, path):
    page = browser.get(f"/oauth/tiktok/{path}")
    assert (page.status_code, page.mimetype) == (400, "text/html")


@pytest.mark.parametrize("path", ["authorize", "return"])
def test_every_page_and_redirect_keeps_the_address_to_itself(browser, path):
    answers = [browser.get(f"/oauth/tiktok/{path}"), browser.authorize()]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        f"/oauth/tiktok/authorize?{question()}",
        "/.well-known/oauth-authorization-server/oauth/tiktok",
        "/oauth/tiktok/.well-known/oauth-authorization-server",
    ],
)
def test_the_face_is_on_the_issuers_host_alone(browser, path):
    assert browser.get(path).status_code in (200, 302)
    assert browser.get(path, host="links.example.com").status_code == 404
    assert browser.post("token", host="links.example.com").status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto"])
def test_the_issuer_never_comes_from_a_request(browser, header):
    path = "/.well-known/oauth-authorization-server/oauth/tiktok"
    answer = browser.get(path, **{header: "attacker.example"})
    assert answer.json["issuer"] == ISSUER
    assert "attacker" not in answer.text


@pytest.mark.parametrize("path", ["", "/", "/token/", "/authorize/", "/userinfo"])
def test_who_tries_addresses_is_told_where_they_are_listed(browser, path):
    answer = browser.get(f"/oauth/tiktok{path}")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert "/.well-known/oauth-authorization-server" in answer.json["error_description"]


def test_an_unknown_provider_is_not_found(browser):
    page = browser.get("/oauth/other/authorize")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert browser.http.post("/oauth/other/token", base_url=f"https://{HOST}/").status_code == 404


# Answers that come by form_post.


@pytest.fixture
def apple():
    """A browser at a face whose provider posts its answers."""
    return Browser(Stage(preset=replace(TIKTOK, form_post=True)))


def state_at(started):
    return query_of(started.headers["Location"])["state"]


def test_a_posted_answer_is_asked_for_again_by_get_which_brings_the_cookie(apple):
    started = apple.authorize()
    user = '{"name":{"firstName":"Sandy"}}'
    form = {"state": state_at(started), "code": "SECRET-code*1", "user": user, "id_token": "a.b.c"}
    foreign = apple.posting_without_cookies("return", form)
    assert foreign.status_code == 303
    address = foreign.headers["Location"]
    assert address.startswith(f"{ISSUER}/return?code=SECRET-code%2A1&state=web.")
    # Personal data has no place in an address.
    assert set(query_of(address)) == {"code", "state"}
    forwarded = apple.get(address.removeprefix(f"https://{HOST}"))
    assert forwarded.headers["Location"].startswith(f"{WEB}?code=web.")


@pytest.mark.parametrize(
    "form",
    [
        [("code", "SECRET-1"), ("code", "SECRET-2"), ("state", "x")],
        [("code", "SECRET-1"), ("error", "access_denied"), ("state", "x")],
        [("code", "SECRET-1"), ("state", "x")],
        [("redirect_uri", "https://attacker.example/"), ("next", "https://attacker.example/")],
    ],
)
def test_a_posted_answer_gets_no_further_than_a_queried_one(apple, form):
    posted = apple.posting_without_cookies("return", urlencode(form))
    address = posted.headers["Location"]
    assert address.partition("?")[0] == f"{ISSUER}/return"
    assert "attacker" not in address
    page = apple.get(address.removeprefix(f"https://{HOST}"))
    assert (page.status_code, page.mimetype) == (400, "text/html")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{}", "application/json", 415),
        ("a=%ff", facade.FORM, 400),
        ("a=" + "x" * 8191, facade.FORM, 413),
    ],
)
def test_a_posted_answer_that_cannot_be_read_is_a_page(apple, body, content_type, status):
    page = apple.post("return", body, content_type=content_type)
    assert (page.status_code, page.mimetype) == (status, "text/html")


def test_who_does_not_post_answers_may_not(browser):
    page = browser.post("return", {"code": "x"})
    assert (page.status_code, page.mimetype) == (405, "text/html")
    assert page.headers["Allow"] == "GET, HEAD"


# The page between.


def test_on_android_the_page_between_leads_into_the_apps_package(browser):
    started = browser.authorize("shop", LINK, agent=ANDROID)
    page = browser.come_back(started, ANDROID)
    assert page.status_code == 200
    links = _Links(page.text)
    (way,) = links.found
    assert way.startswith("intent://links.example.com/login-callback/?code=shop.")
    assert way.endswith("#Intent;scheme=https;package=com.example.shop;end")
    assert f"state=st-1&iss={ISSUER.replace(':', '%3A').replace('/', '%2F')}#Intent" in way
    assert links.scripts == 1
    assert "Open Shop" in page.text


def test_on_ios_an_https_link_waits_for_the_tap_that_opens_the_app(browser):
    page = browser.come_back(browser.authorize("shop", LINK, agent=IPHONE), IPHONE)
    links = _Links(page.text)
    (way,) = links.found
    assert way.startswith(f"{LINK}?code=shop.")
    assert links.scripts == 0


@pytest.mark.parametrize("agent", [ANDROID, IPHONE])
def test_a_custom_scheme_is_tried_once_and_offered(browser, agent):
    page = browser.come_back(browser.authorize("shop", SCHEME, agent=agent), agent)
    links = _Links(page.text)
    assert links.found[0].startswith(f"{SCHEME}?code=shop.")
    assert links.scripts == 1


def test_a_refusal_says_so_in_plain_words_and_waits(browser):
    started = browser.authorize("shop", LINK, agent=ANDROID)
    page = browser.come_back(started, ANDROID, code="", error="access_denied")
    links = _Links(page.text)
    assert "Sign-in cancelled" in page.text
    assert "error=access_denied" in links.found[0]
    assert links.scripts == 0


@pytest.mark.parametrize(("uri", "client"), [(LINK, "shop"), (SCHEME, "shop"), (WEB, "web")])
def test_a_desktop_browser_and_a_library_are_simply_redirected(browser, uri, client):
    answer = browser.come_back(browser.authorize(client, uri))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{uri}?code=")


def test_a_page_of_the_web_is_redirected_on_a_phone_too(browser):
    answer = browser.come_back(browser.authorize("web", WEB, agent=ANDROID), ANDROID)
    assert answer.status_code == 302


@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "'-alert(1)-'", "#Intent;end"])
def test_no_state_breaks_out_of_the_page_between(browser, state):
    started = browser.authorize("shop", LINK, agent=ANDROID, state=state)
    links = _Links(browser.come_back(started, ANDROID).text)
    (way,) = links.found
    assert way.count("#") == 1
    assert links.scripts == 1
    assert query_of(way.partition("#Intent")[0].replace("intent", "https", 1))["state"] == state


def test_the_page_between_has_the_policy_of_every_page(browser):
    page = browser.come_back(browser.authorize("shop", LINK, agent=ANDROID), ANDROID)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert len(page.data) < 15_000


@pytest.mark.parametrize(
    ("client", "uri", "button"),
    [("shop", LINK, "فتح \u2068Shop\u2069"), ("game", GAME, "فتح التطبيق")],
)
def test_the_page_between_speaks_the_languages_of_the_callback_page(browser, client, uri, button):
    started = browser.authorize(client, uri, agent=ANDROID)
    page = browser.come_back(started, ANDROID, language="ar-EG, en;q=0.5")
    assert '<html lang="ar" dir="rtl">' in page.text
    assert button in page.text
    assert page.headers["Content-Language"] == "ar"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"ui_locales": "xx fr-CA de"}, "fr"),
        ({"lang": "it", "ui_locales": "fr"}, "it"),
        ({"ui_locales": '"><script> de'}, "de"),
        ({"ui_locales": "x" * 200}, "es"),
        ({}, "es"),
    ],
)
def test_the_clients_word_on_the_language_travels_with_the_login(browser, asked, expected):
    """OpenID Connect Core section 3.1.2.1; without one it is the browser's."""
    started = browser.authorize("shop", LINK, agent=ANDROID, **asked)
    page = browser.come_back(started, ANDROID, language="es")
    assert f'<html lang="{expected}"' in page.text
    failed = browser.authorize("nobody", LINK, agent=ANDROID, language="es", **asked)
    assert f'<html lang="{expected}"' in failed.text


def test_an_error_of_the_apps_is_no_sign_in_that_is_almost_done(browser):
    page = browser.authorize("shop", LINK, agent=ANDROID, scope="unknown")
    links = _Links(page.text)
    assert page.status_code == 200
    assert "error=invalid_scope" in links.found[0]
    assert links.scripts == 0
    assert "The app asked for too much" in page.text
    assert "almost done" not in page.text


def test_what_the_makers_of_the_app_need_is_told_in_english_in_every_language(browser):
    page = browser.authorize("web", "https://attacker.example/", language="de")
    assert "Diese Anmeldung kann nicht beginnen" in page.text
    assert '<p class="quiet" dir="ltr" lang="en">redirect_uri is missing' in page.text


# What libraries read.


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/oauth/tiktok",
        "/oauth/tiktok/.well-known/oauth-authorization-server",
        # Where many libraries look first; RFC 8414 section 5.
        "/.well-known/openid-configuration/oauth/tiktok",
        "/oauth/tiktok/.well-known/openid-configuration",
    ],
)
def test_the_metadata_is_at_each_of_its_addresses(browser, path):
    answer = browser.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json["token_endpoint"] == f"{ISSUER}/token"


def test_tokens_and_errors_are_never_stored(browser):
    for answer in (browser.redeem(browser.code()), browser.redeem("junk")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Pragma"] == "no-cache"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "web"}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"client_id": "nobody", "grant_type": "refresh_token"}, "invalid_client"),
        ({"client_id": "web", "grant_type": "password"}, "unsupported_grant_type"),
        (
            {"client_id": "web", "grant_type": "authorization_code", "code": "x",
             "code_verifier": VERIFIER},
            "invalid_grant",
        ),
    ],
)  # fmt: skip
def test_an_error_has_the_shape_of_rfc_6749(browser, form, error):
    answer = browser.post("token", form)
    assert answer.status_code == 400
    assert answer.json["error"] == error
    assert answer.json["error_description"].isascii()
    assert not {'"', "\\"} & set(answer.json["error_description"])


def test_401_is_for_who_tried_the_authorization_header(browser):
    basic = base64.b64encode(b"nobody:").decode()
    headers = {"Authorization": f"Basic {basic}"}
    answer = browser.post("token", {"grant_type": "refresh_token"}, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("header", ["Bearer SECRET-x", "Basic", "Basic ***", "Basic Og==", ""])
def test_a_strange_authorization_header_is_refused(browser, header):
    answer = browser.post("token", {"client_id": "web"}, headers={"Authorization": header})
    assert answer.json["error"] == "invalid_client"


@pytest.mark.parametrize("user", [b"web:", b"w%65b:"])
def test_a_client_may_name_itself_in_the_authorization_header(browser, user):
    """Form-encoded: RFC 6749 section 2.3.1."""
    basic = base64.b64encode(user).decode()
    headers = {"Authorization": f"Basic {basic}"}
    form = {"grant_type": "refresh_token", "refresh_token": "rft.SECRET-0"}
    assert browser.post("token", form, headers=headers).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data"])
def test_only_a_form_is_read(browser, content_type):
    answer = browser.post("token", b"{}", content_type=content_type)
    assert (answer.status_code, answer.json["error"]) == (415, "invalid_request")


def test_a_charset_in_the_content_type_is_no_fault(browser):
    content_type = "application/x-www-form-urlencoded; charset=UTF-8"
    body = urlencode({"grant_type": "refresh_token", "refresh_token": "rft.SECRET-0"})
    answer = browser.post("token", f"{body}&client_id=web", content_type=content_type)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "status"), [(b"a=" + b"x" * 8191, 413), (b"a=%ff", 400), (b"\xff=1", 400)]
)
def test_a_body_that_cannot_be_read_is_refused(browser, body, status):
    answer = browser.post("token", body, content_type=facade.FORM)
    assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")


def test_a_code_in_the_address_is_refused(browser):
    """Though the body has all that is needed: the address stays in every log on its way."""
    form = {"client_id": "web", "grant_type": "refresh_token", "refresh_token": "rft.SECRET-0"}
    assert browser.post("token", form).status_code == 200
    answer = browser.post("token?code=SECRET-x", form)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
@pytest.mark.parametrize("verb", ["token", "revoke"])
def test_another_method_is_405_in_json(browser, method, verb):
    answer = getattr(browser.http, method)(f"/oauth/tiktok/{verb}", base_url=f"https://{HOST}/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    assert answer.json["error"] == "invalid_request"


def test_a_revocation_is_200_and_says_nothing(browser):
    answer = browser.post("revoke", {"client_id": "web", "token": "act.SECRET-1"})
    assert (answer.status_code, answer.json) == (200, {})


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        (Unanswered(Fault.TIMEOUT, sent=True), 503, "temporarily_unavailable"),
        (Unanswered(Fault.REDIRECT, sent=True), 502, "server_error"),
        ({"error": "invalid_client"}, 502, "server_error"),
        ({"error": "unauthorized_client"}, 502, "server_error"),
        ({"error": "rate_limit_exceeded"}, 429, "temporarily_unavailable"),
        ({"error": "invalid_grant"}, 400, "invalid_grant"),
        ({"error": "invalid_request"}, 400, "invalid_grant"),
    ],
)
def test_the_providers_trouble_has_a_true_status(trouble, status, error):
    browser = Browser(Stage(provider=PlayedProvider(trouble)))
    answer = browser.redeem(browser.code())
    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert ("Retry-After" in answer.headers) is (status in (429, 503))


def test_a_provider_that_limits_us_says_for_how_long():
    browser = Browser(Stage(provider=PlayedProvider(TooMany(7))))
    answer = browser.redeem(browser.code())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_login_of_a_server_with_other_keys_is_503_everywhere(stage, browser):
    other = Browser(stage, stage.also(keys=OTHER_KEYS))
    page = other.come_back(browser.authorize())
    assert (page.status_code, page.mimetype) == (503, "text/html")
    answer = other.redeem(browser.code())
    assert (answer.status_code, answer.json["error"]) == (503, "temporarily_unavailable")


# Limits.

REFRESH = {"client_id": "web", "grant_type": "refresh_token", "refresh_token": "rft.SECRET-0"}


@pytest.mark.parametrize(
    ("verb", "form"), [("token", REFRESH), ("revoke", {"client_id": "web", "token": "act.SECRET"})]
)
def test_a_flood_from_one_address_is_told_when_to_come_back(verb, form):
    stage = Stage()
    browser = Browser(stage, per_address=5)
    answers = [browser.post(verb, form, headers={"Origin": PAGE}) for _ in range(50)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 45
    last = answers[-1]
    assert last.json["error"] == "temporarily_unavailable"
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert last.headers["Cache-Control"] == "no-store"
    # Without these a page could not even see the status.
    assert last.headers["Access-Control-Allow-Origin"] == PAGE
    assert last.headers["Access-Control-Expose-Headers"] == "Retry-After"
    other = {"REMOTE_ADDR": "192.0.2.7"}
    assert browser.post(verb, form, environ_overrides=other).status_code == 200
    stage.now += 60
    assert browser.post(verb, form).status_code == 200


def test_a_flood_of_junk_is_limited_before_it_is_read():
    browser = Browser(Stage(), per_address=5)
    answers = [browser.post("token", {"client_id": f"junk-{i}"}) for i in range(20)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 15


def test_a_flood_of_starts_is_a_page_and_costs_nobody_his_tokens():
    """Many phones of one mobile network share an address."""
    browser = Browser(Stage(), per_address=5)
    code = browser.code()
    answers = [browser.authorize() for _ in range(20)]
    assert [answer.status_code for answer in answers] == [302] * 4 + [429] * 16
    page = answers[-1]
    assert page.mimetype == "text/html"
    assert "Too many requests" in page.text
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert "Location" not in page.headers
    assert "Set-Cookie" not in page.headers
    assert browser.redeem(code).status_code == 200


def test_one_code_and_one_client_have_limits_of_their_own():
    browser = Browser(Stage(), per_code=3)
    assert [browser.redeem("junk").status_code for _ in range(5)] == [400] * 3 + [429] * 2
    assert browser.redeem("other").status_code == 400
    browser = Browser(Stage(), per_app=3)
    assert [browser.redeem(f"{i}").status_code for i in range(5)] == [400] * 3 + [429] * 2
    assert browser.post("token", REFRESH | {"client_id": "desk"}).status_code == 200


@pytest.mark.parametrize("verb", ["token", "revoke"])
def test_when_all_seats_are_taken_others_are_told_at_once_and_seats_come_back(verb):
    """The one seat is held by the request that asks again from inside itself."""
    told = []

    def while_it_has_the_seat(evidence):
        if not told:
            told.append(browser.post("token", REFRESH, headers={"Origin": PAGE}))

    browser = Browser(Stage(), threads=1, attest=while_it_has_the_seat)
    form = REFRESH if verb == "token" else {"client_id": "web", "token": "act.SECRET"}
    assert browser.post(verb, form).status_code == 200
    (busy,) = told
    assert (busy.status_code, busy.json["error"]) == (503, "temporarily_unavailable")
    assert busy.headers["Retry-After"] == "1"
    assert busy.headers["Access-Control-Allow-Origin"] == PAGE
    assert busy.headers["Cache-Control"] == "no-store"
    assert browser.post(verb, {"client_id": "nobody"}).status_code == 400
    assert browser.post(verb, form).status_code == 200


def test_the_hook_for_attestation_stands_before_the_face_too(stage):
    """Else whoever is turned away at one door would take the other."""
    asked = []

    def refuse(evidence):
        asked.append((evidence.provider, evidence.verb))
        raise RequestRefused("unauthorized_client", "No evidence.")

    browser = Browser(stage, attest=refuse)
    answers = [
        browser.redeem(browser.code()),
        browser.post("token", REFRESH),
        browser.post("revoke", {"client_id": "web", "token": "act.SECRET"}),
    ]
    assert [answer.json["error"] for answer in answers] == ["unauthorized_client"] * 3
    assert asked == [("tiktok", "exchange"), ("tiktok", "refresh"), ("tiktok", "revoke")]
    assert stage.provider.calls == []


# CORS.


def preflight(browser, origin, verb="token"):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return browser.http.options(
        f"/oauth/tiktok/{verb}", headers=headers, base_url=f"https://{HOST}/"
    )


@pytest.mark.parametrize("verb", ["token", "revoke"])
def test_a_page_of_a_client_may_ask(browser, verb):
    answer = preflight(browser, PAGE, verb)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://attacker.example", "null", "", "https://www.example.com.attacker.example",
     "http://www.example.com", "https://www.example.com:444", "https://WWW.example.com"],
)  # fmt: skip
def test_another_page_may_not(browser, origin):
    assert "Access-Control-Allow-Origin" not in preflight(browser, origin).headers
    headers = {"Origin": origin}
    answer = browser.post("token", {"client_id": "web"}, headers=headers)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_reads_the_answers_and_errors_of_its_own_client_alone(browser):
    for client, expected in (("web", PAGE), ("desk", None)):
        answer = browser.post("token", {"client_id": client}, headers={"Origin": PAGE})
        assert answer.headers.get("Access-Control-Allow-Origin") == expected
        assert "Origin" in answer.headers["Vary"]


def test_the_browsers_legs_are_for_no_script(browser):
    path = f"/oauth/tiktok/authorize?{question()}"
    answer = browser.get(path, Origin=PAGE)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_login_leaves_nothing_of_itself_in_the_log(browser, caplog):
    caplog.set_level(logging.DEBUG)
    forwarded = browser.come_back(browser.authorize(state="SECRET-state"))
    code = query_of(forwarded.headers["Location"])["code"]
    browser.redeem(code)
    browser.redeem(code)
    assert "SECRET-" not in caplog.text
    assert code not in caplog.text
    assert CHALLENGE not in caplog.text
    assert urlsplit(WEB).netloc not in caplog.text
