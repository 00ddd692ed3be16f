"""
The golden table: User-Agent x config -> the ways into the app, in order, and what is tried alone.

By source, not tried on a device: the strings are those of ``test_visitor.py``'s sources, the order
that of docs/devices.md. ``!`` marks the way that the page tries once by itself, ``>`` the primary
one, ``|`` stands before those that are folded away.
"""

from __future__ import annotations

import re

import pytest

from deeplink.association.verdict import AndroidApp, App, IosApp
from deeplink.config import Callback
from deeplink.visitor import classify
from deeplink.web import callback
from deeplink.words import ENGLISH

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
WEBVIEW = "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"  # noqa: E501
SAFARI = f"{IPHONE} Version/26.0 Mobile/15E148 Safari/604.1"

#: Browser -> (User-Agent, which rows of ORDERS hold for it).
BROWSERS = {
    "Chrome on Android": (f"{ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36", "chromium"),
    # A Custom Tab says nothing of itself: Snapchat, LinkedIn, Gmail, X on Android.
    "Custom Tab": (f"{ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36", "chromium"),
    "Edge on Android": (f"{ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36 EdgA/140.0", "chromium"),
    "Brave on Android": (f"{ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36", "chromium"),
    "Firefox on Android": (
        "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
        "android",
    ),
    "Samsung Internet": (
        f"{ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        "android",
    ),
    "Android WebView": (WEBVIEW, "android in-app"),
    "Instagram on Android": (f"{WEBVIEW} Instagram 395.0.0.0.1 Android (34/14)", "android in-app"),
    "Facebook on Android": (f"{WEBVIEW} [FB_IAB/FB4A;FBAV/480.0.0.0.1;]", "android in-app"),
    "Threads on Android": (f"{WEBVIEW} Barcelona 400.0.0.0.1 Android", "android in-app"),
    "TikTok on Android": (
        f"{WEBVIEW} trill_2023 BytedanceWebview/d8a21c6 musical_ly_2023",
        "android in-app",
    ),
    "WeChat on Android": (f"{WEBVIEW} MicroMessenger/8.0.50 NetType/WIFI", "android in-app"),
    "LINE on Android": (f"{WEBVIEW} Line/14.0.0/IAB", "android in-app"),
    "X on Android, in its WebView": (f"{WEBVIEW} TwitterAndroid", "android in-app"),
    "Snapchat on Android, in its WebView": (f"{WEBVIEW} Snapchat/12.90", "android in-app"),
    "Safari": (SAFARI, "ios"),
    # Both look like Safari.
    "SFSafariViewController": (SAFARI, "ios"),
    "ASWebAuthenticationSession": (SAFARI, "ios"),
    "Chrome on iOS": (f"{IPHONE} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1", "ios"),
    "Firefox on iOS": (f"{IPHONE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "ios"),
    "Instagram on iOS": (f"{IPHONE} Mobile/15E148 Instagram 395.0.0", "ios in-app"),
    "Instagram on iOS since 2026": (f"{SAFARI} Instagram 420.0.0", "ios in-app"),
    "Facebook on iOS": (f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0;]", "ios in-app"),
    "TikTok on iOS": (
        f"{IPHONE} Mobile/15E148 musical_ly_39.0 BytedanceWebview/d8a21c6",
        "ios in-app",
    ),
    "WeChat on iOS": (f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.50", "ios in-app"),
    "LINE on iOS": (f"{SAFARI} Line/14.0.0", "ios in-app"),
    "X on iOS": (f"{IPHONE} Mobile/15E148 Twitter for iPhone/11.0", "ios in-app"),
    "Snapchat on iOS": (f"{IPHONE} Mobile/15E148 Snapchat/12.90.0.42", "ios in-app"),
    "Safari on an iPad that says it is a Mac": (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/26.0 Safari/605.1.15",
        "mac",
    ),
    "Chrome on a desktop": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0",
        "desktop",
    ),
    "a browser unheard of": ("Unheard-Of/1.0", "anybody"),
}

#: Config -> class of browser -> ways.
ORDERS = {
    # No alternate host, no custom scheme: what most begin with.
    "plain": {
        "chromium": "!>intent | hold browser safari",
        "android": ">intent | hold browser safari",
        "android in-app": ">intent browser | hold safari",
        "ios": ">hold | safari intent browser",
        "ios in-app": ">safari hold | intent browser",
        "mac": "hold | safari intent browser",
        "desktop": "intent hold | browser safari",
        "anybody": ">intent hold | browser safari",
    },
    "alternate host": {
        "chromium": "!>intent | second-page browser safari",
        "android": ">intent | second-page browser safari",
        "android in-app": ">intent browser | second-page safari",
        "ios": "!>second-page | safari intent browser",
        "ios in-app": ">second-page safari | intent browser",
        "mac": "second-page | safari intent browser",
        "desktop": "intent second-page | browser safari",
        "anybody": ">intent second-page | browser safari",
    },
    "alternate host, on its page": {
        "chromium": ">intent link | browser safari",
        "android": ">intent link | browser safari",
        "android in-app": ">intent browser link | safari",
        "ios": ">link | safari intent browser",
        "ios in-app": ">link safari | intent browser",
        "mac": "link | safari intent browser",
        "desktop": "intent link | browser safari",
        "anybody": ">intent link | browser safari",
    },
    # A scheme is never tried by itself: any app may register it.
    "alternate host and custom scheme": {
        "chromium": "!>intent | second-page scheme browser safari",
        "android": ">intent | second-page scheme browser safari",
        "android in-app": ">intent browser | second-page scheme safari",
        "ios": "!>second-page scheme | safari intent browser",
        "ios in-app": ">scheme second-page safari | intent browser",
        "mac": "second-page scheme | safari intent browser",
        "desktop": "intent second-page scheme | browser safari",
        "anybody": ">intent second-page scheme | browser safari",
    },
    # Which of two apps is a guess, and a wrong one leads into the store.
    "two apps": {
        "chromium": ">intent intent | second-page browser safari",
        "android": ">intent intent | second-page browser safari",
        "android in-app": ">intent intent browser | second-page safari",
        "ios": "!>second-page | safari intent intent browser",
        "ios in-app": ">second-page safari | intent intent browser",
        "mac": "second-page | safari intent intent browser",
        "desktop": "intent intent second-page | browser safari",
        "anybody": ">intent intent second-page | browser safari",
    },
    "Android alone": {
        "chromium": "!>intent | second-page browser",
        "android": ">intent | second-page browser",
        "android in-app": ">intent browser | second-page",
        "ios": ">second-page | intent browser",
        "ios in-app": ">second-page | intent browser",
        "mac": "second-page | intent browser",
        "desktop": "intent second-page | browser",
        "anybody": ">intent second-page | browser",
    },
    "iOS alone": {
        "chromium": ">second-page | safari",
        "android": ">second-page | safari",
        "android in-app": ">second-page | safari",
        "ios": "!>second-page | safari",
        "ios in-app": ">second-page safari |",
        "mac": "second-page | safari",
        "desktop": "second-page | safari",
        "anybody": ">second-page | safari",
    },
}

HOST, SECOND = "links.example.com", "go.example.net"


def app(key, *, android=True, ios=True):
    return App(
        key=key,
        name=key.title(),
        android=AndroidApp(f"com.example.{key}", ("AA:BB",)) if android else None,
        ios=IosApp((f"ABCDE12345.com.example.{key}",), None, key, False) if ios else None,
        share_credentials=False,
    )


#: Config -> (apps, custom scheme, alternate host, whose page).
CONFIGS = {
    "plain": ((app("berry"),), False, None, HOST),
    "alternate host": ((app("berry"),), False, SECOND, HOST),
    "alternate host, on its page": ((app("berry"),), False, SECOND, SECOND),
    "alternate host and custom scheme": ((app("berry"),), True, SECOND, HOST),
    "two apps": ((app("berry"), app("trial")), False, SECOND, HOST),
    "Android alone": ((app("berry", ios=False),), False, SECOND, HOST),
    "iOS alone": ((app("berry", android=False),), False, SECOND, HOST),
}


def page_for(config, agent, query="code=c&state=s"):
    apps, scheme, alternate, host = CONFIGS[config]
    row = Callback("/login-callback/", (HOST,), apps, None, scheme, 5)
    place = callback.lay_out([row], alternate)[host, "/login-callback/"]
    return callback.page(callback.read(query), place, classify(agent), None, ENGLISH)


def written(page):
    """The page's ways in the notation of the table."""
    marks = ["!" * button.automatic + button.way for button in page.ways.shown]
    if page.has_primary:
        marks[0] = re.sub("^(!?)", r"\1>", marks[0])
    folded = [button.way for button in page.ways.folded]
    return " ".join([*marks, "|", *folded])


@pytest.mark.parametrize("config", ORDERS)
@pytest.mark.parametrize("browser", BROWSERS)
def test_each_browser_sees_the_ways_in_the_order_of_the_golden_table(browser, config):
    agent, kind = BROWSERS[browser]
    assert written(page_for(config, agent)) == ORDERS[config][kind]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("browser", BROWSERS)
def test_a_refusal_has_the_same_ways_and_tries_none_by_itself(browser, config):
    agent, kind = BROWSERS[browser]
    assert written(page_for(config, agent, "error=access_denied")) == ORDERS[config][kind].replace(
        "!", ""
    )


def test_at_most_one_way_is_tried_by_itself():
    pages = [page_for(config, agent) for config in CONFIGS for agent, _ in BROWSERS.values()]
    tried = [
        [button for button in (*page.ways.shown, *page.ways.folded) if button.automatic]
        for page in pages
    ]
    assert max(map(len, tried)) == 1


def test_a_custom_scheme_is_never_tried_by_itself():
    for agent, _ in BROWSERS.values():
        page = page_for("alternate host and custom scheme", agent)
        assert not [
            button
            for button in (*page.ways.shown, *page.ways.folded)
            if button.automatic and button.way == "scheme"
        ]
