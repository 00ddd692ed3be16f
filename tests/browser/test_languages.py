"""The pages in other languages, directions and brands, in a real Chromium."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from deeplink import languages
from tests.browser import stage

TAGS = ["en", *languages.load_shipped()]
PAGES = {
    "several": (f"{stage.HOST}/several/?{stage.CODE}", stage.IPHONE),
    "elsewhere": (f"{stage.HOST}/several/?{stage.CODE}", stage.DESKTOP),
    "error": (f"{stage.HOST}/login-callback/?error=x&errCode=10033", stage.ANDROID),
    "damaged": (f"{stage.HOST}/login-callback/?code=a&code=b", stage.ANDROID),
    "product": (f"{stage.HOST}/product/7", stage.IPHONE),
    "product-desktop": (f"{stage.HOST}/product/7", stage.DESKTOP),
}


@pytest.fixture(scope="module")
def browser(chromium_path):
    with (
        sync_playwright() as playwright,
        stage.serving(stage.make_service(brand=stage.BRAND)) as port,
        stage.browsing(playwright, chromium_path, port) as browser,
    ):
        yield browser


@pytest.fixture(scope="module", params=TAGS)
def contexts(browser, request):
    """Opens pages as a visitor of one language does; one context for each kind of browser."""
    opened = {}

    def context(user_agent):
        if user_agent not in opened:
            opened[user_agent] = browser.new_context(
                viewport={"width": 320, "height": 640},
                user_agent=user_agent,
                extra_http_headers={"Accept-Language": request.param},
            )
            opened[user_agent].add_init_script(stage.FORGETFUL + stage.WATCH)
        return opened[user_agent]

    context.tag = request.param
    yield context
    for each in opened.values():
        each.close()


@pytest.fixture
def open_page(contexts):
    pages = []

    def open_page(name):
        address, user_agent = PAGES[name]
        page = contexts(user_agent).new_page()
        pages.append(page)
        page.asked = []
        page.on("request", lambda asked: page.asked.append(asked.url))
        page.goto(f"https://{address}", wait_until="load")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        return page

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_against_the_policy_or_from_elsewhere(open_page, name):
    page = open_page(name)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("window.violations") == []
    assert {urlsplit(url).hostname for url in page.asked} == {urlsplit(page.url).hostname}


def test_the_text_runs_the_way_its_language_does(contexts):
    address, user_agent = PAGES["error"]
    page = contexts(user_agent).new_page()
    page.goto(f"https://{address}")
    boxes = page.evaluate(
        """() => {
          const range = document.createRange();
          range.selectNodeContents(document.querySelector('h1'));
          const text = range.getClientRects()[0];
          const main = document.querySelector('main').getBoundingClientRect();
          return { start: text.left - main.left, end: main.right - text.right };
        }"""
    )
    page.close()
    assert (boxes["end"] < boxes["start"]) == (contexts.tag == "ar")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_brand_has_its_logo_its_name_and_its_colour(browser, scheme):
    context = browser.new_context(user_agent=stage.ANDROID, color_scheme=scheme)
    context.add_init_script(stage.FORGETFUL)
    page = context.new_page()
    page.goto(f"https://{stage.HOST}/invite/7")
    logo = page.locator(".brand svg.logo").bounding_box()
    assert (logo["width"], logo["height"]) == (32, 32)
    assert page.locator(".brand").inner_text().strip() == "Acme"
    color = page.locator("a.primary").evaluate("a => getComputedStyle(a).backgroundColor")
    context.close()
    expected = {"light": "rgb(179, 38, 30)", "dark": "rgb(228, 98, 91)"}
    assert color == expected[scheme]
