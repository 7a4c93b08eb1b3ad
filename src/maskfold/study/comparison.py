"""Whether one recipe is better than another: paired differences over people and over seeds.

All variants are scored on the same people, out-of-fold, and in the same resamples of these people, so that their
differences are paired. A person counts as a whole: photographs of one person are right and wrong together, and an
interval over photographs would be falsely narrow. Seeds are drawn with replacement as well, since a variant that wins
with one seed may lose with the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from maskfold.ensemble.bootstrap import RESAMPLES, Answers, interval, resample
from maskfold.ensemble.scores import macro_f1
from maskfold.scheme import FloatArray, IntArray

ENOUGH: Final = 0.7
"""A variant is adopted if its mean paired difference exceeds so many of its standard errors. In simulations with
differences between folds of .016, this rule kept nearly all true gains and seldom adopted a loss."""


@dataclass(frozen=True)
class Difference:
    """How much better a variant is than the base; positive is better."""

    score: float
    """Macro-F1 of the variant, mean over seeds."""
    by_seed: tuple[float, ...]
    """Difference of the scores with each seed."""
    low: float
    """Lower end of the 95 % interval of the mean difference."""
    high: float
    error: float
    """Standard error of the mean difference."""

    @property
    def mean(self) -> float:
        """Mean difference over seeds."""
        return float(np.mean(self.by_seed))

    @property
    def always(self) -> bool:
        """Whether the variant is better with every seed."""
        return min(self.by_seed) > 0

    @property
    def wins(self) -> bool:
        """Whether it is adopted: better with every seed, and by more than :data:`ENOUGH` standard errors."""
        return self.always and self.mean > ENOUGH * self.error


def compare(
    persons: ArrayLike,
    true: IntArray,
    predicted: Mapping[str, Sequence[IntArray]],
    base: str,
    size: int,
    resamples: int = RESAMPLES,
) -> dict[str, Difference]:
    """Compare variants with a base.

    Args:
        persons: The person of each photograph, (N,).
        true: (N,) true joint classes.
        predicted: By variant, the out-of-fold answers of the vote with each seed, (N,) each; the same number of seeds
            for all.
        base: Name of the variant that the others are compared with.
        size: Number of joint classes.
        resamples: How many resamples of people and seeds.

    Returns:
        By variant; the base's own difference is 0.
    """
    names = list(predicted)
    n_seeds = len(predicted[base])
    answers = [Answers(true, one, size) for name in names for one in predicted[name]]
    drawn = np.stack([one.macro_f1 for one in resample(persons, answers, resamples)])
    scores = drawn.reshape(len(names), n_seeds, resamples)
    chosen = np.random.default_rng(0).integers(n_seeds, size=(resamples, n_seeds))
    whole = {name: np.array([macro_f1(true, one, size) for one in predicted[name]]) for name in names}
    place = names.index(base)
    return {
        name: _difference(whole[name], whole[base], scores[number] - scores[place], chosen)
        for number, name in enumerate(names)
    }


def _difference(scores: FloatArray, base: FloatArray, drawn: FloatArray, chosen: IntArray) -> Difference:
    """Summarise one variant.

    Args:
        scores: (seeds,).
        base: (seeds,).
        drawn: (seeds, resamples): differences in the same resamples of people.
        chosen: (resamples, seeds): the seeds of each resample.
    """
    means = np.asarray(drawn.T[np.arange(len(chosen))[:, None], chosen].mean(axis=1))
    low, high = interval(means)
    by_seed = tuple(float(one) for one in scores - base)
    return Difference(float(scores.mean()), by_seed, low, high, float(means.std(ddof=1)))
