"""Colours, patterns and folds of the things that :mod:`maskfold.training.cover_shapes` places on a face."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_PALETTE: Final = np.array(
    [
        (0.93, 0.94, 0.95), (0.95, 0.95, 0.96), (0.97, 0.97, 0.97), (0.87, 0.86, 0.83),
        (0.70, 0.84, 0.92), (0.62, 0.80, 0.90), (0.66, 0.86, 0.88), (0.78, 0.86, 0.95),
        (0.45, 0.68, 0.85), (0.55, 0.80, 0.78),
        (0.08, 0.08, 0.09), (0.14, 0.14, 0.16), (0.35, 0.36, 0.38), (0.60, 0.60, 0.61), (0.14, 0.17, 0.30),
        (0.80, 0.62, 0.68), (0.70, 0.66, 0.85), (0.45, 0.45, 0.32), (0.75, 0.10, 0.14), (0.85, 0.72, 0.55),
    ]
)  # fmt: skip
"""Often seen: whites, surgical blues and green, blacks, greys, navy, pink, lilac, olive, red, beige."""
_HAIR: Final = np.array(
    [(0.06, 0.05, 0.05), (0.20, 0.13, 0.09), (0.38, 0.26, 0.17), (0.55, 0.53, 0.50), (0.85, 0.84, 0.82)]
)
"""Black, dark brown, brown, grey, white."""
_FREQUENT: Final = 0.8
"""Share of the colours that are near one of the palette; the rest is any colour."""

PLAIN, STRIPES, DOTS, CHECKS, PRINT = range(5)


def draw_colours(count: int, draws: np.random.Generator) -> FloatArray:
    """Draw colours, RGB in 0..1, float32, (count, 3)."""
    near = _PALETTE[draws.integers(len(_PALETTE), size=count)] + draws.normal(0, 0.05, (count, 3))
    anything = draws.random((count, 3))
    frequent = draws.random(count) < _FREQUENT
    return np.clip(np.where(frequent[:, None], near, anything), 0.02, 0.98).astype(np.float32)


def draw_cloth(shapes: dict[str, FloatArray], draws: np.random.Generator) -> dict[str, FloatArray]:
    """Draw the look of each cover.

    Args:
        shapes: As :func:`maskfold.training.cover_shapes.draw_shapes` returns them.
        draws: Where the randomness comes from.

    Returns:
        Values by name, float32, (N,) each.
    """
    count = len(shapes["pleats"])

    def within(low: float, high: float) -> NDArray[np.float64]:
        return draws.uniform(low, high, count)

    first, second = draw_colours(count, draws), draw_colours(count, draws)
    hair = _HAIR[draws.integers(len(_HAIR), size=count)]
    own = draws.random(count) < 0.5  # the colour of the face's own hair
    first = np.where(((shapes["hair"] > 0) & ~own)[:, None], hair, first)
    kind = np.where(shapes["pattern"] > 0, draws.integers(STRIPES, PRINT, size=count, endpoint=True), PLAIN)
    found = {
        "pleats": shapes["pleats"] * within(0.03, 0.16),
        "pleats_count": within(2.5, 5.0),
        "ridge": shapes["ridge"] * within(-0.2, 0.2),
        "ridge_at": within(-0.15, 0.15),
        "valve": shapes["valve"] * within(0.13, 0.22),
        "valve_u": np.where(draws.random(count) < 0.5, -1, 1) * within(0.2, 0.4),
        "valve_v": within(0.35, 0.6),
        "valve_tone": within(-0.3, 0.3),
        "hem": shapes["hem"] * within(0.06, 0.14),
        "hem_tone": within(-0.45, 0.35),
        "pattern": kind,
        "frequency": np.exp(draws.uniform(np.log(5), np.log(28), count)),
        "angle": within(0, np.pi),
        "phase": within(0, 2 * np.pi),
        "round": within(0.05, 0.45),  # darkening towards the sides
        "light_u": within(-0.2, 0.2),
        "light_v": within(-0.25, 0.1),
        "folds": within(0.02, 0.16),
        "shadow": within(0.0, 0.25),
        "follow": within(0.2, 1.0),  # how much the light on the face below shows
        "strings_tone": within(0.05, 1.0),
        "strings_width": within(0.015, 0.05),
        "strings_at": within(-0.5, -0.1),
        "skin_tone": within(0.75, 1.2),
        "hair": shapes["hair"] * own,
        "hair_tone": within(0.3, 1.1),
    }
    for number, channel in enumerate("rgb"):
        found[f"first_{channel}"], found[f"second_{channel}"] = first[:, number], second[:, number]
    return {name: np.asarray(values, dtype=np.float32) for name, values in found.items()}
