"""
The callback page in Debian's Firefox and in WebKitGTK, the nearest relative of iOS's browsers here.

The User-Agents of phones are claims here, too, and no app is near; what a phone then does is
``docs/devices.md``'s matter.
"""

from __future__ import annotations

import time

import pytest
from flask import request

from tests.browser import drivers, stage
from tests.browser.stage import HOME, INTENT, LOGIN, SECOND

LEFT = f"https://{stage.HOST}/invite/7"
HOSTS = (stage.HOST, stage.ALTERNATE, stage.LONELY)

#: Before a page's own script: what breaks its policy, and where it is when it can first be used.
WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective));
document.addEventListener('DOMContentLoaded', () => { window.atReady = location.href; });
"""

#: Longer than the page's own timers, so that whatever it does by itself has been done.
A_WHILE = 3


@pytest.fixture(scope="module")
def served():
    """Every request that reached the server: method, address, Referer, Cookie."""
    return []


@pytest.fixture(scope="module")
def port(served):
    service = stage.make_service()

    @service.before_request
    def note():
        query = request.environ["QUERY_STRING"]
        address = f"https://{request.host}{request.path}{'?' if query else ''}{query}"
        served.append((request.method, address, request.referrer, request.headers.get("Cookie")))

    with stage.serving(service) as port:
        yield port


@pytest.fixture(scope="module")
def firefox_gate(port):
    with drivers.Gate(HOSTS, port) as gate:
        yield gate


@pytest.fixture(scope="module")
def webkit_gate(port):
    with drivers.Gate(HOSTS, port) as gate:
        yield gate


@pytest.fixture(autouse=True)
def forget(served):
    served.clear()


@pytest.fixture(scope="module")
def firefox(firefox_path, firefox_gate, tmp_path_factory):
    folder = tmp_path_factory.mktemp("firefox")
    with drivers.firefox(firefox_path, folder, firefox_gate.address) as browser:
        yield browser


@pytest.fixture(scope="module")
def driver(webkit_path, webkit_gate):
    with drivers.webkit_driver(webkit_gate.address) as address:
        yield address


@pytest.fixture
def webkit(driver, webkit_gate):
    opened = []
    webkit_gate.asked.clear()

    def open_browser(user_agent, **options):
        opened.append(drivers.WebKit(driver, user_agent, **options))
        return opened[-1]

    yield open_browser
    for browser in opened:
        browser.close()


def documents(served):
    return [address for method, address, _, _ in served if method == "GET"]


def events(browser):
    return browser.run("document.getElementById('facts').textContent.split('events')[1]")


def wait_for_events(browser, wanted):
    """The script is asynchronous: its digest comes first."""
    drivers.wait_for(lambda: events(browser).startswith(wanted), wanted)


# --- Firefox ----------------------------------------------------------------------------------


def attempts(firefox):
    """Where the tab wanted to go outside the web, as Firefox itself tells."""
    journeys = firefox.told("browsingContext.navigationStarted")
    return [each["url"] for each in journeys if not each["url"].startswith(("https:", "about:"))]


def test_firefox_sees_one_attempt_and_none_on_reload_or_back(firefox, served):
    """
    With the User-Agent of Chrome on Android: its own gets none, see below.

    Firefox seldom tells of a journey that leaves the web while the page is still loading (of a tap,
    always: see the next test). So the page's own count must be one, and Firefox's never more.
    """
    firefox.open_tab(stage.ANDROID, preload=WATCH)
    firefox.go(LOGIN)
    wait_for_events(firefox, " shown attempted")
    time.sleep(A_WHILE)
    assert events(firefox).count("attempted") == 1
    assert firefox.url == f"{HOME}#{stage.CODE}"
    told = attempts(firefox)
    assert told in ([], [INTENT])

    firefox.reload()
    wait_for_events(firefox, " shown")
    time.sleep(A_WHILE)
    assert events(firefox) == " shown"
    firefox.go(LEFT)
    firefox.back()
    drivers.wait_for(lambda: firefox.url == f"{HOME}#{stage.CODE}", "the way back")
    time.sleep(A_WHILE)
    assert "attempted" not in events(firefox)
    assert attempts(firefox) == told
    assert documents(served)[:3] == [LOGIN, HOME, LEFT]
    firefox.close_tab()


def test_firefox_on_a_phone_is_asked_for_nothing_by_itself(firefox):
    firefox.open_tab(stage.FIREFOX, preload=WATCH)
    firefox.go(LOGIN)
    wait_for_events(firefox, " shown")
    time.sleep(A_WHILE)
    assert attempts(firefox) == []
    assert firefox.run("document.getElementById('login').dataset.state") == "still"
    # A tap is what the listener above would have heard.
    firefox.click("a.primary")
    drivers.wait_for(lambda: attempts(firefox), "the tap")
    assert attempts(firefox) == [INTENT]
    firefox.close_tab()


@pytest.mark.parametrize("agent", [stage.ANDROID, stage.FIREFOX, stage.DESKTOP])
def test_firefox_has_the_code_out_of_the_query_before_the_page_is_ready(firefox, served, agent):
    firefox.open_tab(agent, preload=WATCH)
    firefox.go(LOGIN)
    wait_for_events(firefox, " shown")
    assert firefox.run("window.atReady") == f"{HOME}#{stage.CODE}"
    assert firefox.run("window.violations") == []
    asked = [each["request"]["url"] for each in firefox.told("network.beforeRequestSent")]
    assert LOGIN in asked
    others = {url for url in asked if url.startswith("http")} - {LOGIN}
    assert others <= {f"{HOME}beacon"}
    assert {(referrer, cookie) for _, _, referrer, cookie in served} == {(None, None)}
    firefox.close_tab()


def test_firefox_tells_of_what_breaks_the_policy(firefox):
    firefox.open_tab(stage.FIREFOX, preload=WATCH)
    firefox.go(LOGIN)
    firefox.run("document.body.setAttribute('style', 'color: red') ?? 1")
    drivers.wait_for(lambda: firefox.run("window.violations"), "the violation")
    firefox.close_tab()


def test_firefox_with_an_iphones_name_hops_once(firefox, served):
    firefox.open_tab(stage.IPHONE, preload=WATCH)
    firefox.go(LOGIN)
    drivers.wait_for(lambda: firefox.url == f"{SECOND}#{stage.CODE}", "the second page")
    wait_for_events(firefox, " shown")
    firefox.reload()
    wait_for_events(firefox, " shown")
    time.sleep(A_WHILE)
    assert documents(served) == [LOGIN, SECOND, SECOND]
    assert firefox.run("history.length") <= 2
    firefox.close_tab()


def test_firefox_without_script_has_a_link_that_works(firefox_path, firefox_gate, served, tmp_path):
    with drivers.firefox(firefox_path, tmp_path, firefox_gate.address, script=False) as browser:
        browser.open_tab(stage.IPHONE)
        browser.go(LOGIN)
        browser.click("a.primary")
        drivers.wait_for(lambda: browser.url == f"{SECOND}?{stage.CODE}", "the second page")
    # A browser may show the address before it has asked for it.
    drivers.wait_for(lambda: len(documents(served)) > 1, "the request for the second page")
    assert documents(served) == [LOGIN, f"{SECOND}?{stage.CODE}"]
    assert {referrer for _, _, referrer, _ in served} == {None}


# --- WebKitGTK --------------------------------------------------------------------------------


def asked_elsewhere(gate):
    return [target for target in gate.asked if target.rpartition(":")[0] not in HOSTS]


def test_webkit_hops_once_and_not_on_reload_or_back(webkit, served, webkit_gate):
    browser = webkit(stage.IPHONE)
    browser.go(LOGIN)
    drivers.wait_for(lambda: browser.url == f"{SECOND}#{stage.CODE}", "the second page")
    wait_for_events(browser, " shown")
    browser.run("location.reload()")
    wait_for_events(browser, " shown")
    time.sleep(A_WHILE)
    browser.go(LEFT)
    browser.back()
    drivers.wait_for(lambda: browser.url == f"{SECOND}#{stage.CODE}", "the way back")
    time.sleep(A_WHILE)
    # WebKit may show the page that it kept, and then asks nobody.
    assert documents(served) in (
        [LOGIN, SECOND, SECOND, LEFT],
        [LOGIN, SECOND, SECOND, LEFT, SECOND],
    )
    assert {(referrer, cookie) for _, _, referrer, cookie in served} == {(None, None)}
    assert asked_elsewhere(webkit_gate) == []


def test_webkit_makes_no_second_hop_for_the_same_login(webkit, served):
    browser = webkit(stage.IPHONE)
    browser.go(LOGIN)
    drivers.wait_for(lambda: browser.url == f"{SECOND}#{stage.CODE}", "the second page")
    browser.go(f"{LOGIN}&again=1")
    wait_for_events(browser, " shown")
    time.sleep(A_WHILE)
    assert browser.url == f"{HOME}#{stage.CODE}&again=1"
    assert events(browser) == " shown"
    assert documents(served) == [LOGIN, SECOND, f"{LOGIN}&again=1"]


@pytest.mark.parametrize("agent", [stage.INSTAGRAM, stage.DESKTOP])
def test_webkit_has_the_code_out_of_the_query_and_asks_nobody_else(
    webkit, served, webkit_gate, agent
):
    browser = webkit(agent)
    browser.go(LOGIN)
    assert browser.url == f"{HOME}#{stage.CODE}"
    wait_for_events(browser, " shown")
    # Style and script ran: the policy's hashes are right to WebKit, too.
    assert browser.run("getComputedStyle(document.querySelector('.symbol')).width") == "48px"
    time.sleep(A_WHILE)
    assert documents(served) == [LOGIN]
    assert {address for method, address, _, _ in served if method == "POST"} == {f"{HOME}beacon"}
    assert asked_elsewhere(webkit_gate) == []
    # The gate would have told.
    browser.go("https://elsewhere.example/")
    assert asked_elsewhere(webkit_gate) != []


def test_webkit_without_script_has_a_link_that_works(webkit, served):
    browser = webkit(stage.IPHONE, script=False)
    browser.go(LOGIN)
    assert browser.url == LOGIN
    browser.click("a.primary")
    drivers.wait_for(lambda: browser.url == f"{SECOND}?{stage.CODE}", "the second page")
    # A browser may show the address before it has asked for it.
    drivers.wait_for(lambda: len(documents(served)) > 1, "the request for the second page")
    assert documents(served) == [LOGIN, f"{SECOND}?{stage.CODE}"]
    assert {referrer for _, _, referrer, _ in served} == {None}
