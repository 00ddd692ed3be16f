"""
What the callback page does by itself in a real Chromium, and what it leaves in the address.

The User-Agents of phones are claims: behind each is the same desktop Chromium, without an app.
Where an app would come to the front, visibility is simulated: nothing here can really hide a page.
"""

from __future__ import annotations

import contextlib
import random
import re
import string

import pytest
from playwright.sync_api import Error, sync_playwright

from deeplink.metrics import Metrics
from deeplink.web import callback
from deeplink.web.beacon import EVENTS
from tests.browser import stage
from tests.browser.stage import HOME, INTENT, LOGIN, SECOND

PHONE = {"width": 390, "height": 844}

HIDE = "Object.defineProperty(document, 'visibilityState', { value: '%s', configurable: true });"
CHANGE = HIDE + "document.dispatchEvent(new Event('visibilitychange'));"
MINUTE = 60_000
#: Seconds since 1970; in the tests time stands still until they let it go on.
NOON = 1_800_000_000


@pytest.fixture(scope="module")
def metrics():
    return Metrics()


@pytest.fixture(scope="module")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def port(metrics):
    with stage.serving(stage.make_service(metrics=metrics)) as port:
        yield port


@pytest.fixture(scope="module")
def browser(playwright, chromium_path, port):
    with stage.browsing(playwright, chromium_path, port) as browser:
        yield browser


@pytest.fixture
def open_page(browser):
    """Opens a page in a session of its own, its clock in our hands; a phone's, by its name."""
    contexts = []

    def open_page(address=LOGIN, *, agent=stage.ANDROID, init="", browser=browser, clock=True):
        context = browser.new_context(
            viewport=PHONE, user_agent=agent, ignore_https_errors=True, reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_init_script(stage.KEEP + init + stage.WATCH)
        page = context.new_page()
        if clock:
            page.clock.install(time=NOON)
            page.clock.pause_at(NOON + 1)
        page.asked, page.faults = [], []
        page.on("request", lambda request: page.asked.append(request))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        if address:
            page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def journeys(page):
    """Where this document wanted to go, and whether a person's tap was the cause."""
    return page.evaluate("window.journeys")


def wait_until(page, expression):
    """Playwright's own waiting needs eval, which the page's policy refuses."""
    for _ in range(200):
        # The question is lost if the page is just being exchanged for another.
        with contextlib.suppress(Error):
            if page.evaluate(expression):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def state(page):
    return page.evaluate("document.getElementById('login').dataset.state")


def settle(page):
    """Give the script the time for its digest: its attempt, if any, is made by then."""
    for _ in range(3):
        page.evaluate("crypto.subtle.digest('SHA-256', new Uint8Array(1)).then(() => 0)")


def turn(page, visibility):
    """Simulated: the app comes to the front (``hidden``), the visitor comes back (``visible``)."""
    page.evaluate(CHANGE % visibility)


def targets(page):
    return page.eval_on_selector_all(
        "a[data-way]", "links => links.map(link => [link.dataset.way, link.getAttribute('href')])"
    )


def told(page):
    """The events that this page sent, in order."""
    return [request.post_data for request in page.asked if request.method == "POST"]


# --- the one attempt --------------------------------------------------------------------------


def test_android_gets_one_attempt_with_the_very_bytes_of_the_query(open_page):
    page = open_page()
    settle(page)
    assert journeys(page) == [[INTENT, False]]
    for _ in range(4):
        page.clock.fast_forward(MINUTE)
    turn(page, "hidden")
    turn(page, "visible")
    assert journeys(page) == [[INTENT, False]]


def test_an_iphone_hops_once_to_the_second_page_and_stays_there(open_page):
    page = open_page(agent=stage.IPHONE)
    page.wait_for_url(f"{SECOND}#{stage.CODE}")
    settle(page)
    page.clock.fast_forward(MINUTE)
    assert journeys(page) == []
    assert targets(page)[0] == ["link", LOGIN]
    # The hop took the place of the first page: "back" does not lead there again.
    assert page.evaluate("history.length") == 2  # about:blank and this page
    documents = [request.url for request in page.asked if request.is_navigation_request()]
    assert documents == [LOGIN, SECOND]


STAY = {
    "Firefox on Android": (stage.FIREFOX, LOGIN),
    "Samsung Internet": (stage.SAMSUNG, LOGIN),
    "an Android WebView": (stage.WEBVIEW, LOGIN),
    "Instagram on iOS": (stage.INSTAGRAM, LOGIN),
    "a desktop": (stage.DESKTOP, LOGIN),
    "a browser unheard of": ("Unheard-Of/1.0", LOGIN),
    "an iPhone without a second page": (
        stage.IPHONE,
        f"https://{stage.LONELY}/alone/?{stage.CODE}",
    ),
    "several apps, of which one would be a guess": (
        stage.ANDROID,
        f"https://{stage.HOST}/several/?{stage.CODE}",
    ),
    "Android on the second page": (stage.ANDROID, f"{SECOND}?{stage.CODE}"),
    "a refusal, which is to be read first": (stage.ANDROID, f"{HOME}?error=access_denied"),
    "nothing to do": (stage.ANDROID, HOME),
}


@pytest.mark.parametrize("case", STAY)
def test_no_attempt_is_made_where_it_could_do_harm(open_page, case):
    agent, address = STAY[case]
    page = open_page(address, agent=agent)
    settle(page)
    page.clock.fast_forward(MINUTE)
    assert journeys(page) == []
    assert page.faults == []


def test_a_reload_makes_no_attempt(open_page):
    page = open_page()
    settle(page)
    page.reload()
    settle(page)
    assert journeys(page) == []
    assert state(page) == "going"


def test_a_reload_or_another_page_is_not_taken_for_the_app(open_page):
    """Whoever reloads because nothing happened must find the way again."""
    page = open_page()
    settle(page)
    page.reload()
    assert (state(page), page.url) == ("going", f"{HOME}#{stage.CODE}")
    page.get_by_role("link", name="Open Berry", exact=True).click()
    page.goto(f"https://{stage.HOST}/invite/7")
    page.go_back()
    assert (state(page), page.url) == ("going", f"{HOME}#{stage.CODE}")
    assert "left" not in told(page)


def test_a_second_visit_with_the_same_code_makes_no_attempt(open_page):
    page = open_page()
    settle(page)
    page.goto(f"https://{stage.HOST}/invite/7")
    page.goto(f"{LOGIN}&utm=again")
    settle(page)
    assert journeys(page) == []


def test_another_code_is_another_login(open_page):
    page = open_page()
    settle(page)
    page.goto(f"https://{stage.HOST}/invite/7")
    page.goto(f"{HOME}?code=another")
    settle(page)
    assert len(journeys(page)) == 1


def test_going_back_and_forward_makes_no_attempt(open_page):
    """As Playwright has it, without the back-forward cache: the page is loaded anew."""
    page = open_page()
    settle(page)
    page.goto(f"https://{stage.HOST}/invite/7")
    page.go_back()
    settle(page)
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "back_forward"
    assert journeys(page) == []
    # The same without a memory of the first visit, as in a tab that was restored.
    page.evaluate("sessionStorage.clear()")
    page.goto(f"https://{stage.HOST}/invite/7")
    page.go_back()
    settle(page)
    assert journeys(page) == []


def test_a_hidden_page_makes_no_attempt_also_when_it_is_shown_later(open_page):
    """Simulated; a prerendered page is hidden in the same sense."""
    page = open_page(init=HIDE % "hidden")
    settle(page)
    turn(page, "visible")
    page.clock.fast_forward(MINUTE)
    assert journeys(page) == []


def test_a_browser_without_a_memory_makes_no_attempt_and_shows_the_way(open_page):
    page = open_page(init=stage.FORGETFUL)
    settle(page)
    assert journeys(page) == []
    assert targets(page)[0] == ["intent", INTENT]
    assert page.faults == []


def test_a_page_from_the_back_forward_cache_makes_no_attempt(
    playwright, chromium_path, port, open_page
):
    """
    The cache is real here: the very document comes back, with all it remembered.

    Chromium keeps a page as long as it likes, and drops one when the machine is busy: then the
    page is built anew, makes no attempt either, and the next visit has to show the cache.
    """
    with stage.browsing(playwright, chromium_path, port, back_forward_cache=True) as browser:
        for _ in range(6):
            page = open_page(browser=browser, clock=False)
            wait_until(page, "window.journeys.length == 1")
            page.evaluate("window.isTheSame = true")
            page.goto(f"https://{stage.HOST}/invite/7")
            page.go_back(wait_until="commit")
            wait_until(
                page, "document.getElementById('login') && document.readyState == 'complete'"
            )
            is_the_same = page.evaluate("window.isTheSame === true")
            if is_the_same:
                wait_until(page, "document.getElementById('login').dataset.state == 'returned'")
            assert len(journeys(page)) == (1 if is_the_same else 0)
            page.context.close()
            if is_the_same:
                return
    raise AssertionError("Chromium kept no page in six visits")


def test_the_attempt_reaches_the_browser_as_one_navigation(browser):
    """As Chromium itself reports it, with nothing of ours in the page that could hold it up."""
    context = browser.new_context(user_agent=stage.ANDROID, ignore_https_errors=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    session, asked = context.new_cdp_session(page), []
    session.send("Page.enable")
    session.on("Page.frameRequestedNavigation", lambda event: asked.append(event["url"]))
    page.goto(LOGIN, wait_until="commit")
    for _ in range(200):
        if asked:
            break
        page.wait_for_timeout(50)
    page.clock.install()
    page.clock.fast_forward(MINUTE)
    assert asked == [INTENT]
    # A reload that the page itself asks for is reported, too: whoever listens hears it.
    page.evaluate("location.reload()")
    wait_until(page, "document.readyState == 'complete'")
    settle(page)
    page.wait_for_timeout(200)
    assert asked == [INTENT, f"{HOME}#{stage.CODE}"]
    context.close()


# --- the address ------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", [stage.ANDROID, stage.IPHONE, stage.FIREFOX, stage.DESKTOP])
def test_s8_the_code_is_out_of_the_query_before_the_page_is_ready(open_page, agent):
    page = open_page(f"https://{stage.LONELY}/alone/?{stage.CODE}", agent=agent)
    address = f"https://{stage.LONELY}/alone/#{stage.CODE}"
    assert page.evaluate("window.atReady") == address
    assert page.evaluate("history.length") == 2  # about:blank and this page
    assert page.url == address


def test_s8_the_code_leaves_the_address_when_the_app_has_taken_over(open_page):
    page = open_page()
    settle(page)
    turn(page, "hidden")
    assert page.url == HOME
    assert stage.CODE not in page.evaluate("JSON.stringify(history.state)")


def test_s8_the_code_leaves_the_address_and_the_links_when_its_time_is_over(open_page):
    page = open_page(agent=stage.FIREFOX)
    settle(page)
    page.clock.fast_forward(4 * MINUTE)
    assert targets(page) != []
    page.clock.fast_forward(2 * MINUTE)
    assert page.url == HOME
    assert state(page) == "expired"
    assert "code=" not in page.content()
    assert page.title() == "This sign-in took too long"


def test_s8_time_goes_on_while_the_page_is_away(open_page):
    """A phone stops the timers of a page in the background; the clock decides."""
    page = open_page(agent=stage.FIREFOX)
    settle(page)
    turn(page, "hidden")
    page.clock.pause_at(NOON + 20 * 60)
    turn(page, "visible")
    assert (state(page), page.url) == ("expired", HOME)


def test_a_reload_does_not_make_the_login_younger(open_page):
    page = open_page(agent=stage.FIREFOX)
    settle(page)
    page.clock.fast_forward(4 * MINUTE)
    page.reload()
    settle(page)
    assert state(page) == "going"
    page.clock.fast_forward(2 * MINUTE)
    assert state(page) == "expired"


def test_someone_who_only_looks_elsewhere_keeps_the_login(open_page):
    """Without an attempt or a tap, a hidden page is no evidence of an app."""
    page = open_page(agent=stage.FIREFOX)
    settle(page)
    turn(page, "hidden")
    turn(page, "visible")
    assert page.url == f"{HOME}#{stage.CODE}"
    assert state(page) == "going"


def test_a_query_that_is_no_login_leaves_the_address_and_a_fragment_behind_it_is_one(open_page):
    """In-app browsers add parameters of their own when they hand a page to the real browser."""
    page = open_page(f"{HOME}?fbclid=1#{stage.CODE}")
    settle(page)
    assert page.url == f"{HOME}#{stage.CODE}"
    assert journeys(page) == [[INTENT, False]]
    page = open_page(f"{HOME}?utm_source=x#_=_")
    assert page.url == HOME


def test_another_login_pasted_into_the_address_starts_anew(open_page):
    page = open_page(agent=stage.FIREFOX)
    settle(page)
    page.goto(f"{HOME}#code=another")
    wait_until(page, "document.querySelector('a[data-way]')?.href.includes('code=another')")
    assert all("another" in url for _, url in targets(page))


# --- the fragment -----------------------------------------------------------------------------


@pytest.mark.parametrize("agent", [stage.ANDROID, stage.IPHONE, stage.INSTAGRAM, stage.DESKTOP])
@pytest.mark.parametrize("path", ["/several/", "/login-callback", "/scheme/"])
def test_a_login_in_the_fragment_gets_the_same_ways_as_one_in_the_query(open_page, agent, path):
    address = f"https://{stage.HOST}{path}"
    pages = [
        open_page(f"{address}{mark}{stage.CODE}", agent=agent, init=stage.FORGETFUL)
        for mark in "?#"
    ]
    assert targets(pages[0]) == targets(pages[1]) != []
    assert [page.title() for page in pages] == [pages[0].title()] * 2
    assert state(pages[0]) == state(pages[1])


def test_the_second_page_is_reached_with_the_login_in_the_fragment(open_page):
    """So no server, router or log learns the code there."""
    page = open_page(agent=stage.IPHONE, init=stage.FORGETFUL)
    assert dict(targets(page))["second-page"] == f"{SECOND}#{stage.CODE}"


ALLOWED = "!$&()*+,-./:;=?@[]_~" + string.ascii_letters + string.digits


def made_up(seed):
    chance = random.Random(seed)  # noqa: S311 - the same examples in every run
    signs = [*ALLOWED, "$&", "$1", "$$", "**", *(f"%{byte:02x}" for byte in range(0, 256, 7))]
    return "code=a&x=" + "".join(chance.choice(signs) for _ in range(chance.randrange(1, 80)))


@pytest.fixture(scope="module")
def forgetful(browser):
    """One page for many visits; it remembers nothing, so nothing is tried."""
    context = browser.new_context(user_agent=stage.ANDROID, ignore_https_errors=True)
    context.add_init_script(stage.FORGETFUL + stage.WATCH)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("seed", range(40))
def test_the_bytes_of_the_fragment_go_into_every_target(forgetful, seed):
    raw = made_up(seed)
    if callback.read(raw) is None:
        raw = "code=a&x=$&*$'".replace("'", "")
    forgetful.goto("about:blank")
    forgetful.goto(f"https://{stage.HOST}/several/#{raw}")
    found = dict(targets(forgetful))
    assert found["intent"].endswith("#Intent;scheme=https;package=com.example.trial;end")
    assert found["scheme"] == f"trial://{stage.HOST}/several/?{raw}"
    assert found["second-page"] == f"https://{stage.ALTERNATE}/several/#{raw}"
    assert found["safari"] == f"x-safari-https://{stage.HOST}/several/?{raw}"
    assert found["browser"] == f"intent://{stage.HOST}/several/?{raw}#Intent;scheme=https;end"


#: Server and script must agree on each: what is a login, a refusal, nothing.
VECTORS = [
    "code=a",
    "code=a&state=s",
    "code=a%2Ab%21&scopes=x,y",
    "code=",
    "code",
    "state=s",
    "c%6Fde=a",
    "code=a&c%6fde=b",
    "code=a&code=",
    "code&code=b",
    "code=a&state=b&state=b",
    "error=a&error=a",
    "error=access_denied",
    "error=access_denied&code=a",
    "code=a&error=",
    "error=",
    "error_description=x",
    "error_string=x",
    "errCode=-2",
    "errCode=0&code=a",
    "errCode=0",
    "errCode=00&error_code=-0",
    "errCode=0000000000",
    "errCode=+0+",
    "errCode=%090",
    "errCode=%C2%A00",
    "errCode=%EF%BC%90",
    "errCode=1&errCode=0",
    "errCode=0&errCode=1",
    "error_code=x&code=a",
    "code=%",
    "code=%4",
    "code=%zz",
    "code=%00",
    "code=%FF%FE",
    "code=a%23b",
    "code=a;b",
    "code=a[b]",
    "code=a\\b",
    "code=a^b",
    "code=a{b}",
    "code=a|b",
    "code=a'b",
    'code=a"b',
    "code=a<b>",
    "code=a`b",
    "code=a b",
    "code=a#b",
    "code=\u00e9",
    "code=\u202e",
    "&&code=a&&",
    "=&code=a",
    "+code=a",
    "code+=a",
    "__proto__=a&code=b",
    "toString=a",
    "constructor=a&code=b",
    "code=" + "a" * 4091,
    "code=" + "a" * 4092,
    "code=a" + "&" * 99,
    "code=a" + "&" * 100,
]


def verdict(answer):
    if answer is None or not (answer.has_code or answer.refusal):
        return "nothing"
    return "refused" if answer.refusal else "going"


@pytest.mark.parametrize("raw", VECTORS)
def test_server_and_script_read_one_grammar(forgetful, raw):
    forgetful.goto("about:blank")
    forgetful.goto(f"{HOME}#{raw}")
    # Compared on what arrived: a browser encodes some signs of a fragment by itself.
    arrived = forgetful.evaluate("window.arrived")
    shown = state(forgetful).replace("cancelled", "refused")
    assert shown == verdict(callback.read(arrived))
    # What is not handed on does not stay in the address either.
    assert forgetful.url == (HOME if shown == "nothing" else f"{HOME}#{arrived}")


def test_server_and_script_have_the_same_expression():
    script = (stage.ROOT / "templates" / "_scripts" / "callback.js").read_text("utf-8")
    wanted = callback.QUERY.pattern.replace(r"?-\[\]", r"?-[\]")
    assert f"/^{wanted}$/" in script
    assert f"raw.length < {callback.MAX_QUERY + 1}" in script


HOSTILE = [
    '"><img src=x onerror=alert(1)>',
    "</template><script>alert(1)</script>",
    "javascript:alert(1)",
    "%3Cimg%20src=x%20onerror=alert(1)%3E",
    "#Intent;package=evil;end",
    "$&$`$'",
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", ["code", "state", "error", "error_description", "x"])
def test_s4_nothing_in_the_fragment_becomes_markup_or_script(forgetful, name, hostile):
    dialogs = []
    forgetful.on("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    forgetful.goto("about:blank")
    forgetful.goto(f"{HOME}#code=a&{name}={hostile}" if name == "x" else f"{HOME}#{name}={hostile}")
    assert dialogs == []
    assert forgetful.locator("img, main script").count() == 0
    origins = {re.match(r"[\w-]+://[^/]*", url)[0] for _, url in targets(forgetful)}
    assert origins <= {
        f"intent://{stage.HOST}",
        f"https://{stage.ALTERNATE}",
        f"x-safari-https://{stage.HOST}",
    }
    assert forgetful.evaluate("window.violations") == []


# --- a language that somebody chose ----------------------------------------------------------

FRENCH = f"{stage.CODE}&lang=fr"


def language(page):
    return page.evaluate("document.documentElement.lang")


def test_a_chosen_language_survives_a_reload_and_no_byte_of_the_query_changes(open_page):
    page = open_page(f"{HOME}?{FRENCH}", agent=stage.FIREFOX)
    assert page.url == f"{HOME}?lang=fr#{FRENCH}"
    before = page.title(), targets(page)
    page.reload()
    assert (language(page), page.url) == ("fr", f"{HOME}?lang=fr#{FRENCH}")
    assert (page.title(), targets(page)) == before
    assert all(f"?{FRENCH}" in url or f"#{FRENCH}" in url for _, url in targets(page))


def test_a_chosen_language_survives_the_hop_to_the_second_page(open_page):
    page = open_page(f"{HOME}?{FRENCH}", agent=stage.IPHONE)
    page.wait_for_url(f"{SECOND}?lang=fr#{FRENCH}")
    assert language(page) == "fr"
    assert targets(page)[0] == ["link", f"{HOME}?{FRENCH}"]


def test_a_chosen_language_goes_along_when_the_page_is_opened_in_the_browser(open_page):
    """By our own links, and by a menu, which takes the address as it stands."""
    page = open_page(f"{HOME}?{FRENCH}", agent=stage.INSTAGRAM)
    ways = dict(targets(page))
    assert ways["safari"] == f"x-safari-{HOME}?{FRENCH}"
    assert ways["browser"].startswith(f"intent://{stage.HOST}/login-callback/?{FRENCH}#Intent;")
    assert language(open_page(page.url, agent=stage.IPHONE)) == "fr"


@pytest.mark.parametrize("moment", ["left", "expired"])
def test_a_chosen_language_stays_when_the_code_leaves_the_address(open_page, moment):
    page = open_page(f"{HOME}?{FRENCH}")
    settle(page)
    turn(page, "hidden") if moment == "left" else page.clock.fast_forward(6 * MINUTE)
    assert page.url == f"{HOME}?lang=fr"
    page.reload()
    assert language(page) == "fr"
    assert page.title() in ("Déjà transmis", "Cette connexion a pris trop de temps")


@pytest.mark.parametrize(
    "wanted", ["%66r", "f", "fr;x", "SECRET-abcdefghijklmnopqrstuvwxyz", "", "fr%26code=b"]
)
def test_what_is_no_language_does_not_stay_in_the_query(open_page, wanted):
    page = open_page(f"{HOME}?{stage.CODE}&lang={wanted}", agent=stage.FIREFOX)
    assert page.url == f"{HOME}#{stage.CODE}&lang={wanted}"


# --- a query that is too long for every link --------------------------------------------------

LONG = f"{stage.CODE}&long={'x' * 3900}"


@pytest.mark.parametrize("mark", ["?", "?lang=fr&"])
def test_a_long_query_goes_on_in_the_fragment_to_the_page_with_every_way(open_page, mark):
    raw = f"{mark[1:]}{LONG}"
    page = open_page(f"{HOME}?{raw}", agent=stage.FIREFOX)
    kept = "?lang=fr" if mark != "?" else ""
    page.wait_for_url(f"{HOME}{kept}#{raw}")
    wait_until(page, "document.querySelectorAll('a[data-way]').length > 3")
    assert all(raw in url for _, url in targets(page))
    assert language(page) == ("fr" if kept else "en")
    assert page.evaluate("history.length") == 2  # about:blank and this page
    documents = [request.url for request in page.asked if request.is_navigation_request()]
    assert documents == [f"{HOME}?{raw}", f"{HOME}?{mark[1:-1]}"]


def test_a_long_query_gets_the_one_attempt_and_a_reload_none(open_page):
    page = open_page(f"{HOME}?{LONG}")
    wait_until(page, "window.journeys.length == 1")
    assert [url for url, _ in journeys(page)] == [INTENT.replace(stage.CODE, LONG)]
    page.reload()
    settle(page)
    assert journeys(page) == []


def test_a_long_refusal_stays_and_says_its_reason(open_page):
    raw = f"error=invalid_client&errCode=10033&long={'x' * 3900}"
    page = open_page(f"{HOME}?{raw}", agent=stage.FIREFOX)
    assert "signing certificate" in page.inner_text("[role=status]")
    assert [url.partition("?")[2].partition("#")[0] for _, url in targets(page)] == [raw]


@pytest.mark.parametrize("raw", [stage.CODE, LONG])
def test_a_posted_login_is_handed_on_whether_long_or_short(open_page, raw):
    page = open_page("about:blank", agent=stage.FIREFOX)
    fields = "".join(
        f'<input name="{name}" value="{value.replace("%2A", "*").replace("%21", "!")}">'
        for name, _, value in (pair.partition("=") for pair in raw.split("&"))
    )
    address = f"https://{stage.HOST}/posted/"
    page.set_content(f'<form method="post" action="{address}">{fields}<button></button></form>')
    page.click("button")
    wait_until(page, "document.querySelectorAll('a[data-way]').length > 3")
    sent = raw.replace("%2A", "*").replace(",", "%2C")
    assert all(sent in url for _, url in targets(page))
    assert page.url == f"{address}#{sent}"
    assert page.evaluate("window.violations") == []


def test_a_posted_login_gets_the_one_attempt_and_leaves_the_links_when_its_time_is_over(open_page):
    page = open_page("about:blank")
    address = f"https://{stage.HOST}/posted/"
    page.set_content(
        f'<form method="post" action="{address}"><input name="code" value="p-1"><button></button>'
    )
    page.click("button")
    wait_until(page, "window.journeys.length == 1")
    assert journeys(page)[0][0].startswith(f"intent://{stage.HOST}/posted/?code=p-1#Intent;")
    page.clock.fast_forward(6 * MINUTE)
    assert (state(page), page.url) == ("expired", address)
    assert "code=" not in page.content()


# --- what it says -----------------------------------------------------------------------------


def test_help_comes_after_a_while_in_a_region_that_is_read_out(open_page):
    page = open_page(agent=stage.FIREFOX)
    settle(page)
    tip = page.get_by_text("Open links in apps")
    assert not tip.is_visible()
    page.clock.fast_forward(2_600)
    assert tip.is_visible()
    assert state(page) == "still"
    assert page.locator("[aria-live=polite]", has=tip).count() == 1


def test_without_script_the_help_is_there_at_once(browser):
    context = browser.new_context(
        user_agent=stage.FIREFOX, java_script_enabled=False, ignore_https_errors=True
    )
    page = context.new_page()
    page.goto(LOGIN)
    assert page.get_by_text("Open links in apps").is_visible()
    context.close()


def test_whoever_comes_back_from_the_app_may_close_the_page_or_try_again(open_page):
    page = open_page()
    settle(page)
    turn(page, "hidden")
    turn(page, "visible")
    assert state(page) == "returned"
    assert page.title() == "You can close this page"
    assert page.get_by_role("status").inner_text().startswith("If Berry has signed you in")
    page.get_by_role("link", name="Open Berry", exact=True).click()
    assert journeys(page) == [[INTENT, False], [INTENT, True]]


def test_a_reload_after_the_app_took_over_says_so(open_page):
    page = open_page()
    settle(page)
    turn(page, "hidden")
    page.reload()
    assert state(page) == "used"
    assert page.title() == "Already handed over"
    assert (page.url, targets(page)) == (HOME, [])


def test_the_same_login_once_more_after_the_app_took_over_can_still_be_tried(open_page):
    page = open_page()
    settle(page)
    turn(page, "hidden")
    page.goto("about:blank")
    page.goto(LOGIN)
    settle(page)
    assert state(page) == "used"
    assert journeys(page) == []
    assert page.url == HOME
    assert targets(page)[0] == ["intent", INTENT]


def test_a_refusal_is_told_again_after_a_reload(open_page):
    page = open_page(f"{HOME}?error=invalid_client&errCode=10033&state=s")
    assert page.url == f"{HOME}#error=invalid_client&errCode=10033&state=s"
    before = page.inner_text("h1"), page.inner_text("[role=status]")
    page.reload()
    assert (page.inner_text("h1"), page.inner_text("[role=status]")) == before
    assert state(page) == "refused"


def test_a_refusal_in_the_fragment_is_told_in_our_words(open_page):
    page = open_page(f"{HOME}#error=access_denied&error_description=call%20555-0100")
    assert page.title() == "Sign-in cancelled"
    assert "555" not in page.inner_text("body")
    assert open_page(f"{HOME}#error=call%20555").title() == "Sign-in did not work"


def test_focus_is_never_taken(open_page):
    page = open_page()
    settle(page)
    page.clock.fast_forward(MINUTE)
    turn(page, "hidden")
    turn(page, "visible")
    page.clock.fast_forward(10 * MINUTE)
    assert page.evaluate("document.activeElement === document.body")


LATER = {
    "still here": lambda page: page.clock.fast_forward(3_000),
    "returned": lambda page: (turn(page, "hidden"), turn(page, "visible")),
    "used": lambda page: (turn(page, "hidden"), page.reload()),
    "expired": lambda page: page.clock.fast_forward(6 * MINUTE),
    "used and here": lambda page: (
        turn(page, "hidden"),
        page.goto("about:blank"),
        page.goto(LOGIN),
    ),
    "from a fragment": lambda page: page.reload(),
}


@pytest.mark.parametrize("moment", LATER)
def test_every_moment_keeps_the_policy(open_page, moment):
    page = open_page()
    settle(page)
    LATER[moment](page)
    settle(page)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("window.violations") == []
    assert page.faults == []
    assert {request.url.split("/")[2] for request in page.asked} == {stage.HOST}


# --- the report -----------------------------------------------------------------------------

REFUSED = f"{HOME}?error=invalid_client&errCode=10033&state=SECRET-s"


@pytest.mark.parametrize("clipboard", ["works", "is refused"])
def test_the_report_is_copied_by_a_button_that_says_so(open_page, clipboard):
    refuse = "navigator.clipboard.writeText = async () => { throw new Error(); };"
    page = open_page(REFUSED, init=refuse if clipboard == "is refused" else "")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("summary:has-text('Details for support')")
    announced = page.locator("#copied[role=status]")
    assert announced.inner_text() == ""
    page.get_by_role("button", name="Copy", exact=True).click()
    wait_until(page, "document.getElementById('copied').textContent == 'Copied.'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.replace("\r\n", "\n") == (
        f"page {HOME}\nbrowser android-chromium\nrefusal app_certificate\n"
        "error invalid_client\nerrCode 10033\nevents shown"
    )


def test_without_script_there_is_no_button_that_does_nothing(browser):
    context = browser.new_context(java_script_enabled=False, ignore_https_errors=True)
    page = context.new_page()
    page.goto(REFUSED)
    page.click("summary:has-text('Details for support')")
    assert page.locator("#facts").is_visible()
    assert page.get_by_role("button").count() == 0
    context.close()


# --- the beacon -------------------------------------------------------------------------------


def test_the_beacon_tells_events_of_the_list_and_nothing_else(open_page):
    page = open_page()
    settle(page)
    page.clock.fast_forward(3_000)
    turn(page, "hidden")
    turn(page, "visible")
    page.clock.fast_forward(6 * MINUTE)
    assert told(page) == ["shown", "attempted", "failed", "left", "returned", "expired"]
    assert set(told(page)) <= set(EVENTS)
    for request in page.asked[1:]:
        assert request.url == f"{HOME}beacon"
        assert not request.headers.get("cookie")
        assert not request.headers.get("referer")
        assert "code" not in str(request.headers)


def test_the_events_are_in_the_metrics_by_class_of_browser(open_page, metrics):
    before = metrics.render().decode()
    page = open_page(agent="Unheard-Of/1.0")
    settle(page)
    page.get_by_role("link", name="Open Berry on Android").click()
    with page.expect_event("requestfinished", lambda request: request.post_data == "left"):
        turn(page, "hidden")
    for event in ("shown", "tapped", "left"):
        name = f'deeplink_callback_events_total{{event="{event}",family="unknown"}}'
        assert count(metrics.render().decode(), name) == count(before, name) + 1


def count(metrics, name):
    lines = [line for line in metrics.splitlines() if line.startswith(name)]
    return float(lines[0].split()[-1]) if lines else 0.0


def test_a_beacon_that_is_blocked_spoils_nothing(browser):
    context = browser.new_context(user_agent=stage.ANDROID, ignore_https_errors=True)
    context.add_init_script(stage.WATCH)
    page = context.new_page()
    page.route("**/beacon", lambda route: route.abort())
    page.goto(LOGIN)
    wait_until(page, "window.journeys.length == 1")
    assert journeys(page) == [[INTENT, False]]
    context.close()


# --- the policy -------------------------------------------------------------------------------


def test_what_breaks_the_policy_is_heard(open_page):
    """Else no test that finds no violation would prove anything."""
    page = open_page()
    assert page.evaluate("window.violations") == []
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("fetch('https://elsewhere.example/').catch(() => 0)")
    wait_until(page, "window.violations.length == 2")
    assert page.evaluate("window.violations") == ["style-src-attr", "connect-src"]


def test_s5_the_page_is_in_nobodys_frame(open_page):
    page = open_page(f"https://{stage.HOST}/nowhere")
    page.goto("about:blank")
    page.set_content(f'<iframe src="{LOGIN}"></iframe>')
    wait_until(page, "window.length == 1")
    page.wait_for_timeout(300)
    frame = page.frames[1]
    assert frame.evaluate("document.querySelector('a[data-way]')") is None


def test_s6_no_journey_and_no_beacon_carries_a_referrer(open_page):
    page = open_page(agent=stage.IPHONE)
    page.wait_for_url(f"{SECOND}#{stage.CODE}")
    settle(page)
    assert [request.url for request in page.asked if request.headers.get("referer")] == []
    assert page.evaluate("document.referrer") == ""


@pytest.mark.parametrize(
    "word",
    [
        "window.open",
        "iframe",
        "confirm(",
        "submit",
        "http-equiv",
        "setInterval",
        "play.google",
        "eval",
    ],
)
def test_the_script_knows_no_trick(word):
    script = (stage.ROOT / "templates" / "_scripts" / "callback.js").read_text("utf-8")
    assert word not in script
