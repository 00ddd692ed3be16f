"""``deeplink conform``: our engines behind a line protocol, so that any engine can be compared."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Engine = Callable[[dict[str, Any]], dict[str, Any]]


@click.command()
@click.argument("kind", type=click.Choice(["apple", "statements", "android-match"]))
def conform(kind: str) -> None:
    """
    Answer one JSON question a line with one JSON answer a line.

    \b
    deeplink conform apple < questions.jsonl
    deeplink conform statements < questions.jsonl
    deeplink conform android-match < questions.jsonl

    Answers come in order and a bad line stops nothing: it is answered with "invalid". The shapes
    are those of tests/vectors/*.jsonl without their answers.
    """
    engine = _engine(kind)
    for line in sys.stdin.buffer:
        if line.strip():
            answer = _answer(engine, line)
            sys.stdout.write(json.dumps(answer, default=str) + "\n")
            sys.stdout.flush()


def _engine(kind: str) -> Engine:
    if kind == "apple":
        from deeplink.association.apple_match import conform as apple

        return apple
    if kind == "statements":
        from deeplink.association.android_statements import conform_statements

        return conform_statements
    from deeplink.association.android_match import conform_match

    return conform_match


def _answer(engine: Engine, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {"id": None, "error": "not a line of JSON"}
    if not isinstance(row, dict):
        return {"id": None, "error": "not a JSON object"}
    return engine(row)
