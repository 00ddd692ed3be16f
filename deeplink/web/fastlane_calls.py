"""
Linux' calls for sockets by their descriptors: none of them waits, and an error is a number.

A socket object for each connection would cost more than its answer: its making alone asks the
kernel a question. Reading and writing is done by Python's own calls; those through ``ctypes``
were slower, by 0.7 µs each, and so remain for what Python has for socket objects only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket

#: The largest piece that ``receive`` takes at once: more than any head gunicorn would accept
#: in the usual case, and what a pipe or a socket holds by default.
PIECE = 65536

# These never wait, so there is no need to let go of the interpreter lock.
_libc = ctypes.PyDLL(None, use_errno=True)
_accept4 = _libc.accept4
_accept4.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_send = _libc.send
_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_send.restype = ctypes.c_ssize_t
_shutdown = _libc.shutdown
_shutdown.argtypes = (ctypes.c_int, ctypes.c_int)

close = os.close


def accept(listener: int) -> int:
    """The descriptor of the next connection at *listener*, which must not block, or -errno."""
    connection: int = _accept4(listener, None, None, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    return connection if connection >= 0 else -ctypes.get_errno()


def make_nonblocking(connection: int) -> None:
    os.set_blocking(connection, False)


def receive(connection: int) -> bytes | int:
    """What has arrived, at most PIECE; b"" if the other side has finished; an int is -errno."""
    try:
        return os.read(connection, PIECE)
    except OSError as error:
        return -(error.errno or errno.EIO)


def send(connection: int, data: bytes) -> int:
    """How many bytes of *data* the kernel took, or -errno."""
    try:
        return os.write(connection, data)
    except OSError as error:
        return -(error.errno or errno.EIO)


def send_last(connection: int, data: bytes) -> int:
    """As ``send``, but *data* may wait for the end, which goes in the same packet then."""
    flags = socket.MSG_MORE | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
    sent: int = _send(connection, data, len(data), flags)
    return sent if sent >= 0 else -ctypes.get_errno()


def shut(connection: int, how: int) -> None:
    """``shutdown``; a connection that is gone already is none of our business."""
    _shutdown(connection, how)
