"""Scores over the whole set at once: never a mean over batches or folds, no class left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from maskfold.ensemble.bootstrap import Resampled, interval
from maskfold.scheme import JOINT, IntArray, Scheme
from maskfold.specs import Scores


def macro_f1(true: IntArray, predicted: IntArray, size: int) -> float:
    """Return the mean F1 over *all* classes; a class that never occurs counts 0, as in the competition."""
    return float(f1_by_class(true, predicted, size).mean())


def f1_by_class(true: IntArray, predicted: IntArray, size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the F1 score of each of ``size`` classes, (size,); 0 where a class neither occurs nor is predicted."""
    return np.asarray(f1_score(true, predicted, labels=range(size), average=None, zero_division=0), dtype=np.float64)


def confusion(true: IntArray, predicted: IntArray, size: int) -> IntArray:
    """Count answers: (true class, predicted class), int64, (size, size)."""
    return np.asarray(confusion_matrix(true, predicted, labels=range(size)), dtype=np.int64)


def scores_of(scheme: Scheme, target: str, true: IntArray, predicted: IntArray) -> Scores:
    """Score the answers of one voter.

    Args:
        scheme: What the labels are.
        target: What the voter predicts.
        true: (N,) classes of the target.
        predicted: (N,) classes of the target.

    Returns:
        For joint classes all scores, those of attributes from the predicted joint class; for one attribute of several
        only that attribute's scores.
    """
    truths, answers = scheme.implied(target, true), scheme.implied(target, predicted)
    pairs = {name: _pair(truths[name], answers[name], scheme.size(name)) for name in truths}
    overall = pairs.pop(JOINT, {})
    return Scores(macro_f1=overall.get("macro_f1"), accuracy=overall.get("accuracy"), attributes=pairs)


def with_intervals(scores: Scores, resampled: Mapping[str, Resampled]) -> Scores:
    """Return scores with their 95 % intervals.

    Args:
        scores: Of one voter.
        resampled: Its scores in resamples of the people, by target.
    """
    limits = {target: _limits(one) for target, one in resampled.items()}
    overall = limits.pop(JOINT, {})
    attributes = {name: pair | limits[name] for name, pair in scores.attributes.items()}
    return scores.model_copy(update={**overall, "attributes": attributes})


def _limits(resampled: Resampled) -> dict[str, float]:
    found = {}
    for metric, values in (("macro_f1", resampled.macro_f1), ("accuracy", resampled.accuracy)):
        found[f"{metric}_low"], found[f"{metric}_high"] = interval(values)
    return found


def _pair(true: IntArray, predicted: IntArray, size: int) -> dict[str, float]:
    return {"accuracy": float(accuracy_score(true, predicted)), "macro_f1": macro_f1(true, predicted, size)}
