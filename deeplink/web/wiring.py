"""The whole service on one screen: a config goes in, an application comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Flask

from deeplink.metrics import Metrics
from deeplink.oauth.clients import return_address
from deeplink.oauth.exchange import Exchange
from deeplink.oauth.facade import Face
from deeplink.oauth.sealing import build_keys
from deeplink.outbound import Outbound
from deeplink.publication import publish
from deeplink.store import open_store
from deeplink.store.spare import SparedStore
from deeplink.web import (
    callback,
    exchange,
    facade,
    failures,
    front,
    guards,
    health,
    links,
    wellknown,
)
from deeplink.web.page import Pages

if TYPE_CHECKING:
    from pathlib import Path

    from deeplink.config import Config

#: The largest request body that any route takes, in bytes (S14).
MAX_BODY = 8 * 1024


def create_app(config: Config, *, root: Path, threads: int = 64) -> Flask:
    """
    The server for *config*. Two apps in one process share nothing.

    *root* holds the folder ``templates``. *threads* is how many requests run at once, and so
    how many connections to a provider are worth keeping.
    """
    app = Flask("deeplink", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    # An app link does not follow a redirect and a browser's loses the tap that may open the app:
    # each path is registered in every form that answers, and no other form leads to it.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False

    pages = Pages(root / "templates")
    metrics = Metrics()
    outbound = Outbound(threads)
    exchanges = {key: Exchange(row, outbound.send) for key, row in config.providers.items()}
    pretend_app = front.pretend_app_url(config)

    failures.install(app, pages)
    guards.install(app, config.known_hosts(), metrics, strict_transport=not config.is_local)
    app.register_blueprint(wellknown.blueprint(wellknown.prebuild(publish(config))))
    app.register_blueprint(
        callback.blueprint(
            config.callbacks,
            alternate_host=config.alternate_host,
            pages=pages,
            pretend_app_url=pretend_app,
        )
    )
    app.register_blueprint(exchange.blueprint(exchanges))
    app.register_blueprint(facade.blueprint(_faces(config, outbound), pages=pages))
    app.register_blueprint(
        health.blueprint(
            metrics,
            version=health.version(root),
            metrics_token=config.metrics_token,
            open_metrics=config.is_local,
        )
    )
    app.register_blueprint(front.blueprint(config, pages=pages))
    app.register_blueprint(links.blueprint(config.links, pages=pages))
    return app


def _faces(config: Config, outbound: Outbound) -> dict[str, Face]:
    """The standard face of each provider, where the config has an issuer and clients for it."""
    origin = config.issuer
    used = {key for client in config.clients.values() for key in client.providers}
    rows = {key: row for key, row in config.providers.items() if key in used}
    if origin is None or not rows:
        return {}
    keys = build_keys((), instead=(row.client_secret for row in config.providers.values()))
    store = SparedStore(open_store("sqlite"))
    return {
        key: Face(
            Exchange(replace(row, redirect_uri=return_address(origin, key)), outbound.send),
            origin=origin,
            clients=config.clients,
            keys=keys,
            store=store,
        )
        for key, row in rows.items()
    }
