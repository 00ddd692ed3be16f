"""
The ways from a page into an app: each target is built from the config and the bytes of a query.

Nothing that a request says chooses a host, a package or a scheme (RFC 9700 section 4.11). The
query goes in as it came; that it fits is the caller's promise, see ``QUERY``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from deeplink.visitor import Way, order
from deeplink.words import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deeplink.association.verdict import App
    from deeplink.visitor import Visitor

#: What may stand in a query that is handed on: printable ASCII but space " ' < > # \ ^ { | } and
#: backtick, every % followed by two hexadecimal digits. None of it ends an attribute, a query or
#: the data part of an intent: link, which Android's Intent.parseUri takes up to the last "#".
QUERY = re.compile(r"(?:[!$&(-;=?-\[\]_a-z~]|%[0-9A-Fa-f]{2})*", re.ASCII)


#: The labels of a way by what it does and where it leads; a language may need another word order
#: for each, so none is put together from parts.
OPEN = {
    "here": phrase("Open {app}"),
    "on_android": phrase("Open {app} on Android"),
    "on_ios": phrase("Open {app} on iPhone or iPad"),
    "directly": phrase("Open {app} directly"),
    "directly_on_ios": phrase("Open {app} directly on iPhone or iPad"),
}
BACK = {
    "here": phrase("Back to {app}"),
    "on_android": phrase("Back to {app} on Android"),
    "on_ios": phrase("Back to {app} on iPhone or iPad"),
    "directly": phrase("Back to {app} directly"),
    "directly_on_ios": phrase("Back to {app} directly on iPhone or iPad"),
}
HOLD = {
    "here": phrase("Hold to open {app}"),
    "on_ios": phrase("Hold to open {app} on iPhone or iPad"),
}
HOLD_NOTE = phrase(
    "Touch and hold the button, then choose “Open in {app}”. A short tap stays here."
)


_WAYS_OUT = (Way.BROWSER, Way.SAFARI)


@dataclass(frozen=True, slots=True)
class Button:
    """
    One way as a page shows it: *label* and *note* are finished words, *note* may be empty.

    *automatic* says that the page may try this way once by itself.
    """

    way: Way
    label: str
    url: str
    note: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """All ways of a page in one visitor's order, those of no use to him folded away."""

    shown: tuple[Button, ...]
    folded: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """A link to an app's page in a store: the last help, never a redirect."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """
    The finished words and links of a page that leads into an app; an empty word is left out.

    *state* chooses the symbol, *question* stands over ways that are not for everybody, and
    without *has_primary* no way is offered as the one to take. *help* comes up when the visitor is
    still there after a while, *report* is what he can copy for the people who make the app.
    """

    state: str
    title: str
    message: str
    next_step: str = ""
    question: str = ""
    ways: Ways = Ways((), ())
    has_primary: bool = False
    hint: str = ""
    stores: tuple[Store, ...] = ()
    warning: str = ""
    help: tuple[str, ...] = ()
    report: str = ""


def intent_url(host: str, path: str, query: str, package_name: str) -> str:
    """
    An Android link that opens *package_name* with the https URL inside.

    Chromium takes it even where it keeps the bare https link in the browser, and Android where
    the link is not verified (https://developer.chrome.com/docs/android/intents). It names no
    ``S.browser_fallback_url``: Firefox would take that even with the app installed (fenix 23397).

    >>> intent_url("example.com", "/login-callback/", "code=a%2Ab", "com.example.app")
    'intent://example.com/login-callback/?code=a%2Ab#Intent;scheme=https;package=com.example.app;end'
    """
    return f"intent://{host}{path}{_question(query)}#Intent;scheme=https;package={package_name};end"


def https_url(host: str, path: str, query: str) -> str:
    """
    The link itself. Without a port: an app claims a host, not the port of a development server.

    >>> https_url("example.com", "/invite/7", "")
    'https://example.com/invite/7'
    """
    return f"https://{host}{path}{_question(query)}"


def scheme_url(scheme: str, host: str, path: str, query: str) -> str:
    """
    The link under the app's own scheme: everything behind the scheme is the https link's.

    So an app gets the redirect URI back by writing ``https`` instead of its scheme, which SDKs
    want that compare the whole URL with the registered one (TikTok's do).

    >>> scheme_url("demo", "example.com", "/login-callback/", "code=a")
    'demo://example.com/login-callback/?code=a'
    """
    return f"{scheme}://{host}{path}{_question(query)}"


def browser_url(host: str, path: str, query: str) -> str:
    """
    The link in an ``intent:`` that names no app: from an in-app browser into the real one.

    >>> browser_url("example.com", "/login-callback/", "code=a")
    'intent://example.com/login-callback/?code=a#Intent;scheme=https;end'
    """
    return f"intent://{host}{path}{_question(query)}#Intent;scheme=https;end"


def safari_url(host: str, path: str, query: str) -> str:
    """
    The link in the scheme by which iOS 17 and later open Safari; Apple documents it nowhere.

    Reported to work in most in-app browsers, but not in Instagram's since April 2026
    (https://github.com/shalanah/inapp-debugger, issue 22).

    >>> safari_url("example.com", "/login-callback/", "code=a")
    'x-safari-https://example.com/login-callback/?code=a'
    """
    return f"x-safari-{https_url(host, path, query)}"


def arrange(buttons: Iterable[Button], visitor: Visitor) -> Ways:
    """*buttons* in the order for *visitor*, none lost; what would leave nothing shown is shown."""
    by_way: dict[Way, list[Button]] = {way: [] for way in Way}
    for button in buttons:
        by_way[button.way].append(button)
    wanted = order(visitor)
    shown = tuple(button for way in wanted.shown for button in by_way[way])
    folded = tuple(button for way in wanted.folded for button in by_way[way])
    if shown:
        return Ways(shown, folded)
    # Ways out of an in-app browser are of use to those only who are in one.
    openly = tuple(button for button in folded if button.way not in _WAYS_OUT) or folded
    return Ways(openly, tuple(button for button in folded if button not in openly))


def stores(app: App, visitor: Visitor, *, referrer: str = "") -> tuple[Store, ...]:
    """
    The store pages of *app*; only Google's carries something, the *referrer* that a row asks for.

    A login's page has none: https://developer.android.com/google/play/installreferrer hands it on.
    """
    found = []
    if app.android:
        url = f"https://play.google.com/store/apps/details?id={app.android.package_name}"
        found.append(Store("Google Play", f"{url}{_referrer(referrer)}"))
    if app.ios and app.ios.app_store_id:
        url = f"https://apps.apple.com/app/id{app.ios.app_store_id}"
        found.append(Store("App Store", url))
    return tuple(found[::-1] if visitor.likes_apple else found)


def _question(query: str) -> str:
    return f"?{query}" if query else ""


def _referrer(text: str) -> str:
    return f"&referrer={quote(text, safe='')}" if text else ""
