"""``deeplink check --online``: what a provider says to the configured key and secret."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import replace

import pytest
import urllib3
from click.testing import CliRunner

from deeplink.cli import main
from deeplink.oauth.proof import Standing, prove
from deeplink.oauth.providers import TIKTOK, Provider, at_sandbox
from deeplink.outbound import Fault, Outbound, Reply, Unanswered
from deeplink.sandbox.tiktok import create_sandbox
from deeplink.secret import Secret
from tests.listening import listening

SECRET = "sandbox-client-secret"


@pytest.fixture
def sandbox(root):
    """Start a strict sandbox that knows these clients; gives its address."""
    with contextlib.ExitStack() as started:

        def start(clients, error_status="200"):
            app = create_sandbox(
                clients, strict=True, error_status=error_status, templates=root / "templates"
            )
            return started.enter_context(listening(app))

        yield start


@pytest.fixture
def check(root, monkeypatch):
    """The command over the shipped config, whose sandbox is at *url*."""
    monkeypatch.chdir(root)
    for name in ("DEEPLINK_CONFIG", "DEEPLINK_HOST", "PORT", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(url, *arguments):
        monkeypatch.setenv("DEEPLINK_SANDBOX_URL", url)
        return CliRunner().invoke(main, ["check", "--online", *arguments])

    return run


def test_right_credentials_are_accepted_and_the_command_ends_with_0(check, sandbox):
    done = check(sandbox({"sandbox-client-key": SECRET}))
    assert done.exit_code == 0
    assert done.output.endswith("tiktok: the provider accepts client_key and client_secret\n")


@pytest.mark.parametrize("error_status", ["200", "rfc"])
def test_a_wrong_secret_is_told_with_its_place_and_ends_with_1(check, sandbox, error_status):
    done = check(sandbox({"sandbox-client-key": "SECRET-another"}, error_status))
    assert done.exit_code == 1
    assert "error CHK010: providers.tiktok" in done.output
    assert "is refused by TikTok, or its client_key is; compare both with the portal" in done.output
    assert SECRET not in done.output


def test_a_provider_that_is_not_there_is_told_apart_from_a_wrong_secret(check):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = check(f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert done.exit_code == 1
    assert "error CHK011: providers.tiktok" in done.output
    assert "the sandbox does not answer (cannot_connect); start it" in done.output


def test_a_program_reads_the_same(check, sandbox):
    told = json.loads(check(sandbox({"sandbox-client-key": SECRET}), "--json").output)
    assert (told["ok"], told["accepted"]) == (True, ["tiktok"])
    told = json.loads(check(sandbox({"other": SECRET}), "--json").output)
    assert (told["ok"], told["accepted"]) == (False, [])
    assert [finding["code"] for finding in told["findings"]] == ["CHK010"]


def test_without_the_switch_nobody_is_asked(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("DEEPLINK_SANDBOX_URL", "http://127.0.0.1:1")
    done = CliRunner().invoke(main, ["check"])
    assert (done.exit_code, "accepts" in done.output) == (0, False)


OURS = Provider(
    key="tiktok",
    preset=TIKTOK,
    client_key="awkey",
    client_secret=Secret("SECRET-client"),
    redirect_uri="https://app.example.com/login-callback/",
    sandbox=False,
)


def judged(answer, provider=OURS):
    calls = []

    def send(url, fields, **options):
        calls.append((url, fields))
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return Reply(status, {}, json.dumps(body).encode())

    return prove(provider, send), calls


def test_the_proof_sends_key_secret_and_the_grant_and_nothing_else():
    token = {"access_token": "clt.SECRET", "expires_in": 7200, "token_type": "Bearer"}
    proof, calls = judged((200, token))
    assert proof.standing is Standing.ACCEPTED
    assert calls == [
        (
            "https://open.tiktokapis.com/v2/oauth/token/",
            [
                ("client_key", "awkey"),
                ("client_secret", "SECRET-client"),
                ("grant_type", "client_credentials"),
            ],
        )
    ]
    assert "SECRET" not in repr(proof)


@pytest.mark.parametrize(
    ("answer", "standing", "part"),
    [
        ((200, {"error": "invalid_client"}), Standing.REFUSED, "refused by TikTok"),
        ((401, {"error": "invalid_client"}), Standing.REFUSED, "refused by TikTok"),
        ((400, {"error": "unauthorized_client"}), Standing.REFUSED, "refused by TikTok"),
        (
            (
                200,
                {
                    "error": "invalid_request",
                    "error_description": "Client secret is missed in request.",
                },
            ),
            Standing.REFUSED,
            "refused by TikTok",
        ),
        ((200, {"error": "server_error"}), Standing.UNCLEAR, "answered server_error (HTTP 200)"),
        ((200, {"error": "SECRET-odd"}), Standing.UNCLEAR, "answered unknown_error"),
        ((502, ["SECRET"]), Standing.UNCLEAR, "answered nothing readable (HTTP 502)"),
        (Unanswered(Fault.NAME, sent=False), Standing.UNREACHABLE, "(name_not_found)"),
        (Unanswered(Fault.TLS, sent=False), Standing.UNREACHABLE, "(tls_failed)"),
        (Unanswered(Fault.TIMEOUT, sent=True), Standing.UNREACHABLE, "(timeout)"),
        (Unanswered(Fault.REDIRECT, sent=True), Standing.UNREACHABLE, "(redirect)"),
    ],
)
def test_each_answer_has_its_words(answer, standing, part):
    proof, _ = judged(answer)
    assert proof.standing is standing
    assert part in proof.what
    assert proof.hint
    assert "SECRET" not in repr(proof)


def test_a_provider_without_the_grant_is_not_asked():
    preset = replace(TIKTOK, client_credentials=False)
    proof, calls = judged((200, {}), replace(OURS, preset=preset))
    assert (proof.standing, calls) == (Standing.UNPROVABLE, [])


def test_the_sandbox_takes_what_the_proof_sends(sandbox):
    preset = at_sandbox(TIKTOK, sandbox({"awkey": "SECRET-client"}))
    outbound = Outbound(1)
    proof = prove(replace(OURS, preset=preset, sandbox=True), outbound.send)
    outbound.close()
    assert proof.standing is Standing.ACCEPTED


@pytest.mark.parametrize(
    ("mischief", "code", "part"),
    [
        ({"kind": "server_error"}, "CHK012", "answered server_error"),
        ({"kind": "temporarily_unavailable"}, "CHK012", "answered temporarily_unavailable"),
        ({"kind": "rate_limit"}, "CHK012", "answered rate_limit_exceeded"),
        ({"kind": "malformed_json"}, "CHK012", "answered nothing readable"),
        ({"kind": "html"}, "CHK012", "answered nothing readable (HTTP 502)"),
        ({"kind": "empty"}, "CHK012", "answered nothing readable"),
        ({"kind": "redirect"}, "CHK011", "(redirect)"),
        ({"kind": "huge_body", "size": 1_000_000}, "CHK011", "(too_large)"),
        ({"kind": "gzip_bomb", "size": 10_000_000}, "CHK011", "(too_large)"),
        ({"kind": "drop"}, "CHK011", "(connection_broken)"),
        ({"kind": "truncated"}, "CHK011", "(connection_broken)"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
def test_each_bad_day_has_its_words_and_ends_with_1(check, sandbox, mischief, code, part):
    url = sandbox({"sandbox-client-key": SECRET})
    with urllib3.PoolManager() as pool:
        order = {"endpoint": "token", "calls": 1} | mischief
        assert pool.request("POST", f"{url}/__sandbox__/mischief", json=order).status == 200
    done = check(url)
    assert done.exit_code == 1
    [line] = [line for line in done.output.splitlines() if f"error {code}: " in line]
    assert part in line
    assert "; " in line  # what to do
    assert SECRET not in done.output
