"""Draws from distributions that traits and circumstances share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, chances: Mapping[T, float]) -> T:
    """Draw one of several options by their chances, which need not add up to 1."""
    shares = np.array(list(chances.values()))
    return list(chances)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def bounded(rng: np.random.Generator, mean: float, spread: float, low: float, high: float) -> float:
    """Draw from a normal distribution; what falls outside the bounds becomes the nearest of them."""
    return between(low, rng.normal(mean, spread), high)


def between(low: float, value: float, high: float) -> float:
    """Return the nearest number to `value` that is not below `low` or above `high`."""
    return float(min(max(value, low), high))


def ramp(value: float, low: float, high: float) -> float:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = between(0, (value - low) / (high - low), 1)
    return t * t * (3 - 2 * t)
