"""Is it alive, can it work, what has it done: for the platform and the operator, at any Host."""

from __future__ import annotations

import importlib.metadata
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, jsonify, request

from deeplink.errors import StoreUnavailable
from deeplink.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deeplink.metrics import Metrics
    from deeplink.secret import Secret

#: These paths answer whatever the Host says: a platform's probe asks by address.
PATHS = ("/healthz", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """
    What ``/readyz`` tells of the store of answers: its *kind*, and whether other machines, which
    *is_apart* says there are, do not share it. *ping* refuses with ``StoreUnavailable``.
    """

    kind: str
    is_apart: bool
    ping: Callable[[], None]

    def as_json(self) -> dict[str, str]:
        try:
            self.ping()
            state = "here"
        except StoreUnavailable:
            state = "away: each process remembers answers on its own; the log says why"
        told = {"kind": self.kind, "state": state}
        if self.is_apart:
            told["warning"] = "other machines do not see this store; give the server a Redis"
        return told


def blueprint(
    metrics: Metrics,
    *,
    version: str,
    metrics_token: Secret | None,
    open_metrics: bool,
    store: StoreHealth | None = None,
) -> Blueprint:
    """
    Health for probes, counters for Prometheus.

    ``/metrics`` asks for the bearer token; without a configured one it exists only where the
    whole config is of this machine (*open_metrics*). *store* is that of the exchange, if any.
    """
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def alive() -> Response:
        return _unstored(jsonify(status="alive", version=version))

    # Ready means that this process can do its own work. A provider's outage is not asked for:
    # it would take the association files out of rotation with it. Nor does a store that is away
    # stop anything: exchanges go on.
    @health.get("/readyz")
    def ready() -> Response:
        told = {"store": store.as_json()} if store else {}
        return _unstored(jsonify(status="ready", version=version, **told))

    @health.get("/metrics")
    def counters() -> Response:
        if metrics_token is None and not open_metrics:
            abort(404)
        if metrics_token is not None and not _bears(metrics_token):
            refused = Response("a bearer token is needed\n", 401, mimetype="text/plain")
            refused.headers["WWW-Authenticate"] = "Bearer"
            return _unstored(refused)
        return _unstored(Response(metrics.render(), content_type=CONTENT_TYPE))

    return health


def version(root: Path) -> str:
    """The release that runs: from a checkout's ``pyproject.toml``, else from the installation."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"])
    except OSError:
        return importlib.metadata.version("deeplink")


def _bears(token: Secret) -> bool:
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and token.equals(presented.strip())


def _unstored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
