"""
A small service with every kind of page, for the browsers of the tests and the screenshots.

It speaks TLS with a certificate of its own, because browsers give digests and clipboards only to
pages that came over it, as they do to the real ones.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from deeplink.association.verdict import AndroidApp, App, IosApp, Link, LinkPage, Preview
from deeplink.brand import Brand, Logo
from deeplink.config import Callback
from deeplink.metrics import Metrics
from deeplink.web import beacon, callback, failures, links
from deeplink.web.page import Pages

ROOT = Path(__file__).resolve().parents[2]
HOST, ALTERNATE, LONELY = "links.example.com", "go.example.net", "alone.example.org"

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"  # noqa: E501
INSTAGRAM = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 395.0.0"  # noqa: E501
FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0"
SAMSUNG = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"  # noqa: E501
WEBVIEW = "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"  # noqa: E501

CODE = "code=abc%2A1.a%21b&scopes=user.info.basic,video.list&state=s-1"
PRETEND_APP = f"https://{HOST}/pretend-app/"

HOME = f"https://{HOST}/login-callback/"
SECOND = f"https://{ALTERNATE}/login-callback/"
LOGIN = f"{HOME}?{CODE}"
INTENT = f"intent://{HOST}/login-callback/?{CODE}#Intent;scheme=https;package=com.example.berry;end"

SEVERAL = f"{HOST}/several/?{CODE}"
#: name -> (address, User-Agent): the states of the pages, and who sees most of each.
STATES = {
    "going-android": (SEVERAL, ANDROID),
    "going-iphone": (SEVERAL, IPHONE),
    "going-hold": (f"{LONELY}/alone/?{CODE}", IPHONE),
    "going-in-app": (SEVERAL, INSTAGRAM),
    "second-page": (f"{ALTERNATE}/login-callback/?{CODE}", IPHONE),
    "elsewhere": (SEVERAL, DESKTOP),
    "unknown": (SEVERAL, "Unheard-Of/1.0"),
    "cancelled": (f"{HOST}/login-callback/?error=access_denied", ANDROID),
    "error": (f"{HOST}/login-callback/?error=x&errCode=10033", DESKTOP),
    "nothing": (f"{HOST}/login-callback/", ANDROID),
    "damaged": (f"{HOST}/login-callback/?code=a&code=b", ANDROID),
    "missing": (f"{HOST}/nowhere", DESKTOP),
    "link": (f"{HOST}/invite/7", IPHONE),
}


#: Runs before a page's own script: what it does against the policy, where it goes, and where it
#: is when it can first be used.
WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective));
window.arrived = location.hash.slice(1);
document.addEventListener('DOMContentLoaded', () => { window.atReady = location.href; });
window.journeys = [];
navigation.addEventListener('navigate', e => {
  // A page that moves its own query into its fragment goes nowhere.
  const [there, here] = [e.destination.url, location.href].map(url => url.split(/[?#]/)[0]);
  if (there === here) return;
  window.journeys.push([e.destination.url, e.userInitiated]);
  // Chromium without a phone hangs on a scheme that nothing handles.
  if (!e.destination.url.startsWith('http')) e.preventDefault();
});
"""


#: Playwright's clock puts a performance in place that knows nothing of how the page was reached.
KEEP = """
const real = performance;
Object.defineProperty(window, 'performance', { get: () => real, set() {} });
"""

#: For pages that shall stay where they are: without a memory the script tries nothing by itself.
FORGETFUL = "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error(); } });"


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
    Callback(
        "/login-callback/",
        (HOST,),
        (BERRY,),
        "tiktok",
        custom_scheme=False,
        expires_after_minutes=5,
    ),
    Callback("/scheme/", (HOST,), (BERRY,), "tiktok", custom_scheme=True, expires_after_minutes=5),
    Callback(
        "/several/", (HOST,), (BERRY, TRIAL), "tiktok", custom_scheme=True, expires_after_minutes=5
    ),
    Callback("/posted/", (HOST,), (BERRY,), "apple", custom_scheme=False, expires_after_minutes=5),
    # The same path twice: such rows are not served on the alternate host.
    Callback("/alone/", (HOST,), (BERRY,), "tiktok", custom_scheme=False, expires_after_minutes=5),
    Callback(
        "/alone/", (LONELY,), (BERRY,), "tiktok", custom_scheme=False, expires_after_minutes=5
    ),
)
LINKS = (
    Link(BERRY, (HOST,), "/invite/*"),
    Link(
        BERRY,
        (HOST,),
        "/product/*",
        page=LinkPage(
            preview=Preview("Product {1}", "See {1} in Berry.", "https://www.example.com/{1}.jpg"),
            fallback_url="https://www.example.com/{1}",
            smart_banner=True,
            custom_scheme=True,
        ),
    ),
)

#: A brand as a config may have it, for the pages in somebody else's colours.
BRAND = Brand(
    name="Acme",
    color="#b3261e",
    logo=Logo(
        svg='<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" class="logo">'
        '<circle cx="12" cy="12" r="11" fill="#b3261e"></circle>'
        '<path d="M7 17l5-11 5 11z" fill="#fff"></path></svg>'
    ),
)


def make_service(pretend_app_url=None, metrics=None, brand=None):
    app = Flask("stage", static_folder=None, template_folder=None)
    pages = Pages(ROOT / "templates", brand=brand)
    failures.install(app, pages)
    app.register_blueprint(
        callback.blueprint(
            CALLBACKS,
            alternate_host=ALTERNATE,
            pages=pages,
            pretend_app_url=pretend_app_url,
            posting={"apple"},
        )
    )
    places = callback.lay_out(CALLBACKS, ALTERNATE)
    app.register_blueprint(beacon.blueprint(places.keys(), metrics or Metrics()))
    app.register_blueprint(links.blueprint(LINKS, pages=pages, alternate_host=ALTERNATE))
    return app


class Quiet(WSGIRequestHandler):
    def log(self, type, message, *args):
        """Say nothing: the page's addresses hold a code."""


@contextmanager
def serving(app, *, tls="adhoc"):
    """Serve *app* on a free port of this machine, over TLS unless *tls* is None; gives the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def browsing(playwright, chromium_path, port, *, back_forward_cache=False):
    """Debian's Chromium, to which the stage's hosts are *port* and the rest of the world is not."""
    hosts = ",".join(f"MAP {host}:443 127.0.0.1:{port}" for host in (HOST, ALTERNATE, LONELY))
    # Playwright switches the cache off, because a page that comes out of it has lost its driver.
    unwanted = ["--disable-back-forward-cache"] if back_forward_cache else None
    browser = playwright.chromium.launch(
        executable_path=str(chromium_path),
        ignore_default_args=unwanted,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--ignore-certificate-errors",
            f"--host-resolver-rules={hosts},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
        ],
    )
    try:
        yield browser
    finally:
        browser.close()
