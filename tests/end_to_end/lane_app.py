"""The real application, and two paths that tell what has reached it and when."""

from __future__ import annotations

import json
import time
import urllib.parse
from dataclasses import replace

from app import app as served
from app import loaded
from deeplink.metrics import Metrics
from deeplink.publication import publish
from deeplink.web.fastlane_offer import EXTENSION, Offer
from deeplink.web.prebuilt import build
from deeplink.web.wellknown import prebuild


class Mirror:
    """``/echo/…`` answers with the request as it was understood; ``/slow/SECONDS`` waits first."""

    def __init__(self):
        self.extensions = dict(served.extensions)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/slow/"):
            time.sleep(min(10, float(path.rpartition("/")[2])))
        elif not path.startswith("/echo/"):
            return served(environ, start_response)
        seen = {
            "method": environ["REQUEST_METHOD"],
            "target": environ["RAW_URI"],
            "host": environ.get("HTTP_HOST"),
            "client": environ["REMOTE_ADDR"],
            "server": environ["SERVER_NAME"],
            "query": urllib.parse.quote(environ["QUERY_STRING"]),
            "body": environ["wsgi.input"].read().hex(),
        }
        body = json.dumps(seen).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def _offer():
    """The application's own, with one more file, larger than any socket's buffer."""
    own = served.extensions.get(EXTENSION) or Offer(
        prebuild(publish(loaded)), (("X-Content-Type-Options", "nosniff"),), Metrics()
    )
    large = build("application/octet-stream", LARGE)
    return replace(own, resources={**own.resources, ("127.0.0.1", "/large"): large})


LARGE = bytes(range(256)) * 40_000
app = Mirror()
app.extensions[EXTENSION] = _offer()
