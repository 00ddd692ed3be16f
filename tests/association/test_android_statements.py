"""What each reader of assetlinks.json makes of the same fault; sources in the modules' heads."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association.android_google import FETCH_BUDGET, site_of
from deeplink.association.android_questions import Response, Served
from deeplink.association.android_statements import ENGINES, conform_statements, verdict

LINKS = "delegate_permission/common.handle_all_urls"
KEY = ":".join(["64", "2F", "D4", "BE"] * 8)
OTHER_KEY = ":".join(["FA", "2A", "03", "CB"] * 8)
TARGET = {
    "namespace": "android_app",
    "package_name": "org.demo.app",
    "sha256_cert_fingerprints": [KEY],
}
KEYLESS = {**TARGET, "sha256_cert_fingerprints": []}
PATHED = {"namespace": "web", "site": "https://h.example/x"}
GOOD = {"relation": [LINKS], "target": TARGET}
QUERY = {
    "source": {"namespace": "web", "site": "https://go.example.com"},
    "relation": LINKS,
    "target": TARGET,
}
RULED = {
    **GOOD,
    "relation_extensions": {
        LINKS: {"dynamic_app_link_components": [{"/": "/a", "exclude": True}, {"/": "*"}]}
    },
}


def answers(document, *, query=QUERY, includes=None, response=None):
    """The answers of Google, Android 6-11, 12-14, 15 and Chromium, in this order."""
    served = Served(document, includes or {}, response)
    engines = [engine for engine in ENGINES if engine != "aosp_12plus"]
    return [str(verdict(engine, query, served).answer) for engine in engines]


def test_a_good_statement_links_for_everybody():
    assert answers([GOOD]) == ["linked"] * 5


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"relation": ["handle_all_urls"], "target": TARGET}, "skip skip lose lose skip"),
        ({"relation": [LINKS], "target": {"namespace": "ios_app"}}, "skip skip lose lose skip"),
        ({"relation": [LINKS], "target": KEYLESS}, "skip skip lose lose skip"),
        ({"relation": LINKS, "target": TARGET}, "skip skip skip skip skip"),
        ({"relation": [LINKS]}, "skip skip skip skip skip"),
        ({**GOOD, "version": 1}, "good lose lose lose good"),
        ({**GOOD, "version": None}, "good lose lose lose good"),
        ({**GOOD, "flag": True}, "good lose lose good good"),
        (RULED, "good lose lose good good"),
        (42, "skip lose lose lose skip"),
        ({"relation": [LINKS], "target": PATHED}, "skip skip lose lose skip"),
        ({"include": "http://cdn.example/list.json"}, "skip skip lose lose skip"),
        ({"include": {"paths": ["/a"]}}, "skip skip skip skip skip"),
    ],
    ids=str,
)  # fmt: skip
def test_what_one_odd_entry_costs_the_good_one_beside_it(entry, expected):
    linked = ["not_linked" if cost == "lose" else "linked" for cost in expected.split()]
    assert answers([entry, GOOD]) == linked


def test_google_reports_the_bad_statement_although_the_good_one_counts():
    found = verdict("google_dal_api", QUERY, Served([{}, GOOD], {}))
    assert (found.answer, found.errors) == ("linked", ("MALFORMED_CONTENT",))


def test_chromium_wants_every_key_of_the_device_and_android_any_one():
    both = {**QUERY, "target": {**TARGET, "sha256_cert_fingerprints": [OTHER_KEY, KEY]}}
    assert answers([GOOD], query=both)[1:] == ["linked", "linked", "linked", "not_linked"]


@pytest.mark.parametrize("text", ["[", "// list\n[]", "[{'a': 1}]", "[NaN]", "{}"])
def test_a_text_that_is_no_list_is_invalid_to_every_phone(text):
    google, *phones = answers(text)
    assert google == "not_linked"
    assert set(phones) == {"invalid"}


def test_android_never_looks_at_what_follows_the_list():
    assert answers(json.dumps([GOOD]) + " and more") == [
        "not_linked", "linked", "linked", "linked", "invalid",
    ]  # fmt: skip


def test_a_name_that_comes_twice_is_an_error_before_the_parser_of_2024():
    text = json.dumps([GOOD]).replace('"target"', '"relation": [], "target"')
    text = text.replace('"relation": [], ', f'"relation": ["{LINKS}"], ')
    assert answers(text)[1:4] == ["invalid", "invalid", "linked"]


def test_android_12_plus_answers_for_both_parsers():
    assert verdict("aosp_12plus", QUERY, Served([RULED], {})).answer == "not_linked"
    assert verdict("aosp_12plus", QUERY, Served([GOOD], {})).answer == "linked"


def test_includes_nest_for_google_go_one_deep_for_android_and_nowhere_for_chromium():
    includes = {
        "https://cdn.example/1": [{"include": "https://cdn.example/2"}],
        "https://cdn.example/2": [GOOD],
    }
    two_deep = answers([{"include": "https://cdn.example/1"}], includes=includes)
    one_deep = answers([{"include": "https://cdn.example/2"}], includes=includes)
    assert two_deep == ["linked", "not_linked", "not_linked", "not_linked", "not_linked"]
    assert one_deep == ["linked", "linked", "linked", "linked", "not_linked"]


def test_a_loop_of_includes_ends_with_the_budget():
    url = "https://cdn.example/loop"
    served = Served([{"include": url}], {url: [{"include": url}, GOOD]})
    found = verdict("google_dal_api", QUERY, served)
    assert (found.answer, found.errors) == ("linked", ("FETCH_BUDGET_EXHAUSTED",))
    assert len(found.statements) == FETCH_BUDGET


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Response(200, {"content-type": "application/json"}), [None, "linked", 1]),
        (Response(200, {"content-type": "Application/JSON; charset=utf-8"}), [None, "linked", 1]),
        (Response(200, {"content-type": "text/html"}), ["WRONG_CONTENT_TYPE", "linked", 1]),
        (Response(200, {}), ["WRONG_CONTENT_TYPE", "linked", 1]),
        (Response(301, {}), ["REDIRECT", "not_linked", 1029]),
        (Response(302, {}), ["REDIRECT", "not_linked", 1029]),
        (Response(307, {}), ["REDIRECT", "not_linked", 1026]),
        (Response(404, {}), ["FETCH_ERROR", "not_linked", 1026]),
    ],
)
def test_the_http_answer_counts_before_the_body(response, expected):
    served = Served([GOOD], {}, response)
    google = verdict("google_dal_api", QUERY, served)
    android = verdict("aosp_15plus", QUERY, served)
    assert [next(iter(google.errors), None), str(android.answer), android.state] == expected


def test_a_declared_length_beyond_one_mebibyte_is_not_read():
    served = Served([GOOD], {}, Response(200, {"content-length": str(1024 * 1024 + 1)}))
    assert verdict("aosp_12_14", QUERY, served).answer == "not_linked"


def test_malformed_content_is_state_1028():
    assert verdict("aosp_12_14", QUERY, Served([42], {})).state == 1028


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("https://a.example", "HTTPS://A.Example."),
        ("https://a.example", "https://a.example:443"),
        ("http://a.example", "http://a.example:80"),
    ],
)
def test_spellings_of_one_site(one, same):
    assert site_of(one) == site_of(same)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/", "https://a.example/x", "https://a.example?x", "https://a.example#x",
        "https://u@a.example", "https://a.example:99999", "https://a.example:", "https://",
        "a.example", "mailto://a.example", "https://a..example", " https://a.example", "", None, 7,
    ],
)  # fmt: skip
def test_what_google_takes_for_no_site(text):
    assert site_of(text) is None


def test_a_list_without_relation_holds_everything():
    row = {
        "id": 1,
        "engine": "google_dal_api",
        "op": "list",
        "statements": [{**GOOD, "relation": [LINKS, "navigate/home"]}],
        "query": {"source": QUERY["source"], "relation": ""},
    }
    found = conform_statements(row)
    assert [one["relation"] for one in found["statements"]] == [LINKS, "navigate/home"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([LINKS, KEY, "android_app", "web", "https://h.example", "org.a"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["relation", "target", "include", "namespace", "site", "package_name", "a",
             "sha256_cert_fingerprints", "relation_extensions", LINKS, "source", "status",
             "headers", "dynamic_app_link_components", "/", "?", "#", "exclude"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*ENGINES, "other"]),
    json_values,
    json_values,
    st.dictionaries(st.sampled_from(["https://h.example", "x"]), json_values, max_size=2),
    json_values,
    st.sampled_from(["list", "check", None]),
)
def test_no_row_makes_the_engines_raise(engine, document, query, includes, response, op):
    row = {
        "id": 1, "engine": engine, "op": op, "statements": document, "query": query,
        "includes": includes, "response": response,
    }  # fmt: skip
    assert conform_statements(row)["verdict"] in ("linked", "not_linked", "invalid")
    assert conform_statements({**row, "query": QUERY})["id"] == 1
    assert conform_statements({**row, "statements": json.dumps(document)})["id"] == 1


def test_a_file_that_is_nested_too_deeply_is_no_file():
    text = "[" * 100_000
    assert set(answers(text)) == {"not_linked", "invalid"}
