"""The docs tell the truth: every command, route, metric and error code has its place there."""

from __future__ import annotations

import re

import pytest

from deeplink import errors, places
from deeplink.association import android_lint, apple_lint, convert
from deeplink.cli import COMMANDS, check
from deeplink.journey import expectations
from deeplink.metrics import Metrics
from deeplink.oauth.vault import KEPT_FOR, Purpose
from deeplink.web import exchange, failures
from deeplink.web.wiring import create_app


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def app(root):
    from deeplink import config

    loaded = config.load(root / "config" / "deeplink.toml", {}, well_known=root / "well_known")
    return create_app(loaded, root=root)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(readme, command):
    assert re.search(rf"-m deeplink {command}\b", readme)


def test_every_route_is_in_the_readme(app, readme):
    ours = {rule.rule for rule in app.url_map.iter_rules()} - {
        "/web-login/",  # likewise
        "/pretend-app/",  # only beside the sandbox; the front page leads there
        "/login-callback",  # told with its slash form
        "/invite/<path:_>",  # the config's own
    }
    # What a route's variable part is called in the README.
    words = {"<provider>": "tiktok", "<any(exchange, refresh, revoke):verb>": "exchange"}
    for part, word in words.items():
        ours = {rule.replace(part, word) for rule in ours}
    missing = {rule for rule in ours if rule not in readme and "<" not in rule}
    declared = {"/invite", "/product", "/invite/", "/product/"}
    assert missing - declared == set()


def test_every_metric_is_in_the_readme(readme):
    names = {family.name for family in Metrics().registry.collect()}
    assert {name for name in names if name not in readme} == set()


def subclasses(kind):
    yield kind
    for sub in kind.__subclasses__():
        yield from subclasses(sub)


def test_every_error_has_a_code_of_its_own():
    codes = [kind.code for kind in subclasses(errors.DeeplinkError)]
    assert len(codes) == len(set(codes))


def test_every_error_that_can_reach_the_edge_has_a_status():
    """ConfigError stops the start, Unanswered becomes ProviderSilent: neither gets there."""
    inner = {errors.DeeplinkError, errors.LoginError, errors.ConfigError, errors.Unanswered}
    reaching = set(subclasses(errors.DeeplinkError)) - inner
    told = set(failures.STATUS) | {key for key in exchange.STATUS if isinstance(key, type)}
    assert reaching - told == set()


def test_every_status_of_the_exchange_is_in_the_readme(readme):
    table = readme.partition("| status | `error`")[2].partition("\n\n")[0]
    missing = {status for status in exchange.STATUS.values() if str(status) not in table}
    assert missing == set()


@pytest.mark.parametrize("module", [apple_lint, android_lint, convert, places, check, expectations])
def test_every_finding_of_a_document_has_its_row(root, module):
    text = (root / "docs" / "findings.md").read_text("utf-8")
    rows = [f"| {code} | {meaning} |" for code, meaning in module.CODES.items()]
    assert [row for row in rows if row not in text] == []


def test_the_page_for_apps_says_how_long_an_answer_is_kept(root):
    page = (root / "docs" / "exchange.md").read_text("utf-8")
    code, refresh = KEPT_FOR[Purpose.EXCHANGE], KEPT_FOR[Purpose.REFRESH]
    assert f"for {code:.0f} seconds (a refresh: {refresh:.0f}) it gets the same answer" in page


def test_the_hook_of_the_page_for_apps_lets_in_whom_it_proves_and_nobody_else(root):
    from deeplink import config

    page = (root / "docs" / "exchange.md").read_text("utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    nowhere = {"DEEPLINK_SANDBOX_URL": "http://127.0.0.1:1"}
    loaded = config.load(root / "config" / "deeplink.toml", nowhere, well_known=root / "well_known")
    names = {
        "create_app": create_app,
        "loaded": loaded,
        "ROOT": root,
        "verify": lambda token, digest: token == "good" and len(digest) == 32,
    }
    exec(example, names)  # noqa: S102 - our own page
    client = names["app"].test_client()

    def ask(token):
        return client.post(
            "/api/tiktok/revoke",
            base_url="http://127.0.0.1",
            json={"token": "act.x"},
            headers={"X-Attestation": token},
        )

    refused = ask("forged")
    assert (refused.status_code, refused.json["error"]) == (403, "unauthorized_client")
    assert refused.json["error_description"] == "This app could not prove what it is."
    # Nobody is there; who comes so far was let in.
    assert ask("good").status_code == 504
