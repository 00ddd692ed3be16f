"""Logins on bad days: three hundred of what ``make faults`` does with ten thousand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def rows(root):
    """What the apps saw, by fault; both stores at the same time, as most of it is waiting."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: make setup-system installs it")
    command = [sys.executable, "bench/faults.py", "--json", "--logins", "150", "--store"]
    runs = [
        subprocess.Popen([*command, store], cwd=root, stdout=subprocess.PIPE, text=True)
        for store in ("sqlite", "redis")
    ]
    told = [run.communicate(timeout=500)[0] for run in runs]
    return {row["fault"]: row for text in told for row in json.loads(text)}


def test_no_fault_doubles_a_login_or_leaves_it_without_an_end(rows):
    assert sum(row["logins"] for row in rows.values()) >= 300
    assert [name for name, row in rows.items() if row["doubled"] or row["unfinished"]] == []


def test_a_login_is_lost_only_between_the_providers_commit_and_our_write(rows):
    assert [name for name, row in rows.items() if row["start_again"] > row["excused"]] == []
    harmless = [row for name, row in rows.items() if "killed before answer" in name]
    assert [row["tokens"] for row in harmless] == [row["logins"] for row in harmless]


def test_every_fault_was_as_it_should_be(rows):
    assert {name: row["notes"] for name, row in rows.items() if not row["is_fine"]} == {}


@pytest.mark.parametrize("store", ["sqlite", "redis"])
@pytest.mark.parametrize("fault", ["20 refreshes at once", "64 apps, one code"])
def test_many_who_ask_at_once_are_one_call_and_get_equal_answers(rows, store, fault):
    row = rows[f"{store}: {fault}"]
    assert (row["calls"], row["tokens"]) == (1, row["logins"])


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_junk_verifier_first_does_not_keep_the_owner_out(rows, store):
    assert rows[f"{store}: junk verifier first, owner second"]["tokens"] == 1


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_s12_s28_no_canary_in_logs_metrics_stores_or_command_lines(rows, store):
    assert rows[f"{store}: canaries"]["notes"] == []
