"""
The page a browser shows when the phone did not hand a login to the app: it sends the person on.

The page forwards and never redeems: it calls nobody, sets no cookie, remembers nothing, so a
preview, a scanner or a second load does no harm. Both slash forms answer 200 and neither
redirects, because an app link does not follow a redirect and a browser's costs the tap.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from flask import Blueprint, abort, request
from werkzeug.exceptions import MethodNotAllowed

from deeplink.refusals import Refusal, explain
from deeplink.visitor import Way, classify, hint
from deeplink.web.guards import host_of
from deeplink.web.ways import (
    QUERY,
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
    from collections.abc import Collection, Iterator, Sequence

    from flask import Response

    from deeplink.association.verdict import App
    from deeplink.config import Callback
    from deeplink.visitor import Visitor
    from deeplink.web.page import Pages

#: In bytes: a code, a state and their company are a few hundred; browsers and gunicorn (4,094 for
#: the request line) take little more.
MAX_QUERY = 4096

#: One value each, or the page and the app might read different ones (RFC 6749 section 3.1).
_SINGLE = ("code", "state", "error")


NOTHING_TO_DO = Page(
    state="nothing",
    title="Nothing to do here",
    message="This page hands a sign-in back to the app that started it, and none came along.",
    next_step="Go back to the app and start the sign-in there.",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the provider's redirect brought. *query* is its very bytes.

    Neither a code nor a refusal is an answer too: a reload of the bare path, for one.
    """

    query: str
    has_code: bool
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Place:
    """
    A callback page at one address: all that its targets are made of, and the config's only.

    *host* and *path* are those of the link that the app claims; *at_home* says that the page is
    on that host, *second_host* where else it lives, *takes_post* that the provider's answer may
    come in the body of a POST.
    """

    host: str
    path: str
    apps: tuple[App, ...]
    custom_scheme: bool
    at_home: bool
    second_host: str | None
    takes_post: bool = False


def blueprint(
    callbacks: Sequence[Callback],
    *,
    alternate_host: str | None,
    pages: Pages,
    pretend_app_url: str | None,
    posting: Collection[str] = (),
) -> Blueprint:
    """
    The callback pages, each on its row's hosts and on *alternate_host*.

    *pretend_app_url* is a development machine's stand-in for an app, for a login on a desktop.
    *posting* are the providers that answer with ``response_mode=form_post``.
    """
    routes = Blueprint("callback", __name__)
    places = lay_out(callbacks, alternate_host, posting)

    def show() -> Response:
        place = places.get((host_of(request.environ), request.path))
        if place is None:
            abort(404)
        answer = read(_posted(place) if request.method == "POST" else _queried())
        if answer is None:
            abort(400)
        visitor = classify(request.headers.get("User-Agent", ""))
        return pages.render("callback.html", page=page(answer, place, visitor, pretend_app_url))

    for path in sorted({path for _, path in places}):
        posts = any(place.takes_post for (_, where), place in places.items() if where == path)
        routes.add_url_rule(
            path,
            endpoint="show",
            view_func=show,
            methods=["GET", "POST"] if posts else ["GET"],
            strict_slashes=True,
            merge_slashes=False,
            provide_automatic_options=False,
        )
    return routes


def _queried() -> str:
    return str(request.environ.get("QUERY_STRING", ""))


def _posted(place: Place) -> str | None:
    """
    The form's very bytes, to be read and handed on as a query; None if they are no such form.

    A browser's form serialiser (https://url.spec.whatwg.org/#urlencoded-serializing) and a query
    have one grammar. A query beside it would be a second answer, so there is none.
    """
    if not place.takes_post:
        raise MethodNotAllowed(["GET", "HEAD"])
    if request.mimetype != "application/x-www-form-urlencoded" or request.query_string:
        return None
    # One byte more than we take: a body of unknown length is cut off at the limit by Werkzeug.
    request.max_content_length = MAX_QUERY + 1
    body = request.get_data(cache=False)
    return body.decode("ascii") if len(body) <= MAX_QUERY and body.isascii() else None


def lay_out(
    callbacks: Sequence[Callback], alternate_host: str | None, posting: Collection[str] = ()
) -> dict[tuple[str, str], Place]:
    """
    Every (host, path) with a callback page, the path as WSGI gives it: decoded.

    On the alternate host only the path tells the rows apart. A path that several rows use is not
    served there: whose code it is must never be a guess (RFC 9700 section 4.4).
    """
    rows_of = Counter(row.path for row in callbacks)
    places: dict[tuple[str, str], Place] = {}
    for row in callbacks:
        second = None if rows_of[row.path] > 1 else alternate_host
        for path in dict.fromkeys((row.path, row.path.rstrip("/") or "/")):
            for host in row.hosts:
                posts = row.provider in posting
                place = Place(host, path, row.apps, row.custom_scheme, True, second, posts)
                places.setdefault((host, unquote(path)), place)
            if second is not None:
                place = Place(row.hosts[0], path, row.apps, row.custom_scheme, False, None)
                places.setdefault((second, unquote(path)), place)
    return places


def read(query: str | None) -> Answer | None:
    """
    The provider's answer in *query*; None if it is malformed and nothing of it may go on.

    Values are decoded to be understood, never to be passed on.

    >>> read("code=a%2Ab&state=s").has_code, read("code=a&code=b"), read("code=<b>")
    (True, None, None)
    """
    if query is None or len(query) > MAX_QUERY or not QUERY.fullmatch(query):
        return None
    pairs = [pair.partition("=") for pair in query.split("&")]
    names = Counter(unquote_plus(name) for name, _, _ in pairs)
    if any(names[name] > 1 for name in _SINGLE) or ("code" in names and "error" in names):
        return None
    values = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    refusal = explain(
        error=values.get("error", ""),
        error_description=values.get("error_description", ""),
        err_code=values.get("errCode", ""),
        error_code=values.get("error_code", ""),
        error_string=values.get("error_string", ""),
    )
    return Answer(query, bool(values.get("code")), refusal)


def page(answer: Answer, place: Place, visitor: Visitor, pretend_app_url: str | None) -> Page:
    """What ``callback.html`` says and offers."""
    refusal = answer.refusal
    if refusal is None and not answer.has_code:
        return NOTHING_TO_DO
    name = _common_name(place.apps)
    verb = "Back to" if refusal else "Open"
    ways = arrange(_buttons(answer.query, place, visitor, verb, pretend_app_url), visitor)
    leads_on = Page(
        state="going",
        title=f"Return to {name}",
        message=f"Your sign-in is almost done. Go back to {name} to finish it.",
        question=f"Is {name} on this very device?" if visitor.on_desktop else "",
        ways=ways,
        has_primary=_has_primary(ways, visitor),
        hint=hint(visitor),
        stores=stores(place.apps[0], visitor),
        warning="If you did not start this sign-in yourself, close this page.",
    )
    if refusal:
        return replace(
            leads_on,
            state="refused",
            title=refusal.title,
            message=refusal.sentence,
            next_step=refusal.next_step,
            stores=(),
            warning="",
        )
    if visitor.on_desktop:
        return replace(
            leads_on,
            state="elsewhere",
            title="Continue on your phone",
            message=f"This sign-in was started in {name}, on a phone or tablet.",
            next_step="Go back to the device where you started and finish it there.",
        )
    return leads_on


def _has_primary(ways: Ways, visitor: Visitor) -> bool:
    """On a desktop no way into an app is the one to take; only the pretend app's is."""
    return not visitor.on_desktop or any(button.way is Way.PRETEND for button in ways.shown)


def _buttons(
    query: str, place: Place, visitor: Visitor, verb: str, pretend_app_url: str | None
) -> Iterator[Button]:
    yield from _android_buttons(query, place, visitor, verb)
    yield from _web_buttons(query, place, visitor, verb)
    yield from _scheme_buttons(query, place, visitor, verb)
    if pretend_app_url is not None:
        yield Button(
            Way.PRETEND,
            "Continue in the pretend app",
            f"{pretend_app_url}?{query}",
            "It plays the phone’s part on this development machine.",
        )


def _android_buttons(query: str, place: Place, visitor: Visitor, verb: str) -> Iterator[Button]:
    suffix = "" if visitor.on_android else " on Android"
    for app in place.apps:
        if app.android:
            url = intent_url(place.host, place.path, query, app.android.package_name)
            yield Button(Way.INTENT, f"{verb} {app.name}{suffix}", url)


def _web_buttons(query: str, place: Place, visitor: Visitor, verb: str) -> Iterator[Button]:
    """The https link in the one form that can work from this page's host; it names no app."""
    name = _common_name(tuple(app for app in place.apps if app.ios) or place.apps)
    suffix = "" if visitor.on_ios else " on iPhone or iPad"
    label = f"{verb} {name}{suffix}"
    link = https_url(place.host, place.path, query)
    if not place.at_home:
        yield Button(Way.LINK, label, link)
    elif place.second_host is not None:
        url = https_url(place.second_host, place.path, query)
        yield Button(Way.SECOND_PAGE, label, url, "A second page follows: tap once more there.")
    elif any(app.ios for app in place.apps):
        note = f"Touch and hold the button, then choose “Open in {name}”. A short tap stays here."
        yield Button(Way.HOLD, f"Hold to open {name}{suffix}", link, note)


def _scheme_buttons(query: str, place: Place, visitor: Visitor, verb: str) -> Iterator[Button]:
    if not place.custom_scheme:
        return
    suffix = " directly" if visitor.on_ios else " directly on iPhone or iPad"
    for app in place.apps:
        if app.ios and app.ios.custom_scheme:
            url = scheme_url(app.ios.custom_scheme, place.host, place.path, query)
            note = f"If you are asked whether to open {app.name}, say yes."
            yield Button(Way.SCHEME, f"{verb} {app.name}{suffix}", url, note)


def _common_name(apps: Sequence[App]) -> str:
    return apps[0].name if len(apps) == 1 else "the app"
