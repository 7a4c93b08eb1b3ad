"""Shapes of things that cover a part of a face, and where they sit on it.

Points of a face are (u, v): the tip of the nose is (0, 0), the chin about (0, 1), the cheeks are at u = -1 and 1, the
eyes at v = -0.5, the lips between v = 0.2 and 0.5. A shape is what lies between two curves and two sides::

    top + top_curve u^2 + top_slope |u|  <=  v  <=  bottom - bottom_curve u^2 - bottom_slope |u|
    |u|  <=  width + taper v
"""

from __future__ import annotations

import enum
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskfold.training.cover_kinds import NEITHER, WORN, WRONG


class Use(enum.IntEnum):
    """What a cover is to the face."""

    WORN = 0
    """Over nose, mouth and chin."""
    WRONG = 1
    """Worn with the nose free."""
    NEITHER = 2
    """Something else before the face or beside it."""


FloatArray = NDArray[np.float32]

OF_USE: Final = (WORN, WRONG, NEITHER)
"""Kinds by the number of their use."""
KINDS: Final = (*WORN, *WRONG, *NEITHER)
SHAPE: Final = ("top", "bottom", "width", "top_curve", "top_slope", "bottom_curve", "bottom_slope", "taper")
PLACE: Final = ("aside", "mirrored", "turn", "opacity", "softness")
CHANCES: Final = ("pleats", "ridge", "valve", "hem", "pattern", "strings", "skin", "hair")


def draw_kinds(use: NDArray[np.int64], draws: np.random.Generator) -> NDArray[np.int64]:
    """Draw a kind for each cover.

    Args:
        use: Numbers of :class:`Use`, int64, (N,).
        draws: Where the randomness comes from.

    Returns:
        Numbers of :data:`KINDS`, int64, (N,).
    """
    found = np.zeros(len(use), dtype=np.int64)
    chance, first = draws.random(len(use)), 0
    for number, kinds in enumerate(OF_USE):
        bounds = np.cumsum([kind.weight for kind in kinds])
        drawn = np.searchsorted(bounds / bounds[-1], chance, side="right")
        found = np.where(use == number, first + np.minimum(drawn, len(kinds) - 1), found)
        first += len(kinds)
    return found


def draw_shapes(kinds: NDArray[np.int64], draws: np.random.Generator) -> dict[str, FloatArray]:
    """Draw shape and place of each cover, and which features it has.

    Returns:
        By name of the field of :class:`Kind`: values of ranges, 0 or 1 for probabilities; float32, (N,).
    """
    low, high, chances, least = _tables()
    values = low[kinds] + draws.random((len(kinds), low.shape[1])) * (high - low)[kinds]
    has = draws.random((len(kinds), chances.shape[1])) < chances[kinds]
    sides = np.where(draws.random(len(kinds)) < 0.5, -1.0, 1.0)
    found = {name: values[:, number].astype(np.float32) for number, name in enumerate(SHAPE + PLACE)}
    found |= {name: has[:, number].astype(np.float32) for number, name in enumerate(CHANCES)}
    found["bottom"] = np.maximum(found["bottom"], found["top"] + least[kinds])
    found["aside"] = found["aside"] + found["mirrored"] * sides.astype(np.float32)
    return found


@cache
def _tables() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], FloatArray]:
    """Return lowest and highest values, chances, and least heights: a row for each kind."""
    ranges = np.array([[getattr(kind, name) for name in SHAPE + PLACE] for kind in KINDS])
    chances = np.array([[getattr(kind, name) for name in CHANCES] for kind in KINDS])
    return ranges[..., 0], ranges[..., 1], chances, np.array([kind.least for kind in KINDS], dtype=np.float32)
