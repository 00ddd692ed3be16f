"""What the linter says about hand-written files: the code, the severity and the next step."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association import android_lint
from deeplink.association.android import build, component_of
from deeplink.association.android_lint import CODES, lint
from deeplink.association.android_lint_rules import example_of
from deeplink.association.android_match import compile_rules
from deeplink.association.verdict import AndroidApp, App, Link
from deeplink.findings import Place, Severity

LINKS = "delegate_permission/common.handle_all_urls"
CREDENTIALS = "delegate_permission/common.get_login_creds"
KEY = (
    "FA:2A:03:CB:38:9C:F3:BE:28:E3:CA:7F:DA:2E:FA:4F:"
    "4A:96:F3:BC:45:2C:08:A2:16:A1:5D:FD:AB:46:BC:9D"
)
PLAY_KEY = (
    "64:2F:D4:BE:1C:4D:F8:36:2E:D3:50:C4:69:53:96:A1:"
    "3D:14:0A:23:AD:2F:BF:EB:6E:C6:E4:64:54:3B:34:C1"
)
TARGET = {
    "namespace": "android_app",
    "package_name": "org.demo.app",
    "sha256_cert_fingerprints": [KEY, PLAY_KEY],
}
GOOD = {"relation": [LINKS], "target": TARGET}


def place(path):
    return Place("assetlinks.json", 1, 1, "/".join(map(str, path)))


def codes(document):
    return [finding.code for finding in lint(document, place)]


def ruled(*rules):
    return [{**GOOD, "relation_extensions": {LINKS: {"dynamic_app_link_components": list(rules)}}}]


def rule_codes(*rules):
    return [code for code in codes(ruled(*rules)) if code != "DAL490"]


def with_target(**changes):
    return [{**GOOD, "target": {**TARGET, **changes}}]


def site(text):
    return {"namespace": "web", "site": text}


def test_a_file_that_works_gets_no_finding():
    assert (
        codes(
            [
                GOOD,
                {"relation": [LINKS, CREDENTIALS], "target": {**TARGET, "package_name": "org.b"}},
            ]
        )
        == []
    )


def test_what_we_build_ourselves_has_no_error_and_no_warning():
    app = App("a", "A", AndroidApp("org.demo.app", (KEY, PLAY_KEY)), None, True)
    rows = [
        Link(app, ("h",), "/a/*/b", query=(("x", "*"),)),
        Link(app, ("h",), "/c/*", exclude=True),
        Link(app, ("h",), "/c*"),
    ]
    severities = {finding.severity for finding in lint(build(rows, [app]), place)}
    assert severities <= {Severity.INFO}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "DAL001"),
        ("x", "DAL001"),
        ([GOOD, 42], "DAL002"),
        ([{**GOOD, "exclude": {"paths": ["/a"]}}], "DAL003"),
        ([{**GOOD, "note_to_self": 1}], "DAL004"),
        ([], "DAL005"),
        ([GOOD, GOOD], "DAL006"),
        (with_target(sha256_cert_fingerprints=[KEY.lower(), PLAY_KEY]), "DAL101"),
        (with_target(sha256_cert_fingerprints=[KEY[:59], PLAY_KEY]), "DAL101"),
        (with_target(sha256_cert_fingerprints=[7, PLAY_KEY]), "DAL101"),
        (with_target(sha256_cert_fingerprints=[KEY, KEY]), "DAL103"),
        (with_target(sha256_cert_fingerprints=[KEY]), "DAL104"),
        (with_target(sha256_cert_fingerprints=KEY), "DAL105"),
        ([{"target": TARGET}], "DAL201"),
        ([{"relation": ["handle_all_urls"], "target": TARGET}], "DAL202"),
        ([{"relation": [LINKS[:-1]], "target": TARGET}], "DAL203"),
        ([{"relation": [LINKS]}], "DAL204"),
        (with_target(namespace="android"), "DAL205"),
        (with_target(package_name="B A D"), "DAL206"),
        (with_target(package_name="com.example.shop"), "DAL207"),
        ([{"relation": [LINKS], "target": site("https://a.example/")}], "DAL208"),
        ([{"relation": [LINKS], "target": site("https://*.a.example")}], "DAL209"),
        ([{"relation": [CREDENTIALS], "target": TARGET}], "DAL210"),
        ([GOOD, *with_target(package_name="org.Demo.app")], "DAL211"),
        ([{**GOOD, "include": {"paths": ["/a"]}}], "DAL301"),
        ([{"include": "cdn/list.json"}], "DAL301"),
        ([{**GOOD, "include": "https://cdn.example/a"}], "DAL302"),
        ([{"include": "http://cdn.example/a"}], "DAL303"),
        ([{"include": "https://cdn.example/a"}], "DAL304"),
        ([{**GOOD, "relation_extensions": []}], "DAL401"),
        ([{**GOOD, "relation_extensions": {CREDENTIALS: {}}}], "DAL402"),
        ([{**GOOD, "relation_extensions": {LINKS: {"dynamic_links": []}}}], "DAL403"),
        ([{**GOOD, "relation_extensions": {LINKS: {"dynamic_app_link_components": {}}}}], "DAL404"),
        (ruled(), "DAL405"),
        ([*ruled({"/": "/a"}), *ruled({"/": "/b"})], "DAL406"),
    ],
)  # fmt: skip
def test_each_fault_has_its_code(document, code):
    assert code in codes(document)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["/a"], ["DAL410"]),
        ([{"/": ""}], ["DAL411"]),
        ([{"?": "a=b"}], ["DAL411"]),
        ([{"?": {"a": True}}], ["DAL411"]),
        ([{"/": "/a", "exclude": "true"}], ["DAL411"]),
        ([{"/": "/a", "caseSensitive": False}], ["DAL412"]),
        ([{"/": "/a", "excludes": True}], ["DAL412"]),
        ([{"?": {"a": ""}}], ["DAL413"]),
        ([{"exclude": False}], ["DAL414"]),
        ([{"/": "shop/*"}], ["DAL415"]),
        ([{"/": "/a#b"}], ["DAL415"]),
        ([{"/": "/a?b=c"}], ["DAL415"]),
        ([{"/": "/caf%C3%A9"}], ["DAL416"]),
        ([{"/": "/a*?b"}], ["DAL417"]),
        ([{"/": "/v1.0/*"}], ["DAL418"]),
        ([{"/": "/*.html"}], ["DAL419"]),
        ([{"/": "/private/*", "exclude": True}], ["DAL420"]),
        ([{"/": "/a*"}, {"/": "/ab/*"}], ["DAL421"]),
        ([{"/": "*", "exclude": True}, {"/": "/a"}], ["DAL421"]),
        # The sample of the documentation is right.
        ([{"?": {"dl": "*"}}, {"#": "app"}, {"/": "/products/*"},
          {"/": "/shoes", "?": {"in_app": "true"}}, {"/": "*", "exclude": True}], []),
    ],
)  # fmt: skip
def test_each_fault_of_a_rule_has_its_code(rules, expected):
    assert rule_codes(*rules) == expected


def test_a_lower_case_fingerprint_is_given_in_its_right_spelling():
    (finding,) = lint(with_target(sha256_cert_fingerprints=[KEY.lower(), PLAY_KEY]), place)
    assert finding.hint == f'write "{KEY}"'
    assert finding.place.key == "0/target/sha256_cert_fingerprints/0"


def test_a_key_that_anyone_holds_is_a_warning_because_the_file_works():
    debug = (
        "FA:C6:17:45:DC:09:03:78:6F:B9:ED:E6:2A:96:2B:39:"
        "9F:73:48:F0:BB:6F:89:9B:83:32:66:75:91:03:3B:9C"
    )
    (finding,) = lint(with_target(sha256_cert_fingerprints=[debug, PLAY_KEY]), place)
    assert (finding.code, finding.severity) == ("DAL102", Severity.WARNING)
    assert "React Native" in finding.what


def test_what_only_androids_own_agent_minds_names_those_phones_and_is_no_error():
    (finding, _) = lint([{**GOOD, "serial": 7}], place)
    assert finding.severity is Severity.WARNING
    assert finding.engines == ("aosp_6_11", "aosp_12_14", "aosp_15plus")


def test_the_form_that_chromium_wants_for_a_webapk_is_no_error():
    target = {"namespace": "web", "site": "https://a.example/manifest.json"}
    document = [{"relation": ["delegate_permission/common.query_webapk"], "target": target}]
    (finding,) = lint(document, place)
    assert (finding.code, finding.severity) == ("DAL208", Severity.WARNING)


def test_an_early_star_is_shown_by_a_url_that_it_misses():
    (finding,) = [one for one in lint(ruled({"/": "*/terms/*"}), place) if one.code == "DAL419"]
    assert '"/x/terms/x"' in finding.what
    assert '"*/*/terms/*"' in finding.hint


def test_a_shadowed_rule_that_says_the_contrary_weighs_more_than_a_repetition():
    contrary = lint(ruled({"/": "/a*", "exclude": True}, {"/": "/ab"}, {"/": "*"}), place)
    repeated = lint(ruled({"/": "/a*"}, {"/": "/ab"}), place)
    weights = [finding.severity for finding in (*contrary, *repeated) if finding.code == "DAL421"]
    assert weights == [Severity.WARNING, Severity.INFO]


texts = st.text("/ab*?.%=", max_size=6)
wire_rules = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "/": texts.map(lambda text: "/" + text),
            "?": st.dictionaries(st.sampled_from("ab"), texts.filter(bool), min_size=1, max_size=2),
            "#": texts.filter(bool),
            "exclude": st.booleans(),
        },
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(wire_rules)
def test_a_rule_called_unreachable_really_is_decided_earlier(rules):
    components = [component_of(rule) for rule in rules]
    for finding in lint(ruled(*rules), place):
        if finding.code == "DAL421":
            index = int(finding.place.key.rpartition("/")[2])
            url = example_of(components[index])
            assert compile_rules([components[index]]).decide(url).rule == 0
            assert compile_rules(components).decide(url).rule < index


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6)
    | st.sampled_from([LINKS, KEY, "android_app", "web", "https://a.example/", "*/x/*"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["relation", "target", "include", "namespace", "site", "package_name",
                         "sha256_cert_fingerprints", "relation_extensions", LINKS, "comment",
                         "dynamic_app_link_components", "/", "?", "#", "exclude", "path"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(json_values, wire_rules)
def test_no_document_makes_the_linter_raise_or_invent_a_code(value, rules):
    for document in (
        value,
        [value],
        [{**GOOD, "relation_extensions": value}],
        ruled(*rules, value),
    ):
        for finding in lint(document, place):
            assert finding.code in CODES


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_table_is_used(code):
    folder = Path(android_lint.__file__).parent
    sources = [path.read_text("utf-8") for path in folder.glob("android_lint*.py")]
    assert sum(source.count(f'"{code}"') for source in sources) > 1
