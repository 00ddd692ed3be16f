"""Patterns, rules and filters as Android's own code decides them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association.android import Component, component_of
from deeplink.association.android_match import (
    Opens,
    compile_rules,
    conform_match,
    decide,
    filter_of,
    is_approved,
    may_embed,
)
from deeplink.association.android_patterns import Kind, Translation, pattern_of, translate
from deeplink.association.android_uri import parse_uri

FILTER = {"schemes": ["https"], "authorities": [["example.com", None]]}


def opened(components, url, translation=Translation.NEWEST):
    rules = compile_rules([component_of(rule) for rule in components], translation)
    return rules.decide(url).allowed


def test_a_star_stops_at_the_first_character_that_follows_it():
    # github.com/WelcometoMyGarden publishes this rule and means both.
    pattern = translate("*/terms/*")
    assert [pattern.matches(path) for path in ("/terms/x", "/nl/terms/x")] == [True, False]


def test_a_question_mark_after_a_star_matches_only_a_dot():
    # DalComponentParserTest: "foo*?bar" matches "foo.bar" and not "foobarbar".
    pattern = translate("foo*?bar")
    assert [pattern.matches(text) for text in ("foobar.bar", "foobarbar")] == [True, False]


def test_early_builds_never_match_a_dot_in_a_literal():
    assert opened([{"/": "/a.html"}], "https://h/a.html")
    assert not opened([{"/": "/a.html"}], "https://h/a.html", Translation.EARLY)


def test_early_builds_never_match_text_after_one_or_more():
    assert opened([{"/": "/a?*b"}], "https://h/axb")
    assert not opened([{"/": "/a?*b"}], "https://h/axb", Translation.EARLY)


def test_rules_that_only_exclude_open_nothing():
    assert not opened([{"/": "/polycy/*", "exclude": True}], "https://h/home")


def test_no_rules_narrow_nothing():
    assert opened([], "https://h/home")


def test_one_empty_field_discards_all_rules():
    assert opened([{"/": "/only"}, {"/": ""}], "https://h/anything")


def test_a_query_as_a_text_is_silently_no_condition():
    assert component_of({"?": "a=b"}) == Component()
    assert not opened([{"?": "a=b"}], "https://h/x?a=b")


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (None, ()),
        ("a=1&b=2", ("a=1", "b=2")),
        ("a=1;b=2", ("a=1", "b=2")),
        ("a=1;b&c", ("a=1;b", "c")),
        ("a=1&", ("a=1&",)),
        ("", ("",)),
        ("&", ()),
        ("a=1&b=2&&", ("a=1", "b=2")),
    ],
)
def test_a_query_is_split_at_ampersands_or_else_at_semicolons(query, pairs):
    url = "https://h/" + ("" if query is None else f"?{query}")
    assert parse_uri(url).parts() == pairs


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://u:p@Example.com:8443/a%2Fb", "Example.com", 8443, "/a/b"),
        ("https://example.com", "example.com", -1, ""),
        ("https://example.com?x/y", "example.com", -1, ""),
        ("https://example.com:x/", "example.com:x", -1, "/"),
        ("/only/path", None, -1, "/only/path"),
        ("https://h/%C3%A9%zz%ff", "h", -1, "/é%zz\ufffd"),
    ],
)
def test_a_url_is_taken_apart_as_android_does(url, host, port, path):
    uri = parse_uri(url)
    assert (uri.host, uri.port, uri.path) == (host, port, path)


def test_a_pattern_counts_utf_16_units_as_java_does():
    assert translate("/??").matches("/😀")
    assert not translate("/?").matches("/😀")
    assert translate("/😀*x").shown == "/😀.*x"


@pytest.mark.parametrize("text", ["a{,4}", "[]", "*.", "[a", "abc\\", "a{3,4", "x{2,1}", "[" * 3])
def test_malformed_advanced_patterns_are_none(text):
    assert pattern_of(Kind.ADVANCED_GLOB, text) is None


def test_an_advanced_pattern_of_too_many_tokens_is_malformed():
    assert pattern_of(Kind.ADVANCED_GLOB, "a" * 2046) is not None
    assert pattern_of(Kind.ADVANCED_GLOB, "a" * 2047) is None


def test_suffixes_are_unknown_to_android_11_which_then_takes_every_path():
    wire = {**FILTER, "paths": [{"pathSuffix": ".pdf"}]}
    assert filter_of(wire, 11).matches("https://example.com/x")
    assert not filter_of(wire, 12).matches("https://example.com/x")


def test_groups_are_unknown_before_android_15():
    wire = {**FILTER, "groups": [{"allow": False, "data": [{"path": "/x"}]}]}
    assert filter_of(wire, 14).matches("https://example.com/x")
    assert not filter_of(wire, 15).matches("https://example.com/x")


def test_a_malformed_advanced_pattern_matches_no_path():
    wire = {**FILTER, "paths": [{"pathAdvancedPattern": "[a"}]}
    assert not filter_of(wire).matches("https://example.com/[a")


@pytest.mark.parametrize(
    ("android", "verified", "end"),
    [
        (15, {"example.com": True}, Opens.APP),
        (15, {"example.com": False}, Opens.BROWSER),
        (12, {"example.com": True, "bad.example": False}, Opens.APP),
        (11, {"example.com": True, "bad.example": False}, Opens.CHOOSER),
        (11, {"example.com": True}, Opens.APP),
        (11, {}, Opens.CHOOSER),
    ],
)
def test_one_bad_host_spoils_them_all_up_to_android_11(android, verified, end):
    found = decide("https://example.com/", filter_of(FILTER, android), None, verified, android)
    assert found is end


def test_a_wildcard_approves_whatever_ends_in_the_host():
    hosts = ["a.example.com", "badexample.com", "example.org"]
    assert [is_approved(host, ["*.example.com"]) for host in hosts] == [True, True, False]


def test_none_and_star_mean_nothing_inside_a_list_of_embedders():
    assert may_embed("*", "a.b")
    assert not may_embed("*, a.c", "a.b")
    assert may_embed("none, a.b", "a.b")


@settings(max_examples=200, deadline=None)
@given(st.text("ab.*?\\[]{}+^-1,/", max_size=12), st.text("ab./[1", max_size=12))
def test_no_pattern_raises_and_both_translations_take_what_has_no_wildcard(pattern, text):
    for kind in Kind:
        made = pattern_of(kind, pattern)
        assert made is None or made.matches(text) in (True, False)
    for translation in Translation:
        made = translate(pattern, translation)
        # The early translation hands "+" on to the advanced glob, where it may stand wrongly.
        if pattern == "" or translation is Translation.NEWEST:
            assert (made is None) is (pattern == "")
        plain = not any(char in pattern for char in "*?.")
        if made is not None and plain:
            assert made.matches(pattern)


@pytest.mark.parametrize("expression", ["*a" * 2000, "?*" * 2000, "*" * 4000])
def test_hostile_expressions_meet_long_urls_in_linear_time(expression):
    pattern = translate(expression)
    assert pattern.matches("b" * 200_000 + "c") in (True, False)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["/", "?", "#", "exclude", "url", "schemes", "authorities", "paths",
                         "groups", "allow", "data", "path", "queryPrefix", "host"]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip
KINDS = [
    "pattern", "dal_expression", "dal_expression_2024", "dynamic_components", "decision",
    "intent_filter", "verified_host", "asset_url", "embedder_ancestors_header", "x",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from(["type", "pattern", "expression", "inputs", "components", "cases",
                         "filter", "dynamic", "verified", "android", "host", "header"]),
        json_values, max_size=6,
    ),
)  # fmt: skip
def test_no_row_makes_the_matcher_raise(kind, row):
    assert conform_match({"id": 7, "kind": kind, **row})["id"] == 7
