"""Scores over the whole set at once: never a mean over batches or folds, no class left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from maskfold.labels import ATTRIBUTES, TARGET_SIZES, IntArray, Target, decode
from maskfold.specs import Scores


def macro_f1(target: Target, true: IntArray, predicted: IntArray) -> float:
    """Return the mean F1 over *all* classes of a target; a class that never occurs counts 0, as in the competition."""
    return float(f1_by_class(target, true, predicted).mean())


def f1_by_class(target: Target, true: IntArray, predicted: IntArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the F1 score of each class, (classes,); 0 where a class is neither there nor predicted."""
    classes = range(TARGET_SIZES[target])
    return np.asarray(f1_score(true, predicted, labels=classes, average=None, zero_division=0), dtype=np.float64)


def confusion(target: Target, true: IntArray, predicted: IntArray) -> IntArray:
    """Count answers: (true class, predicted class), int64, all classes of the target."""
    return np.asarray(confusion_matrix(true, predicted, labels=range(TARGET_SIZES[target])), dtype=np.int64)


def score(target: Target, true: IntArray, predicted: IntArray) -> Scores:
    """Score the answers of one voter.

    Args:
        target: What the voter predicts.
        true: (N,) classes of the target.
        predicted: (N,) classes of the target.

    Returns:
        For joint classes everything, the attributes read off the answered class, so that they add up with it; for one
        attribute only that attribute's scores.
    """
    if target != "joint":
        return Scores(macro_f1=None, accuracy=None, attributes={target: _pair(target, true, predicted)})
    truths, answers = decode(true), decode(predicted)
    overall = _pair("joint", true, predicted)
    return Scores(
        macro_f1=overall["macro_f1"],
        accuracy=overall["accuracy"],
        attributes={name: _pair(name, truths[name], answers[name]) for name in ATTRIBUTES},
    )


def _pair(target: Target, true: IntArray, predicted: IntArray) -> dict[str, float]:
    return {
        "accuracy": float(accuracy_score(true, predicted)),
        "macro_f1": macro_f1(target, true, predicted),
    }
