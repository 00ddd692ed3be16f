"""docs/openapi.json tells the truth about the standard face, whatever is sent to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import configured

#: Well-formed and refused is an authorization server's daily work: no check for us.
NOT_OURS = "positive_data_acceptance"


@pytest.fixture
def schemathesis():
    beside = Path(sys.executable).with_name("schemathesis")
    path = str(beside) if beside.exists() else shutil.which("schemathesis")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("schemathesis is missing: it is in requirements-test.txt")
    if path is None:
        pytest.skip("schemathesis is missing: it is in requirements-test.txt")
    return path


@pytest.fixture
def unlimited(tmp_path, root, sandbox):
    """A server of this test's own, which takes as much from one address as is sent."""
    config = (root / "config" / "deeplink.toml").read_text("utf-8")
    config = config.replace("\n[limits]\n", "\n[limits]\nper_address = 0\n")
    with configured(tmp_path, config, root=root, sandbox=sandbox) as server:
        yield server


def test_whatever_is_sent_the_answer_is_a_described_one_and_no_5xx(
    schemathesis, unlimited, root, tmp_path
):
    done = subprocess.run(
        [
            schemathesis, "run", str(root / "docs" / "openapi.json"), "--url", unlimited.url,
            "--max-examples", "30", "--exclude-checks", NOT_OURS, "--no-color",
            "--generation-database", "none", "--seed", "7",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Tested: 9" in done.stdout
    lines = [json.loads(line) for line in unlimited.printed().splitlines() if '"route"' in line]
    asked = [line for line in lines if line["route"].startswith(("/oauth/", "/.well-known/oauth"))]
    assert len(asked) > 100
    assert [line for line in asked if line["status"] in (429, *range(500, 600))] == []


def test_the_description_names_every_address_of_the_face(root):
    described = json.loads((root / "docs" / "openapi.json").read_text("utf-8"))["paths"]
    source = (root / "deeplink" / "web" / "facade.py").read_text("utf-8")
    routes = set(re.findall(r'"(/(?:oauth|\.well-known)/[^"]*)"', source))
    routes = {route.replace("<provider>", "{provider}") for route in routes if ":verb" not in route}
    assert routes == set(described)
