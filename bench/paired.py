"""Interleaved paired rounds: ratios taken side by side, their median, a bootstrap interval."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Round(NamedTuple):
    """Requests a second, and microseconds of the server's CPU a request."""

    rate: float
    cpu: float


class Comparison(NamedTuple):
    """Medians of both sides, and of their ratios with the 95 % interval of that median."""

    ours: Round
    peer: Round
    ratio: float
    low: float
    high: float
    cpu_ratio: float
    rounds: list[tuple[Round, Round]]


def compare(ours: Callable[[], Round], peer: Callable[[], Round], rounds: int) -> Comparison:
    """Run both in turns, the order turning too, so that a noisy minute falls on both alike."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            other, own = peer(), ours()
        else:
            own, other = ours(), peer()
        pairs.append((own, other))
    ratios = [own.rate / other.rate for own, other in pairs]
    low, high = bootstrap(ratios)
    return Comparison(
        ours=_median([own for own, _ in pairs]),
        peer=_median([other for _, other in pairs]),
        ratio=statistics.median(ratios),
        low=low,
        high=high,
        cpu_ratio=statistics.median(own.cpu / max(other.cpu, 0.001) for own, other in pairs),
        rounds=pairs,
    )


def bootstrap(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """The 95 % interval of the median of *values*; the same values give the same interval."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


def _median(rounds: Sequence[Round]) -> Round:
    return Round(
        statistics.median(each.rate for each in rounds),
        statistics.median(each.cpu for each in rounds),
    )
