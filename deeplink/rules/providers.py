"""Providers: keys, secrets, redirect URIs, the sandbox, and the files that prove ownership."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from deeplink.config import is_loopback
from deeplink.dropins import DropIn
from deeplink.findings import did_you_mean
from deeplink.oauth.providers import PRESETS, Preset, Provider, at_sandbox
from deeplink.rules import pointers
from deeplink.rules.report import quoted
from deeplink.sandbox import DEFAULT_CLIENT_KEY, DEFAULT_CLIENT_SECRET
from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deeplink.rules.links import Row
    from deeplink.rules.report import Path, Report

#: Characters; TikTok's portal takes no more
#: (https://developers.tiktok.com/doc/login-kit-web#project_setup).
MAX_REDIRECT_URI = 512

#: Where the sandbox runs unless DEEPLINK_SANDBOX_URL says otherwise.
SANDBOX_URL = "http://127.0.0.1:8001"

_URL = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@\[\]?#%-]*")
_OWNERSHIP_TOKEN = re.compile(r"[A-Za-z0-9]{32}")
_OWNERSHIP_CONTENT = "tiktok-developers-site-verification="


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rows of providers are read against; *public_host* is a host elsewhere, if any."""

    hosts: tuple[str, ...]
    callbacks: Sequence[Row]
    environ: Mapping[str, str]
    public_host: str | None
    providers: frozenset[str]
    has_refused_callbacks: bool


def read_providers(
    table: dict[str, Any], setting: Setting, report: Report
) -> tuple[dict[str, Provider], str | None]:
    """The providers by name, and the sandbox's address if one of them uses it."""
    providers = {}
    shared: dict[str, Path] = {}
    rows = {key: row for key, row in table["providers"].items() if isinstance(row, dict)}
    base_url = None
    if any(row["sandbox"] for row in rows.values()):
        base_url = _sandbox_url(rows, setting, report)
    for key, row in rows.items():
        path: Path = ("providers", key)
        redirect_uri = _redirect_uri(row, key, path, setting, shared, report)
        provider = _provider(row, key, redirect_uri, base_url, setting, report)
        if provider is not None:
            providers[key] = provider
    return providers, base_url


def read_ownership(table: dict[str, Any], report: Report) -> tuple[DropIn, ...]:
    """
    TikTok's ownership files, exactly those that are listed.

    An answer for any token that is asked for would let anyone claim the host in a developer
    account of theirs.
    """
    drop_ins = []
    for key, provider in table["providers"].items():
        rows = provider.get("url_verification") or () if isinstance(provider, dict) else ()
        for position, row in enumerate(rows):
            path: Path = ("providers", key, "url_verification", position)
            drop_in = _ownership(row, path, report) if row else None
            if drop_in is not None:
                drop_ins.append(drop_in)
    return tuple(drop_ins)


def _provider(
    row: dict[str, Any],
    key: str,
    redirect_uri: str | None,
    base_url: str | None,
    setting: Setting,
    report: Report,
) -> Provider | None:
    path: Path = ("providers", key)
    preset = _preset(row, key, report)
    pair = _sandbox_pair if row["sandbox"] else _own_pair
    client_key, client_secret = pair(row, path, setting, report)
    if not (preset and client_key and client_secret and redirect_uri):
        return None
    if row["accept_code_without_pkce"] and preset.verifies_pkce:
        what = f"has no effect: {preset.name} verifies PKCE"
        report.warning("CFG074", (*path, "accept_code_without_pkce"), what, "remove it")
    rows = [callback.callback for callback in setting.callbacks]
    apps = {app.key: app for callback in rows if callback.provider == key for app in callback.apps}
    schemes = [app.ios.custom_scheme for app in apps.values() if app.ios]
    return Provider(
        key=key,
        preset=at_sandbox(preset, base_url) if row["sandbox"] and base_url else preset,
        client_key=client_key,
        client_secret=client_secret,
        redirect_uri=redirect_uri,
        sandbox=row["sandbox"],
        apps=tuple(apps),
        custom_schemes=tuple(dict.fromkeys(scheme for scheme in schemes if scheme)),
        accept_code_without_pkce=row["accept_code_without_pkce"],
    )


def _preset(row: dict[str, Any], key: str, report: Report) -> Preset | None:
    name = row.get("preset", key)
    if name not in PRESETS:
        path = ("providers", key, "preset") if "preset" in row else ("providers", key)
        what = f"has no preset {quoted(name)}"
        report.error("CFG065", path, what, f'write preset = "…", one of: {", ".join(PRESETS)}')
    return PRESETS.get(name)


def _sandbox_pair(
    row: dict[str, Any], path: Path, setting: Setting, report: Report
) -> tuple[str | None, Secret | None]:
    if setting.public_host:
        public = quoted(setting.public_host)
        what = f"is true, but {public} is not this machine: anyone could log in as anyone"
        hint = "write sandbox = false, with client_key and client_secret of your own"
        report.error("CFG066", (*path, "sandbox"), what, hint)
    for name in ("client_key", "client_secret"):
        if row.get(name) is not None:
            what = "is not used beside sandbox = true, which brings its own"
            report.warning("CFG067", (*path, name), what, "remove it, or write sandbox = false")
    return DEFAULT_CLIENT_KEY, Secret(DEFAULT_CLIENT_SECRET)


def _own_pair(
    row: dict[str, Any], path: Path, setting: Setting, report: Report
) -> tuple[str | None, Secret | None]:
    written = report.document.value["providers"][path[1]]
    for name, example in (
        ("client_key", '"aw…", as the portal shows it'),
        ("client_secret", '{ env = "TIKTOK_CLIENT_SECRET" }'),
    ):
        if name not in written:
            hint = f"write {name} = {example}"
            report.error("CFG011", (*path, name), "is missing", hint)
    where = (*path, "client_key")
    client_key = pointers.text(row.get("client_key"), where, setting.environ, report)
    if client_key is not None and re.search(r"\s", client_key):
        what = "has white space in it"
        report.error("CFG017", where, what, "remove spaces and line ends, also those at the end")
        client_key = None
    secret = pointers.secret(
        row.get("client_secret"), (*path, "client_secret"), setting.environ, report, needed=True
    )
    return client_key, secret


def _sandbox_url(rows: Mapping[str, Any], setting: Setting, report: Report) -> str | None:
    text = (setting.environ.get("DEEPLINK_SANDBOX_URL") or SANDBOX_URL).rstrip("/")
    parts = _split(text)
    if parts and parts.scheme == "http" and text == f"http://{parts.netloc}":
        # A name, localhost included, is what somebody's resolver says it is: literals only.
        try:
            if ipaddress.ip_address(parts.hostname or "").is_loopback:
                return text
        except ValueError:
            pass
    key = next(key for key, row in rows.items() if row["sandbox"])
    what = "needs DEEPLINK_SANDBOX_URL to be an http address of this machine"
    report.error("CFG071", ("providers", key, "sandbox"), what, f"set it to {SANDBOX_URL}")
    return None


def _redirect_uri(
    row: dict[str, Any],
    key: str,
    path: Path,
    setting: Setting,
    shared: dict[str, Path],
    report: Report,
) -> str | None:
    where = (*path, "redirect_uri")
    uri = pointers.text(row.get("redirect_uri"), where, setting.environ, report)
    if uri is None:
        return None
    fault = _fault_of_redirect(uri, is_sandbox=row["sandbox"])
    if fault:
        report.error("CFG060", where, *fault)
        return None
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if host not in setting.hosts:
        what = f'leads to "{host}", which is not one of the hosts'
        hint = did_you_mean(host, setting.hosts) if setting.hosts else "write it into hosts, too"
        report.error("CFG061", where, what, hint)
        return None
    if not _is_unshared(uri, where, shared, report):
        return None
    if not _is_covered(key, host, parts.path, where, setting, report):
        return None
    if row["sandbox"] and is_loopback(host):
        return _at_port(uri, parts, where, setting.environ, report)
    return uri


def _fault_of_redirect(uri: str, *, is_sandbox: bool) -> tuple[str, str] | None:
    """What the provider would refuse (https://developers.tiktok.com/doc/login-kit-web)."""
    if not _URL.fullmatch(uri):
        return "has characters that a URL cannot have", "write them percent-encoded"
    parts = _split(uri)
    if parts is None or not parts.hostname:
        return "is not a URL", 'write one such as "https://links.acme.com/login-callback/"'
    if parts.username is not None or parts.password is not None:
        return "has a user in it", "write the host alone"
    if "#" in uri:
        return "has a fragment, which no provider accepts", f'write "{uri.partition("#")[0]}"'
    if "?" in uri:
        hint = f'write "{uri.partition("?")[0]}"; use state for what belongs to one login'
        return "has a query; TikTok wants it static", hint
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_sandbox and is_loopback(parts.hostname)
    ):
        what = "is not https"
        if parts.scheme == "http" and is_loopback(parts.hostname):
            return f"{what}; http on this machine serves for the sandbox only", (
                "write sandbox = true, or use a public host"
            )
        return what, f'write "https://{uri.partition("://")[2]}"'
    if len(uri) > MAX_REDIRECT_URI:
        return (
            f"has {len(uri)} characters; TikTok takes {MAX_REDIRECT_URI}",
            "choose a shorter path",
        )
    if parts.netloc != parts.netloc.lower():
        right = uri.replace(parts.netloc, parts.netloc.lower(), 1)
        return "has its host not in lower case; it is compared byte for byte", f'write "{right}"'
    return None


def _is_covered(
    key: str, host: str, path: str, where: Path, setting: Setting, report: Report
) -> bool:
    slashed = path if path.endswith("/") else f"{path}/"
    rows = [
        row
        for row in setting.callbacks
        if row.callback.path == slashed and host in row.callback.hosts
    ]
    if not rows and setting.has_refused_callbacks:
        # The callback may be one whose own fault is said; what is missing is not known yet.
        return False
    if not rows:
        what = f'has the path "{path}", which no callback covers'
        hint = f'write a row [[callbacks]] with path = "{slashed}" and provider = "{key}"'
        report.error("CFG062", where, what, hint)
        return False
    row = rows[0]
    if row.callback.provider is not None and row.callback.provider not in setting.providers:
        return False
    if row.callback.provider != key:
        line = report.place((*row.path, "path")).line
        other = row.callback.provider
        what = f"belongs to the callback on line {line}, which names {_spelt(other)}"
        report.error("CFG062", where, what, f'write provider = "{key}" in that row')
        return False
    if row.written.endswith("/") != path.endswith("/"):
        line = report.place((*row.path, "path")).line
        what = (
            f"ends {_ending(path)}, the callback on line {line} {_ending(row.written)}; both are "
            "served, but TikTok compares byte for byte"
        )
        hint = "spell it here, in the portal and in the app exactly alike"
        report.warning("CFG063", where, what, hint)
    return True


def _spelt(provider: str | None) -> str:
    return f'the provider "{provider}"' if provider else "no provider"


def _ending(path: str) -> str:
    return "with a slash" if path.endswith("/") else "without a slash"


def _at_port(
    uri: str, parts: SplitResult, where: Path, environ: Mapping[str, str], report: Report
) -> str | None:
    """*uri* on the port that this server listens on, if the environment names one."""
    port = environ.get("PORT", "").strip()
    if not port:
        return uri
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        what = "follows PORT, which is not a port"
        report.error("CFG072", where, what, "set PORT to a number from 1 to 65535")
        return None
    host = parts.netloc.rpartition("@")[2]
    bare = host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return f"{parts.scheme}://{bare}:{port}{parts.path}"


def _is_unshared(uri: str, path: Path, shared: dict[str, Path], report: Report) -> bool:
    first = shared.setdefault(uri, path)
    if first != path:
        line = report.place(first).line
        what = f"is the redirect URI on line {line}, too: whose code arrives could not be told"
        hint = "give each provider a callback path of its own (RFC 9700 section 4.4)"
        report.error("CFG064", path, what, hint)
    return first == path


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        # Reading the port is what refuses one that is none.
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:
        return None


def _ownership(row: dict[str, Any], path: Path, report: Report) -> DropIn | None:
    token, prefix = row.get("token"), row.get("prefix", "/")
    if token is None:
        return None
    if not _OWNERSHIP_TOKEN.fullmatch(token):
        found = re.search(r"(?<![A-Za-z0-9])(?:tiktok)?([A-Za-z0-9]{32})(?![A-Za-z0-9])", token)
        hint = f'write "{found[1]}"' if found else "copy it from the file's name: tiktok<token>.txt"
        what = "is not the 32 letters and digits of TikTok's file"
        report.error("CFG069", (*path, "token"), what, hint)
        return None
    is_path = re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/)*", prefix)
    if not is_path:
        what = "is not a path that begins and ends with a slash"
        bare = re.sub(r"/+", "/", f"/{prefix.partition('://')[2].partition('/')[2] or prefix}/")
        hint = f'write "{bare}"' if re.fullmatch(r"/[A-Za-z0-9._~/-]*", bare) else 'write "/"'
        report.error("CFG069", (*path, "prefix"), what, hint)
        return None
    place = report.place(path)
    return DropIn(
        source=f"{place.file}: {place.key}",
        host=None,
        paths=(f"{prefix}tiktok{token}.txt",),
        content_type="text/plain; charset=utf-8",
        body=f"{_OWNERSHIP_CONTENT}{token}".encode(),
    )
