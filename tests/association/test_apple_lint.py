"""What is said about documents as people write them; the defects are those of real files."""

import pytest

from deeplink.association import apple
from deeplink.association.apple_lint import CODES, features, lint, lint_entitlements, lint_reading
from deeplink.association.apple_match import Matcher, Target, decide
from deeplink.association.verdict import App, IosApp, Link
from deeplink.findings import Place, Severity

APP = "Q7JAY4CE8K.com.acme.shop"


def place_of(path):
    return Place("aasa", key="/".join(map(str, path)))


def modern(*components, **entry):
    return {"applinks": {"details": [{"appIDs": [APP], "components": list(components), **entry}]}}


def legacy(*paths, **entry):
    details = [{"appID": APP, "paths": list(paths), **entry}]
    return {"applinks": {"apps": [], "details": details}}


def with_ids(*ids, **services):
    details = [{"appIDs": list(ids), "components": [{"/": "/a"}]}]
    return {"applinks": {"details": details}, **{k: {"apps": v} for k, v in services.items()}}


def said(document, *, least=Severity.INFO):
    weights = [Severity.INFO, Severity.WARNING, Severity.ERROR]
    return {
        (finding.code, finding.severity.value)
        for finding in lint(document, place_of)
        if weights.index(finding.severity) >= weights.index(least)
    }


def only(document, code):
    return next(finding for finding in lint(document, place_of) if finding.code == code)


@pytest.mark.parametrize(
    "document",
    [
        {"applinks": {"details": []}},
        {"applinks": {"apps": [], "details": []}},
        {"webcredentials": {"apps": [APP]}},
        {"appclips": {"apps": [f"{APP}.Clip"]}, "activitycontinuation": {"apps": [APP]}},
        legacy("*"),
        legacy("/noo/login/token", "/noo/login/jwt", "NOT /noo/*", "*"),
        legacy("/wwdc/news/", "NOT /videos/wwdc/2010/*", "/videos/wwdc/201?/*"),
        legacy("/dev/index.html", "/notes/x", "buy/*", "/file.*"),
        modern({"/": "/"}, {"/": "/deck/*", "comment": "a deck"}),
        modern({"/": "*/terms/*", "exclude": True}, {"/": "*"}),
        modern({"#": "no_universal_links", "exclude": True}, {"/": "/issue/*"}),
        modern({"?": {"id": "?*"}}, {"/": "/a", "?": "k=*"}, {"#": "*market/lettings*"}),
        modern({"/": "/id/$(digit)"}, {"/": "/$(lang)_$(region)/*"}, {"/": "/a%20b/*%26*"}),
        with_ids(APP, f"{APP}2", webcredentials=[APP, f"{APP}.dev", f"{APP}3"]),
        with_ids("5N85PP82A9.jp.gr.java-conf.fujiura.accel", "27E9959VWR.com.1und1.mobile"),
        with_ids("27E9959VWR.com.acme.app", "4FBS7S5FAN.com.acme.app"),
    ],
)
def test_files_that_work_are_left_in_peace(document):
    assert said(document) == set()


@pytest.mark.parametrize(
    ("document", "code", "severity"),
    [
        ([], "AASA003", "error"),
        ({}, "AASA010", "error"),
        ({"appLinks": {}}, "AASA011", "warning"),
        ({"applinks": {"details": []}, "$schema": 1, "version": 1}, "AASA011", "info"),
        ({"applinks": {"detials": []}}, "AASA011", "warning"),
        (modern({"/": "/a"}, appids=[]), "AASA011", "warning"),
        ({"webcredentials": {"app": [APP]}}, "AASA011", "warning"),
        ({"applinks": {"details": [], "webcredentials": {"apps": []}}}, "AASA012", "error"),
        ({"webcredentials": {"apps": [], "applinks": {}}}, "AASA012", "error"),
        (modern({"/": "/a"}, appclips={}), "AASA012", "error"),
        ({"applinks": None}, "AASA013", "error"),
        ({"applinks": {"details": "x"}}, "AASA013", "error"),
        ({"applinks": {"details": [5]}}, "AASA013", "error"),
        ({"applinks": {"details": {APP: []}}}, "AASA013", "error"),
        ({"applinks": {"details": [{"appIDs": APP, "components": [{}]}]}}, "AASA013", "error"),
        (legacy(paths="*"), "AASA013", "error"),
        (legacy("/a", 5), "AASA013", "error"),
        (modern("/a"), "AASA013", "error"),
        ({"webcredentials": {}}, "AASA013", "error"),
        ({"webcredentials": {"apps": APP}}, "AASA013", "error"),
        (with_ids(APP, 5), "AASA013", "error"),
        ({"applinks": {"apps": [APP], "details": []}}, "AASA014", "warning"),
        ({"applinks": {"details": {APP: {"paths": ["*"]}}}}, "AASA015", "info"),
        ({"applinks": {"details": [{"components": [{"/": "/a"}]}]}}, "AASA020", "error"),
        (with_ids(), "AASA020", "error"),
        (with_ids("com.acme.shop"), "AASA021", "error"),
        (with_ids("W7JAY4CE8.com.acme.shop"), "AASA021", "error"),
        (with_ids("q7jay4ce8k.com.acme.shop"), "AASA021", "error"),
        (with_ids("Q7JAY4CE8K"), "AASA021", "error"),
        (with_ids("Q7JAY4CE8K.*"), "AASA021", "error"),
        (with_ids("Q7JAY4CE8K.com..shop"), "AASA021", "error"),
        (with_ids("DEVELOPMENT_TEAM.PRODUCT_BUNDLE_IDENTIFIER"), "AASA021", "error"),
        (with_ids("ABCDE12345.com.example.app"), "AASA022", "error"),
        (with_ids("12345ABCDE.com.acme.shop"), "AASA022", "warning"),
        (with_ids("Q7JAY4CE8K.com.yourcompany.app"), "AASA022", "warning"),
        (
            with_ids("Q7JAY4CE8K.com.com.in.sta", webcredentials=["Q7JAY4CE8K.com.in.sta"]),
            "AASA023",
            "warning",
        ),
        (with_ids(APP, webcredentials=["W7JAY4CE8.com.acme.shop", APP[1:]]), "AASA023", "warning"),
        (with_ids(APP, webcredentials=["Q7JAY4CE8K.com.acme.Shop"]), "AASA023", "warning"),
        (with_ids(APP, webcredentials=["Q7JAY4CE8K.com.acme.sohp"]), "AASA023", "warning"),
        (with_ids(APP, APP), "AASA024", "warning"),
        (modern({"/": "/a"}, appID="Q7JAY4CE8K.com.acme.other"), "AASA025", "warning"),
        (legacy("/*", components=[{"/": "/invite/*"}]), "AASA030", "warning"),
        (legacy("/invite/*", components=[{"/": "/*"}]), "AASA030", "info"),
        ({"applinks": {"details": [{"appIDs": [APP]}]}}, "AASA031", "warning"),
        (modern(), "AASA032", "warning"),
        (legacy("NOT /a"), "AASA032", "warning"),
        ({"applinks": {"details": [{"appIDs": [APP], "paths": ["*"]}]}}, "AASA033", "info"),
        (modern({"/": "NOT /a"}), "AASA034", "error"),
        (legacy("not /a", "*"), "AASA035", "error"),
        (legacy("NOT/a", "*"), "AASA035", "error"),
        (legacy("NOT  /a", "*"), "AASA035", "warning"),
        (modern({"/app": "*"}), "AASA040", "error"),
        (modern({"path": "/a"}), "AASA040", "error"),
        (modern({"/": "/a", "exlude": True}), "AASA040", "error"),
        (modern({"/": "/a", "casesensitive": False}), "AASA040", "warning"),
        (modern({"/": "/a", "comments": "x"}), "AASA040", "info"),
        (modern({}), "AASA041", "warning"),
        (modern({"comment": "all of it"}), "AASA041", "warning"),
        (modern({"/": 5}), "AASA042", "error"),
        (modern({"/": "/a", "?": ["x"]}), "AASA042", "error"),
        (modern({"?": {"a": "1", "flag": True}}), "AASA043", "error"),
        (modern({"/": "/a", "exclude": "true"}), "AASA044", "error"),
        (modern({"/": "/a", "caseSensitive": "no"}), "AASA044", "warning"),
        (modern({"/": "/", "?": {"id": "*"}}), "AASA045", "warning"),
        (modern({"/": "/", "?": {}}), "AASA045", "warning"),
        (modern({"/": "/#/market"}), "AASA046", "error"),
        (modern({"/": "https://acme.com/buy/*"}), "AASA046", "error"),
        (modern({"/": "/café"}), "AASA046", "error"),
        (modern({"/": "/a b"}), "AASA046", "error"),
        (modern({"#": "#top"}), "AASA046", "error"),
        (modern({"?": {"a": "1&b=2"}}), "AASA046", "error"),
        (modern({"?": {"a=b": "1"}}), "AASA046", "error"),
        (modern({"/": "/a?x=1"}), "AASA047", "error"),
        (modern({"?": "?a=1"}), "AASA047", "error"),
        (legacy("/github.com/969990431/*"), "AASA048", "warning"),
        (modern({"/": "/caf%c3%a9"}), "AASA049", "warning"),
        (modern({"/": "/a%20b", "percentEncoded": False}), "AASA049", "warning"),
        (modern({"/": "/100%/x"}), "AASA049", "warning"),
        (modern({"/": "/$(food)"}), "AASA050", "error"),
        (modern({"/": "/$(lang"}), "AASA050", "error"),
        (modern({"/": "/$(lang)-$(region)/*"}), "AASA052", "info"),
        (modern({"/": "/user/{id}"}), "AASA053", "warning"),
        (modern({"/": "/user/:id"}), "AASA053", "warning"),
        (modern({"/": "^/(buy|sell)/.*$"}), "AASA053", "warning"),
        (modern({"?": {"utm_*": "?*"}}), "AASA053", "warning"),
        (modern({"/": "/a"}, defaults={"exclude": True}), "AASA054", "warning"),
        (modern({"#": "a"}, defaults={"/": "/a"}), "AASA054", "info"),
        (modern({"/": "/buy/*"}, {"/": "/help/website/*"}, {"/": "/help/*"}), "AASA056", "warning"),
        (modern({"/": "/a", "percentEncoded": False}), "AASA057", "info"),
    ],
)
def test_a_defect_has_its_code_and_weight(document, code, severity):
    assert (code, severity) in said(document)


@pytest.mark.parametrize(
    ("variables", "severity"),
    [({"a(": ["x"]}, "error"), ({"a": ["$(digit)"]}, "error"), ({"lang": ["x"]}, "warning")],
)
def test_a_faulty_substitution_variable_is_reported(variables, severity):
    document = {"applinks": {"details": [], "substitutionVariables": variables}}
    assert ("AASA051", severity) in said(document)


def test_a_variable_with_values_that_no_url_holds_is_reported():
    document = modern({"/": "/$(f)"})
    document["applinks"]["substitutionVariables"] = {"f": ["tête"]}
    assert ("AASA046", "warning") in said(document)


def test_a_finding_says_where_what_and_what_to_write():
    finding = only(modern({"/": "/a"}, {"/app": "*"}), "AASA040")
    assert finding.place.key == "applinks/details/0/components/1//app"
    assert "opens every URL of the host" in finding.what
    assert finding.hint == 'write the path as the value: {"/": "/app"}'


def test_every_code_is_explained_once():
    assert list(CODES) == sorted(CODES)
    assert {finding.code for finding in lint(legacy("not /a", {}), place_of)} <= set(CODES)


# --- rules that are never reached ---


def unreached(document):
    return [f.place.key.split("/", 3)[3] for f in lint(document, place_of) if f.code == "AASA055"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ([{"/": "*"}], {"/": "/a"}),
        ([{"/": "/*"}], {"#": "x"}),
        ([{"/": "/a/*"}], {"/": "/a/b/*"}),
        ([{"/": "/a/*"}], {"/": "/a"}),
        ([{"/": "a/*"}], {"/": "/a/"}),
        ([{"/": "*a*b*"}], {"/": "/xaxxb/*"}),
        ([{"/": "/A/*", "caseSensitive": False}], {"/": "/a/B"}),
        ([{"/": "/$(alnum)"}], {"/": "/$(digit)"}),
        ([{"/": "/$(digit)"}, {"/": "/$(alpha)"}], {"/": "/$(alnum)"}),
        ([{"/": "/??"}], {"/": "/$(region)"}),
        ([{"/": "/a", "?": {"x": "?*"}}], {"/": "/a", "?": {"x": "1", "y": "2"}}),
        ([{"/": "/a", "?": {"x": "*"}}], {"/": "/a"}),
        ([{"/": "/a", "?": "x=*"}], {"/": "/a", "?": "x=1*"}),
        ([{"/": "/a", "#": "*"}], {"/": "/a", "#": "b"}),
        ([{"/": "*"}], {"/": "/é", "percentEncoded": False}),
    ],
)
def test_a_rule_within_earlier_ones_is_reported_with_a_witness(earlier, later):
    document = modern(*earlier, {**later, "exclude": True})
    finding = only(document, "AASA055")
    url = next(word.strip(":;,") for word in finding.what.split() if word.startswith("https:"))
    file = apple.parse(document)
    last = file.entries[0].rules[-1]
    assert finding.severity is Severity.ERROR
    assert Matcher(Target(url), file.variables).matches(last)
    assert decide(file, APP, url, "example.com").rule in file.entries[0].rules[:-1]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ([{"/": "/a"}], {"/": "/a/*"}),
        ([{"/": "/a/?*"}], {"/": "/a/*"}),
        ([{"/": "/a/*"}], {"/": "/ab"}),
        ([{"/": "/A/*"}], {"/": "/a/b"}),
        ([{"/": "/a"}], {"/": "/a", "caseSensitive": False}),
        ([{"/": "/a/*", "percentEncoded": False}], {"/": "/a/*"}),
        ([{"/": "/a", "?": {"x": "1"}}], {"/": "/a"}),
        ([{"/": "/a", "?": {"x": "1"}}], {"/": "/a", "?": {"x": "?"}}),
        ([{"/": "/a", "?": {"x": "1"}}], {"/": "/a", "?": "x=1"}),
        ([{"/": "/a", "#": "?*"}], {"/": "/a"}),
        ([{"/": "/$(digit)"}, {"/": "/$(upper)"}], {"/": "/$(alnum)"}),
        ([{"/": "/$(lang)"}], {"/": "/??"}),
    ],
)
def test_a_rule_with_urls_of_its_own_is_not_reported(earlier, later):
    assert unreached(modern(*earlier, later)) == []


def test_a_catch_all_in_paths_hides_what_follows():
    """Of a real file: the star wins, and NOT excludes nothing."""
    assert unreached(legacy("*", "NOT /x")) == ["paths/1"]


def test_only_entries_of_the_same_apps_hide_each_other():
    other = "Q7JAY4CE8K.com.acme.other"
    entries = [
        {"appIDs": [APP], "components": [{"/": "*"}]},
        {"appIDs": [APP, other], "components": [{"/": "/a"}]},
        {"appIDs": [APP], "components": [{"/": "/b"}]},
    ]
    document = {"applinks": {"details": entries}}
    places = [f.place.key for f in lint(document, place_of) if f.code == "AASA055"]
    assert places == ["applinks/details/2/components/0"]


def test_ten_thousand_rules_are_looked_at_with_bounded_work():
    rules = [{"/": f"*/x{n}/*y"} for n in range(2000)] + [{"/": "/*$(lang)*$(region)*"}] * 20
    assert said(modern(*rules), least=Severity.ERROR) == set()


# --- systems, sizes, entitlements ---


def test_the_features_of_a_document_are_listed_with_their_systems():
    document = legacy("NOT /a", "*", components=[{"/": "/b", "caseSensitive": False}])
    assert [(feature.name, feature.ios) for feature in features(document)] == [
        ("components", "13.0"),
        ("caseSensitive", "13.5"),
        ("NOT in paths", "9.2"),
    ]


@pytest.mark.parametrize(("minimum", "count"), [("12", 3), ("13", 0), ("13.0", 0), ("9", 3)])
def test_features_that_the_oldest_supported_system_lacks_are_warnings(minimum, count):
    found = lint(modern({"/": "/a"}), place_of, min_ios=minimum)
    assert [finding.code for finding in found] == ["AASA057"] * count


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b'{"applinks": {}}', []),
        (b'\xef\xbb\xbf{"applinks": {}}', ["AASA005"]),
        (b'{"applinks": {}}' + b" " * 128_000, ["AASA002"]),
        (b" " * 131_073, ["AASA002"]),
        (b"{'applinks': 1}", ["AASA001"]),
        (b"[]", []),
    ],
)
def test_the_bytes_of_a_file_have_findings_of_their_own(data, codes):
    assert [finding.code for finding in lint_reading(apple.read(data), "aasa")] == codes


def test_entitlements_are_checked_one_by_one():
    texts = [
        "applinks:example.com",
        "applinks:example.com:80",
        "applinks:a.example.com?mode=developer",
    ]
    found = [(f.code, f.place.key) for f in lint_entitlements(texts, place_of)]
    assert found == [("AASA060", "1"), ("AASA061", "2")]
    many = [f"applinks:{n}.example.com" for n in range(31)]
    assert [f.code for f in lint_entitlements(many, place_of)] == ["AASA062"]


def test_what_we_publish_ourselves_has_no_fault():
    shop = App("shop", "Shop", None, IosApp((APP,), None, None, True), True)
    rows = [
        Link(shop, (), "/invite/*"),
        Link(shop, (), "/login-callback/"),
        Link(shop, (), "/a/*", (("token", "*"),), "x"),
        Link(shop, (), "/a/*", (), "x", True),
        Link(shop, (), "/a*"),
    ]
    assert said(apple.build(rows, [shop]), least=Severity.WARNING) == set()
