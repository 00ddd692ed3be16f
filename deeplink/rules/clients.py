"""Clients of the standard face: the issuer, redirect URIs, scopes, origins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from deeplink.config import is_loopback
from deeplink.findings import did_you_mean
from deeplink.oauth.clients import Client, Kind, RedirectUri
from deeplink.rules import pointers
from deeplink.rules.hosts import read_host, split_url
from deeplink.rules.paths import covers
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.association.verdict import App
    from deeplink.config import Config
    from deeplink.oauth.providers import Provider
    from deeplink.rules.report import Path, Report

#: Characters of a redirect URI; it travels inside of others.
MAX_REDIRECT_URI = 512

_URI = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@\[\]?#%-]*", re.ASCII)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
#: RFC 6749 appendix A.4.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)


def read_issuer(
    table: dict[str, Any], config: Config, environ: Mapping[str, str], report: Report
) -> str | None:
    """
    The origin of the standard face, without a slash at its end; None if there is none.

    Without a word in the config it is that of the sandbox's redirect URI, on this machine.
    """
    path: Path = ("issuer",)
    if "issuer" not in table:
        rows = (row for row in config.providers.values() if row.sandbox)
        sandboxed = next(rows, None)
        return _origin(urlsplit(sandboxed.redirect_uri)) if sandboxed and config.is_local else None
    text = pointers.text(table["issuer"], path, environ, report)
    if text is None:
        return None
    parts = split_url(text)
    if fault := _fault_of_origin(text, parts, config):
        report.error("CFG110", path, *fault)
        return None
    assert parts is not None  # noqa: S101 - a fault otherwise
    host = read_host(parts.hostname or "", path, report)
    if host is None:
        return None
    if parts.scheme == "http":
        return _at_port(parts, environ)
    for key, provider in config.providers.items():
        if provider.sandbox and not is_loopback(host):
            what = f"is true, but {quoted(host)} is not this machine: anyone could log in as anyone"
            hint = "write sandbox = false, with client_key and client_secret of your own"
            report.error("CFG066", ("providers", key, "sandbox"), what, hint)
            return None
    if not is_loopback(host) and any(config.links_at(host)):
        what = f"is on {quoted(host)}, whose links open an app"
        hint = (
            "give it a host of its own: a browser does not hand a redirect to the app that stays "
            "on one host"
        )
        report.warning("CFG111", path, what, hint)
    return text


def read_clients(
    table: dict[str, Any], config: Config, written: frozenset[str], report: Report
) -> dict[str, Client]:
    """
    The clients by name. *written* are the providers that the file names, sound or not.

    *config* is what the rest of the file has become.
    """
    clients = {}
    for key, row in table["clients"].items():
        if isinstance(row, dict):
            clients[key] = _client(key, row, config, written, report)
    uses_sandbox = any(
        isinstance(row, dict) and row.get("sandbox") for row in table["providers"].values()
    )
    # With a sandbox elsewhere than here there is a worse fault, and no issuer because of it.
    if clients and config.issuer is None and "issuer" not in table and not uses_sandbox:
        what = "have no effect without an issuer"
        report.warning("CFG112", ("clients",), what, 'write issuer = "https://login.acme.com"')
    return clients


def _client(
    key: str, row: dict[str, Any], config: Config, written: frozenset[str], report: Report
) -> Client:
    path: Path = ("clients", key)
    app = _app(row, path, config, report)
    uris = []
    for position, text in enumerate(row.get("redirect_uris", ())):
        if text is not None:
            where = (*path, "redirect_uris", position)
            uris.append(_redirect_uri(text, where, row, app, config, report))
    if row["custom_scheme"] and not any(uri and uri.kind is Kind.SCHEME for uri in uris):
        what = "has no effect: no redirect URI has a scheme of its own"
        report.warning("CFG074", (*path, "custom_scheme"), what, "remove it")
    return Client(
        key=key,
        redirect_uris=tuple(uri for uri in uris if uri),
        providers=_providers(row, path, config, written, report),
        scopes=_scopes(row, path, report),
        origins=_origins(row, path, report),
        app=app,
        custom_scheme=row["custom_scheme"],
    )


def _app(row: dict[str, Any], path: Path, config: Config, report: Report) -> App | None:
    name = row.get("app")
    apps = {app.key: app for app in config.apps}
    if name is not None and name not in apps:
        hint = did_you_mean(name, apps) if apps else "write a table for it under apps"
        report.error("CFG050", (*path, "app"), f"names no app: {quoted(name)}", hint)
    return apps.get(name or "")


def _providers(
    row: dict[str, Any], path: Path, config: Config, written: frozenset[str], report: Report
) -> tuple[str, ...]:
    if "providers" not in row:
        return tuple(key for key, provider in config.providers.items() if _may_serve(provider))
    chosen = []
    for position, name in enumerate(row["providers"]):
        where = (*path, "providers", position)
        provider = config.providers.get(name or "")
        if provider and not _may_serve(provider):
            vendor = provider.preset.name
            what = f"has no effect: {vendor} does not verify PKCE"
            hint = "remove it, or accept that with accept_code_without_pkce = true"
            report.warning("CFG074", where, what, hint)
        elif provider:
            chosen.append(provider.key)
        elif name is not None and name not in written:
            hint = did_you_mean(name, written) if written else "write a table under providers"
            report.error("CFG059", where, f"names no provider: {quoted(name)}", hint)
    return tuple(dict.fromkeys(chosen))


def _may_serve(provider: Provider) -> bool:
    """Whether codes of *provider* are exchanged at all."""
    return provider.preset.verifies_pkce or provider.accept_code_without_pkce


def _scopes(row: dict[str, Any], path: Path, report: Report) -> tuple[str, ...]:
    scopes = []
    for position, text in enumerate(row.get("scopes", ())):
        if text is not None and _SCOPE.fullmatch(text) and "," not in text:
            scopes.append(text)
        elif text is not None:
            words = [word for word in re.split(r"[\s,]+", text) if _SCOPE.fullmatch(word)]
            hint = f"write {', '.join(quoted(word) for word in words)}" if words else "remove it"
            what = "is not one scope"
            report.error("CFG119", (*path, "scopes", position), what, hint)
    return tuple(dict.fromkeys(scopes))


def _origins(row: dict[str, Any], path: Path, report: Report) -> tuple[str, ...]:
    origins = []
    for position, text in enumerate(row["origins"]):
        if text is None:
            continue
        parts = split_url(text)
        where = (*path, "origins", position)
        if parts is None or not parts.hostname or parts.scheme not in ("http", "https"):
            report.error("CFG118", where, "is not an origin", 'write "https://www.acme.com"')
        elif parts.scheme == "http" and not is_loopback(parts.hostname):
            hint = f'write "https://{parts.netloc}"'
            report.error("CFG118", where, "is http, which anybody on the way can change", hint)
        elif text != _origin(parts):
            what = "is not in the spelling that browsers send"
            report.error("CFG118", where, what, f"write {quoted(_origin(parts))}")
        else:
            origins.append(text)
    return tuple(dict.fromkeys(origins))


def _redirect_uri(
    text: str, where: Path, row: dict[str, Any], app: App | None, config: Config, report: Report
) -> RedirectUri | None:
    if fault := _fault_of_redirect(text):
        report.error("CFG113", where, *fault)
        return None
    parts = urlsplit(text)
    if parts.scheme == "https":
        return RedirectUri(text, _kind_of_https(parts, where, app, config, report))
    if parts.scheme == "http":
        return RedirectUri(text, Kind.LOOPBACK)
    if not row["custom_scheme"]:
        what = f'has the scheme "{parts.scheme}", which any app may register'
        hint = "use an https link of the app, or accept that with custom_scheme = true"
        report.error("CFG114", where, what, hint)
        return None
    what = f'hands codes to whichever app registered "{parts.scheme}"'
    report.warning("CFG115", where, what, "use an https link of the app where you can")
    return RedirectUri(text, Kind.SCHEME)


def _fault_of_redirect(text: str) -> tuple[str, str] | None:
    """What RFC 6749 section 3.1.2, RFC 8252 section 7 and RFC 9700 section 4.1 rule out."""
    parts = split_url(text)
    scheme = _SCHEME.match(text)
    if "*" in text.partition("?")[0]:
        return "has a wildcard; redirect URIs are compared as a whole", "write each one"
    if not _URI.fullmatch(text) or parts is None:
        return "has characters that a URL cannot have, or a port that is none", (
            "write them percent-encoded"
        )
    if scheme is None:
        return "has no scheme", 'write one such as "https://links.acme.com/oauth-callback"'
    if parts.scheme not in ("https", "http") and "." not in parts.scheme:
        # RFC 8252 section 8.4. It also keeps out javascript:, data: and every other scheme that
        # a browser itself acts on.
        return f'has the scheme "{parts.scheme}", which is not a domain name turned round', (
            'write one such as "com.acme.shop:/callback"'
        )
    if scheme[1] != scheme[1].lower() or parts.netloc != parts.netloc.lower():
        right = f"{scheme[1].lower()}{text[len(scheme[1]) :]}".replace(
            parts.netloc, parts.netloc.lower(), 1
        )
        return "has capitals in scheme or host; it is compared byte for byte", f'write "{right}"'
    if "#" in text or "?" in text:
        bare = re.split(r"[?#]", text)[0]
        return "has a query or a fragment; state is for what belongs to one login", (
            f'write "{bare}"'
        )
    if parts.username is not None or parts.password is not None:
        return "has a user in it", "write the host alone"
    if len(text) > MAX_REDIRECT_URI:
        return f"has more than {MAX_REDIRECT_URI} characters", "choose a shorter path"
    return _fault_of_scheme(text, parts)


def _fault_of_scheme(text: str, parts: SplitResult) -> tuple[str, str] | None:
    if parts.scheme == "https":
        return None if parts.hostname and parts.path.startswith("/") else _NO_PATH
    if parts.scheme == "http":
        if parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            return "is http, which anybody on the way can read", (
                f'write "https://{text.partition("://")[2]}"'
            )
        return None if parts.path.startswith("/") else _NO_PATH
    if not text.partition(":")[2].startswith("/"):
        return "has no path", f'write "{parts.scheme}:/callback"'
    return None


_NO_PATH = ("has no host or no path", 'write one such as "https://links.acme.com/oauth-callback"')


def _kind_of_https(
    parts: SplitResult, where: Path, app: App | None, config: Config, report: Report
) -> Kind:
    """Whether the app alone gets what is sent there: a phone hands it only a claimed link."""
    if app is None:
        return Kind.WEB
    rows = [row for row in config.links_at(parts.hostname or "") if row.app == app]
    matching = [row for row in rows if covers(row.path, parts.path)]
    has_right_port = parts.port in (None, 443)
    certain = [row for row in matching if row.exclude or not row.has_conditions]
    if certain and has_right_port and not any(row.exclude for row in matching):
        return Kind.APP
    what = f"is no link of {quoted(app.key)}, so a browser gets what is sent there"
    hint = f'write a row [[callbacks]] with path = "{parts.path.rstrip("/")}/" for the app'
    if (parts.hostname or "") not in config.hosts:
        hint = "use one of the hosts, under a path that a link or callback of the app has"
    report.warning("CFG116", where, what, hint)
    return Kind.WEB


def _fault_of_origin(
    text: str, parts: SplitResult | None, config: Config
) -> tuple[str, str] | None:
    example = 'write one such as "https://login.acme.com"'
    if parts is None or not parts.hostname or parts.username is not None:
        return "is not the address of a server", example
    if parts.scheme == "http" and is_loopback(parts.hostname) and not config.is_local:
        return "is this machine, but the hosts are not", example
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        return "is not https", f'write "https://{parts.netloc}"'
    if text != _origin(parts):
        return "has more than scheme and host, or capitals", f"write {quoted(_origin(parts))}"
    return None


def _at_port(parts: SplitResult, environ: Mapping[str, str]) -> str:
    """This machine's address, on the port that this server listens on."""
    port = environ.get("PORT", "").strip()
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        return _origin(parts)
    host = parts.hostname or ""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _origin(parts: SplitResult) -> str:
    """Scheme, host and port as browsers spell an origin: lower-case, no default port."""
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, default) else ""
    return f"{parts.scheme}://{host}{port}"
