"""The catalogues of our pages: one PO file a language, those of this folder and an admin's."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from deeplink.words import Languages, Words, read_po

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = Path(__file__).parent


def load_languages() -> Languages:
    """The languages that ship with the program."""
    return Languages(Words(tag, texts) for tag, texts in load_shipped().items())


@cache
def load_shipped() -> Mapping[str, Mapping[str, str]]:
    """The translations that ship with the program, by language tag; read once."""
    paths = sorted(SHIPPED.glob("*.po"))
    return {path.stem: read_po(path.read_text("utf-8")).texts() for path in paths}


@cache
def load_phrases() -> frozenset[str]:
    """Every phrase that a page may say; a test compares the list with the code."""
    source = (SHIPPED / "deeplink.pot").read_text("utf-8")
    return frozenset(entry.phrase for entry in read_po(source).entries)
