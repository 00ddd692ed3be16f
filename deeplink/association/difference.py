"""
What two versions of an association document mean differently: the words for it.

Spelling is no meaning: key order, comments, defaults written out, rules that do the same. For
links the question is decided over all URLs (``language``), for statements over all that any
reader of the file takes from it. Every witness is put to the real engines before it is given out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deeplink.association.apple import JsonPath


class Change(StrEnum):
    """What became of a thing: a link, an app's place before another, a statement, an id."""

    OPENS = "opens"
    STAYS = "stays"
    OTHER_APP = "other_app"
    ADDED = "added"
    REMOVED = "removed"


class Said(NamedTuple):
    """What one of the two documents says to a witness, and where; *at* None for nowhere."""

    what: str = ""
    at: JsonPath | None = None


#: Where a document says nothing at all to it.
NOTHING = Said()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: whom it concerns, and a URL or a statement that shows it."""

    change: Change
    engines: tuple[str, ...]
    subject: str
    witness: str
    old: Said = NOTHING
    new: Said = NOTHING


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question that was given up; *why* is a clause."""

    engines: tuple[str, ...]
    subject: str
    why: str


@dataclass(slots=True)
class Comparison:
    """All that differs and all that could not be decided; both empty means the same."""

    differences: list[Difference] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        return not self.differences and not self.undecided


def keep_shorter(
    found: dict[tuple[int | None, int | None], str], key: tuple[int | None, int | None], url: str
) -> None:
    """Note *url* as the witness of *key* unless a shorter one is there."""
    if key not in found or len(url) < len(found[key]):
        found[key] = url


def given_up(old: Sequence[object], new: Sequence[object]) -> str:
    """Why a question over these rules was not decided."""
    return f"{len(old)} and {len(new)} rules with too many combinations to look at all of them"


def sides_of(change: Change, at: JsonPath) -> tuple[Said, Said]:
    """What old and new say of a thing that is in one of them only, at *at*."""
    there = Said("is there", at)
    return (there, NOTHING) if change is Change.REMOVED else (NOTHING, there)
