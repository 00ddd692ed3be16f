"""
What an admin declares once about links and apps, and what an engine answers about a URL.

From one table of links come Apple's components, Android's statements and dynamic rules, the
fallback pages and the expectations of the matcher.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What this server keeps for itself; ``web/`` answers these paths on every host.
RESERVED_PATHS = (
    "/.well-known/*",
    "/apple-app-site-association",
    "/api/*",
    "/oauth/*",
    "/healthz",
    "/readyz",
    "/metrics",
)


@dataclass(frozen=True, slots=True)
class AndroidApp:
    """An Android app as a statement's target names it; fingerprints as Google spells them."""

    package_name: str
    sha256_cert_fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IosApp:
    """
    An iOS app: its app ids (``ABCDE12345.com.example.app``), the first one primary.

    *legacy_paths* asks for the ``paths`` form too, which iOS 12 and older read.
    """

    app_ids: tuple[str, ...]
    app_store_id: str | None
    custom_scheme: str | None
    legacy_paths: bool


@dataclass(frozen=True, slots=True)
class App:
    """One app under the name that the config gives it; either platform may be missing."""

    key: str
    name: str
    android: AndroidApp | None
    ios: IosApp | None
    share_credentials: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What messengers show of a link; ``{1}`` is what the path's first ``*`` stands for."""

    title: str
    description: str
    image: str | None


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What a row says about the page that a browser shows for it; texts as in ``Preview``."""

    preview: Preview | None = None
    fallback_url: str | None = None
    smart_banner: bool = False
    qr_code: bool = True
    install_referrer: str | None = None
    custom_scheme: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """
    One row of the table of links, for one app.

    *path*, *query* values and *fragment* are patterns: ``*`` is any run of characters. Rows are
    tried in order, the first that matches decides; *exclude* keeps what it matches in the
    browser. *hosts* are lower-case names without port.
    """

    app: App
    hosts: tuple[str, ...]
    path: str
    query: tuple[tuple[str, str], ...] = ()
    fragment: str | None = None
    exclude: bool = False
    page: LinkPage = LinkPage()

    @property
    def has_conditions(self) -> bool:
        """Whether the row says more than an intent filter's path can."""
        return bool(self.query) or self.fragment is not None or self.exclude
