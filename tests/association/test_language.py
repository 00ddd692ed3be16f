"""The machines behind diff and convert say of every URL what the engines say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association.android import Component
from deeplink.association.android_match import compile_rules
from deeplink.association.android_uri import parse_uri
from deeplink.association.apple import Rule
from deeplink.association.apple_match import Matcher, Target
from deeplink.association.language import Space

VARIABLES = (("v", ("a", "b*", "")),)

WORDS = st.lists(
    st.sampled_from(["a", "b", "B", "/", "*", "?", "?*", "%41", "é", "%C3%A9", "$(v)", ".", " "]),
    max_size=4,
).map("".join)
RULES = st.builds(
    Rule,
    at=st.just(()),
    path=st.tuples(st.sampled_from(["", "/"]), WORDS).map("".join),
    query=st.one_of(
        st.sampled_from(["*", "*", "a=*", "*a*", "?*", ""]),
        st.dictionaries(st.sampled_from("kKa"), WORDS, min_size=1, max_size=2).map(
            lambda pairs: tuple(pairs.items())
        ),
    ),
    fragment=st.one_of(st.just("*"), WORDS),
    case_sensitive=st.booleans(),
    percent_encoded=st.booleans(),
)
EXPRESSIONS = st.lists(
    st.sampled_from(["a", "b", "/", "*", "?", "?*", ".", "é", "*a", "&"]), min_size=1, max_size=4
).map("".join)
COMPONENTS = st.builds(
    Component,
    path=st.one_of(st.none(), EXPRESSIONS.map("/".__add__)),
    query=st.dictionaries(st.sampled_from("ka"), EXPRESSIONS, max_size=1).map(
        lambda pairs: tuple(pairs.items())
    ),
    fragment=st.one_of(st.none(), EXPRESSIONS),
)
TEXTS = st.lists(
    st.sampled_from(["a", "b", "B", "A", "/", "%41", "%C3%A9", "%2F", "x", ".", "%20", "%c3%a9"]),
    max_size=5,
).map("".join)
URLS = st.builds(
    lambda path, query, fragment: "/" + path + query + fragment,
    TEXTS,
    st.one_of(
        st.just(""),
        st.lists(
            st.builds("{}{}{}".format, st.sampled_from("kaKx"), st.sampled_from(["=", ""]), TEXTS),
            min_size=1,
            max_size=2,
        ).map(lambda items: "?" + "&".join(items)),
    ),
    st.one_of(st.just(""), TEXTS.map("#".__add__)),
)


def engines(rules, components, url):
    """What the engines make of each rule alone."""
    matcher = Matcher(Target(f"https://h{url}"), VARIABLES)
    uri = parse_uri(f"https://h{url}")
    groups = [compile_rules([component]).groups[0] for component in components]
    return tuple(map(matcher.matches, rules)) + tuple(group.matches(uri) for group in groups)


@settings(max_examples=60, deadline=None)
@given(st.lists(RULES, max_size=3), st.lists(COMPONENTS, max_size=2), st.lists(URLS, max_size=20))
def test_the_regions_are_all_that_the_engines_can_tell_apart(rules, components, urls):
    space = Space()
    needs = [space.add_apple(rule, VARIABLES) for rule in rules]
    needs += [space.add_android(component) for component in components]
    regions = list(space.regions())
    seen = {region.url: tuple(map(region.meets, needs)) for region in regions}
    assert seen == {url: engines(rules, components, url) for url in seen}
    assert space.is_complete
    assert {engines(rules, components, url) for url in urls} <= set(seen.values())


def test_a_search_that_is_too_long_says_so():
    """Each of these stars doubles what a machine has to remember."""
    space = Space()
    for letter in "abc":
        space.add_apple(Rule(at=(), path=f"*{letter}?????????{letter}*"), ())
    assert next(iter(list(space.regions()))).url == "/"
    assert space.is_complete is False


def test_urls_as_apps_write_them_have_no_doubled_slash_and_no_escaped_separator():
    space = Space(plain=True, final_slash=False)
    space.add_apple(Rule(at=(), path="/a//b", query=(("k", "?*"),)), ())
    space.add_android(Component("/a/*", (("k", "x"),)))
    urls = [region.url for region in space.regions()]
    assert "/a/x?k=x" in urls
    assert not [url for url in urls if "//" in url or "%26" in url or url.endswith("/?")]
