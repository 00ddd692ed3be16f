"""From the table of links to assetlinks.json, and both phones on the same side."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association import apple, apple_match
from deeplink.association.android import (
    HANDLE_ALL_URLS,
    RULES,
    Include,
    build,
    components_of,
    document_of,
    losses_of,
    parse,
    render,
)
from deeplink.association.android_match import compile_rules
from deeplink.association.verdict import AndroidApp, App, IosApp, Link

KEY = (
    "FA:2A:03:CB:38:9C:F3:BE:28:E3:CA:7F:DA:2E:FA:4F:"
    "4A:96:F3:BC:45:2C:08:A2:16:A1:5D:FD:AB:46:BC:9D"
)
HOST = "go.example.com"
IOS = IosApp(("ABCDE12345.org.demo.app",), None, None, False)


def app(key="demo", *, share_credentials=False, android=True):
    target = AndroidApp(f"org.{key}.app", (KEY,)) if android else None
    return App(key, key.title(), target, IOS, share_credentials)


def link(path, owner=None, **conditions):
    return Link(app=owner or app(), hosts=(HOST,), path=path, **conditions)


def rules_of(document):
    return document[0]["relation_extensions"][HANDLE_ALL_URLS][RULES]


def test_no_links_and_no_credentials_make_an_empty_list():
    assert render(build([], [app()])) == b"[]\n"


def test_a_link_makes_one_statement_and_no_rules():
    document = build([link("/invite/*"), link("/product/*")], [app()])
    assert document == [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": "org.demo.app",
                "sha256_cert_fingerprints": [KEY],
            },
        }
    ]


def test_shared_credentials_are_a_second_relation_of_the_same_statement():
    sharing = app(share_credentials=True)
    (statement,) = build([link("/a", sharing)], [sharing])
    assert statement["relation"] == [
        "delegate_permission/common.handle_all_urls",
        "delegate_permission/common.get_login_creds",
    ]


def test_an_app_without_a_link_here_may_still_share_credentials():
    (statement,) = build([], [app(), app("other", share_credentials=True)])
    assert statement["relation"] == ["delegate_permission/common.get_login_creds"]


def test_an_app_without_android_states_nothing():
    ios_only = app(android=False, share_credentials=True)
    assert build([link("/a", ios_only)], [ios_only]) == []


def test_interleaved_rows_of_two_apps_become_one_statement_each_in_config_order():
    one, two = app("one"), app("two")
    rows = [link("/a", two), link("/b", one), link("/c", two)]
    packages = [entry["target"]["package_name"] for entry in build(rows, [one, two])]
    assert packages == ["org.one.app", "org.two.app"]


def test_one_row_with_a_condition_puts_all_rows_of_the_app_into_rules_in_order():
    rows = [link("/shop/*", exclude=True, query=(("web", "1"),)), link("/shop/*")]
    assert rules_of(build(rows, [app()])) == [
        {"/": "/shop/*", "?": {"web": "1"}, "exclude": True},
        {"/": "/shop", "?": {"web": "1"}, "exclude": True},
        {"/": "/shop/*"},
        {"/": "/shop"},
    ]


def test_conditions_of_one_app_leave_the_other_app_without_rules():
    one, two = app("one"), app("two")
    document = build([link("/a", one, fragment="x"), link("/b", two)], [one, two])
    assert ["relation_extensions" in entry for entry in document] == [True, False]


@pytest.mark.parametrize(
    ("path", "expressions"),
    [
        ("/login-callback/", ["/login-callback", "/login-callback/"]),
        ("/login-callback", ["/login-callback", "/login-callback/"]),
        ("/invite/*", ["/invite/*", "/invite"]),
        ("/invite*", ["/invite*"]),
        ("/*", ["*"]),
        ("/", ["/"]),
        ("/caf%C3%A9*", ["/café*"]),
        ("/a/**", ["/a/*", "/a"]),
    ],
)
def test_a_path_becomes_the_expressions_that_both_phones_agree_on(path, expressions):
    assert [rule.path for rule in components_of(link(path))] == expressions


def test_an_inner_star_is_spelt_out_because_androids_star_stops_at_the_next_slash():
    rules = compile_rules(components_of(link("/a/*/edit")))
    opened = [rules.decide(f"https://{HOST}/a/{depth}/edit").allowed for depth in ("x", "x/y/z")]
    assert opened == [True, True]


def test_a_star_alone_asks_for_something_to_be_there():
    (rule,) = components_of(link("/*", query=(("ref", "*"),), fragment="*"))
    assert (rule.query, rule.fragment) == ((("ref", "?*"),), "?*")


def test_a_row_that_asks_for_an_empty_parameter_opens_nothing_rather_than_everything():
    document = build([link("/a", query=(("ref", ""),))], [app()])
    assert rules_of(document) == [{"/": "*", "exclude": True}]


def test_an_exclusion_that_asks_for_an_empty_fragment_excludes_the_whole_path():
    (rule, _) = components_of(link("/a", fragment="", exclude=True))
    assert (rule.path, rule.fragment, rule.exclude) == ("/a", None, True)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (link("/a/*/b/*/c"), "deeper URLs"),
        (link("/a", query=(("id", "*-x"),)), 'first "-"'),
        (link("/100%25/%2A"), "literal"),
        (link("/a", query=(("a=b", "1"),)), "syntax"),
        (link("/a", query=(("a", "x%26y"),)), "splits"),
        (link("/a", fragment=""), "empty"),
    ],
)
def test_what_android_cannot_say_is_said(row, word):
    assert any(word in loss for loss in losses_of(row))


def test_what_both_phones_can_say_is_no_loss():
    assert losses_of(link("/invite/*", query=(("ref", "*"),), fragment="app")) == ()


def test_the_bytes_are_ascii_and_end_with_a_newline():
    body = render(build([link("/café", query=(("q", "ü"),))], [app()]))
    assert body.isascii()
    assert body.endswith(b"]\n")


def test_a_document_read_back_says_the_same_again():
    document = [{"include": "https://cdn.example/list.json"}, *build([link("/a")], [app()])]
    assert parse(document)[0] == Include("https://cdn.example/list.json")
    assert document_of(parse(document)) == document


LETTERS = "ab/*"
patterns = st.text(LETTERS, max_size=6).map(lambda text: "/" + text)
rows = st.lists(
    st.builds(
        link,
        patterns,
        query=st.lists(
            st.tuples(st.sampled_from("xy"), st.sampled_from(["*", "1", "1*"])),
            max_size=2,
            unique_by=lambda pair: pair[0],
        ).map(tuple),
        fragment=st.none() | st.sampled_from(["f", "*"]),
        exclude=st.booleans(),
    ),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_build_parse_build_is_a_fixed_point(table):
    document = build(table, [app()])
    again = document_of(parse(json.loads(render(document))))
    assert again == document


@settings(max_examples=300, deadline=None)
@given(
    rows.filter(lambda table: any(row.has_conditions for row in table)),
    st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "/"]),
    st.sampled_from(["", "?x=1", "?y=12&x=1", "?x=2", "#f", "?x=1#f"]),
)
def test_both_phones_agree_on_every_url_that_both_can_say(table, path, slash, rest):
    # Beyond the depth to which stars are written out, losses_of warns; four segments fit.
    table = [row for row in table if row.path.count("*") < 3 and "//" not in row.path]
    url = f"https://{HOST}/{path}{slash}{rest}"
    document = build(table, [app()])
    file = apple.parse(apple.build(table, [app()]))
    on_ios = apple_match.decide(file, IOS.app_ids[0], url, HOST).decision
    ruled = [entry for entry in parse(document) if entry.rules is not None]
    if not ruled:
        return
    on_android = compile_rules(ruled[0].rules).decide(url).allowed
    assert on_android is (on_ios is apple_match.Decision.MATCH)
