"""
The page of an ordinary deep link, for whoever's phone did not open the app.

One rule of matching: the row's pattern, where ``*`` is any run of characters, in both slash
forms. The first row that matches decides, as on the phones. No cookie, no count, no redirect.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from flask import Blueprint, abort, request
from werkzeug.routing import BaseConverter

from deeplink.visitor import Way, classify, hint
from deeplink.web.guards import host_of
from deeplink.web.ways import (
    HOLD,
    HOLD_NOTE,
    OPEN,
    Button,
    Page,
    arrange,
    https_url,
    intent_url,
    stores,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flask import Response
    from flask.blueprints import BlueprintSetupState

    from deeplink.association.verdict import App, Link
    from deeplink.visitor import Visitor
    from deeplink.web.page import Pages
    from deeplink.words import Words

#: What stays as it is when a path or a query goes into a target, besides letters and digits: the
#: characters of ``ways.QUERY``. Everything else leaves percent-encoded, "#" before all: an intent:
#: link begins its instructions there.
_SAFE = "!$%&()*+,-./:;=?@[]_~"


def blueprint(links: Sequence[Link], *, pages: Pages) -> Blueprint:
    """The page of every declared path, on the hosts of its row."""
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
        host, path = host_of(request.environ), f"/{path}"
        query = str(request.environ.get("QUERY_STRING", ""))
        link = find(links, host, path, query)
        if link is None:
            abort(404)
        visitor = classify(request.headers.get("User-Agent", ""))
        address = _as_sent(_raw_path(request.environ)), _as_sent(query)
        words = pages.words()
        shown = page(link.app, host, *address, visitor, words)
        return pages.render("link.html", words=words, page=shown)

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


def page(app: App, host: str, path: str, query: str, visitor: Visitor, words: Words) -> Page:
    """What ``link.html`` says and offers; *path* and *query* are such as a target may hold."""
    say, name = words.say, app.name
    return Page(
        state="going",
        title=say("Open in {app}", app=name),
        message=(
            say("This link belongs to {app}, an app for phones and tablets.", app=name)
            if visitor.on_desktop
            else say("This link belongs to {app}, but your browser opened it.", app=name)
        ),
        question=say("Is {app} on this very device?", app=name) if visitor.on_desktop else "",
        ways=arrange(_buttons(app, host, path, query, visitor, words), visitor),
        has_primary=not visitor.on_desktop,
        hint=say(hint(visitor)),
        stores=stores(app, visitor),
    )


def _raw_path(environ: Mapping[str, object]) -> str:
    """The path byte for byte where the server tells it: once decoded, %2F and / are the same."""
    target = str(environ.get("RAW_URI", "")).partition("?")[0]
    return target if target.startswith("/") else str(environ.get("PATH_INFO", "/"))


def _as_sent(text: str) -> str:
    """WSGI's *text*, which is bytes in Latin-1's clothes, with nothing in it that ends a target."""
    return quote(text.encode("latin-1", "replace"), safe=_SAFE)


def _expression(pattern: str) -> str:
    """*pattern* as a regular expression for a decoded path behind its first slash."""
    rest = pattern.removeprefix("/")
    if rest.endswith("/*"):
        return _glob(rest[:-2]) + "(?:/(?s:.*))?"
    if rest.endswith("*") or not rest:
        return _glob(rest)
    return _glob(rest.rstrip("/")) + "/?"


def _glob(pattern: str) -> str:
    """
    The regular expression of *pattern*, of which only ``*`` means something.

    Each ``*`` but the last takes the shortest run and never gives it back (an atomic group), so
    no input makes the search longer than its length times the pattern's.
    """
    first, *others = (re.escape(unquote(part)) for part in pattern.split("*"))
    if not others:
        return first
    middle = "".join(f"(?>(?s:.*?){part})" for part in others[:-1])
    return f"{first}{middle}(?s:.*){others[-1]}"


def _matches_query(link: Link, query: str) -> bool:
    """As Apple says: an absent name counts as empty, and every value of a repeated one must fit."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    for name, pattern in link.query:
        values = [unquote(value) for key, _, value in pairs if unquote(key) == name] or [""]
        if not all(re.fullmatch(_glob(pattern), value) for value in values):
            return False
    return True


def _buttons(
    app: App, host: str, path: str, query: str, visitor: Visitor, words: Words
) -> Iterator[Button]:
    if app.android:
        label = OPEN["here" if visitor.on_android else "on_android"]
        url = intent_url(host, path, query, app.android.package_name)
        yield Button(Way.INTENT, words.say(label, app=app.name), url)
    if app.ios:
        label = HOLD["here" if visitor.on_ios else "on_ios"]
        url, note = https_url(host, path, query), words.say(HOLD_NOTE, app=app.name)
        yield Button(Way.HOLD, words.say(label, app=app.name), url, note)
