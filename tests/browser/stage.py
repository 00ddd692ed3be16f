"""A small service with every kind of page, for the browsers of the tests and the screenshots."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from deeplink.association.verdict import AndroidApp, App, IosApp, Link
from deeplink.config import Callback
from deeplink.web import callback, failures, links
from deeplink.web.page import Pages

ROOT = Path(__file__).resolve().parents[2]
HOST, ALTERNATE, LONELY = "links.example.com", "go.example.net", "alone.example.org"

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"  # noqa: E501
INSTAGRAM = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 395.0.0"  # noqa: E501
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"  # noqa: E501

CODE = "code=abc%2A1.a%21b&scopes=user.info.basic,video.list&state=s-1"
PRETEND_APP = f"http://{HOST}/pretend-app/"


def sample_app(key, name):
    return App(
        key=key,
        name=name,
        android=AndroidApp(f"com.example.{key}", ("AA:BB",)),
        ios=IosApp((f"ABCDE12345.com.example.{key}",), "1234567890", key, legacy_paths=False),
        share_credentials=False,
    )


BERRY, TRIAL = sample_app("berry", "Berry"), sample_app("trial", "Berry Trial")
CALLBACKS = (
    Callback("/login-callback/", (HOST,), (BERRY,), "tiktok", custom_scheme=False),
    Callback("/scheme/", (HOST,), (BERRY,), "tiktok", custom_scheme=True),
    Callback("/several/", (HOST,), (BERRY, TRIAL), "tiktok", custom_scheme=True),
    # The same path twice: such rows are not served on the alternate host.
    Callback("/alone/", (HOST,), (BERRY,), "tiktok", custom_scheme=False),
    Callback("/alone/", (LONELY,), (BERRY,), "tiktok", custom_scheme=False),
)
LINKS = (Link(BERRY, (HOST,), "/invite/*"),)


def make_service(pretend_app_url=None):
    app = Flask("stage", static_folder=None, template_folder=None)
    pages = Pages(ROOT / "templates")
    failures.install(app, pages)
    app.register_blueprint(
        callback.blueprint(
            CALLBACKS, alternate_host=ALTERNATE, pages=pages, pretend_app_url=pretend_app_url
        )
    )
    app.register_blueprint(links.blueprint(LINKS, pages=pages))
    return app


class Quiet(WSGIRequestHandler):
    def log(self, type, message, *args):
        """Say nothing: the page's addresses hold a code."""


@contextmanager
def serving(app):
    """Serve *app* on a free port of this machine; gives the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def browsing(playwright, chromium_path, port):
    """Debian's Chromium, to which the stage's hosts are *port* and the rest of the world is not."""
    hosts = ",".join(f"MAP {host}:80 127.0.0.1:{port}" for host in (HOST, ALTERNATE, LONELY))
    browser = playwright.chromium.launch(
        executable_path=str(chromium_path),
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            f"--host-resolver-rules={hosts},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
        ],
    )
    try:
        yield browser
    finally:
        browser.close()
