"""A pretend TikTok with a frozen clock, and one that really listens."""

from __future__ import annotations

import itertools
import threading

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from deeplink.sandbox.tiktok import create_sandbox
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
    servers = []

    def start(**switches):
        app = create_sandbox({KEY: SECRET}, templates=root / "templates", **switches)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
        loop = threading.Thread(target=server.serve_forever, daemon=True)
        loop.start()
        servers.append((server, loop))
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server, loop in servers:
        server.shutdown()
        loop.join()
        server.server_close()


class _Silent(WSGIRequestHandler):
    def log(self, *_):
        pass
