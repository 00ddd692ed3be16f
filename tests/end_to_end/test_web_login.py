"""A real Chromium logs in through the standard face, on good days and on bad ones."""

from __future__ import annotations

import importlib.util
import json
import re
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.end_to_end.test_facade_clients import walk

#: Where docs/examples/web-login.html lives, for the shipped config's client.
EXAMPLE = "http://127.0.0.1:8080/web-login.html"


@pytest.fixture(scope="module")
def chromium(chromium_path):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                # A page that the test serves has no address, and so none of this machine's.
                "--disable-features=LocalNetworkAccessChecks",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chromium):
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def order(sandbox):
    """Turn the sandbox's knobs, or order mischief; all is as before afterwards."""

    def send(path, what):
        body = json.dumps(what).encode()
        headers = {"Content-Type": "application/json"}
        answer, text = sandbox.request("POST", f"/__sandbox__/{path}", headers=headers, body=body)
        assert answer.status in (200, 201), text

    yield send
    send("knobs", {"auto": True, "remembers": False})
    sandbox.request("DELETE", "/__sandbox__/mischief")


def start(context, server):
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server.url}/web-login/")
    page.complaints = complaints
    return page


def press(page, name):
    page.get_by_role("button", name=name).click()


def test_a_login_from_the_front_page_to_the_revocation(context, server):
    page = start(context, server)
    page.goto(server.url)
    page.get_by_role("link", name="Try the web login").click()
    press(page, "Sign in with TikTok")
    expect(page.get_by_role("status")).to_have_text("Signed in as Sandy Box.")
    assert urlsplit(page.url).query == ""
    press(page, "Refresh the tokens")
    expect(page.get_by_role("status")).to_have_text("Refreshed; still signed in as Sandy Box.")
    press(page, "Sign out (revoke)")
    expect(page.get_by_role("status")).to_contain_text("Signed out")
    assert page.complaints == []


def test_a_person_who_says_no_is_told_so(context, server, order):
    order("knobs", {"auto": False})
    page = start(context, server)
    press(page, "Sign in with TikTok")
    press(page, "Deny")
    expect(page.get_by_role("status")).to_contain_text("Not signed in: Sign-in cancelled.")
    expect(page.get_by_role("button", name="Sign in with TikTok")).to_be_visible()
    assert page.complaints == []


def test_a_program_on_the_persons_machine_never_skips_the_consent(context, server, order):
    """Another could listen there and ask in its name (RFC 8252 section 8.6)."""
    order("knobs", {"auto": False, "remembers": True})
    page = start(context, server)
    for _ in range(2):
        press(page, "Sign in with TikTok")
        press(page, "Allow")
        expect(page.get_by_role("status")).to_have_text("Signed in as Sandy Box.")
        page.reload()
    # Who does not ask for the page gets none the second time.
    address = re.sub("&disable_auto_auth=1", "", provider_address(context, server))
    assert address != provider_address(context, server)
    answer = context.request.get(address, max_redirects=0)
    assert (answer.status, "code=" in answer.headers["location"]) == (302, True)


def provider_address(context, server):
    query = {
        "response_type": "code",
        "client_id": "demo",
        "redirect_uri": f"{server.url}/web-login/",
        "scope": "user.info.basic",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    url = f"{server.url}/oauth/tiktok/authorize?{urlencode(query)}"
    return context.request.get(url, max_redirects=0).headers["location"]


def test_a_slow_provider_is_waited_for(context, server, order):
    page = start(context, server)
    order("mischief", {"kind": "slow", "endpoint": "token", "seconds": 3})
    press(page, "Sign in with TikTok")
    expect(page.get_by_role("status")).to_have_text("Asking for the tokens …")
    expect(page.get_by_role("status")).to_have_text("Signed in as Sandy Box.", timeout=15_000)


@pytest.mark.parametrize("kind", ["server_error", "html", "drop", "malformed_json"])
def test_a_provider_that_refuses_is_said_in_words_and_can_be_tried_again(
    context, server, order, kind
):
    page = start(context, server)
    order("mischief", {"kind": kind, "endpoint": "token"})
    press(page, "Sign in with TikTok")
    expect(page.get_by_role("status")).to_contain_text("Not signed in: ")
    press(page, "Sign in with TikTok")
    expect(page.get_by_role("status")).to_have_text("Signed in as Sandy Box.")


def test_two_tabs_at_once_both_sign_in(context, server, order):
    order("knobs", {"auto": False})
    tabs = [start(context, server) for _ in range(2)]
    for page in tabs:
        press(page, "Sign in with TikTok")
        expect(page.get_by_role("button", name="Allow")).to_be_visible()
    for page in reversed(tabs):
        press(page, "Allow")
        expect(page.get_by_role("status")).to_have_text("Signed in as Sandy Box.")


def test_consent_in_one_browser_and_return_in_another_signs_nobody_in(
    chromium, context, server, order
):
    order("knobs", {"auto": False})
    page = start(context, server)
    press(page, "Sign in with TikTok")
    consent = page.url
    other = chromium.new_context()
    stranger = other.new_page()
    stranger.goto(consent)
    press(stranger, "Allow")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Start again from the app")
    assert stranger.get_by_role("link").count() == 0
    other.close()


def test_a_reload_after_the_login_does_not_redeem_again(context, server):
    page = start(context, server)
    press(page, "Sign in with TikTok")
    expect(page.get_by_role("status")).to_have_text("Signed in as Sandy Box.")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Nobody is signed in.")


def example(context, root, server):
    """The example page, as its own origin would serve it, for this test's server."""
    text = (root / "docs" / "examples" / "web-login.html").read_text("utf-8")
    text = text.replace("http://127.0.0.1:8000", server.url)
    context.route(
        re.compile(r"http://127\.0\.0\.1:8080/"),
        lambda route: route.fulfill(body=text, content_type="text/html"),
    )
    page = context.new_page()
    page.goto(EXAMPLE)
    return page


def test_the_example_signs_in_and_out_from_another_origin(context, root, server):
    page = example(context, root, server)
    press(page, "Sign in")
    expect(page.get_by_role("status")).to_contain_text("Signed in as ")
    press(page, "Sign out")
    expect(page.get_by_role("status")).to_have_text("Signed out.")


def test_the_example_is_told_that_the_person_said_no(context, root, server, order):
    order("knobs", {"auto": False})
    page = example(context, root, server)
    press(page, "Sign in")
    press(page, "Deny")
    expect(page.get_by_role("status")).to_contain_text("Not signed in: Sign-in cancelled.")


def test_a_page_of_another_origin_cannot_read_the_token_endpoint(context, root, server):
    context.route(
        re.compile(r"http://127\.0\.0\.1:8088/"),
        lambda route: route.fulfill(body="<title>x</title>", content_type="text/html"),
    )
    page = context.new_page()
    page.goto("http://127.0.0.1:8088/")
    read = page.evaluate(
        """url => fetch(url, { method: "POST", body: new URLSearchParams({ client_id: "demo" }) })
             .then(answer => answer.text(), error => "refused: " + error.name)""",
        f"{server.url}/oauth/tiktok/token",
    )
    assert read == "refused: TypeError"


def test_the_example_for_a_server_signs_in(monkeypatch, root, server):
    monkeypatch.setenv("ISSUER", f"{server.url}/oauth/tiktok")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    path = root / "docs" / "examples" / "server_login.py"
    spec = importlib.util.spec_from_file_location("server_login", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    website = module.app.test_client()
    base_url = "http://127.0.0.1:8081/"
    started = website.get("/login", base_url=base_url)
    arrived = urlsplit(walk(started.headers["Location"]))
    website.get(f"{arrived.path}?{arrived.query}", base_url=base_url)
    assert website.get("/", base_url=base_url).text.startswith("Signed in as ")
    denied = urlsplit(
        walk(website.get("/login", base_url=base_url).headers["Location"], "access_denied")
    )
    answer = website.get(f"{denied.path}?{denied.query}", base_url=base_url)
    assert answer.text == "Not signed in: access_denied"
