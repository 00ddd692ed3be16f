"""What differs in meaning, for which URL; and that nothing else counts as different."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association import apple
from deeplink.association.apple_match import Decision, decide
from deeplink.association.difference_android import compare_android
from deeplink.association.difference_apple import compare_apple

HOST = "go.example.com"
ONE, TWO = "ABCDE12345.org.demo.one", "ABCDE12345.org.demo.two"
KEY = ":".join(["FA"] * 32)
OTHER_KEY = ":".join(["0B"] * 32)
HANDLE = "delegate_permission/common.handle_all_urls"
LOGIN = "delegate_permission/common.get_login_creds"


def document(*components, app_ids=(ONE,), **more):
    entry = {"appIDs": list(app_ids), "components": list(components)}
    return {"applinks": {"details": [entry], **more}}


def statement(*relations, package="org.demo.one", keys=(KEY,), rules=None):
    target = {
        "namespace": "android_app",
        "package_name": package,
        "sha256_cert_fingerprints": list(keys),
    }
    made = {"relation": list(relations) or [HANDLE], "target": target}
    if rules is not None:
        made["relation_extensions"] = {HANDLE: {"dynamic_app_link_components": rules}}
    return made


def told(comparison):
    """The differences as short words: change, subject, witness."""
    assert comparison.undecided == []
    return [(str(d.change), d.subject, d.witness) for d in comparison.differences]


def apples(old, new):
    return told(compare_apple(old, new, HOST))


def androids(old, new):
    return told(compare_android(json.dumps(old), json.dumps(new), HOST))


# --- Apple: the same -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (document({"/": "/a"}), document({"/": "/a", "comment": "x", "exclude": False})),
        (document({"/": "/a/"}), document({"/": "a"})),
        (document({"/": "/a/*"}), document({"/": "/a"}, {"/": "/a/*"})),
        (document({"/": "/a*"}, {"/": "/b"}), document({"/": "/b"}, {"/": "/a*"}, {"/": "/abc"})),
        (document({"/": "*"}), document({"?": "*"}, {"/": "/help", "exclude": True})),
        (document({"/": "/a", "?": {"q": "*"}}), document({"/": "/a"})),
        (document({"/": "/a", "?": {"q": "?*"}}), document({"/": "/a", "?": {"q": "*?"}})),
        (document({"/": "/a"}, caseless={}), document({"/": "/a"})),
        (
            document({"/": "/a"}, defaults={"caseSensitive": False}),
            document({"/": "/A", "caseSensitive": False}),
        ),
        (
            document({"/": "/$(c)/x"}, substitutionVariables={"c": ["de", "fr"]}),
            document({"/": "/fr/x"}, {"/": "/de/x"}),
        ),
        (
            {"applinks": {"details": [{"appID": ONE, "paths": ["NOT /a/b", "/a/*"]}]}},
            document({"/": "/a/b", "exclude": True}, {"/": "/a/*"}),
        ),
        (
            {"applinks": {"details": {ONE: {"paths": ["/a"]}}}},
            document({"/": "/a"}),
        ),
    ],
)
def test_rewriting_what_means_the_same_is_no_difference(old, new):
    assert apples(old, new) == []
    assert apples(new, old) == []


# --- Apple: different --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (document({"/": "/a"}), document({"/": "/a"}, {"/": "/b"}), [("opens", "/b")]),
        (document({"/": "/a/*"}), document({"/": "/a/?*"}), [("stays", "/a")]),
        (document({"/": "/a*"}), document({"/": "/a?"}), [("stays", "/a")]),
        (
            document({"/": "*"}, {"/": "/h/*", "exclude": True}),
            document({"/": "/h/*", "exclude": True}, {"/": "*"}),
            [("stays", "/h")],
        ),
        (document({"/": "/a", "?": {"q": "?*"}}), document({"/": "/a"}), [("opens", "/a")]),
        (
            document({"/": "/a", "?": {"q": "1"}}),
            document({"/": "/a", "?": "q=1"}),
            [("stays", "/a?&q=1")],
        ),
        (document({"/": "/a"}), document({"/": "/a", "#": ""}), [("stays", "/a#x")]),
        (
            document({"/": "/a"}),
            document({"/": "/a", "caseSensitive": False}),
            [("opens", "/A")],
        ),
        (
            document({"/": "/é"}),
            document({"/": "/é", "percentEncoded": False}),
            [("opens", "/%C3%A9")],
        ),
        (
            document({"/": "/$(c)"}, substitutionVariables={"c": ["de"]}),
            document({"/": "/$(c)"}, substitutionVariables={"c": ["de", "fr"]}),
            [("opens", "/fr")],
        ),
    ],
)
def test_a_changed_rule_is_told_with_the_shortest_url_that_shows_it(old, new, changed):
    wanted = [(change, ONE, f"https://{HOST}{tail}") for change, tail in changed]
    assert apples(old, new) == wanted
    turned = {"opens": "stays", "stays": "opens"}
    assert apples(new, old) == [(turned[change], *more) for change, *more in wanted]


def test_both_documents_say_what_they_do_with_the_witness():
    old = document({"/": "/a/*"})
    new = document({"/": "/a/b", "exclude": True}, {"/": "/a/*"})
    (one,) = compare_apple(old, new, HOST).differences
    assert one.old == ("applinks.details[0].components[0] matches", one.old.at)
    assert one.new.what == "applinks.details[0].components[0] excludes"
    assert one.new.at == ("applinks", "details", 0, "components", 0)


def test_apps_and_services_that_come_and_go_are_differences():
    old = {**document({"/": "/a"}), "webcredentials": {"apps": [ONE, TWO]}}
    new = {**document({"/": "/a"}, app_ids=(ONE, TWO)), "webcredentials": {"apps": [ONE]}}
    assert apples(old, new) == [
        ("removed", TWO, "webcredentials"),
        ("opens", TWO, f"https://{HOST}/a"),
    ]


def test_the_order_of_two_apps_counts_where_both_open_a_link():
    entries = [{"appIDs": [ONE], "components": [{"/": "/a/*"}]}]
    entries += [{"appIDs": [TWO], "components": [{"/": "/a/b"}]}]
    old = {"applinks": {"details": entries}}
    new = {"applinks": {"details": entries[::-1]}}
    assert apples(old, new) == [("other_app", TWO, f"https://{HOST}/a/b")]


def test_the_order_of_apps_with_links_of_their_own_does_not_count():
    entries = [{"appIDs": [ONE], "components": [{"/": "/a/*"}]}]
    entries += [{"appIDs": [TWO], "components": [{"/": "/b/*"}]}]
    assert (
        apples({"applinks": {"details": entries}}, {"applinks": {"details": entries[::-1]}}) == []
    )


def test_ios_12_is_asked_only_if_somebody_wants_to_know():
    """It reads paths and appID alone, and nothing at all without ``apps: []`` (WWDC19, 717)."""
    paths = {"applinks": {"apps": [], "details": [{"appID": ONE, "paths": ["/a"]}]}}
    assert apples(paths, document({"/": "/a"})) == []
    asked = compare_apple(paths, document({"/": "/a"}), HOST, with_ios_12=True)
    assert [(d.engines, d.witness) for d in asked.differences] == [
        (("apple_ios_12",), f"https://{HOST}/a")
    ]


def test_too_many_combinations_are_not_decided_rather_than_guessed():
    """Each of these stars doubles what would have to be remembered."""
    hard = [{"/": f"*{letter}?????????{letter}*"} for letter in "abc"]
    result = compare_apple(document(*hard), document(*hard[1:], hard[0]), HOST)
    assert result.differences == []
    assert [(u.engines, u.subject) for u in result.undecided] == [(("apple",), ONE)]
    assert not result.is_same


def test_where_the_search_does_not_end_examples_of_the_rules_are_tried():
    hard = [{"/": f"*{letter}?????????{letter}*"} for letter in "abc"]
    result = compare_apple(document(*hard), document(*hard, {"/": "/long/way/there"}), HOST)
    assert [d.witness for d in result.differences] == [f"https://{HOST}/long/way/there"]
    assert len(result.undecided) == 1


# --- Android -----------------------------------------------------------------------------------


def test_two_statements_or_one_and_another_order_state_the_same():
    old = [statement(HANDLE, LOGIN), statement(package="org.demo.two")]
    new = [statement(package="org.demo.two"), statement(LOGIN), statement(HANDLE)]
    assert androids(old, new) == []


@pytest.mark.parametrize(
    ("new", "changed"),
    [
        (
            [statement(keys=[KEY, OTHER_KEY])],
            ("added", "org.demo.one", f"{HANDLE}, key {OTHER_KEY}"),
        ),
        ([statement(HANDLE, LOGIN)], ("added", "org.demo.one", f"{LOGIN}, key {KEY}")),
        ([], ("removed", "org.demo.one", f"{HANDLE}, key {KEY}")),
        (
            [statement(), {"include": "https://example.com/more.json"}],
            ("added", "include", "https://example.com/more.json"),
        ),
    ],
)
def test_keys_relations_apps_and_includes_that_come_and_go_are_differences(new, changed):
    assert androids([statement()], new) == [changed]


def test_each_reader_is_asked_for_itself():
    """A number anywhere loses the file on AOSP; Google and Chromium pass over it."""
    (one,) = compare_android(
        json.dumps([statement()]), json.dumps([{**statement(), "version": 1}]), HOST
    ).differences
    assert (str(one.change), one.engines) == ("removed", ("aosp_6_11", "aosp_12_14", "aosp_15plus"))


def test_chromium_wants_all_keys_of_an_app_in_one_statement():
    old = [statement(keys=[KEY]), statement(keys=[OTHER_KEY])]
    new = [statement(keys=[KEY, OTHER_KEY])]
    (one,) = compare_android(json.dumps(old), json.dumps(new), HOST).differences
    assert (str(one.change), one.engines) == ("added", ("chromium",))


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        # A star stops at the first occurrence of what follows (android.os.PatternMatcher).
        ([{"/": "/a/*/c"}], [{"/": "/a/*/c"}, {"/": "/a/*/*/c"}], [("opens", "/a///c")]),
        ([{"/": "/a*"}], [{"/": "/a"}], [("stays", "/ax")]),
        ([{"/": "/a"}], [{"/": "/a"}, {"#": "app"}], [("opens", "/#app")]),
        ([{"?": {"k": "*"}}], [{"?": {"k": "?*"}}], [("stays", "/?k=")]),
        ([{"/": "*"}], [{"/": "/x", "exclude": True}, {"/": "*"}], [("stays", "/x")]),
        ([{"/": "/a"}], [{"/": ""}], [("opens", "/")]),
    ],
)
def test_changed_dynamic_rules_are_told_with_a_url(old, new, changed):
    told = androids([statement(rules=old)], [statement(rules=new)])
    assert told == [(c, "org.demo.one", f"https://{HOST}{tail}") for c, tail in changed]


def test_dynamic_rules_that_do_the_same_are_no_difference():
    old = [{"/": "/a"}, {"/": "/a/*"}]
    new = [{"/": "/a/*"}, {"/": "/a"}, {"/": "/a/b"}, {"/": "*", "exclude": True}]
    assert androids([statement(rules=old)], [statement(rules=new)]) == []


def test_rules_in_several_statements_are_not_decided():
    """Declaring them twice for one app leaves open which count (Android Developers)."""
    twice = [statement(rules=[{"/": "/a"}]), statement(rules=[{"/": "/b"}])]
    result = compare_android(json.dumps(twice), json.dumps(twice[:1]), HOST)
    assert [(u.subject, u.engines) for u in result.undecided] == [
        ("org.demo.one", ("aosp_15plus",))
    ]


# --- any document ------------------------------------------------------------------------------

PATTERNS = st.lists(st.sampled_from(["a", "b", "/", "*", "?"]), max_size=4).map("".join)
COMPONENTS = st.builds(
    lambda path, query, exclude, fold: {
        "/": path,
        "?": query,
        "exclude": exclude,
        "caseSensitive": not fold,
    },
    PATTERNS.map("/".__add__),
    st.one_of(st.just("*"), st.dictionaries(st.sampled_from("ka"), PATTERNS, max_size=1)),
    st.booleans(),
    st.booleans(),
)
DOCUMENTS = st.lists(COMPONENTS, max_size=4).map(lambda rows: document(*rows))
URLS = st.tuples(
    st.lists(st.sampled_from("abB/"), max_size=4).map("".join),
    st.sampled_from(["", "?k=a", "?k=ab&a=b", "?a"]),
).map(lambda parts: f"https://{HOST}/{parts[0]}{parts[1]}")


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.lists(URLS, max_size=15))
def test_every_witness_is_decided_differently_and_no_difference_is_missed(old, new, urls):
    def opens(value, url):
        return decide(apple.parse(value), ONE, url, HOST).decision is Decision.MATCH

    result = compare_apple(old, new, HOST)
    for one in result.differences:
        assert (opens(old, one.witness), opens(new, one.witness)) in [(True, False), (False, True)]
    if any(opens(old, url) != opens(new, url) for url in urls):
        assert result.differences


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["applinks", "details", "appIDs", "components", "relation", "target", "/"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(JSON, JSON)
def test_no_document_is_different_from_itself_and_none_makes_it_crash(old, new):
    assert compare_apple(old, old, HOST).is_same
    compare_apple(old, new, HOST, with_ios_12=True)
    text, other = json.dumps(old), json.dumps(new)
    assert compare_android(text, text, HOST).is_same
    compare_android(text, other, HOST)


SAMPLES = {
    "apple": [document({"/": "/a"})],
    "android": [[statement(rules=[{"/": "/a/*"}])]],
}


def files_of(kind):
    """Our own samples and, where DEEPLINK_CORPUS names a folder, the files from the field."""
    texts = [json.dumps(sample).encode() for sample in SAMPLES[kind]]
    if corpus := os.environ.get("DEEPLINK_CORPUS"):
        texts += [path.read_bytes() for path in sorted(Path(corpus, kind).glob("*.json"))]
    return texts


def test_files_from_the_field_mean_what_they_mean():
    for octets in files_of("apple"):
        value = apple.read(octets).value
        assert compare_apple(value, value, HOST, with_ios_12=True).is_same
        assert compare_apple(value, apple.write(apple.parse(value)), HOST).is_same


def test_statements_from_the_field_state_what_they_state():
    for octets in files_of("android"):
        text = octets.decode()
        indented = json.dumps(json.loads(text), indent=3)
        assert compare_android(text, indented, HOST).is_same
