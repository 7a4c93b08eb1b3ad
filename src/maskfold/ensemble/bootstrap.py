"""How sure a score is: the bootstrap over people.

Photographs of one person are right and wrong together, so that a person with all photographs is what is drawn, not a
photograph. Where a data set names no persons, each photograph counts as a person of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskfold.scheme import FloatArray, IntArray

RESAMPLES: Final = 2_000
LEVEL: Final = 0.95
"""Share of the resamples within an interval."""
_AT_A_TIME: Final = 100
"""Resamples; a limit to the memory for those of many photographs."""
_EXACT_IN_FLOAT32: Final = 2**24


@dataclass(frozen=True)
class Answers:
    """What a voter says of one target."""

    true: IntArray
    """(images,)."""
    predicted: IntArray
    """(images,)."""
    size: int
    """Number of classes."""


@dataclass(frozen=True)
class Resampled:
    """Scores in each resample, (resamples,) each."""

    macro_f1: FloatArray
    accuracy: FloatArray


def resample(
    persons: ArrayLike, answers: Sequence[Answers], resamples: int = RESAMPLES, seed: int = 0
) -> list[Resampled]:
    """Score answers in resamples of the people, drawn with replacement, each with all photographs.

    All answers are scored in the same resamples, so that differences between them are paired. A class that a resample
    happens to lack, and that no answer names there, has no F1; the mean of the others stands for it, so that rare
    classes make an interval wider rather than lower.

    Args:
        persons: The person of each image, (images,).
        answers: For the same images.
        resamples: How many.
        seed: Of the draws.
    """
    person = np.unique(np.asarray(persons), return_inverse=True)[1]
    n_people = int(person.max()) + 1
    counts = [_counts(one, person, n_people) for one in answers]
    sums = [np.empty((resamples, one.shape[1])) for one in counts]
    random = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_A_TIME):
        rows = min(_AT_A_TIME, resamples - start)
        # One histogram for all: each resample's people have numbers of their own.
        drawn = random.integers(n_people, size=(rows, n_people)) + n_people * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * n_people).reshape(rows, n_people)
        for total, one in zip(sums, counts, strict=True):
            total[start : start + rows] = times.astype(one.dtype) @ one
    return [_scores(total, one.size) for total, one in zip(sums, answers, strict=True)]


def interval(values: FloatArray) -> tuple[float, float]:
    """Return the percentile interval of a statistic from its values in resamples.

    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall, chapter 13.
    """
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _counts(answers: Answers, person: NDArray[np.intp], n_people: int) -> NDArray[np.floating[Any]]:
    """Count hits, answers and truths of each class, (people, 3 x classes)."""
    right = answers.predicted == answers.true
    size = answers.size

    def count(people: NDArray[np.intp], classes: IntArray) -> IntArray:
        found = np.bincount(people * size + classes, minlength=n_people * size)
        return np.asarray(found, dtype=np.int64).reshape(n_people, size)

    hits = count(person[right], answers.true[right])
    table = np.concatenate([hits, count(person, answers.predicted), count(person, answers.true)], axis=1)
    # Whole numbers are exact in float32 up to here, and its products take half the time.
    return table.astype(np.float32 if len(person) < _EXACT_IN_FLOAT32 else np.float64)


def _scores(sums: FloatArray, size: int) -> Resampled:
    hits, claimed, there = sums[:, :size], sums[:, size : 2 * size], sums[:, 2 * size :]
    either = claimed + there
    defined = either > 0
    f1 = np.divide(2 * hits, either, out=np.zeros_like(hits), where=defined)
    # Classes that the whole set lacks as well count 0, as in the score itself.
    share = defined.any(axis=0).sum() / size
    return Resampled(
        macro_f1=np.asarray(share * f1.sum(axis=1) / defined.sum(axis=1)),
        accuracy=np.asarray(hits.sum(axis=1) / there.sum(axis=1)),
    )
