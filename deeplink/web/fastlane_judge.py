"""
What to make of the bytes at a connection's beginning: answer them, wait for more, or neither.

gunicorn's own limits and its own parser have the last word; the strict reader of
``web/fastlane_head.py`` only picks out what is beyond all doubt.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gunicorn import http  # type: ignore[import-untyped]
from gunicorn.http.errors import NoMoreData  # type: ignore[import-untyped]
from gunicorn.http.message import (  # type: ignore[import-untyped]
    _check_fast_parser as uses_c_parser,
)
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from deeplink.web.fastlane_head import END, reader
from deeplink.web.fastlane_offer import Answers, Reply

if TYPE_CHECKING:
    from gunicorn.config import Config  # type: ignore[import-untyped]

    from deeplink.web.fastlane_offer import Offer

#: Heads are remembered with what they mean, byte for byte: a crawler's or a verifier's next
#: request is the same as its last. Those behind a proxy that numbers them never are.
REMEMBERED_HEADS = 256
REMEMBERED_LENGTH = 2048

#: The reply to a head, the x of its HTTP/1.x, and whether its connection ends with the reply.
Known = tuple[Reply, int, bool]

_PLAIN = b"GET / HTTP/1.1" + END
_ANYBODY = ("127.0.0.1", 0)


class Judge:
    """
    One worker's judgement of heads, for one loop: not for threads.

    *known* may be asked for a head before ``answer_to``: the same bytes mean the same. (It takes
    the numbers that stand for errors, too, and knows nothing of them.)
    """

    def __init__(self, cfg: Config, offer: Offer) -> None:
        self.known: dict[bytes | int, Known] = {}
        self._cfg = cfg
        self._answers = Answers(offer)
        self._read = reader(cfg.secure_scheme_headers)
        self._judges_every_byte = uses_c_parser(cfg)
        # gunicorn's limits, as its parser makes them of the configuration (http/message.py).
        limits = http.Request(cfg, IterUnreader([_PLAIN]), _ANYBODY)
        self._most_fields: int = limits.limit_request_fields
        self._longest_line: int = limits.limit_request_line or sys.maxsize
        self._longest_head: int = limits.max_buffer_headers + min(self._longest_line, 1 << 20)
        self._moderate: int = min(limits.limit_request_field_size, self._longest_line)

    def answer_to(self, head: bytes) -> Known | None:
        """The reply to *head*; None if it is not exactly one plain request for a file of ours."""
        ask = self._read(head) if self._is_moderate(head) else None
        reply = self._answers.find(ask.what) if ask is not None else None
        if ask is None or reply is None:
            return None
        known = reply, ask.minor, ask.close
        if len(head) <= REMEMBERED_LENGTH:
            if len(self.known) >= REMEMBERED_HEADS:
                self.known.clear()
            self.known[head] = known
        return known

    def needs_more(self, head: bytes, received: int) -> bool:
        """
        Whether gunicorn, given *head*, would wait for more; *received* is its last piece's size.

        For a bare LF, a bad first line or beyond its limits it does not, each of its parsers in
        its own way: so ask the one that would read it. The Python one says nothing new before
        the end of a line.
        """
        before = len(head) - received
        if head.find(END, max(0, before - 3)) >= 0 or len(head) > self._longest_head:
            return False
        line_ended = head.find(b"\n", before) >= 0
        line_too_long = len(head) > self._longest_line and b"\n" not in head
        if not (line_ended or line_too_long or self._judges_every_byte):
            return True
        try:
            http.Request(self._cfg, IterUnreader([head]), _ANYBODY)
        except (NoMoreData, StopIteration):
            return True
        except Exception:
            return False
        return False

    def _is_moderate(self, head: bytes) -> bool:
        """Whether no limit of gunicorn's can be passed by any part of *head*."""
        return len(head) <= self._moderate and head.count(b"\n") <= self._most_fields + 2
