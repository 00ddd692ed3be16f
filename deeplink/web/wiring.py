"""The whole service on one screen: a config goes in, an application comes out."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Flask

from deeplink.limits import Limiter
from deeplink.logs import event
from deeplink.metrics import Metrics
from deeplink.oauth.breaker import Breaker
from deeplink.oauth.clients import return_address
from deeplink.oauth.exchange import Exchange
from deeplink.oauth.facade import Face
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Vault
from deeplink.outbound import PATIENCE, SHORT_PATIENCE, Outbound
from deeplink.publication import publish
from deeplink.secret import Secret
from deeplink.store import open_store
from deeplink.store.spare import log_change
from deeplink.web import (
    beacon,
    callback,
    exchange,
    facade,
    failures,
    front,
    guards,
    health,
    links,
    page,
    turnstile,
    wellknown,
)
from deeplink.web.access import Access
from deeplink.web.fastlane_offer import EXTENSION, Offer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Blueprint, Request
    from werkzeug.routing import MapAdapter

    from deeplink.config import Config
    from deeplink.errors import StoreUnavailable
    from deeplink.web.access import Attest


class _App(Flask):
    """Flask without what it does for each request and no view or hook of ours needs."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # None is a coroutine.
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        # No rule asks for a host, no URL is built from one, and ``guards`` has the last word on it.
        if request is None:
            return None
        return self.url_map.bind(
            "localhost",
            script_name=request.root_path,
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
        )


#: The largest request body that any route takes, in bytes (S14).
MAX_BODY = 8 * 1024


def create_app(
    config: Config,
    *,
    root: Path,
    threads: int = 64,
    processes: int = 1,
    attest: Attest | None = None,
) -> Flask:
    """
    The server for *config*. Two apps in one process share nothing.

    *root* holds the folder ``templates``. *threads* is how many requests run at once, and so
    how many connections to a provider are worth keeping; *processes* is how many such servers
    this machine runs. *attest* is the hook for App Attest and Play Integrity. Call it before the
    server forks: the processes then share what it opens.
    """
    app = _App("deeplink", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    # An app link does not follow a redirect and a browser's loses the tap that may open the app:
    # each path is registered in every form that answers, and no other form leads to it.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False

    pages = page.Pages(
        root / "templates",
        own=config.pages.templates,
        languages=config.pages.languages,
        brand=config.brand,
    )
    app.extensions[page.EXTENSION] = pages
    metrics = Metrics()
    api, faces, access, store = _logins(config, metrics, threads, processes, attest)
    pretend_app = front.pretend_app_url(config)

    standing = guards.standing_headers(strict_transport=not config.is_local)
    answers = wellknown.prebuild(publish(config))
    # For a server that can send finished answers itself; any other asks the route below.
    app.extensions[EXTENSION] = Offer(answers, standing, metrics)

    failures.install(app, pages)
    guards.install(app, config.known_hosts(), metrics, standing)
    app.register_blueprint(wellknown.blueprint(answers))
    app.register_blueprint(
        callback.blueprint(
            config.callbacks,
            alternate_host=config.alternate_host,
            pages=pages,
            pretend_app_url=pretend_app,
            posting={key for key, row in config.providers.items() if row.preset.form_post},
        )
    )
    places = callback.lay_out(config.callbacks, config.alternate_host)
    hops = config.limits.trusted_hops
    app.register_blueprint(beacon.blueprint(places.keys(), metrics, trusted_hops=hops))
    app.register_blueprint(api)
    app.register_blueprint(facade.blueprint(faces, access, pages=pages))
    app.register_blueprint(
        health.blueprint(
            metrics,
            version=health.version(root),
            metrics_token=config.metrics_token,
            open_metrics=config.is_local,
            store=store,
        )
    )
    app.register_blueprint(front.blueprint(config, pages=pages))
    app.register_blueprint(
        links.blueprint(config.links, pages=pages, alternate_host=config.alternate_host)
    )
    # Flask's documented place for what stands before it.
    app.wsgi_app = turnstile.before(  # type: ignore[assignment, method-assign]
        app.wsgi_app,
        access,
        hosts=config.known_hosts(),
        providers=config.providers,
        metrics=metrics,
        standing=standing,
    )
    return app


def _logins(
    config: Config, metrics: Metrics, threads: int, processes: int, attest: Attest | None
) -> tuple[Blueprint, dict[str, Face], Access, health.StoreHealth]:
    """The exchange and the standard face of all providers, with one memory and one breaker each."""
    rules = config.exchange
    store = open_store(rules.store, redis_url=rules.redis_url, redis_tls=rules.redis_tls)
    client_secrets = [row.client_secret for row in config.providers.values()]
    # Without a provider nothing is ever sealed.
    nobodys = [Secret(secrets.token_hex(32))]
    keys = build_keys(rules.keys, instead=client_secrets or nobodys)

    def on_store_change(trouble: StoreUnavailable | None) -> None:
        log_change(trouble)
        metrics.store_away.set(0 if trouble is None else 1)
        metrics.store_outages.inc(0 if trouble is None else 1)

    vault = Vault(
        store,
        keys,
        deadline=PATIENCE.total + SHORT_PATIENCE.total,
        threads=threads,
        on_store_change=on_store_change,
    )
    limiter = Limiter(
        config.limits,
        keys[0].name,
        processes=processes,
        shared=vault.store.beside() if rules.store == "redis" else None,
        on_refusal=lambda kind: metrics.limited.labels(kind).inc(),
    )
    access = Access(
        rules, limiter, trusted_hops=config.limits.trusted_hops, threads=threads, attest=attest
    )
    send = Outbound(threads).send
    ways = {key: Breaker(send, key, limiter) for key in config.providers}
    exchanges = {key: Exchange(row, ways[key], vault) for key, row in config.providers.items()}
    # The face has a redirect URI of its own at the provider.
    behind = {
        key: Exchange(replace(row, redirect_uri=return_address(origin, key)), ways[key], vault)
        for key, row in config.providers.items()
        if (origin := config.issuer) is not None
        and any(key in client.providers for client in config.clients.values())
    }
    faces = {
        key: Face(
            row,
            origin=config.issuer or "",
            clients=config.clients,
            keys=keys,
            store=vault.store.beside(),
        )
        for key, row in behind.items()
    }
    event("exchange", {"store": rules.store, "processes": processes, "threads": threads})
    is_apart = rules.has_other_machines and rules.store != "redis"
    if is_apart:
        event(
            "other machines do not see the store of answers",
            {"remedy": "set REDIS_URL"},
            level=logging.WARNING,
        )
    return (
        exchange.blueprint(exchanges, access),
        faces,
        access,
        health.StoreHealth(rules.store, is_apart, store.ping),
    )
