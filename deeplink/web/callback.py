"""
The page a browser shows when the phone did not hand a login to the app: it sends the person on.

The page forwards and never redeems: it calls nobody, sets no cookie, remembers nothing, so a
preview, a scanner or a second load does no harm. Both slash forms answer 200 and neither
redirects, because an app link does not follow a redirect and a browser's costs the tap.

The page is whole without its script. The script (``templates/_scripts/callback.js``) moves the
query into the fragment, tries one way by itself where that can work, and says what became of it.
So a login may also arrive in the fragment, where no server sees it: the page for a bare address
holds the ways into the app as a template, with ``*`` in the place of the query.

A page has the query in each of its links. Where that would make it too heavy, it has one link,
which is all that somebody without script needs; the script (``carry.js``) moves on to the bare
address, whose page has every way and is as heavy for one query as for another.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from flask import Blueprint, abort, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from deeplink.refusals import Refusal, codes, explain
from deeplink.visitor import Way, automatic, classify, hint
from deeplink.web import beacon, moments
from deeplink.web.context import current_body
from deeplink.web.guards import host_of
from deeplink.web.page import MAX_PAGE
from deeplink.web.ways import (
    BACK,
    HOLD,
    HOLD_NOTE,
    OPEN,
    QUERY,
    Button,
    Page,
    Ways,
    arrange,
    browser_url,
    https_url,
    intent_url,
    safari_url,
    scheme_url,
    stores,
)
from deeplink.words import phrase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from flask import Response

    from deeplink.association.verdict import App
    from deeplink.config import Callback
    from deeplink.visitor import Visitor
    from deeplink.web.page import Pages
    from deeplink.words import Words

#: In bytes: a code, a state and their company are a few hundred; browsers and gunicorn (4,094 for
#: the request line) take little more.
MAX_QUERY = 4096

#: Of one query: each "&" is five bytes in HTML, and must not make the page too heavy.
MAX_PARAMETERS = 100

#: One value each, or the page and the app might read different ones (RFC 6749 section 3.1).
_SINGLE = ("code", "state", "error")

#: What the script replaces with the query; no host, path, package or scheme may have it.
_BLANK = "*"

_STILL_HERE = phrase(
    "Still here? Tap the button again. If that does nothing, close this page, open {app} and start "
    "the sign-in again."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the provider's redirect brought. *query* is its very bytes.

    Neither a code nor a refusal is an answer too: a reload of the bare path, for one. *codes* are
    the known ones among its error codes.
    """

    query: str
    has_code: bool
    refusal: Refusal | None
    codes: tuple[tuple[str, str], ...] = ()


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
    minutes: int
    at_home: bool
    second_host: str | None
    takes_post: bool = False


@dataclass(frozen=True, slots=True)
class Equipment:
    """
    What the page's script finds in attributes: nothing of it comes from the request.

    *minutes* is how long a login is offered, *beacon* where events go, *moments* the words for
    later. *waiting* is the page of a login that may stand in the fragment, its query a ``*``.
    """

    minutes: int
    beacon: str
    moments: Mapping[str, str]
    waiting: Page | None


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
        words = pages.words()
        full = page(answer, place, visitor, pretend_app_url, words)
        login = equip(answer, place, visitor, pretend_app_url, words)
        response = pages.render(
            "callback.html", words=words, script="callback", page=full, login=login
        )
        if len(response.data) < MAX_PAGE or not full.ways.shown:
            return response
        return pages.render(
            "callback.html",
            words=words,
            # A refusal stays: the page for a bare address could not tell its reason.
            script=None if answer.refusal else "carry",
            page=replace(full, ways=Ways(full.ways.shown[:1], ()), stores=()),
            login=replace(login, moments={}),
        )

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
    try:
        body = current_body(MAX_QUERY)
    except HTTPException:
        return None
    return body.decode("ascii") if body.isascii() else None


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
                place = _place(row, host, path, at_home=True, second_host=second)
                place = replace(place, takes_post=row.provider in posting)
                places.setdefault((host, unquote(path)), place)
            if second is not None:
                place = _place(row, row.hosts[0], path, at_home=False, second_host=None)
                places.setdefault((second, unquote(path)), place)
    return places


def _place(row: Callback, host: str, path: str, *, at_home: bool, second_host: str | None) -> Place:
    return Place(
        host=host,
        path=path,
        apps=row.apps,
        custom_scheme=row.custom_scheme,
        minutes=row.expires_after_minutes,
        at_home=at_home,
        second_host=second_host,
    )


def read(query: str | None) -> Answer | None:
    """
    The provider's answer in *query*; None if it is malformed and nothing of it may go on.

    Values are decoded to be understood, never to be passed on. The page's script reads a fragment
    by the same rule.

    >>> read("code=a%2Ab&state=s").has_code, read("code=a&code=b"), read("code=<b>")
    (True, None, None)
    """
    if query is None or len(query) > MAX_QUERY or not QUERY.fullmatch(query):
        return None
    if query.count("&") >= MAX_PARAMETERS:
        return None
    pairs = [pair.partition("=") for pair in query.split("&")]
    names = Counter(unquote_plus(name) for name, _, _ in pairs)
    if any(names[name] > 1 for name in _SINGLE) or ("code" in names and "error" in names):
        return None
    values = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    told = {
        "error": values.get("error", ""),
        "err_code": values.get("errCode", ""),
        "error_code": values.get("error_code", ""),
        "error_string": values.get("error_string", ""),
    }
    refusal = explain(**told, error_description=values.get("error_description", ""))
    return Answer(query, bool(values.get("code")), refusal, tuple(codes(**told).items()))


def page(
    answer: Answer, place: Place, visitor: Visitor, pretend_app_url: str | None, words: Words
) -> Page:
    """What ``callback.html`` says and offers."""
    refusal = answer.refusal
    if refusal is None and not answer.has_code:
        return _nothing_to_do(words)
    name = _names(place.apps)
    ways = arrange(_buttons(answer, place, visitor, pretend_app_url, words), visitor)
    tip = hint(visitor)
    leads_on = Page(
        state="going",
        title=words.say("Return to {app}", app=name),
        message=words.say("Your sign-in is almost done. Go back to {app} to finish it.", app=name),
        question=words.say("Is {app} on this very device?", app=name) if visitor.on_desktop else "",
        ways=ways,
        has_primary=_has_primary(ways, visitor),
        stores=stores(place.apps[0], visitor),
        warning=words.say("If you did not start this sign-in yourself, close this page."),
        help=(words.say(_STILL_HERE, app=name), *((words.say(tip),) if tip else ())),
        report=_report(answer, place, visitor),
    )
    if refusal:
        return replace(
            leads_on,
            state="refused",
            title=words.say(refusal.title),
            message=words.say(refusal.sentence),
            next_step=words.say(refusal.next_step),
            stores=(),
            warning="",
            help=(),
        )
    if visitor.on_desktop:
        return replace(
            leads_on,
            state="elsewhere",
            title=words.say("Continue on your phone"),
            message=words.say("This sign-in was started in {app}, on a phone or tablet.", app=name),
            next_step=words.say("Go back to the device where you started and finish it there."),
            help=(),
        )
    return leads_on


def equip(
    answer: Answer, place: Place, visitor: Visitor, pretend_app_url: str | None, words: Words
) -> Equipment:
    """What the page's script needs to go on with *answer*, or with one in the fragment."""
    waiting, later = None, moments.later(words, _names(place.apps))
    if answer.refusal:
        later |= moments.refused(words, answer.refusal)
    elif not answer.has_code:
        later |= moments.unknown_refusals(words)
        blank = Answer(_BLANK, has_code=True, refusal=None)
        waiting = page(blank, place, visitor, pretend_app_url, words)
    return Equipment(place.minutes, beacon.path_of(place.path), later, waiting)


def _nothing_to_do(words: Words) -> Page:
    return Page(
        state="nothing",
        title=words.say("Nothing to do here"),
        message=words.say(
            "This page hands a sign-in back to the app that started it, and none came along."
        ),
        next_step=words.say("Go back to the app and start the sign-in there."),
    )


def _report(answer: Answer, place: Place, visitor: Visitor) -> str:
    """What the makers of the app would ask a visitor for: in English, without code or state."""
    second = "" if place.at_home else " (second page)"
    lines = [f"page https://{place.host}{place.path}{second}", f"browser {visitor}"]
    if answer.refusal:
        lines.append(f"refusal {answer.refusal.cause}")
    lines += [f"{name} {code}" for name, code in answer.codes]
    return "\n".join([*lines, "events"])


def _has_primary(ways: Ways, visitor: Visitor) -> bool:
    """On a desktop no way into an app is the one to take; only the pretend app's is."""
    return not visitor.on_desktop or any(button.way is Way.PRETEND for button in ways.shown)


def _buttons(
    answer: Answer, place: Place, visitor: Visitor, pretend_app_url: str | None, words: Words
) -> Iterator[Button]:
    labels, query = BACK if answer.refusal else OPEN, answer.query
    yield from _android_buttons(query, place, visitor, labels, words)
    yield from _web_buttons(query, place, visitor, labels, words)
    yield from _scheme_buttons(query, place, visitor, labels, words)
    yield from _browser_buttons(query, place, words)
    if pretend_app_url is not None:
        # For whoever develops on this machine; no visitor ever sees it.
        yield Button(
            Way.PRETEND,
            "Continue in the pretend app",
            f"{pretend_app_url}?{query}",
            "It plays the phone’s part on this development machine.",
        )


def _android_buttons(
    query: str, place: Place, visitor: Visitor, labels: Mapping[str, str], words: Words
) -> Iterator[Button]:
    label = labels["here" if visitor.on_android else "on_android"]
    apps = [(app, app.android) for app in place.apps if app.android]
    # Which of several apps is a guess, and a wrong one leads into the store. On the second page
    # whoever came has tapped already: the one attempt was the first page's.
    may_try = len(apps) == 1 and place.at_home and _may_try(Way.INTENT, labels, visitor)
    for app, android in apps:
        url = intent_url(place.host, place.path, query, android.package_name)
        yield Button(Way.INTENT, words.say(label, app=app.name), url, automatic=may_try)


def _web_buttons(
    query: str, place: Place, visitor: Visitor, labels: Mapping[str, str], words: Words
) -> Iterator[Button]:
    """The https link in the one form that can work from this page's host; it names no app."""
    name = _names(tuple(app for app in place.apps if app.ios) or place.apps)
    where = "here" if visitor.on_ios else "on_ios"
    label = words.say(labels[where], app=name)
    link = https_url(place.host, place.path, query)
    if not place.at_home:
        yield Button(Way.LINK, label, link)
    elif place.second_host is not None:
        url = https_url(place.second_host, place.path, query)
        note = words.say("A second page follows: tap once more there.")
        has_app = any(app.ios for app in place.apps)
        may_try = has_app and _may_try(Way.SECOND_PAGE, labels, visitor)
        yield Button(Way.SECOND_PAGE, label, url, note, automatic=may_try)
    elif any(app.ios for app in place.apps):
        label, note = words.say(HOLD[where], app=name), words.say(HOLD_NOTE, app=name)
        yield Button(Way.HOLD, label, link, note)


def _scheme_buttons(
    query: str, place: Place, visitor: Visitor, labels: Mapping[str, str], words: Words
) -> Iterator[Button]:
    if not place.custom_scheme:
        return
    label = labels["directly" if visitor.on_ios else "directly_on_ios"]
    for app in place.apps:
        if app.ios and app.ios.custom_scheme:
            url = scheme_url(app.ios.custom_scheme, place.host, place.path, query)
            note = words.say("If you are asked whether to open {app}, say yes.", app=app.name)
            yield Button(Way.SCHEME, words.say(label, app=app.name), url, note)


def _browser_buttons(query: str, place: Place, words: Words) -> Iterator[Button]:
    """Out of an in-app browser: the page starts anew in the real one, its attempt included."""
    if any(app.android for app in place.apps):
        url = browser_url(place.host, place.path, query)
        yield Button(Way.BROWSER, words.say("Open this page in the browser (Android)"), url)
    if any(app.ios for app in place.apps):
        url = safari_url(place.host, place.path, query)
        yield Button(Way.SAFARI, words.say("Open this page in Safari (iPhone or iPad)"), url)


def _may_try(way: Way, labels: Mapping[str, str], visitor: Visitor) -> bool:
    """A refusal is to be read first, so only a login goes on by itself."""
    return labels is OPEN and automatic(visitor) is way


def _names(apps: Sequence[App]) -> str:
    # No "or", and no "the app": a word of ours would need another case in every other sentence.
    return " / ".join(app.name for app in apps)
