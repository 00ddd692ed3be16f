"""Rules translated from one platform to the other, and what is said about the losses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association import android, apple
from deeplink.association.android_match import compile_rules
from deeplink.association.apple_match import Decision, decide
from deeplink.association.convert import CODES, to_android, to_apple
from deeplink.findings import Place
from deeplink.places import dotted

ID = "ABCDE12345.org.demo.app"
KEY = ":".join(["FA"] * 32)
HANDLE = "delegate_permission/common.handle_all_urls"


def place_of(at):
    return Place("file", key=dotted(at))


def document(*rules, **more):
    return {"applinks": {"details": [{"appIDs": [ID], "components": list(rules)}], **more}}


def androids(*rules, **more):
    """The translation's rules, and the codes of the findings."""
    made = to_android(apple.parse(document(*rules, **more)), ID, place_of)
    return made.document["dynamic_app_link_components"], [one.code for one in made.findings]


def statement(*rules):
    target = {
        "namespace": "android_app",
        "package_name": "org.demo.app",
        "sha256_cert_fingerprints": [KEY],
    }
    made = {"relation": [HANDLE], "target": target}
    if rules:
        made["relation_extensions"] = {HANDLE: {"dynamic_app_link_components": list(rules)}}
    return android.parse([made])[0]


def apples(*rules):
    made = to_apple(statement(*rules), place_of)
    return made.document["components"], [one.code for one in made.findings]


# --- to Android --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "translated"),
    [
        # Slashes at the end count on Android only; "/*" takes its parent on Apple's systems only.
        ([{"/": "/buy"}], [{"/": "/buy"}, {"/": "/buy/"}]),
        ([{"/": "/invite/*"}], [{"/": "/invite/*"}, {"/": "/invite"}]),
        ([{"/": "invite*"}], [{"/": "/invite*"}]),
        ([{}], [{"/": "*"}]),
        # A parameter that may be anything may be absent, too (WWDC19, session 717).
        ([{"/": "/a*", "?": {"q": "*"}}], [{"/": "/a*"}]),
        ([{"/": "/a*", "?": {"q": "?*", "r": "*"}}], [{"/": "/a*", "?": {"q": "?*"}}]),
        ([{"/": "/a*", "#": "x"}], [{"/": "/a*", "#": "x"}]),
        (
            [{"/": "/a*", "exclude": True}, {"/": "*"}],
            [{"/": "/a*", "exclude": True}, {"/": "*"}],
        ),
        # Android compares with the decoded URL.
        ([{"/": "/caf%C3%A9*"}], [{"/": "/café*"}]),
        ([{"/": "/50%*", "percentEncoded": False}], [{"/": "/50%*"}]),
        ([{"/": "/a*", "comment": "x", "caseSensitive": True}], [{"/": "/a*"}]),
    ],
)
def test_what_android_can_say_is_carried_over_without_a_word(rules, translated):
    assert androids(*rules) == (translated, [])


def test_the_values_of_a_variable_are_written_out():
    made, codes = androids({"/": "/$(c)*"}, substitutionVariables={"c": ["de", "fr"]})
    assert (made, codes) == ([{"/": "/de*"}, {"/": "/fr*"}], [])


def test_defaults_are_carried_over_into_every_rule():
    made, codes = androids({"/": "/a*"}, {"/": "/b*", "exclude": False}, defaults={"exclude": True})
    assert made == [{"/": "/a*", "exclude": True}, {"/": "/b*"}]
    assert codes == []


@pytest.mark.parametrize(
    ("rules", "translated", "codes"),
    [
        # What cannot be said is left out if it opens …
        ([{"/": "/a*"}, {"/": "/b", "?": "x=1"}], [{"/": "/a*"}], ["CNV001", "CNV004"]),
        ([{"/": "/a*"}, {"/": "/b", "?": {"x": ""}}], [{"/": "/a*"}], ["CNV001", "CNV004"]),
        ([{"/": "/a*"}, {"/": "/b", "#": ""}], [{"/": "/a*"}], ["CNV001", "CNV004"]),
        ([{"/": "/a*"}, {"/": "/$(lang)"}], [{"/": "/a*"}], ["CNV001", "CNV004"]),
        ([{"/": "/a*"}, {"/": "/$(none)"}], [{"/": "/a*"}], ["CNV001"]),
        # … and widened if it excludes.
        (
            [{"/": "/b*", "?": "x=1", "exclude": True}, {"/": "*"}],
            [{"/": "/b*", "?": {"x": "1"}, "exclude": True}, {"/": "*"}],
            ["CNV002", "CNV004"],
        ),
        (
            [{"/": "/b*", "#": "", "exclude": True}, {"/": "*"}],
            [{"/": "/b*", "exclude": True}, {"/": "*"}],
            ["CNV002", "CNV004"],
        ),
        (
            [{"/": "/$(alpha)$(alpha)*", "exclude": True}, {"/": "*"}],
            [{"/": "/??*", "exclude": True}, {"/": "*"}],
            ["CNV002", "CNV004"],
        ),
        ([{"/": "/A*", "caseSensitive": False}], [{"/": "/A*"}], ["CNV003", "CNV004"]),
    ],
)
def test_what_android_cannot_say_is_left_out_or_widened_and_told(rules, translated, codes):
    assert androids(*rules) == (translated, codes)


def test_a_star_inside_a_path_is_written_out_for_some_depth_and_the_rest_is_told():
    made, codes = androids({"/": "/a/*/c*"})
    assert made[:2] == [{"/": "/a/*/c*"}, {"/": "/a/*/*/c*"}]
    (told,) = to_android(apple.parse(document({"/": "/a/*/c*"})), ID, place_of).findings
    assert codes == ["CNV004"]
    assert "Android's stops at what follows it" in told.hint
    assert told.place.key == "applinks.details[0].components[0]"


def test_a_document_that_opens_nothing_does_not_become_one_that_opens_all():
    """An empty list of dynamic rules narrows nothing: the app's filters would decide."""
    made, codes = androids()
    assert (made, codes) == ([{"/": "*", "exclude": True}], ["CNV007"])


def test_a_whole_file_is_made_for_an_app_that_is_named():
    target = android.AppTarget("org.demo.app", (KEY,))
    made = to_android(apple.parse(document({"/": "/a*"})), ID, place_of, target)
    assert made.document == [
        {
            "relation": [HANDLE],
            "target": {
                "namespace": "android_app",
                "package_name": "org.demo.app",
                "sha256_cert_fingerprints": [KEY],
            },
            "relation_extensions": {HANDLE: {"dynamic_app_link_components": [{"/": "/a*"}]}},
        }
    ]


# --- to Apple ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "translated"),
    [
        ([{"/": "/a*"}], [{"/": "/a*"}]),
        ([{"/": "*", "?": {"q": "?*"}}], [{"/": "*", "?": {"q": "?*"}}]),
        ([{"#": "app"}], [{"/": "*", "#": "app"}]),
        ([{"/": "/é*"}], [{"/": "/é*", "percentEncoded": False}]),
        (
            [{"/": "/a*", "exclude": True}, {"/": "*"}],
            [{"/": "/a*", "exclude": True}, {"/": "*"}],
        ),
    ],
)
def test_what_apple_can_say_is_carried_over_without_a_word(rules, translated):
    assert apples(*rules) == (translated, [])


@pytest.mark.parametrize(
    ("rules", "translated", "codes"),
    [
        ([{"/": "/a"}], [{"/": "/a"}], ["CNV004"]),
        ([{"/": "/a/*/c*"}], [{"/": "/a/*/c*"}], ["CNV004"]),
        ([{"/": "/a*"}, {"/": "x"}], [{"/": "/a*"}], ["CNV001"]),
        ([{"/": "/a*"}, {"exclude": True}], [{"/": "/a*"}], ["CNV001"]),
        ([{"/": "/a*"}, {"/": "/$(x)"}], [{"/": "/a*"}], ["CNV001", "CNV005"]),
        (
            [{"/": "/$(x)", "exclude": True}, {"/": "/a*"}],
            [{"/": "*", "exclude": True}, {"/": "/a*"}],
            ["CNV002", "CNV005"],
        ),
        ([{"?": {"q": "*"}}], [{"/": "*", "?": {"q": "?*"}}], ["CNV005"]),
        ([{"/": "/a*"}, {"?": {"q*": "1"}}], [{"/": "/a*"}], ["CNV001", "CNV005"]),
        # "?" right after "*" is a dot to Android's matcher (AOSP, DalComponentParserTest).
        ([{"/": "/a*?b*"}], [{"/": "/a*.b*"}], ["CNV004"]),
        ([{"/": "/a**"}, {"/": "/b*"}], [{"/": "/b*"}], ["CNV001", "CNV005"]),
        ([{"/": ""}], [{"/": "*"}], ["CNV007"]),
        ([], [{"/": "*"}], ["CNV007"]),
    ],
)
def test_what_apple_cannot_say_is_told(rules, translated, codes):
    assert apples(*rules) == (translated, codes)


def test_a_slash_at_the_end_is_a_remark_and_no_more():
    """Only Android tells /a/ from /a, and no app counts on it."""
    (told,) = to_apple(statement({"/": "/a"}), place_of).findings
    assert (str(told.severity), told.what) == (
        "info",
        "lets https://example.com/a/ open the app on Apple's systems only",
    )


def test_a_whole_file_is_made_for_apps_that_are_named():
    made = to_apple(statement({"/": "/a*"}), place_of, [ID, f"{ID}2"])
    assert made.document == {
        "applinks": {"details": [{"appIDs": [ID, f"{ID}2"], "components": [{"/": "/a*"}]}]}
    }


# --- any rules ---------------------------------------------------------------------------------

PATTERNS = st.lists(st.sampled_from(["a", "b", "é", "/", "*", "?"]), max_size=4).map("".join)
APPLE_RULES = st.lists(
    st.builds(
        lambda path, query, exclude: {"/": f"/{path}", "?": query, "exclude": exclude},
        PATTERNS.filter(str.isascii),
        st.one_of(
            st.sampled_from(["*", "k=a"]),
            st.dictionaries(st.just("k"), PATTERNS.filter(str.isascii), max_size=1),
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
ANDROID_RULES = st.lists(
    st.builds(
        lambda path, query, exclude: {"/": f"/{path}", **query, "exclude": exclude},
        PATTERNS,
        st.sampled_from([{}, {"?": {"k": "*"}}, {"?": {"k": "a*"}}]),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
URLS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a", "b", "/a", "/b", "%C3%A9"]), max_size=5).map("".join),
        st.sampled_from(["", "?k=a", "?k=ab&x=b"]),
    ).map(lambda parts: f"https://example.com/{parts[0].lstrip('/')}{parts[1]}"),
    max_size=15,
)


def opens(components, rules, url):
    file = apple.parse(document(*components))
    verdict = decide(file, ID, url, "example.com").decision
    groups = compile_rules(android.component_of(rule) for rule in rules)
    return verdict is Decision.MATCH, groups.decide(url).allowed


@settings(max_examples=100, deadline=None)
@given(APPLE_RULES, URLS)
def test_where_the_phones_part_after_translation_to_android_it_was_told(rules, urls):
    made, codes = androids(*rules)
    for url in urls:
        on_apple, on_android = opens(rules, made, url)
        if on_apple and not on_android:
            assert "CNV004" in codes
        if on_android and not on_apple:
            assert "CNV005" in codes


@settings(max_examples=100, deadline=None)
@given(ANDROID_RULES, URLS)
def test_where_the_phones_part_after_translation_to_apple_it_was_told(rules, urls):
    made, codes = apples(*rules)
    for url in urls:
        on_apple, on_android = opens(made, rules, url)
        if on_apple and not on_android:
            assert "CNV004" in codes
        if on_android and not on_apple:
            assert "CNV005" in codes


def test_codes_are_all_of_this_room():
    assert sorted(CODES) == [f"CNV00{number}" for number in range(1, 8)]
