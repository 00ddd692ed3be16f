"""
The server as it is, but for a hand that kills its process at a chosen step of a request.

A request names the step in the header X-Kill-At. Nothing else differs: the store, the way out and
the application are wrapped, not replaced. SQLite logs each statement with its values.
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from deeplink import config, logs
from deeplink.oauth.providers import TIKTOK, at_sandbox
from deeplink.web import wiring

ROOT = Path(__file__).parents[1]
_asked = threading.local()


class Stumbled(Exception):
    """What nobody expects, with a text full of secrets."""


def pass_by(step, *secrets):
    """Die here if the request of this thread says so; at "stumble", fall over *secrets*."""
    if getattr(_asked, "step", "") == "stumble" and secrets:
        raise Stumbled(secrets)
    if getattr(_asked, "step", "") == step:
        os.kill(os.getpid(), signal.SIGKILL)


class Store:
    def __init__(self, store):
        self._store = store

    def __getattr__(self, verb):
        return getattr(self._store, verb)

    def put(self, key, value, ttl, *, only_if_absent=False):
        before, after = (
            ("before_claim", "after_claim") if only_if_absent else ("before_write", "after_write")
        )
        pass_by(before)
        kept = self._store.put(key, value, ttl, only_if_absent=only_if_absent)
        pass_by(after)
        return kept


class Outbound(wiring.Outbound):
    def send(self, url, fields, **options):
        pass_by("before_call", url, fields)
        reply = super().send(url, fields, **options)
        pass_by("after_call")
        return reply


class Victim:
    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        _asked.step = environ.get("HTTP_X_KILL_AT", "")
        try:
            body = self._application(environ, start_response)
            pass_by("before_answer")
            return body
        finally:
            _asked.step = ""


open_store = wiring.open_store
wiring.open_store = lambda *arguments, **options: Store(open_store(*arguments, **options))
wiring.Outbound = Outbound

connect = sqlite3.connect


def connect_and_tell(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(logging.getLogger("sqlite3").debug)
    return connection


sqlite3.connect = connect_and_tell
logs.configure(os.environ.get("LOG_LEVEL", "INFO"))
loaded = config.load(Path(os.environ["DEEPLINK_CONFIG"]), os.environ)
if elsewhere := os.environ.get("FAULTS_PROVIDER"):
    tiktok = loaded.providers["tiktok"]
    preset = at_sandbox(TIKTOK, elsewhere)
    loaded = replace(loaded, providers={"tiktok": replace(tiktok, preset=preset)})
app = Victim(
    wiring.create_app(
        loaded,
        root=ROOT,
        threads=int(os.environ["DEEPLINK_THREADS"]),
        processes=int(os.environ["WEB_CONCURRENCY"]),
    )
)
