"""
The voice of the commands: what goes where, and how it looks.

What was asked for goes to standard output, so that it can be piped; what is wrong with the
asking goes to standard error. Lines begin in lower case and end with a next step. Colours are
for a terminal only, and not where NO_COLOR is set (https://no-color.org).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from deeplink.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deeplink.findings import Finding

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def line(text: str = "", *, to_stderr: bool = False) -> None:
    click.echo(text, err=to_stderr, color=False if os.environ.get("NO_COLOR") else None)


def as_json(value: object) -> None:
    line(json.dumps(value, indent=2, ensure_ascii=False))


def findings(found: Iterable[Finding], *, to_stderr: bool = False) -> None:
    """One line each; the weight is the one coloured word."""
    for finding in found:
        weight = f": {finding.severity} "
        styled = f": {click.style(str(finding.severity), fg=_COLOURS[finding.severity])} "
        # A file's name may hold the word; the weight is the last thing before the code.
        before, weight, after = str(finding).partition(f"{weight}{finding.code}: ")
        line(f"{before}{styled}{finding.code}: {after}", to_stderr=to_stderr)


def tally(found: Sequence[Finding]) -> str:
    """
    How many findings of each weight, in words; empty if there are none.

    >>> tally([])
    ''
    """
    counts = [(sum(f.severity is weight for f in found), weight) for weight in Severity]
    names = {Severity.INFO: ("remark", "remarks")}
    words = [
        f"{count} {names.get(weight, (weight, f'{weight}s'))[count != 1]}"
        for count, weight in counts
        if count
    ]
    return ", ".join(words)


def table(rows: Iterable[tuple[str, str]]) -> None:
    """Pairs in two columns, indented; a repeated first word is not repeated."""
    rows = list(rows)
    width = max((len(word) for word, _ in rows), default=0)
    last = None
    for word, text in rows:
        shown = "" if word == last else word
        line(f"  {shown:<{width}}  {text}".rstrip())
        last = word
