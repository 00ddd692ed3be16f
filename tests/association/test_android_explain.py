"""Why a reader takes a site for an app's friend, or does not, and what would turn it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association.android import HANDLE_ALL_URLS, RULES, Component, component_of
from deeplink.association.android_explain import Edit, explain_rules, explain_statement
from deeplink.association.android_match import compile_rules
from deeplink.association.android_patterns import Translation
from deeplink.association.android_statements import ENGINES
from deeplink.association.verdict import AndroidApp

KEY = (
    "2B:8E:90:5D:11:C4:7F:3A:66:D8:09:E1:B7:54:AC:F2"
    ":1D:83:6E:40:95:CB:72:08:EF:31:5A:C6:9D:04:B2:77"
)
OTHER_KEY = KEY.replace("2B:", "3C:", 1)
SHOP = AndroidApp("com.acme.shop", (KEY,))
HOST = "links.acme.com"
URL = f"https://{HOST}"


def statement(package="com.acme.shop", keys=(KEY,), relation=HANDLE_ALL_URLS, **more):
    target = {
        "namespace": "android_app",
        "package_name": package,
        "sha256_cert_fingerprints": list(keys),
    }
    return {"relation": [relation], "target": target, **more}


def standing(engine, *entries, app=SHOP):
    return explain_statement(engine, json.dumps(entries), HOST, app)


def explained(url, *rules, translation=Translation.NEWEST):
    return explain_rules([component_of(rule) for rule in rules], f"{URL}{url}", translation)


# --- statements ------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_good_statement_is_named_by_every_reader(engine):
    found = standing(engine, statement("com.acme.blog"), statement())
    assert (found.keys, found.at, found.why, found.edit) == ((KEY,), (1,), "", None)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_in_lower_case_is_told_from_a_wrong_one(engine):
    """All readers compare text with the upper-case form (well-known/details.md)."""
    found = standing(engine, statement(keys=[KEY.lower()]))
    assert found.keys == ()
    if engine != "google_dal_api":
        assert found.edit == Edit((0, "target", "sha256_cert_fingerprints", 0), f'write "{KEY}"')


def test_another_key_is_answered_with_the_app_s_own():
    found = standing("aosp_15plus", statement(keys=[OTHER_KEY]))
    assert found.why == "the statement about com.acme.shop lists other keys than the app's"
    assert found.edit == Edit((0, "target", "sha256_cert_fingerprints"), f'add "{KEY}"')


def test_an_app_that_is_not_stated_is_answered_with_the_nearest_name():
    found = standing("google_dal_api", statement("com.acme.shpo"))
    assert found.why == "no statement is about com.acme.shop"
    assert found.edit.at == (0, "target", "package_name")
    assert 'did you mean "com.acme.shpo"?' in found.edit.what


def test_a_statement_with_another_relation_opens_no_links():
    relation = "delegate_permission/common.get_login_creds"
    found = standing("google_dal_api", statement(relation=relation))
    assert found.edit == Edit((0, "relation"), f'add "{HANDLE_ALL_URLS}" to "relation"')


def test_the_entry_that_costs_android_12_the_whole_file_is_named():
    """JsonParser.kt takes no number; one anywhere loses every statement."""
    found = standing("aosp_12_14", statement(), {"version": 3})
    assert (found.keys, found.at) == ((), (1, "version"))
    assert "loses the whole file" in found.why
    assert standing("google_dal_api", statement(), {"version": 3}).keys == (KEY,)


def test_dynamic_rules_are_named_as_what_older_verifiers_cannot_read():
    rules = {HANDLE_ALL_URLS: {RULES: [{"/": "/a", "exclude": True}]}}
    found = standing("aosp_12_14", statement(relation_extensions=rules))
    assert found.at[:2] == (0, "relation_extensions")
    assert "cannot take dynamic rules" in found.why
    assert standing("aosp_15plus", statement(relation_extensions=rules)).keys == (KEY,)


def test_a_build_with_a_key_that_is_not_listed_is_mentioned():
    app = AndroidApp("com.acme.shop", (KEY, OTHER_KEY))
    found = standing("google_dal_api", statement(), app=app)
    assert found.keys == (KEY,)
    assert found.why == "not for a build that is signed with 3C:8E:90:5D…"
    assert found.edit.what == f'add "{OTHER_KEY}"'


def test_an_include_is_mentioned_but_not_to_chromium_which_ignores_it():
    include = {"include": "https://acme.com/more.json"}
    assert standing("google_dal_api", statement(), include).has_include
    assert not standing("chromium", statement(), include).has_include


@pytest.mark.parametrize("document", ["", "[", "{}", "null", '["x"]', "[[[", "\ufeff[]"])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_no_list_of_statements_verifies_nobody(engine, document):
    found = explain_statement(engine, document, HOST, SHOP)
    assert found.keys == ()
    assert found.why


# --- rules -----------------------------------------------------------------------------------


def test_the_rule_that_decides_ends_the_trials():
    found = explained("/a/1", {"/": "/b/*"}, {"/": "/a/*"}, {"/": "*"})
    assert (found.verdict.allowed, found.verdict.rule, len(found.trials)) == (True, 1, 2)


def test_the_nearest_rule_has_the_fewest_misses_and_the_longest_way():
    found = explained(
        "/product/9", {"/": "/invite/*"}, {"/": "/products/*"}, {"/": "/p", "?": {"a": "1"}}
    )
    assert found.nearest.index == 1
    assert found.nearest.misses == (("/", '"/products/*" does not match the path "/product/9"'),)


def test_a_star_that_cannot_go_back_is_explained():
    # github.com/WelcometoMyGarden publishes this expression and means /nl/terms/x as well.
    found = explained("/nl/terms/x", {"/": "*/terms/*"})
    assert found.nearest.misses[0][1].endswith(
        ': on Android "*" ends where the character after it first comes'
    )


def test_an_escape_in_a_rule_is_explained_and_undone():
    found = explained("/caf%C3%A9", {"/": "/caf%C3%A9"})
    assert found.nearest.misses[0][1].endswith(": Android compares with the decoded path")
    assert found.edit == Edit((0,), 'write "/": "/café"')


@pytest.mark.parametrize(
    ("url", "rule", "sentence", "edit"),
    [
        (
            "/a",
            {"/": "/a", "?": {"dl": "?*"}},
            'parameter "dl" is absent or empty, which "?*" does not match',
            'leave parameter "dl" out of "?"',
        ),
        (
            "/a?dl=no",
            {"/": "/a", "?": {"dl": "yes"}},
            'parameter "dl" is "no", which "yes" does not match',
            'leave parameter "dl" out of "?"',
        ),
        (
            "/a",
            {"/": "/a", "#": "app"},
            '"app" does not match the fragment ""',
            'leave "#" out',
        ),
        (
            "/a/b",
            {"/": "/a"},
            '"/a" does not match the path "/a/b"',
            'write "/": "/a/*"',
        ),
        (
            "/A",
            {"/": "/a"},
            '"/a" does not match the path "/A": upper and lower case differ',
            'write "/": "/A", or add a rule for it',
        ),
        ("/a", {}, "the rule asks for nothing, and such a rule never matches", 'add {"/": "/a"}'),
    ],
)
def test_each_part_that_fails_has_a_sentence_and_an_edit(url, rule, sentence, edit):
    found = explained(url, rule)
    assert found.nearest.misses[0][1] == sentence
    assert found.edit.what.startswith(edit)


def test_a_list_that_only_excludes_is_answered_with_a_rule_to_add():
    """What no rule matches is blocked: github.com/16569/accel-link opens nothing on Android 15."""
    found = explained("/app/1", {"/": "/legal/*", "exclude": True})
    assert (found.verdict.allowed, found.nearest) == (False, None)
    assert found.edit == Edit((), 'add {"/": "/app/1"} as the last rule')


def test_an_exclusion_before_a_rule_that_matches_is_answered_with_a_move():
    found = explained("/a/b", {"/": "/a/*", "exclude": True}, {"/": "/a/b"})
    assert found.edit == Edit((0,), "move rule 2, which matches too, before it")


def test_rules_of_which_one_is_empty_are_all_thrown_away():
    found = explained("/a", {"/": ""}, {"/": "/b"})
    assert (found.verdict.allowed, found.is_void) == (True, True)


def test_early_builds_are_explained_by_their_own_translation():
    found = explained("/a.html", {"/": "/a.html"}, translation=Translation.EARLY)
    assert not found.verdict.allowed
    assert explained("/a.html", {"/": "/a.html"}).verdict.allowed


texts = st.text(st.sampled_from("ab/*?.&=;%2#é\\"), max_size=8)
rules = st.builds(
    Component,
    path=st.none() | texts,
    query=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    fragment=st.none() | texts,
    exclude=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(rules, max_size=4), texts, st.sampled_from(list(Translation)))
def test_the_explanation_agrees_with_the_engine_and_its_edits_are_possible(
    components, tail, translation
):
    url = f"https://h/{tail}"
    found = explain_rules(components, url, translation)
    assert found.verdict == compile_rules(components, translation).decide(url)
    assert found.verdict.allowed is (found.verdict.allowed and found.edit is None)
    for trial in found.trials:
        alone = compile_rules([components[trial.index]], translation)
        assert trial.matches is (alone.decide(url).rule == 0)
