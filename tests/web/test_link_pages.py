"""What a link's page has besides its ways, read as a messenger, a scanner and a person read it."""

from __future__ import annotations

import re
import urllib.parse
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeplink.association.verdict import AndroidApp, App, IosApp, Link, LinkPage, Preview
from deeplink.web import failures, links, preview
from deeplink.web.page import Pages

ROOT = Path(__file__).resolve().parents[2]
HOST, SECOND, OTHER = "links.example.com", "go.example.net", "other.example.org"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/26.0 Mobile/15E148 Safari/604.1"
)
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
SCANNER = "facebookexternalhit/1.1"
EVERYBODY = (ANDROID, IPHONE, DESKTOP, SCANNER, "")

BERRY = App(
    "berry",
    "Berry",
    AndroidApp("com.example.berry", ("AA",)),
    IosApp(("ABCDE12345.com.example.berry",), "1234567890", "berry", legacy_paths=False),
    share_credentials=False,
)
PRODUCT = LinkPage(
    preview=Preview("Product {1}", "See {1} in Berry.", "https://www.example.com/{1}.jpg"),
    fallback_url="https://www.example.com/p/{1}?from={1}",
    smart_banner=True,
    install_referrer="utm_source=link&id={1}",
    custom_scheme=True,
)
LINKS = (
    Link(BERRY, (HOST,), "/product/*", page=PRODUCT),
    Link(BERRY, (HOST,), "/invite/*"),
    Link(BERRY, (HOST,), "/quiet/*", page=replace(LinkPage(), qr_code=False)),
    Link(BERRY, (HOST,), "/twice/*"),
    Link(BERRY, (OTHER,), "/twice/*"),
    Link(BERRY, ("127.0.0.1",), "/home/*"),
)


@pytest.fixture(scope="module")
def client():
    app = Flask("test", static_folder=None, template_folder=None)
    pages = Pages(ROOT / "templates")
    failures.install(app, pages)
    app.register_blueprint(links.blueprint(LINKS, pages=pages, alternate_host=SECOND))
    return app.test_client()


def load(client, path, *, host=HOST, agent=ANDROID, **headers):
    return client.get(path, headers={"Host": host, "User-Agent": agent, **headers})


def tags(response):
    found = re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', response.text)
    return {name: unescape(content) for name, content in found}


def elements(response):
    return Counter(re.findall(r"<\w+", re.sub(r'<div class="qr".*?</div>', "", response.text)))


def targets(response):
    return [unescape(url) for url in re.findall('<a [^>]*href="([^"]*)"', response.text)]


def test_messengers_get_the_tags_of_the_row_with_the_parts_of_the_path(client):
    found = tags(load(client, "/product/blue%20shoe?campaign=x", agent=SCANNER))
    assert found["og:title"] == "Product blue shoe"
    assert found["og:description"] == "See blue shoe in Berry."
    assert found["og:image"] == "https://www.example.com/blue%20shoe.jpg"
    assert found["og:url"] == "https://links.example.com/product/blue%20shoe"
    assert found["og:site_name"] == "Berry"
    assert found["twitter:card"] == "summary_large_image"
    assert found["twitter:image"] == found["og:image"]


def test_a_row_without_preview_shows_the_app(client):
    found = tags(load(client, "/invite/7"))
    assert found["og:title"] == "Berry"
    assert found["twitter:card"] == "summary"
    assert "og:image" not in found


@pytest.mark.parametrize("agent", EVERYBODY)
def test_looking_at_a_link_changes_and_remembers_nothing(client, agent):
    response = load(client, "/product/7", agent=agent)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<script" not in response.text


def test_the_fallback_on_the_web_is_there_for_whoever_has_no_app(client):
    address = "https://www.example.com/p/a/b%26c?from=a%2Fb%26c"
    phone = load(client, "/product/a/b%26c")
    assert f'class="secondary" href="{address}"' in phone.text
    assert (
        f'class="primary" href="{address}"' in load(client, "/product/a/b%26c", agent=DESKTOP).text
    )
    assert not any("www.example.com" in url for url in targets(load(client, "/invite/7")))


@pytest.mark.parametrize("part", ["..", "a/../b", "%2e%2e/x", ".", "a" * 201])
def test_a_path_that_would_leave_its_place_gives_no_fallback(client, part):
    response = load(client, f"/product/{part}")
    assert "www.example.com" not in response.text


def test_only_a_row_that_asks_for_it_hands_the_play_store_a_referrer(client):
    store = "https://play.google.com/store/apps/details?id=com.example.berry"
    assert f"{store}&referrer=utm_source%3Dlink%26id%3Da%2526b" in targets(
        load(client, "/product/a%26b")
    )
    assert store in targets(load(client, "/invite/a%26b"))


def test_the_banner_of_safari_has_the_link_as_its_argument(client):
    found = tags(load(client, "/product/a,b?x=1", agent=IPHONE))
    address = "https://links.example.com/product/a%2Cb?x=1"
    assert found["apple-itunes-app"] == f"app-id=1234567890, app-argument={address}"
    assert "apple-itunes-app" not in tags(load(client, "/invite/7", agent=IPHONE))


@pytest.mark.parametrize("query", ["code=abc", "x=1&CODE=abc", "access_token=abc", "state=s"])
def test_a_login_is_never_in_a_banner_or_a_code_to_scan(client, query):
    for agent in (IPHONE, DESKTOP):
        response = load(client, f"/product/7?{query}", agent=agent)
        assert tags(response)["apple-itunes-app"] == "app-id=1234567890"
        assert 'class="qr"' not in response.text


def test_a_desktop_gets_the_link_as_a_code_to_scan_and_a_phone_does_not(client):
    response = load(client, "/product/7", agent=DESKTOP)
    assert response.text.count('class="qr" role="img" aria-label="Scan this code') == 1
    assert re.search(r'<svg viewBox="0 0 \d+ \d+"><path fill="#fff"', response.text)
    for agent in (ANDROID, IPHONE, SCANNER):
        assert 'class="qr"' not in load(client, "/product/7", agent=agent).text


@pytest.mark.parametrize(
    ("path", "host"), [("/quiet/7", HOST), ("/home/7", "127.0.0.1"), ("/invite/" + "x" * 100, HOST)]
)
def test_no_code_where_it_is_unwanted_leads_nowhere_or_is_too_large(client, path, host):
    assert 'class="qr"' not in load(client, path, host=host, agent=DESKTOP).text


def test_the_code_holds_the_address_and_nothing_else(client):
    """Without its query, its referrer or the visitor's language; a real decoder is not at hand."""
    import segno

    expected = segno.make_qr("https://links.example.com/product/7", error="l", boost_error=False)
    drawing = expected.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    assert drawing in load(client, "/product/7", agent=DESKTOP, **{"Accept-Language": "de"}).text


def test_an_iphone_goes_to_the_second_host_and_from_there_back(client):
    first = load(client, "/invite/7?a=1", agent=IPHONE)
    assert "https://go.example.net/invite/7?a=1" in targets(first)
    second = load(client, "/invite/7?a=1", host=SECOND, agent=IPHONE)
    assert second.status_code == 200
    assert 'class="primary" href="https://links.example.com/invite/7?a=1"' in second.text
    assert not any("go.example.net" in url for url in targets(second))


def test_a_path_that_two_hosts_claim_has_no_page_on_the_second_host(client):
    assert load(client, "/twice/7", host=SECOND).status_code == 404
    assert not any(SECOND in url for url in targets(load(client, "/twice/7", agent=IPHONE)))


def test_the_custom_scheme_is_offered_only_where_the_row_says_so(client):
    assert "berry://links.example.com/product/7" in targets(load(client, "/product/7"))
    assert not any(url.startswith("berry:") for url in targets(load(client, "/invite/7")))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.sampled_from(EVERYBODY))
def test_no_path_puts_markup_or_another_host_into_a_page(part, agent):
    app = Flask("test", static_folder=None, template_folder=None)
    app.register_blueprint(links.blueprint(LINKS, pages=PAGES, alternate_host=SECOND))
    path = "/product/" + urllib.parse.quote(part, safe="")
    response = load(app.test_client(), path, agent=agent)
    assert response.status_code == 200
    hosts = {urllib.parse.urlsplit(url).hostname for url in targets(response)}
    assert hosts <= {HOST, SECOND, "www.example.com", "play.google.com", "apps.apple.com"}
    plain = load(app.test_client(), "/product/x", agent=agent)
    assert elements(response) - elements(plain) == Counter()


PAGES = Pages(ROOT / "templates")


@pytest.mark.parametrize(
    ("text", "stars", "expected"),
    [
        ("{1}", ("<b>\"'&",), "<b>\"'&"),
        ("{1}{2}", ("a",), "a"),
        ("{1}", ("\x1b[31m\u202ered",), "[31m red"),
        ("{1}", ("x" * 100,), "x" * 80),
    ],
)
def test_a_part_of_a_path_in_a_text_is_short_and_printable(text, stars, expected):
    assert preview.filled_text(text, stars) == expected
