"""The page of an ordinary link: where there is one, and what it offers."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeplink.association.verdict import AndroidApp, App, IosApp, Link
from deeplink.web import failures, links
from deeplink.web.page import Pages

ROOT = Path(__file__).resolve().parents[2]
HOST, OTHER_HOST = "links.example.com", "other.example.org"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile/15E148 Safari/604.1"  # noqa: E501
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"


def make_app(key, name):
    ios = IosApp((f"ABCDE12345.com.example.{key}",), "1234567890", key, legacy_paths=False)
    return App(key, name, AndroidApp(f"com.example.{key}", ("AA",)), ios, share_credentials=False)


BERRY, PEAR = make_app("berry", "Berry"), make_app("pear", "Pear")
LINKS = (
    Link(BERRY, (HOST,), "/invite/help", exclude=True),
    Link(BERRY, (HOST,), "/invite/*"),
    Link(BERRY, (HOST,), "/product/*/details"),
    Link(BERRY, (HOST,), "/about"),
    Link(BERRY, (HOST,), "/sale/*", query=(("web", "1"),), exclude=True),
    Link(BERRY, (HOST,), "/sale/*"),
    Link(BERRY, (HOST,), "/offer", query=(("id", "a*"),)),
    Link(PEAR, (OTHER_HOST,), "/invite/*"),
    Link(PEAR, (OTHER_HOST,), "/start", fragment="app*"),
)


def make_client(rows=LINKS):
    app = Flask("test", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    pages = Pages(ROOT / "templates")
    failures.install(app, pages)
    app.register_blueprint(links.blueprint(rows, pages=pages))

    @app.post("/api/tiktok/exchange")
    def exchange():
        return "posted"

    return app.test_client()


@pytest.fixture(scope="module")
def client():
    return make_client()


def load(client, path, *, host=HOST, agent=ANDROID, method="GET"):
    return client.open(path, method=method, headers={"Host": host, "User-Agent": agent})


def targets(response):
    return [unescape(url) for url in re.findall('<a [^>]*href="([^"]*)"', response.text)]


PATHS = [
    (HOST, "/invite/7", 200),
    (HOST, "/invite/7/", 200),
    (HOST, "/invite/7/x/y", 200),
    (HOST, "/invite/", 200),
    (HOST, "/invite", 200),
    (HOST, "/invites", 404),
    (HOST, "/Invite/7", 404),
    (HOST, "/invite/help", 404),
    (HOST, "/invite/help/", 404),
    (HOST, "/product/7/details", 200),
    (HOST, "/product/7/details/", 200),
    (HOST, "/product/7/8/details", 200),
    (HOST, "/product/7/detail", 404),
    (HOST, "/product/7/details/more", 404),
    (HOST, "/about", 200),
    (HOST, "/about/", 200),
    (HOST, "/about//", 404),
    (HOST, "/about/us", 404),
    (HOST, "/sale/7", 200),
    (HOST, "/sale/7?web=1", 404),
    (HOST, "/sale/7?web=2", 200),
    (HOST, "/offer?id=abc", 200),
    (HOST, "/offer?id=%61bc", 200),
    (HOST, "/offer?id=abc&id=b", 404),
    (HOST, "/offer?id=b", 404),
    (HOST, "/offer", 404),
    (HOST, "/", 404),
    (OTHER_HOST, "/invite/7", 200),
    (OTHER_HOST, "/about", 404),
    (OTHER_HOST, "/start", 200),
    ("evil.example", "/invite/7", 404),
]


@pytest.mark.parametrize(("host", "path", "status"), PATHS)
def test_a_declared_path_has_a_page_and_no_other(client, host, path, status):
    response = load(client, path, host=host)
    assert response.status_code == status
    assert "Set-Cookie" not in response.headers


def test_the_first_row_decides_which_app_is_meant(client):
    assert "package=com.example.pear" in load(client, "/invite/7", host=OTHER_HOST).text
    assert "package=com.example.berry" in load(client, "/invite/7").text


@pytest.mark.parametrize("path", ["/invite/7", "/about", "/about/"])
def test_head_answers_without_a_body_and_post_is_refused(client, path):
    head = load(client, path, method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert load(client, path, method="POST").status_code == 405


def test_a_table_of_links_leaves_other_routes_alone(client):
    assert load(client, "/api/tiktok/exchange", method="POST").status_code == 200
    assert load(client, "/api/tiktok/exchange").status_code == 405
    assert load(client, "/nowhere", method="POST").status_code == 404


def test_a_row_for_everything_covers_the_root_too():
    client = make_client((Link(BERRY, (HOST,), "/*"),))
    assert load(client, "/").status_code == 200
    assert load(client, "/any/thing").status_code == 200


def test_a_row_for_the_root_covers_only_the_root():
    client = make_client((Link(BERRY, (HOST,), "/"),))
    assert load(client, "/").status_code == 200
    assert load(client, "/any").status_code == 404


def test_without_links_there_is_no_route():
    assert load(make_client(()), "/invite/7").status_code == 404


def test_on_android_the_first_link_is_an_intent_and_the_stores_come_last(client):
    response = load(client, "/invite/7?from=a%2Ab")
    assert targets(response) == [
        "intent://links.example.com/invite/7?from=a%2Ab"
        "#Intent;scheme=https;package=com.example.berry;end",
        "https://links.example.com/invite/7?from=a%2Ab",
        "https://play.google.com/store/apps/details?id=com.example.berry",
        "https://apps.apple.com/app/id1234567890",
    ]


def test_on_an_iphone_the_words_say_to_hold_the_link(client):
    response = load(client, "/invite/7", agent=IPHONE)
    assert targets(response)[0] == "https://links.example.com/invite/7"
    assert "Touch and hold" in response.text


def test_every_visitor_finds_every_way(client):
    assert (
        len(
            {
                frozenset(targets(load(client, "/invite/7", agent=agent)))
                for agent in (ANDROID, IPHONE, DESKTOP, "")
            }
        )
        == 1
    )


def test_a_slash_that_was_escaped_stays_escaped(client):
    assert targets(load(client, "/invite/a%2Fb"))[1] == "https://links.example.com/invite/a%2Fb"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec="utf-8"), max_size=30), st.text(max_size=30))
def test_nothing_in_an_address_reaches_what_follows_the_intent_mark(path, query):
    response = CLIENT.get(
        "/invite/x",
        headers={"Host": HOST, "User-Agent": ANDROID},
        environ_overrides={
            "RAW_URI": f"/invite/{path}".encode().decode("latin-1"),
            "QUERY_STRING": query.encode().decode("latin-1"),
        },
    )
    intent = targets(response)[0]
    assert intent.startswith("intent://links.example.com/invite/")
    assert intent.rpartition("#")[2] == "Intent;scheme=https;package=com.example.berry;end"
    assert intent.count("#") == 1
    assert "<script" not in response.text


CLIENT = make_client()


def test_a_pattern_of_many_stars_is_matched_without_trying_every_split():
    """Without atomic groups this takes longer than the suite may."""
    assert not links.matches_path("/*a*a*a*a*a*a*a*a*a*a*a*b", "/" + "a" * 4000)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/a.c", "/abc", False),
        ("/a?c", "/abc", False),
        ("/(x|y)", "/x", False),
        ("/caf%C3%A9/*", "/café/7", True),
        ("/*/x", "/a/b/x", True),
        ("/*/x", "/x", False),
        ("/a*", "/abc/d", True),
        ("/a*b*c", "/a-b-c", True),
        ("/a*b*c", "/a-c-b", False),
        ("/a*aa", "/aaa", True),
        ("/a/*", "/a\n", False),
        ("/a/*", "/a/\n", True),
    ],
)
def test_only_the_star_means_something_in_a_pattern(pattern, path, fits):
    assert links.matches_path(pattern, path) is fits
