"""
A gunicorn worker that answers published files from its event loop; a thread never sees them.

It is gunicorn's gthread worker with another front door. Every connection begins here. A request
that is whole, has no body and asks in plain words for a prebuilt file is answered at once. Any
other goes to gunicorn's own machinery, with every byte that was read, as soon as its head is
whole; it comes back when that request is answered and the connection goes on. Nothing is ever
refused here: what is odd, gunicorn judges. So there is one parser with opinions, not two, and
no seam through which a request could be smuggled (``tests/end_to_end/test_lane_corpus.py``).

Two habits of gthread end with it. A client that does not close its side after the last answer
is waited for in the loop's table and delays nobody; there it blocks the loop for two seconds. Half
a head waits in the same table and costs no thread.

The numbers are in ``bench/README.md``; ``fastlane_footing.py`` says when it all stands aside.
"""

from __future__ import annotations

import errno
import heapq
import os
import select
import socket
import time
from operator import attrgetter
from typing import TYPE_CHECKING

from gunicorn import http, util  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]

from deeplink.web import fastlane_calls as calls
from deeplink.web.fastlane_account import Account
from deeplink.web.fastlane_connection import (
    ENGAGED,
    IDLE,
    LINGERING,
    NEW,
    READING,
    WRITING,
    Connection,
)
from deeplink.web.fastlane_footing import installed_gunicorn, reason_to_stand_aside
from deeplink.web.fastlane_judge import Judge, Known
from deeplink.web.fastlane_offer import EXTENSION, Offer, Reply

if TYPE_CHECKING:
    from concurrent.futures import Future

#: A head that is begun must be whole after so many seconds, however slowly it drips.
HEAD_PATIENCE = 10.0

#: A client that takes no byte of its answer for so long is given up.
WRITE_PATIENCE = 30.0

#: RFC 9112 section 9.6, and gunicorn's own numbers (``util.close_graceful``): how long and how
#: much a client may still send after our last byte, before its connection is cut.
LINGER_PATIENCE = 2.0
LINGER_BYTES = 65536

#: All unfinished heads together may hold so many bytes; what grows beyond is cut off.
UNFINISHED_BYTES = 16 * 1024 * 1024

#: Connections taken from a listener at one go, so that those at hand are not forgotten for them.
ACCEPTS = 16

#: Events taken at one go, and how long gunicorn's own loop may be left alone, in seconds: it
#: tells the master that we are alive, and looks whether the master is.
EVENTS = 256
TURN = 0.25

#: Answers wait so long, or until they are so many, for their log lines to be written together.
SETTLE_AFTER = 0.02
SETTLE_AT = 1024

_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT
_LATER = (-errno.EAGAIN, -errno.EINTR)
_NOTHING = bytearray()


class FastLane(gthread.ThreadWorker):  # type: ignore[misc]
    """``worker_class = "deeplink.web.fastlane.FastLane"``."""

    # ---- gunicorn's worker: what it calls, in the order in which it does

    alive: bool
    nr_conns: int
    worker_connections: int
    _accepting: bool
    _most_kept: int

    def run(self) -> None:
        """Serve until told to stop, as a plain gthread worker if the lane has to stand aside."""
        offer = getattr(self.wsgi, "extensions", {}).get(EXTENSION)
        why = reason_to_stand_aside(self.cfg, self.log, installed_gunicorn(), os.environ)
        if why is None and not isinstance(offer, Offer):
            why = f'the application has no extensions["{EXTENSION}"]'
        if why is not None:
            self.log.warning("The fast lane stands aside: %s. Serving with plain gthread.", why)
            # From here on it is one, to the last method.
            self.__class__ = gthread.ThreadWorker
            self.max_keepalived = self._most_kept
            self.run()
            return
        assert isinstance(offer, Offer)  # noqa: S101
        self._open(offer)
        try:
            super().run()
        finally:
            self._settle()
            self._account.stop()
            self._watch.close()

    def _open(self, offer: Offer) -> None:
        self._judgement = Judge(self.cfg, offer)
        self._known = self._judgement.known
        self._account = Account(offer.metrics)
        self._account.start()
        self._keeps = bool(self.cfg.keepalive)
        self._given: list[tuple[Reply, float]] = []
        self._settle_at = 0.0
        self._connections: dict[int, Connection] = {}
        self._unfinished = 0
        self._watch = select.epoll()
        # gunicorn's own poller, which holds the pipe by which its threads call, is one of the
        # things this loop watches.
        self._watch.register(self.poller.fileno(), _READABLE)
        self._listeners = {listener.fileno(): listener for listener in self.sockets}
        self._places = {listener.fileno(): listener.getsockname() for listener in self.sockets}
        for listener in self.sockets:
            _defer_accept(listener)
        self._now = time.monotonic()
        self._next_sweep = self._now
        self._second, self._date = 0, b""
        self._patience = {
            # gthread waits so long in a thread, and then as for a kept connection.
            NEW: gthread.DEFAULT_WORKER_DATA_TIMEOUT + self.cfg.keepalive,
            IDLE: float(self.cfg.keepalive),
            READING: HEAD_PATIENCE,
            WRITING: WRITE_PATIENCE,
            LINGERING: LINGER_PATIENCE,
        }

    @property
    def max_keepalived(self) -> int:
        """
        How many connections may be kept; gthread compares it with those that *it* keeps.

        It keeps none: they are all in the loop's table, and so are taken off here.
        """
        kept = getattr(self, "_connections", ())
        return int(self._most_kept - len(kept))

    @max_keepalived.setter
    def max_keepalived(self, most: int) -> None:
        self._most_kept = most

    def set_accept_enabled(self, enabled: bool) -> None:
        """Watch the listeners, or leave them alone, in the loop's own epoll."""
        if enabled == self._accepting:
            return
        for number, listener in self._listeners.items():
            if enabled:
                listener.setblocking(False)
                # One worker is woken for a new connection, not each of them.
                self._watch.register(number, _READABLE | select.EPOLLEXCLUSIVE)
            else:
                self._watch.unregister(number)
        self._accepting = enabled

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As many turns of the loop as fit between two looks of gunicorn's own at the world."""
        until = time.monotonic() + min(timeout, TURN)
        while True:
            waiting = SETTLE_AFTER if self._given else min(timeout, TURN)
            events = self._watch.poll(waiting, EVENTS)
            self._tell_time()
            for descriptor, _ in events:
                connection = self._connections.get(descriptor)
                if connection is not None:
                    try:
                        self._go_on(connection)
                    except Exception:
                        self._fail(connection)
                elif descriptor in self._listeners:
                    self._accept(descriptor)
                else:
                    self._notice(descriptor)
            if self._given and (
                not events or self._now >= self._settle_at or len(self._given) >= SETTLE_AT
            ):
                self._settle()
            if self._now >= self._next_sweep:
                self._sweep()
            # At its limit gunicorn stops accepting: be below it, unless all are being served.
            full = self.nr_conns >= self.worker_connections and not self._make_room()
            if self._now >= until or not self.alive or full:
                return

    def finish_request(self, conn: gthread.TConn, fs: Future[object]) -> None:
        """Take a connection back from gunicorn's machinery: keep it, or let it end."""
        try:
            keep = not fs.cancelled() and bool(fs.result())
            # (A connection that comes back is not introduced again: no listener.)
            connection = Connection(conn.sock.fileno(), -1, self._now)
            early = conn.parser.unreader.take_buffered() if keep else b""
        except Exception:
            self.nr_conns -= 1
            conn.close()
            return
        connection.conn = conn
        self._connections[connection.descriptor] = connection
        try:
            calls.make_nonblocking(connection.descriptor)
            if not keep:
                self._linger(connection)
            elif early:
                self._judge(connection, early)
            else:
                self._keep(connection)
        except Exception:
            self._fail(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        # A stopping worker: kept connections stay for a moment, in case that their next request
        # is on its way.
        left = max(0.0, deadline - time.monotonic())
        for state in (NEW, IDLE):
            self._patience[state] = min(self._patience[state], left)
        for connection in self._connections.values():
            if connection.state in (NEW, IDLE):
                connection.since = time.monotonic()

    def murder_keepalived(self, force: bool = False) -> None:
        """The end of every connection if *force*; otherwise ``_sweep`` has seen to it."""
        for connection in list(self._connections.values()) if force else ():
            self._drop(connection)

    # ---- the loop's own: what becomes of a connection

    def _notice(self, descriptor: int) -> None:
        """Something happened at *descriptor*, which is neither a connection nor a listener."""
        super().wait_for_and_dispatch_events(0)

    def _keep(self, connection: Connection) -> None:
        """Wait for the next request on *connection*, whose last one gunicorn has served."""
        self._wait(connection, IDLE)

    def _accept(self, listener: int) -> None:
        for _ in range(ACCEPTS):
            if self.nr_conns >= self.worker_connections and not self._make_room():
                return
            descriptor = calls.accept(listener)
            if descriptor in (-errno.EMFILE, -errno.ENFILE) and self._make_room():
                continue
            if descriptor < 0:
                if descriptor not in (*_LATER, -errno.ECONNABORTED):
                    raise OSError(-descriptor, os.strerror(-descriptor))
                return
            received = calls.receive(descriptor)
            known = self._known.get(received)
            if known is not None and known[2]:
                self._answer_once(descriptor, listener, known)
            else:
                self._enter(descriptor, listener, received)
            if not self.alive:
                return

    def _answer_once(self, descriptor: int, listener: int, known: Known) -> None:
        """
        Answer a new connection and close it, without a row in the table unless it has to wait.

        It is the fate of most, and 4 % of their cost.
        """
        reply, minor, _ = known
        self._note(reply)
        data = reply.at(self._second, self._date, minor, True)
        sent = calls.send_last(descriptor, data)
        if sent == len(data):
            calls.close(descriptor)
        else:
            connection = self._row(descriptor, listener)
            connection.then = NEW
            self._sent(connection, data, sent)

    def _enter(self, descriptor: int, listener: int, received: bytes | int) -> None:
        connection = self._row(descriptor, listener)
        try:
            self._take(connection, received)
        except Exception:
            self._fail(connection)

    def _row(self, descriptor: int, listener: int) -> Connection:
        self.nr_conns += 1
        connection = Connection(descriptor, listener, self._now)
        self._connections[descriptor] = connection
        return connection

    def _go_on(self, connection: Connection) -> None:
        if connection.state == WRITING:
            self._write(connection, connection.rest)
        elif connection.state == LINGERING:
            self._drain(connection)
        else:
            self._take(connection, calls.receive(connection.descriptor))

    def _take(self, connection: Connection, received: bytes | int) -> None:
        """What becomes of *connection* now that the kernel gave *received* for it."""
        known = self._known.get(received) if not connection.head else None
        if known is not None:
            self._answer(connection, known)
        elif isinstance(received, bytes) and received:
            self._judge(connection, received)
        elif received in _LATER:
            self._watch_for(connection, _READABLE)
        elif received == b"" and connection.head:
            # Half a head and no more to come: gunicorn knows whether that deserves a word.
            self._hand_over(connection, bytes(connection.head))
        else:
            self._drop(connection)

    def _judge(self, connection: Connection, received: bytes) -> None:
        """Answer what has come, give it to gunicorn, or wait for its other half."""
        head = bytes(connection.head + received) if connection.head else received
        known = self._judgement.answer_to(head)
        if known is not None:
            self._answer(connection, known)
        elif self._judgement.needs_more(head, len(received)):
            self._keep_half(connection, received)
        else:
            self._hand_over(connection, head)

    def _keep_half(self, connection: Connection, received: bytes) -> None:
        if connection.state != READING:
            connection.head = bytearray()
            connection.state, connection.since = READING, self._now
        connection.head += received
        self._unfinished += len(received)
        if self._unfinished > UNFINISHED_BYTES:
            self._drop(connection)
        else:
            self._watch_for(connection, _READABLE)

    def _forget_half(self, connection: Connection) -> None:
        if connection.head:
            self._unfinished -= len(connection.head)
            connection.head = _NOTHING

    def _hand_over(self, connection: Connection, head: bytes) -> None:
        """Let gunicorn's own machinery read *head* and all that follows it, in a thread."""
        self._leave(connection)
        self._serve(connection, head)

    def _serve(self, connection: Connection, head: bytes) -> None:
        conn = connection.conn
        if conn is None:
            try:
                conn = self._introduce(connection)
            except OSError:  # the client has gone, and its address with it
                calls.close(connection.descriptor)
                self.nr_conns -= 1
                return
        conn.parser.unreader.unread(head)
        # Its data is there: without this, the thread would wait for more.
        conn.data_ready = True
        self.enqueue_req(conn)

    def _introduce(self, connection: Connection) -> gthread.TConn:
        """The connection as gunicorn knows it, with the parser that it would have made."""
        family = self._listeners[connection.listener].family
        sock = socket.socket(family, socket.SOCK_STREAM, 0, connection.descriptor)
        try:
            place = self._places[connection.listener]
            conn = gthread.TConn(self.cfg, sock, sock.getpeername(), place)
        except OSError:
            sock.detach()
            raise
        conn.parser = http.get_parser(self.cfg, sock, conn.client)
        return conn

    def _answer(self, connection: Connection, known: Known) -> None:
        reply, minor, close = known
        if connection.head:
            self._forget_half(connection)
        self._note(reply)
        if close:
            # Who asked for the end sends no more, and nothing came behind the request: there is
            # nothing to linger for.
            connection.then = NEW
        elif not self.alive or not self._keeps or len(self._connections) > self._most_kept:
            # The reasons of ThreadWorker.handle_request; the client may be sending already.
            connection.then, close = LINGERING, True
        else:
            connection.then = IDLE
        self._write(connection, reply.at(self._second, self._date, minor, close))

    def _note(self, reply: Reply) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self._given:
            self._settle_at = self._now + SETTLE_AFTER
        self._given.append((reply, time.monotonic() - self._now))

    def _write(self, connection: Connection, data: bytes) -> None:
        send = calls.send if connection.then == IDLE else calls.send_last
        self._sent(connection, data, send(connection.descriptor, data))

    def _sent(self, connection: Connection, data: bytes, sent: int) -> None:
        """What becomes of *connection* now that the kernel took *sent* bytes of *data*."""
        if sent == len(data):
            connection.rest = b""
            if connection.then == IDLE:
                self._wait(connection, IDLE)
            elif connection.then == LINGERING:
                self._linger(connection)
            else:
                self._drop(connection)
        elif sent >= 0 or sent in _LATER:
            connection.rest = data[max(sent, 0) :]
            self._wait(connection, WRITING, _WRITABLE)
        else:
            self._drop(connection)

    def _wait(self, connection: Connection, state: int, events: int = _READABLE) -> None:
        connection.state, connection.since = state, self._now
        if connection.watched != events:
            self._watch_for(connection, events)

    def _watch_for(self, connection: Connection, events: int) -> None:
        if connection.watched == events:
            return
        if connection.watched:
            self._watch.modify(connection.descriptor, events)
        else:
            self._watch.register(connection.descriptor, events)
        connection.watched = events

    def _linger(self, connection: Connection) -> None:
        """Say that there is no more from us; then wait for the client's end, but in the table."""
        calls.shut(connection.descriptor, socket.SHUT_WR)
        self._wait(connection, LINGERING)
        self._drain(connection)

    def _drain(self, connection: Connection) -> None:
        received = calls.receive(connection.descriptor)
        if isinstance(received, bytes) and received:
            connection.drained += len(received)
            if connection.drained >= LINGER_BYTES:
                self._drop(connection)
        elif received not in _LATER:
            self._drop(connection)

    def _leave(self, connection: Connection) -> None:
        """Take *connection* out of the table; what it is now, the caller knows."""
        self._forget_half(connection)
        del self._connections[connection.descriptor]
        if connection.watched:
            self._watch.unregister(connection.descriptor)
            connection.watched = 0

    def _drop(self, connection: Connection) -> None:
        # A closed descriptor leaves an epoll by itself (epoll(7), question 6): one call less.
        connection.watched = 0
        self._leave(connection)
        self.nr_conns -= 1
        if connection.conn is not None:
            util.close(connection.conn.sock)
        else:
            calls.close(connection.descriptor)

    def _fail(self, connection: Connection) -> None:
        """Log what is at hand, and end *connection*: its mishap is not the others'."""
        self.log.exception("The fast lane failed on a connection")
        if self._connections.get(connection.descriptor) is connection:
            self._drop(connection)

    # ---- the loop's own: time and room

    def _tell_time(self) -> None:
        self._now = time.monotonic()
        now = time.time()
        if int(now) != self._second:
            self._second, self._date = int(now), util.http_date(now).encode("ascii")

    def _settle(self) -> None:
        if self._given:
            self._account.note(self._given)
            self._given = []

    def _sweep(self) -> None:
        self._next_sweep = self._now + TURN
        patience = self._patience
        for connection in list(self._connections.values()):
            if self._now - connection.since >= patience[connection.state]:
                self._expire(connection)

    def _expire(self, connection: Connection) -> None:
        if connection.state == READING:
            # The time for this head is over: let it end here, and gunicorn judge it.
            calls.shut(connection.descriptor, socket.SHUT_RD)
            self._hand_over(connection, bytes(connection.head))
        else:
            self._drop(connection)

    def _make_room(self) -> bool:
        """
        Cut off those that have been silent longest, one in sixteen; False if there are none.

        gunicorn stops accepting instead, and then a thousand silent clients shut out all others.
        """
        silent = [each for each in self._connections.values() if each.state not in ENGAGED]
        count = self.worker_connections // 16 + 1
        for connection in heapq.nsmallest(count, silent, key=attrgetter("since")):
            self._drop(connection)
        return bool(silent)


def _defer_accept(listener: socket.socket) -> None:
    """Let the kernel wait for a connection's first bytes, a second at most, before it tells us."""
    if listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
