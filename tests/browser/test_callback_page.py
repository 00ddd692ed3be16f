"""The pages in a real Chromium: policy, requests, accessibility, and links that work by tap."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import stage

PHONE = {"width": 390, "height": 844}

CALLBACK = f"{stage.HOST}/login-callback/?{stage.CODE}"
STATES = {**stage.STATES, "link-desktop": (f"{stage.HOST}/invite/7", stage.DESKTOP)}


@pytest.fixture(scope="module")
def browser(chromium_path):
    with (
        sync_playwright() as playwright,
        stage.serving(stage.make_service()) as port,
        stage.browsing(playwright, chromium_path, port) as browser,
    ):
        yield browser


def visit(browser, address, user_agent, *, script=True):
    """
    Open *address* as some browser; ``asked`` and ``complaints`` are what it did and said.

    What a page does by itself is the matter of ``test_callback_script.py``; here it stays.
    """
    context = browser.new_context(
        viewport=PHONE, user_agent=user_agent, java_script_enabled=script, ignore_https_errors=True
    )
    context.set_default_timeout(10_000)
    context.add_init_script(stage.FORGETFUL + stage.WATCH)
    page = context.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(f"https://{address}", wait_until="load")
    return page


@pytest.fixture(scope="module", params=STATES)
def state(browser, request):
    """A page in each state, with all that it folds away unfolded; every test sets its own view."""
    page = visit(browser, *STATES[request.param])
    page.address = f"https://{STATES[request.param][0]}"
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    yield page
    page.context.close()


@pytest.fixture
def open_page(browser):
    pages = []

    def open_page(*args, **options):
        pages.append(visit(browser, *args, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()


def test_no_page_violates_its_policy_or_asks_for_anything_else(state):
    assert state.evaluate("window.violations") == []
    assert state.asked[0] == state.address
    # The one thing besides: events go to the page's own host.
    origin = "/".join(state.url.split("/")[:3])
    others = [url for url in state.asked if url not in (state.address, state.url.split("#")[0])]
    assert [url for url in others if not re.fullmatch(f"{origin}/[a-z-]+/beacon", url)] == []
    assert [text for text in state.complaints if "Failed to load resource" not in text] == []


def test_what_breaks_the_policy_or_is_asked_for_elsewhere_is_heard(open_page):
    """Else the test above would prove nothing."""
    page = open_page(CALLBACK, stage.DESKTOP)
    heard = len(page.complaints)
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("fetch('https://elsewhere.example/').catch(() => 0)")
    assert page.evaluate("window.violations") == ["style-src-attr", "connect-src"]
    assert len(page.complaints) > heard
    page.evaluate("location.href = 'https://elsewhere.example/'")
    page.wait_for_timeout(300)
    assert "https://elsewhere.example/" in page.asked


def test_every_target_is_large_enough_for_a_thumb(state):
    boxes = [element.bounding_box() for element in state.locator("a, summary").all()]
    assert [box for box in boxes if box["height"] < 44 or box["width"] < 44] == []


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_is_cut_off_at_320_pixels(state, direction):
    """320 px is also what a window of 1280 px has left at 400 % zoom (WCAG 2.2, SC 1.4.10)."""
    state.set_viewport_size({"width": 320, "height": 256})
    state.evaluate("direction => { document.documentElement.dir = direction }", direction)
    assert state.evaluate("document.documentElement.scrollWidth") == 320


def test_a_tap_starts_the_intent_with_the_very_bytes_of_the_query(open_page):
    page = open_page(CALLBACK, stage.ANDROID)
    page.get_by_role("link", name="Open Berry", exact=True).click()
    assert page.evaluate("window.journeys") == [
        [
            f"intent://links.example.com/login-callback/?{stage.CODE}"
            "#Intent;scheme=https;package=com.example.berry;end",
            True,
        ]
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [(stage.HOST, stage.ALTERNATE), (stage.ALTERNATE, stage.HOST)],
)
def test_without_script_an_iphone_goes_to_the_other_host_without_a_referrer(
    open_page, host, expected
):
    page = open_page(f"{host}/login-callback/?{stage.CODE}", stage.IPHONE, script=False)
    seen = []
    page.route(
        re.compile("^https:"),
        lambda route: (seen.append(route.request), route.fulfill(body="there")),
    )
    page.get_by_role("link", name="Open Berry", exact=True).click()
    page.wait_for_url(f"https://{expected}/**")
    assert seen[0].url == f"https://{expected}/login-callback/?{stage.CODE}"
    assert "referer" not in seen[0].all_headers()


def test_the_keyboard_reaches_the_primary_link_first(open_page):
    page = open_page(CALLBACK, stage.ANDROID)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "primary"


def test_on_paper_there_are_words_and_no_code(open_page):
    page = open_page(CALLBACK, stage.DESKTOP)
    page.emulate_media(media="print")
    assert page.get_by_role("heading", level=1).is_visible()
    assert not page.locator("a").first.is_visible()
