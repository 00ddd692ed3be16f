"""
Routes to the published files: the association documents and the drop-ins, by host and path.

A phone and an ownership check follow no redirect and bring no cookie (Apple TN3155; Google's
``details.md`` of Digital Asset Links), so a path answers in the one spelling it is published
under or not at all, whatever a proxy says about the scheme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from flask import Blueprint, Response, abort, request
from werkzeug.routing import Rule

from deeplink.web import prebuilt
from deeplink.web.guards import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment
    from flask.blueprints import BlueprintSetupState

    from deeplink.publication import Publication
    from deeplink.web.prebuilt import Prebuilt


def prebuild(publication: Publication) -> dict[tuple[str, str], Prebuilt]:
    """Finished answers for all that is published; equal files share one."""
    contents = {(file.content_type, file.body) for file in publication.values()}
    made = {content: prebuilt.build(*content) for content in contents}
    return {key: made[file.content_type, file.body] for key, file in publication.items()}


def blueprint(answers: Mapping[tuple[str, str], Prebuilt]) -> Blueprint:
    """Routes over *answers*, which is keyed by host (lower-case, no port) and raw path."""
    files = Blueprint("wellknown", __name__)

    def file() -> Response:
        resource = answers.get((host_of(request.environ), raw_path(request.environ)))
        if resource is None:
            abort(404)
        answer = resource.answer(
            request.method,
            {
                "accept-encoding": request.environ.get("HTTP_ACCEPT_ENCODING", ""),
                "if-none-match": request.environ.get("HTTP_IF_NONE_MATCH", ""),
            },
        )
        # A list: of bare bytes Werkzeug would compute a Content-Length of 0 for HEAD.
        return Response([answer.body], answer.status, list(answer.headers))

    @files.record_once
    def register(state: BlueprintSetupState) -> None:
        endpoint = f"{state.name}.file"
        state.app.view_functions[endpoint] = file
        for path in sorted({path for _, path in answers}):
            # Without methods, which Flask's own add_url_rule cannot say: the host decides first
            # whether there is anything here, then the resource says 405.
            state.app.url_map.add(
                Rule(unquote(path), endpoint=endpoint, strict_slashes=True, merge_slashes=False)
            )

    return files


def raw_path(environ: WSGIEnvironment) -> str:
    """
    The path as it was sent, without the query.

    PATH_INFO is decoded: ``/%2ewell-known/x`` looks like ``/.well-known/x`` in it, and what
    answers to two spellings is cached and guarded under one. gunicorn keeps the target in
    RAW_URI, uWSGI and mod_wsgi in REQUEST_URI; under other servers PATH_INFO must do.
    """
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    return str(target).partition("?")[0]
