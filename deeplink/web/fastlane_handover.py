"""
What the processes of one generation share: two roles, and the way of a connection between them.

A generation is the workers that one reading of the configuration starts; a reload makes another.
Whoever holds the lane's lock accepts connections; whoever holds the applications' lock (all of them
together) is ready to serve them. The kernel lets go of a lock when its process dies, however it
dies (fcntl(2), record locks), so there is no list of living processes that could be wrong.

A connection travels as its descriptor (unix(7), SCM_RIGHTS) with the bytes that were read from it.
What lies in a queue belongs to no process and outlives each of them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import tempfile
from typing import NamedTuple
from weakref import WeakSet

#: The longest head that travels, in bytes; a queue holds some 200 heads of the usual size. A
#: longer one is served where it was read.
LONGEST = 65536

#: The queue is full: its bytes, or the descriptors that may be under way (unix(7)).
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS)

_LANE, _APPLICATION = range(2)


class Parcel(NamedTuple):
    """A connection under way: its descriptor, its listener's place in the list, bytes read."""

    descriptor: int
    listener: int
    head: bytes


class Queue:
    """Parcels from whichever process puts one in to whichever takes it first; neither waits."""

    def __init__(self) -> None:
        # SEQPACKET: a parcel is taken whole, by one. Queues of AF_UNIX datagrams are as good,
        # but their senders are not told when there is room again.
        self._entry, self._exit = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._entry, self._exit):
            end.setblocking(False)
        #: Writable when there is room again.
        self.entry = self._entry.fileno()
        #: Readable when there is a parcel.
        self.exit = self._exit.fileno()

    def put(self, parcel: Parcel) -> bool:
        """Send *parcel*, whose head has at most LONGEST bytes; False if the queue is full."""
        message = bytes((parcel.listener,)) + parcel.head
        try:
            socket.send_fds(self._entry, [message], [parcel.descriptor])
        except OSError as error:
            if error.errno in _FULL:
                return False
            raise
        return True

    def take(self) -> Parcel | None:
        """The oldest parcel, None if there is none for us."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(
                    self._exit, LONGEST + 1, 1, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return None
            # Without one we are at our limit of open files, and the kernel closed it instead.
            if descriptors:
                return Parcel(descriptors[0], message[0], message[1:])

    def is_empty(self) -> bool:
        watch = select.poll()
        watch.register(self.exit, select.POLLIN)
        return not watch.poll(0)

    def close(self) -> None:
        self._entry.close()
        self._exit.close()


class Handover:
    """
    One generation's roles and queues; made before the first fork, used by each process after it.

    *configuration* is what the generation was started with. *asks* carries requests from the lane
    to the applications, *returns* connections whose request was answered back to the lane.
    """

    def __init__(self, configuration: object) -> None:
        self.configuration = configuration
        self._locks = tempfile.TemporaryFile(prefix="deeplink-lane-")  # noqa: SIM115
        self.asks, self.returns = Queue(), Queue()

    def take_lane(self) -> bool:
        """Become the process that accepts connections, unless there is one."""
        return self._lock(_LANE, fcntl.LOCK_EX)

    def leave_lane(self) -> None:
        self._unlock(_LANE)

    def has_lane(self) -> bool:
        """Whether another process accepts connections."""
        return self._is_held(_LANE)

    def join_applications(self) -> None:
        """Be one of those that serve what the lane hands over."""
        # The lane holds it for a moment when it asks who is there.
        while not self._lock(_APPLICATION, fcntl.LOCK_SH):
            os.sched_yield()

    def leave_applications(self) -> None:
        self._unlock(_APPLICATION)

    def has_applications(self) -> bool:
        """Whether another process serves what is handed over."""
        return self._is_held(_APPLICATION)

    def close(self) -> None:
        self._locks.close()
        self.asks.close()
        self.returns.close()

    def __del__(self) -> None:
        # The master lets go of a generation with the object of its last worker.
        self.close()

    def _lock(self, role: int, how: int) -> bool:
        with contextlib.suppress(BlockingIOError, PermissionError):
            fcntl.lockf(self._locks, how | fcntl.LOCK_NB, 1, role)
            return True
        return False

    def _unlock(self, role: int) -> None:
        fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, role)

    def _is_held(self, role: int) -> bool:
        if not self._lock(role, fcntl.LOCK_EX):
            return True
        self._unlock(role)
        return False


#: Those that have workers still, and the newest, which may be without one for a moment.
_generations: WeakSet[Handover] = WeakSet()
_newest: Handover | None = None


def shared_by(configuration: object) -> Handover:
    """
    The Handover of all workers that are started with *configuration*.

    For the master: it makes a worker's object before the fork, and reads the configuration into
    a new object at each reload.
    """
    global _newest
    for handover in _generations:
        if handover.configuration is configuration:
            return handover
    _newest = Handover(configuration)
    _generations.add(_newest)
    return _newest


def close_others(handover: Handover) -> None:
    """Close what this process inherited of other generations than its own."""
    for other in list(_generations):
        if other is not handover:
            other.close()
