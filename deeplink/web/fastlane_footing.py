"""What the lane stands on, and why it may have to stand aside: then a worker is plain gthread."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gunicorn  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunicorn.config import Config  # type: ignore[import-untyped]

#: The texts whose rules the lane repeats and whose inner life it joins, as SHA-256, from gunicorn
#: 27.0.1. A changed one is not a broken one; but nobody has compared it with the lane yet. Run
#: ``tests/end_to_end/test_lane*.py`` against it with its digest here, and read what changed.
PROVED = {
    "http/__init__.py": "760bf484d5c2e214f001f5e6a091cee705958207068b012db5e14c9e5092ee4f",
    "http/body.py": "c46c000fc93b6be5299249febba76b9998b9a940696b8962f72d335097628d3a",
    "http/message.py": "408e5f03f30353f9cd8358046157ddbc1da793ab5f092761e6e711c40e310368",
    "http/parser.py": "618c7c5a229709e51a95c4794d4a7f112016a5f53d2ecfe8f2dd6205aeb591dd",
    "http/unreader.py": "a28537df77eb34f0ab56e83fc07f21c6f5a3bd1ad0181bb44246817b75530d21",
    "http/wsgi.py": "2b8be67bf98bb3f1dcee2f301cb5830c27d86336ba796f612840b8bab64a96b0",
    "workers/base.py": "9a39e0e16d6233298a3db01442c7913f17329e05caff9eb3263edc9037f50ed3",
    "workers/gthread.py": "2aa395873b3e9084dc99c580f890843b6554b53e930258344c0e4cde3a16bdeb",
}


def changed_file(folder: Path) -> str | None:
    """The first file of gunicorn in *folder* that is not the one the lane was proved with."""
    for name, digest in PROVED.items():
        try:
            text = (folder / name).read_bytes()
        except OSError:
            return name
        if hashlib.sha256(text).hexdigest() != digest:
            return name
    return None


def reason_to_stand_aside(
    cfg: Config, log: Logger, folder: Path, environ: Mapping[str, str]
) -> str | None:
    """
    Why the lane must not answer under this gunicorn (in *folder*) and this configuration.

    None means that it may. The words are for the operator's log: what it is, and what to do if
    the lane is wanted.
    """
    if not sys.platform.startswith("linux"):
        return "it needs Linux' epoll"
    if changed := changed_file(folder):
        return f"it was not proved with this gunicorn, whose {changed} differs from 27.0.1's"
    for unusual, words in (
        (cfg.is_ssl, "gunicorn itself ends TLS; let a proxy in front of it do so"),
        (cfg.proxy_protocol != "off", "proxy_protocol is on"),
        (cfg.protocol != "http", "protocol is not http"),
        (cfg.http2_cleartext != "off", "http2_cleartext is on"),
        (environ.get("SCRIPT_NAME"), "SCRIPT_NAME puts the application under a prefix"),
        (cfg.casefold_http_method, "casefold_http_method is on"),
        (not _is_default(cfg, "pre_request"), "there is a pre_request hook"),
        (not _is_default(cfg, "post_request"), "there is a post_request hook"),
        (
            log.access_log_enabled or type(log).access is not Logger.access,
            "gunicorn's own access log or statsd is on; the application writes a line per "
            "request without it",
        ),
    ):
        if unusual:
            return words
    return None


def _is_default(cfg: Config, hook: str) -> bool:
    setting = cfg.settings[hook]
    return setting.get() is type(setting).default


def installed_gunicorn() -> Path:
    """The folder of the gunicorn that runs us."""
    return Path(gunicorn.__file__).parent
