"""All rows of the Android vectors: Google's conformance suite, AOSP's tests, derived rows."""

import json
from pathlib import Path

import pytest

from deeplink.association.android_match import conform_match
from deeplink.association.android_statements import conform_statements

VECTORS = Path(__file__).parents[1] / "vectors"

#: The suite contradicts itself: comptest1101 calls an unfiltered list of "[]" a success,
#: comptest2002 and comptest3002 call it "No statements were found". We follow the latter two.
CONTRADICTED = {"dal-030"}


def rows(name):
    lines = (VECTORS / name).read_text("utf-8").splitlines()
    return [pytest.param(row, id=row["id"]) for row in map(json.loads, lines)]


@pytest.mark.parametrize("row", rows("android-statements.jsonl"))
def test_each_reader_answers_as_its_source_says(row):
    answer = conform_statements(row)
    if row["id"] in CONTRADICTED:
        assert (answer["verdict"], row["expect"]) == ("invalid", "not_linked")
        return
    assert answer["verdict"] == row["expect"], row["note"]
    if row["engine"] == "google_dal_api":
        assert set(row.get("errors", ())) <= set(answer["errors"])


@pytest.mark.parametrize(
    "row", [one for one in rows("android-statements.jsonl") if "expect_statements" in one.values[0]]
)
def test_a_list_holds_the_statements_that_the_suite_lists(row):
    def key(statement):
        return json.dumps(statement, sort_keys=True)

    answer = conform_statements(row)["statements"]
    assert sorted(answer, key=key) == sorted(row["expect_statements"], key=key)


@pytest.mark.parametrize("row", rows("android-match.jsonl"))
def test_patterns_rules_and_filters_match_as_android_does(row):
    inputs = row.get("match", []) + row.get("no_match", [])
    answer = conform_match({**row, "inputs": inputs})
    if row.get("expect"):
        assert answer["result"] == row["expect"]
        return
    for name in ("type", "pattern"):
        if row["kind"].startswith("dal_expression"):
            assert answer[name] == row[name]
    if inputs:
        wanted = [True] * len(row.get("match", [])) + [False] * len(row.get("no_match", []))
        assert answer["results"] == wanted
    if "cases" in row:
        assert answer["results"] == [case["expect"] for case in row["cases"]]
