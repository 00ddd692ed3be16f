"""Where the folders of data lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]

#: The folder that holds ``config``, ``templates`` and ``well_known``.
HOME = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _PACKAGE.parent

#: The config that a command takes when none is named.
CONFIG = HOME / "config" / "deeplink.toml"

WELL_KNOWN = HOME / "well_known"
TEMPLATES = HOME / "templates"
