"""A provider that plays a script, and the configured TikTok that asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from deeplink.oauth.exchange import Exchange
from deeplink.oauth.providers import TIKTOK, Provider
from deeplink.outbound import Reply, Unanswered
from deeplink.secret import Secret


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
def play():
    """``exchange, upstream = play((200, {...}), ..., sandbox=True)``."""

    def start(*answers, **changes):
        upstream = Scripted(list(answers))
        return Exchange(tiktok(**changes), upstream), upstream

    return start
