"""Shapes of things that cover a part of a face, and where they sit on it.

Points of a face are (u, v): the tip of the nose is (0, 0), the chin about (0, 1), the cheeks are at u = -1 and 1, the
eyes at v = -0.5, the lips between v = 0.2 and 0.5. A shape is what lies between two curves and two sides::

    top + top_curve u^2 + top_slope |u|  <=  v  <=  bottom - bottom_curve u^2 - bottom_slope |u|
    |u|  <=  width + taper v
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray


class Use(enum.IntEnum):
    """What a cover is to the face."""

    WORN = 0
    WRONG = 1
    NEITHER = 2


FloatArray = NDArray[np.float32]
Span = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """One kind of cover: ranges that its shape and look are drawn from, uniformly."""

    weight: float
    """How often it is drawn, in proportion to others of its use."""
    top: Span
    bottom: Span
    width: Span
    top_curve: Span = (0.0, 0.0)
    top_slope: Span = (0.0, 0.0)
    bottom_curve: Span = (0.0, 0.0)
    bottom_slope: Span = (0.0, 0.0)
    taper: Span = (0.0, 0.0)
    aside: Span = (-0.04, 0.04)
    """Distance of the shape's middle from the nose's."""
    mirrored: Span = (0.0, 0.0)
    """The same, to the left or to the right."""
    turn: Span = (-6.0, 6.0)
    """Rotation about its middle at the height of the nose, in degrees."""
    opacity: Span = (0.93, 1.0)
    softness: Span = (0.8, 2.0)
    """Of the edge, in pixels."""
    pleats: float = 0.0
    """Probability of horizontal folds."""
    ridge: float = 0.0
    """Probability of a fold down the middle."""
    valve: float = 0.0
    hem: float = 0.0
    """Probability of an edge of another colour."""
    pattern: float = 0.0
    strings: float = 0.0
    """Probability of strings to the ears."""
    skin: float = 0.0
    """Probability that it has the colour of the face."""
    hair: float = 0.0
    """Probability that it has the colour of the hair."""


WORN = (
    Kind(
        3,
        (-0.40, -0.12),
        (0.95, 1.25),
        (0.82, 1.02),
        (0.0, 0.18),
        (0.0, 0.15),
        (0.1, 0.4),
        (0.0, 0.1),
        (-0.25, -0.02),
        pleats=0.85,
        hem=0.3,
        pattern=0.1,
        strings=0.8,
    ),
    Kind(
        3,
        (-0.42, -0.10),
        (0.98, 1.30),
        (0.85, 1.08),
        (0.0, 0.3),
        (0.0, 0.35),
        (0.2, 0.6),
        (0.0, 0.2),
        (-0.3, -0.02),
        ridge=0.4,
        hem=0.35,
        pattern=0.5,
        strings=0.6,
    ),
    Kind(
        1.5,
        (-0.48, -0.10),
        (0.95, 1.25),
        (0.7, 1.1),
        (0.0, 0.2),
        (0.2, 0.6),
        (0.1, 0.4),
        (0.2, 0.5),
        (-0.2, 0.0),
        ridge=0.8,
        valve=0.25,
        hem=0.3,
        pattern=0.1,
        strings=0.8,
    ),
    Kind(
        1,
        (-0.36, -0.10),
        (0.8, 1.1),
        (0.62, 0.85),
        (0.5, 1.1),
        (0.0, 0.1),
        (0.5, 1.2),
        valve=0.6,
        hem=0.4,
        pattern=0.05,
        strings=0.8,
    ),
    Kind(
        0.8,
        (-0.32, -0.08),
        (1.3, 2.0),
        (0.95, 1.2),
        (-0.1, 0.1),
        (-0.1, 0.1),
        (0.0, 0.0),
        (0.3, 1.2),
        (-0.2, 0.0),
        ridge=0.2,
        pattern=0.6,
    ),
    Kind(0.7, (-0.36, -0.08), (3.0, 3.0), (0.88, 1.15), (-0.1, 0.15), taper=(-0.15, 0.0), pattern=0.4),
)
"""Over nose, mouth and chin: pleated, sewn, folded with a ridge, cup, kerchief, tube."""

WRONG = (
    Kind(
        3,
        (0.13, 0.36),
        (1.0, 1.4),
        (0.75, 1.02),
        (-0.12, 0.15),
        (-0.1, 0.15),
        (0.1, 0.5),
        (0.0, 0.15),
        (-0.3, -0.02),
        turn=(-9.0, 9.0),
        pleats=0.5,
        ridge=0.2,
        valve=0.1,
        hem=0.3,
        pattern=0.25,
        strings=0.7,
    ),
    Kind(
        2.5,
        (0.42, 0.75),
        (1.15, 1.7),
        (0.6, 1.02),
        (-0.5, 0.1),
        (-0.15, 0.1),
        (0.1, 0.5),
        (0.0, 0.1),
        (-0.3, 0.05),
        turn=(-10.0, 10.0),
        pleats=0.5,
        ridge=0.2,
        hem=0.3,
        pattern=0.25,
        strings=0.8,
    ),
    Kind(
        2.5,
        (0.75, 1.02),
        (1.3, 2.2),
        (0.7, 1.15),
        (-0.75, -0.1),
        (-0.1, 0.05),
        (0.0, 0.5),
        turn=(-10.0, 10.0),
        pleats=0.4,
        hem=0.3,
        pattern=0.25,
        strings=0.8,
    ),
    Kind(
        1,
        (-0.4, 0.3),
        (0.9, 1.6),
        (0.25, 0.5),
        (0.0, 0.3),
        (0.0, 0.3),
        (0.0, 0.3),
        (0.0, 0.3),
        mirrored=(0.85, 1.15),
        turn=(-25.0, 25.0),
        pleats=0.5,
        hem=0.3,
        pattern=0.25,
    ),
    Kind(
        0.5,
        (-1.4, -0.75),
        (-0.4, -0.2),
        (0.75, 1.05),
        (-0.1, 0.2),
        bottom_curve=(0.0, 0.2),
        pleats=0.5,
        hem=0.3,
        pattern=0.25,
        strings=0.3,
    ),
)
"""With the nose free: under the nose, under the mouth, under the chin, at one ear, over the eyes."""

NEITHER = (
    Kind(
        2,
        (-0.1, 0.6),
        (1.5, 3.0),
        (0.2, 0.5),
        (0.0, 1.0),
        mirrored=(0.0, 0.75),
        turn=(-40.0, 40.0),
        softness=(1.0, 3.0),
        pattern=0.3,
        skin=0.9,
    ),
    Kind(1, (0.1, 0.6), (0.9, 3.0), (0.12, 0.3), (0.0, 2.0), mirrored=(0.0, 0.5), turn=(-35.0, 35.0), pattern=0.3),
    Kind(2.5, (1.12, 1.45), (3.0, 3.0), (0.6, 2.5), (-0.1, 0.3), turn=(-10.0, 10.0), pattern=0.4),
    Kind(
        1,
        (-3.0, -1.0),
        (2.0, 3.0),
        (0.15, 0.35),
        mirrored=(1.05, 1.4),
        turn=(-10.0, 10.0),
        softness=(1.0, 6.0),
        pattern=0.2,
        hair=0.5,
    ),
    Kind(
        1.5,
        (-3.0, -3.0),
        (-1.25, -0.8),
        (2.0, 2.0),
        bottom_curve=(-0.2, 0.2),
        turn=(-10.0, 10.0),
        softness=(1.0, 6.0),
        pattern=0.3,
        hair=0.4,
    ),
    Kind(
        2,
        (0.45, 0.75),
        (1.0, 1.8),
        (0.5, 0.95),
        (-0.5, 0.0),
        (-0.2, 0.0),
        (0.1, 0.6),
        taper=(-0.2, 0.0),
        opacity=(0.4, 0.9),
        softness=(4.0, 10.0),
        hair=1.0,
    ),
    Kind(
        1,
        (0.12, 0.2),
        (0.26, 0.4),
        (0.3, 0.55),
        (0.0, 0.6),
        bottom_curve=(-0.8, 0.0),
        opacity=(0.4, 0.9),
        softness=(2.0, 6.0),
        hair=1.0,
    ),
)
"""Before a face, but no cover of it: hand, small thing, collar or scarf, hair or hood at the side, hat, beard,
moustache."""

KINDS = (*WORN, *WRONG, *NEITHER)
SHAPE = ("top", "bottom", "width", "top_curve", "top_slope", "bottom_curve", "bottom_slope", "taper")
PLACE = ("aside", "mirrored", "turn", "opacity", "softness")
CHANCES = ("pleats", "ridge", "valve", "hem", "pattern", "strings", "skin", "hair")


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
    for number, kinds in enumerate((WORN, WRONG, NEITHER)):
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
    low, high, chances = _tables()
    values = low[kinds] + draws.random((len(kinds), low.shape[1])) * (high - low)[kinds]
    has = draws.random((len(kinds), chances.shape[1])) < chances[kinds]
    sides = np.where(draws.random(len(kinds)) < 0.5, -1.0, 1.0)
    found = {name: values[:, number].astype(np.float32) for number, name in enumerate(SHAPE + PLACE)}
    found |= {name: has[:, number].astype(np.float32) for number, name in enumerate(CHANCES)}
    found["aside"] = found["aside"] + found["mirrored"] * sides.astype(np.float32)
    return found


@cache
def _tables() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    ranges = np.array([[getattr(kind, name) for name in SHAPE + PLACE] for kind in KINDS])
    return ranges[..., 0], ranges[..., 1], np.array([[getattr(kind, name) for name in CHANCES] for kind in KINDS])
