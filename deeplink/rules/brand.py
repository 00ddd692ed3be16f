"""The table ``brand``: a colour that can be read, a logo that does nothing, words that fit."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from deeplink.brand import (
    DARK_SURFACES,
    LIGHT_SURFACES,
    Brand,
    Logo,
    nearest,
    passes,
    read_color,
)
from deeplink.findings import Finding, Place, Severity
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from deeplink.rules.report import Path as KeyPath
    from deeplink.rules.report import Report

#: Bytes of a logo in the page. All of a page is one response of less than 15 KB.
MAX_LOGO = 1500

_DATA = re.compile(r"data:(image/[a-z+]+)((?:;[a-z0-9=-]+)*?)(;base64)?,(.*)", re.DOTALL)
#: How each kind of picture begins (WHATWG MIME Sniffing, section 6.1).
_BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}


def read_brand(table: dict[str, Any], report: Report) -> Brand:
    """The brand as far as it can be used; its strings are looked at where the languages are."""
    row = table["brand"]
    return Brand(
        name=row.get("name", ""),
        color=_color(row.get("color"), "color", LIGHT_SURFACES, "light", report),
        color_dark=_color(row.get("color_dark"), "color_dark", DARK_SURFACES, "dark", report),
        logo=_logo(row.get("logo"), report),
        strings=tuple(
            (tag, tuple(texts.items()))
            for tag, texts in row["strings"].items()
            if isinstance(texts, dict)
        ),
    )


def _color(
    text: str | None, key: str, surfaces: tuple[str, ...], look: str, report: Report
) -> str | None:
    if text is None:
        return None
    path: KeyPath = ("brand", key)
    color = read_color(text)
    if color is None:
        what = f"{quoted(text)} is not a colour as #rrggbb"
        report.error("BRD001", path, what, 'write one such as "#0b57d0"')
        return None
    if key == "color_dark" and "color" not in report.document.value["brand"]:
        report.error("BRD001", path, "stands without color", 'write color = "#rrggbb" too')
    if not passes(color, surfaces):
        what = f"{quoted(text)} cannot be read on the {look} page (contrast below 4.5, WCAG AA)"
        hint = f'write "{nearest(color, surfaces)}", the nearest colour that can'
        report.error("BRD002", path, what, hint)
        return None
    return color


def _logo(text: str | None, report: Report) -> Logo | None:
    if text is None:
        return None
    data = _DATA.fullmatch("".join(text.split()) if text.startswith("data:") else "")
    if text.lstrip().startswith("<"):
        value = report.document.value_place(("brand", "logo"))
        return _svg(text, value.file, _first_line(text, value.line, report), report)
    if data:
        return _picture(data, text, report)
    return _file(text, report)


def _first_line(text: str, line: int, report: Report) -> int:
    # TOML drops a line end directly behind the three quotes.
    source = Path(report.document.file)
    lines = source.read_text("utf-8").splitlines() if source.is_file() else []
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    return line + (written.rstrip().endswith(('"""', "'''")) and "\n" in text)


def _svg(text: str, file: str, first_line: int, report: Report) -> Logo | None:
    leading = len(text) - len(text.lstrip())
    first_line += text[:leading].count("\n")
    # Only a logo needs the reader of XML.
    from deeplink.rules import svg

    drawing = svg.clear(text)
    for line, what, hint in drawing.faults:
        place = Place(file, first_line + line - 1, 0, "brand.logo")
        report.findings.append(Finding("BRD003", Severity.ERROR, place, what, hint))
    size = len(drawing.markup.encode())
    if drawing.faults or _is_too_large(size, report):
        return None
    return Logo(svg=drawing.markup)


def _picture(data: re.Match[str], text: str, report: Report) -> Logo | None:
    kind, _, encoding, body = data.groups()
    try:
        octets = base64.b64decode(body, validate=True) if encoding else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        report.error("BRD003", ("brand", "logo"), "is not base64", "encode the picture anew")
        return None
    if kind == "image/svg+xml":
        place = report.document.value_place(("brand", "logo"))
        return _svg(octets.decode("utf-8", "replace"), place.file, place.line, report)
    if kind not in _BEGINNINGS or not octets.startswith(_BEGINNINGS[kind]):
        what = f"does not hold what it says ({kind})"
        report.error("BRD003", ("brand", "logo"), what, "give SVG, PNG, JPEG, GIF or WebP")
        return None
    url = f"data:{kind};base64,{base64.b64encode(octets).decode()}"
    return None if _is_too_large(len(url), report) else Logo(data_url=url)


def _file(name: str, report: Report) -> Logo | None:
    path = Path(report.document.file).parent / name
    try:
        octets = path.read_bytes() if path.is_file() else None
    except (OSError, ValueError):
        octets = None
    if octets is None:
        what = f"{quoted(name)} is neither <svg …>, nor a data: URL, nor a file"
        hint = "give one of the three; a file is looked for beside the config"
        report.error("BRD003", ("brand", "logo"), what, hint)
        return None
    for kind, beginning in _BEGINNINGS.items():
        if octets.startswith(beginning):
            url = f"data:{kind};base64,{base64.b64encode(octets).decode()}"
            return None if _is_too_large(len(url), report) else Logo(data_url=url)
    return _svg(octets.decode("utf-8", "replace"), path.as_posix(), 1, report)


def _is_too_large(size: int, report: Report) -> bool:
    if size <= MAX_LOGO:
        return False
    what = f"takes {size} bytes of the page; {MAX_LOGO} fit"
    report.error("BRD004", ("brand", "logo"), what, "simplify it (svgo), or make it smaller")
    return True
