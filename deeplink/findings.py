"""
What is wrong, where, and what to write instead: the one form in which every check speaks.

``check``, the linters over association files and the drop-in reader all answer with Findings,
so they print alike: ``FILE:LINE: severity CODE: what is wrong; what to write instead``.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """How much a finding weighs; only an error stops the server or fails ``check``."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a finding lies. *line* and *column* count from 1; 0 means "the file as a whole".

    *key* is the dotted path of the value (``apps.demo.ios.app_ids[0]``), empty for all of it.
    """

    file: str
    line: int = 0
    column: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One fault. *code* is stable (``CFG012``); *what* and *hint* are a clause each, no full stop.

    *engines* names the systems a fault of an association file concerns; empty means all.
    """

    code: str
    severity: Severity
    place: Place
    what: str
    hint: str = ""
    engines: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.place.file}:{self.place.line}" if self.place.line else self.place.file
        subject = f"{self.place.key} " if self.place.key else ""
        hint = f"; {self.hint}" if self.hint else ""
        for_whom = f" [{', '.join(self.engines)}]" if self.engines else ""
        return f"{where}: {self.severity} {self.code}: {subject}{self.what}{hint}{for_whom}"

    def as_json(self) -> dict[str, object]:
        """The finding as the plain values that ``--json`` prints."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "key": self.place.key,
            "severity": str(self.severity),
            "code": self.code,
            "what": self.what,
            "hint": self.hint,
            "engines": list(self.engines),
        }


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings as people read them: by file, then line, then column, then code."""
    return sorted(
        findings, key=lambda f: (f.place.file, f.place.line, f.place.column, f.code, f.what)
    )


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """
    A hint that names the known word nearest to *word*, or lists them all if none is near.

    >>> did_you_mean("package_nmae", ["package_name", "sha256_cert_fingerprints"])
    'did you mean "package_name"?'
    """
    known = sorted(known)
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{folded[near[0]]}"?'
    return "known here: " + ", ".join(known)
