"""Which voters vote, and how often each counts: chosen by log-loss, believed only on people that the choice never saw.

Caruana, R., Niculescu-Mizil, A., Crew, G. and Ksikes, A. (2004). Ensemble Selection from Libraries of Models. ICML;
with few rounds, since long selections fitted what they were chosen on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from maskfold.ensemble.vote import weighted_mean
from maskfold.scheme import FloatArray, IntArray
from maskfold.study.comparison import compare

ROUNDS: Final = 5
"""Voters that are chosen, one counted as often as it is chosen."""
NEAR: Final = 1.15
"""Only voters whose log-loss is at most so many times that of the best are chosen from."""
PARTS: Final = 5
"""Parts of the people; each judges the choice of the others."""
_LEAST: Final = 1e-12


@dataclass(frozen=True)
class Selection:
    """What was selected, and what it gains."""

    weights: dict[str, float]
    """Of every voter, chosen on all people; 0 of those that do not vote."""
    gain: float
    """Macro-F1 on people that the choice never saw, minus that of the plain vote."""
    error: float
    """Standard deviation of the gain, by the bootstrap over people."""
    log_loss: float
    """Of the plain vote."""
    log_loss_selected: float
    """On people that the choice never saw."""

    @property
    def adopted(self) -> bool:
        """Whether the gain minus one standard deviation is positive."""
        return self.gain - self.error > 0


def select(
    persons: ArrayLike, true: IntArray, voters: Mapping[str, FloatArray], weights: Mapping[str, float]
) -> Selection:
    """Select voters, and judge the selection on other people than it was made on.

    Args:
        persons: The person of each photograph, (N,).
        true: (N,) true joint classes.
        voters: Out-of-fold probabilities, (N, classes) each.
        weights: Those of the plain vote; 1 where a voter is not named.
    """
    plain = weighted_mean(voters, weights)
    person = np.unique(np.asarray(persons), return_inverse=True)[1]
    part = np.random.default_rng(0).permutation(np.arange(int(person.max()) + 1) % PARTS)[person]
    held_out = np.empty_like(plain)
    for number in range(PARTS):
        other, own = part != number, part == number
        if own.any():
            chosen = choose({name: one[other] for name, one in voters.items()}, true[other]) if other.any() else {}
            held_out[own] = weighted_mean({name: one[own] for name, one in voters.items()}, chosen)
    answers = {"plain": [plain.argmax(axis=1)], "selected": [held_out.argmax(axis=1)]}
    found = compare(persons, true, answers, "plain", plain.shape[1])["selected"]
    return Selection(
        weights=choose(voters, true),
        gain=found.mean,
        error=found.error,
        log_loss=log_loss(plain, true),
        log_loss_selected=log_loss(held_out, true),
    )


def choose(voters: Mapping[str, FloatArray], true: IntArray) -> dict[str, float]:
    """Return how often each voter is chosen, greedily, until no choice lowers the log-loss of their mean.

    Args:
        voters: Probabilities, (N, classes) each.
        true: (N,) true classes.
    """
    losses = {name: log_loss(one, true) for name, one in voters.items()}
    best = min(losses.values())
    near = [name for name, loss in sorted(losses.items()) if loss <= NEAR * best]
    counts = dict.fromkeys(voters, 0.0)
    total, reached = np.zeros_like(next(iter(voters.values()))), float("inf")
    for chosen in range(1, ROUNDS + 1):
        tried = {name: log_loss((total + voters[name]) / chosen, true) for name in near}
        name = min(tried, key=lambda one: tried[one])
        if tried[name] >= reached:
            break
        counts[name], total, reached = counts[name] + 1.0, total + voters[name], tried[name]
    return counts


def log_loss(probabilities: FloatArray, true: IntArray) -> float:
    """Return the mean of minus the logarithm of the true class's probability.

    Args:
        probabilities: (N, classes).
        true: (N,).
    """
    return float(-np.log(np.maximum(probabilities[np.arange(len(true)), true], _LEAST)).mean())
