"""
The page of an ordinary deep link, for whoever's phone did not open the app.

One rule of matching: the row's pattern, where ``*`` is any run of characters, in both slash
forms. The first row that matches decides, as on the phones. No cookie, no count, no redirect:
previews and scanners get the tags, and nothing happens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from flask import Blueprint, abort, request
from markupsafe import escape
from werkzeug.routing import BaseConverter

from deeplink.visitor import Way, classify, hint
from deeplink.web import preview
from deeplink.web.guards import host_of
from deeplink.web.page import MAX_PAGE
from deeplink.web.ways import (
    HOLD,
    HOLD_NOTE,
    OPEN,
    Button,
    Page,
    Ways,
    arrange,
    https_url,
    intent_url,
    scheme_url,
    stores,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flask import Response
    from flask.blueprints import BlueprintSetupState

    from deeplink.association.verdict import Link
    from deeplink.visitor import Visitor
    from deeplink.web.page import Pages
    from deeplink.words import Words

#: What stays as it is when a path or a query goes into a target, besides letters and digits: the
#: characters of ``ways.QUERY``. Everything else leaves percent-encoded, "#" before all: an intent:
#: link begins its instructions there.
_SAFE = "!$%&()*+,-./:;=?@[]_~"


#: Bytes of an address in HTML, where "&" has five; a page has room for one such.
MAX_ADDRESS = 4096


@dataclass(frozen=True, slots=True)
class Spot:
    """
    A link as one visitor came to it. *path* and *query* are such as a target may hold.

    *host* is one that the app claims; *at_home* says that the page is on it, *second_host* where
    else the same page lives. *stars* are the texts in the place of each ``*``, decoded.
    """

    link: Link
    host: str
    path: str
    query: str
    at_home: bool
    second_host: str | None
    stars: tuple[str, ...]

    @property
    def url(self) -> str:
        return https_url(self.host, self.path, self.query)


def blueprint(
    links: Sequence[Link], *, pages: Pages, alternate_host: str | None = None
) -> Blueprint:
    """The page of every declared path, on the hosts of its row and on *alternate_host*."""
    routes = Blueprint("links", __name__)
    shown = [link for link in links if not link.exclude]
    if not shown:
        return routes

    # Only declared paths become a route: one for everything would answer 405 for a POST to
    # nowhere, and 404 for a GET where the exchange should say 405.
    class Declared(BaseConverter):
        regex = "|".join(dict.fromkeys(_expression(link.path) for link in shown))
        part_isolating = False
        weight = 1000

    @routes.record_once
    def announce(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["declared_link"] = Declared

    def show(path: str) -> Response:
        query = str(request.environ.get("QUERY_STRING", ""))
        found = locate(links, host_of(request.environ), f"/{path}", query, alternate_host)
        if found is None:
            abort(404)
        link, home, second = found
        spot = Spot(
            link=link,
            host=home,
            path=_as_sent(_raw_path(request.environ)),
            query=_as_sent(query),
            at_home=host_of(request.environ) in link.hosts,
            second_host=second,
            stars=stars(link.path, f"/{path}"),
        )
        if len(escape(spot.url)) > MAX_ADDRESS:
            abort(414)
        words = pages.words()
        visitor = classify(request.headers.get("User-Agent", ""))
        full = page(spot, visitor, words)
        more = preview.extras(spot.link, spot.url, spot.stars, visitor, words)
        response = pages.render("link.html", words=words, sheet="link", page=full, link=more)
        if len(response.data) < MAX_PAGE:
            return response
        return pages.render(
            "link.html",
            words=words,
            sheet="link",
            page=replace(full, ways=Ways(full.ways.shown[:1], ())),
            link=preview.lighten(more),
        )

    routes.add_url_rule(
        "/<declared_link:path>",
        endpoint="show",
        view_func=show,
        methods=["GET"],
        strict_slashes=True,
        merge_slashes=False,
        provide_automatic_options=False,
    )
    return routes


def locate(
    links: Sequence[Link], host: str, path: str, query: str, alternate_host: str | None
) -> tuple[Link, str, str | None] | None:
    """
    The row of an address, the host where its app claims it, and the host of the second page.

    On the alternate host only path and query tell the rows apart: where the other hosts would not
    all say the same row, it has no page, because whose link it is must never be a guess.
    """
    direct = find(links, host, path, query)
    if alternate_host is None or (direct and alternate_host in direct.hosts):
        return (direct, host, None) if direct else None
    homes = {each: None for link in links for each in link.hosts if each != alternate_host}
    rows = [row for home in homes if (row := find(links, home, path, query)) is not None]
    is_sure = bool(rows) and all(row == rows[0] for row in rows)
    if direct:
        return direct, host, alternate_host if is_sure else None
    return (rows[0], rows[0].hosts[0], None) if is_sure and host == alternate_host else None


def find(links: Sequence[Link], host: str, path: str, query: str) -> Link | None:
    """
    The row that opens this address, the first that matches; None if it is none or an exclusion.

    *path* is decoded, *query* is raw. A fragment never reaches a server: a row that asks for one
    is taken at its path and query, unless it excludes, because then we cannot know.
    """
    for link in links:
        if host in link.hosts and matches_path(link.path, path) and _matches_query(link, query):
            if link.exclude and link.fragment is not None:
                continue
            return None if link.exclude else link
    return None


def matches_path(pattern: str, path: str) -> bool:
    """
    Whether *path*, with or without its last slash, fits *pattern*.

    >>> matches_path("/invite/*", "/invite/7/x"), matches_path("/invite/*", "/invite")
    (True, True)
    >>> matches_path("/about", "/about/"), matches_path("/about", "/about/us")
    (True, False)
    """
    return re.fullmatch(_expression(pattern), path.removeprefix("/")) is not None


def stars(pattern: str, path: str) -> tuple[str, ...]:
    """
    What each ``*`` of *pattern* stands for in *path*, which it matches.

    >>> stars("/shop/*/item-*", "/shop/shoes/item-7"), stars("/invite/*", "/invite")
    (('shoes', '7'), ('',))
    """
    found = re.fullmatch(_expression(pattern, star="((?s:.*"), path.removeprefix("/"))
    return tuple(text or "" for text in found.groups()) if found else ()


def page(spot: Spot, visitor: Visitor, words: Words) -> Page:
    """What ``link.html`` says and offers."""
    say, app = words.say, spot.link.app
    referrer = preview.filled_text(spot.link.page.install_referrer or "", spot.stars, encode=True)
    return Page(
        state="going",
        title=say("Open in {app}", app=app.name),
        message=(
            say("This link belongs to {app}, an app for phones and tablets.", app=app.name)
            if visitor.on_desktop
            else say("This link belongs to {app}, but your browser opened it.", app=app.name)
        ),
        question=say("Is {app} on this very device?", app=app.name) if visitor.on_desktop else "",
        ways=arrange(_buttons(spot, visitor, words), visitor),
        has_primary=not visitor.on_desktop,
        hint=say(hint(visitor)),
        stores=stores(app, visitor, referrer=referrer),
    )


def _raw_path(environ: Mapping[str, object]) -> str:
    """The path byte for byte where the server tells it: once decoded, %2F and / are the same."""
    target = str(environ.get("RAW_URI", "")).partition("?")[0]
    return target if target.startswith("/") else str(environ.get("PATH_INFO", "/"))


def _as_sent(text: str) -> str:
    """WSGI's *text*, which is bytes in Latin-1's clothes, with nothing in it that ends a target."""
    return quote(text.encode("latin-1", "replace"), safe=_SAFE)


def _expression(pattern: str, *, star: str = "(?:(?s:.*") -> str:
    """*pattern* as a regular expression for a decoded path behind its first slash."""
    rest = pattern.removeprefix("/")
    if rest.endswith("/*"):
        return _glob(rest[:-2], star) + f"(?:/{star})))?"
    if rest.endswith("*") or not rest:
        return _glob(rest, star)
    return _glob(rest.rstrip("/"), star) + "/?"


def _glob(pattern: str, star: str = "(?:(?s:.*") -> str:
    """
    The regular expression of *pattern*, of which only ``*`` means something.

    Each ``*`` but the last takes the shortest run and never gives it back (an atomic group), so
    no input makes the search longer than its length times the pattern's. *star* is the beginning
    of its group, which may be one that is remembered.
    """
    first, *others = (re.escape(unquote(part)) for part in pattern.split("*"))
    if not others:
        return first
    middle = "".join(f"(?>{star}?)){part})" for part in others[:-1])
    return f"{first}{middle}{star})){others[-1]}"


def _matches_query(link: Link, query: str) -> bool:
    """As Apple says: an absent name counts as empty, and every value of a repeated one must fit."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    for name, pattern in link.query:
        values = [unquote(value) for key, _, value in pairs if unquote(key) == name] or [""]
        if not all(re.fullmatch(_glob(pattern), value) for value in values):
            return False
    return True


def _buttons(spot: Spot, visitor: Visitor, words: Words) -> Iterator[Button]:
    app, address = spot.link.app, (spot.host, spot.path, spot.query)
    if app.android:
        label = OPEN["here" if visitor.on_android else "on_android"]
        url = intent_url(*address, app.android.package_name)
        yield Button(Way.INTENT, words.say(label, app=app.name), url)
    if app.ios:
        yield _apple_button(spot, visitor, words)
        if spot.link.page.custom_scheme and app.ios.custom_scheme:
            label = OPEN["directly" if visitor.on_ios else "directly_on_ios"]
            note = words.say("If you are asked whether to open {app}, say yes.", app=app.name)
            url = scheme_url(app.ios.custom_scheme, *address)
            yield Button(Way.SCHEME, words.say(label, app=app.name), url, note)


def _apple_button(spot: Spot, visitor: Visitor, words: Words) -> Button:
    """The https link in the one form that can work from this page's host."""
    where, name = ("here" if visitor.on_ios else "on_ios"), spot.link.app.name
    if not spot.at_home:
        return Button(Way.LINK, words.say(OPEN[where], app=name), spot.url)
    if spot.second_host is not None:
        url = https_url(spot.second_host, spot.path, spot.query)
        note = words.say("A second page follows: tap once more there.")
        return Button(Way.SECOND_PAGE, words.say(OPEN[where], app=name), url, note)
    note = words.say(HOLD_NOTE, app=name)
    return Button(Way.HOLD, words.say(HOLD[where], app=name), spot.url, note)
