"""What a network is taught about ages: which it never sees, and bins finer than the three groups that count."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskfold.labels import N_AGE, N_CLASSES, N_GENDER, N_MASK, TARGET_SIZES, IntArray, Target, age_group
from maskfold.recipe import Ages

Floats = TypeVar("Floats", np.float32, np.float64)


def n_trained(target: Target, ages: Ages) -> int:
    """Return the number of classes that a network tells apart in training: the size of its output."""
    if target in ("joint", "age") and ages.bins:
        return TARGET_SIZES[target] // N_AGE * (len(ages.bins) + 1)
    return TARGET_SIZES[target]


def trained_classes(
    target: Target, mask: ArrayLike, gender: ArrayLike, age: ArrayLike, bounds: tuple[int, int], ages: Ages
) -> IntArray:
    """Return the classes that training uses.

    Args:
        target: What they are of.
        mask: 0..2, (N,).
        gender: 0..1, (N,).
        age: Years, (N,).
        bounds: Bounds of the age groups trained on.
        ages: Finer bins, if any.

    Returns:
        Classes 0..n_trained - 1, int64, (N,); a joint class is (mask * 2 + gender) * bins + bin.
    """
    if target in ("mask", "gender"):
        return np.asarray({"mask": mask, "gender": gender}[target], dtype=np.int64)
    bins = ages.bins or bounds
    number = np.asarray(np.digitize(np.asarray(age), bins), dtype=np.int64)
    if target == "age":
        return number
    person = np.asarray(mask, dtype=np.int64) * N_GENDER + np.asarray(gender, dtype=np.int64)
    return person * (len(bins) + 1) + number


def official_classes(target: Target, bounds: tuple[int, int], ages: Ages) -> IntArray:
    """Return the official class that each trained class counts as, int64, (n_trained,).

    Raises:
        ValueError: If a bin does not lie in one age group.
    """
    if target in ("mask", "gender") or not ages.bins:
        return np.arange(TARGET_SIZES[target])
    ages.check_bounds(bounds)
    groups = age_group([0, *ages.bins], bounds)  # a bin belongs to the group of its lower bound
    if target == "age":
        return groups
    people = np.arange(N_MASK * N_GENDER)
    assert people.size * N_AGE == N_CLASSES
    return (people[:, None] * N_AGE + groups).ravel()


def merged(probabilities: NDArray[Floats], official: IntArray) -> NDArray[Floats]:
    """Sum the probabilities of the trained classes of each official class.

    Args:
        probabilities: (N, n_trained).
        official: Official class of each trained class, int64, (n_trained,).

    Returns:
        (N, classes) of the same type; the same array if both classes are the same.
    """
    n_classes = int(official.max()) + 1
    if n_classes == len(official):
        return probabilities
    found = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    for trained, counts_as in enumerate(official):
        found[:, counts_as] += probabilities[:, trained]
    return found


def is_left_out(age: ArrayLike, ages: Ages) -> NDArray[np.bool_]:
    """Return which ages, in years, (N,), are not trained on."""
    years = np.asarray(age)
    left_out = np.zeros(years.shape, dtype=bool)
    for first, last in ages.leave_out:
        left_out |= (years >= first) & (years <= last)
    return left_out
