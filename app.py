"""The WSGI entry, ``gunicorn app:app``: the only module that acts when it is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deeplink import config, logs
from deeplink.errors import ConfigError
from deeplink.web.wiring import create_app

ROOT = Path(__file__).parent

logs.configure(os.environ.get("LOG_LEVEL", "INFO"))
try:
    loaded = config.load(
        Path(os.environ.get("DEEPLINK_CONFIG") or ROOT / "config" / "deeplink.toml"),
        os.environ,
        well_known=ROOT / "well_known",
    )
except ConfigError as error:
    print(error, file=sys.stderr)
    print("deeplink: the server does not start on a config with errors", file=sys.stderr)
    # gunicorn takes 3 for "the worker cannot boot" and stops; any other ending of an import
    # makes it boot workers for ever or print a traceback.
    raise SystemExit(3) from None

# gunicorn.conf.py sets both variables to what is true once the command line was read.
app = create_app(
    loaded,
    root=ROOT,
    threads=int(os.environ.get("DEEPLINK_THREADS") or 64),
    processes=int(os.environ.get("WEB_CONCURRENCY") or 1),
)
