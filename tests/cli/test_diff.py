"""``deeplink diff``: sessions, word for word."""

import contextlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from deeplink.cli.diff import diff

OLD = """\
{"applinks": {"details": [
  {"appIDs": ["Q7R2M9K4TZ.com.acme.shop"], "components": [
    {"/": "/invite/*"},
    {"/": "/help/*", "exclude": true},
    {"/": "*", "?": {"q": "?*"}}
  ]}
]}}
"""

CONFIG = """\
hosts = ["links.acme.example", "go.acme.example"]

[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = [
  "2B:8E:90:5D:11:C4:7F:3A:66:D8:09:E1:B7:54:AC:F2:1D:83:6E:40:95:CB:72:08:EF:31:5A:C6:9D:04:B2:77",
]

[apps.shop.ios]
app_ids = ["Q7R2M9K4TZ.com.acme.shop"]

[[links]]
path = "/invite/*"
app = "shop"
"""

STATEMENTS = """\
[
  {
    "relation": ["delegate_permission/common.handle_all_urls"],
    "target": {
      "namespace": "android_app",
      "package_name": "com.acme.shop",
      "sha256_cert_fingerprints": [
        "2B:8E:90:5D:11:C4:7F:3A:66:D8:09:E1:B7:54:AC:F2:1D:83:6E:40:95:CB:72:08:EF:31:5A:C6:9D:04:B2:77"
      ]
    },
    "relation_extensions": {"delegate_permission/common.handle_all_urls": {
      "dynamic_app_link_components": [{"/": "/a/*"}, {"/": "/b"}]
    }}
  }
]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command in an empty folder that has the files of *texts*."""

    def run(*arguments, **texts):
        monkeypatch.chdir(tmp_path)
        for name, text in texts.items():
            (tmp_path / name.replace("_", ".")).write_text(text, "utf-8")
        return CliRunner().invoke(diff, [*arguments])

    return run


def test_the_same_in_other_words_is_the_same(run):
    new = json.dumps(json.loads(OLD.replace("/invite/*", "invite/*")), sort_keys=True)
    result = run("old.json", "new.json", old_json=OLD, new_json=new)
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "deeplink: the meaning is the same\n",
        "",
    )


def test_a_difference_is_one_line_with_a_url_and_both_places(run):
    new = OLD.replace("/help/*", "/help*").replace("/invite/*", "/in/*")
    result = run("old.json", "new.json", old_json=OLD, new_json=new)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "apple: Q7R2M9K4TZ.com.acme.shop opens https://example.com/in in new.json only "
        "(new.json:3: applinks.details[0].components[0] matches; old.json: no rule matches)",
        "apple: Q7R2M9K4TZ.com.acme.shop opens https://example.com/helpx?q=x in old.json only "
        "(old.json:5: applinks.details[0].components[2] matches; "
        "new.json:4: applinks.details[0].components[1] excludes)",
        "apple: Q7R2M9K4TZ.com.acme.shop opens https://example.com/invite in old.json only "
        "(old.json:3: applinks.details[0].components[0] matches; new.json: no rule matches)",
        "deeplink: 3 differences",
    ]


def test_statements_and_dynamic_rules_are_compared_too(run):
    new = STATEMENTS.replace('handle_all_urls"],', 'handle_all_urls", "a/b"],')
    new = new.replace('{"/": "/b"}', '{"/": "/b*"}')
    result = run("a.json", "b.json", "--host", "go.acme.example", a_json=STATEMENTS, b_json=new)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "google_dal_api, aosp_15plus, chromium: com.acme.shop: a/b, key 2B:8E:90:5D:11:C4:7F:3A:66:"
        "D8:09:E1:B7:54:AC:F2:1D:83:6E:40:95:CB:72:08:EF:31:5A:C6:9D:04:B2:77, in b.json only "
        "(b.json:2)",
        "aosp_15plus: com.acme.shop opens https://go.acme.example/bx in b.json only "
        "(b.json:12: dynamic_app_link_components[1] matches; "
        "a.json:12: no rule matches)",
        "deeplink: 2 differences",
    ]


def test_two_configs_are_compared_in_both_files_and_equal_hosts_said_once(run):
    new = CONFIG.replace("/invite/*", "/invites/*")
    result = run("old.toml", "new.toml", old_toml=CONFIG, new_toml=new)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "apple: Q7R2M9K4TZ.com.acme.shop opens https://links.acme.example/invite in old.toml only "
        "(old.toml: applinks.details[0].components[0] matches; new.toml: no rule matches) "
        "(and the same for go.acme.example)",
        "apple: Q7R2M9K4TZ.com.acme.shop opens https://links.acme.example/invites in new.toml only "
        "(new.toml: applinks.details[0].components[0] matches; old.toml: no rule matches) "
        "(and the same for go.acme.example)",
        "deeplink: 2 differences",
    ]


def test_a_host_that_is_no_more_loses_everything(run):
    new = CONFIG.replace(', "go.acme.example"', "")
    result = run("old.toml", "new.toml", "--json", old_toml=CONFIG, new_toml=new)
    report = json.loads(result.stdout)
    assert {(d["document"], *d["hosts"]) for d in report["differences"]} == {
        ("apple-app-site-association", "go.acme.example"),
        ("assetlinks.json", "go.acme.example"),
    }


def test_a_file_is_compared_with_what_a_config_publishes(run):
    written = '{"applinks": {"details": {"Q7R2M9K4TZ.com.acme.shop": {"paths": ["/invite/*"]}}}}'
    result = run("live.json", "c.toml", live_json=written, c_toml=CONFIG)
    assert (result.exit_code, result.stdout) == (0, "deeplink: the meaning is the same\n")


def test_the_differences_are_there_as_json(run):
    result = run(
        "old.json", "new.json", "--json", old_json=OLD, new_json=OLD.replace("/invite/*", "/*")
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "same": False,
        "differences": [
            {
                "document": "apple-app-site-association",
                "hosts": ["example.com"],
                "engines": ["apple"],
                "change": "opens",
                "subject": "Q7R2M9K4TZ.com.acme.shop",
                "witness": "https://example.com/",
                "old": {"file": "old.json", "line": 0, "key": "", "what": "no rule matches"},
                "new": {
                    "file": "new.json",
                    "line": 3,
                    "key": "applinks.details[0].components[0]",
                    "what": "applinks.details[0].components[0] matches",
                },
            },
            {
                "document": "apple-app-site-association",
                "hosts": ["example.com"],
                "engines": ["apple"],
                "change": "opens",
                "subject": "Q7R2M9K4TZ.com.acme.shop",
                "witness": "https://example.com/help",
                "old": {
                    "file": "old.json",
                    "line": 4,
                    "key": "applinks.details[0].components[1]",
                    "what": "applinks.details[0].components[1] excludes",
                },
                "new": {
                    "file": "new.json",
                    "line": 3,
                    "key": "applinks.details[0].components[0]",
                    "what": "applinks.details[0].components[0] matches",
                },
            },
        ],
        "undecided": [],
    }


def test_what_is_not_decided_is_said_and_is_no_success(run):
    hard = [{"/": f"*{letter}?????????{letter}*"} for letter in "abc"]
    one, two = (
        json.dumps({"applinks": {"details": [{"appIDs": ["A"], "components": order}]}})
        for order in (hard, hard[::-1])
    )
    result = run("one.json", "two.json", one_json=one, two_json=two)
    assert (result.exit_code, result.stdout) == (
        1,
        "apple: A: not decided: 3 and 3 rules with too many combinations to look at all of "
        "them\ndeeplink: 1 not decided\n",
    )


def test_ios_12_is_asked_on_demand(run):
    paths = '{"applinks": {"apps": [], "details": [{"appID": "A", "paths": ["/a"]}]}}'
    rules = '{"applinks": {"details": [{"appIDs": ["A"], "components": [{"/": "/a"}]}]}}'
    texts = {"one_json": paths, "two_json": rules}
    assert run("one.json", "two.json", **texts).exit_code == 0
    result = run("one.json", "two.json", "--ios-12", **texts)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        1,
        "apple_ios_12: A opens https://example.com/a in one.json only "
        "(one.json:1: applinks.details[0].paths[0] matches; two.json: no entry names the app)",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["old.json", "none.json"], "none.json: error CHK001: cannot be read (No such file"),
        (["old.json", "bad.json"], "bad.json:1: error JSON001:"),
        (["old.json", "other.json"], "other.json: error CHK002: is neither an assetlinks.json"),
        (["old.json", "a.json"], "are two different files; translate one with deeplink convert"),
        (["old.json", "c.toml", "--host", "x.example"], 'neither side has "x.example"'),
        (["old.json"], "Missing argument 'NEW'"),
    ],
)
def test_what_cannot_be_compared_is_misuse_and_says_why(run, arguments, said):
    result = run(
        *arguments,
        old_json=OLD,
        bad_json='{"applinks": }',
        other_json='{"a": 1}',
        a_json=STATEMENTS,
        c_toml=CONFIG,
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@contextlib.contextmanager
def served(folder):
    """The files of *folder* on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_is_fetched_and_its_host_is_in_the_witness(run, tmp_path):
    run("old.json", "new.json", old_json=OLD, new_json=OLD.replace("/invite/*", "/x"))
    with served(tmp_path) as address:
        result = run(f"{address}/old.json", "new.json")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == (
        "apple: Q7R2M9K4TZ.com.acme.shop opens https://127.0.0.1/x in new.json only "
        f"(new.json:3: applinks.details[0].components[0] matches; {address}/old.json: "
        "no rule matches)"
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [("/none.json", "answers 404, and phones take nothing but 200"), ("/sub", "(redirect)")],
)
def test_an_address_is_read_as_a_phone_would(run, tmp_path, path, said):
    (tmp_path / "sub").mkdir()
    with served(tmp_path) as address:
        result = run(f"{address}{path}", "old.json", old_json=OLD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{address}{path}: error CHK001: " in result.stderr
    assert said in result.stderr


def test_an_address_without_https_is_never_called(run):
    result = run("http://links.acme.example/x", "old.json", old_json=OLD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be fetched (address_not_allowed)" in result.stderr
