"""Weights of the classes, from how often each occurs in the training part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskfold.recipe import Loss
from maskfold.scheme import IntArray

ClassWeights = NDArray[np.float64]


def class_weights(loss: Loss, counts: IntArray) -> ClassWeights | None:
    """Return the weights that a loss asks for, float64, (C,), or none; see the functions below.

    Args:
        loss: ``class_weights`` and ``effective_beta``.
        counts: Training images of each class, int64, (C,).
    """
    if loss.class_weights == "inverse-frequency":
        return inverse_frequency(counts)
    if loss.class_weights == "effective-number":
        return effective_number(counts, loss.effective_beta)
    return None


def inverse_frequency(counts: IntArray) -> ClassWeights:
    """Return weights proportional to 1 / n_c; each class that occurs then has the same total weight.

    King & Zeng 2001, Logistic Regression in Rare Events Data, section 4.2; scikit-learn's ``balanced``. The mean over
    the images is 1, so that the learning rate needs no change. A class without images weighs 0.
    """
    return _mean_one(np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0), counts)


def effective_number(counts: IntArray, beta: float) -> ClassWeights:
    """Return weights proportional to (1 - beta) / (1 - beta^n_c).

    Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples, section 4, eq. 6. The paper scales them
    to the sum C; here their mean over the images is 1, as in :func:`inverse_frequency`. A class without images
    weighs 0.

    Args:
        counts: Images of each class, int64, (C,).
        beta: In 0..1, 1 excluded; 0 weighs all classes equally.
    """
    occurs = counts > 0
    return _mean_one(
        np.divide(1 - beta, 1 - beta ** counts.astype(float), out=np.zeros(len(counts)), where=occurs), counts
    )


def _mean_one(weights: ClassWeights, counts: IntArray) -> ClassWeights:
    mean = float((weights * counts).sum() / counts.sum())
    return weights / mean
