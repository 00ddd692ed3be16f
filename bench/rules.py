"""
Rules × URLs a second: both engines beside a plain matcher over Python's ``re``.

    python bench/rules.py [ROUNDS]

The plain matcher turns each pattern into a regular expression (``*`` is ``.*``, ``?`` is ``.``) and
tries the paths one after another: what a quick script does. All three are measured in turns, in
one process; printed are medians and the ratio to the plain matcher. The last rows show what it
costs where the plain matcher goes back and tries again.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from deeplink.association.android import Component
from deeplink.association.android_match import compile_rules
from deeplink.association.apple import parse
from deeplink.association.apple_match import decide

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "go.example.com"
APP = "ABCDE12345.com.example.app"


class Task(NamedTuple):
    """Paths of rules, and URLs that are each asked for against all of them."""

    name: str
    paths: list[str]
    urls: list[str]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"medians of {rounds} rounds; rules × URLs a second, and × the plain matcher")
    print(f"{'':<34}{'re':>12}{'Apple':>12}{'':>8}{'Android':>12}{'':>8}")
    for task in tasks():
        matchers = {"re": plain(task), "apple": apple(task), "android": android(task)}
        expected = [matchers["re"](url) for url in task.urls]
        assert [matchers["apple"](url) for url in task.urls] == expected, task.name
        rates: dict[str, list[float]] = {name: [] for name in matchers}
        for _ in range(rounds):
            for name, matches in matchers.items():
                rates[name].append(rate(task, matches))
        medians = {name: statistics.median(values) for name, values in rates.items()}
        base = medians["re"]
        print(
            f"{task.name:<34}{base:>12,.0f}"
            f"{medians['apple']:>12,.0f}{medians['apple'] / base:>8.2f}"
            f"{medians['android']:>12,.0f}{medians['android'] / base:>8.2f}"
        )


def tasks() -> list[Task]:
    sections = ["product", "invite", "order", "account", "help", "news", "shop", "event"]
    long_tail = "/".join(["segment"] * 512)
    hostile = "/" + "a" * 60
    return [
        Task(
            "10 rules, 100 short URLs",
            [f"/{name}/*" for name in (*sections, "x", "y")],
            [f"https://{HOST}/{sections[n % 8]}/{n}" for n in range(100)],
        ),
        Task(
            "1 000 rules, 20 short URLs, a miss",
            [f"/{sections[n % 8]}/{n}/*/edit" for n in range(1000)],
            [f"https://{HOST}/nothing/{n}" for n in range(20)],
        ),
        Task(
            "10 000 rules, a URL of 4 KB",
            [f"/{sections[n % 8]}/{n}/*/edit" for n in range(10_000)],
            [f"https://{HOST}/help/9996/{long_tail}/edit"],
        ),
        Task(
            "10 000 rules that star, 4 KB",
            [f"/*/{n}/edit" for n in range(10_000)],
            [f"https://{HOST}/{long_tail}/9999/edit"],
        ),
        Task(
            "1 rule that goes back: *a*a*a*a*a*b", ["/*a*a*a*a*a*b"], [f"https://{HOST}{hostile}"]
        ),
    ]


def plain(task: Task) -> Callable[[str], bool]:
    """A regular expression for each path, tried in order."""
    signs = {"*": ".*", "?": "."}
    rules = [
        re.compile("".join(signs.get(char) or re.escape(char) for char in path), re.DOTALL)
        for path in task.paths
    ]

    def matches(url: str) -> bool:
        path = url.removeprefix(f"https://{HOST}")
        return any(rule.fullmatch(path) for rule in rules)

    return matches


def apple(task: Task) -> Callable[[str], bool]:
    components = [{"/": path} for path in task.paths]
    file = parse({"applinks": {"details": [{"appIDs": [APP], "components": components}]}})
    return lambda url: decide(file, APP, url, HOST).rule is not None


def android(task: Task) -> Callable[[str], bool]:
    rules = compile_rules([Component(path) for path in task.paths])
    return lambda url: rules.decide(url).allowed


def rate(task: Task, matches: Callable[[str], bool]) -> float:
    started = time.perf_counter()
    for url in task.urls:
        matches(url)
    return len(task.paths) * len(task.urls) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
