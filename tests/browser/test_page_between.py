"""The page between provider and app in a real Chromium: one attempt, and a button that stays."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import sync_playwright

from deeplink.web import facade, failures
from deeplink.web.page import Pages
from tests.browser import stage
from tests.browser.stage import WATCH
from tests.oauth.face import LINK, Stage, state_of

PHONE = {"width": 390, "height": 844}

#: Without a port: a Host's port plays no part.
ORIGIN = "http://127.0.0.1"


@pytest.fixture(scope="module")
def face():
    return Stage(origin=ORIGIN)


@pytest.fixture(scope="module")
def address(face):
    app = Flask("between", static_folder=None, template_folder=None)
    pages = Pages(stage.ROOT / "templates")
    failures.install(app, pages)
    app.register_blueprint(facade.blueprint({"tiktok": face.face}, pages=pages))
    with stage.serving(app, tls=None) as port:
        yield f"{ORIGIN}:{port}/oauth/tiktok/return"


@pytest.fixture(scope="module")
def browser(chromium_path):
    with (
        sync_playwright() as playwright,
        stage.browsing(playwright, chromium_path, 9) as browser,
    ):
        yield browser


def come_back(browser, face, address, agent, **answer):
    """Open ``return`` as the phone does that consented in another browser."""
    state = state_of(face.begin("shop", LINK))
    context = browser.new_context(viewport=PHONE, user_agent=agent)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(f"{address}?{urlencode({'code': 'SECRET-code*1', 'state': state} | answer)}")
    return page


def attempts(page):
    return [url for url, _ in page.evaluate("journeys") if not url.startswith("http")]


def test_android_is_asked_once_for_the_app_and_the_code_leaves_the_address(browser, face, address):
    page = come_back(browser, face, address, stage.ANDROID)
    (attempt,) = attempts(page)
    assert attempt.startswith("intent://links.example.com/login-callback/?code=shop.")
    assert attempt == page.get_by_role("link", name="Open Shop").get_attribute("href")
    assert urlsplit(page.url).query == ""
    assert page.evaluate("violations") == []


def test_a_reload_attempts_nothing(browser, face, address):
    page = come_back(browser, face, address, stage.ANDROID)
    page.reload()
    assert attempts(page) == []
    assert page.get_by_role("heading", level=1).inner_text() == "Nothing to do here"


def test_ios_waits_for_a_tap_on_a_link_to_the_other_host(browser, face, address):
    page = come_back(browser, face, address, stage.IPHONE)
    assert page.evaluate("journeys") == []
    way = page.get_by_role("link", name="Open Shop").get_attribute("href")
    assert way.startswith(f"{LINK}?code=shop.")


@pytest.mark.parametrize("agent", [stage.ANDROID, stage.IPHONE])
@pytest.mark.parametrize("answer", [{}, {"code": "", "error": "access_denied"}])
def test_everybody_can_read_and_use_it(browser, face, address, agent, answer):
    page = come_back(browser, face, address, agent, **answer)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.get_by_role("link").bounding_box()["height"] >= 44
