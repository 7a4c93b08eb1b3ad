"""Kinds of things that cover a part of a face, or are before it, with the ranges of their shapes.

For the meaning of the shapes' numbers see :mod:`maskfold.training.cover_shapes`.
"""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """One kind of cover: ranges that its shape and look are drawn from, uniformly."""

    name: str
    weight: float
    """How often it is drawn, in proportion to others of its use."""
    top: Span
    bottom: Span
    """At least ``least`` below the top."""
    width: Span
    top_curve: Span = (0.0, 0.0)
    top_slope: Span = (0.0, 0.0)
    bottom_curve: Span = (0.0, 0.0)
    bottom_slope: Span = (0.0, 0.0)
    taper: Span = (0.0, 0.0)
    least: float = 0.3
    aside: Span = (-0.04, 0.04)
    """Distance of the shape's middle from the nose's."""
    mirrored: Span = (0.0, 0.0)
    """The same, to the left or to the right."""
    turn: Span = (-6.0, 6.0)
    """Rotation about its middle at the height of the nose, in degrees."""
    opacity: Span = (0.93, 1.0)
    softness: Span = (0.02, 0.06)
    """Width of the blurred edge."""
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
        name="pleated",
        weight=3.0,
        top=(-0.4, -0.12),
        bottom=(0.95, 1.25),
        width=(0.82, 1.02),
        top_curve=(0.0, 0.18),
        top_slope=(0.0, 0.15),
        bottom_curve=(0.1, 0.4),
        bottom_slope=(0.0, 0.1),
        taper=(-0.25, -0.02),
        turn=(-9.0, 9.0),
        pleats=0.85,
        hem=0.3,
        pattern=0.1,
        strings=0.8,
    ),
    Kind(
        name="sewn",
        weight=3.0,
        top=(-0.42, -0.1),
        bottom=(0.98, 1.3),
        width=(0.85, 1.08),
        top_curve=(0.0, 0.3),
        top_slope=(0.0, 0.35),
        bottom_curve=(0.2, 0.6),
        bottom_slope=(0.0, 0.2),
        taper=(-0.3, -0.02),
        turn=(-9.0, 9.0),
        ridge=0.4,
        hem=0.35,
        pattern=0.4,
        strings=0.6,
    ),
    Kind(
        name="ridged",
        weight=1.5,
        top=(-0.48, -0.1),
        bottom=(0.95, 1.25),
        width=(0.7, 1.1),
        top_curve=(0.0, 0.2),
        top_slope=(0.2, 0.6),
        bottom_curve=(0.1, 0.4),
        bottom_slope=(0.2, 0.5),
        taper=(-0.2, 0.0),
        turn=(-9.0, 9.0),
        ridge=0.8,
        valve=0.25,
        hem=0.3,
        pattern=0.1,
        strings=0.8,
    ),
    Kind(
        name="cup",
        weight=1.0,
        top=(-0.36, -0.1),
        bottom=(0.8, 1.1),
        width=(0.62, 0.85),
        top_curve=(0.5, 1.1),
        top_slope=(0.0, 0.1),
        bottom_curve=(0.5, 1.2),
        turn=(-9.0, 9.0),
        valve=0.6,
        hem=0.4,
        pattern=0.05,
        strings=0.8,
    ),
    Kind(
        name="kerchief",
        weight=0.8,
        top=(-0.32, -0.08),
        bottom=(1.3, 2.0),
        width=(0.95, 1.2),
        top_curve=(-0.1, 0.1),
        top_slope=(-0.1, 0.1),
        bottom_slope=(0.3, 1.2),
        taper=(-0.2, 0.0),
        ridge=0.2,
        pattern=0.6,
    ),
    Kind(
        name="tube",
        weight=0.7,
        top=(-0.36, -0.08),
        bottom=(3.0, 3.0),
        width=(0.88, 1.15),
        top_curve=(-0.1, 0.15),
        taper=(-0.15, 0.0),
        pattern=0.4,
    ),
)
"""Over nose, mouth and chin."""

WRONG = (
    Kind(
        name="under the nose",
        weight=3.0,
        top=(0.13, 0.36),
        bottom=(1.0, 1.4),
        width=(0.75, 1.02),
        top_curve=(-0.12, 0.15),
        top_slope=(-0.1, 0.15),
        bottom_curve=(0.1, 0.5),
        bottom_slope=(0.0, 0.15),
        taper=(-0.3, -0.02),
        turn=(-9.0, 9.0),
        pleats=0.5,
        ridge=0.2,
        valve=0.1,
        hem=0.3,
        pattern=0.15,
        strings=0.7,
    ),
    Kind(
        name="under the mouth",
        weight=2.0,
        top=(0.42, 0.75),
        bottom=(1.15, 1.7),
        width=(0.6, 1.02),
        top_curve=(-0.5, 0.1),
        top_slope=(-0.15, 0.1),
        bottom_curve=(0.1, 0.5),
        bottom_slope=(0.0, 0.1),
        taper=(-0.3, 0.05),
        turn=(-10.0, 10.0),
        pleats=0.5,
        ridge=0.2,
        hem=0.3,
        pattern=0.15,
        strings=0.8,
    ),
    Kind(
        name="under the chin",
        weight=1.5,
        top=(0.72, 1.1),
        bottom=(1.3, 2.2),
        width=(0.7, 1.15),
        top_curve=(-0.8, -0.15),
        top_slope=(-0.1, 0.05),
        bottom_curve=(0.0, 0.5),
        turn=(-10.0, 10.0),
        pleats=0.4,
        hem=0.3,
        pattern=0.15,
        strings=0.8,
    ),
    Kind(
        name="round the jaw",
        weight=3.5,
        top=(0.75, 1.18),
        bottom=(1.15, 1.6),
        width=(0.65, 1.0),
        top_curve=(-1.1, -0.35),
        top_slope=(-0.1, 0.05),
        bottom_curve=(0.3, 1.1),
        turn=(-14.0, 14.0),
        aside=(-0.12, 0.12),
        pleats=0.4,
        hem=0.2,
        pattern=0.1,
        strings=0.85,
    ),
    Kind(
        name="at one ear",
        weight=0.8,
        top=(-0.4, 0.3),
        bottom=(0.9, 1.6),
        width=(0.25, 0.5),
        top_curve=(0.0, 0.3),
        top_slope=(0.0, 0.3),
        bottom_curve=(0.0, 0.3),
        bottom_slope=(0.0, 0.3),
        mirrored=(0.85, 1.15),
        turn=(-25.0, 25.0),
        pleats=0.5,
        hem=0.3,
        pattern=0.15,
    ),
    Kind(
        name="over the eyes",
        weight=0.4,
        top=(-1.4, -0.75),
        bottom=(-0.4, -0.2),
        width=(0.75, 1.05),
        top_curve=(-0.1, 0.2),
        bottom_curve=(0.0, 0.2),
        pleats=0.5,
        hem=0.3,
        pattern=0.15,
        strings=0.3,
    ),
)
"""With the nose free."""

NEITHER = (
    Kind(
        name="hand",
        weight=2.0,
        top=(-0.1, 0.6),
        bottom=(1.5, 3.0),
        width=(0.2, 0.5),
        top_curve=(0.0, 1.0),
        mirrored=(0.0, 0.75),
        turn=(-40.0, 40.0),
        softness=(0.03, 0.09),
        pattern=0.3,
        skin=0.9,
    ),
    Kind(
        name="small thing",
        weight=1.0,
        top=(0.1, 0.6),
        bottom=(0.9, 3.0),
        width=(0.12, 0.3),
        top_curve=(0.0, 2.0),
        mirrored=(0.0, 0.5),
        turn=(-35.0, 35.0),
        pattern=0.3,
    ),
    Kind(
        name="collar",
        weight=1.2,
        top=(1.22, 1.5),
        bottom=(3.0, 3.0),
        width=(0.6, 2.5),
        top_curve=(-0.05, 0.4),
        turn=(-10.0, 10.0),
        pattern=0.4,
    ),
    Kind(
        name="at the side",
        weight=1.0,
        top=(-3.0, -1.0),
        bottom=(2.0, 3.0),
        width=(0.15, 0.35),
        mirrored=(1.05, 1.4),
        turn=(-10.0, 10.0),
        softness=(0.03, 0.18),
        pattern=0.2,
        hair=0.5,
    ),
    Kind(
        name="hat",
        weight=1.5,
        top=(-3.0, -3.0),
        bottom=(-1.25, -0.8),
        width=(2.0, 2.0),
        bottom_curve=(-0.2, 0.2),
        turn=(-10.0, 10.0),
        softness=(0.03, 0.18),
        pattern=0.3,
        hair=0.4,
    ),
    Kind(
        name="beard",
        weight=2.5,
        top=(0.2, 0.75),
        bottom=(0.95, 1.9),
        width=(0.5, 0.95),
        top_curve=(-0.6, 0.1),
        top_slope=(-0.2, 0.0),
        bottom_curve=(0.1, 0.6),
        taper=(-0.2, 0.0),
        opacity=(0.4, 0.9),
        softness=(0.12, 0.30),
        hair=1.0,
    ),
    Kind(
        name="moustache",
        weight=1.0,
        top=(0.12, 0.2),
        bottom=(0.26, 0.4),
        least=0.05,
        width=(0.3, 0.55),
        top_curve=(0.0, 0.6),
        bottom_curve=(-0.8, 0.0),
        opacity=(0.4, 0.9),
        softness=(0.06, 0.18),
        hair=1.0,
    ),
)
"""Before a face, or beside it, but no cover of it."""
