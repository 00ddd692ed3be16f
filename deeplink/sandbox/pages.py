"""The pretend TikTok's pages: a template, finished words, one inline style, no script."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


class Pages:
    """The templates of ``sandbox/`` in the folder *templates*."""

    def __init__(self, templates: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(templates / "sandbox"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = (templates / "sandbox" / "_style.css").read_text("utf-8").strip()
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        # No form-action: Chromium applies it to the redirect that follows the form too, and
        # that one goes to whatever app asked (CSP level 3, section 6.4.1 and its issue 8).
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
            "frame-ancestors 'none'"
        )

    def render(self, name: str, *, status: int = 200, **values: object) -> Response:
        """The page *name* as an answer that no cache keeps and no frame holds."""
        style = Markup(self._style)  # noqa: S704 - a constant file of ours
        body = self._environment.get_template(name).render(style=style, **values)
        response = Response(body, status=status, mimetype="text/html")
        response.headers.update(
            {
                "Cache-Control": "no-store",
                "Content-Security-Policy": self._policy,
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
            }
        )
        return response
