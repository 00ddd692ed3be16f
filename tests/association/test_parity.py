"""One table of links, two documents: where both languages can say it, both phones agree."""

import json

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deeplink.association import android, apple, apple_match
from deeplink.association.android import components_of, losses_of
from deeplink.association.android_match import compile_rules
from deeplink.association.language import Space
from deeplink.association.verdict import AndroidApp, App, IosApp, Link

HOST = "go.example.com"
KEY = ":".join(["FA"] * 32)
APPS = [
    App(
        key=key,
        name=key.title(),
        android=AndroidApp(f"org.demo.{key}", (KEY,)),
        ios=IosApp((f"ABCDE12345.org.demo.{key}",), None, None, False),
        share_credentials=False,
    )
    for key in ("one", "two")
]

SEGMENTS = st.lists(st.sampled_from(["a", "b", "é", "*", "a*", "*b", "ab"]), max_size=3)
VALUES = st.sampled_from(["*", "a", "a*", "b", "é"])
ROWS = st.builds(
    Link,
    app=st.sampled_from(APPS),
    hosts=st.just((HOST,)),
    path=SEGMENTS.map(lambda words: "/" + "/".join(words)),
    query=st.dictionaries(st.sampled_from("kq"), VALUES, max_size=2).map(
        lambda pairs: tuple(pairs.items())
    ),
    fragment=st.one_of(st.none(), VALUES),
    exclude=st.booleans(),
)
TABLES = st.lists(ROWS, min_size=1, max_size=4)


def is_reserved(url):
    """This server keeps some paths from Apple's phones; Android's rules do not name them."""
    path = url.removeprefix(f"https://{HOST}").partition("?")[0].partition("#")[0]
    kept = [reserved.removesuffix("/*") for reserved in apple.RESERVED_PATHS]
    return any(path == one or path.startswith(f"{one}/") for one in kept)


def phones(table, app):
    """What both documents, as bytes, make of a URL for one app."""
    association = json.loads(apple.render(apple.build(table, APPS)))
    statements = android.parse(json.loads(android.render(android.build(table, APPS))))
    own = [s for s in statements if s.target.package_name == app.android.package_name]
    rules = compile_rules(own[0].rules or ())
    file = apple.parse(association)

    def opens(url):
        verdict = apple_match.decide(file, app.ios.app_ids[0], url, HOST)
        return verdict.decision is apple_match.Decision.MATCH, rules.decide(url).allowed

    return opens


def urls_that_differ(table, file_rules, components):
    """One URL of every kind that the rules of either document can tell apart."""
    space = Space(plain=True)
    for rule in file_rules:
        space.add_apple(rule, ())
    for component in components:
        space.add_android(component)
    urls = [f"https://{HOST}{region.url}" for region in space.regions()]
    return urls, space.is_complete


@settings(max_examples=150, deadline=None)
@given(TABLES, st.sampled_from(APPS))
def test_both_phones_agree_on_every_kind_of_url_that_both_can_say(table, app):
    rows = [row for row in table if row.app is app]
    # Without conditions there are no dynamic rules: the app's intent filter decides.
    assume(any(row.has_conditions for row in rows))
    assume(not any(losses_of(row) for row in rows))
    file = apple.parse(apple.build(table, APPS))
    rules = list(apple_match.rules_for(file, app.ios.app_ids[0]))
    urls, is_complete = urls_that_differ(table, rules, [c for r in rows for c in components_of(r)])
    opens = phones(table, app)
    verdicts = {url: opens(url) for url in urls if not is_reserved(url)}
    assert is_complete
    assert {url: v for url, v in verdicts.items() if v[0] != v[1]} == {}


PATHS = st.lists(st.sampled_from(["a", "b", "ab", "%C3%A9", "aab"]), max_size=4).map("/".join)
QUERIES = st.sampled_from(["", "?k=a", "?k=ab&q=b", "?q=%C3%A9", "?x=1&k=b", "?k=a#b"])


@settings(max_examples=150, deadline=None)
@given(TABLES, st.sampled_from(APPS), st.lists(st.tuples(PATHS, QUERIES), max_size=10))
def test_both_phones_agree_on_generated_urls_beside_deeper_ones(table, app, parts):
    """A star inside a path is written out for a few segments; these URLs have no more."""
    rows = [row for row in table if row.app is app]
    assume(any(row.has_conditions for row in rows))
    assume(all(row.path.rstrip("*").count("*") < 2 for row in rows))
    opens = phones(table, app)
    verdicts = {url: opens(url) for url in (f"https://{HOST}/{p}{q}" for p, q in parts)}
    assert {url: v for url, v in verdicts.items() if v[0] != v[1]} == {}


def test_a_row_that_is_no_loss_is_no_loss_on_the_phones_either():
    table = [Link(APPS[0], (HOST,), "/invite/*", (("ref", "*"),), "app")]
    opens = phones(table, APPS[0])
    assert opens(f"https://{HOST}/invite/x?ref=1#app") == (True, True)
    assert opens(f"https://{HOST}/invite/x?ref=1") == (False, False)
    assert opens(f"https://{HOST}/invite/x#app") == (False, False)


def test_a_loss_that_is_told_is_one_on_the_phones():
    (row,) = [Link(APPS[0], (HOST,), "/a/*/c", fragment="*")]
    opens = phones([row], APPS[0])
    assert [loss.partition(":")[0] for loss in losses_of(row)] == ['path "/a/*/c"']
    assert opens(f"https://{HOST}/a/1/2/3/4/5/c#x") == (True, False)
