"""Light on a relief: a head as an ellipsoid with smooth bumps, shaded by Lambert's law.

Slopes are kept on a small grid in local coordinates, where Gaussian bumps are separable, so that dozens of them cost
two sums of outer products; a picture looks the light up there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from portraits.canvas import Array
from portraits.shot import Light

STEP: Final = 1 / 40
"""Grid spacing, face units; the finest slopes, the seams of masks, are about as wide. Two pixels of a picture."""
LEFT: Final = -1.6
TOP: Final = -2.2
"""The grid reaches from above the hair to below the chin, and past it for masks that hang there."""
COLUMNS: Final = 129
ROWS: Final = 185
HEAD: Final = (1.2, 1.95)
"""Half width and half height of the ellipsoid that carries the bumps, face units; larger than the head, so that the
outline is turned away from the camera without being edge-on, which would be black."""
STEEPEST: Final = 0.06
"""Smallest squared depth of the ellipsoid; without it slopes at its rim would be infinite."""
WRAP: Final = 0.2
"""Skin and cloth let light through, so a surface still gets some when it is turned 12 degrees out of the light."""
STRAIGHT: Final = 1.12
"""Brightness where light falls straight; above 1, because most of a face is turned away from the light a little."""
GLOSS: Final = 18
"""Exponent of the reflection: a broad sheen, as of skin. Metal would have hundreds."""

_U: Final = LEFT + STEP * np.arange(COLUMNS)
_V: Final = TOP + STEP * np.arange(ROWS)


class Bump(NamedTuple):
    """A Gaussian hill (or, with negative height, a hollow) in local coordinates, face units."""

    u: float
    v: float
    height: float
    width: float
    """Standard deviation times the square root of 2, along u."""
    length: float
    """The same along v."""


class Relief:
    """Slopes of a surface over local coordinates."""

    def __init__(
        self, bumps: Sequence[Bump], centre: tuple[float, float] = (0.0, 0.0), radii: tuple[float, float] = HEAD
    ) -> None:
        u, v = (_U - centre[0])[None] / radii[0], (_V - centre[1])[:, None] / radii[1]
        depth = np.sqrt(np.clip(1 - u**2 - v**2, STEEPEST, None))
        table = np.array(bumps, np.float64).reshape(-1, 5)
        across = (_U[None] - table[:, :1]) / table[:, 3:4]
        along = (_V[None] - table[:, 1:2]) / table[:, 4:5]
        gauss_u, gauss_v = np.exp(-(across**2)), np.exp(-(along**2)) * table[:, 2:3]
        self._slope_u = -u / radii[0] / depth + np.einsum("bv,bu->vu", gauss_v, gauss_u * across * (-2 / table[:, 3:4]))
        self._slope_v = -v / radii[1] / depth + np.einsum("bv,bu->vu", gauss_v * along * (-2 / table[:, 4:5]), gauss_u)

    def add_slope(self, slope_u: Array | float, slope_v: Array | float) -> None:
        """Add slopes given on the relief's grid (see :func:`grid`)."""
        self._slope_u = self._slope_u + slope_u
        self._slope_v = self._slope_v + slope_v

    def lit(self, light: Light, u: Array, v: Array, shine: float = 0.0) -> Array:
        """Return the light that surfaces at local coordinates send back.

        Args:
            light: Where it comes from and how much is ambient.
            u: Local coordinates, any shape.
            v: The same shape.
            shine: Strength of the gloss (Blinn-Phong).

        Returns:
            Factors on the surface's colour, near 1 where the light falls straight, float32.
        """
        length = np.sqrt(self._slope_u**2 + self._slope_v**2 + 1)
        x, y, z = light.direction
        facing = (-self._slope_u * x - self._slope_v * y + z) / length
        value = light.ambient + (STRAIGHT - light.ambient) * np.clip((facing + WRAP) / (1 + WRAP), 0, None)
        if shine:
            half = np.array((x, y, z + 1)) / np.linalg.norm((x, y, z + 1))
            mirror = np.clip((-self._slope_u * half[0] - self._slope_v * half[1] + half[2]) / length, 0, None)
            value = value + shine * mirror**GLOSS
        return _look_up(value.astype(np.float32), u, v)


def grid() -> tuple[Array, Array]:
    """Return local coordinates u (1, columns) and v (rows, 1) of a relief's grid."""
    return _U[None].astype(np.float32), _V[:, None].astype(np.float32)


def _look_up(table: Array, u: Array, v: Array) -> Array:
    """Interpolate a table on the relief's grid at local coordinates; outside, the nearest edge counts."""
    # Just short of the last cell's end, so that the next cell that is read exists.
    column = np.clip((u - np.float32(LEFT)) * np.float32(1 / STEP), 0, np.float32(COLUMNS - 1.001))
    row = np.clip((v - np.float32(TOP)) * np.float32(1 / STEP), 0, np.float32(ROWS - 1.001))
    left, top = column.astype(np.int32), row.astype(np.int32)
    right_share, low_share = column - left, row - top
    flat, corner = table.ravel(), top * COLUMNS + left
    upper = flat.take(corner) * (1 - right_share) + flat.take(corner + 1) * right_share
    lower = flat.take(corner + COLUMNS) * (1 - right_share) + flat.take(corner + COLUMNS + 1) * right_share
    return np.asarray(upper + (lower - upper) * low_share, np.float32)
