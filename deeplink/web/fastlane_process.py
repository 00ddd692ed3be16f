"""
The lane as a process of its own: one worker answers files, the others never see them.

Inside a worker the lane must win the interpreter back from two hundred threads for every answer.
Here each worker is the same program in one of two roles (``web/fastlane_handover.py``). The lane
accepts every connection, answers files and hands over what is not for it; an application worker
serves that in its threads and gives the connection back for the next request.

Nothing hangs on a role. If the lane dies, any other worker takes it within TURN; if nobody serves
what is handed over, the lane does so in threads of its own, as the lane inside a worker does. So
there is always somebody who accepts and somebody who serves, also while workers are added, taken
away, reloaded or killed. A request in a queue is lost with the machine only.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from gunicorn import util  # type: ignore[import-untyped]

from deeplink.web import fastlane_calls as calls
from deeplink.web.fastlane import UNFINISHED_BYTES, FastLane
from deeplink.web.fastlane_connection import IDLE, LINGERING, WAITING, Connection
from deeplink.web.fastlane_handover import LONGEST, Parcel, close_others, shared_by
from deeplink.web.fastlane_offer import Reply
from deeplink.web.fastlane_refusal import refusals

if TYPE_CHECKING:
    from concurrent.futures import Future

    from gunicorn.workers import gthread  # type: ignore[import-untyped]

    from deeplink.web.fastlane_handover import Queue
    from deeplink.web.fastlane_offer import Offer

#: So long a whole request waits for the applications, in seconds, when they are behind by more
#: than the queue holds; then it is refused. A host's router gives up after 30 s at best.
PATIENCE = 5.0

#: How much an application's loop and its threads stand back for the lane when a core is short, as
#: nice values. Without them the lane gets its turn some 30 ms late (``bench/saturated.py``). Nobody
#: can undo it, so the loop does a little only: it may be the next lane, before others' threads.
LOOP_NICENESS, THREAD_NICENESS = 2, 5

#: Parcels taken at one go: few, so that the other processes get some.
TAKES = 4


class LaneProcess(FastLane):
    """``worker_class = "deeplink.web.fastlane_process.LaneProcess"``, with one worker more."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        # In the master still: workers have in common what exists before the fork.
        self._handover = shared_by(self.cfg)

    # ---- gunicorn's worker

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(
            self.cfg.threads, initializer=_stand_back, initargs=(THREAD_NICENESS,)
        )

    def init_process(self) -> None:
        close_others(self._handover)
        super().init_process()

    def run(self) -> None:
        if self.cfg.reuse_port:
            self.log.warning(
                "Each worker answers files itself: with reuse_port each has listeners of its own."
            )
            self.__class__ = FastLane
            self.run()
            return
        super().run()

    def _open(self, offer: Offer) -> None:
        super()._open(offer)
        self._patience[WAITING] = PATIENCE
        self._refuse_with = refusals(offer.standing_headers)
        self._is_lane = self._is_leaving = self._is_bound = False
        # Requests that did not fit into the queue, the oldest first; some may have ended.
        self._behind: deque[Connection] = deque()
        self._is_helped = False
        self._watched: set[int] = set()
        self._numbers = [listener.fileno() for listener in self.sockets]
        if not self._take_lane():
            _stand_back(LOOP_NICENESS)
            self._handover.join_applications()
            self.log.info("Worker %s serves what is no file.", os.getpid())
        self._watch_queues()

    def set_accept_enabled(self, enabled: bool) -> None:
        """As gunicorn wants it, in the lane; an application worker asks whether there is one."""
        # gunicorn calls this at every turn until it sees that we accept.
        if enabled and not self._is_lane:
            self._take_lane()
        super().set_accept_enabled(enabled and self._is_lane)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(timeout)
        self._look_around()

    def finish_request(self, conn: gthread.TConn, fs: Future[object]) -> None:
        super().finish_request(conn, fs)
        self._watch_queues()

    def _cap_keepalive(self, deadline: float) -> None:
        # gunicorn calls this once, when it has begun to stop and no longer accepts.
        super()._cap_keepalive(deadline)
        self._is_leaving = True
        if self._is_lane:
            # What lies in the queue is ours until somebody else has it: one connection more.
            self._is_bound = True
            self.nr_conns += 1
            self._handover.leave_lane()
        else:
            self._handover.leave_applications()
        self._watch_queues()

    # ---- roles

    def _take_lane(self) -> bool:
        self._is_lane = self._handover.take_lane()
        if self._is_lane:
            self.log.info("Worker %s answers the files.", os.getpid())
            self._handover.leave_applications()
            self._is_helped = self._handover.has_applications()
        return self._is_lane

    def _look_around(self) -> None:
        if self._is_lane:
            self._is_helped = self._handover.has_applications()
            self._pass_on()
        if self._is_bound and self.nr_conns == 1 and self._is_relieved():
            self._is_bound = False
            self.nr_conns = 0
        self._watch_queues()

    def _is_relieved(self) -> bool:
        return self._handover.asks.is_empty() or self._handover.has_lane()

    def _watch_queues(self) -> None:
        """Look out for what this role may do now: take, take back, put what did not fit."""
        handover = self._handover
        for descriptor, event, wanted in (
            (handover.asks.exit, select.EPOLLIN, self._can_serve()),
            (handover.returns.exit, select.EPOLLIN, self._is_lane),
            (handover.asks.entry, select.EPOLLOUT, bool(self._behind)),
        ):
            if wanted == (descriptor in self._watched):
                continue
            if wanted:
                # One process is woken for a parcel, not each of them.
                self._watch.register(descriptor, event | select.EPOLLEXCLUSIVE)
                self._watched.add(descriptor)
            else:
                self._watch.unregister(descriptor)
                self._watched.remove(descriptor)

    def _can_serve(self) -> bool:
        """Whether one more request shall come here; beyond the threads it waits in the queue."""
        serves = not self._is_helped if self._is_lane else not self._is_leaving
        served = self.nr_conns - len(self._connections) - self._is_bound
        return serves and served < int(self.cfg.threads)

    def _notice(self, descriptor: int) -> None:
        handover = self._handover
        if descriptor == handover.asks.exit:
            self._take_asks()
        elif descriptor == handover.returns.exit:
            self._take_returns()
        elif descriptor == handover.asks.entry:
            self._pass_on()
        else:
            super()._notice(descriptor)
            return
        self._watch_queues()

    def _take_asks(self) -> None:
        for _ in range(TAKES):
            parcel = self._handover.asks.take() if self._can_serve() else None
            if parcel is None:
                return
            self._serve(self._unpack(parcel), parcel.head)

    def _take_returns(self) -> None:
        for _ in range(TAKES):
            parcel = self._handover.returns.take()
            if parcel is None:
                return
            connection = self._unpack(parcel)
            self._connections[parcel.descriptor] = connection
            try:
                self._wait(connection, IDLE)
            except Exception:
                self._fail(connection)

    def _unpack(self, parcel: Parcel) -> Connection:
        self.nr_conns += 1
        return Connection(parcel.descriptor, self._numbers[parcel.listener], self._now)

    # ---- what becomes of a connection

    def _introduce(self, connection: Connection) -> gthread.TConn:
        conn = super()._introduce(connection)
        conn.listener = connection.listener
        return conn

    def _keep(self, connection: Connection) -> None:
        """Give *connection* back to the lane, or keep it where no lane would take it."""
        if (
            self._is_lane
            or self._is_leaving
            or not self._let_go(self._handover.returns, connection)
        ):
            super()._keep(connection)

    def _hand_over(self, connection: Connection, head: bytes) -> None:
        if self._is_lane and not self._is_helped:
            # Help that comes is used at once; help that goes is missed within a turn.
            self._is_helped = self._handover.has_applications()
        if not self._is_helped or len(head) > LONGEST:
            super()._hand_over(connection, head)
        elif self._behind or not self._let_go(self._handover.asks, connection, head):
            self._put_behind(connection, head)

    def _let_go(self, queue: Queue, connection: Connection, head: bytes = b"") -> bool:
        """Let *connection* go to another process; False if the queue is full."""
        conn = connection.conn
        number = connection.listener if conn is None else conn.listener
        place = self._numbers.index(number)
        if not queue.put(Parcel(connection.descriptor, place, head)):
            return False
        # It lives on in the other process, and so would what our epoll knows of it.
        self._leave(connection)
        self.nr_conns -= 1
        if conn is None:
            calls.close(connection.descriptor)
        else:
            util.close(conn.sock)
        return True

    def _put_behind(self, connection: Connection, head: bytes) -> None:
        self._forget_half(connection)
        if connection.watched:
            self._watch.unregister(connection.descriptor)
            connection.watched = 0
        connection.head = bytearray(head)
        connection.state, connection.since = WAITING, self._now
        self._unfinished += len(head)
        if self._unfinished > UNFINISHED_BYTES:
            self._refuse(connection)
            return
        self._behind.append(connection)
        self._watch_queues()

    def _pass_on(self) -> None:
        """Put into the queue what did not fit before; serve it here if nobody takes it there."""
        while self._behind:
            connection = self._behind[0]
            is_there = self._connections.get(connection.descriptor) is connection
            if is_there and connection.state == WAITING:
                head = bytes(connection.head)
                if not self._is_helped:
                    super()._hand_over(connection, head)
                elif not self._let_go(self._handover.asks, connection, head):
                    return
            self._behind.popleft()

    def _expire(self, connection: Connection) -> None:
        if connection.state == WAITING:
            self._refuse(connection)
        else:
            super()._expire(connection)

    def _refuse(self, connection: Connection) -> None:
        """Answer 503 and end *connection*; the rest of its request may still be on its way."""
        reply: Reply = self._refuse_with(bytes(connection.head))
        self._forget_half(connection)
        connection.then = LINGERING
        self._given.append((reply, self._now - connection.since))
        self._write(connection, reply.at(self._second, self._date, 1, True))


def _stand_back(niceness: int) -> None:
    # Linux has a nice value for each thread, whatever POSIX says (sched(7)).
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
