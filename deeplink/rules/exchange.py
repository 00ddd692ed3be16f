"""The exchange's own settings: where answers are remembered, who may ask, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from deeplink.config import MIN_TOKEN
from deeplink.errors import StoreUnavailable
from deeplink.limits import Limits
from deeplink.oauth.sealing import MIN_KEY_LENGTH
from deeplink.rules import pointers
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.rules.report import Path, Report
    from deeplink.secret import Secret

#: An origin as browsers write it (RFC 6454 section 6.2): scheme, host, a port that is not the
#: scheme's own. Hybrid apps have schemes of their own, such as ``capacitor://localhost``.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_OWN_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class ExchangeRules:
    """
    How the exchange remembers answers, and whom it serves.

    *redis_url* is there if *store* is "redis". *keys* may be empty: the client secrets then serve.
    *has_other_machines* says that this is known to be one machine of several.
    """

    store: Literal["memory", "sqlite", "redis"]
    redis_url: Secret | None
    redis_tls: Literal["verify", "encrypt"]
    keys: tuple[Secret, ...]
    allowed_origins: tuple[str, ...]
    app_keys: tuple[Secret, ...]
    has_other_machines: bool


def read_exchange(
    table: dict[str, Any], environ: Mapping[str, str], report: Report, *, is_public: bool
) -> ExchangeRules:
    """The table ``[exchange]``; *is_public* makes unset variables of keys an error."""
    row = table["exchange"]
    redis_url = _redis_url(row, environ, report)
    store = row.get("store", "auto")
    if store == "auto":
        store = "redis" if redis_url else "sqlite"
    has_other_machines = is_one_of_several(environ)
    _check_reach(store, environ, report, has_other_machines=has_other_machines)
    return ExchangeRules(
        store=store,
        redis_url=redis_url,
        redis_tls=row.get("redis_tls", "verify"),
        keys=_secrets(row, "keys", "CFG083", MIN_KEY_LENGTH, environ, report, is_public=is_public),
        allowed_origins=_origins(row, report),
        app_keys=_secrets(
            row, "app_keys", "CFG068", MIN_TOKEN, environ, report, is_public=is_public
        ),
        has_other_machines=has_other_machines,
    )


def read_limits(table: dict[str, Any]) -> Limits:
    """The table ``[limits]``; a value that was refused counts as none."""
    row = table["limits"]
    # JSON Schema takes 300.0 for an integer.
    return Limits(**{name: int(row.get(name, 0)) for name in Limits.__dataclass_fields__})


def is_one_of_several(environ: Mapping[str, str]) -> bool:
    """
    Whether the host says that other machines run the same server; most hosts do not say.

    Heroku numbers its dynos from 1 (https://devcenter.heroku.com/articles/dynos): web.2 has a
    sibling.
    """
    kind, _, number = environ.get("DYNO", "").partition(".")
    return kind == "web" and number.isascii() and number.isdigit() and int(number[:6]) > 1


def _redis_url(row: dict[str, Any], environ: Mapping[str, str], report: Report) -> Secret | None:
    store = row.get("store", "auto")
    if store not in ("auto", "redis"):
        return None
    path: Path = ("exchange", "redis_url")
    pointer = row.get("redis_url")
    url = pointers.secret(pointer, path, environ, report, needed=store == "redis")
    if url is None:
        return None
    tls = row.get("redis_tls", "verify")
    # 0.3 s of import, which only those pay who have a Redis.
    from deeplink.store.redis import RedisStore

    try:
        RedisStore(url, tls=tls)
    except StoreUnavailable as trouble:
        what, _, hint = str(trouble).partition("; ")
        report.error("CFG082", path, _said_of(what), hint)
        return None
    if tls == "verify" and _is_herokus(url):
        what = 'is "verify", but Heroku\'s Redis has a certificate that it signed itself'
        report.warning("CFG086", ("exchange", "redis_tls"), what, 'write redis_tls = "encrypt"')
    return url


def _said_of(sentence: str) -> str:
    return sentence.replace("the address of Redis is none", "is not an address of Redis")


def _is_herokus(url: Secret) -> bool:
    """https://devcenter.heroku.com/articles/connecting-heroku-redis"""
    parts = urlsplit(url.reveal())
    return parts.scheme == "rediss" and (parts.hostname or "").endswith(".amazonaws.com")


def _check_reach(
    store: str, environ: Mapping[str, str], report: Report, *, has_other_machines: bool
) -> None:
    path: Path = ("exchange", "store")
    if store == "memory" and environ.get("WEB_CONCURRENCY", "") != "1":
        what = "is memory, which each of the server's processes has for itself"
        hint = 'write store = "sqlite", or set WEB_CONCURRENCY=1'
        report.warning("CFG084", path, what, hint)
    if store != "redis" and has_other_machines:
        what = f"is {store}, and this is {quoted(environ['DYNO'])}: other machines do not see it"
        hint = "give the server a Redis (REDIS_URL), or run it on one machine"
        report.warning("CFG085", path, what, hint)


def _secrets(
    row: dict[str, Any],
    name: str,
    code: str,
    length: int,
    environ: Mapping[str, str],
    report: Report,
    *,
    is_public: bool,
) -> tuple[Secret, ...]:
    found = []
    for position, pointer in enumerate(row.get(name) or ()):
        path: Path = ("exchange", name, position)
        secret = pointers.secret(pointer, path, environ, report, needed=is_public)
        if secret is None:
            continue
        if len(secret.reveal()) < length:
            what = f"is too short: {len(secret.reveal())} characters can be found by trying"
            report.error(code, path, what, f"make one of {length} or more: openssl rand -hex 32")
            continue
        found.append(secret)
    return tuple(found)


def _origins(row: dict[str, Any], report: Report) -> tuple[str, ...]:
    found = []
    for position, origin in enumerate(row.get("allowed_origins") or ()):
        if origin is None:
            continue
        fault = _fault_of_origin(origin)
        if fault:
            report.error("CFG087", ("exchange", "allowed_origins", position), *fault)
        else:
            found.append(origin)
    return tuple(dict.fromkeys(found))


def _fault_of_origin(origin: str) -> tuple[str, str] | None:
    if "*" in origin:
        return "is a wildcard: any page could ask for tokens", "name each origin"
    if origin == "null":
        return "stands for every page without an origin", "serve the page from a host, and name it"
    scheme = origin.partition("://")[0]
    right = _ORIGIN.fullmatch(origin)
    if right and not origin.endswith(_OWN_PORTS.get(scheme, "\0")):
        return None
    what = "is not an origin as browsers send it"
    hint = 'write scheme and host, such as "https://www.acme.com", without path or slash'
    return what, hint
