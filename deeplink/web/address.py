"""Whose address a request comes from, as far as that can be known."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Headers by which proxies tell of clients. Anyone can send them.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CF_CONNECTING_IP")

#: One subscriber's IPv6 network (RFC 6177): whoever has one has 2^64 addresses to choose from.
_V6_PREFIX = 64


def client_of(environ: Mapping[str, object], trusted_hops: int) -> str | None:
    """
    The network address that a request is counted under, or None if nobody can tell.

    *trusted_hops* proxies each add one entry to X-Forwarded-For; the client is that many from the
    right, and what stands further left was made up by anybody. With 0, a request that brings
    such a header comes either through a proxy that the config does not know, and then the peer's
    address is everybody's, or from somebody who plays one.

    >>> client_of({"REMOTE_ADDR": "192.0.2.7"}, 0)
    '192.0.2.7'
    >>> client_of({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "1.1.1.1, 2001:db8::7"}, 1)
    '2001:db8::/64'
    """
    if trusted_hops == 0:
        if any(environ.get(header) for header in _FORWARDED):
            return None
        return _network(str(environ.get("REMOTE_ADDR", "")))
    entries = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    if len(entries) < trusted_hops:
        # It did not come through all proxies: then the peer is the client.
        return _network(str(environ.get("REMOTE_ADDR", "")))
    return _network(entries[-trusted_hops].strip())


def is_behind_unknown_proxy(environ: Mapping[str, object], trusted_hops: int) -> bool:
    """Whether somebody forwards requests to us of whom the config does not say."""
    return trusted_hops == 0 and any(environ.get(header) for header in _FORWARDED)


# The same few proxies' and phones' addresses come again and again; parsing one takes 10 µs.
@lru_cache(maxsize=4096)
def _network(text: str) -> str | None:
    """The address in *text*, which may have a port, or its /64."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _V6_PREFIX), strict=False))
