"""A connection while it waits in the loop's table: whose it is and what it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

#: What a connection is doing: nothing yet; nothing, after an answer; sending its head; taking
#: its answer; ending; waiting, its head whole, for another process to take it.
NEW, IDLE, READING, WRITING, LINGERING, WAITING = range(6)

#: In these it waits for us, not we for it.
ENGAGED = frozenset({WRITING, WAITING})

_NOTHING = bytearray()


class Connection:
    """
    A row of the table.

    *listener* is the descriptor where it came from; *conn* gunicorn's object, once that has had a
    request of it. *since* is when the present *state* began; *head* is the half of a head, *rest*
    the part of an answer that still has to go out, and *then* the state after it.
    """

    __slots__ = (
        "conn", "descriptor", "drained", "head", "listener",
        "rest", "since", "state", "then", "watched",
    )  # fmt: skip

    def __init__(self, descriptor: int, listener: int, since: float) -> None:
        self.descriptor, self.listener, self.since = descriptor, listener, since
        self.conn: TConn | None = None
        self.state = NEW
        self.watched = 0
        self.head = _NOTHING
        self.rest = b""
        self.then = IDLE
        self.drained = 0
