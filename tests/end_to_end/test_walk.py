"""A person walks the login in a real browser, from the front page to the name and out again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture
def page(chromium_path):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def test_a_login_walks_from_the_front_page_to_the_name(page, served):
    page.goto(served.url)
    page.get_by_role("button", name="Try a login").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("link", name="Continue in the pretend app").click()
    expect(page.locator("#status")).to_have_text("Signed in as Sandy Box.")
    assert "code=" not in page.url
    page.get_by_role("button", name="Refresh the tokens").click()
    expect(page.locator("#status")).to_have_text("Refreshed; still signed in as Sandy Box.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#status")).to_contain_text("Signed out")


def test_a_person_who_says_no_is_told_so_in_plain_words(page, served):
    page.goto(served.url)
    page.get_by_role("button", name="Try a login").click()
    page.get_by_role("button", name=re.compile("Deny|Cancel|Not now")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("cancel", re.I))


def test_a_login_started_on_localhost_ends_well_too(page, served):
    """The verifier is kept by an origin; the redirect URI names 127.0.0.1."""
    page.goto(served.url.replace("127.0.0.1", "localhost"))
    page.get_by_role("button", name="Try a login").click()
    page.wait_for_url(re.compile("127.0.0.1:[0-9]+/(#|v2)"))
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("link", name="Continue in the pretend app").click()
    expect(page.locator("#status")).to_have_text("Signed in as Sandy Box.")
