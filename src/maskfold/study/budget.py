"""What fits into a budget of time: how many trials, and how many confirmations after them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from maskfold.errors import InputError

SEARCH: Final = 0.6
"""Share of the budget for the search; the rest confirms what it found. In simulations this gained as much as a search
with the whole budget, was worse than the untouched recipe half as often, and announced a quarter of the false gain."""
MOST_CANDIDATES: Final = 4
"""Trials that are confirmed."""
USUAL_SEEDS: Final = 2
"""Fresh seeds of a confirmation, if they fit."""
MOST_SEEDS: Final = 5
MOST_TRIALS: Final = 1000
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_PARTS: Final = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_LONGEST: Final = 366 * 24 * 3600.0


@dataclass(frozen=True)
class Confirmation:
    """How much is trained again with fresh seeds."""

    candidates: int
    """The best so many trials; 0 where nothing can be confirmed."""
    seeds: int


def parse_budget(text: str) -> float:
    """Return the seconds of ``45m``, ``2h``, ``30s`` or ``1h30m``.

    Raises:
        InputError: If it is none of these.
    """
    given = text.strip().lower()
    parts = _PARTS.findall(given)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != given or not 0 < seconds <= _LONGEST:
        raise InputError(f"--budget {text!r}: expected a time such as 30s, 45m, 2h or 1h30m")
    return seconds


def room_for_trial(budget: float | None, spent: float, running: int, costs: Sequence[float]) -> bool:
    """Return whether one more trial fits into the search's share.

    Args:
        budget: Seconds; None has no limit.
        spent: Seconds of all that is finished.
        running: Trials that are under way.
        costs: Seconds that finished trials took.
    """
    if budget is None or not costs:
        return True
    return spent + (running + 1) * fmean(costs) <= SEARCH * budget


def plan_confirmation(left: float | None, base: float, costs: Sequence[float]) -> Confirmation:
    """Return how much confirmation fits.

    Args:
        left: Seconds; None has no limit.
        base: Seconds that the recipe as it is takes with one seed.
        costs: Those of the candidates, the best first.
    """
    most = min(len(costs), MOST_CANDIDATES)
    if left is None or not most:
        return Confirmation(most, USUAL_SEEDS if most else 0)
    for seeds in (USUAL_SEEDS, 1):
        for candidates in range(most, 0, -1):
            round_ = base + sum(costs[:candidates])
            if seeds * round_ <= left:
                fit = int(left // round_) if round_ > 0 else MOST_SEEDS
                return Confirmation(candidates, min(MOST_SEEDS, max(seeds, fit)))
    return Confirmation(0, 0)


def time_of(jobs: Sequence[Mapping[str, float]]) -> float:
    """Return the seconds of all jobs, each counted once.

    Args:
        jobs: By trial, seconds by the job's key.
    """
    once: dict[str, float] = {}
    for some in jobs:
        once |= some
    return sum(once.values())
