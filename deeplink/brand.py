"""
What makes the pages yours: a name, a colour for light and for dark, a logo.

A colour is text and background at once (links, buttons), so it must be readable on every surface
of the page: contrast 4.5 as WCAG 2.2, SC 1.4.3 (AA) says, by its own formula of relative luminance.
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

#: The surfaces of ``templates/_style.css`` that stand behind a colour, and how much of the colour
#: is in its own tint.
LIGHT_SURFACES = ("#ffffff", "#f4f5f7")
DARK_SURFACES = ("#1a1e23", "#101316")
_TINT = 0.08

#: WCAG 2.2, SC 1.4.3 for text of any size.
MIN_CONTRAST = 4.5

_HEX = re.compile(r"#[0-9a-f]{6}")
_STEPS = 400

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Logo:
    """A cleared logo: inline SVG of our own writing, or else the ``data:`` URL of a picture."""

    svg: str = ""
    data_url: str = ""


@dataclass(frozen=True, slots=True)
class Brand:
    """
    The look of the pages. *color* and *color_dark* are ``#rrggbb`` and pass; None: ours.

    *name* is shown over each page, empty for none; *strings* are own words, by language and phrase.
    """

    name: str = ""
    color: str | None = None
    color_dark: str | None = None
    logo: Logo | None = None
    strings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def style(brand: Brand) -> str:
    """The rules that put *brand*'s colours in the place of ours; empty if it has none."""
    if brand.color is None:
        return ""
    dark = brand.color_dark or nearest(brand.color, DARK_SURFACES)
    return (
        f":root {{ {_tokens(brand.color, LIGHT_SURFACES)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_tokens(dark, DARK_SURFACES)} }} }}"
    )


def passes(color: str, surfaces: tuple[str, ...]) -> bool:
    """Whether text in *color* can be read on *surfaces* and on its own tint."""
    behind = (*surfaces, _tint(color, surfaces[0]))
    return all(contrast(color, surface) >= MIN_CONTRAST for surface in behind)


def nearest(color: str, surfaces: tuple[str, ...]) -> str:
    """
    The colour of *color*'s hue and saturation nearest in lightness that passes on *surfaces*.

    >>> nearest("#ffcc00", LIGHT_SURFACES), nearest("#0b57d0", LIGHT_SURFACES)
    ('#876c00', '#0b57d0')
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(color))
    for step in range(_STEPS + 1):
        for sign in (-1, 1):
            moved = lightness + sign * step / _STEPS
            if 0 <= moved <= 1:
                found = _written(colorsys.hls_to_rgb(hue, moved, saturation)) if step else color
                if passes(found, surfaces):
                    return found
    raise ValueError(surfaces)  # black or white passes on any surface that is a page's


def contrast(one: str, other: str) -> float:
    """
    WCAG's contrast ratio of two colours.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def read_color(text: str) -> str | None:
    """
    *text* as ``#rrggbb``, or None if it is no such colour.

    >>> read_color("#FC0"), read_color("red")
    ('#ffcc00', None)
    """
    written = text.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", written):
        written = "#" + "".join(digit * 2 for digit in written[1:])
    return written if _HEX.fullmatch(written) else None


def _tokens(color: str, surfaces: tuple[str, ...]) -> str:
    on = max("#ffffff", "#000000", key=lambda text: contrast(text, color))
    return f"--accent: {color}; --on-accent: {on}; --tint: {_tint(color, surfaces[0])};"


def _tint(color: str, surface: str) -> str:
    pairs = zip(_rgb(color), _rgb(surface), strict=True)
    red, green, blue = (one * _TINT + other * (1 - _TINT) for one, other in pairs)
    return _written((red, green, blue))


def _luminance(color: str) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> Rgb:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(color: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in color)
