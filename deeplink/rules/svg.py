"""
A drawing that may stand in a page: shapes and colours, and nothing that runs, loads or links.

The list says what may be there; whatever is not on it is a fault. What goes into the page is
written anew from what was read, so nothing that we did not understand can be in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Mapping

_SVG = "http://www.w3.org/2000/svg"

_ELEMENTS = frozenset(
    {
        "circle", "clipPath", "defs", "desc", "ellipse", "g", "line", "linearGradient", "mask",
        "path", "polygon", "polyline", "radialGradient", "rect", "stop", "svg", "title",
    }
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {
        "clip-path", "clip-rule", "clipPathUnits", "color", "cx", "cy", "d", "fill",
        "fill-opacity", "fill-rule", "fx", "fy", "gradientTransform", "gradientUnits", "height",
        "id", "mask", "mask-type", "maskContentUnits", "maskUnits", "offset", "opacity",
        "pathLength", "points", "preserveAspectRatio", "r", "rx", "ry", "spreadMethod",
        "stop-color", "stop-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset",
        "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity",
        "stroke-width", "transform", "version", "viewBox", "width", "x", "x1", "x2", "y", "y1",
        "y2",
    }
)  # fmt: skip

#: No letter that ends an attribute, no escape of CSS; ``url(…)`` only of a part of the drawing.
_VALUE = re.compile(r"(?:url\(#[\w-]+\)|(?!url)[\w\s.,#%()+-])*", re.ASCII | re.IGNORECASE)
_LOCAL = re.compile(r"url\(#([\w-]+)\)", re.ASCII | re.IGNORECASE)
#: Ids of the drawing must not be those of the page.
_PREFIX = "logo-"

_HINTS = {
    "a": "a logo links nowhere; remove the element and keep what it holds",
    "foreignObject": "draw with shapes",
    "image": "draw with shapes, or give the picture itself as a data: URL",
    "script": "remove it",
    "style": 'write colours as attributes: fill="#123456"',
    "text": "turn the text into paths",
    "use": "write the shape again in its place",
}


@dataclass(slots=True)
class Drawing:
    """*markup* is the cleared drawing, empty if there are *faults*: (line, what, hint) each."""

    markup: str = ""
    faults: list[tuple[int, str, str]] = field(default_factory=list)


def clear(source: str) -> Drawing:
    """The drawing in *source* as a page may hold it; lines count from 1."""
    return _Reader(source).read()


class _Reader:
    """Takes the parser's events, notes what is not on the lists, and writes the rest anew."""

    def __init__(self, source: str) -> None:
        self._source = source.strip()
        self._drawing = Drawing()
        self._parts: list[str] = []
        self._open: list[str] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.ProcessingInstructionHandler = self._instruction

    def read(self) -> Drawing:
        try:
            self._parser.Parse(self._source.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            what = f"is not XML ({expat.ErrorString(error.code)})"
            self._note(error.lineno, what, "export the logo anew as SVG")
        except _Stop:
            pass
        if not self._drawing.faults:
            self._drawing.markup = "".join(self._parts)
        return self._drawing

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._open and name != "svg":
            self._fault(f"begins with {_shown(name)}, not with svg", "give an SVG drawing")
        if name not in _ELEMENTS:
            hint = _HINTS.get(name, "only shapes, groups and gradients may be there")
            self._fault(f"has the element {_shown(name)}", hint)
        kept = [self._attribute(name, key, value) for key, value in attributes.items()]
        if name == "svg" and "viewBox" not in attributes and not self._open:
            self._fault("has no viewBox, so it cannot be scaled", 'write viewBox="0 0 W H"')
        extra = ' aria-hidden="true" focusable="false" class="logo"' if not self._open else ""
        self._open.append(name)
        self._parts.append(f"<{name}{''.join(kept)}{extra}>")

    def _attribute(self, element: str, name: str, value: str) -> str:
        if name == "xmlns" and value == _SVG:
            return ""
        # The page's style gives the size.
        if name in ("width", "height", "version", "class") and len(self._open) == 0:
            return ""
        if name == "style":
            hint = 'write each property as an attribute: fill="#123456"'
            self._fault("has a style attribute, which the page's policy refuses", hint)
        elif name.lower().startswith("on"):
            self._fault(f"has the handler {_shown(name)}", "remove it")
        elif name in ("href", "xlink:href", "src"):
            self._fault(f"has a link ({_shown(name)})", "remove it; a logo loads nothing")
        elif name not in _ATTRIBUTES:
            self._fault(f"has the attribute {_shown(name)}", "remove it")
        elif not _VALUE.fullmatch(value):
            hint = "write letters, digits, colours and url(#id) of the drawing itself"
            self._fault(f"has something else than a number or colour in {name}", hint)
        if name == "id":
            value = _PREFIX + value
        own = _LOCAL.sub(f"url(#{_PREFIX}\\1)", value)
        return f' {name}="{escape(own)}"'

    def _end(self, name: str) -> None:
        self._open.pop()
        self._parts.append(f"</{name}>")

    def _text(self, text: str) -> None:
        if self._open[-1] in ("title", "desc"):
            self._parts.append(escape(text))
        elif text.strip():
            self._fault("has text outside title and desc", "turn the text into paths")

    def _doctype(self, *_: object) -> None:
        self._fault("has a document type, which may hold entities", "remove the line")
        # Entities need not be expanded to be refused.
        raise _Stop

    def _instruction(self, target: str, _: str) -> None:
        self._fault(f"has an instruction <?{_shown(target)}?>", "remove it")

    def _fault(self, what: str, hint: str) -> None:
        self._note(self._parser.CurrentLineNumber, what, hint)

    def _note(self, line: int, what: str, hint: str) -> None:
        if len(self._drawing.faults) < 20:
            self._drawing.faults.append((line, what, hint))


class _Stop(Exception):
    """Nothing more need be read."""


def _shown(name: str) -> str:
    return re.sub(r"[^\w:.-]", "?", name[:40], flags=re.ASCII)
