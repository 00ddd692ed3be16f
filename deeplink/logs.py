"""
One JSON line per event, from us and from gunicorn alike; nothing secret ever becomes a line.

A line holds the route *rule*, never the path; no query, header, body or address. Exceptions are
logged as types and places in our source: their texts may quote a token, so they stay out.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

#: gunicorn's messages about one request quote its target, its header lines and its address
#: (``gunicorn/workers/base.py``, ``handle_error``); what follows these beginnings is cut off.
_ABOUT_A_REQUEST = ("Error handling request", "Invalid request from ip=", "Exception handling")

#: From a question mark to the next space or quote: the query of any URL that slips into a text.
_QUERY = re.compile(r"\?[^\s'\"<>]+")


_LOGGER = logging.getLogger("deeplink")
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


class JsonFormatter(logging.Formatter):
    """Any log record as one line of JSON with ``time``, ``level``, ``logger``, ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = _exception(record.exc_info[1], record.exc_info[2])
        return _ENCODER.encode(line)


class LineHandler(logging.Handler):
    """
    Writes each line to *descriptor* in one piece and without a lock.

    Under the usual handler's lock 200 threads wait for each other's write: with it went a seventh
    of the time of a busy server. The kernel keeps lines of up to 4,096 bytes whole in a pipe
    (PIPE_BUF, pipe(7)), and of any length in a file.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def createLock(self) -> None:
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)

    def write(self, lines: str) -> None:
        """Write whole *lines*, as ``emit`` does with one."""
        rest = lines.encode()
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # Nobody reads the log any more: that must not end a login.
            return


def configure(level: str = "INFO") -> None:
    """Send every logger's lines to standard output, as Heroku-like hosts expect."""
    # Nobody prints these, and to look them up is a fifth of what a line costs
    # (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = LineHandler(sys.stdout.fileno())
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def event(name: str, fields: Mapping[str, object], *, level: int = logging.INFO) -> None:
    """Log one event of ours; *fields* are closed words and numbers, never something received."""
    if _LOGGER.isEnabledFor(level):
        # ``Logger.log`` would walk the stack for a file and line that no line of ours tells.
        record = logging.LogRecord(_LOGGER.name, level, "", 0, name, (), None)
        record.fields = fields
        _LOGGER.handle(record)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _message(record: logging.LogRecord) -> str:
    template = str(record.msg)
    for beginning in _ABOUT_A_REQUEST:
        if template.startswith(beginning):
            return beginning.removesuffix(" from ip=").lower()
    text = record.getMessage()
    return _QUERY.sub("?…", text) if "?" in text else text


def _exception(error: BaseException | None, trace: TracebackType | None) -> list[str]:
    """The types of the chain, outermost first, and the outermost one's frames, without texts."""
    frames = [
        f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)
    ]
    types: list[str] = []
    while error is not None and len(types) < 5:
        types.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return [*types, *frames]
