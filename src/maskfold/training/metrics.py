"""Scores of one network on the whole validation part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from maskfold.scheme import IntArray


class Score(NamedTuple):
    """Scores on one set of images."""

    loss: float
    """Mean cross-entropy in nats, whatever the training loss, so that networks can be compared."""
    macro_f1: float
    """Over all classes of the target; a class that neither occurs nor is predicted counts 0."""
    accuracy: float


def score(classes: IntArray, probabilities: NDArray[np.float32]) -> Score:
    """Score probabilities, float32, (N, C), against true classes, int64, (N,)."""
    count, n_classes = probabilities.shape
    answers = probabilities.argmax(axis=1)
    truth = probabilities[np.arange(count), classes].astype(np.float64)
    return Score(
        loss=float(-np.log(np.maximum(truth, np.finfo(np.float32).tiny)).mean()),
        macro_f1=float(f1_score(classes, answers, labels=range(n_classes), average="macro", zero_division=0)),
        accuracy=float((answers == classes).mean()),
    )
