"""The floors of the house: who may import whom, and which rooms stay pure."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

#: Each line stands on the lines over it; modules of one line may know each other.
FLOORS = [
    ["errors", "findings", "secret", "malformed", "places", "fingerprint", "words", "brand"],
    ["association"],
    ["visitor", "refusals"],
    ["sandbox"],
    ["logs", "metrics", "wire", "outbound"],
    ["store"],
    ["limits"],
    ["oauth"],
    ["languages", "templates"],
    ["shape", "schema", "rules", "dropins", "config"],
    ["publication"],
    ["journey"],
    ["web"],
    ["cli"],
]

#: The law of the pure rooms: no framework, no files, no clock, no network, no logging.
IMPURE = {
    "flask", "logging", "os", "pathlib", "random", "requests", "secrets", "socket",
    "subprocess", "tempfile", "time", "urllib3",
}  # fmt: skip

HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}
PURE = [room for floor in FLOORS[:3] for room in floor]

#: cli modules that may call the application factory.
MAY_KNOW_WEB = {"serve", "rehearse"}


def modules(root):
    for path in sorted((root / "deeplink").rglob("*.py")):
        parts = path.relative_to(root / "deeplink").with_suffix("").parts
        if parts not in {("__init__",), ("__main__",)}:
            yield path, parts[0], parts[-1]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "deeplink":
            yield from (f"deeplink.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_every_room_has_a_floor(root):
    assert {room for _, room, _ in modules(root)} - set(HEIGHT) == set()


def test_no_module_imports_from_a_floor_below_it(root):
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for path, room, _ in modules(root)
        for name in imports(path)
        if name.startswith("deeplink.") and HEIGHT[name.split(".")[1]] > HEIGHT[room]
    ]
    assert wrong == []


def test_web_and_cli_do_not_know_each_other(root):
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for path, room, module in modules(root)
        for name in imports(path)
        if room == "cli" and name.startswith("deeplink.web") and module not in MAY_KNOW_WEB
    ]
    assert wrong == []


def test_the_sandbox_knows_nothing_that_talks_to_a_provider(root):
    allowed = {"deeplink.sandbox", "deeplink.errors", "deeplink.findings", "deeplink.secret"}
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for path, room, _ in modules(root)
        for name in imports(path)
        if room == "sandbox" and name.startswith("deeplink.")
        if ".".join(name.split(".")[:2]) not in allowed
    ]
    assert wrong == []


def test_pure_rooms_import_nothing_that_touches_the_world(root):
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for path, room, _ in modules(root)
        for name in imports(path)
        if room in PURE and name.split(".")[0] in IMPURE
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["config", "templates", "well_known"])
def test_a_folder_of_data_holds_no_code(root, folder):
    """``import config`` would succeed as a namespace package and hide the mistake."""
    assert list((root / folder).rglob("*.py")) == []


def test_importing_the_command_line_stays_light(root):
    """``deeplink --help`` must not pay for a web server or an HTTP client."""
    script = (
        "import sys, deeplink.cli; "
        "print(*{'flask', 'gunicorn', 'urllib3', 'jsonschema', 'cryptography'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
