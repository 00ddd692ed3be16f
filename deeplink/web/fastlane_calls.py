"""
Linux' calls for sockets, made without letting go of the interpreter lock; they never wait.

Python's own calls release the lock around each system call and must win it back afterwards from
the threads that exchange codes. ``ctypes.PyDLL`` keeps the lock, which is right for a call that
cannot block: each descriptor here is non-blocking. What that gains under load has not been shown
on a quiet machine yet (``bench/saturated.py`` measures it). Where no thread is at work, ``read``
and ``write`` of the standard library are a little faster; ``receive_freely`` and ``send_freely``
use them.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import socket

#: The largest piece that ``receive`` takes at once: more than any head gunicorn would accept
#: in the usual case, and what a pipe or a socket holds by default.
PIECE = 65536

_SEND_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL

_libc = ctypes.PyDLL(None, use_errno=True)
_accept4 = _libc.accept4
_accept4.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_recv = _libc.recv
_recv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_recv.restype = ctypes.c_ssize_t
_send = _libc.send
_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_send.restype = ctypes.c_ssize_t
_shutdown = _libc.shutdown
_shutdown.argtypes = (ctypes.c_int, ctypes.c_int)
_close = _libc.close
_close.argtypes = (ctypes.c_int,)

_fcntl = _libc.fcntl
_fcntl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
_read, _write = os.read, os.write

_buffer = ctypes.create_string_buffer(PIECE)
_address = ctypes.addressof(_buffer)
_string_at = ctypes.string_at


def accept(listener: int) -> int:
    """The descriptor of the next connection at *listener*, which must not block, or -errno."""
    connection: int = _accept4(listener, None, None, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    return connection if connection >= 0 else -ctypes.get_errno()


def make_nonblocking(connection: int) -> None:
    _fcntl(connection, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)


def receive(connection: int) -> bytes | int:
    """What has arrived, at most PIECE; b"" if the other side has finished; an int is -errno."""
    size: int = _recv(connection, _address, PIECE, socket.MSG_DONTWAIT)
    if size > 0:
        return _string_at(_address, size)
    return b"" if size == 0 else -ctypes.get_errno()


def receive_freely(connection: int) -> bytes | int:
    """``receive`` for a moment in which nobody else wants the interpreter."""
    try:
        return _read(connection, PIECE)
    except OSError as error:
        return -(error.errno or errno.EIO)


def send(connection: int, data: bytes) -> int:
    """How many bytes of *data* the kernel took, or -errno."""
    size: int = _send(connection, data, len(data), _SEND_FLAGS)
    return size if size >= 0 else -ctypes.get_errno()


def send_freely(connection: int, data: bytes) -> int:
    """``send`` for a moment in which nobody else wants the interpreter."""
    try:
        return _write(connection, data)
    except OSError as error:
        return -(error.errno or errno.EIO)


def shut(connection: int, how: int) -> None:
    """``shutdown``; a connection that is gone already is none of our business."""
    _shutdown(connection, how)


def close(connection: int) -> None:
    _close(connection)


class _Event(ctypes.Structure):
    # struct epoll_event is packed on x86-64 only (linux/eventpoll.h, EPOLL_PACKED).
    if platform.machine() in ("x86_64", "AMD64"):
        _pack_ = 1
    _fields_ = (
        ("events", ctypes.c_uint32),
        ("descriptor", ctypes.c_int32),  # the member of a union of 64 bits …
        ("_unused", ctypes.c_int32),  # … of which these are the other half
    )


class Watch:
    """
    An epoll of our own, whose changes do not let go of the interpreter lock either.

    ``poll`` does, because it waits.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.poll = self._epoll.poll
        self._control = _libc.epoll_ctl
        self._control.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
        self._number = self._epoll.fileno()
        self._event = _Event()
        self._event_address = ctypes.addressof(self._event)

    def add(self, descriptor: int, events: int) -> None:
        self._change(1, descriptor, events)

    def remove(self, descriptor: int) -> None:
        self._change(2, descriptor, 0)

    def change(self, descriptor: int, events: int) -> None:
        self._change(3, descriptor, events)

    def close(self) -> None:
        self._epoll.close()

    def _change(self, operation: int, descriptor: int, events: int) -> None:
        self._event.events, self._event.descriptor = events, descriptor
        if self._control(self._number, operation, descriptor, self._event_address) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
