"""Which app opens a URL on each system, over configs and over files that others wrote."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink import config as configuration
from deeplink.association import apple_match
from deeplink.association.android_match import Opens
from deeplink.dropins import APPLE, ASSETLINKS
from deeplink.journey.address import Address, Malformed, read_address
from deeplink.journey.answers import follow
from deeplink.journey.expectations import judge, read_expectations
from deeplink.journey.papers import Spot, estate_of, estate_of_files, pointer_of
from deeplink.journey.systems import SYSTEMS, as_read_by, name_of, named
from deeplink.places import read_toml

KEY = (
    "2B:8E:90:5D:11:C4:7F:3A:66:D8:09:E1:B7:54:AC:F2"
    ":1D:83:6E:40:95:CB:72:08:EF:31:5A:C6:9D:04:B2:77"
)
APP_ID = "Q7R2M9K4TZ.com.acme.shop"
CONFIG = f"""\
hosts = ["links.acme.example", "shop.acme.example"]
alternate_host = "acme.example.net"

[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = ["{KEY}"]

[apps.shop.ios]
app_ids = ["{APP_ID}"]

[[links]]
path = "/invite/*"
app = "shop"

[[callbacks]]
path = "/login-callback/"
app = "shop"
"""
MORE = """
[[links]]
path = "/product/legal/*"
app = "shop"
exclude = true

[[links]]
path = "/product/*"
app = "shop"

[[links]]
path = "/sale/*"
app = "shop"
hosts = ["links.acme.example"]
query = { campaign = "spring*" }
"""


@pytest.fixture
def estate(tmp_path):
    def estate(text=CONFIG, **drop_ins):
        path, folder = tmp_path / "deeplink.toml", tmp_path / "well_known"
        path.write_text(text)
        folder.mkdir()
        for name, content in drop_ins.items():
            (folder / {"apple": APPLE, "android": ASSETLINKS}[name]).write_text(content)
        config = configuration.load(path, {}, well_known=folder)
        return estate_of(config, read_toml(text, "deeplink.toml"))

    return estate


ABSENT = object()


def files(apple=ABSENT, android=ABSENT, **more):
    given = {}
    if apple is not ABSENT:
        given[APPLE] = ("aasa.json", json.dumps(apple, indent=1).encode())
    if android is not ABSENT:
        given[ASSETLINKS] = ("links.json", json.dumps(android, indent=1).encode())
    return estate_of_files(given, **more)


def details(*entries, **applinks):
    return {"applinks": {"details": list(entries), **applinks}}


def entry(*components, ids=(APP_ID,), **more):
    return {"appIDs": list(ids), "components": list(components), **more}


def statement(package="com.acme.shop", keys=(KEY,), rules=None):
    relation = "delegate_permission/common.handle_all_urls"
    target = {
        "namespace": "android_app",
        "package_name": package,
        "sha256_cert_fingerprints": list(keys),
    }
    made = {"relation": [relation], "target": target}
    if rules is not None:
        made["relation_extensions"] = {relation: {"dynamic_app_link_components": rules}}
    return made


def outcomes(estate, url):
    journey = follow(estate, read_address(url))
    return {outcome.system.id: outcome for outcome in journey.outcomes}


def ends(estate, url):
    return {name: str(outcome.opens) for name, outcome in outcomes(estate, url).items()}


def answer(estate, url, system):
    return outcomes(estate, url)[system].answers[0]


# --- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", '"" is empty; write a URL such as "https://links.acme.com/invite/42"'),
        ("acme.com/a", '"acme.com/a" has no scheme; write "https://acme.com/a"'),
        ("localhost:80/a", '"localhost:80/a" has no scheme; write "https://localhost:80/a"'),
        (
            "https:/acme.com",
            '"https:/acme.com" has not two slashes after the scheme; write "https://acme.com"',
        ),
        (
            "https://acme.com/a b",
            '"https://acme.com/a b" has white space or control characters in it; '
            "write %20 for a space",
        ),
        (
            "https://acme.com/é",
            '"https://acme.com/é" has characters that a URL cannot have; '
            'write "https://acme.com/%C3%A9", as browsers send it',
        ),
        (
            "https://café.com/",
            '"https://café.com/" has a host that is not in Punycode; write "xn--caf-dma.com"',
        ),
        (
            "https://acme.com/100%",
            '"https://acme.com/100%" has a "%" that no two hexadecimal digits follow; '
            "write %25 for a percent sign",
        ),
        (
            "https://acme.com/a/../b",
            '"https://acme.com/a/../b" has "/.." in its path, which a phone resolves before it '
            "looks; write the path that it leads to",
        ),
        (
            "https://me@acme.com/",
            '"https://me@acme.com/" has a user before its host; write "acme.com" for the host',
        ),
        (
            "https://acme.com:99999/",
            '"https://acme.com:99999/" has "99999" for a port; write a number up to 65535, or none',
        ),
    ],
)
def test_what_is_no_url_is_refused_with_what_to_write(text, sentence):
    assert str(read_address(text)) == sentence


def test_a_custom_scheme_is_told_from_a_link():
    assert "only http and https links can be app links" in read_address("acme://login").what


@given(st.text(max_size=30) | st.text(max_size=30).map("https://a.b/".__add__))
def test_any_text_is_an_address_or_a_reason(text):
    read = read_address(text)
    assert isinstance(read, Address) or (isinstance(read, Malformed) and read.what and read.hint)


# --- systems ---------------------------------------------------------------------------------


def test_neighbours_share_a_name():
    ios = [system for system in SYSTEMS if system.family == "iOS"]
    assert [name_of(ios), name_of(ios[:1]), name_of(ios[1:3])] == [
        "iOS 9.2+",
        "iOS 9.2–12",
        "iOS 13–13.7",
    ]


def test_a_platform_stands_for_its_current_systems():
    meant = {word: [one.id for one in systems] for word, systems in named(["ios", "Android", "x"])}
    assert meant == {"ios": ["ios-14"], "Android": ["android-12", "android-15"], "x": []}


def test_what_an_old_system_does_not_know_is_not_there_for_it():
    document = details(
        {"appIDs": ["X"], "components": [{"/": "/a", "caseSensitive": False}], "defaults": {}},
        substitutionVariables={"x": ["y"]},
    )
    by_id = {system.id: as_read_by(system, document)["applinks"] for system in SYSTEMS[:4]}
    assert by_id["ios-9"] == {}
    assert by_id["ios-13"] == {"details": [{"appIDs": ["X"], "components": [{"/": "/a"}]}]}
    assert "substitutionVariables" in by_id["ios-13.5"]
    assert by_id["ios-14"] == document["applinks"]


# --- configs ---------------------------------------------------------------------------------


def test_a_link_of_the_config_opens_the_app_and_points_at_its_row(estate):
    found = outcomes(estate(), "https://links.acme.example/invite/42")
    assert {name: outcome.apps for name, outcome in found.items()} == {
        "ios-9": (),
        **dict.fromkeys([system.id for system in SYSTEMS[1:]], ("shop",)),
    }
    for system in ("ios-14", "android-12", "android-15"):
        chosen = found[system].answers[0]
        assert (chosen.why, str(chosen.spot)) == ("/invite/*", "deeplink.toml:11 links[0]")


def test_ios_12_opens_what_has_legacy_paths(estate):
    url = "https://links.acme.example/invite/42"
    first = estate()
    assert answer(first, url, "ios-9").remedy.what == "write legacy_paths = true"
    assert str(answer(first, url, "ios-9").remedy.spot) == "deeplink.toml:8 apps.shop.ios"


def test_with_legacy_paths_ios_12_points_at_the_row(estate):
    text = CONFIG.replace("[[links]]", "legacy_paths = true\n\n[[links]]", 1)
    chosen = answer(estate(text), "https://links.acme.example/invite/42", "ios-9")
    assert (chosen.opens, str(chosen.spot)) == (Opens.APP, "deeplink.toml:13 links[0]")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_callback_opens_with_and_without_its_slash(estate, slash):
    url = f"https://shop.acme.example/login-callback{slash}?code=1&state=2"
    found = outcomes(estate(), url)
    assert found["ios-14"].apps == found["android-15"].apps == ("shop",)
    assert str(found["ios-14"].answers[0].spot) == "deeplink.toml:15 callbacks[0]"


def test_the_alternate_host_takes_no_callback_and_says_why(estate):
    home = estate()
    journey = follow(home, read_address("https://acme.example.net/login-callback/"))
    assert not journey.opens
    assert "it claims no callback, on purpose" in journey.notes[0]
    assert all(one.remedy is None for out in journey.outcomes[1:4] for one in out.answers)


def test_a_miss_names_the_nearest_row_and_an_edit_in_the_words_of_the_config(estate):
    home, url = estate(), "https://links.acme.example/invit/42"
    for system in ("ios-14", "android-12", "android-15"):
        chosen = answer(home, url, system)
        assert chosen.opens is Opens.BROWSER
        assert chosen.near.misses == ('"/invite/*" does not match the path "/invit/42"',)
        assert str(chosen.near.spot) == "deeplink.toml:11 links[0]"
        assert chosen.remedy.what == 'add [[links]] path = "/invit/*", app = "shop"'


def test_upper_and_lower_case_are_told_apart_on_both_phones(estate):
    home, url = estate(), "https://links.acme.example/Invite/42"
    sentence = '"/invite/*" does not match the path "/Invite/42": upper and lower case differ'
    assert answer(home, url, "ios-14").near.misses == (sentence,)
    assert answer(home, url, "android-15").near.misses == (sentence,)


def test_a_host_that_is_not_configured_gets_the_nearest_one(estate):
    chosen = answer(estate(), "https://link.acme.example/invite/1", "ios-14")
    assert chosen.why == "link.acme.example is none of the hosts"
    assert 'did you mean "links.acme.example"?' in chosen.remedy.what
    assert str(chosen.remedy.spot) == "deeplink.toml:1 hosts"


def test_http_opens_on_ios_and_not_on_android(estate):
    """Apple takes both schemes (WWDC19, session 717); a manifest declares what it declares."""
    found = outcomes(estate(), "http://links.acme.example/invite/1")
    assert (found["ios-14"].opens, found["android-15"].opens) == (Opens.APP, Opens.BROWSER)
    assert 'android:scheme="http"' in found["android-15"].answers[0].remedy.what


def test_an_exclusion_holds_where_there_are_rules_and_is_not_heard_before(estate):
    found = outcomes(estate(CONFIG + MORE), "https://links.acme.example/product/legal/terms")
    assert [found[one].opens for one in ("ios-14", "android-12", "android-15")] == [
        Opens.BROWSER,
        Opens.APP,
        Opens.BROWSER,
    ]
    kept = found["ios-14"].answers[0]
    assert (kept.why, str(kept.spot)) == (
        "/product/legal/* keeps it in the browser",
        "deeplink.toml:19 links[1]",
    )
    assert kept.remedy.what == "move the row /product/* (line 24) in front of this one"
    assert found["android-15"].answers[0].remedy == kept.remedy
    assert found["android-12"].answers[0].notes == (
        "Android 14 and older cannot exclude: /product/legal/* (deeplink.toml:19 links[1]) "
        "is not heard",
    )


def test_conditions_cost_the_file_on_phones_without_google_services_before_15(estate):
    home = estate(CONFIG + MORE)
    found = ends(home, "https://links.acme.example/invite/1")
    assert [found[one] for one in ("aosp-6", "aosp-12", "aosp-15")] == ["chooser", "browser", "app"]


def test_a_condition_that_fails_is_named_with_its_remedy(estate):
    home, url = estate(CONFIG + MORE), "https://links.acme.example/sale/1?campaign=autumn"
    for system in ("ios-14", "android-15"):
        chosen = answer(home, url, system)
        assert chosen.near.misses == (
            'parameter "campaign" is "autumn", which "spring*" does not match',
        )
        assert chosen.remedy.what == 'leave "campaign" out of query'
        assert str(chosen.remedy.spot) == "deeplink.toml:28 links[3]"
    assert answer(home, url, "android-12").notes == (
        "Android 14 and older see only the path: query and fragment are not heard",
    )


def test_a_row_of_another_host_is_the_nearest(estate):
    home = estate(CONFIG + MORE)
    chosen = answer(home, "https://shop.acme.example/sale/1?campaign=spring", "ios-14")
    assert chosen.near.misses == ("the row is for links.acme.example, not for shop.acme.example",)
    assert str(chosen.remedy.spot) == "deeplink.toml:31 links[3].hosts"


@pytest.mark.parametrize("path", ["/api/tiktok/exchange", "/healthz", "/.well-known/x"])
def test_this_server_s_own_paths_are_nobody_s(estate, path):
    home = estate(CONFIG.replace("/invite/*", "/*"))
    journey = follow(home, read_address(f"https://links.acme.example{path}"))
    assert f"{path} belongs to this server itself" in journey.notes[0]
    kept = journey.outcomes[3].answers[0]
    assert "belongs to this server itself" in kept.why
    assert kept.remedy.what == "choose another path for the link"


def test_of_several_apps_the_first_in_the_document_is_preferred(estate):
    text = (
        CONFIG.replace(
            "[[links]]",
            '[apps.beta.ios]\napp_ids = ["Q7R2M9K4TZ.com.acme.beta"]\n\n[[links]]',
            1,
        )
        .replace('app = "shop"', 'apps = ["beta", "shop"]')
        .replace('path = "/invite/*"\napps = ["beta", "shop"]', 'path = "/invite/*"\napp = "shop"')
    )
    found = outcomes(estate(text), "https://links.acme.example/login-callback/")
    assert found["ios-14"].apps == ("beta", "shop")
    assert found["android-15"].apps == ("shop",)


def test_an_app_of_one_platform_is_mentioned(estate):
    text = CONFIG.replace(f'[apps.shop.ios]\napp_ids = ["{APP_ID}"]\n', "")
    journey = follow(estate(text), read_address("https://links.acme.example/invite/1"))
    assert journey.notes == ("shop has no ios table, so it opens links on Android only",)
    assert journey.outcomes[0].answers == ()


def test_a_drop_in_speaks_with_its_own_lines(estate):
    """The config claims nothing on iOS, and so a hand-written file may stand in its place."""
    text = CONFIG.replace(f'[apps.shop.ios]\napp_ids = ["{APP_ID}"]\n', "")
    written = json.dumps(details(entry({"/": "/invite/*"})), indent=1)
    chosen = answer(estate(text, apple=written), "https://links.acme.example/invite/1", "ios-14")
    assert (chosen.app, chosen.why) == (APP_ID, '{"/": "/invite/*"}')
    assert str(chosen.spot) == (
        "well_known/apple-app-site-association:9:6 /applinks/details/0/components/0"
    )


@pytest.mark.parametrize("path", ["/invit/42", "/Invite/1", "/a/b/c", "/x", "/", "/about/"])
def test_a_row_that_is_offered_opens_the_link_once_it_is_there(estate, tmp_path, path):
    url, system = f"https://links.acme.example{path}", "ios-14"
    offered = answer(estate(), url, system).remedy.what
    added, app = re.fullmatch(r'add \[\[links\]\] path = "(.*)", app = "(.*)"', offered).groups()
    text = f'{CONFIG}\n[[links]]\npath = "{added}"\napp = "{app}"\n'
    path = tmp_path / "mended.toml"
    path.write_text(text)
    mended = estate_of(configuration.load(path, {}), read_toml(text, "mended.toml"))
    found = outcomes(mended, url)
    assert found["ios-14"].opens is found["android-15"].opens is Opens.APP


# --- files of others -------------------------------------------------------------------------


def test_a_document_is_pointed_into_by_line_column_and_pointer():
    home = files(details(entry({"/": "/a/*"}, {"/": "/b/*", "exclude": True})))
    assert str(answer(home, "https://x.com/b/1", "ios-14").spot) == (
        "aasa.json:12:6 /applinks/details/0/components/1"
    )
    assert pointer_of(("a/b", "~", 0)) == "/a~1b/~0/0"


def test_the_oldest_ios_wants_its_three_members():
    modern = answer(files(details(entry({"/": "/a"}))), "https://x.com/a", "ios-9")
    assert modern.remedy.what == (
        f'add "apps": [] to "applinks", "appID": "{APP_ID}" to the entry, '
        '"paths": ["/a"] to the entry'
    )
    legacy = details({"appID": APP_ID, "paths": ["NOT /a/b", "/a/*"]}, apps=[])
    assert ends(files(legacy), "https://x.com/a/c") == dict.fromkeys(
        ["ios-9", "ios-13", "ios-13.5", "ios-14"], "app"
    )
    assert answer(files(legacy), "https://x.com/a/b", "ios-9").why == (
        '"NOT /a/b" keeps it in the browser'
    )


def test_old_and_new_ios_differ_where_a_file_mixes_both_forms():
    mixed = details(
        {"appID": APP_ID, "paths": ["/*"], "appIDs": [APP_ID], "components": [{"/": "/invite/*"}]},
        apps=[],
    )
    assert ends(files(mixed), "https://x.com/other") == {
        "ios-9": "app",
        "ios-13": "browser",
        "ios-13.5": "browser",
        "ios-14": "browser",
    }


@pytest.mark.parametrize(
    ("rule", "more", "path", "opens_since"),
    [
        ({"/": "/A", "caseSensitive": False}, {}, "/a", "ios-13.5"),
        ({"/": "/$(lang)/a"}, {}, "/en/a", "ios-13.5"),
        ({"/": "/$(x)"}, {"substitutionVariables": {"x": ["a"]}}, "/a", "ios-13.5"),
        ({"/": "/a b", "percentEncoded": False}, {}, "/a%20b", "ios-14"),
        ({}, {"defaults": {"/": "/b"}}, "/b", "ios-13"),
        ({}, {"defaults": {"/": "/b"}}, "/a", "never on ios-14"),
    ],
)
def test_a_feature_works_from_the_version_that_brought_it(rule, more, path, opens_since):
    found = ends(files(details(entry(rule), **more)), f"https://x.com{path}")
    opening = [name for name, end in found.items() if end == "app"]
    wanted = {
        "ios-13": ["ios-13", "ios-13.5", "ios-14"],
        "ios-13.5": ["ios-13.5", "ios-14"],
        "ios-14": ["ios-14"],
        "never on ios-14": ["ios-13", "ios-13.5"],
    }
    assert opening == wanted[opens_since]


def test_an_edit_of_a_document_says_where():
    chosen = answer(files(details(entry({"/": "/buy"}))), "https://x.com/buy/1", "ios-14")
    assert (chosen.remedy.what, chosen.remedy.spot.pointer) == (
        'write "/": "/buy/*"',
        "/applinks/details/0/components/0",
    )


def test_a_file_that_cannot_be_read_is_said_with_its_place():
    given = {APPLE: ("aasa.json", b'{"applinks": {\n"details": [],}}')}
    chosen = answer(estate_of_files(given), "https://x.com/", "ios-14")
    assert (chosen.app, chosen.opens) == ("", Opens.BROWSER)
    assert chosen.spot.place.line == 2


def test_another_host_has_to_serve_the_file_itself():
    home = files(details(entry({"/": "/*"})), host="acme.com")
    assert answer(home, "https://acme.com/a", "ios-14").opens is Opens.APP
    chosen = answer(home, "https://www.acme.com/a", "ios-14")
    assert chosen.why == "the file is that of acme.com, and a phone asks www.acme.com for its own"


def test_dynamic_rules_block_on_android_15_only():
    home = files(android=[statement(rules=[{"/": "/app/*"}])])
    found = outcomes(home, "https://x.com/other")
    assert (found["android-12"].opens, found["android-15"].opens) == (Opens.APP, Opens.BROWSER)
    kept = found["android-15"].answers[0]
    assert kept.why == "no dynamic rule matches, and what none matches is blocked"
    assert kept.near.rule == '{"/": "/app/*"}'
    assert kept.near.spot.pointer == (
        "/0/relation_extensions/delegate_permission~1common.handle_all_urls"
        "/dynamic_app_link_components/0"
    )


def test_a_key_that_is_not_listed_is_not_verified():
    other = KEY.replace("2B:", "3C:", 1)
    home = files(android=[statement()], packages=["com.acme.shop"], fingerprints=[other])
    found = outcomes(home, "https://x.com/")
    assert (found["android-6"].opens, found["android-15"].opens) == (Opens.CHOOSER, Opens.BROWSER)
    assert found["android-15"].answers[0].remedy.what == f'add "{other}"'


def test_chromium_wants_no_namespace_and_no_path():
    odd = statement()
    del odd["target"]["namespace"]
    found = ends(files(android=[odd]), "https://x.com/any")
    assert (found["chromium"], found["android-15"]) == ("app", "browser")


def test_rules_of_which_one_is_no_object_are_not_kept():
    home = files(android=[statement(rules=["x", {"/": "/a"}])])
    assert ends(home, "https://x.com/other")["android-15"] == "app"


# --- expectations ----------------------------------------------------------------------------


def findings(home, text):
    read, found = read_expectations(text, "links.txt", [app.key for app in home.apps])
    judged = (judge(one, follow(home, one.address)) for one in read)
    return [str(one) for one in (*found, *judged) if one is not None]


def test_expectations_that_hold_say_nothing(estate):
    text = """\
# the links of the spring newsletter
opens https://links.acme.example/invite/42           # any app
opens https://links.acme.example/invite/42 shop
stays https://links.acme.example/about#team
stays https://links.acme.example/product/legal/1 on ios android-15
opens https://links.acme.example/product/legal/1 shop on android-12
"""
    assert findings(estate(CONFIG + MORE), text) == []


def test_each_expectation_that_does_not_hold_is_a_finding_with_its_line(estate):
    text = (
        "opens https://links.acme.example/invit/42\n"
        "stays https://links.acme.example/invite/1\n"
        "stays https://links.acme.example/product/legal/1\n"
    )
    assert findings(estate(CONFIG + MORE), text) == [
        "links.txt:1: error EXP002: https://links.acme.example/invit/42 must open an app, and does "
        "not on iOS 14+, Android 12+: no link of shop matches, nearest is /invite/* "
        '(deeplink.toml:11 links[0]); deeplink.toml:11 links: add [[links]] path = "/invit/*", '
        'app = "shop"',
        "links.txt:2: error EXP003: https://links.acme.example/invite/1 must stay in the browser, "
        "and opens shop on iOS 14+, Android 12+: /invite/* (deeplink.toml:11 links[0]); narrow the "
        "rule, or exclude the URL before it",
        "links.txt:3: error EXP003: https://links.acme.example/product/legal/1 must stay in the "
        "browser, and opens shop on Android 12–14: /product/* (deeplink.toml:24 links[2]); Android "
        "14 and older cannot exclude: /product/legal/* (deeplink.toml:19 links[1]) is not heard",
    ]


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("open https://a.b/", '"open" is no expectation; did you mean "opens"?'),
        ("opens", '"opens" stands alone; write "opens https://…"'),
        ("opens a.b/c", '"a.b/c" has no scheme; write "https://a.b/c"'),
        ("opens https://a.b/ shp", '"shp" is not one of the apps; did you mean "shop"?'),
        ("opens https://a.b/ on", '"on" cannot be read; write the app, then "on" and systems'),
        ("opens https://a.b/ shop x", '"x" cannot be read; write the app, then "on" and systems'),
        ("opens https://a.b/ on ios-15", '"ios-15" is no system; did you mean "ios-13.5"?'),
    ],
)
def test_a_line_that_cannot_be_read_is_answered_with_what_to_write(estate, line, finding):
    assert findings(estate(), line) == [f"links.txt:1: error EXP001: {finding}"]


def test_an_empty_list_of_expectations_is_no_success(estate):
    assert "EXP004" in findings(estate(), "# nothing yet\n")[0]


# --- whatever comes --------------------------------------------------------------------------


def test_the_grounds_of_the_apple_side_agree_with_the_engine(estate):
    """The answers are words over ``decide``: they never decide for themselves."""
    document = details(entry({"/": "/a/*", "exclude": True}, {"/": "*", "?": {"x": "?*"}}))
    home = files(document)
    parsed = apple_match.apple.parse(document)
    for path in ("/", "/a/b", "/b?x=1", "/b?x=", "/a?x=1"):
        url = f"https://x.com{path}"
        decision = apple_match.decide(parsed, APP_ID, url, "x.com").decision
        opens = answer(home, url, "ios-14").opens is Opens.APP
        assert opens is (decision is apple_match.Decision.MATCH)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("/*?#$(x)A", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["/", "?", "#", "exclude", "appIDs", "appID", "paths", "components", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
urls = st.text("ab/?#&=%2*+:;~", max_size=12).map("https://x.com/".__add__)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(values, max_size=3).map(lambda entries: details(*entries, apps=[])) | values,
    st.lists(
        values | st.lists(values, max_size=2).map(lambda rules: statement(rules=rules)), max_size=2
    )
    | values,
    urls,
)
def test_no_document_and_no_url_is_too_odd_for_an_answer(apple, android, url):
    address = read_address(url)
    if isinstance(address, Address):
        journey = follow(files(apple, android), address)
        assert len(json.loads(json.dumps(journey.as_json()))["systems"]) == len(SYSTEMS)


@settings(max_examples=100, deadline=None)
@given(urls)
def test_no_url_is_too_odd_for_a_config(home, url):
    address = read_address(url.replace("x.com", "links.acme.example"))
    if isinstance(address, Address):
        for outcome in follow(home, address).outcomes:
            for one in outcome.answers:
                assert one.why
                assert isinstance(one.spot, Spot | None)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "deeplink.toml"
    path.write_text(CONFIG + MORE)
    return estate_of(configuration.load(path, {}), read_toml(CONFIG + MORE, "deeplink.toml"))
