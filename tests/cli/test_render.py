"""``deeplink render``: the bytes on standard output, and what it says to a slip."""

import json
import os

import pytest
from click.testing import CliRunner
from flask import Flask

from deeplink import config as configuration
from deeplink.cli.folders import WELL_KNOWN
from deeplink.cli.render import render
from deeplink.publication import publish
from deeplink.web import wellknown

CONFIG = """\
hosts = ["links.acme.example", "shop.acme.example"]
alternate_host = "acme.example.net"

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
hosts = ["links.acme.example"]
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "deeplink.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def run(path):
    def run(*arguments):
        return CliRunner().invoke(render, [*arguments, "--config", str(path)])

    return run


@pytest.mark.parametrize(
    ("arguments", "host", "served_at"),
    [
        (["assetlinks"], "links.acme.example", "/.well-known/assetlinks.json"),
        (["apple"], "links.acme.example", "/.well-known/apple-app-site-association"),
        (["apple"], "links.acme.example", "/apple-app-site-association"),
        (["assetlinks.json"], "links.acme.example", "/.well-known/assetlinks.json"),
        (["/apple-app-site-association"], "links.acme.example", "/apple-app-site-association"),
        (
            ["apple", "--host", "shop.acme.example"],
            "shop.acme.example",
            "/.well-known/apple-app-site-association",
        ),
        (
            ["assetlinks", "--host", "Acme.Example.NET."],
            "acme.example.net",
            "/.well-known/assetlinks.json",
        ),
    ],
)
def test_what_is_printed_is_what_the_server_sends(run, path, arguments, host, served_at):
    loaded = configuration.load(path, os.environ, well_known=WELL_KNOWN)
    app = Flask("test")
    app.register_blueprint(wellknown.blueprint(wellknown.prebuild(publish(loaded))))
    sent = app.test_client().get(served_at, headers={"Host": host})
    printed = run(*arguments)
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert (sent.status_code, printed.stdout_bytes) == (200, sent.data)


def test_the_first_host_is_meant_where_none_is_named(run):
    assert json.loads(run("assetlinks").stdout)[0]["target"]["package_name"] == "com.acme.shop"
    assert json.loads(run("assetlinks", "--host", "shop.acme.example").stdout) == []


def test_without_a_name_it_lists_what_is_published(run):
    listed = run("--host", "shop.acme.example")
    assert listed.exit_code == 0
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert rows[0] == ["host", "path", "type", "size", "source"]
    host, kind = "shop.acme.example", "application/json"
    assert [row[:3] + row[4:] for row in rows[1:]] == [
        [host, "/.well-known/apple-app-site-association", kind, "config"],
        [host, "/.well-known/assetlinks.json", kind, "config"],
        [host, "/apple-app-site-association", kind, "config"],
    ]
    assert listed.stdout == run("--host", "shop.acme.example", "--list").stdout


def test_the_list_is_of_all_hosts_and_there_as_json_too(run):
    rows = json.loads(run("--list", "--json").stdout)
    assert {row["host"] for row in rows} == {
        "links.acme.example",
        "shop.acme.example",
        "acme.example.net",
    }
    row = next(
        row
        for row in rows
        if row["host"] == "shop.acme.example" and row["path"].endswith("assetlinks.json")
    )
    assert row == {
        "host": "shop.acme.example",
        "path": "/.well-known/assetlinks.json",
        "type": "application/json",
        "size": len(run("assetlinks", "--host", "shop.acme.example").stdout_bytes),
        "source": "config",
    }


def test_a_slip_in_the_host_is_misuse_and_answered_with_the_nearest(run):
    result = run("apple", "--host", "shop.acme.exampel")
    assert (result.exit_code, result.stdout) == (2, "")
    assert '"shop.acme.exampel" is not a host of the config' in result.stderr
    assert 'did you mean "shop.acme.example"?' in result.stderr


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("/.well-known/assetlink.json", "/.well-known/assetlinks.json"),
        ("aple", "apple"),
        ("assetlink", "assetlinks"),
    ],
)
def test_a_slip_in_the_name_is_misuse_and_answered_with_the_nearest(run, slip, meant):
    result = run(slip)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f'links.acme.example publishes no "{slip}"' in result.stderr
    assert f'did you mean "{meant}"?' in result.stderr


@pytest.mark.parametrize("option", ["--list", "--json"])
def test_a_name_beside_a_list_is_misuse(run, option):
    result = run("apple", option)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "leave out the file's name" in result.stderr


def test_a_config_with_errors_renders_nothing_and_says_why(run, path):
    path.write_text(CONFIG.replace("alternate_host", "alternat_host"))
    result = run("assetlinks")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{path}:" in result.stderr
    assert "error" in result.stderr
    assert "Traceback" not in result.stderr
