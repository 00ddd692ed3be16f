"""
Bodies that do not come: how long a request may hold a thread with half of one.

gunicorn waits for a body for as long as its client likes, so that as many clients as a process has
threads could stop it, each with a few bytes. Who is too slow is read no further; the answer, 400,
still goes out.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Seconds for a whole body: ours have some hundred bytes, so that a phone on a bad line needs a
#: few retransmissions at most.
WITHIN = 10.0

#: Seconds between two looks at who is late.
_PAUSE = 1.0


class Arrivals:
    """The requests of one process whose body may still be on its way. *clock* counts seconds."""

    def __init__(
        self, within: float = WITHIN, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._within = within
        self._clock = clock
        self._lock = threading.Lock()
        self._awaited: dict[int, tuple[float, socket.socket]] = {}
        self._is_watched = False

    def expect(self, environ: Mapping[str, object]) -> None:
        """From now on the body of this thread's request has its time; ``settle`` ends that."""
        line = environ.get("gunicorn.socket")
        has_body = environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")
        if not has_body or not isinstance(line, socket.socket):
            return
        self._awaited[threading.get_ident()] = (self._clock() + self._within, line)
        # Not at the start: a process that forks afterwards would leave the thread behind.
        if not self._is_watched:
            self._watch()

    def settle(self) -> None:
        """This thread's request is over, or its body is here."""
        self._awaited.pop(threading.get_ident(), None)

    def cut_off_late_ones(self) -> None:
        """Shut the reading half of each line on which a body is overdue."""
        now = self._clock()
        for thread, (end, line) in list(self._awaited.items()):
            if now >= end:
                self._awaited.pop(thread, None)
                # A read that waits there ends as if the client had said all that it will.
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RD)

    def _watch(self) -> None:
        with self._lock:
            is_first, self._is_watched = not self._is_watched, True
        if not is_first:
            return

        def look() -> None:
            while True:
                time.sleep(_PAUSE)
                self.cut_off_late_ones()

        threading.Thread(target=look, name="arrivals", daemon=True).start()
