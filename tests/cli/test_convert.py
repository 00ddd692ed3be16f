"""``deeplink convert``: sessions, word for word."""

import json

import pytest
from click.testing import CliRunner

from deeplink.cli.convert import convert

KEY = ":".join(["2B"] * 32)

APPLE = """\
{"applinks": {"details": [
  {"appIDs": ["Q7R2M9K4TZ.com.acme.shop"], "components": [
    {"/": "/invite/*"},
    {"/": "/search", "?": "q=1"}
  ]}
]}}
"""

ANDROID = """\
[
  {
    "relation": ["delegate_permission/common.handle_all_urls"],
    "target": {"namespace": "android_app", "package_name": "com.acme.shop",
      "sha256_cert_fingerprints": ["KEY"]},
    "relation_extensions": {"delegate_permission/common.handle_all_urls": {
      "dynamic_app_link_components": [
        {"/": "/a/*/c*"},
        {"/": "*", "exclude": true}
      ]
    }}
  }
]
""".replace("KEY", KEY)


@pytest.fixture
def run(tmp_path, monkeypatch):
    def run(text, *arguments):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file.json").write_text(text, "utf-8")
        return CliRunner().invoke(convert, ["file.json", *arguments])

    return run


def test_rules_go_to_standard_output_and_losses_to_standard_error(run):
    result = run(APPLE, "--to", "android")
    assert result.exit_code == 1
    assert result.stdout == (
        "{\n"
        '  "dynamic_app_link_components": [\n'
        "    {\n"
        '      "/": "/invite/*"\n'
        "    },\n"
        "    {\n"
        '      "/": "/invite"\n'
        "    }\n"
        "  ]\n"
        "}\n"
    )
    assert result.stderr.splitlines() == [
        "file.json:4: error CNV001: applinks.details[0].components[1] wants the whole query to be "
        '"q=1", and Android looks at single parameters; it is left out; write "?": {"q": "1"} '
        "yourself if more may stand beside it",
        "file.json:4: warning CNV004: applinks.details[0].components[1] lets "
        "https://example.com/search?q=1 open the app on Apple's systems only; as said above; the "
        "translation opens less",
    ]


def test_a_translation_without_an_error_is_a_success(run):
    result = run(ANDROID, "--to", "apple")
    assert (result.exit_code, json.loads(result.stdout)) == (
        0,
        {"components": [{"/": "/a/*/c*"}, {"/": "*", "exclude": True}]},
    )
    assert result.stderr == (
        "file.json:8: warning CNV004: [0].relation_extensions."
        '"delegate_permission/common.handle_all_urls".dynamic_app_link_components[0] lets '
        "https://example.com/a/x/x/c open the app on Apple's systems only; Apple's * takes all it "
        "can, Android's stops at what follows it in the pattern; the translation opens more\n"
    )


def test_a_whole_assetlinks_json_is_made_for_a_package_and_its_key(run):
    result = run(APPLE, "--to", "android", "--package", "com.acme.shop", "--fingerprint", KEY)
    (made,) = json.loads(result.stdout)
    assert made["target"] == {
        "namespace": "android_app",
        "package_name": "com.acme.shop",
        "sha256_cert_fingerprints": [KEY],
    }


def test_a_whole_association_file_is_made_for_app_ids(run):
    made = json.loads(run(ANDROID, "--to", "apple", "--app-id", "Q7R2M9K4TZ.com.acme.a").stdout)
    assert made["applinks"]["details"][0]["appIDs"] == ["Q7R2M9K4TZ.com.acme.a"]


def test_result_and_findings_are_there_as_one_json_object(run):
    report = json.loads(run(APPLE, "--to", "android", "--json").stdout)
    assert list(report) == ["result", "findings"]
    assert [(f["code"], f["line"]) for f in report["findings"]] == [("CNV001", 4), ("CNV004", 4)]


TWO = """\
{"applinks": {"details": [
  {"appIDs": ["Q7R2M9K4TZ.com.acme.a"], "components": [{"/": "/a*"}]},
  {"appIDs": ["Q7R2M9K4TZ.com.acme.b"], "components": [{"/": "/b*"}]}
]}}
"""


def test_of_several_apps_one_is_named(run):
    result = run(TWO, "--to", "android", "--app-id", "Q7R2M9K4TZ.com.acme.b")
    assert json.loads(result.stdout) == {"dynamic_app_link_components": [{"/": "/b*"}]}


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (TWO, ["--to", "android"], "have different rules; name one with --app-id: Q7R2M9K4TZ"),
        (APPLE, ["--to", "apple"], "is an apple-app-site-association, which is Apple's file"),
        (ANDROID, ["--to", "android"], "is an assetlinks.json, which is Android's file already"),
        (APPLE, ["--to", "windows"], "'windows' is not one of 'android', 'apple'"),
        (APPLE, ["--to", "android", "--package", "a.b"], "needs both --package and --fingerprint"),
        (APPLE, ["--to", "android", "--app-id", "Q7R2M9K4TZ.com.acme.sho"], "did you mean"),
        (ANDROID, ["--to", "apple", "--package", "x.y"], 'names no "x.y"'),
        (ANDROID, ["--to", "apple", "--fingerprint", KEY], "Apple's file has no keys"),
        ("[]", ["--to", "apple"], "names no app that opens links"),
        ("{", ["--to", "apple"], "file.json:1: error JSON001"),
    ],
)
def test_what_cannot_be_converted_is_misuse_and_says_why(run, text, arguments, said):
    result = run(text, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
