"""
Every measurement in turn, and the README's table of what they gave.

    python bench/table.py [--rounds 15] [--only files,crowds,busy,…] [--write]

Each part is a command of this folder and says itself how it measures. With ``--write`` the tables
replace those in the README between the marks; without it they are only printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import servers

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- what make bench printed last -->", "<!-- end of what it printed -->"
C_PARSER = ROOT / ".venv" / "h1c" / "bin" / "python"


class Part(NamedTuple):
    """A row of the list: what it is called, and the commands that measure it."""

    name: str
    title: str
    commands: list[list[str]]


def parts(rounds: int) -> list[Part]:
    files = [["run.py", "--rounds", str(rounds)]]
    if C_PARSER.exists():
        files.append([*files[0], "--python", str(C_PARSER), "--only", "600 B"])
    two = ["run.py", "--rounds", str(rounds), "--workers", "2", "--only", "no two heads"]
    return [
        Part("files", "The two files, beside one nginx worker with the same bytes", [*files, two]),
        Part("crowds", "The files beside crowds", [["crowds.py"]]),
        Part("busy", "The files while exchanges take all of the core", [["saturated.py"]]),
        Part("exchange", "The exchange, provider 150 ms away, beside node", [["exchange.py"]]),
        Part("start", "Start and memory, beside a bare Flask application", [["boot.py"]]),
        Part("rules", "Rules and files, judged", [["rules.py"]]),
        Part("pages", "Pages", [["pages.py"]]),
    ]


def main() -> None:
    options = _options()
    servers.needed("nginx", "wrk", "ab", "node", "taskset")
    if not C_PARSER.exists():
        print("bench: gunicorn_h1c is not installed (make bench tries); its rows are left out")
    chosen = options.only.split(",")
    texts = []
    for part in parts(options.rounds):
        if part.name in chosen:
            print(f"\n== {part.title}", flush=True)
            printed = "\n\n".join(_caption(command) + _run(command) for command in part.commands)
            texts.append(f"**{part.title}**\n\n{_tables(printed)}")
    if options.write:
        _write("\n\n".join([_machine(), *texts]))


def _caption(command: list[str]) -> str:
    return "With gunicorn_h1c installed: " if str(C_PARSER) in command else ""


def _run(command: list[str]) -> str:
    """What *command* prints, which is shown as it comes."""
    lines = []
    script, *arguments = command
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(script)), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise SystemExit(f"bench: {script} ended with {process.returncode}")
    return "".join(lines).strip()


def _tables(printed: str) -> str:
    """*printed* as Markdown: its tables stay, aligned columns become code, the rest is text."""
    return "\n\n".join(map(_block, filter(None, re.split(r"\n{2,}", printed))))


def _block(text: str) -> str:
    if text.startswith("|"):
        return text
    return f"```\n{text}\n```" if re.search(r"\S {3,}\S", text) else text.replace("\n", "  \n")


def _machine() -> str:
    today = time.strftime("%Y-%m-%d")
    return (
        f"The commands of `make bench` printed this on {today}: {os.cpu_count()} cores, Linux "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}. "
        "A ratio above 1 means that this server is faster than its neighbour in the same run; "
        "absolute figures belong to that machine."
    )


def _write(text: str) -> None:
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    if not rest:
        raise SystemExit(f"bench: README.md has no line {BEGIN}")
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="files,busy,exchange,start,rules,pages")
    parser.add_argument("--write", action="store_true", help="into the README")
    return parser.parse_args()


main()
