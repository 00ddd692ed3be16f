"""A real Redis for the tests of this folder, and a clock that stands still."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

import pytest


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


class RedisServer:
    """A redis-server of our own; ``stop`` and ``start`` keep the port and forget the data."""

    def __init__(self, folder, *options, tls=False):
        self.port = _free_port()
        listen = ["--port", "0", "--tls-port"] if tls else ["--port"]
        self._command = [
            redis_server_path(),
            *listen,
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
            *options,
        ]
        self._process = None
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, "redis-server did not start"
                time.sleep(0.025)
        raise AssertionError("redis-server does not listen")

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=10)


def redis_server_path():
    path = shutil.which("redis-server")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("redis-server is missing: make setup-system installs it")
    if path is None:
        pytest.skip("redis-server is missing: make setup-system installs it")
    return path


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """One server for all tests that only read and write; who stops it makes one of their own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def start_redis(tmp_path):
    """Start a redis-server with options of the test's own."""
    servers = []

    def start(*options, tls=False):
        servers.append(RedisServer(tmp_path, *options, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
