"""``deeplink check``: what it prints, in which form, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from deeplink.cli import COMMANDS, main

BROKEN = """\
hosts = ["Links.Acme.com"]

[apps.shop.ios]
app_ids = ["com.acme.shop"]
"""

LINES = [
    'broken.toml:1: error CFG021: hosts[0] "Links.Acme.com" is not in lower case; '
    'write "links.acme.com"',
    'broken.toml:4: error CFG031: apps.shop.ios.app_ids[0] "com.acme.shop" has no 10-character '
    'prefix; write "ABCDE12345.com.acme.shop" with your own prefix; developer.apple.com shows it '
    "under Identifiers as App ID Prefix",
]

FINGERPRINT = (
    "9E:21:5A:F8:0B:6C:44:D3:17:8E:B2:60:CA:75:39:FE"
    ":14:A9:82:5D:E7:30:4B:96:C1:68:0F:BD:23:74:DA:8C"
)

STATEMENTS = [
    {
        "relation": ["delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": "com.acme.shop",
            "sha256_cert_fingerprints": [FINGERPRINT],
        },
    }
]

APPLE = {
    "applinks": {
        "details": [{"appIDs": ["Q7K2M9X4TB.com.acme.shop"], "components": [{"/": "/product/*"}]}]
    }
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command in an empty folder and without the variables that this machine may have."""
    monkeypatch.chdir(tmp_path)
    for name in ("DEEPLINK_CONFIG", "DEEPLINK_HOST", "PORT", "DEEPLINK_SANDBOX_URL"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(main, ["check", *arguments])


def test_the_shipped_config_passes_and_check_says_what_it_serves(run):
    result = run()
    assert result.exit_code == 0
    assert result.output.splitlines()[0].endswith("nothing to object to; it serves")
    for words in ("127.0.0.1", "app.deeplink.demo", "/invite/* → production", "the sandbox"):
        assert words in result.output


def test_each_finding_is_one_line_with_file_and_line(run, tmp_path):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    result = run("--config", "broken.toml")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        *LINES,
        "deeplink: 2 errors; write what the lines say and run deeplink check again",
    ]
    assert result.stderr == ""


def test_a_toml_file_may_stand_as_an_argument(run, tmp_path):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    assert run("broken.toml").stdout.splitlines()[:2] == LINES


def test_the_environment_names_another_config(run, tmp_path, monkeypatch):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    monkeypatch.setenv("DEEPLINK_CONFIG", str(tmp_path / "broken.toml"))
    assert run().stdout.splitlines()[:2] == LINES


def test_a_config_outside_the_working_directory_has_its_whole_path(run, tmp_path, monkeypatch):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("--config", "../broken.toml").stdout.startswith("../broken.toml:1: error CFG021")


def test_json_has_every_finding_with_its_place(run, tmp_path):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    result = run("--config", "broken.toml", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["ok"] is False
    assert report["served"] == []
    assert report["findings"][0] == {
        "file": "broken.toml",
        "line": 1,
        "column": 10,
        "key": "hosts[0]",
        "severity": "error",
        "code": "CFG021",
        "what": '"Links.Acme.com" is not in lower case',
        "hint": 'write "links.acme.com"',
        "engines": [],
    }


def test_json_of_a_good_config_says_what_is_served(run):
    result = run("--json")
    (served,) = json.loads(result.stdout)["served"]
    assert result.exit_code == 0
    assert served["hosts"] == ["127.0.0.1", "localhost"]
    assert served["callbacks"] == ["/login-callback/ → production, staging, provider tiktok"]


def test_warnings_alone_do_not_fail(run, tmp_path):
    (tmp_path / "empty.toml").write_text('hosts = ["localhost"]\n', "utf-8")
    result = run("--config", "empty.toml")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "empty.toml:1: warning CFG043: apps has no app, so no link opens one; "
        "write a table [apps.NAME]",
        "empty.toml: 1 warning; it serves",
    ]


def test_a_missing_config_is_a_finding_and_no_traceback(run):
    result = run("--config", "nowhere.toml")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == (
        "nowhere.toml: error CFG002: cannot be read (No such file or directory); "
        "name another file with --config or DEEPLINK_CONFIG"
    )


def test_misuse_ends_with_two_and_speaks_on_standard_error(run):
    result = run("--jason")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--json" in result.stderr


def test_association_files_are_known_by_what_is_in_them(run, tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(STATEMENTS), "utf-8")
    (tmp_path / "two").write_text(json.dumps(APPLE), "utf-8")
    result = run("one.json", "two")
    assert result.exit_code == 0
    assert "error" not in result.stdout


def test_a_broken_association_file_is_named_with_line_and_cause(run, tmp_path):
    text = json.dumps(APPLE, indent=1).replace('"/product/*"', '"/product/*",')
    (tmp_path / "apple-app-site-association").write_text(text, "utf-8")
    result = run("apple-app-site-association")
    assert result.exit_code == 1
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "/product/*" in row)
    assert result.stdout.splitlines()[0] == (
        f"apple-app-site-association:{line}: error JSON001: has a comma before the closing }}; "
        "remove the comma"
    )


def test_the_linters_speak_with_lines(run, tmp_path):
    text = json.dumps(STATEMENTS, indent=1).replace(FINGERPRINT, FINGERPRINT.lower())
    (tmp_path / "assetlinks.json").write_text(text, "utf-8")
    result = run("assetlinks.json")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if FINGERPRINT.lower() in row)
    assert result.exit_code == 1
    assert f"assetlinks.json:{line}: error " in result.stdout


def test_a_name_that_stands_twice_is_a_warning(run, tmp_path):
    text = json.dumps(APPLE).replace('"applinks"', '"applinks": {}, "applinks"')
    (tmp_path / "aasa.json").write_text(text, "utf-8")
    assert "aasa.json:1: warning JSON003: applinks stands twice" in run("aasa.json").stdout


@pytest.mark.parametrize(
    ("text", "code"), [('{"name": "x"}', "CHK002"), ('"text"', "CHK002"), (None, "CHK001")]
)
def test_a_file_that_is_no_association_file_is_refused(run, tmp_path, text, code):
    if text is not None:
        (tmp_path / "x.json").write_text(text, "utf-8")
    result = run("x.json")
    assert result.exit_code == 1
    assert f" error {code}: " in result.stdout


def test_no_colours_where_there_is_no_terminal(run, tmp_path):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    assert "\x1b" not in run("--config", "broken.toml").output


def test_colours_on_a_terminal_unless_they_are_refused(tmp_path, monkeypatch):
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    arguments = ["check", "--config", "broken.toml"]
    assert "\x1b[31merror\x1b[0m CFG021" in CliRunner().invoke(main, arguments, color=True).output
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, arguments, color=True).output


def test_an_unknown_command_is_misuse_with_a_suggestion():
    result = CliRunner().invoke(main, ["chek"])
    assert result.exit_code == 2
    assert 'did you mean "check"?' in result.stderr


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_exists_and_says_the_same_of_itself(name):
    command = getattr(import_module(f"deeplink.cli.{name}"), name)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_help_imports_no_command(root):
    script = (
        "import sys\n"
        "from deeplink.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('deeplink.')], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "['deeplink.cli']"
    assert "check" in done.stdout


def test_the_module_is_the_command(root):
    done = subprocess.run(
        [sys.executable, "-m", "deeplink", "--version"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("deeplink 0.")
