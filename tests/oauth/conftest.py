"""A provider that plays a script, and the configured TikTok that asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
import urllib3

from deeplink.oauth.exchange import Exchange
from deeplink.oauth.providers import TIKTOK, Provider
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Vault
from deeplink.outbound import Reply, Unanswered
from deeplink.secret import Secret
from deeplink.store.memory import MemoryStore

KEYS = build_keys([Secret("SECRET-server-key" + "k" * 32)], instead=())


def new_vault():
    return Vault(MemoryStore(), KEYS, deadline=10, threads=20)


def tiktok(**changes):
    values = {
        "key": "tiktok",
        "preset": TIKTOK,
        "client_key": "awkey",
        "client_secret": Secret("SECRET-client"),
        "redirect_uri": "https://app.example.com/login-callback/",
        "sandbox": False,
    }
    return Provider(**(values | changes))


@dataclass
class Scripted:
    """Plays *answers* in order: a fault, or (status, body) with a body of bytes or JSON values."""

    answers: list = field(default_factory=list)
    calls: list = field(default_factory=list)

    def __call__(self, url, fields, *, insecure_loopback, patience):
        self.calls.append((url, list(fields), insecure_loopback, patience))
        answer = self.answers.pop(0)
        if isinstance(answer, Unanswered):
            raise answer
        status, body, *headers = answer
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Reply(status, dict(*headers), raw)


@pytest.fixture(scope="session")
def provider():
    return tiktok()


@pytest.fixture(scope="session")
def configured():
    """Make a TikTok with changes: ``configured(sandbox=True)``."""
    return tiktok


@pytest.fixture
def browser():
    """A person's browser, which follows no redirect unless it is told to."""
    with urllib3.PoolManager() as pool:
        yield pool


class NoMemory:
    """Asks every time, so that a test sees what the provider says to a repeat."""

    def once(self, question, ask):
        return ask()


@pytest.fixture
def no_memory():
    return NoMemory()


@pytest.fixture
def play():
    """``exchange, upstream = play((200, {...}), ..., sandbox=True)``."""

    def start(*answers, **changes):
        upstream = Scripted(list(answers))
        return Exchange(tiktok(**changes), upstream, new_vault()), upstream

    return start
