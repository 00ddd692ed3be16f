"""Which rule of Apple's document decides, and what people are told about it."""

import pytest

from deeplink.association import apple
from deeplink.association.apple_match import (
    Decision,
    Reason,
    conform,
    decide,
    entitlement,
    explain,
    governing,
    which_app,
)

APP, OTHER = "ABCDE12345.com.example.app", "ABCDE12345.com.example.other"
HOST = "example.com"


def file(*components, ids=(APP,), **applinks):
    entry = {"appIDs": list(ids), "components": list(components)}
    return apple.parse({"applinks": {"details": [entry], **applinks}})


def decision(rule, url, **applinks):
    return decide(file(rule, **applinks), APP, f"https://{HOST}{url}", HOST).decision.value


def test_the_verdict_names_the_rule_that_decides():
    document = file({"/": "/a/b", "exclude": True}, {"/": "/a/*"})
    verdict = decide(document, APP, "https://example.com/a/c", HOST)
    assert verdict.decision is Decision.MATCH
    assert verdict.rule.at == ("applinks", "details", 0, "components", 1)


@pytest.mark.parametrize(
    ("url", "app_id", "reason"),
    [
        ("ftp://example.com/a", APP, Reason.NO_WEB_LINK),
        ("example.com/a", APP, Reason.NO_WEB_LINK),
        ("https://www.example.com/a", APP, Reason.OTHER_HOST),
        ("https://example.com.evil.org/a", APP, Reason.OTHER_HOST),
        ("https://example.com@evil.org/a", APP, Reason.OTHER_HOST),
        ("https://example.com/a", OTHER, Reason.NO_ENTRY),
        ("https://example.com/b", APP, Reason.NO_RULE),
    ],
)
def test_a_link_that_opens_nothing_says_why(url, app_id, reason):
    verdict = decide(file({"/": "/a"}), app_id, url, HOST)
    assert (verdict.decision, verdict.reason) == (Decision.NO_MATCH, reason)


@pytest.mark.parametrize(
    "url",
    ["https://EXAMPLE.com:8443/a", "HTTPS://user:word@example.com/a", "http://example.com/a?#"],
)
def test_case_port_user_and_scheme_do_not_hide_the_host(url):
    assert decide(file({"/": "/a"}), APP, url, "Example.com").decision is Decision.MATCH


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("", "/", "match"),
        ("//", "/", "match"),
        ("///a//", "/a", "match"),
        ("a", "/a/", "match"),
        ("*a", "/xa", "match"),
        ("/*/", "/", "match"),
        ("/a/*/", "/a", "match"),
        ("/a**b", "/ab", "match"),
        ("/a?*", "/a", "nomatch"),
        ("/a/?*", "/a/", "nomatch"),
        ("/a/b", "/a//b", "nomatch"),
        ("?a", "/a", "match"),
        ("/aab", "/aaab", "nomatch"),
        ("*aab", "/aaaaab", "match"),
        ("/$a", "/$a", "match"),
        ("/a)b", "/a)b", "match"),
        ("/$(x", "/$(x", "nomatch"),
        ("/$()", "/", "nomatch"),
    ],
)
def test_paths_are_compared_by_apples_slash_rules(pattern, path, expected):
    assert decision({"/": pattern}, path) == expected


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("/é", "/%C3%A9", "match"),
        ("/%FF", "/%FF", "match"),
        ("/%fFé", "/%fF%C3%A9", "match"),
        ("/a%", "/a%", "match"),
        ("/a%2", "/a%2", "match"),
        ("/%zz ", "/%zz%20", "match"),
        ("/a", "/a%2F", "match"),
        ("/😀", "/%F0%9F%98%80", "match"),
        ("/?", "/%F0%9F%98%80", "match"),
        ("/%ED%A0%80", "/%ED%A0%80", "match"),
    ],
)
def test_decoding_leaves_what_is_no_utf_8_as_it_is_written(pattern, url, expected):
    assert decision({"/": pattern, "percentEncoded": False}, url) == expected


@pytest.mark.parametrize(
    ("pattern", "path"), [("/ÉTÉ", "/été"), ("/ΣΑΣ", "/σας"), ("/İ", "/İ"), ("/ẞ", "/ß")]
)
def test_case_is_folded_character_by_character(pattern, path):
    assert decision({"/": pattern, "caseSensitive": False}, path) == "match"


def test_a_variable_may_be_a_part_of_a_word_and_hold_wildcards():
    variables = {"v": ["ab", "abc", "x*", ""]}
    for path in ("/abcd", "/abccd", "/xyzcd", "/cd"):
        assert decision({"/": "/$(v)cd"}, path, substitutionVariables=variables) == "match"
    assert decision({"/": "/$(v)cd"}, "/acd", substitutionVariables=variables) == "nomatch"


def test_the_files_own_variable_stands_before_apples():
    assert (
        decision({"/": "/$(lang)"}, "/klingon", substitutionVariables={"lang": ["klingon"]})
        == "match"
    )


@pytest.mark.parametrize("query", ["a=1&b", "b=&a=1", "a=1", "a=1&b=&b"])
def test_a_parameter_without_value_is_as_good_as_none(query):
    assert decision({"?": {"a": "1", "b": ""}}, f"/?{query}") == "match"


def test_names_and_values_are_decoded_after_they_are_cut():
    rule = {"?": {"a&b": "c=d"}, "percentEncoded": False}
    assert decision(rule, "/?a%26b=c%3Dd") == "match"


def test_a_hostile_pattern_takes_no_more_steps_than_it_has_tokens():
    """Apple's own engine is exponential here (WWDC20, session 10098)."""
    document = file({"/": "*a" * 50 + "c"})
    verdict = decide(document, APP, "https://example.com/" + "a" * 4000, HOST)
    assert verdict.decision is Decision.NO_MATCH
    assert verdict.steps <= 2 * len("/" + "*a" * 50 + "c")


def test_hostile_variables_take_steps_in_proportion_to_their_values():
    variables = {"v": ["a", "aa", "a*", "*a", "a?*"]}
    document = file({"/": "/" + "$(v)" * 40 + "c"}, substitutionVariables=variables)
    verdict = decide(document, APP, "https://example.com/" + "a" * 4000, HOST)
    assert verdict.decision is Decision.NO_MATCH
    assert verdict.steps <= 2 + 40 * (1 + 2 + 7)


def test_rules_whose_beginning_differs_cost_one_step_for_each_form():
    document = file(*({"/": f"/p{n}/*/x/*"} for n in range(1000)))
    verdict = decide(document, APP, "https://example.com/q/" + "a" * 4000, HOST)
    assert verdict.steps == 2 * 1000


# --- several apps ---


def test_of_two_installed_apps_the_first_in_details_opens_the_link():
    document = apple.parse(
        {
            "applinks": {
                "details": [
                    {"appIDs": [APP], "components": [{"/": "/a/x", "exclude": True}]},
                    {"appIDs": [OTHER], "components": [{"/": "/a/*"}]},
                    {"appIDs": [APP], "components": [{"/": "/a/*"}]},
                ]
            }
        }
    )
    both = {APP, OTHER}
    assert which_app(document, "https://example.com/a/1", HOST, both) == OTHER
    assert which_app(document, "https://example.com/a/1", HOST, {APP}) == APP
    assert which_app(document, "https://example.com/a/x", HOST, {APP}) is None


# --- explanations ---


def explained(document, url, app_id=APP):
    return explain(document, app_id, f"https://{HOST}{url}", HOST)


def test_a_match_is_explained_by_the_rules_up_to_the_deciding_one():
    answer = explained(file({"/": "/b"}, {"/": "/a"}, {"/": "/c"}), "/a")
    assert [trial.matches for trial in answer.trials] == [False, True]
    assert (answer.nearest, answer.edit) == (None, None)


def test_each_part_that_does_not_match_has_its_sentence():
    answer = explained(file({"/": "/b", "?": {"k": "?*"}, "#": "x"}), "/a")
    assert answer.trials[0].misses == (
        ("/", '"/b" does not match the path "/a"'),
        ("?", 'parameter "k" is absent or empty, which "?*" does not match'),
        ("#", '"x" does not match the fragment ""'),
    )


def test_the_nearest_rule_is_the_one_that_follows_the_path_furthest():
    answer = explained(file({"/": "/shop/a"}, {"/": "/shop/item/4?"}, {"/": "/x"}), "/shop/item/5")
    assert answer.nearest.rule.path == "/shop/item/4?"


@pytest.mark.parametrize(
    ("rule", "url", "what"),
    [
        ({"/": "/Shop/*"}, "/shop/1", 'add "caseSensitive": false (iOS 13.5)'),
        ({"/": "/café"}, "/caf%C3%A9", 'add "percentEncoded": false (iOS 14)'),
        ({"/": "/shop"}, "/shop/1", 'write "/": "/shop/*"'),
        ({"/": "/a", "?": {"k": "1", "l": "2"}}, "/a?k=1", 'leave parameter "l" out of "?"'),
        ({"/": "/a", "?": "k=1"}, "/a?k=1&l", 'leave "?" out'),
        ({"/": "/a", "#": "x"}, "/a", 'leave "#" out'),
        ({"/": "/a"}, "/b", 'write "/": "/b", or add a rule for it'),
        ({"/": "/a", "#": "x"}, "/b", 'add a rule {"/": "/b"} to the entry'),
    ],
)
def test_the_mildest_change_that_opens_the_app_is_named(rule, url, what):
    assert explained(file(rule), url).edit.what == what


def test_an_exclusion_in_front_of_a_matching_rule_is_to_change_places_with_it():
    edit = explained(file({"/": "/a/*", "exclude": True}, {"/": "/a/b"}), "/a/b").edit
    assert edit.at == ("applinks", "details", 0, "components", 0)
    assert "applinks.details.0.components.1" in edit.what


def test_a_misspelt_app_id_is_recognised():
    assert APP in explained(file({"/": "/a"}), "/a", APP + "s").edit.what


def test_long_urls_are_cut_in_sentences():
    answer = explained(file({"/": "/b"}), "/" + "a" * 5000)
    assert len(answer.trials[0].misses[0][1]) < 200


# --- entitlements ---


@pytest.mark.parametrize(
    ("text", "host", "is_wildcard", "mode"),
    [
        ("applinks:example.com", "example.com", False, ""),
        ("applinks:*.Example.com", "example.com", True, ""),
        ("webcredentials:example.com?mode=developer", "example.com", False, "developer"),
        (
            "applinks:a.b.example.com?mode=developer+managed",
            "a.b.example.com",
            False,
            "developer+managed",
        ),
    ],
)
def test_an_entitlement_is_read(text, host, is_wildcard, mode):
    read = entitlement(text)
    assert (read.host, read.is_wildcard, read.mode, read.fault) == (host, is_wildcard, mode, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("example.com", 'write "applinks:example.com"'),
        ("https://example.com/a", 'write "applinks:example.com"'),
        ("applinks:https://example.com", "a scheme or a path"),
        ("applinks:example.com/", "a scheme or a path"),
        ("applinks:example.com:8080", "a port"),
        ("applinks:bücher.example", "Punycode"),
        ("applinks:www.*.com", "full host name"),
        ("applinks:*", "full host name"),
        ("applinks:example.com?mode=dev", "unknown mode"),
        ("appclips:*.example.com", "App Clips do not allow"),
    ],
)
def test_a_faulty_entitlement_covers_nothing_and_says_why(text, fault):
    read = entitlement(text)
    assert fault in read.fault
    assert not read.covers("example.com")


@pytest.mark.parametrize(
    ("host", "text", "asked"),
    [
        ("example.com", "applinks:example.com", "example.com"),
        ("www.example.com", "applinks:www.example.com", "www.example.com"),
        ("a.example.com", "applinks:*.example.com", "example.com"),
        ("a.b.example.com", "applinks:*.b.example.com", "b.example.com"),
        ("A.EXAMPLE.com", "applinks:*.example.com", "example.com"),
    ],
)
def test_the_closest_entitlement_says_whose_file_counts(host, text, asked):
    """TN3155: a wildcard asks the file of its own domain, a name its own."""
    texts = [
        "applinks:*.example.com",
        "applinks:*.b.example.com",
        "applinks:example.com",
        "applinks:www.example.com",
        "webcredentials:a.example.com",
    ]
    best, file_host = governing(texts, host)
    assert (best.text, file_host) == (text, asked)


def test_a_wildcard_covers_neither_its_apex_nor_a_stranger():
    assert governing(["applinks:*.example.com"], "example.com") is None
    assert governing(["applinks:*.example.com"], "badexample.com") is None


# --- the line protocol ---


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {"id": 1},
        {"id": 1, "url": 5, "pattern": {}},
        {"id": 1, "url": "https://example.com/", "pattern": "/a"},
        {"id": 1, "url": "https://example.com/", "aasa": [], "appID": APP, "domain": HOST},
        {"id": 1, "url": "https://example.com/", "aasa": "{", "appID": APP, "domain": HOST},
        {"id": 1, "url": "https://example.com/", "aasa": "\ud800", "appID": APP, "domain": HOST},
        {"id": 1, "url": "https://example.com/", "aasa": {}, "domain": HOST},
    ],
)
def test_a_bad_line_is_answered_as_invalid(row):
    assert conform(row) == {
        "id": row["id"] if isinstance(row, dict) else None,
        "decision": "invalid",
    }


def test_a_file_may_come_as_its_text():
    row = {"id": 1, "aasa": '{"webcredentials": {}}', "appID": APP, "url": "https://example.com/"}
    assert conform({**row, "domain": HOST}) == {"id": 1, "decision": "nomatch"}
