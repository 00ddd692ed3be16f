"""The callback page, read as a browser reads it: the HTML is parsed and its links looked at."""

from __future__ import annotations

import base64
import hashlib
import re
import string
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from deeplink.association.verdict import AndroidApp, App, IosApp
from deeplink.config import Callback
from deeplink.web import callback, failures
from deeplink.web.page import Pages

ROOT = Path(__file__).resolve().parents[2]
HOST, SECOND_HOST, ALTERNATE = "links.example.com", "www.example.com", "go.example.net"
OTHER_HOST = "other.example.org"

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"  # noqa: E501
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"  # noqa: E501
AGENTS = (ANDROID, IPHONE, DESKTOP, "", "curl/8.5.0")

# What TikTok sends (its iOS SDK's own test URL, and the Android form with its escapes).
IOS_ANSWER = "from_platform=tiktokopensdk&code=SECRET-test-auth-code&request_id=test-request-id&error_code=0&response_id=test-response-id&state=test-state"  # noqa: E501
ANSWER = "code=SECRET-abc%2A1.a%21b&scopes=user.info.basic,video.list&state=s~1"


def make_app(key, name, *, android=True, ios=True, scheme=None, store_id="1234567890"):
    return App(
        key=key,
        name=name,
        android=AndroidApp(f"com.example.{key}", ("AA:BB",)) if android else None,
        ios=IosApp((f"ABCDE12345.com.example.{key}",), store_id, scheme, legacy_paths=False)
        if ios
        else None,
        share_credentials=False,
    )


BERRY = make_app("berry", "Berry", scheme="berry")
TRIAL = make_app("trial", "Berry Trial", scheme="trial")
OTHER = make_app("other", "Other")
PEAR = make_app("pear", "Pear")

CALLBACKS = (
    Callback(
        "/login-callback/",
        (HOST, SECOND_HOST),
        (BERRY,),
        "tiktok",
        custom_scheme=False,
        expires_after_minutes=5,
    ),
    Callback("/scheme/", (HOST,), (BERRY,), "tiktok", custom_scheme=True, expires_after_minutes=5),
    Callback(
        "/several/", (HOST,), (BERRY, TRIAL), "tiktok", custom_scheme=True, expires_after_minutes=5
    ),
    Callback("/twice/", (HOST,), (BERRY,), "tiktok", custom_scheme=False, expires_after_minutes=5),
    Callback(
        "/twice/", (OTHER_HOST,), (OTHER,), "tiktok", custom_scheme=False, expires_after_minutes=5
    ),
    Callback(
        "/ios/",
        (HOST,),
        (make_app("i", "Apple", android=False),),
        None,
        custom_scheme=False,
        expires_after_minutes=5,
    ),
    Callback(
        "/android/",
        (HOST,),
        (make_app("a", "Robot", ios=False),),
        None,
        custom_scheme=False,
        expires_after_minutes=5,
    ),
    Callback(
        "/pear/", (OTHER_HOST,), (PEAR,), "pear", custom_scheme=False, expires_after_minutes=5
    ),
)

# What Sign in with Apple posts: a browser's form, the person's name with it the first time.
POSTED = (
    "state=s~1&code=SECRET-c0.0.mrtx&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Ada+B%22%7D%7D"
)
FORM = "application/x-www-form-urlencoded"


def make_client(*, callbacks=CALLBACKS, alternate_host=ALTERNATE, pretend_app_url=None):
    app = Flask("test", static_folder=None, template_folder=None)
    pages = Pages(ROOT / "templates")
    failures.install(app, pages)
    app.register_blueprint(
        callback.blueprint(
            callbacks, alternate_host=alternate_host, pages=pages, pretend_app_url=pretend_app_url
        )
    )
    return app.test_client()


@pytest.fixture(scope="module")
def client():
    return make_client()


class Reader(HTMLParser):
    """
    Links in their order, text as it is shown, and every element's attributes.

    What a template holds is not shown and no link yet; *waiting* has its elements.
    """

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.links, self.elements, self.words, self._silent = [], [], [], False
        self.waiting, self._inert = [], False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "template":
            self._inert = True
        if self._inert:
            self.waiting.append((tag, attributes))
            return
        self.elements.append((tag, attributes))
        self._silent = tag in ("style", "script") or (self._silent and tag != "body")
        if tag == "a":
            self.links.append(attributes)

    def handle_endtag(self, tag):
        if tag == "template":
            self._inert = False
        if tag in ("style", "script"):
            self._silent = False

    def handle_data(self, data):
        if not self._silent and not self._inert:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def targets(self):
        return [link["href"] for link in self.links]

    @property
    def primary(self):
        return [link["href"] for link in self.links if link.get("class") == "primary"]


def load(client, path, query="", *, host=HOST, agent=ANDROID, method="GET", **headers):
    """The response, with *query* put before the application byte for byte."""
    return client.open(
        path,
        method=method,
        headers={"Host": host, "User-Agent": agent, **headers},
        environ_overrides={"QUERY_STRING": query},
    )


def read(client, *args, **options):
    return Reader(load(client, *args, **options).get_data(as_text=True))


def raw_of(target):
    """The query of a target, byte for byte."""
    return target.partition("?")[2].partition("#")[0]


# --- where there is a page, and which ---------------------------------------------------------


@pytest.mark.parametrize("path", ["/login-callback", "/login-callback/"])
@pytest.mark.parametrize("query", ["", ANSWER])
@pytest.mark.parametrize("host", [HOST, SECOND_HOST, ALTERNATE])
def test_both_slash_forms_answer_200_and_never_redirect(client, path, query, host):
    response = load(client, path, query, host=host)
    assert response.status_code == 200
    assert "Location" not in response.headers


@pytest.mark.parametrize("path", ["/login-callback", "/login-callback/"])
def test_head_answers_as_get_does_without_a_body(client, path):
    head, get = load(client, path, ANSWER, method="HEAD"), load(client, path, ANSWER)
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize("path", ["/login-callback", "/login-callback/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_on_both_slash_forms(client, path, method):
    response = load(client, path, ANSWER, method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "path", ["/login-callback//", "//login-callback/", "/Login-Callback/", "/login-callback/x"]
)
def test_other_spellings_of_the_path_are_not_the_page(client, path):
    assert load(client, path, ANSWER).status_code == 404


def test_the_host_may_be_written_in_capitals_and_with_a_port(client):
    response = load(client, "/login-callback/", ANSWER, host="LINKS.Example.COM:8443")
    assert response.status_code == 200
    assert "8443" not in response.get_data(as_text=True)


def test_a_path_that_two_rows_share_is_not_served_on_the_alternate_host(client):
    """Nothing there tells the rows apart, and the code would go to somebody else's app."""
    assert load(client, "/twice/", ANSWER, host=ALTERNATE).status_code == 404
    page = read(client, "/twice/", ANSWER, host=OTHER_HOST, agent=IPHONE)
    assert page.primary == [f"https://{OTHER_HOST}/twice/?{ANSWER}"]


# --- which ways there are ---------------------------------------------------------------------


def test_on_android_the_primary_link_is_an_intent_with_the_https_url_inside(client):
    page = read(client, "/login-callback/", ANSWER)
    assert page.primary == [
        f"intent://links.example.com/login-callback/?{ANSWER}"
        "#Intent;scheme=https;package=com.example.berry;end"
    ]


def test_the_host_asked_stays_the_host_of_the_target(client):
    """SDKs want the URL to start with the registered redirect URI, host and slash included."""
    page = read(client, "/login-callback", ANSWER, host=SECOND_HOST)
    assert page.primary == [
        f"intent://www.example.com/login-callback?{ANSWER}"
        "#Intent;scheme=https;package=com.example.berry;end"
    ]


def test_on_an_iphone_the_primary_link_goes_to_the_page_on_the_alternate_host(client):
    page = read(client, "/login-callback/", ANSWER, agent=IPHONE)
    assert page.primary == [f"https://go.example.net/login-callback/?{ANSWER}"]


def test_the_page_on_the_alternate_host_leads_back_to_the_redirect_host(client):
    page = read(client, "/login-callback/", ANSWER, agent=IPHONE, host=ALTERNATE)
    assert page.primary == [f"https://links.example.com/login-callback/?{ANSWER}"]
    assert f"https://go.example.net/login-callback/?{ANSWER}" not in page.targets


def test_without_an_alternate_host_an_iphone_is_told_to_hold_the_link():
    page = read(make_client(alternate_host=None), "/login-callback/", ANSWER, agent=IPHONE)
    assert page.primary == [f"https://links.example.com/login-callback/?{ANSWER}"]
    assert "Touch and hold" in page.text


def test_a_custom_scheme_is_a_way_only_where_the_row_allows_it(client):
    assert not [url for url in read(client, "/login-callback/", ANSWER).targets if "berry:" in url]
    page = read(client, "/scheme/", ANSWER, agent=IPHONE)
    # What follows the scheme is the https link's, so the app gets the redirect URI back.
    assert f"berry://links.example.com/scheme/?{ANSWER}" in page.targets


def test_several_apps_have_a_button_each_and_the_first_is_primary(client):
    page = read(client, "/several/", ANSWER)
    intents = [url for url in page.targets if url.startswith("intent:")]
    assert re.findall("package=([^;]+)", " ".join(intents)) == [
        "com.example.berry",
        "com.example.trial",
    ]
    assert page.primary == intents[:1]


@pytest.mark.parametrize(
    "path", ["/login-callback/", "/scheme/", "/several/", "/ios/", "/android/"]
)
def test_every_visitor_gets_every_way_in_the_html(client, path):
    """A User-Agent rots; whoever is taken for somebody else must still find the way."""
    pages = [read(client, path, ANSWER, agent=agent) for agent in AGENTS]
    assert len({frozenset(page.targets) for page in pages}) == 1


def test_the_order_follows_the_visitor(client):
    android, iphone = (
        read(client, "/several/", ANSWER, agent=agent).targets for agent in (ANDROID, IPHONE)
    )
    assert android[0].startswith("intent:")
    assert iphone[0].startswith("https:")
    assert android[-2].startswith("https://play.google.com/")
    assert iphone[-2].startswith("https://apps.apple.com/")


def test_an_android_visitor_of_an_app_for_ios_only_is_not_left_without_a_link(client):
    page = read(client, "/ios/", ANSWER, agent=ANDROID)
    assert page.primary == [f"https://go.example.net/ios/?{ANSWER}"]
    # Folded away are the report and the way out of an in-app browser.
    assert [link["data-way"] for link in page.links[:2]] == ["second-page", "safari"]
    assert [tag for tag, _ in page.elements].count("details") == 2


def test_the_stores_are_linked_without_anything_that_could_carry_the_code(client):
    page = read(client, "/login-callback/", ANSWER)
    assert page.targets[-2:] == [
        "https://play.google.com/store/apps/details?id=com.example.berry",
        "https://apps.apple.com/app/id1234567890",
    ]


def test_on_a_desktop_the_page_says_to_go_on_where_the_login_began(client):
    page = read(client, "/login-callback/", ANSWER, agent=DESKTOP)
    assert "Continue on your phone" in page.text
    assert page.primary == []
    assert "canvas" not in [tag for tag, _ in page.elements]


def test_beside_the_sandbox_a_desktop_continues_in_the_pretend_app():
    client = make_client(pretend_app_url="http://127.0.0.1:8000/pretend-app/")
    page = read(client, "/login-callback/", ANSWER, agent=DESKTOP)
    assert page.primary == [f"http://127.0.0.1:8000/pretend-app/?{ANSWER}"]


def test_a_loopback_host_of_development_has_no_port_in_its_intent():
    row = Callback(
        "/login-callback/",
        ("127.0.0.1",),
        (BERRY,),
        None,
        custom_scheme=False,
        expires_after_minutes=5,
    )
    client = make_client(callbacks=(row,), alternate_host=None)
    page = read(client, "/login-callback/", ANSWER, host="127.0.0.1:8000")
    assert page.primary[0].startswith("intent://127.0.0.1/login-callback/?")


# --- the query --------------------------------------------------------------------------------

ALLOWED = "!$&()*+,-./:;=?@[]_~" + string.ascii_letters + string.digits
BYTES = st.one_of(
    st.sampled_from(ALLOWED),
    st.integers(0, 255).map(lambda byte: f"%{byte:02X}"),
    st.integers(0, 255).map(lambda byte: f"%{byte:02x}"),
)
RAW = st.lists(BYTES, max_size=60).map("".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RAW, st.sampled_from(AGENTS), st.sampled_from(["/several", "/several/"]))
def test_the_raw_query_goes_into_every_target_byte_for_byte(tail, agent, path):
    query = f"code=a&x={tail}"
    assume(callback.read(query) is not None)
    page = read(CLIENT, path, query, agent=agent)
    ways = [target for target in page.targets if "play.google" not in target]
    ways = [target for target in ways if "apps.apple" not in target]
    assert len(ways) == 8
    assert {raw_of(target) for target in ways} == {query}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RAW)
def test_nothing_after_the_intent_mark_depends_on_the_request(tail):
    query = f"code=a&x={tail};end&y=%23Intent;package=evil;end"
    assume(callback.read(query) is not None)
    intent = read(CLIENT, "/login-callback/", query).primary[0]
    # Android's Intent.parseUri takes the last "#" for the beginning of the instructions.
    assert intent.rpartition("#")[2] == "Intent;scheme=https;package=com.example.berry;end"
    assert intent.count("#") == 1


CLIENT = make_client(pretend_app_url="http://127.0.0.1:8000/pretend-app/")

MALFORMED = [
    "code=a b",
    'code=a"b',
    "code=a'b",
    "code=<script>",
    "code=a>b",
    "code=a#b",
    "code=a\\b",
    "code=a^b",
    "code=a{b",
    "code=a|b",
    "code=a}b",
    "code=a`b",
    "code=a%",
    "code=a%2",
    "code=a%2g",
    "code=a%zz",
    "code=a\x00b",
    "code=a\r\nSet-Cookie:b",
    "code=a\x7fb",
    "code=a\xe9b",
    "code=a\tb",
    "code=a\n",
    "x=%",
    "code=a&code=b",
    "code=a&c%6Fde=b",
    "code&code=b",
    "state=a&code=c&state=b",
    "error=a&error=b",
    "code=a&error=access_denied",
    "code=a&error=",
    "error=x&code=",
    "code=" + "a" * 4092,
]


@pytest.mark.parametrize("query", MALFORMED)
def test_a_malformed_query_is_refused_and_nothing_of_it_is_forwarded(client, query):
    response = load(client, "/login-callback/", query)
    assert response.status_code == 400
    assert Reader(response.get_data(as_text=True)).links == []


def test_a_query_of_4096_bytes_is_the_longest(client):
    query = "code=" + "a" * 4091
    assert raw_of(read(client, "/login-callback/", query).primary[0]) == query


@pytest.mark.parametrize("query", [IOS_ANSWER, ANSWER, "code=a&state=", "code=a&code_=b&xcode=c"])
def test_what_tiktok_sends_is_taken_as_it_is(client, query):
    assert raw_of(read(client, "/login-callback/", query).primary[0]) == query


@pytest.mark.parametrize(
    "query", ["", "code=", "state=s", "utm_source=x", "error_code=0", "&&", "="]
)
def test_without_a_code_or_an_error_there_is_nothing_to_do(client, query):
    response = load(client, "/login-callback/", query)
    page = Reader(response.get_data(as_text=True))
    assert response.status_code == 200
    assert "Nothing to do" in page.text
    assert page.links == []


@pytest.mark.parametrize(
    "query",
    [
        "error=access_denied&state=s",
        "errCode=-2",
        "error_code=-2&error_string=bytebase_cancel_oauth",
        "error=access%5Fdenied",
    ],
)
def test_a_cancelled_login_is_told_so_and_still_returns_to_the_app(client, query):
    page = read(client, "/login-callback/", query)
    assert "Sign-in cancelled" in page.text
    assert raw_of(page.primary[0]) == query


def test_a_number_from_tiktok_is_told_in_plain_words(client):
    page = read(client, "/login-callback/", "error=invalid_client&errCode=10033")
    assert "signing certificate" in page.text


# --- the attack list --------------------------------------------------------------------------

HOSTILE = [
    '"><script>alert(1)</script>',
    "';alert(1)//",
    "</style><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "https://evil.example/",
    "//evil.example",
    "intent://evil.example#Intent;end",
]
NAMES = [
    "code",
    "state",
    "error",
    "error_description",
    "url",
    "next",
    "redirect_uri",
    "app",
    "host",
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("purpose", ["", "prefetch", "prefetch;prerender"])
def test_s1_the_page_sets_no_cookie_and_answers_the_same_again_and_again(client, method, purpose):
    answers = [
        load(client, "/login-callback/", ANSWER, method=method, **{"Sec-Purpose": purpose})
        for _ in range(50)
    ]
    assert len({(answer.status_code, answer.data) for answer in answers}) == 1
    assert not any("Set-Cookie" in answer.headers for answer in answers)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from([*NAMES, "package", "scheme"]), RAW), max_size=4),
    st.dictionaries(
        st.sampled_from(
            ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Url", "Referer"]
        ),
        st.sampled_from(["evil.example", "host=evil.example", "https://evil.example/", "http"]),
    ),
    st.sampled_from([HOST, "LINKS.example.com:444", "links.example.com."]),
)
def test_s2_no_parameter_or_header_changes_where_the_links_lead(pairs, headers, host):
    query = "&".join(["code=a", *(f"{name}={value}" for name, value in pairs if name != "code")])
    assume(callback.read(query) is not None)
    page = read(CLIENT, "/several/", query, host=host, **headers)
    assert {origin_of(target) for target in page.targets} == {
        "intent://links.example.com",
        "https://go.example.net",
        "berry://links.example.com",
        "trial://links.example.com",
        "http://127.0.0.1:8000",
        "https://play.google.com",
        "https://apps.apple.com",
        "x-safari-https://links.example.com",
    }


def origin_of(target):
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc}"


def test_s2_an_unknown_host_gets_no_page(client):
    assert load(client, "/login-callback/", ANSWER, host="evil.example").status_code == 404
    assert load(client, "/login-callback/", ANSWER, host="").status_code == 404


@pytest.mark.parametrize("hostile", HOSTILE)
def test_s3_only_known_schemes_are_targets(client, hostile):
    for agent in AGENTS:
        page = read(client, "/several/", f"code=a&url={quote_some(hostile)}", agent=agent)
        schemes = {urlsplit(target).scheme for target in page.targets}
        assert schemes <= {"https", "intent", "berry", "trial", "x-safari-https"}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", NAMES)
def test_s4_no_input_becomes_markup_or_script(client, hostile, name):
    plain, attacked = (
        read(client, "/login-callback/", f"{name}={value}") for value in ("a", quote_some(hostile))
    )
    raw = load(client, "/login-callback/", f"{name}={hostile}")
    assert [tag for tag, _ in attacked.elements] == [tag for tag, _ in plain.elements]
    assert raw.get_data(as_text=True).count("<script") == (1 if raw.status_code == 200 else 0)
    assert "evil.example" not in attacked.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_s4_the_script_is_the_same_bytes_whatever_is_asked(client, hostile):
    plain, attacked = (
        load(client, "/login-callback/", query).get_data(as_text=True)
        for query in ("", f"code={quote_some(hostile)}")
    )
    assert script_of(plain) == script_of(attacked)


def script_of(html):
    return re.search("<script>(.*)</script>", html, re.DOTALL)[1]


def source_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def quote_some(text):
    """*text* as a careful attacker would send it: only what the grammar forbids is escaped."""
    return "".join(char if char in ALLOWED or char == "%" else f"%{ord(char):02X}" for char in text)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/login-callback/", ANSWER, 200),
        ("/login-callback/", "", 200),
        ("/login-callback/", "error=access_denied", 200),
        ("/login-callback/", "code=a&code=b", 400),
        ("/nowhere", "", 404),
    ],
)
def test_s5_s6_s7_every_page_has_the_same_strict_headers(client, path, query, status):
    response = load(client, path, query)
    html = response.get_data(as_text=True)
    style = re.search("<style>(.*)</style>", html, re.DOTALL)[1]
    # An error page says all there is to say: it has no script, and may call nobody.
    script, connect = (
        ("'none'", "'none'") if status != 200 else (source_of(script_of(html)), "'self'")
    )
    assert response.status_code == status
    assert response.headers["Content-Security-Policy"] == (
        f"default-src 'none'; script-src {script}; "
        f"style-src {source_of(style)}; img-src data:; connect-src {connect}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_s5_nothing_in_the_page_needs_more_than_the_policy_allows(client):
    page = read(client, "/several/", ANSWER)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"iframe", "form", "object", "embed", "base", "img", "input"}
    assert not [
        name for _, attributes in page.elements for name in attributes if name.startswith("on")
    ]
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
    assert not [attributes for _, attributes in page.elements if "http-equiv" in attributes]


def test_s6_links_carry_no_referrer_and_the_page_fetches_nothing(client):
    page = read(client, "/several/", ANSWER)
    assert all(link["rel"] == "noreferrer" for link in page.links)
    assert [attributes["href"] for tag, attributes in page.elements if tag == "link"] == ["data:,"]
    assert not [attributes for _, attributes in page.elements if "src" in attributes]


@pytest.mark.parametrize("query", [ANSWER, "", "error=access_denied", "code=a&code=b"])
def test_s9_no_page_empties_the_visitors_storage(client, query):
    """It is slow, and the storage of the origin may be another page's; ours holds a digest."""
    assert "Clear-Site-Data" not in load(client, "/login-callback/", query).headers


@pytest.mark.parametrize("name", ["error", "error_description", "error_string", "errCode"])
def test_s10_what_the_provider_wrote_is_never_shown(client, name):
    """A stranger could put his own words, and his own telephone number, on our host."""
    query = f"{name}=call%20555-0100%20now"
    query = query if name != "error_description" else f"error=server_error&{query}"
    page = read(client, "/login-callback/", query)
    assert "555" not in page.text
    assert raw_of(page.primary[0]) == query


def test_s10_code_and_state_are_only_in_the_links(client):
    page = read(client, "/login-callback/", "code=SECRET-code&state=SECRET-state")
    assert "SECRET-" not in page.text
    others = [(tag, attributes) for tag, attributes in page.elements if tag != "a"]
    assert "SECRET-" not in repr(others)


def test_s10_the_report_holds_known_error_codes_and_nothing_else_of_the_request(client):
    query = "error=invalid_client&errCode=10033&error_code=5550100&error_string=call&state=SECRET-s"
    html = load(client, "/login-callback/", query).get_data(as_text=True)
    assert re.search('<pre id="facts"[^>]*>(.*?)</pre>', html, re.DOTALL)[1] == (
        "page https://links.example.com/login-callback/\n"
        "browser android-chromium\n"
        "refusal app_certificate\n"
        "error invalid_client\n"
        "errCode 10033\n"
        "events"
    )


@pytest.mark.parametrize(
    ("host", "path", "package"),
    [
        (HOST, "/login-callback/", "com.example.berry"),
        (HOST, "/twice/", "com.example.berry"),
        (OTHER_HOST, "/twice/", "com.example.other"),
        (OTHER_HOST, "/pear/", "com.example.pear"),
        (ALTERNATE, "/pear/", "com.example.pear"),
    ],
)
def test_s11_each_path_and_host_leads_to_its_own_app_only(client, host, path, package):
    page = read(client, path, ANSWER, host=host)
    assert {found for url in page.targets for found in re.findall(";package=([^;]+);", url)} == {
        package
    }


@pytest.mark.parametrize(
    ("host", "path"), [(HOST, "/pear/"), (OTHER_HOST, "/login-callback/"), (HOST, "/unknown/")]
)
def test_s11_a_path_of_another_host_or_of_nobody_is_not_found(client, host, path):
    assert load(client, path, ANSWER, host=host).status_code == 404


# --- for people -------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("query", [ANSWER, "", "error=access_denied", "code=a&code=b"])
def test_the_page_is_in_a_named_language(client, agent, query):
    response = load(client, "/several/", query, agent=agent)
    page = Reader(response.get_data(as_text=True))
    elements = dict(page.elements)
    assert elements["html"]["lang"] == "en"
    assert elements["html"]["dir"] == "ltr"
    assert [tag for tag, _ in page.elements].count("h1") == 1


def test_an_apps_name_from_the_config_is_text_not_markup():
    app = make_app("x", '<b>"Fish" & Chips</b>')
    row = Callback("/x/", (HOST,), (app,), None, custom_scheme=False, expires_after_minutes=5)
    page = read(make_client(callbacks=(row,)), "/x/", ANSWER)
    assert 'Open <b>"Fish" & Chips</b>' in page.text
    assert "b" not in [tag for tag, _ in page.elements]


@pytest.fixture(scope="module")
def apple():
    """The pages where "pear" answers with response_mode=form_post, and "tiktok" does not."""
    app = Flask("test", static_folder=None, template_folder=None)
    pages = Pages(ROOT / "templates")
    failures.install(app, pages)
    blueprint = callback.blueprint(
        CALLBACKS,
        alternate_host=ALTERNATE,
        pages=pages,
        pretend_app_url=None,
        posting={"pear"},
    )
    app.register_blueprint(blueprint)
    return app.test_client()


def post(client, body=POSTED, *, path="/pear/", host=OTHER_HOST, content_type=FORM, query=""):
    return client.post(
        f"{path}{query}",
        data=body,
        base_url=f"https://{host}",
        headers={"User-Agent": ANDROID},
        content_type=content_type,
    )


@pytest.mark.parametrize("path", ["/pear/", "/pear"])
def test_a_posted_answer_is_handed_on_as_the_query_byte_for_byte(apple, path):
    answer = post(apple, path=path)
    assert answer.status_code == 200
    links = [link["href"] for link in Reader(answer.text).links]
    intent = (
        f"intent://{OTHER_HOST}{path}?{POSTED}#Intent;scheme=https;package=com.example.pear;end"
    )
    assert links[0] == intent


def test_a_posted_refusal_is_explained(apple):
    answer = post(apple, "state=s&error=user_cancelled_authorize")
    assert "Sign-in cancelled" in Reader(answer.text).text


def test_an_empty_post_has_nothing_to_do(apple):
    answer = post(apple, "")
    assert (answer.status_code, "Nothing to do" in answer.text) == (200, True)


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("code=<script>", {}),
        ("code=a b", {}),
        ("code=%2", {}),
        ("code=a&code=b", {}),
        ("code=a&error=b", {}),
        ("code=ä".encode(), {}),
        (b"code=\x00", {}),
        (POSTED, {"query": "?code=other"}),
        (POSTED, {"content_type": "multipart/form-data; boundary=x"}),
        (POSTED, {"content_type": "text/plain"}),
        (POSTED, {"content_type": ""}),
    ],
)
def test_a_malformed_post_is_refused_and_not_repaired(apple, body, more):
    answer = post(apple, body, **more)
    assert answer.status_code == 400
    assert "com.example.pear" not in answer.text


def test_half_a_post_is_no_answer(apple):
    """Its code would be half a code."""
    answer = apple.post(
        "/pear/",
        data=POSTED[:-3],
        environ_overrides={"CONTENT_LENGTH": str(len(POSTED))},
        base_url=f"https://{OTHER_HOST}",
        content_type=FORM,
    )
    assert answer.status_code == 400
    assert "com.example.pear" not in answer.text


@pytest.mark.parametrize("length", [4097, 9000])
def test_a_post_that_is_too_long_is_refused(apple, length):
    answer = post(apple, "code=" + "a" * (length - 5))
    assert answer.status_code in (400, 413)
    assert "com.example.pear" not in answer.text


def test_a_post_of_the_length_of_the_longest_query_is_taken(apple):
    assert post(apple, "code=" + "a" * 4091).status_code == 200


@pytest.mark.parametrize(
    ("path", "host"),
    [("/login-callback/", HOST), ("/pear/", ALTERNATE)],
    ids=["another provider's page", "the alternate host"],
)
def test_where_no_provider_posts_a_post_is_not_taken(apple, path, host):
    answer = post(apple, path=path, host=host)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_a_page_that_takes_posts_is_still_read_by_get(apple):
    answer = apple.get(f"/pear/?{ANSWER}", base_url=f"https://{OTHER_HOST}")
    assert answer.status_code == 200
