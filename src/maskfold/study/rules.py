"""The rules of a search: when a trial ends early, which are confirmed, which is adopted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from maskfold.specs import SearchedTrial, VariantScore

ENOUGH: Final = 0.7
"""A variant is adopted if its mean paired difference exceeds so many of its standard errors. In simulations with
differences between folds of .016, this rule kept nearly all true gains and seldom adopted a loss."""
FAR_BELOW: Final = 3.0
"""A trial is not trained on its other folds if it is more than so many paired standard deviations below the recipe as
it is on the first one."""


def is_hopeless(difference: float | None, error: float | None) -> bool:
    """Return whether a trial's other folds are not worth their time, by its first one."""
    return difference is not None and error is not None and difference < 0 and difference < -FAR_BELOW * error


def candidates(trials: Sequence[SearchedTrial]) -> list[SearchedTrial]:
    """Return the trials that are worth a confirmation, the best first: those that scored above the recipe as it is."""
    better = [one for one in trials if one.state == "complete" and (one.difference or 0) > 0]
    return sorted(better, key=lambda one: (-(one.difference or 0), one.number))


def adopted(confirmed: Sequence[VariantScore]) -> VariantScore | None:
    """Return the best trial of a confirmation if it is better by the rule; None if the recipe stays as it is.

    Args:
        confirmed: The recipe as it is, then trials, with seeds that the search has not seen.
    """
    best = max(confirmed[1:], key=lambda one: one.difference, default=None)
    return best if best is not None and best.difference > ENOUGH * best.error else None
