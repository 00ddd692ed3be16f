"""All rows of the Apple vectors: Apple's own tool, its documentation, and what follows."""

import json
from pathlib import Path

import pytest

from deeplink.association.apple_match import conform

LINES = (Path(__file__).parents[1] / "vectors" / "apple.jsonl").read_text("utf-8").splitlines()


@pytest.mark.parametrize("row", [pytest.param(r, id=r["id"]) for r in map(json.loads, LINES)])
def test_every_vector_is_decided_as_its_source_says(row):
    question = {key: value for key, value in row.items() if key != "expect"}
    assert conform(question) == {"id": row["id"], "decision": row["expect"]}, row["source"]
