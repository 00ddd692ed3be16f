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
from deeplink.oauth.credentials import is_signing_key
from deeplink.oauth.providers import PRESETS, Preset, Provider, SigningKey, at_sandbox
from deeplink.rules import pointers
from deeplink.rules.hosts import split_url
from deeplink.rules.report import quoted
from deeplink.sandbox import (
    DEFAULT_CLIENT_KEY,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_KEY_ID,
    DEFAULT_TEAM_ID,
)
from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deeplink.rules.links import Row
    from deeplink.rules.report import Path, Report

#: Where the sandbox runs unless DEEPLINK_SANDBOX_URL says otherwise.
SANDBOX_URL = "http://127.0.0.1:8001"

_URL = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@\[\]?#%-]*")
_APPLE_ID = re.compile(r"[A-Z0-9]{10}")
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
        preset = _preset(row, key, report)
        redirect_uri = _redirect_uri(row, key, preset, path, setting, shared, report)
        provider = _provider(row, key, preset, redirect_uri, base_url, setting, report)
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
    preset: Preset | None,
    redirect_uri: str | None,
    base_url: str | None,
    setting: Setting,
    report: Report,
) -> Provider | None:
    path: Path = ("providers", key)
    identity = _sandbox_identity if row["sandbox"] else _own_identity
    client_key, client_secret, signing_key = identity(row, preset, path, setting, report)
    if not (preset and client_key and client_secret and redirect_uri):
        return None
    _check_pkce(row, preset, path, report)
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
        signing_key=signing_key,
    )


def _check_pkce(row: dict[str, Any], preset: Preset, path: Path, report: Report) -> None:
    if row["accept_code_without_pkce"] and preset.verifies_pkce:
        what = f"has no effect: {preset.name} verifies PKCE"
        report.warning("CFG074", (*path, "accept_code_without_pkce"), what, "remove it")
    if not (row["accept_code_without_pkce"] or preset.verifies_pkce):
        what = (
            f"exchanges no codes: {preset.name} is not known to verify PKCE, and whoever has a "
            "code could redeem it"
        )
        hint = "write accept_code_without_pkce = true to accept that; the app must check state"
        report.warning("CFG163", path, what, hint)


def _preset(row: dict[str, Any], key: str, report: Report) -> Preset | None:
    name = row.get("preset", key)
    if name not in PRESETS:
        path = ("providers", key, "preset") if "preset" in row else ("providers", key)
        what = f"has no preset {quoted(name)}"
        report.error("CFG065", path, what, f'write preset = "…", one of: {", ".join(PRESETS)}')
    return PRESETS.get(name)


_Identity = tuple[str | None, Secret | None, SigningKey | None]


def _sandbox_identity(
    row: dict[str, Any], preset: Preset | None, path: Path, setting: Setting, report: Report
) -> _Identity:
    if setting.public_host:
        public = quoted(setting.public_host)
        what = f"is true, but {public} is not this machine: anyone could log in as anyone"
        hint = "write sandbox = false, with client_key and client_secret of your own"
        report.error("CFG066", (*path, "sandbox"), what, hint)
    for name in ("client_key", "client_secret", "signing_key"):
        if row.get(name) is not None:
            what = "is not used beside sandbox = true, which brings its own"
            report.warning("CFG067", (*path, name), what, "remove it, or write sandbox = false")
    if preset and _signs(preset):
        from deeplink.sandbox.vendor_keys import default_signing_key

        key = SigningKey(DEFAULT_TEAM_ID, DEFAULT_KEY_ID)
        return DEFAULT_CLIENT_KEY, Secret(default_signing_key()), key
    return DEFAULT_CLIENT_KEY, Secret(DEFAULT_CLIENT_SECRET), None


def _own_identity(
    row: dict[str, Any], preset: Preset | None, path: Path, setting: Setting, report: Report
) -> _Identity:
    client_key = _client_key(row, preset, path, setting, report)
    if preset and _signs(preset):
        return client_key, *_signed_secret(row, preset, path, setting, report)
    return client_key, _shared_secret(row, preset, path, setting, report), None


def _signs(preset: Preset) -> bool:
    return preset.secret == "es256_jwt"  # noqa: S105 - the kind of secret, not one


def _client_key(
    row: dict[str, Any], preset: Preset | None, path: Path, setting: Setting, report: Report
) -> str | None:
    where = (*path, "client_key")
    if "client_key" not in _written(path, report):
        example = preset.client_key_example if preset else "…"
        hint = f'write client_key = "{example}", as the portal shows it'
        report.error("CFG011", where, "is missing", hint)
    client_key = pointers.text(row.get("client_key"), where, setting.environ, report)
    if client_key is not None and re.search(r"\s", client_key):
        what = "has white space in it"
        report.error("CFG017", where, what, "remove spaces and line ends, also those at the end")
        return None
    return client_key


def _shared_secret(
    row: dict[str, Any], preset: Preset | None, path: Path, setting: Setting, report: Report
) -> Secret | None:
    where = (*path, "client_secret")
    name = preset.key.upper() if preset else "PROVIDER"
    hint = f'write client_secret = {{ env = "{name}_CLIENT_SECRET" }}'
    if preset and "signing_key" in _written(path, report):
        what = f"is not what {preset.name} knows its clients by"
        report.error("CFG162", (*path, "signing_key"), what, hint)
    elif "client_secret" not in _written(path, report):
        report.error("CFG011", where, "is missing", hint)
    value = row.get("client_secret")
    return pointers.secret(value, where, setting.environ, report, needed=True)


def _signed_secret(
    row: dict[str, Any], preset: Preset, path: Path, setting: Setting, report: Report
) -> tuple[Secret | None, SigningKey | None]:
    where = (*path, "signing_key")
    hint = f"write a table [{'.'.join(map(str, where))}] with team_id, key_id and private_key"
    if "client_secret" in _written(path, report):
        what = f"is not what {preset.name} knows its clients by: it wants one that is signed anew"
        report.error("CFG162", (*path, "client_secret"), what, hint)
    elif "signing_key" not in _written(path, report):
        report.error("CFG011", where, "is missing", hint)
    table = row.get("signing_key")
    if not isinstance(table, dict):
        return None, None
    team_id, key_id = table.get("team_id"), table.get("key_id")
    for name, text in (("team_id", team_id), ("key_id", key_id)):
        if text is not None and not _APPLE_ID.fullmatch(text):
            what = "is not the 10 capital letters and digits of such an id"
            report.error("CFG160", (*where, name), what, "copy it from the provider's portal")
    pem = pointers.secret(
        table.get("private_key"),
        (*where, "private_key"),
        setting.environ,
        report,
        needed=True,
        has_lines=True,
    )
    if pem is not None and not is_signing_key(pem.reveal()):
        what = "leads to no private key on P-256 in PEM, without a password"
        hint = "let it lead to the AuthKey_….p8 file, whole, as the portal gave it out"
        report.error("CFG161", (*where, "private_key"), what, hint)
        pem = None
    return pem, SigningKey(team_id, key_id) if team_id and key_id else None


def _written(path: Path, report: Report) -> dict[str, Any]:
    """The provider's table as it stands in the file, with what has the wrong shape."""
    table: dict[str, Any] = report.document.value["providers"][path[1]]
    return table


def _sandbox_url(rows: Mapping[str, Any], setting: Setting, report: Report) -> str | None:
    text = (setting.environ.get("DEEPLINK_SANDBOX_URL") or SANDBOX_URL).rstrip("/")
    parts = split_url(text)
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
    preset: Preset | None,
    path: Path,
    setting: Setting,
    shared: dict[str, Path],
    report: Report,
) -> str | None:
    where = (*path, "redirect_uri")
    uri = pointers.text(row.get("redirect_uri"), where, setting.environ, report)
    if uri is None:
        return None
    fault = _fault_of_redirect(uri, preset, is_sandbox=row["sandbox"])
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


def _fault_of_redirect(
    uri: str, preset: Preset | None, *, is_sandbox: bool
) -> tuple[str, str] | None:
    """What the provider would refuse (https://developers.tiktok.com/doc/login-kit-web)."""
    if not _URL.fullmatch(uri):
        return "has characters that a URL cannot have", "write them percent-encoded"
    parts = split_url(uri)
    if parts is None or not parts.hostname:
        return "is not a URL", 'write one such as "https://links.acme.com/login-callback/"'
    if parts.username is not None or parts.password is not None:
        return "has a user in it", "write the host alone"
    if "#" in uri:
        return "has a fragment, which no provider accepts", f'write "{uri.partition("#")[0]}"'
    if "?" in uri:
        hint = f'write "{uri.partition("?")[0]}"; use state for what belongs to one login'
        return "has a query; the redirect URI is static", hint
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_sandbox and is_loopback(parts.hostname)
    ):
        what = "is not https"
        if parts.scheme == "http" and is_loopback(parts.hostname):
            return f"{what}; http on this machine serves for the sandbox only", (
                "write sandbox = true, or use a public host"
            )
        return what, f'write "https://{uri.partition("://")[2]}"'
    limit = preset.redirect_uri_limit if preset else None
    if preset and limit and len(uri) > limit:
        return f"has {len(uri)} characters; {preset.name} takes {limit}", "choose a shorter path"
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
            "served, but the provider compares byte for byte"
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
