"""Soft voting: means and products of probabilities, never of logits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from maskfold.errors import RecipeError
from maskfold.scheme import JOINT, FloatArray, Scheme

PRODUCT = "attributes"
"""Name of the voter that multiplies the attribute networks' probabilities."""


@dataclass(frozen=True)
class Vote:
    """The vote over one set of images."""

    probabilities: FloatArray
    """(N, joint classes)."""
    product: FloatArray | None
    """(N, joint classes): the attribute networks' combined prediction; none without attribute networks."""


def mean_of_trainings(probabilities: FloatArray) -> FloatArray:
    """Average what a network's trainings predict for the same images: (trainings, N, classes) to (N, classes)."""
    return np.asarray(probabilities.mean(axis=0))


def weighted_mean(probabilities: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """Average voters.

    Args:
        probabilities: (N, classes) of each voter.
        weights: Weight of a voter by name, >= 0; 1 for voters that are not named. Only their ratios matter.

    Returns:
        (N, classes), to the last bit independent of the voters' order.

    Raises:
        RecipeError: If a weight is negative or not finite, or all are 0.
    """
    shares = vote_shares(probabilities, weights)
    return np.asarray(sum(share * probabilities[name] for name, share in shares.items()))


def vote_shares(names: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each voter in a weighted mean, sorted by name; they sum to 1.

    Raises:
        RecipeError: If a weight is negative or not finite, or all are 0.
    """
    chosen = {name: float(weights.get(name, 1.0)) for name in sorted(names)}
    wrong = [f"{name}={weight}" for name, weight in chosen.items() if not (math.isfinite(weight) and weight >= 0)]
    if wrong:
        raise RecipeError(f"ensemble.weights: {', '.join(wrong)}; expected finite numbers >= 0")
    largest = max(chosen.values())
    if largest == 0:
        raise RecipeError(f"ensemble.weights: {', '.join(chosen)} all have weight 0; at least one must be above 0")
    # Shares of the largest first: sums of huge or tiny weights stay within floating-point range.
    shares = {name: weight / largest for name, weight in chosen.items()}
    total = math.fsum(shares.values())
    return {name: share / total for name, share in shares.items()}


def vote(networks: Mapping[str, tuple[str, FloatArray]], weights: Mapping[str, float], scheme: Scheme) -> Vote:
    """Let joint and attribute networks vote together on the joint classes.

    Networks of the same attribute are averaged first (by their own weights), then multiplied; the product is one voter
    among the joint networks, called ``attributes``.

    Args:
        networks: Target and probabilities (N, classes of the target) of each network.
        weights: Weight by network name or ``attributes``; default 1.
        scheme: What the labels are.

    Raises:
        RecipeError: If weights are invalid, or the networks are neither joint nor a full set of attributes.
    """
    by_target: dict[str, dict[str, FloatArray]] = {target: {} for target in scheme.targets}
    for name, (target, values) in networks.items():
        by_target[target][name] = values
    voters = by_target.pop(JOINT)
    combined: FloatArray | None = None
    if any(by_target.values()):
        missing = [attribute for attribute, members in by_target.items() if not members]
        if missing:
            raise RecipeError(
                f"attribute networks vote as a set, one or more for each attribute; missing: {', '.join(missing)}"
            )
        combined = scheme.product({name: weighted_mean(members, weights) for name, members in by_target.items()})
        voters[PRODUCT] = combined
    if not voters:
        raise RecipeError(
            f"no network can vote; a recipe needs a joint network, or networks for {', '.join(scheme.names)}"
        )
    return Vote(weighted_mean(voters, weights), combined)
