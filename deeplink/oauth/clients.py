"""
The apps and pages that may log in through the standard face: public clients, from the config.

None has a secret, because whoever has an app has its secrets (RFC 8252 section 8.5). What
identifies a client is where its answers go, so that a redirect URI matches as a whole or not at
all (RFC 9700 section 4.1.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deeplink.association.verdict import App


class Kind(StrEnum):
    """Who gets what is sent to a redirect URI."""

    APP = "app"  # https, and the phone hands it to the client's app alone
    WEB = "web"  # https, and a web server gets it
    LOOPBACK = "loopback"  # http on the person's own machine, any program that listens there
    SCHEME = "scheme"  # any app that registered the same scheme


#: RFC 8252 section 7.3 has the two addresses; libraries for the desktop also say localhost.
_LOOPBACK = re.compile(
    r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?(/[!-~]*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class RedirectUri:
    """One registered redirect URI. What it may look like is the rules' business."""

    uri: str
    kind: Kind

    def matches(self, sent: str) -> bool:
        """
        Whether *sent* is this URI, byte for byte; only the port of a loopback URI is free.

        A desktop app listens on whatever port it gets (RFC 8252 section 7.3).

        >>> uri = RedirectUri("http://127.0.0.1/callback", Kind.LOOPBACK)
        >>> uri.matches("http://127.0.0.1:49152/callback"), uri.matches("http://127.0.0.1:1@x/")
        (True, False)
        """
        if self.kind is not Kind.LOOPBACK:
            return sent == self.uri
        registered, asked = _LOOPBACK.fullmatch(self.uri), _LOOPBACK.fullmatch(sent)
        return bool(registered and asked) and _portless(registered) == _portless(asked)


@dataclass(frozen=True, slots=True)
class Client:
    """
    One public client; *key* is its ``client_id``.

    *providers* are keys of the config, *scopes* those that it may ask for, *origins* the origins
    of its pages, which may read the token endpoint's answers. *app* is the app on phones, if it is
    one; *custom_scheme* says that redirect URIs under a scheme of its own were allowed.
    """

    key: str
    redirect_uris: tuple[RedirectUri, ...]
    providers: tuple[str, ...]
    scopes: tuple[str, ...]
    origins: tuple[str, ...]
    app: App | None
    custom_scheme: bool

    def registered(self, sent: str) -> RedirectUri | None:
        """The registered redirect URI that *sent* is, if it is one."""
        return next((uri for uri in self.redirect_uris if uri.matches(sent)), None)


def issuer(origin: str, provider: str) -> str:
    """What the face of *provider* calls itself at *origin*: the same in every answer."""
    return f"{origin}/oauth/{provider}"


def return_address(origin: str, provider: str) -> str:
    """The redirect URI that the provider's portal has for the face, byte for byte."""
    return f"{issuer(origin, provider)}/return"


def _portless(match: re.Match[str] | None) -> tuple[str, str] | None:
    # Without a path and with the path "/" are two URIs: they are compared as strings.
    return (match[1], match[2] or "") if match else None
