"""
The page for the admin at ``/``: what is hosted, what is wrong, and a login to try.

Everyone sees it while every host is this machine; elsewhere it asks for the admin's token. The
pretend app plays the phone's part on a page, and exists only beside the sandbox.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request

from deeplink.oauth.clients import issuer
from deeplink.oauth.providers import TIKTOK
from deeplink.publication import publish

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from deeplink.config import Config
    from deeplink.oauth.clients import Client
    from deeplink.oauth.providers import Provider
    from deeplink.web.page import Pages

PRETEND_APP_PATH = "/pretend-app/"
WEB_LOGIN_PATH = "/web-login/"

#: What the pretend app asks for: the least that shows a name.
_SCOPES = ("user.info.basic",)


def pretend_app_url(config: Config) -> str | None:
    """Where the pretend app lives: at the redirect URI's own origin, because it keeps its verifier
    there; None where there is no sandbox login to try."""
    provider = _sandboxed(config)
    return _origin(provider.redirect_uri) + PRETEND_APP_PATH if provider else None


def blueprint(config: Config, *, pages: Pages) -> Blueprint:
    """The admin's page, and the pretend app where the config has a sandbox."""
    front = Blueprint("front", __name__)
    provider = _sandboxed(config)
    client = _web_client(config, provider) if provider else None

    @front.get("/")
    def admin() -> AnyResponse:
        if not (config.is_local or _bears_token(config)):
            return _for_strangers(config)
        return pages.render(
            "front.html",
            sheet="admin",
            script="try_login" if provider else None,
            connect="'none'",
            lang="en",
            hosts=_hosts(config),
            config=config,
            login=_login(provider, config) if provider else None,
            web_login_path=WEB_LOGIN_PATH if client else None,
        )

    if provider is not None:

        @front.get(PRETEND_APP_PATH)
        def pretend_app() -> Response:
            return pages.render(
                "pretend_app.html",
                sheet="admin",
                script="pretend_app",
                connect=f"'self' {_origin(provider.preset.userinfo_url)}",
                lang="en",
                login=_login(provider, config),
            )

    if provider is not None and client is not None:

        @front.get(WEB_LOGIN_PATH)
        def web_login() -> Response:
            return pages.render(
                "web_login.html",
                sheet="admin",
                script="web_login",
                connect=f"'self' {_origin(provider.preset.userinfo_url)}",
                lang="en",
                login=_web_login(provider, client, config),
            )

    return front


def _sandboxed(config: Config) -> Provider | None:
    """The pretend app's provider: its script speaks TikTok's dialect and no other."""
    rows = config.providers.values()
    return next((row for row in rows if row.sandbox and row.preset.key == TIKTOK.key), None)


def _web_client(config: Config, provider: Provider) -> Client | None:
    """The client that the page of the web login plays: it may come back there, on the issuer."""
    rows = (row for row in config.clients.values() if provider.key in row.providers)
    here = f"{config.issuer}{WEB_LOGIN_PATH}"
    return next((row for row in rows if config.issuer and row.registered(here)), None)


def _bears_token(config: Config) -> bool:
    """Whether the request shows the admin's token: as a bearer, or as Basic's password, which is
    what a browser can be asked for."""
    if config.admin_token is None or request.authorization is None:
        return False
    shown = request.authorization.token or request.authorization.password or ""
    return config.admin_token.equals(shown)


def _for_strangers(config: Config) -> AnyResponse:
    if config.admin_token is not None and config.home_url is None:
        asked = Response("the admin's token is needed\n", 401, mimetype="text/plain")
        asked.headers["WWW-Authenticate"] = 'Basic realm="deeplink admin"'
        asked.headers["Cache-Control"] = "no-store"
        return asked
    if config.home_url is not None:
        return redirect(config.home_url, 302)
    abort(404)


def _hosts(config: Config) -> list[dict[str, object]]:
    """Each host with the files it publishes, as the page shows them."""
    files: dict[str, list[dict[str, object]]] = {host: [] for host in config.known_hosts()}
    for (host, path), published in sorted(publish(config).items()):
        files[host].append({"path": path, "source": published.source, "size": len(published.body)})
    return [
        {"name": host, "is_alternate": host == config.alternate_host, "files": rows}
        for host, rows in files.items()
    ]


def _login(provider: Provider, config: Config) -> dict[str, object]:
    """All that the pretend app's script has to know, none of it secret."""
    return {
        "provider": provider.preset.name,
        "authorize_url": provider.preset.authorize_url,
        "userinfo_url": provider.preset.userinfo_url + "?fields=open_id,display_name,avatar_url",
        "client_key": provider.client_key,
        "redirect_uri": provider.redirect_uri,
        "scope": provider.preset.scope_separator.join(_SCOPES),
        "api": f"/api/{provider.key}",
        "origin": _origin(provider.redirect_uri),
        "sandbox_runs": _is_listening(config.sandbox_url),
        "sandbox_port": urlsplit(config.sandbox_url or "").port,
    }


def _web_login(provider: Provider, client: Client, config: Config) -> dict[str, object]:
    """What any page knows that logs in through the standard face, and nothing more."""
    return {
        "provider": provider.preset.name,
        "issuer": issuer(config.issuer or "", provider.key),
        "client_id": client.key,
        "redirect_uri": f"{config.issuer}{WEB_LOGIN_PATH}",
        "scope": " ".join(_SCOPES),
        "userinfo_url": provider.preset.userinfo_url + "?fields=open_id,display_name",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_listening(url: str | None) -> bool:
    """Whether something answers at the sandbox's address; on this machine a knock takes no time."""
    parts = urlsplit(url or "")
    if not parts.hostname or not parts.port:
        return False
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=0.3).close()
    except OSError:
        return False
    return True
