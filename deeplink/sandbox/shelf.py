"""What the pretend providers remember: as much as a test or a person makes, and no more."""

from __future__ import annotations

from typing import TypeVar

#: Of each kind; the oldest goes first.
LIMIT = 10_000

Kept = TypeVar("Kept")


def remember(shelf: dict[str, Kept], text: str, kept: Kept) -> None:
    """Put *kept* on *shelf*; if that is full, the oldest goes."""
    shelf[text] = kept
    if len(shelf) > LIMIT:
        del shelf[next(iter(shelf))]
