"""The schemas for editors: what is documented passes, what phones and Google refuse fails."""

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from deeplink.association import android_lint, apple_lint
from deeplink.association.android_google import include_of, made_of
from deeplink.findings import Place, has_errors

ID = "ABCDE12345.com.example.app"
KEY = ":".join(["FA"] * 32)
HANDLE = "delegate_permission/common.handle_all_urls"
APP = {
    "namespace": "android_app",
    "package_name": "com.example.app",
    "sha256_cert_fingerprints": [KEY],
}

LINTERS = {"apple": apple_lint.lint, "android": android_lint.lint}
NAMES = {"apple": "apple-app-site-association", "android": "assetlinks"}


def validator(kind):
    path = Path(__file__).parents[2] / "config" / "schemas" / f"{NAMES[kind]}.schema.json"
    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def components(*rules, **more):
    return {"applinks": {"details": [{"appIDs": [ID], "components": list(rules)}], **more}}


def statement(target=APP, relation=HANDLE, **more):
    return [{"relation": [relation], "target": target, **more}]


def rules(*components):
    extension = {HANDLE: {"dynamic_app_link_components": list(components)}}
    return statement(relation_extensions=extension)


@pytest.mark.parametrize("kind", ["apple", "android"])
def test_the_schema_is_one_of_draft_2020_12(kind):
    schema = validator(kind).schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


SUPPORTING = "Apple, Supporting associated domains"
APPLINKS = "Apple, applinks reference"
W19, W20 = "WWDC19 session 717", "WWDC20 session 10098"
TN3155 = "Apple, TN3155"
ARCHIVE = "Apple, archived App Search Programming Guide"

APPLE_DOCUMENTS = [
    (
        SUPPORTING,
        {
            "applinks": {
                "details": [
                    {
                        "appIDs": ["ABCDE12345.com.example.app", "ABCDE12345.com.example.app2"],
                        "components": [
                            {
                                "#": "no_universal_links",
                                "exclude": True,
                                "comment": "Matches any URL with a fragment that equals "
                                "no_universal_links and instructs the system not to open it.",
                            },
                            {"/": "/buy/*", "comment": "Matches any URL with a path of /buy/."},
                            {
                                "/": "/help/website/*",
                                "exclude": True,
                                "comment": "Matches any URL with a path of /help/website/.",
                            },
                            {"/": "/help/*", "?": {"articleNumber": "????"}, "comment": "…"},
                        ],
                    }
                ]
            },
            "webcredentials": {"apps": ["ABCDE12345.com.example.app"]},
            "appclips": {"apps": ["ABCED12345.com.example.MyApp.Clip"]},
        },
    ),
    (APPLINKS, components({"/": "/a", "caseSensitive": False, "percentEncoded": False})),
    (APPLINKS, components({"/": "/a"}, defaults={"caseSensitive": False, "comment": "x"})),
    (
        APPLINKS,
        {
            "applinks": {
                "details": [
                    {
                        "appID": ID,
                        "defaults": {"percentEncoded": False},
                        "components": [{"?": "a=*"}],
                    }
                ]
            }
        },
    ),
    (
        W20,
        components(
            {"/": "/$(lang)/$(Canadian food)/*"},
            substitutionVariables={"Canadian food": ["maple-syrup", "poutine*"]},
        ),
    ),
    (W19, components({"/": "/a", "?": {"token": "?*"}, "#": "*x"})),
    (SUPPORTING, {"webcredentials": {"apps": [ID]}}),
    (SUPPORTING, {"appclips": {"apps": [f"{ID}.Clip"]}}),
    ("Apple, Handoff Programming Guide", {"activitycontinuation": {"apps": [ID]}}),
    ("Apple, CFBundleIdentifier", {"webcredentials": {"apps": ["A1B2C3D4E5.com.my-firm.3d"]}}),
    (
        ARCHIVE,
        {
            "applinks": {
                "apps": [],
                "details": [
                    {
                        "appID": "9JA89QQLNQ.com.apple.wwdc",
                        "paths": ["/wwdc/news/", "NOT /tv/*"],
                    }
                ],
            }
        },
    ),
    (
        "WWDC15 session 509, the oldest form",
        {"applinks": {"apps": [], "details": {"9JA89QQLNQ.com.apple.wwdc": {"paths": ["*"]}}}},
    ),
    (
        W19,
        {
            "applinks": {
                "details": [
                    {"appIDs": [ID], "appID": ID, "paths": ["/a"], "components": [{"/": "/a"}]}
                ]
            }
        },
    ),
    ("swcutil passes over unknown services", {"applinks": {"details": []}, "newservice": {"x": 1}}),
    ("swcutil: a rule without conditions matches everything", components({})),
]


@pytest.mark.parametrize(("source", "document"), APPLE_DOCUMENTS)
def test_what_apple_documents_passes(source, document):
    assert [error.message for error in validator("apple").iter_errors(document)] == [], source


@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("swcutil: the root is an object", []),
        ("a file without any service does nothing", {}),
        ("a misspelt service is none", {"webcredential": {"apps": [ID]}}),
        (SUPPORTING, {"applinks": {"details": [], "webcredentials": {"apps": [ID]}}}),
        (SUPPORTING, {"webcredentials": [ID]}),
        (SUPPORTING, {"webcredentials": {}}),
        (SUPPORTING, {"webcredentials": {"apps": ["com.example.app"]}}),
        (SUPPORTING, {"webcredentials": {"apps": ["abcde12345.com.example.app"]}}),
        (SUPPORTING, {"webcredentials": {"apps": ["ABCDE12345.*"]}}),
        (SUPPORTING, {"applinks": {"details": [{"components": [{"/": "/a"}]}]}}),
        ("swcutil ignores appID beside appIDs", {"applinks": {"details": [{"appIDs": []}]}}),
        (SUPPORTING, {"applinks": {"details": [{"appIDs": ID}]}}),
        (SUPPORTING, {"applinks": {"details": {ID: ["/a"]}}}),
        ("unknown keys widen a rule (swcutil)", components({"path": "/a"})),
        ("unknown keys widen a rule (swcutil)", components({"/app": "*"})),
        ("unknown keys widen a rule (swcutil)", components({"/": "/a", "casesensitive": False})),
        ("a predicate that is no string drops all (swcutil)", components({"?": {"a": True}})),
        (APPLINKS, components({"?": ["a"]})),
        (APPLINKS, components({"/": ["/a"]})),
        (APPLINKS, components({"#": 1})),
        (APPLINKS, components({"/": "/a", "exclude": "true"})),
        (APPLINKS, components({"/": "/a"}, defaults={"caseSensitive": "no"})),
        (ARCHIVE, components({"/": "NOT /a"})),
        (ARCHIVE, {"applinks": {"details": [{"appID": ID, "paths": ["not /a"]}]}}),
        (ARCHIVE, {"applinks": {"details": [{"appID": ID, "paths": ["NOT/a"]}]}}),
        (ARCHIVE, {"applinks": {"details": [{"appID": ID, "paths": [{"/": "/a"}]}]}}),
        (W20, components({"/": "/a"}, substitutionVariables={"a(b)": ["x"]})),
        (W20, components({"/": "/a"}, substitutionVariables={"a": ["$(b)"]})),
        (W20, components({"/": "/a"}, substitutionVariables={"a": "x"})),
    ],
)
def test_what_apples_systems_refuse_drop_or_widen_fails(source, document):
    assert not validator("apple").is_valid(document), source


DETAILS = "google/digitalassetlinks, well-known/details.md"
DYNAMIC = "Android Developers, Configure website associations and dynamic rules"

ANDROID_DOCUMENTS = [
    (DETAILS, []),
    (DETAILS, statement()),
    (DETAILS, statement(relation="delegate_permission/common.get_login_creds")),
    (DETAILS, statement(relation="navigate/yellow_brick_road")),
    (DETAILS, statement({"namespace": "web", "site": "https://www.example.com"})),
    (DETAILS, statement({"namespace": "web", "site": "HTTP://Example.com.:8080"})),
    (DETAILS, [{"include": "https://example.com/includedstatements.json"}]),
    (DETAILS, [*statement(), {"include": "https://example.org/a?b#c", "comment": "x"}]),
    (
        "Android Developers, Verify App Links",
        statement({**APP, "sha256_cert_fingerprints": [KEY, KEY.replace("FA", "0B")]}),
    ),
    (
        DYNAMIC,
        rules(
            {"?": {"dl": "*"}},
            {"#": "app"},
            {"/": "/products/*"},
            {"/": "/shoes", "?": {"in_app": "true"}},
            {"/": "*", "exclude": True, "comments": "the rest stays"},
        ),
    ),
    (DETAILS, statement(comment="what no reader knows is passed over", flags=[True, {"a": "b"}])),
    (
        "web.dev, Is your app installed? getInstalledRelatedApps",
        statement(
            {"namespace": "web", "site": "https://example.com/manifest.json"},
            "delegate_permission/common.query_webapk",
        ),
    ),
]


@pytest.mark.parametrize(("source", "document"), ANDROID_DOCUMENTS)
def test_what_google_documents_passes(source, document):
    assert [error.message for error in validator("android").iter_errors(document)] == [], source


SUITE = "google/digitalassetlinks, compatibility-tests/v1"
AOSP = "AOSP, StatementService"


@pytest.mark.parametrize(
    ("source", "document"),
    [
        (SUITE, {}),
        (SUITE, [{}]),
        (SUITE, ["x"]),
        (SUITE, [{"relation": [HANDLE]}]),
        (SUITE, [{"target": APP}]),
        (SUITE, [{"relation": HANDLE, "target": APP}]),
        (SUITE, [{"relation": [], "target": APP}]),
        (SUITE, statement(relation="handle_all_urls")),
        (SUITE, statement(relation="delegate_permission/Common.x")),
        (SUITE, statement(relation="delegate_permission/*")),
        (SUITE, statement({**APP, "namespace": "ios_app"})),
        (SUITE, statement({**APP, "package_name": "com.my-firm"})),
        (SUITE, statement({**APP, "sha256_cert_fingerprints": KEY})),
        (SUITE, statement({**APP, "sha256_cert_fingerprints": []})),
        (SUITE, statement({**APP, "sha256_cert_fingerprints": [KEY.lower()]})),
        (SUITE, statement({**APP, "sha256_cert_fingerprints": [KEY.replace(":", "")]})),
        (SUITE, statement({**APP, "sha256_cert_fingerprints": [":".join(["FA"] * 20)]})),
        (SUITE, statement({"namespace": "web", "site": "https://example.com/"})),
        (SUITE, statement({"namespace": "web", "site": "https://example.com/a"})),
        (SUITE, statement({"namespace": "web", "site": "example.com"})),
        (SUITE, statement({"namespace": "web", "site": "https://me@example.com"})),
        (SUITE, [{"include": "https://example.com/a.json", "relation": [HANDLE]}]),
        (SUITE, [{"include": "/a.json"}]),
        (AOSP, [{"include": {"paths": ["/a"]}}]),
        (AOSP, statement(version=1)),
        (AOSP, statement({**APP, "note": None})),
        (DYNAMIC, rules({"/": ""})),
        (DYNAMIC, rules({"?": "a=b"})),
        (DYNAMIC, rules({"?": {}})),
        (DYNAMIC, rules({"?": {"a": True}})),
        (DYNAMIC, rules({"/": "/a", "exclude": "true"})),
        (DYNAMIC, rules({"exclude": True})),
        (DYNAMIC, rules({"/": "/a", "caseSensitive": False})),
        (DYNAMIC, rules(["/a"])),
        (DYNAMIC, statement(relation_extensions=[])),
    ],
)
def test_what_googles_readers_refuse_fails(source, document):
    assert not validator("android").is_valid(document), source


def test_the_schema_and_googles_reader_agree_on_the_entries_of_the_vectors(root):
    """Beside two kinds: query_webapk is documented, and a number is lost on phones only."""
    check, disputed = validator("android"), set()
    rows = (root / "tests" / "vectors" / "android-statements.jsonl").read_text("utf-8")
    for line in rows.splitlines():
        document = json.loads(line).get("statements")
        for entry in document if isinstance(document, list) else ():
            is_include = isinstance(entry, dict) and "include" in entry
            is_made = (include_of(entry) if is_include else made_of(entry)) is not None
            if check.is_valid([entry]) is not is_made:
                disputed.add(json.dumps(entry))
    assert all("query_webapk" in e or ": null" in e or ": 1" in e for e in disputed), disputed
    assert len(disputed) < 5


def files_of(kind):
    """Our own samples and, where DEEPLINK_CORPUS names a folder, the files from the field."""
    samples = {"apple": APPLE_DOCUMENTS, "android": ANDROID_DOCUMENTS}
    texts = [json.dumps(document) for _, document in samples[kind]]
    if corpus := os.environ.get("DEEPLINK_CORPUS"):
        paths = sorted(Path(corpus, kind).glob("*.json"))
        texts += [path.read_text("utf-8-sig") for path in paths]
    return texts


@pytest.mark.parametrize("kind", ["apple", "android"])
def test_a_file_that_the_linter_calls_fine_passes(kind):
    check, refused = validator(kind), []
    for text in files_of(kind):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        findings = LINTERS[kind](value, lambda at: Place("file", key=str(at)))
        if not has_errors(findings):
            refused += [f"{error.json_path}: {error.message}" for error in check.iter_errors(value)]
    assert [one for one in refused if "query_webapk" not in one] == []
