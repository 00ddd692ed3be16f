"""Values that lie outside the config: in the environment, or in a file that a host mounts."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from deeplink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.rules.report import Path, Report

#: Bytes. A secret file that is larger is no secret file.
_MAX_SECRET = 64 * 1024

#: What we call by its name. Anything else may be a secret in the place of its variable's name.
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


def text(value: Any, path: Path, environ: Mapping[str, str], report: Report) -> str | None:
    """The text that *value* is or points to; None, and a finding, where there is none."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else None
    if "env" not in value:
        return None
    found = environ.get(value["env"], "")
    if not found.strip():
        report.error("CFG016", path, f"needs {name_of(value['env'])}, which is not set", "set it")
        return None
    if found != found.strip():
        _note_white_space(name_of(value["env"]), path, report)
        return None
    return found


def secret(
    value: Any,
    path: Path,
    environ: Mapping[str, str],
    report: Report,
    *,
    needed: bool,
    has_lines: bool = False,
) -> Secret | None:
    """
    The secret that *value* points to, or None.

    An unset variable is a finding only where the secret is *needed*; a pointer that cannot be
    followed is always one. One that *has_lines* (PEM) may hold white space.
    """
    if not isinstance(value, dict) or not value:
        return None
    found = _in_file(value["file"], path, report) if "file" in value else None
    if "env" in value:
        found = environ.get(value["env"], "")
        if not found.strip():
            if needed:
                what = f"needs {name_of(value['env'])}, which is not set"
                report.error("CFG016", path, what, "set it where the server runs, not in this file")
            return None
    if found is None:
        return None
    if has_lines:
        # Several hosts take only one line for a variable; RFC 7468 has no backslash.
        return Secret(found.replace("\\n", "\n"))
    if found != found.strip() or any(character.isspace() for character in found):
        source = name_of(value["env"]) if "env" in value else "the file"
        _note_white_space(source, path, report)
        return None
    return Secret(found)


def name_of(variable: str) -> str:
    """The variable's name for a finding; what does not look like one is not repeated."""
    return variable if _NAME.fullmatch(variable) else "the environment variable named here"


def _note_white_space(source: str, path: Path, report: Report) -> None:
    what = f"takes its value from {source}, which has white space in it"
    report.error("CFG017", path, what, "remove spaces and line ends, also those at the end")


def _in_file(name: str, path: Path, report: Report) -> str | None:
    hint = "let the user that runs the server read it"
    try:
        # A pipe that nobody writes to would make us wait for ever.
        with open(os.open(name, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            octets = file.read(_MAX_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        report.error("CFG018", path, f"names a file that cannot be read ({reason})", hint)
        return None
    if not octets.strip():
        report.error("CFG018", path, "names a file that is empty", "write the secret into it")
        return None
    if len(octets) > _MAX_SECRET or b"\0" in octets:
        hint = "write only the secret into it"
        report.error("CFG018", path, "names a file that is no secret", hint)
        return None
    try:
        # Every editor ends a file with a line end.
        return octets.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        report.error(
            "CFG018", path, "names a file that is not UTF-8", "write only the secret into it"
        )
        return None
