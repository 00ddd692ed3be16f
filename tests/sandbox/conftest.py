"""A pretend TikTok with a frozen clock, and one that really listens."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from deeplink.sandbox.tiktok import create_sandbox
from tests.listening import listening
from tests.sandbox.phone import KEY, OTHER, SECRET, Clock, Phone


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_phone(root, clock):
    """Builds a phone over a sandbox of its own, with counted bytes for randomness."""

    def make(redirect_uris=(), clients=None, **switches):
        count = itertools.count(1)
        app = create_sandbox(
            clients or {KEY: SECRET, **OTHER},
            redirect_uris,
            templates=root / "templates",
            now=clock.now,
            sleep=clock.sleep,
            token=lambda size: next(count).to_bytes(size, "big"),
            **switches,
        )
        return Phone(app)

    return make


@pytest.fixture
def phone(make_phone):
    return make_phone()


@pytest.fixture
def serve_sandbox(root):
    """Starts a real server on a free port; gives its address."""
    with contextlib.ExitStack() as started:

        def start(**switches):
            app = create_sandbox({KEY: SECRET}, templates=root / "templates", **switches)
            return started.enter_context(listening(app))

        yield start
