"""Attributes and classes: names, age bins, encode and decode.

The competition's class is ``mask * 6 + gender * 3 + age_group``: 3 x 2 x 3 = 18 classes. Age groups are half-open
intervals: with bounds ``(30, 60)`` group 0 is age < 30, group 1 is 30 <= age < 60, group 2 is age >= 60.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Attribute = Literal["mask", "gender", "age"]
Target = Literal["joint", "mask", "gender", "age"]

ATTRIBUTES: Final[tuple[Attribute, ...]] = get_args(Attribute)
MASK_STATES: Final = ("wear", "incorrect", "not worn")
GENDERS: Final = ("male", "female")
N_MASK: Final = len(MASK_STATES)
N_GENDER: Final = len(GENDERS)
N_AGE: Final = 3
N_CLASSES: Final = N_MASK * N_GENDER * N_AGE
TARGET_SIZES: Final[dict[Target, int]] = {"joint": N_CLASSES, "mask": N_MASK, "gender": N_GENDER, "age": N_AGE}

OFFICIAL_AGE_BOUNDS: Final = (30, 60)

IntArray = NDArray[np.int64]


def age_group(age: ArrayLike, bounds: tuple[int, int] = OFFICIAL_AGE_BOUNDS) -> IntArray:
    """Bin ages.

    Args:
        age: Ages in years, any shape.
        bounds: Lower bounds of groups 1 and 2, in years.

    Returns:
        Group numbers 0, 1, 2, int64, same shape.
    """
    return np.asarray(np.digitize(np.asarray(age), bounds), dtype=np.int64)


def encode(mask: ArrayLike, gender: ArrayLike, age: ArrayLike) -> IntArray:
    """Combine attribute classes into joint classes.

    Args:
        mask: 0..2, any shape.
        gender: 0..1, same shape.
        age: Age *groups* 0..2, same shape.

    Returns:
        Joint classes 0..17, int64.

    Raises:
        ValueError: If any value is out of range.
    """
    parts = []
    for name, values, size in (("mask", mask, N_MASK), ("gender", gender, N_GENDER), ("age", age, N_AGE)):
        array = np.asarray(values, dtype=np.int64)
        if array.size and (array.min() < 0 or array.max() >= size):
            raise ValueError(f"{name} classes must be 0..{size - 1}, got {array.min()}..{array.max()}")
        parts.append(array)
    return parts[0] * (N_GENDER * N_AGE) + parts[1] * N_AGE + parts[2]


def decode(classes: ArrayLike) -> dict[Attribute, IntArray]:
    """Split joint classes into attribute classes; the inverse of :func:`encode`.

    Args:
        classes: 0..17, any shape.

    Returns:
        ``{"mask": ..., "gender": ..., "age": ...}``, int64, same shape.

    Raises:
        ValueError: If any value is out of range.
    """
    array = np.asarray(classes, dtype=np.int64)
    if array.size and (array.min() < 0 or array.max() >= N_CLASSES):
        raise ValueError(f"joint classes must be 0..{N_CLASSES - 1}, got {array.min()}..{array.max()}")
    return {
        "mask": array // (N_GENDER * N_AGE),
        "gender": array // N_AGE % N_GENDER,
        "age": array % N_AGE,
    }


def target_classes(target: Target, mask: ArrayLike, gender: ArrayLike, age: ArrayLike) -> IntArray:
    """Return the classes of one target: the joint class or one attribute's class."""
    if target == "joint":
        return encode(mask, gender, age)
    return np.asarray({"mask": mask, "gender": gender, "age": age}[target], dtype=np.int64)


def age_names(bounds: tuple[int, int] = OFFICIAL_AGE_BOUNDS) -> tuple[str, str, str]:
    """Return readable names of the age groups, such as ``<30``, ``30-59``, ``>=60``."""
    low, high = bounds
    return f"<{low}", f"{low}-{high - 1}", f">={high}"


def class_names(target: Target = "joint", bounds: tuple[int, int] = OFFICIAL_AGE_BOUNDS) -> list[str]:
    """Return readable class names of a target, in class order."""
    ages = age_names(bounds)
    if target == "joint":
        return [f"{m} / {g} / {a}" for m in MASK_STATES for g in GENDERS for a in ages]
    return list({"mask": MASK_STATES, "gender": GENDERS, "age": ages}[target])
