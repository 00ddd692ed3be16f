"""The pretend TikTok's own small server: this machine only, one quiet line per request."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("deeplink.sandbox")

#: The one address it can be reached at; there is no way to name another.
HOST = "127.0.0.1"


def open_socket(port: int) -> socket.socket:
    """A listening socket on *port* of this machine, 0 for any; OSError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Without it a restart would have to wait for the last connections' TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def serve(app: WSGIApplication, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """
    Serve *app* until SIGTERM or SIGINT; to be called on the main thread.

    *ready* is told the address as soon as connections are taken.
    """
    server = make_server(
        HOST,
        listener.getsockname()[1],
        app,
        threaded=True,
        request_handler=_QuietHandler,
        fd=listener.fileno(),
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    loop = threading.Thread(target=server.serve_forever, name="sandbox", daemon=True)
    loop.start()
    ready(f"http://{HOST}:{server.port}")
    ended.wait()
    server.shutdown()
    loop.join()
    listener.close()


class _QuietHandler(WSGIRequestHandler):
    """Logs method, path without its query, and status; never a request line as it came."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = getattr(self, "path", "").partition("?")[0][:200]
        words = f"{self.command or '-'} {ascii(path)[1:-1]} {getattr(code, 'value', code)}"
        logger.info("%s", words)

    # http.server and Werkzeug put the whole request line into these, query included.
    def log_error(self, format: str, *args: Any) -> None:
        pass

    def log_message(self, format: str, *args: Any) -> None:
        pass
