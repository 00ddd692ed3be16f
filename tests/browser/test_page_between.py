"""The page between provider and app in a real Chromium: one attempt, and a button that stays."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from deeplink import languages
from tests.browser import stage
from tests.browser.stage import WATCH
from tests.browser.test_accessibility import RULES
from tests.oauth.face import GAME, LINK, Stage, question, service, state_of

#: WCAG 2.2, 1.4.10: nothing may be cut off at this width.
PHONE = {"width": 320, "height": 640}

#: Without a port: a Host's port plays no part.
ORIGIN = "http://127.0.0.1"

REFUSED = {"code": "", "error": "access_denied"}


@pytest.fixture(scope="module")
def face():
    return Stage(origin=ORIGIN)


@pytest.fixture(scope="module")
def address(face):
    with stage.serving(service(face), tls=None) as port:
        yield f"{ORIGIN}:{port}/oauth/tiktok"


@pytest.fixture(scope="module")
def browser(chromium_path):
    with (
        sync_playwright() as playwright,
        stage.browsing(playwright, chromium_path, 9) as browser,
    ):
        yield browser


@pytest.fixture
def open_page(browser, face, address):
    """Opens pages as a phone does, in a context of its own."""
    contexts = []

    def open_page(path, agent=stage.ANDROID, language="en", scheme="light"):
        context = browser.new_context(
            viewport=PHONE,
            user_agent=agent,
            color_scheme=scheme,
            extra_http_headers={"Accept-Language": language},
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{address}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def come_back(open_page, face):
    """Opens ``return`` as the phone does that consented in another browser."""

    def come_back(agent=stage.ANDROID, language="en", scheme="light", **answer):
        answer = {"code": "SECRET-code*1", "state": state_of(face.begin("shop", LINK))} | answer
        return open_page(f"return?{urlencode(answer)}", agent, language, scheme)

    return come_back


def attempts(page):
    return [url for url, _ in page.evaluate("journeys") if not url.startswith("http")]


def test_android_is_asked_once_for_the_app_and_the_code_leaves_the_address(come_back):
    page = come_back()
    (attempt,) = attempts(page)
    assert attempt.startswith("intent://links.example.com/login-callback/?code=shop.")
    assert attempt == page.get_by_role("link", name="Open Shop").get_attribute("href")
    assert urlsplit(page.url).query == ""
    assert page.evaluate("violations") == []


def test_a_reload_attempts_nothing(come_back):
    page = come_back()
    page.reload()
    assert attempts(page) == []
    assert page.get_by_role("heading", level=1).inner_text() == "Nothing to do here"


def test_ios_waits_for_a_tap_on_a_link_to_the_other_host(come_back):
    page = come_back(stage.IPHONE)
    assert page.evaluate("journeys") == []
    way = page.get_by_role("link", name="Open Shop").get_attribute("href")
    assert way.startswith(f"{LINK}?code=shop.")


@pytest.mark.parametrize("agent", [stage.ANDROID, stage.IPHONE])
def test_a_refusal_waits_for_a_tap(come_back, agent):
    page = come_back(agent, **REFUSED)
    assert page.evaluate("journeys") == []
    assert "Nothing was shared" in page.get_by_role("status").inner_text()
    way = page.get_by_role("link", name="Back to Shop").get_attribute("href")
    assert "error=access_denied" in way


def pages(open_page, come_back, face, tag, scheme):
    """Every kind of page of the face, in the language *tag*."""
    nameless = state_of(face.begin("game", GAME))
    yield come_back(language=tag, scheme=scheme)
    yield come_back(language=tag, scheme=scheme, **REFUSED)
    yield open_page(f"return?code=x&state={nameless}", language=tag, scheme=scheme)
    yield open_page(f"authorize?{question('nobody')}", language=tag, scheme=scheme)


@pytest.mark.parametrize(
    ("tag", "scheme"),
    [(tag, "light") for tag in ("en", *languages.load_shipped())]
    + [("en", "dark"), ("ar", "dark")],
)
def test_everybody_can_read_and_use_it(open_page, come_back, face, tag, scheme):
    english = {"Return to Shop", "Sign-in cancelled", "Start again from the app"}
    for page in pages(open_page, come_back, face, tag, scheme):
        assert page.locator("html").get_attribute("lang") == tag
        assert page.locator("html").get_attribute("dir") == ("rtl" if tag == "ar" else "ltr")
        title = page.get_by_role("heading", level=1).inner_text()
        assert (title in english | {"This sign-in cannot start"}) == (tag == "en")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert page.evaluate("violations") == []
        result = Axe().run(page, options={"runOnly": RULES})
        assert result.violations_count == 0, result.generate_report()
        for way in page.get_by_role("link").all():
            assert way.bounding_box()["height"] >= 44
        page.close()
