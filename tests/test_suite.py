"""The suite itself: every test that was written is run."""

from __future__ import annotations

import ast
import subprocess
import sys


def test_every_written_test_is_collected(root):
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    collected = {
        (line.split("::")[0], line.split("::")[-1].split("[")[0])
        for line in listing.splitlines()
        if "::" in line
    }
    assert _written(root) - collected == set()


def _written(root):
    return {
        (str(path.relative_to(root)), node.name)
        for path in sorted((root / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
