"""How sure the vote says it is, and how sure it may be: a temperature learnt out-of-fold."""

from __future__ import annotations

from typing import Final

import numpy as np

from maskfold.scheme import FloatArray, IntArray

RANGE: Final = (0.1, 10.0)
"""Temperatures that are considered."""
_LEAST: Final = 1e-12
"""Probabilities below it count as this: one sure mistake must not decide alone."""


def fit_temperature(probabilities: FloatArray, true: IntArray) -> float:
    """Return the temperature with the least log-loss.

    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On Calibration of Modern Neural Networks. ICML,
    section 4.2; here on the logarithms of the vote's probabilities.

    Args:
        probabilities: (N, classes), of photographs that the voters have not learnt from.
        true: (N,) true classes.
    """
    from scipy.optimize import minimize_scalar  # a quarter of a second, which only who makes a model needs

    logits = np.log(np.maximum(probabilities, _LEAST))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        peaks = scaled.max(axis=1)
        norms = peaks + np.log(np.exp(scaled - peaks[:, None]).sum(axis=1))
        return float((norms - scaled[np.arange(len(true)), true]).mean())

    low, high = np.log(RANGE)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def confidence(probabilities: FloatArray, temperature: float) -> FloatArray:
    """Return the calibrated probability of the most probable class.

    Args:
        probabilities: (N, classes).
        temperature: See :func:`fit_temperature`.

    Returns:
        (N,).
    """
    logits = np.log(np.maximum(probabilities, _LEAST)) / temperature
    return np.asarray(1.0 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1))
