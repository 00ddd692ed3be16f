"""
What stands before each provider's door: a budget of calls, and a breaker while nobody answers.

A provider that is silent holds each asker for seconds; a few hundred of them hold every thread. So
after some silences in a row nobody is sent there, but for one at a time who finds out whether it
is back. An app that is turned away here has lost nothing: its code was not sent.

The budget is counted for all machines, where there is a Redis. The breaker is each process's own:
to ask a store about it would cost every exchange a round trip, to spare a process the ten calls in
which it finds out by itself; and one machine that has lost its network would shut the door of all
the others. So it heals by itself, and works while the store is away.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING

from deeplink.errors import Busy, Unanswered
from deeplink.limits import Kind
from deeplink.logs import event
from deeplink.outbound import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Unpack

    from deeplink.limits import Limiter
    from deeplink.oauth.exchange import Send
    from deeplink.outbound import Manner, Patience, Reply

#: Silences in a row, over all threads of a process, that open the breaker.
SILENCES = 10

#: Seconds for which an open breaker sends nobody.
REST = 5.0

#: What counts as silence. Any answer at all shows that somebody is there, and what an app can
#: provoke by what it sends must not shut the door for the others.
_SILENT = frozenset({Fault.NAME, Fault.CONNECT, Fault.TLS, Fault.TIMEOUT, Fault.BROKEN})


class Breaker:
    """
    *send* for one provider, called *key*: the same call, unless it is refused with ``Busy``.

    *clock* counts seconds, from whenever.
    """

    def __init__(
        self,
        send: Send,
        key: str,
        limiter: Limiter,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._key = key
        self._limiter = limiter
        self._clock = clock
        self._lock = threading.Lock()
        self._silences = 0
        self._closed_until = 0.0

    def __call__(
        self,
        url: str,
        fields: Sequence[tuple[str, str]],
        *,
        insecure_loopback: bool,
        patience: Patience,
        **manner: Unpack[Manner],
    ) -> Reply:
        self._admit(patience)
        self._limiter.count(Kind.PROVIDER, self._key)
        try:
            reply = self._send(
                url, fields, insecure_loopback=insecure_loopback, patience=patience, **manner
            )
        except Unanswered as failure:
            self._note(is_silent=failure.fault in _SILENT)
            raise
        self._note(is_silent=False)
        return reply

    def _admit(self, patience: Patience) -> None:
        """Let the call through, or refuse; after the rest, one call is let through as a probe."""
        with self._lock:
            if self._silences < SILENCES:
                return
            now = self._clock()
            if now < self._closed_until:
                raise Busy(math.ceil(self._closed_until - now))
            # The others wait for what becomes of this one.
            self._closed_until = now + patience.total

    def _note(self, *, is_silent: bool) -> None:
        with self._lock:
            was_open = self._silences >= SILENCES
            self._silences = self._silences + 1 if is_silent else 0
            is_open = self._silences >= SILENCES
            if is_open:
                self._closed_until = self._clock() + REST
        if is_open and not was_open:
            effect = f"for {REST:.0f} s at a time apps are told to come back"
            fields = {"provider": self._key, "effect": effect}
            event("provider is silent", fields, level=logging.WARNING)
        if was_open and not is_open:
            event("provider is back", {"provider": self._key})
