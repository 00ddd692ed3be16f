"""
How a page of ours is made: a template, finished words, and a policy that allows nothing else.

Styles and scripts are constant files beside the templates, inlined and allowed by their SHA-256,
so a page needs no second request and no attacker's text can become a script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING

from flask import Response, request
from markupsafe import Markup

from deeplink import templates as own_templates
from deeplink.brand import Brand, style
from deeplink.languages import load_languages
from deeplink.web import compact

if TYPE_CHECKING:
    from pathlib import Path

    from deeplink.words import Languages, Words

#: Sent with every page, error pages included (RFC 9700 sections 4.2.4, 4.3 and 4.16).
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}

#: The key in ``app.extensions`` under which a server finds the pages, to compile them in time.
EXTENSION = "deeplink.pages"

#: A page with an address in each of its links has fewer bytes; a heavier one is shown with one.
MAX_PAGE = 15_000

#: A visitor's own choice of language. It is read and left where it is: what a page hands on is the
#: query's very bytes, and a language of our closed list is all that it can change.
_WANTED = re.compile(r"(?:^|&)lang=([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3})(?=&|$)", re.ASCII)


class Pages:
    """
    The templates of one folder, those of the folder *own* in their place, ready to be rendered.

    A page's template receives finished words and flags, never a request or a config. *script*
    names a file of the folder ``_scripts``; a page without one runs no script at all.
    """

    def __init__(
        self,
        templates: Path,
        *,
        own: Path | None = None,
        languages: Languages | None = None,
        brand: Brand | None = None,
    ) -> None:
        self._languages = languages or load_languages()
        self._brand = brand or Brand()
        folders = [own, templates] if own else [templates]
        self._environment = own_templates.environment(folders)
        path = next(each for each in folders if (each / "_style.css").is_file()) / "_style.css"
        sheet = f"{path.read_text('utf-8')}\n{style(self._brand)}"
        more = {name: (templates / f"_{name}.css").read_text("utf-8") for name in ("admin", "link")}
        self._styles = {
            "style": compact.style(sheet),
            **{name: compact.style(f"{sheet}\n{rules}") for name, rules in more.items()},
        }
        scripts = sorted((templates / "_scripts").glob("*.js"))
        self._scripts = {path.stem: compact.script(path.read_text("utf-8")) for path in scripts}

    def words(self, preferred: str = "") -> Words:
        """
        The language of whoever asks now: ``lang=`` in the query, else what the browser says.

        *preferred* are tags that come before the browser's, as ``ui_locales`` has them: with
        spaces between (OpenID Connect Core section 3.1.2.1).
        """
        wanted = _WANTED.search(request.environ.get("QUERY_STRING", ""))
        accepted = [*preferred.split(), request.headers.get("Accept-Language", "")]
        return self._languages.choose(",".join(accepted), wanted=wanted[1] if wanted else "")

    def render(
        self,
        name: str,
        *,
        words: Words | None = None,
        status: int = 200,
        sheet: str = "style",
        script: str | None = None,
        connect: str = "'self'",
        **values: object,
    ) -> Response:
        """
        The page *name* (``callback.html``); *connect* are the origins its script may call.

        *words* are those that *values* were written in, the visitor's if they hold none; the
        template has them as ``say``.
        """
        chosen = words or self.words()
        values = {
            "lang": chosen.language,
            "dir": chosen.direction,
            "say": chosen.say,
            "brand": self._brand,
            **values,
        }
        body = self._environment.get_template(name).render(
            style=Markup(self._styles[sheet]),  # noqa: S704 - a constant file of ours
            script=Markup(self._scripts[script]) if script else "",  # noqa: S704 - likewise
            **values,
        )
        response = Response(body, status=status, mimetype="text/html")
        response.headers.update(PAGE_HEADERS)
        response.headers["Content-Language"] = str(values["lang"])
        response.headers["Content-Security-Policy"] = self._policy(sheet, script, connect)
        return response

    def compile(self) -> None:
        """
        Compile every template that is not yet. A page compiles its own when it is first shown.

        None can fail: ``templates.check`` has compiled an admin's, and tests render ours.
        """
        for name in own_templates.names() - {"_style.css"}:
            self._environment.get_template(name)

    def _policy(self, sheet: str, script: str | None, connect: str) -> str:
        script_source = _source(self._scripts[script]) if script else "'none'"
        connect_source = connect if script else "'none'"
        style_source = _source(self._styles[sheet])
        return (
            f"default-src 'none'; script-src {script_source}; style-src {style_source}; "
            f"img-src data:; connect-src {connect_source}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )


@cache
def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
