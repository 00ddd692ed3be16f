"""axe-core over every state of every page in every language, as a real Chromium shows it."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

from deeplink import languages
from tests.browser import stage

PHONE = {"width": 390, "height": 844}
TAGS = ["en", *languages.load_shipped()]
AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST = ["color-contrast"]
NOON = 1_800_000_000

#: name -> (address, User-Agent): every state as the server sends it, and who sees most of it.
STATES = {
    **stage.STATES,
    "going-firefox": (stage.SEVERAL, stage.FIREFOX),
    "going-samsung": (stage.SEVERAL, stage.SAMSUNG),
    "going-long": (f"{stage.HOST}/several/?{stage.CODE}&x={'x' * 3900}", stage.ANDROID),
    "long-error": (f"{stage.HOST}/several/?error=x&more={'x' * 4000}", stage.ANDROID),
    "product": (f"{stage.HOST}/product/7", stage.IPHONE),
    "product-desktop": (f"{stage.HOST}/product/7", stage.DESKTOP),
}

TURN = """visibility => {
  Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def leave_and_return(page):
    page.evaluate(TURN, "hidden")
    page.evaluate(TURN, "visible")


def leave_and_reload(page):
    page.evaluate(TURN, "hidden")
    page.reload()


def come_again(page):
    address = page.evaluate("'https://' + location.host + location.pathname") + f"?{stage.CODE}"
    page.evaluate(TURN, "hidden")
    page.goto("about:blank")
    page.goto(address)


#: What a page becomes later: state -> (behind the address, what happens, in this order).
MOMENTS = {
    "going": (f"?{stage.CODE}", lambda page: page.reload()),
    "still": (f"?{stage.CODE}", lambda page: page.clock.fast_forward(3_000)),
    "returned": (f"?{stage.CODE}", leave_and_return),
    "used": (f"?{stage.CODE}", leave_and_reload),
    "used, and here again": (f"?{stage.CODE}", come_again),
    "expired": (f"?{stage.CODE}", lambda page: page.clock.fast_forward(600_000)),
    "cancelled": ("#error=access_denied", lambda page: None),
    "refused": ("#error=server_error", lambda page: None),
}


@pytest.fixture(scope="module")
def service():
    return stage.make_service(brand=stage.BRAND)


@pytest.fixture(scope="module")
def browser(chromium_path, service):
    with (
        sync_playwright() as playwright,
        stage.serving(service) as port,
        stage.browsing(playwright, chromium_path, port) as browser,
    ):
        yield browser


@pytest.fixture(scope="module")
def judge(browser):
    """
    What axe finds wrong with a page, by rule, from its HTML.

    axe is as large as forty of these pages, so it is loaded once, into a page of its own that takes
    on what another one shows.
    """
    context = browser.new_context(viewport=PHONE, reduced_motion="reduce")
    court = context.new_page()
    court.evaluate(AXE)

    def judge(html, *, rules=RULES, scheme="light"):
        court.emulate_media(color_scheme=scheme)
        return court.evaluate(
            """async ([html, values]) => {
              const shown = new DOMParser().parseFromString(html, 'text/html').documentElement;
              shown.querySelectorAll('details').forEach(each => each.open = true);
              document.replaceChild(document.adoptNode(shown), document.documentElement);
              const options = { runOnly: { type: values.length > 1 ? 'tag' : 'rule', values },
                resultTypes: ['violations'], preload: false, iframes: false };
              const { violations, passes } = await axe.run(document, options);
              if (!passes.length) throw new Error('axe looked at nothing');
              return violations.map(({ id, nodes }) => [id, ...nodes.map(node => node.html)]);
            }""",
            [html, rules],
        )

    yield judge
    context.close()


@pytest.fixture(scope="module")
def visitor(browser):
    """One phone's page for many visits, its clock in our hands."""
    context = browser.new_context(viewport=PHONE, user_agent=stage.ANDROID)
    context.set_default_timeout(20_000)
    context.add_init_script(stage.KEEP + stage.WATCH)
    page = context.new_page()
    page.clock.install(time=NOON)
    page.clock.pause_at(NOON + 1)
    yield page
    context.close()


@pytest.mark.parametrize("tag", TAGS)
def test_axe_finds_nothing_in_any_state(service, judge, tag):
    """As the server sends it. Colours are the same in all languages: the dark ones in English."""
    client, found = service.test_client(), {}
    for name, (address, agent) in STATES.items():
        headers = {"User-Agent": agent, "Accept-Language": tag}
        html = client.get(f"https://{address}", headers=headers).text
        assert f'<html lang="{tag}"' in html
        found[name] = judge(html)
        if tag == "en":
            found[f"{name}, dark"] = judge(html, rules=CONTRAST, scheme="dark")
    assert len(found) == len(STATES) * (2 if tag == "en" else 1)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("tag", TAGS)
def test_axe_finds_nothing_at_any_moment(visitor, judge, tag):
    """As the script makes it, in a real visit."""
    found = {}
    visitor.set_extra_http_headers({"Accept-Language": tag})
    for moment, (behind, happen) in MOMENTS.items():
        visitor.goto(f"https://{stage.HOST}/nowhere")
        visitor.evaluate("sessionStorage.clear()")
        visitor.goto(f"{stage.HOME}{behind}")
        settle(visitor)
        happen(visitor)
        settle(visitor)
        state = visitor.evaluate("document.getElementById('login').dataset.state")
        assert state == moment.partition(",")[0]
        found[moment] = judge(visitor.content())
        if tag == "en":
            found[f"{moment}, dark"] = judge(visitor.content(), rules=CONTRAST, scheme="dark")
    assert len(found) == len(MOMENTS) * (2 if tag == "en" else 1)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def settle(page):
    """Give the script the time for its digest."""
    for _ in range(3):
        page.evaluate("crypto.subtle.digest('SHA-256', new Uint8Array(1)).then(() => 0)")


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ('<html lang="en"', "<html", "html-has-lang"),
        ("--quiet:#57606a", "--quiet:#b0b4b9", "color-contrast"),
        ("<h1 ", "<h5 ", "page-has-heading-one"),
        ("</main>", "</main><p>Outside</p>", "region"),
        ("<summary>", "<summary><s hidden>", "summary-name"),
        ('role="status"', 'role="stauts"', "aria-roles"),
    ],
)
def test_axe_would_find_a_fault(service, judge, before, after, rule):
    html = service.test_client().get(f"https://{stage.SEVERAL}").text
    assert judge(html) == []
    assert before in html
    assert rule in [wrong[0] for wrong in judge(html.replace(before, after))]
