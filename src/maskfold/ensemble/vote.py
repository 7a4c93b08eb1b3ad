"""Soft voting: means and products of probabilities, never of logits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from maskfold.ensemble.oof import FloatArray
from maskfold.errors import RecipeError
from maskfold.labels import ATTRIBUTES, N_AGE, N_CLASSES, N_GENDER, N_MASK, Attribute, Target

PRODUCT = "attributes"
"""Name of the voter that multiplies the attribute networks' probabilities."""


@dataclass(frozen=True)
class Vote:
    """The vote over one set of images."""

    probabilities: FloatArray
    """(N, 18)."""
    product: FloatArray | None
    """(N, 18): what the attribute networks say together; none without attribute networks."""


def mean_of_trainings(probabilities: FloatArray) -> FloatArray:
    """Average what a network's trainings predict for the same images: (trainings, N, classes) to (N, classes)."""
    return np.asarray(probabilities.mean(axis=0))


def weighted_mean(probabilities: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """Average voters.

    Args:
        probabilities: (N, classes) of each voter.
        weights: Weight of a voter by name, >= 0; 1 for voters that are not named. Only their ratios matter.

    Returns:
        (N, classes), the same to the last bit whatever the order of the voters.

    Raises:
        RecipeError: If a weight is negative or not finite, or all are 0.
    """
    chosen = {name: float(weights.get(name, 1.0)) for name in sorted(probabilities)}
    wrong = [f"{name}={weight}" for name, weight in chosen.items() if not (math.isfinite(weight) and weight >= 0)]
    if wrong:
        raise RecipeError(f"ensemble.weights: {', '.join(wrong)}; expected finite numbers >= 0")
    largest = max(chosen.values())
    if largest == 0:
        raise RecipeError(f"ensemble.weights: {', '.join(chosen)} all have weight 0; at least one must be above 0")
    # Shares of the largest first: sums of huge or tiny weights stay within floating-point range.
    shares = {name: weight / largest for name, weight in chosen.items()}
    total = math.fsum(shares.values())
    return np.asarray(sum((share / total) * probabilities[name] for name, share in shares.items()))


def product(mask: FloatArray, gender: FloatArray, age: FloatArray) -> FloatArray:
    """Combine attributes as if independent: p(class) = p(mask) p(gender) p(age).

    Args:
        mask: (N, 3).
        gender: (N, 2).
        age: (N, 3).

    Returns:
        (N, 18) in the order of :func:`maskfold.labels.encode`.
    """
    return np.asarray(np.einsum("nm,ng,na->nmga", mask, gender, age).reshape(len(mask), N_CLASSES))


def marginals(joint: FloatArray) -> dict[Attribute, FloatArray]:
    """Sum joint probabilities (N, 18) to those of each attribute: (N, 3), (N, 2), (N, 3)."""
    cube = joint.reshape(len(joint), N_MASK, N_GENDER, N_AGE)
    return {"mask": cube.sum(axis=(2, 3)), "gender": cube.sum(axis=(1, 3)), "age": cube.sum(axis=(1, 2))}


def vote(networks: Mapping[str, tuple[Target, FloatArray]], weights: Mapping[str, float]) -> Vote:
    """Let joint and attribute networks vote together in the 18-class space.

    Networks of the same attribute are averaged first (by their own weights), then multiplied; the product is one voter
    among the joint networks, called ``attributes``.

    Args:
        networks: Target and probabilities (N, classes of the target) of each network.
        weights: Weight by network name or ``attributes``; default 1.

    Raises:
        RecipeError: If weights are unusable, or the networks are neither joint nor a full set of attributes.
    """
    voters = {name: values for name, (target, values) in networks.items() if target == "joint"}
    by_attribute: dict[Attribute, dict[str, FloatArray]] = {
        attribute: {name: values for name, (target, values) in networks.items() if target == attribute}
        for attribute in ATTRIBUTES
    }
    combined: FloatArray | None = None
    if any(by_attribute.values()):
        missing = [attribute for attribute, members in by_attribute.items() if not members]
        if missing:
            raise RecipeError(f"attribute networks vote as a set of three; missing: {', '.join(missing)}")
        mask, gender, age = (weighted_mean(by_attribute[attribute], weights) for attribute in ATTRIBUTES)
        combined = product(mask, gender, age)
        voters[PRODUCT] = combined
    if not voters:
        raise RecipeError("no network can vote; a recipe needs a joint network or mask, gender and age networks")
    return Vote(weighted_mean(voters, weights), combined)
