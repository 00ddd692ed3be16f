"""The pages in every language: marked as such, complete, light, and never at the query's cost."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from deeplink import languages
from tests.browser import stage

ROOT = Path(__file__).resolve().parents[2]
TAGS = ["en", *languages.load_shipped()]
CASES = {
    "several": (stage.HOST, f"/several/?{stage.CODE}"),
    "second": (stage.ALTERNATE, f"/login-callback/?{stage.CODE}"),
    "refused": (stage.HOST, "/login-callback/?error=invalid_client&errCode=10033"),
    "nothing": (stage.HOST, "/login-callback/"),
    "damaged": (stage.HOST, "/login-callback/?code=a&code=b"),
    "missing": (stage.HOST, "/nowhere"),
    "link": (stage.HOST, "/invite/7"),
}
AGENTS = (stage.ANDROID, stage.IPHONE, stage.INSTAGRAM, stage.DESKTOP, "Unheard-Of/1.0")


@pytest.fixture(scope="module")
def client():
    return stage.make_service().test_client()


def load(client, case, *, tag="en", agent=stage.ANDROID, query=""):
    host, path = CASES[case]
    joint = "&" if "?" in path else "?"
    address = f"{path}{joint}{query}" if query else path
    headers = {"Host": host, "User-Agent": agent, "Accept-Language": tag}
    return client.get(address, headers=headers)


def words_of(response):
    body = re.sub(r"<(style|script|pre).*?</\1>", "", response.text, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "\n", body))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("tag", TAGS)
def test_a_page_says_in_which_language_it_is_and_which_way_it_runs(client, tag, case):
    response = load(client, case, tag=tag)
    way = "rtl" if tag == "ar" else "ltr"
    assert response.text.startswith(f'<!doctype html>\n<html lang="{tag}" dir="{way}">')
    assert response.headers["Content-Language"] == tag


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("tag", TAGS[1:])
def test_no_english_phrase_is_left_on_a_page(client, tag, case):
    english = [
        phrase
        for phrase, text in languages.load_shipped()[tag].items()
        if text != phrase and len(phrase) > 12
    ]
    for agent in AGENTS:
        lines = words_of(load(client, case, tag=tag, agent=agent)).splitlines()
        said = {re.sub("[\u2068\u2069]", "", line).strip() for line in lines}
        named = {phrase.replace("{app}", "Berry") for phrase in english}
        assert said & named == set()


@pytest.mark.parametrize("agent", AGENTS)
def test_a_wanted_language_changes_words_and_no_byte_of_a_target(client, agent):
    plain = load(client, "several", tag="de", agent=agent, query="x=%61&lang=xx")
    chosen = load(client, "several", tag="de", agent=agent, query="x=%61&lang=fr")
    assert chosen.headers["Content-Language"] == "fr"
    assert plain.headers["Content-Language"] == "de"
    links = [re.findall('href="([^"]*)"', page.text) for page in (plain, chosen)]
    assert links[0] == [link.replace("lang=fr", "lang=xx") for link in links[1]]
    assert all("x=%61&amp;lang=fr" in link for link in links[1] if stage.CODE[:9] in link)


@pytest.mark.parametrize("wanted", ["%22%3E", "de%0d%0aX:1", "../de", "de;q=1", "xx-yy", "d", ""])
def test_a_wanted_language_is_one_of_ours_or_none(client, wanted):
    response = load(client, "nothing", tag="it", query=f"lang={wanted}")
    assert response.headers.get("Content-Language") == "it"


def test_the_headers_are_the_same_in_every_language(client):
    english = load(client, "several")
    for tag in TAGS:
        for case in CASES:
            assert set(load(client, case, tag=tag).headers.keys()) == set(english.headers.keys())
