"""
What a User-Agent tells about the browser that shows a page, and which way to the app to show first.

The law of this room: a User-Agent only orders the ways, it never removes one. It can be changed,
it rots (Instagram on iOS began to say "Safari/"), and iPadOS claims to be a Mac, so whoever is
taken for somebody else must still find the way. No clock, no files, no Flask.

Nobody here has the devices: the classes are read from the browsers' own documents and from
https://github.com/shalanah/inapp-spy and https://github.com/shalanah/inapp-debugger (by source, not
tried on a device); the order follows Chromium's ``ExternalNavigationHandler`` and Apple's
"Allowing apps and websites to link to your content".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from deeplink.words import phrase


class Visitor(StrEnum):
    """The closed list of browser classes; the values serve as labels and never change."""

    ANDROID_CHROMIUM = "android-chromium"  # Chrome, Edge, Opera, Brave …; Custom Tabs look the same
    ANDROID_FIREFOX = "android-firefox"
    SAMSUNG_INTERNET = "samsung-internet"
    ANDROID_WEBVIEW = "android-webview"  # inside some app that does not give its name
    ANDROID_IN_APP = "android-in-app"  # inside an app that does
    ANDROID_OTHER = "android-other"
    IOS_SAFARI = "ios-safari"  # also SFSafariViewController and ASWebAuthenticationSession
    IOS_CHROME = "ios-chrome"
    IOS_OTHER = "ios-other"  # Firefox, Edge, Opera …: all WebKit inside
    IOS_IN_APP = "ios-in-app"
    MAC_OR_IPAD = "mac-or-ipad"
    DESKTOP = "desktop"  # also an Android tablet that asks for desktop sites
    BOT = "bot"
    UNKNOWN = "unknown"

    @property
    def on_android(self) -> bool:
        return self.value.startswith("android") or self is Visitor.SAMSUNG_INTERNET

    @property
    def on_ios(self) -> bool:
        return self.value.startswith("ios")

    @property
    def on_desktop(self) -> bool:
        """Whether the app is likely on another device; a tablet may say so and have it."""
        return self in (Visitor.DESKTOP, Visitor.MAC_OR_IPAD)

    @property
    def likes_apple(self) -> bool:
        return self.on_ios or self is Visitor.MAC_OR_IPAD


class Way(StrEnum):
    """The kinds of ways from a page into the app."""

    INTENT = "intent"  # Android: the https link inside an intent: link that names the package
    LINK = "link"  # the https link on another host than the page's: a tap opens the app
    SECOND_PAGE = "second-page"  # the same page on the alternate host, which offers LINK
    SCHEME = "scheme"  # the app's own scheme, only where the config allows it
    HOLD = "hold"  # the https link on the page's own host: works when touched and held
    BROWSER = "browser"  # Android: out of an in-app browser, into whatever opens https links
    SAFARI = "safari"  # iOS 17 and later: out of an in-app browser, into Safari
    PRETEND = "pretend"  # the pretend app of a development machine


@dataclass(frozen=True, slots=True)
class Order:
    """The ways a page shows openly, best first, and those it folds away; together always all."""

    shown: tuple[Way, ...]
    folded: tuple[Way, ...]


_ANDROID = Order(
    # An intent: link is exempt from Chromium's "same host stays here" and needs no verification.
    shown=(Way.INTENT, Way.LINK, Way.PRETEND),
    folded=(Way.SECOND_PAGE, Way.SCHEME, Way.HOLD, Way.BROWSER, Way.SAFARI),
)
_ANDROID_IN_APP = Order(
    # A WebView may let no intent: link out to an app, but the one to the browser.
    shown=(Way.INTENT, Way.BROWSER, Way.LINK, Way.PRETEND),
    folded=(Way.SECOND_PAGE, Way.SCHEME, Way.HOLD, Way.SAFARI),
)
_IOS = Order(
    # Safari keeps a link to the page's own host, so another host comes before everything else.
    shown=(Way.LINK, Way.SECOND_PAGE, Way.SCHEME, Way.HOLD, Way.PRETEND),
    folded=(Way.SAFARI, Way.INTENT, Way.BROWSER),
)
_IOS_IN_APP = Order(
    # A WKWebView decides by itself whether it lets a universal link go; a scheme it asks about.
    shown=(Way.SCHEME, Way.LINK, Way.SECOND_PAGE, Way.SAFARI, Way.HOLD, Way.PRETEND),
    folded=(Way.INTENT, Way.BROWSER),
)
_MAC_OR_IPAD = Order(
    shown=(Way.PRETEND, Way.LINK, Way.SECOND_PAGE, Way.SCHEME, Way.HOLD),
    folded=(Way.SAFARI, Way.INTENT, Way.BROWSER),
)
_DESKTOP = Order(
    shown=(Way.PRETEND,),
    folded=(
        Way.INTENT,
        Way.LINK,
        Way.SECOND_PAGE,
        Way.SCHEME,
        Way.HOLD,
        Way.BROWSER,
        Way.SAFARI,
    ),
)
_ANYBODY = Order(
    shown=(Way.INTENT, Way.LINK, Way.SECOND_PAGE, Way.SCHEME, Way.HOLD, Way.PRETEND),
    folded=(Way.BROWSER, Way.SAFARI),
)

_ORDERS = {
    Visitor.ANDROID_CHROMIUM: _ANDROID,
    Visitor.ANDROID_FIREFOX: _ANDROID,
    Visitor.SAMSUNG_INTERNET: _ANDROID,
    Visitor.ANDROID_WEBVIEW: _ANDROID_IN_APP,
    Visitor.ANDROID_IN_APP: _ANDROID_IN_APP,
    Visitor.ANDROID_OTHER: _ANDROID,
    Visitor.IOS_SAFARI: _IOS,
    Visitor.IOS_CHROME: _IOS,
    Visitor.IOS_OTHER: _IOS,
    Visitor.IOS_IN_APP: _IOS_IN_APP,
    Visitor.MAC_OR_IPAD: _MAC_OR_IPAD,
    Visitor.DESKTOP: _DESKTOP,
    Visitor.BOT: _ANYBODY,
    Visitor.UNKNOWN: _ANYBODY,
}

#: What a page may try by itself, once; whoever is not here taps. Chromium and its Custom Tab let an
#: intent: link go without a tap, or ask (ExternalNavigationHandler); Firefox, Samsung Internet and
#: WebViews lose the page over it (fenix 23397, SamsungInternet/support 96). On iOS only the hop to
#: the second page needs no tap: it is an ordinary page to the browser.
_AUTOMATIC = {
    Visitor.ANDROID_CHROMIUM: Way.INTENT,
    Visitor.IOS_SAFARI: Way.SECOND_PAGE,
    Visitor.IOS_CHROME: Way.SECOND_PAGE,
    Visitor.IOS_OTHER: Way.SECOND_PAGE,
}

_LEAVE_THE_IN_APP_BROWSER = phrase(
    "You are in the browser of another app. If nothing happens, open that app’s menu (… or ⋮) and "
    "choose “Open in browser”."
)

#: What to try if the first way does nothing. By source, not tried on a device.
_HINTS = {
    Visitor.ANDROID_CHROMIUM: phrase("If your browser asks whether to open the app, say yes."),
    Visitor.ANDROID_FIREFOX: phrase(
        "If nothing happens: in Firefox’s settings, allow “Open links in apps”, then come back."
    ),
    Visitor.SAMSUNG_INTERNET: phrase(
        "If nothing happens: in the browser’s settings, allow links to open in other apps, then "
        "come back."
    ),
    Visitor.ANDROID_WEBVIEW: _LEAVE_THE_IN_APP_BROWSER,
    Visitor.ANDROID_IN_APP: _LEAVE_THE_IN_APP_BROWSER,
    Visitor.IOS_IN_APP: _LEAVE_THE_IN_APP_BROWSER,
}

# Apps that show links in a browser of their own and give their name. Their other browser, the
# Custom Tab or SFSafariViewController, carries no such mark and is an ordinary browser to us.
_IN_APP = re.compile(
    r"\b(?:FBAN|FBAV|FB_IAB|FBIOS|Instagram|Barcelona|musical_ly|BytedanceWebview|ByteLocale|trill|"
    r"TikTok|MicroMessenger|Snapchat|Twitter for iPhone|TwitterAndroid|LinkedInApp|Pinterest|"
    r"KAKAOTALK|Telegram-Android|Weibo)\b|\b(?:Line|GSA|QQ|Reddit|Discord)/",
    re.ASCII | re.IGNORECASE,
)
# "CUBOT" makes telephones.
_BOT = re.compile(
    r"(?<!cu)bot\b|crawler|spider|slurp|facebookexternalhit|facebookcatalog|meta-external|"
    r"WhatsApp/|Slack-ImgProxy|SkypeUriPreview|BingPreview|Google-InspectionTool|"
    r"^(?:curl|wget|python|okhttp|go-http|java|ruby|node|axios|undici|swcd)\b",
    re.ASCII | re.IGNORECASE,
)
_IOS_OTHER = re.compile(
    r"\b(?:FxiOS|Focus|EdgiOS|OPT|OPiOS|OPX|DuckDuckGo|YaBrowser|Vivaldi|Brave)/", re.ASCII
)
#: A User-Agent longer than this is nobody's; the patterns above need not read it.
_MAX_LENGTH = 1024


def classify(user_agent: str) -> Visitor:
    """
    The class of browser that *user_agent* claims to be; ``UNKNOWN`` for anything unheard of.

    >>> classify("Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0").value
    'android-firefox'
    """
    text = user_agent[:_MAX_LENGTH]
    if _BOT.search(text):
        return Visitor.BOT
    # Windows Phone said both "Android" and "like iPhone", to be taken for either.
    if "Windows Phone" in text:
        return Visitor.UNKNOWN
    if re.search(r"\b(?:iPhone|iPad|iPod)\b", text):
        return _classify_ios(text)
    if "Android" in text:
        return _classify_android(text)
    if "Macintosh" in text:
        return Visitor.MAC_OR_IPAD
    if re.search(r"Windows NT|X11|CrOS", text):
        return Visitor.DESKTOP
    return Visitor.UNKNOWN


def order(visitor: Visitor) -> Order:
    """In which order *visitor* should see the ways; the same ways for everybody."""
    return _ORDERS[visitor]


def automatic(visitor: Visitor) -> Way | None:
    """The way that *visitor*'s page may try once by itself; None means by tap only."""
    return _AUTOMATIC.get(visitor)


def hint(visitor: Visitor) -> str:
    """A phrase: what to try if the first way does nothing; empty where we know nothing."""
    return _HINTS.get(visitor, "")


def _classify_ios(text: str) -> Visitor:
    if _IN_APP.search(text):
        return Visitor.IOS_IN_APP
    if "CriOS/" in text:
        return Visitor.IOS_CHROME
    if _IOS_OTHER.search(text):
        return Visitor.IOS_OTHER
    # A bare WKWebView ends in "Mobile/15E148"; the browsers add "Safari/".
    return Visitor.IOS_SAFARI if "Safari/" in text else Visitor.IOS_IN_APP


def _classify_android(text: str) -> Visitor:
    if _IN_APP.search(text):
        return Visitor.ANDROID_IN_APP
    # https://developer.chrome.com/docs/webview/user-agent: "; wv" since Lollipop, "Version/4.0"
    # beside "Chrome/" before it.
    if "; wv)" in text or re.search(r"Version/4\.0 Chrome/", text):
        return Visitor.ANDROID_WEBVIEW
    if re.search(r"\b(?:Firefox|Focus|Klar)/", text):
        return Visitor.ANDROID_FIREFOX
    if "SamsungBrowser/" in text:
        return Visitor.SAMSUNG_INTERNET
    return Visitor.ANDROID_CHROMIUM if "Chrome/" in text else Visitor.ANDROID_OTHER
