"""
How a page of ours is made: a template, finished words, and a policy that allows nothing else.

Styles and scripts are constant files beside the templates, inlined and allowed by their SHA-256,
so a page needs no second request and no attacker's text can become a script.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from pathlib import Path

#: Sent with every page, error pages included (RFC 9700 sections 4.2.4, 4.3 and 4.16).
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Pages:
    """
    The templates of one folder, ready to be rendered.

    A page's template receives finished words and flags, never a request or a config. *script*
    names a file of the folder ``_scripts``; a page without one runs no script at all.
    """

    def __init__(self, templates: Path) -> None:
        self._templates = templates
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # a request does not look at the disk
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = (templates / "_style.css").read_text("utf-8").strip()
        scripts = sorted((templates / "_scripts").glob("*.js"))
        self._scripts = {path.stem: path.read_text("utf-8").strip() for path in scripts}

    def render(
        self,
        name: str,
        *,
        status: int = 200,
        script: str | None = None,
        connect: str = "'self'",
        **values: object,
    ) -> Response:
        """The page *name* (``callback.html``); *connect* are the origins its script may call."""
        body = self._environment.get_template(name).render(
            style=Markup(self._style),  # noqa: S704 - a constant file of ours
            script=Markup(self._scripts[script]) if script else "",  # noqa: S704 - likewise
            **values,
        )
        response = Response(body, status=status, mimetype="text/html")
        response.headers.update(PAGE_HEADERS)
        response.headers["Content-Security-Policy"] = self._policy(script, connect)
        return response

    def _policy(self, script: str | None, connect: str) -> str:
        script_source = _source(self._scripts[script]) if script else "'none'"
        connect_source = connect if script else "'none'"
        return (
            f"default-src 'none'; script-src {script_source}; style-src {_source(self._style)}; "
            f"img-src data:; connect-src {connect_source}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
