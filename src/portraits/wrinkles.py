"""What age leaves on the skin: wrinkles, bags under the eyes, spots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from portraits.easel import SIDES, Easel
from portraits.outline import arc, ellipse
from portraits.person import Face

FAINTEST: Final = 0.04
"""Strength below which a crease cannot be seen through the camera's noise."""
DEEPEST: Final = np.array((0.36, 0.44, 0.46))
"""Share of red, green and blue that a crease takes at full strength: light in it comes through skin, so red stays."""


def paint_age(easel: Easel, face: Face) -> None:
    """Paint wrinkles, bags under the eyes and age spots."""
    rng = np.random.default_rng(face.seed)
    _paint_forehead(easel, face.wrinkles, rng)
    for side in SIDES:
        _paint_side(easel, face, side, rng)
    for _ in range(int(9 * face.spots)):
        left, down, r = rng.uniform(-0.8, 0.8), rng.uniform(-0.9, 1.2), rng.uniform(0.012, 0.035)  # 1 to 2.5 mm
        easel.shade(easel.area(ellipse(left, down, r, r, 12), soft=0.012), (0.8, 0.7, 0.62))


def crease(easel: Easel, line: ArrayLike, widths: Sequence[float], strength: float) -> None:
    """Darken the skin along a line of face points; widths in face units."""
    if strength < FAINTEST:
        return
    points = np.asarray(line, np.float64)
    if len(points) < 4:
        points = arc(*points)
    # Half a pixel and a bit: in small pictures a crease stays a line and does not break up into dots.
    cover = easel.line(points, widths, soft=0.012, thinnest=0.6)
    easel.shade(cover, 1 - min(strength, 1.0) * DEEPEST)


def _paint_forehead(easel: Easel, depth: float, rng: np.random.Generator) -> None:
    """Paint the four lines, 8 mm apart, that raised brows leave."""
    for row in range(4):
        y, half = -0.83 + 0.12 * row + rng.normal(0, 0.015), rng.uniform(0.35, 0.6)
        x = np.linspace(-half, half, 7) + rng.normal(0, 0.05)
        line = np.column_stack([x, y + rng.normal(0, 0.012, 7)])
        crease(easel, line, (0, 0.03, 0), 0.85 * depth * rng.uniform(0.5, 1))


def _paint_side(easel: Easel, face: Face, side: float, rng: np.random.Generator) -> None:
    """Paint the lines of one half of the face."""
    depth = face.wrinkles
    # From nose to mouth: there in all adults, deeper with age and when smiling.
    wing, corner = side * (face.nose_width + 0.06), side * (face.mouth_width + 0.14)
    fold = arc((wing, face.nose_tip - 0.08), (side * 0.47, 0.86), (corner, face.mouth_y + 0.02))
    crease(easel, fold, (0.02, 0.06, 0.02), 0.16 + 0.75 * depth + 0.15 * max(easel.shot.expression.smile, 0))
    # From the mouth down: only once the cheeks sink.
    x, y = side * (face.mouth_width + 0.04), face.mouth_y
    low = arc((x, y + 0.05), (side * (face.mouth_width + 0.1), y + 0.28))
    crease(easel, low, (0.02, 0.05, 0), 0.8 * max(depth - 0.2, 0))
    # Below the eye: the lid's own edge in the young, a bag in the old.
    eye = side * face.eye_distance
    bag = arc((eye - side * 0.17, 0.14), (eye, 0.22), (eye + side * 0.2, 0.15))
    crease(easel, bag, (0.02, 0.06, 0.01), 0.2 + 0.6 * face.bags)
    for ray in range(3):  # crow's feet
        start = np.array((eye + side * (face.eye_width + 0.05), -0.05 + 0.06 * ray))
        end = start + np.array((side * rng.uniform(0.12, 0.2), (ray - 1.1) * 0.07))
        crease(easel, np.linspace(start, end, 5), (0.03, 0.02, 0), 0.85 * depth * rng.uniform(0.5, 1))
    # Between the brows, from frowning.
    crease(easel, np.array([(side * 0.08, -0.42), (side * 0.07, -0.25)]), (0, 0.025, 0), 0.7 * depth)
