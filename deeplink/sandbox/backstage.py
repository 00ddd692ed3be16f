"""
What no TikTok has: the look behind the scenes, for a person and for a test.

Answers count codes and tokens and never show one. Changes come as JSON, which no page of another
origin can send here without a preflight, and there is no answer to preflights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from deeplink.sandbox.mischief import KINDS, parse_mischief
from deeplink.sandbox.pages import Pages
from deeplink.sandbox.stage import MAX_OFFSET, Stage

if TYPE_CHECKING:
    from deeplink.sandbox.qrcode import Tickets

_AVATAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
    '<rect width="64" height="64" fill="#e0b872"/><circle cx="32" cy="26" r="11" fill="#7a5522"/>'
    '<path d="M10 64a22 20 0 0 1 44 0z" fill="#7a5522"/></svg>'
)


def blueprint(stage: Stage, pages: Pages, tickets: Tickets) -> Blueprint:
    """Everything under ``/__sandbox__/``."""
    backstage = Blueprint("backstage", __name__, url_prefix="/__sandbox__")

    @backstage.get("/")
    def look() -> Response:
        offered = ["text/html", "application/json"]
        if request.accept_mimetypes.best_match(offered) == "application/json":
            return _plain(_state(stage))
        kinds = [(name, kind.what) for name, kind in KINDS.items()]
        return pages.render(
            "backstage.html",
            state=_state(stage),
            hints=stage.hints.said(),
            kinds=kinds,
            address=request.host_url.rstrip("/"),
        )

    @backstage.get("/state")
    def state() -> Response:
        return _plain(_state(stage))

    @backstage.get("/mischief")
    def waiting() -> Response:
        return _plain({"mischief": stage.orders.as_json()})

    @backstage.post("/mischief")
    def order() -> Response:
        return _changed(stage, lambda body: stage.orders.put(parse_mischief(body)))

    @backstage.delete("/mischief")
    def forget() -> Response:
        stage.orders.clear()
        return _plain(_state(stage))

    @backstage.post("/clock")
    def clock() -> Response:
        return _changed(stage, lambda body: _turn_clock(stage, body))

    @backstage.post("/knobs")
    def knobs() -> Response:
        return _changed(stage, lambda body: _turn_knobs(stage, body))

    @backstage.post("/scan")
    def scan() -> Response:
        return _changed(stage, lambda body: _scan(tickets, body))

    @backstage.get("/avatar.svg")
    def avatar() -> Response:
        return Response(_AVATAR, mimetype="image/svg+xml")

    # Where the mischief "redirect" leads: a client that follows it carries its secret there.
    @backstage.route("/followed", methods=["GET", "POST"])
    def followed() -> Response:
        stage.count("followed")
        return _plain({"error": "a redirect of the token endpoint was followed"})

    return backstage


def _state(stage: Stage) -> dict[str, object]:
    return {
        "clients": sorted(stage.clients),
        "redirect_uris": list(stage.redirect_uris),
        "knobs": stage.knobs.as_json(),
        "clock_offset": stage.offset,
        "live": stage.grants.counts(),
        "calls": stage.calls(),
        "mischief": stage.orders.as_json(),
        "hints": stage.hints.said(),
    }


def _changed(stage: Stage, change: Callable[[object], None]) -> Response:
    try:
        if not request.is_json:
            raise ValueError("send a JSON body with Content-Type: application/json")
        change(request.get_json(silent=True))
    except ValueError as error:
        return _plain({"error": str(error)}, 400)
    return _plain(_state(stage))


def _turn_clock(stage: Stage, body: object) -> None:
    offset = body.get("offset") if isinstance(body, dict) else None
    if not isinstance(offset, int | float) or isinstance(offset, bool):
        raise ValueError('send {"offset": SECONDS}, the distance from the real time')
    if not -MAX_OFFSET <= offset <= MAX_OFFSET:
        raise ValueError("offset lies within ten years, in seconds")
    stage.offset = float(offset)


def _turn_knobs(stage: Stage, body: object) -> None:
    if not isinstance(body, dict):
        raise ValueError('send an object such as {"strict": true}')
    stage.knobs = stage.knobs.turned(body)


def _scan(tickets: Tickets, body: object) -> None:
    address = body.get("address") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(address, str):
        raise ValueError('send {"address": SCAN_QRCODE_URL, "confirm": true or false}')
    if not tickets.scan(address, confirm=body.get("confirm") is True):
        raise ValueError("no living ticket is behind this address")


def _plain(body: object, status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
