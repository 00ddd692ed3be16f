"""
The application's log lines and counters for the answers that the application never saw.

A line and three counts would cost more than the answer itself, so they are settled many at
once: one addition per counter, one write for all lines, and both in a thread of their own. A
reader of our log who stands still must not hold up the loop that answers.
"""

from __future__ import annotations

import bisect
import json
import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING, TypeGuard

from deeplink.logs import JsonFormatter, LineHandler, event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client import Histogram

    from deeplink.metrics import Metrics
    from deeplink.web.fastlane_offer import Reply

#: Batches that may wait for the log's reader; beyond them answers are given without a line.
_BACKLOG = 1000

#: How long a stopping worker waits for its last lines to be written, in seconds.
_PATIENCE = 2.0

#: A reply, and the seconds from its head to its last byte.
Given = tuple["Reply", float]


class Account:
    """
    Where the loop leaves what it has answered; start it after the fork.

    The lines are those of ``web/guards.py``: same fields, same order. They carry the time at
    which they are settled, some 20 ms after the answer at most.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = logging.getLogger("deeplink")
        self._batches: queue.SimpleQueue[Sequence[Given] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._settle_all, name="account", daemon=True)
        self._lost = 0
        # An id tells lines apart; it does not leave the log, so a count from anywhere will do,
        # as long as it keeps its sixteen digits.
        self._id = random.getrandbits(63)

    def start(self) -> None:
        self._thread.start()

    def note(self, given: Sequence[Given]) -> None:
        """Leave *given* to be settled; never waits."""
        if self._batches.qsize() < _BACKLOG:
            self._batches.put(given)
        else:
            self._lost += len(given)

    def stop(self) -> None:
        """Settle what is left, for as long as somebody reads it."""
        self._batches.put(None)
        self._thread.join(_PATIENCE)

    def settle(self, given: Sequence[Given]) -> None:
        """Count *given* and write a line for each."""
        self._count(given)
        if not self._log.isEnabledFor(logging.INFO):
            return
        handlers = list(_handlers(self._log))
        plain = [handler for handler in handlers if _is_plain(handler)]
        if len(plain) == len(handlers):
            lines = self._lines(given)
            for handler in plain:
                handler.write(lines)
        else:  # somebody configured logging otherwise: the long way, line by line
            for reply, seconds in given:
                event("request", self._fields(reply, seconds))

    def _settle_all(self) -> None:
        while (given := self._batches.get()) is not None:
            try:
                self.settle(given)
                if self._lost:
                    lost, self._lost = self._lost, 0
                    event("answers without a log line", {"answers": lost}, level=logging.WARNING)
            except Exception:
                # Without this thread there would be no lines for the rest of the worker's life.
                logging.getLogger("deeplink").exception("the lane's account failed")

    def _count(self, given: Sequence[Given]) -> None:
        by_reply: dict[Reply, list[float]] = {}
        for reply, seconds in given:
            by_reply.setdefault(reply, []).append(seconds)
        for reply, times in by_reply.items():
            labels = (reply.route, reply.method, str(reply.status))
            self._metrics.requests.labels(*labels).inc(len(times))
            _observe(self._metrics.seconds.labels(reply.route), times)

    def _lines(self, given: Sequence[Given]) -> str:
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}"
        start = f'{{"time": "{stamp}Z", "level": "info", "logger": "deeplink", "message": "request"'
        # Lines of one moment differ in little but their ids: 0.4 µs each instead of 1.2.
        beginnings: dict[tuple[Reply, int], str] = {}
        lines = []
        for reply, seconds in given:
            key = reply, round(seconds * 10000)
            beginning = beginnings.get(key)
            if beginning is None:
                route = json.dumps(reply.route, ensure_ascii=False)
                beginning = beginnings[key] = (
                    f'{start}, "route": {route}, "method": "{reply.method}", '
                    f'"status": {reply.status}, "ms": {key[1] / 10}, "request_id": "'
                )
            self._id += 1
            lines.append(f'{beginning}{self._id:016x}"}}\n')
        return "".join(lines)

    def _fields(self, reply: Reply, seconds: float) -> dict[str, object]:
        self._id += 1
        return {
            "route": reply.route,
            "method": reply.method,
            "status": reply.status,
            "ms": round(seconds * 10000) / 10,
            "request_id": f"{self._id:016x}",
        }


def _observe(histogram: Histogram, times: Sequence[float]) -> None:
    """``histogram.observe`` for each of *times*, in one addition for each bucket."""
    # The library has no call for many observations at once (prometheus_client/metrics.py).
    buckets: dict[int, int] = {}
    for seconds in times:
        place = bisect.bisect_left(histogram._upper_bounds, seconds)
        buckets[place] = buckets.get(place, 0) + 1
    histogram._sum.inc(sum(times))
    for place, count in buckets.items():
        histogram._buckets[place].inc(count)


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    """Every handler that a record of *logger* reaches, as ``Logger.callHandlers`` finds them."""
    current: logging.Logger | None = logger
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None


def _is_plain(handler: logging.Handler) -> TypeGuard[LineHandler]:
    """Whether *handler* would do no more than write our JSON line."""
    return (
        type(handler) is LineHandler
        and type(handler.formatter) is JsonFormatter
        and handler.level <= logging.INFO
        and not handler.filters
    )
