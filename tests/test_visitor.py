"""
The golden table of browsers: User-Agent, class, and the way each class sees first.

By source, not tried on a device: the strings are such as the browsers' documents, MDN and
https://github.com/shalanah/inapp-spy show.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.visitor import Visitor, Way, classify, hint, order

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"  # noqa: E501
WEBVIEW = "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36"  # noqa: E501
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"

GOLDEN = [
    (f"{ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36", "android-chromium"),
    (f"{ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36 EdgA/140.0.0.0", "android-chromium"),
    (f"{ANDROID} Chrome/139.0.0.0 Mobile Safari/537.36 OPR/92.0.0.0", "android-chromium"),
    ("Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0", "android-firefox"),
    ("Mozilla/5.0 (Android 15; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0", "android-firefox"),
    (
        f"{ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        "samsung-internet",
    ),
    (WEBVIEW, "android-webview"),
    (
        "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/30.0.0.0 Mobile Safari/537.36",
        "android-webview",
    ),
    (f"{WEBVIEW} Instagram 395.0.0.0.1 Android (34/14; 480dpi)", "android-in-app"),
    (f"{WEBVIEW} [FB_IAB/FB4A;FBAV/480.0.0.0.1;]", "android-in-app"),
    (f"{WEBVIEW} trill_2023 BytedanceWebview/d8a21c6 musical_ly_2023", "android-in-app"),
    (f"{WEBVIEW} MicroMessenger/8.0.50 NetType/WIFI", "android-in-app"),
    (f"{WEBVIEW} Line/14.0.0/IAB", "android-in-app"),
    (f"{WEBVIEW} Snapchat/12.90", "android-in-app"),
    (f"{ANDROID} Mobile Safari/534.30", "android-other"),
    (
        "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/120.0.0.0 Mobile Safari/537.36",
        "android-chromium",
    ),
    (f"{IPHONE} Version/26.0 Mobile/15E148 Safari/604.1", "ios-safari"),
    (IPHONE.replace("iPhone;", "iPad;") + " Version/12.1 Mobile/15E148 Safari/604.1", "ios-safari"),
    (f"{IPHONE} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1", "ios-chrome"),
    (f"{IPHONE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "ios-other"),
    (f"{IPHONE} Version/18.0 EdgiOS/140.0.0.0 Mobile/15E148 Safari/604.1", "ios-other"),
    (f"{IPHONE} Mobile/15E148", "ios-in-app"),
    (f"{IPHONE} Mobile/15E148 Instagram 395.0.0", "ios-in-app"),
    # Since 2026 Instagram says "Safari/" too: its own name must weigh more.
    (f"{IPHONE} Version/26.0 Mobile/15E148 Safari/604.1 Instagram 420.0.0", "ios-in-app"),
    (f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0;]", "ios-in-app"),
    (f"{IPHONE} Mobile/15E148 musical_ly_39.0 BytedanceWebview/d8a21c6", "ios-in-app"),
    (f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.50", "ios-in-app"),
    (f"{IPHONE} Mobile/15E148 Twitter for iPhone/11.0", "ios-in-app"),
    (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15", "mac-or-ipad"),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0", "desktop"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "desktop"),
    ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/140.0.0.0 Safari/537.36", "desktop"),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
    (f"{ANDROID} Chrome/140.0 Mobile (compatible; Googlebot/2.1)", "bot"),
    ("facebookexternalhit/1.1", "bot"),
    ("WhatsApp/2.24.1.84 A", "bot"),
    ("TelegramBot (like TwitterBot)", "bot"),
    ("curl/8.5.0", "bot"),
    ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft) like iPhone", "unknown"),
    ("", "unknown"),
    ("Something/1.0", "unknown"),
]

FIRST = {
    Visitor.ANDROID_CHROMIUM: Way.INTENT,
    Visitor.ANDROID_FIREFOX: Way.INTENT,
    Visitor.SAMSUNG_INTERNET: Way.INTENT,
    Visitor.ANDROID_WEBVIEW: Way.INTENT,
    Visitor.ANDROID_IN_APP: Way.INTENT,
    Visitor.ANDROID_OTHER: Way.INTENT,
    Visitor.IOS_SAFARI: Way.LINK,
    Visitor.IOS_CHROME: Way.LINK,
    Visitor.IOS_OTHER: Way.LINK,
    Visitor.IOS_IN_APP: Way.SCHEME,
    Visitor.MAC_OR_IPAD: Way.PRETEND,
    Visitor.DESKTOP: Way.PRETEND,
    Visitor.BOT: Way.INTENT,
    Visitor.UNKNOWN: Way.INTENT,
}


@pytest.mark.parametrize(("user_agent", "name"), GOLDEN)
def test_each_browser_of_the_golden_table_is_recognised(user_agent, name):
    assert classify(user_agent).value == name


def test_the_golden_table_has_every_class():
    assert {name for _, name in GOLDEN} == {visitor.value for visitor in Visitor}


@pytest.mark.parametrize("visitor", Visitor)
def test_a_user_agent_orders_the_ways_and_removes_none(visitor):
    ways = order(visitor).shown + order(visitor).folded
    assert len(ways) == len(Way)
    assert set(ways) == set(Way)


@pytest.mark.parametrize("visitor", Visitor)
def test_each_class_sees_its_own_way_first(visitor):
    assert order(visitor).shown[0] is FIRST[visitor]


def test_nobody_on_an_iphone_has_to_unfold_the_ways_that_work_there():
    assert {Way.LINK, Way.SECOND_PAGE, Way.SCHEME, Way.HOLD} <= set(order(Visitor.IOS_SAFARI).shown)


def test_somebody_in_an_in_app_browser_is_told_how_to_leave_it():
    assert "Open in browser" in hint(Visitor.IOS_IN_APP)
    assert hint(Visitor.DESKTOP) == ""


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_class(text):
    assert classify(text) in Visitor


def test_a_very_long_user_agent_is_read_only_at_its_beginning():
    assert classify("x" * 5000 + " Android Chrome/140") is Visitor.UNKNOWN
