"""``deeplink match``: what it prints, to the letter, and what it answers to a slip."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.cli import main
from deeplink.cli.match import match

KEY = (
    "2B:8E:90:5D:11:C4:7F:3A:66:D8:09:E1:B7:54:AC:F2"
    ":1D:83:6E:40:95:CB:72:08:EF:31:5A:C6:9D:04:B2:77"
)
CONFIG = f"""\
hosts = ["links.acme.example"]

[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = ["{KEY}"]

[apps.shop.ios]
app_ids = ["Q7R2M9K4TZ.com.acme.shop"]

[[links]]
path = "/invite/*"
app = "shop"
"""
APPLE = """\
{"applinks": {"details": [
  {"appIDs": ["Q7R2M9K4TZ.com.acme.shop"], "components": [
    {"/": "/buy/*", "?": {"ref": "?*"}}
  ]}
]}}
"""

ASSUMED = """\
taken for granted:
  iOS: the entitlement names applinks:links.acme.example
  Android: the manifest declares https, the host and the paths of the links, in a filter with \
autoVerify
"""
CAVEATS = """\
no file can settle, on iOS:
  the app must be installed, and its entitlement must name the host
  a URL typed into the address bar stays in the browser
  a link to the host that Safari is on stays in Safari
  a person who chose the browser for this host once stays there until they choose the app
  an app that opens its own link itself is sent to the browser
  other browsers and in-app browsers decide for themselves
  devices ask Apple's copy of the file, which may be up to 24 hours old
no file can settle, on Android:
  the app must be installed, from a build that is signed with one of the listed keys
  its manifest must declare the link in a filter with autoVerify, VIEW, DEFAULT and BROWSABLE
  a URL typed into the address bar stays in the browser
  a person can switch the app's links off, or give them to another app, in the settings
  browsers and in-app browsers may follow a link themselves, redirects above all
  a phone checks the host when the app is installed and every few days after that
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deeplink.toml").write_text(CONFIG)

    def run(*arguments, **files):
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content)
        return CliRunner().invoke(match, [*arguments, "--config", "deeplink.toml"])

    return run


def test_a_link_that_opens(run):
    done = run("https://links.acme.example/invite/42")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        """\
https://links.acme.example/invite/42
  iOS 9.2–12           browser  shop has no paths for iOS 12 and older
                         to open it: deeplink.toml:7 apps.shop.ios: write legacy_paths = true
  iOS 13+, Android 6+  opens shop  /invite/*  deeplink.toml:10 links[0]

"""
        + ASSUMED
        + CAVEATS
    )


def test_a_link_that_does_not(run):
    done = run("https://links.acme.example/invit/42")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout == (
        """\
https://links.acme.example/invit/42: no app opens it on a current system
  iOS 9.2–12           browser  shop has no paths for iOS 12 and older
                         to open it: deeplink.toml:7 apps.shop.ios: write legacy_paths = true
  iOS 13+, Android 6+  browser  no link of shop matches
                         nearest: /invite/*  deeplink.toml:10 links[0]
                           "/invite/*" does not match the path "/invit/42"
                         to open it: deeplink.toml:10 links: add [[links]] path = "/invit/*", \
app = "shop"

"""
        + ASSUMED
    )


def test_a_document_of_somebody_else(run):
    done = run("--apple", "aasa.json", "https://acme.com/buy/1", aasa_json=APPLE)
    assert done.exit_code == 1
    assert (
        done.stdout
        == """\
https://acme.com/buy/1: no app opens it on a current system
  iOS 9.2–12  browser  iOS 12 and older read "apps", "appID" and "paths", and not all of them \
are there  aasa.json:2:3 /applinks/details/0
                to open it: add "apps": [] to "applinks", "appID": "Q7R2M9K4TZ.com.acme.shop" to \
the entry, "paths": ["/buy/1"] to the entry
  iOS 13+     browser  no rule of Q7R2M9K4TZ.com.acme.shop matches
                nearest: {"/": "/buy/*", "?": {"ref": "?*"}}  aasa.json:3:5 \
/applinks/details/0/components/0
                  parameter "ref" is absent or empty, which "?*" does not match
                to open it: leave parameter "ref" out of "?"

taken for granted:
  the files are those of the URL's own host
  iOS: the app's entitlement names the host
"""
    )


def test_several_urls_and_one_that_does_not_open(run):
    done = run("https://links.acme.example/invite/1", "https://links.acme.example/x")
    assert done.exit_code == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("https:")] == [
        "https://links.acme.example/invite/1",
        "https://links.acme.example/x: no app opens it on a current system",
    ]
    assert done.stdout.count("taken for granted:") == 1


def test_the_json_form_has_the_documented_shape(run):
    done = run("--json", "https://links.acme.example/invit/42")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"], told["findings"]) == (1, False, [])
    (url,) = told["urls"]
    assert list(url) == ["url", "opens", "notes", "systems", "assumes", "caveats"]
    assert list(url["caveats"]) == ["ios", "android"]
    current = [system for system in url["systems"] if system["current"]]
    assert [system["system"] for system in current] == ["ios-14", "android-12", "android-15"]
    row = {"file": "deeplink.toml", "line": 10, "column": 3, "key": "links[0]", "pointer": ""}
    assert current[0] == {
        "system": "ios-14",
        "name": "iOS 14+",
        "platform": "ios",
        "current": True,
        "opens": "browser",
        "apps": [],
        "answers": [
            {
                "app": "shop",
                "id": "Q7R2M9K4TZ.com.acme.shop",
                "opens": "browser",
                "why": "no link of shop matches",
                "place": None,
                "nearest": {
                    "rule": "/invite/*",
                    "misses": ['"/invite/*" does not match the path "/invit/42"'],
                    "place": row,
                },
                "edit": {
                    "what": 'add [[links]] path = "/invit/*", app = "shop"',
                    "place": row | {"key": "links"},
                },
                "notes": [],
            }
        ],
    }


def test_expectations_that_hold(run):
    text = "opens https://links.acme.example/invite/1\nstays https://links.acme.example/x\n"
    done = run("--expect", "links.txt", links_txt=text)
    assert (done.exit_code, done.stdout) == (0, "links.txt: 2 as expected\n")


def test_expectations_that_do_not_hold(run):
    text = "\nstays https://links.acme.example/invite/1\nopns https://links.acme.example/\n"
    done = run("--expect", "links.txt", links_txt=text)
    assert done.exit_code == 1
    assert (
        done.stdout
        == """\
links.txt:2: error EXP003: https://links.acme.example/invite/1 must stay in the browser, and \
opens shop on iOS 14+, Android 12+: /invite/* (deeplink.toml:10 links[0]); narrow the rule, or \
exclude the URL before it
links.txt:3: error EXP001: "opns" is no expectation; did you mean "opens"?
links.txt: 2 errors; 1 line could be read
"""
    )


def test_expectations_speak_json_too(run):
    text = "stays https://links.acme.example/invite/1\n"
    told = json.loads(run("--json", "--expect", "links.txt", links_txt=text).stdout)
    assert (told["ok"], told["findings"][0]["code"]) == (False, "EXP003")
    assert told["findings"][0]["line"] == 1
    assert told["urls"][0]["url"] == "https://links.acme.example/invite/1"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "there is no URL; write deeplink match https://links.acme.com/invite/42"),
        (["acme.com/a"], '"acme.com/a" has no scheme; write "https://acme.com/a"'),
        (["https://"], '"https://" has no host; write "https://links.acme.com/"'),
        (["https://a.b/", "--host", "a.b"], "--host belongs to files; add --apple FILE or"),
        (["https://a.b/", "--app-id", "X"], "--app-id belongs to files; add --apple FILE or"),
        (
            ["https://a.b/", "--apple", "aasa.json", "--package", "X"],
            "--package and --fingerprint belong to assetlinks.json; add --android FILE",
        ),
        (
            ["https://a.b/", "--android", "links.json", "--app-id", "X"],
            "--app-id belongs to Apple's file; add --apple FILE",
        ),
        (
            ["https://a.b/", "--apple", "missing.json"],
            "missing.json cannot be read (No such file or directory); name another file",
        ),
        (["https://a.b/", "--apple", "."], ". cannot be read (Is a directory)"),
        (["--expect", "missing.txt"], "missing.txt cannot be read (No such file or directory)"),
        (
            ["https://a.b/", "--android", "links.json", "--fingerprint", "AB:CD"],
            "Invalid value for --fingerprint: has 2 octets",
        ),
    ],
)
def test_misuse_is_answered_with_what_to_write(run, arguments, sentence):
    done = run(*arguments, aasa_json=APPLE, links_json="[]")
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_a_fingerprint_may_be_spelled_as_tools_spell_it(run):
    target = {
        "namespace": "android_app",
        "package_name": "com.acme.shop",
        "sha256_cert_fingerprints": [KEY],
    }
    relation = "delegate_permission/common.handle_all_urls"
    document = json.dumps([{"relation": [relation], "target": target}])
    bare = KEY.replace(":", "").lower()
    arguments = ["https://a.b/", "--android", "links.json", "--package", "com.acme.shop"]
    done = run(*arguments, "--fingerprint", bare, links_json=document)
    assert done.exit_code == 0
    other = run(*arguments, "--fingerprint", "00" + bare[2:], links_json=document)
    assert other.exit_code == 1
    assert "lists other keys than the app's" in other.stdout


def test_a_config_with_errors_is_said_and_matches_nothing(run):
    done = run("https://a.b/", deeplink_toml=CONFIG.replace("hosts", "host"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "deeplink.toml:1: error" in done.stderr
    told = json.loads(run("https://a.b/", "--json").stdout)
    assert (told["ok"], told["urls"]) == (False, [])
    assert told["findings"]


def test_nothing_is_coloured_in_a_pipe(run):
    assert "\x1b[" not in run("https://links.acme.example/invite/42").stdout


def test_a_terminal_gets_colours_unless_it_asks_for_none(run, monkeypatch):
    arguments = ["https://links.acme.example/invite/1", "--config", "deeplink.toml"]
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32mopens shop\x1b[0m" in CliRunner().invoke(match, arguments, color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(match, arguments, color=True).stdout


def test_the_command_is_on_the_list():
    words = " ".join(CliRunner().invoke(main, ["--help"]).stdout.split())
    assert "match Say which app opens a URL on each system, or why none does." in words


def test_the_shipped_config_is_answered(run):
    """Its hosts are this machine, which no phone can reach; that is said first."""
    done = CliRunner().invoke(match, ["https://localhost/invite/42"])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].startswith("  note: localhost is this machine: no phone")
    assert "opens production  /invite/*" in done.stdout


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20) | st.text(max_size=20).map("https://localhost/".__add__))
def test_no_url_makes_a_traceback(url):
    done = CliRunner().invoke(match, ["--", url])
    assert done.exit_code in (0, 1, 2)
    assert isinstance(done.exception, SystemExit | None)
