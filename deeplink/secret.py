"""Values that must not be seen: they do not print, and comparing them takes constant time."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """
    A text that neither ``print``, nor a log, nor a traceback shows.

    ``reveal()`` is the only way to the text, so that every use can be found by a search.
    Empty secrets are refused: they are always a mistake of the environment.

    >>> Secret("hunter2")
    •••
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text:
            raise ValueError("a secret cannot be empty")
        self._text = text

    def reveal(self) -> str:
        return self._text

    def equals(self, text: str) -> bool:
        """Whether *text* is the secret, in time that does not depend on where they differ."""
        return hmac.compare_digest(self._text.encode(), text.encode())

    def __repr__(self) -> str:
        return "•••"

    def __str__(self) -> str:
        return "•••"

    def __format__(self, spec: str) -> str:
        return "•••"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")
