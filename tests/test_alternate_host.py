"""What `check` says about the second host: no file of it may claim the page that it shows."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from deeplink.cli.check import check
from deeplink.config import load
from deeplink.errors import ConfigError

CONFIG = """
hosts = ["links.acme.com"]
alternate_host = "login.acme.net"

[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = ["5D:0C:70:2B:7F:63:8B:3B:4D:7C:41:0E:22:27:95:8C:0B:7C:90:54:8E:F9:B1:7E:A3:7D:44:0A:62:CD:1E:91"]

[apps.shop.ios]
app_ids = ["Q7K2M9X4TB.com.acme.shop"]

[[callbacks]]
path = "/login-callback/"
app = "shop"
"""  # noqa: E501

APPLE = "apple-app-site-association"


def findings(folder, config=CONFIG):
    path = folder / "deeplink.toml"
    path.write_text(config, "utf-8")
    try:
        found = load(path, {}, well_known=folder / "well_known").findings
    except ConfigError as error:
        found = error.findings
    # The linters have their say about these files, too.
    ours = [each for each in found if each.code.startswith(("ALT", "DRP"))]
    return [(each.code, each.severity.value, each.place.file) for each in ours]


def put(folder, name, document):
    path = folder / "well_known" / "login.acme.net" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), "utf-8")


def apple(*components):
    details = [{"appIDs": ["Q7K2M9X4TB.com.acme.shop"], "components": list(components)}]
    return {"applinks": {"details": details}}


def test_the_host_of_the_second_page_is_in_order_when_it_claims_nothing(tmp_path):
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    "components",
    [
        [{"/": "/login-callback/"}],
        [{"/": "/login-callback"}],
        [{"/": "*"}],
        [{"/": "/login-*", "?": {"code": "*"}}],
    ],
)
def test_a_drop_in_for_apple_that_claims_the_page_is_an_error(tmp_path, components):
    put(tmp_path, APPLE, apple(*components))
    where = f"well_known/login.acme.net/{APPLE}"
    assert findings(tmp_path) == [("ALT001", "error", where)]


@pytest.mark.parametrize(
    "components",
    [[{"/": "/invite/*"}], [{"/": "/login-callback/*", "exclude": True}, {"/": "*"}]],
)
def test_a_drop_in_that_leaves_the_page_alone_is_in_order(tmp_path, components):
    put(tmp_path, APPLE, apple(*components))
    assert findings(tmp_path) == []


def test_a_drop_in_for_android_that_hands_over_the_host_is_a_warning(tmp_path):
    """The app's own manifest decides whether it takes the host; this server cannot see it."""
    statement = {
        "relation": ["delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": "com.acme.shop",
            "sha256_cert_fingerprints": [
                "5D:0C:70:2B:7F:63:8B:3B:4D:7C:41:0E:22:27:95:8C:"
                "0B:7C:90:54:8E:F9:B1:7E:A3:7D:44:0A:62:CD:1E:91"
            ],
        },
    }
    put(tmp_path, "assetlinks.json", [statement])
    where = "well_known/login.acme.net/assetlinks.json"
    assert findings(tmp_path) == [("ALT002", "warning", where)]


def test_a_file_for_all_hosts_is_the_second_hosts_too(tmp_path):
    path = tmp_path / "well_known" / APPLE
    path.parent.mkdir()
    path.write_text(json.dumps(apple({"/": "/login-callback/"})), "utf-8")
    # The first host's own file is made from the config, so the drop-in is in its way, too.
    assert [code for code, _, _ in findings(tmp_path)] == ["ALT001", "DRP013"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CONFIG, "point its DNS and its certificate at this server, too"),
        (CONFIG, "keep it out of the apps"),
        (CONFIG.replace('alternate_host = "login.acme.net"', ""), "alternate_host"),
    ],
)
def test_check_says_what_to_set_up(tmp_path, config, expected):
    path = tmp_path / "deeplink.toml"
    path.write_text(config, "utf-8")
    assert expected in CliRunner().invoke(check, [str(path)]).output
