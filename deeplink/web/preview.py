"""
What a link's page has besides its ways: preview tags, a banner, a QR code, a page on the web.

Texts come from the row, with parts of the path in their placeholders: bounded, printable, encoded
where they go into an address. Nothing here counts, and nothing names the visitor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from deeplink.config import is_loopback

if TYPE_CHECKING:
    from deeplink.association.verdict import Link
    from deeplink.visitor import Visitor
    from deeplink.words import Words

#: Characters of a path's part in a text or in an address.
_MAX_TEXT, _MAX_PART = 80, 200

#: Characters of an address in a QR code: about 4 KB of drawing, which the page has room for.
MAX_QR = 120

#: Names by which a login travels (RFC 6749, OpenID Connect). Such an address stays out of codes
#: that somebody else may scan and out of Apple's banner, whatever its path.
_LOGIN = re.compile(r"(?:^|[?&])(?:code|state|access_token|id_token|refresh_token)=", re.IGNORECASE)

_NUMBER = re.compile(r"\{([1-9][0-9]?)\}")


@dataclass(frozen=True, slots=True)
class Tag:
    """One preview tag: *kind* is the attribute that names it, ``property`` or ``name``."""

    kind: str
    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Extras:
    """Empty texts are left out; *qr* is a drawing of our own making."""

    tags: tuple[Tag, ...]
    banner: str
    qr: Markup
    web_url: str
    web_label: str
    qr_label: str


def extras(link: Link, url: str, stars: tuple[str, ...], visitor: Visitor, words: Words) -> Extras:
    """What *visitor* gets for *link*, whose https address is *url*."""
    has_qr = visitor.on_desktop and link.page.qr_code and _may_travel(url)
    return Extras(
        tags=tuple(_tags(link, url, stars, words)),
        banner=_banner(link, url),
        qr=_drawn(url) if has_qr and len(url) <= MAX_QR else Markup(),
        web_url=filled_url(link.page.fallback_url or "", stars),
        web_label=words.say("Continue in the browser"),
        qr_label=words.say("Scan this code with your phone’s camera to go on there."),
    )


def lighten(extras: Extras) -> Extras:
    """*extras* without the address of the page, which may be long."""
    tags = tuple(tag for tag in extras.tags if tag.name != "og:url")
    return replace(extras, tags=tags, banner=extras.banner.partition(",")[0])


def filled_text(text: str, stars: tuple[str, ...], *, encode: bool = False) -> str:
    """
    *text* with parts of the path in the place of ``{1}``, ``{2}`` …, percent-encoded if asked.

    >>> filled_text("Product {1}", ("a  b\\n",)), filled_text("id={1}", ("a&b",), encode=True)
    ('Product a b', 'id=a%26b')
    """

    def part(found: re.Match[str]) -> str:
        position = int(found[1]) - 1
        words = "".join(c if c.isprintable() else " " for c in _at(stars, position)).split()
        plain = " ".join(words)[:_MAX_TEXT]
        return quote(plain, safe="") if encode else plain

    return _NUMBER.sub(part, text)


def filled_url(text: str, stars: tuple[str, ...]) -> str:
    """
    The address *text* with parts of the path in it; empty if one of them would leave its place.

    >>> filled_url("https://a.example/p/{1}?q={1}", ("x/y&z",))
    'https://a.example/p/x/y%26z?q=x%2Fy%26z'
    >>> filled_url("https://a.example/p/{1}", ("../admin",))
    ''
    """
    used = [_at(stars, int(number) - 1) for number in _NUMBER.findall(text)]
    # Browsers resolve dots before they ask, also encoded ones (WHATWG URL, path state).
    if any(len(part) > _MAX_PART or {".", ".."} & set(part.split("/")) for part in used):
        return ""
    path, mark, query = text.partition("?")
    return (
        _NUMBER.sub(lambda found: quote(_at(stars, int(found[1]) - 1), safe="/"), path)
        + mark
        + _NUMBER.sub(lambda found: quote(_at(stars, int(found[1]) - 1), safe=""), query)
    )


def _tags(link: Link, url: str, stars: tuple[str, ...], words: Words) -> list[Tag]:
    """Open Graph (https://ogp.me) and the two that Twitter does not take from there."""
    row, name = link.page.preview, link.app.name
    title = filled_text(row.title, stars) if row else ""
    text = filled_text(row.description, stars) if row else ""
    image = filled_url(row.image or "", stars) if row else ""
    text = text or words.say("This link belongs to {app}, an app for phones and tablets.", app=name)
    found = [
        Tag("property", "og:type", "website"),
        Tag("property", "og:site_name", name),
        Tag("property", "og:title", title or name),
        Tag("property", "og:description", text),
        # Without the query: whoever shared it, it is the same thing.
        Tag("property", "og:url", url.partition("?")[0]),
        Tag("name", "twitter:card", "summary_large_image" if image else "summary"),
        Tag("name", "twitter:title", title or name),
        Tag("name", "twitter:description", text),
    ]
    if image:
        found += [Tag("property", "og:image", image), Tag("name", "twitter:image", image)]
    return found


def _banner(link: Link, url: str) -> str:
    """Apple's Smart App Banner: https://developer.apple.com/documentation/webkit/\
promoting-apps-with-smart-app-banners."""
    if not link.page.smart_banner or link.app.ios is None or not link.app.ios.app_store_id:
        return ""
    # A comma would end the argument.
    argument = f", app-argument={url.replace(',', '%2C')}" if _may_travel(url) else ""
    return f"app-id={link.app.ios.app_store_id}{argument}"


def _may_travel(url: str) -> bool:
    """Whether *url* may go to another device: no login is in it, and it leads to a real host."""
    return not _LOGIN.search(url) and not is_loopback(urlsplit(url).hostname or "")


@lru_cache(maxsize=256)
def _drawn(url: str) -> Markup:
    # 60 ms of import that only desktops pay, and once.
    import segno

    code = segno.make_qr(url, error="l", boost_error=False)
    drawing = code.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawing)  # noqa: S704 - squares of our own making


def _at(stars: tuple[str, ...], position: int) -> str:
    return stars[position] if position < len(stars) else ""
