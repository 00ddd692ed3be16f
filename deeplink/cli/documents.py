"""An association file from the disk, or from what a config publishes: its kind and its value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from deeplink import config as configuration
from deeplink.association import apple
from deeplink.errors import ConfigError
from deeplink.findings import Finding, Place, Severity
from deeplink.places import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from deeplink.places import Document

#: Members of Apple's file (https://developer.apple.com/documentation/bundleresources/applinks).
APPLE_MEMBERS = frozenset({"applinks", *apple.FLAT_SERVICES})

#: Bytes. More than any system reads.
_MAX_SIZE = 16 * 1024 * 1024


class Kind(StrEnum):
    """The two files, by the names under which they are published."""

    APPLE = "apple-app-site-association"
    ANDROID = "assetlinks.json"


@dataclass(frozen=True, slots=True)
class AssociationFile:
    """
    A file that was read. *name* is what messages call it; *text* is its JSON alone.

    One that *is_made* from a config has no lines that anybody could open.
    """

    kind: Kind
    name: str
    text: str
    document: Document
    is_made: bool = False

    def where(self, at: tuple[str | int, ...]) -> str:
        """The place of the value at *at*: ``FILE:LINE``, or the name where there are no lines."""
        place = self.document.place(at)
        return self.name if self.is_made or not place.line else f"{self.name}:{place.line}"


def load(path: Path) -> AssociationFile:
    """The file at *path*; ConfigError if it cannot be read or is no association file."""
    name = configuration.shown(path)
    try:
        with path.open("rb") as opened:
            octets = opened.read(_MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not the name of a file"
        _refuse(name, "CHK001", f"cannot be read ({reason})", "name an association file")
    if len(octets) > _MAX_SIZE:
        _refuse(name, "CHK001", "is larger than 16 MiB", "no system reads more than 1 MiB")
    return read(octets, path.name, name)


def read(octets: bytes, basename: str, name: str, *, is_made: bool = False) -> AssociationFile:
    """
    The file whose bytes are *octets*; its members say which one, and *basename* if they do not.

    Refuses with ConfigError what Apple or Android could not read at all.
    """
    reading = apple.read(octets)
    is_apple = reading.signed or basename.startswith(Kind.APPLE)
    if is_apple and reading.fault and reading.fault.code == "AASA002":
        _refuse(name, "AASA002", reading.fault.what, reading.fault.hint)
    # Apple's systems pass over a byte order mark; Google's reader does not.
    text = reading.text.removeprefix(b"\xef\xbb\xbf") if is_apple else octets
    document = read_json(text, name)
    value = document.value
    if isinstance(value, dict) and (is_apple or value.keys() & APPLE_MEMBERS):
        kind = Kind.APPLE
    elif isinstance(value, list) and not is_apple:
        kind = Kind.ANDROID
    else:
        what = "is neither an assetlinks.json nor an apple-app-site-association"
        hint = "the first is a list of statements, the second an object with applinks"
        _refuse(name, "CHK002", what, hint)
    return AssociationFile(kind, name, text.decode(), document, is_made)


def _refuse(name: str, code: str, what: str, hint: str) -> NoReturn:
    raise ConfigError([Finding(code, Severity.ERROR, Place(name), what, hint)]) from None
