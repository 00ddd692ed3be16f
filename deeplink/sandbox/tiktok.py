"""
The pretend TikTok as one Flask app: TikTok's own paths at its root, and nothing of ours beside.

===========================================  ==================================================
``/v2/auth/authorize/``, ``/opensdk/oauth/``  consent, denial, errors (``login``)
``/v2/oauth/token/``, ``/v2/oauth/revoke/``   the endpoints for machines (``tokens``)
``/v2/user/info/``                            the person behind a token (``tokens``)
``/v2/oauth/get_qrcode/``, ``check_qrcode/``  login by QR code (``qrcode``)
``/google``, ``/github``, ``/apple``          other providers' paths (``vendor_endpoints``)
``/__sandbox__/``                             counters, clock, knobs, mischief (``backstage``)
===========================================  ==================================================
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flask import Flask, Response, request

from deeplink.sandbox import backstage, login, qrcode, tokens, vendor_endpoints
from deeplink.sandbox.knobs import Knobs
from deeplink.sandbox.loopback import guarded
from deeplink.sandbox.pages import Pages
from deeplink.sandbox.stage import Stage
from deeplink.sandbox.vendors import VENDORS

#: Above any form or order that is meant.
_BODY_LIMIT = 64 * 1024


def create_sandbox(
    clients: Mapping[str, str],
    redirect_uris: Sequence[str] = (),
    *,
    auto: bool = False,
    strict: bool = False,
    error_status: str = "200",
    lifetimes: str = "2026",
    templates: Path,
    now: Callable[[], float] = time.time,
    token: Callable[[int], bytes] = secrets.token_bytes,
    sleep: Callable[[float], None] = time.sleep,
) -> Flask:
    """
    A pretend TikTok over *clients* (client key to client secret), with a state of its own.

    An entry of *redirect_uris* may have ``*`` for the port of a loopback host; none at all means
    any https URI and any http URI of this machine. *templates* is the folder that holds
    ``sandbox/``. Whatever serves the app, it answers requests to a loopback Host only. Refuses a
    bad argument by ValueError.
    """
    knobs = Knobs(auto=auto, strict=strict, error_status=error_status, lifetimes=lifetimes)
    stage = Stage(clients, redirect_uris, knobs, now=now, token=token, sleep=sleep)
    pages = Pages(templates)
    tickets = qrcode.Tickets(stage)

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_LIMIT
    # Both forms of a path are routes of their own, as at TikTok; Flask would redirect or guess.
    app.url_map.merge_slashes = False
    app.register_blueprint(login.blueprint(stage, pages))
    app.register_blueprint(tokens.blueprint(stage))
    app.register_blueprint(qrcode.blueprint(stage, tickets))
    app.register_blueprint(backstage.blueprint(stage, pages, tickets))
    for vendor in VENDORS:
        app.register_blueprint(vendor_endpoints.blueprint(vendor, stage, pages))

    @app.get("/")
    def front() -> Response:
        address = request.host_url.rstrip("/")
        return pages.render("front.html", clients=sorted(stage.clients), address=address)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    app.wsgi_app = guarded(app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app
