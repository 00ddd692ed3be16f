"""A page is one response of less than 15 KB: in every state and language, for every query."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deeplink import languages
from deeplink.brand import Brand, Logo
from deeplink.rules.brand import MAX_LOGO
from deeplink.web.callback import MAX_PARAMETERS, MAX_QUERY
from tests.browser import stage

#: Bytes of a body, not compressed.
LIMIT = 15_000
TAGS = ["en", *languages.load_shipped()]
#: The largest logo that ``check`` lets through.
HEAVY = Brand(
    name="A name as long as they come",
    color="#0b57d0",
    logo=Logo(svg=f"<svg>{'x' * (MAX_LOGO - len('<svg></svg>'))}</svg>"),
)
AGENTS = (stage.ANDROID, stage.IPHONE, stage.INSTAGRAM, stage.DESKTOP, "Unheard-Of/1.0")


def stretch(beginning):
    """The heaviest query that begins so: as many "&" as may be, each five bytes in HTML."""
    more = "&" * (MAX_PARAMETERS - 1 - beginning.count("&"))
    return beginning + "a" * (MAX_QUERY - len(beginning) - len(more)) + more


PAGES = [
    *((stage.HOST, path) for path in ("/login-callback/", "/scheme/", "/several/")),
    (stage.ALTERNATE, "/several/"),
    (stage.LONELY, "/alone/"),
]
QUERIES = ["", stage.CODE, "error=invalid_client&errCode=10033", "code=a&code=b", "lang=de"]
LONGEST = [stretch("code="), stretch("error=access_denied&error_description="), stretch("x=")]
ADDRESSES = [
    *((host, path, query) for host, path in PAGES for query in [*QUERIES, *LONGEST]),
    *(
        (host, path, query)
        for host in (stage.HOST, stage.ALTERNATE)
        for path in ("/invite/7", "/product/7", f"/product/{'y' * 3900}")
        for query in ("", "x", "x" * 900, "x" * 2000, "x" * 4000, "&" * 790)
    ),
    (stage.HOST, "/nowhere", ""),
]


@pytest.fixture(scope="module")
def client():
    return stage.make_service(brand=HEAVY).test_client()


def load(client, host, path, query, *, tag="en", agent=stage.ANDROID):
    headers = {"Host": host, "User-Agent": agent, "Accept-Language": tag}
    return client.get(path, headers=headers, environ_overrides={"QUERY_STRING": query})


def ways(response):
    return [
        unescape(url)
        for url in re.findall('href="([^"]*)" rel="noreferrer" data-way', response.text)
    ]


def raw_of(target):
    return re.search(r"\?([^#]*)", target)[1]


@pytest.mark.parametrize("tag", TAGS)
def test_every_page_in_every_state_is_less_than_15_kb(client, tag):
    sizes = {
        (host, path[:20], len(path), query[:30], len(query), agent): len(
            load(client, host, path, query, tag=tag, agent=agent).data
        )
        for host, path, query in ADDRESSES
        for agent in AGENTS
    }
    assert len(sizes) == len(ADDRESSES) * len(AGENTS)
    assert {where: size for where, size in sizes.items() if size >= LIMIT} == {}


@pytest.mark.parametrize("query", [LONGEST[0], LONGEST[1]])
@pytest.mark.parametrize("agent", AGENTS)
def test_the_longest_query_is_in_one_link_that_works_without_script(client, agent, query):
    usual, longest = (
        load(client, stage.HOST, "/several/", each, agent=agent) for each in (query[:60], query)
    )
    assert len(ways(usual)) > 5
    assert [raw_of(way) for way in ways(longest)] == [query]
    assert ways(longest)[0].replace(query, "") == ways(usual)[0].replace(query[:60], "")


@pytest.mark.parametrize("length", [2000, 4000])
def test_a_link_with_a_long_address_keeps_a_way_that_works(client, length):
    answer = load(client, stage.HOST, "/product/7", "x" * length, agent=stage.INSTAGRAM)
    assert [raw_of(way) for way in ways(answer)] == ["x" * length]
    assert 'content="app-id=1234567890"' in answer.text
    assert 'property="og:title"' in answer.text
    assert "og:url" not in answer.text


@pytest.mark.parametrize("query", ["x" * 4096, "&" * 900, "é" * 1400])
def test_an_address_that_no_page_has_room_for_is_refused(client, query):
    answer = load(client, stage.HOST, "/product/7", query)
    assert answer.status_code == 414
    assert "This link is damaged" in answer.text


@pytest.mark.parametrize("parameters", [MAX_PARAMETERS, MAX_PARAMETERS + 1])
def test_more_parameters_than_a_login_can_have_are_refused(client, parameters):
    query = "code=a" + "&" * (parameters - 1)
    answer = load(client, stage.HOST, "/several/", query)
    assert answer.status_code == (200 if parameters == MAX_PARAMETERS else 400)


SIGNS = "!$&()*+,-./:;=?@[]_~azAZ09"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(SIGNS, min_size=1, max_size=40),
    st.integers(1, MAX_QUERY),
    st.sampled_from(AGENTS),
    st.sampled_from(TAGS),
)
@example("0", 302, stage.DESKTOP, "pt-BR")
def test_whatever_the_query_the_page_is_light_and_hands_on_every_byte(block, length, agent, tag):
    query = f"code=a&{block * length}"[:length]
    answer = load(CLIENT, stage.HOST, "/several/", query, tag=tag, agent=agent)
    assert len(answer.data) < LIMIT
    assert {raw_of(way) for way in ways(answer)} <= {query, "*"}
    assert bool(ways(answer)) == (answer.status_code == 200)


CLIENT = stage.make_service(brand=HEAVY).test_client()
