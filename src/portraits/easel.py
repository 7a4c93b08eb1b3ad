"""The canvas seen from a face: painters give outlines in face units, the easel places them in the picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from portraits.canvas import Array, Canvas, Cover
from portraits.outline import Points, at_depth, moved, ribbon
from portraits.shot import Light, Pose, Shot

SIDES: Final = (-1.0, 1.0)
"""Signs of x in the picture's left and right half: what a face has twice is painted once for each."""
POINT: Final = 0.5
"""Pixels; a line tapers to this, because thinner ends break up into dots."""


@dataclass(frozen=True)
class Easel:
    """A canvas and the shot that is painted on it. Points are face points, (N, 2) on the surface or (N, 3)."""

    canvas: Canvas
    shot: Shot

    @property
    def pose(self) -> Pose:
        """Where the head is."""
        return self.shot.pose

    @property
    def light(self) -> Light:
        """The light that falls on it."""
        return self.shot.light

    @property
    def scale(self) -> float:
        """Pixels a face unit."""
        return self.shot.pose.scale

    def relaxed(self, share: float) -> Easel:
        """Return an easel for the body, which turns and tilts by a share of what the head does."""
        return dataclasses.replace(self, shot=dataclasses.replace(self.shot, pose=self.pose.relaxed(share)))

    def area(
        self, *outlines: ArrayLike, depth: float | None = None, soft: float = 0.0, least: float = 0.0, drop: float = 0.0
    ) -> Cover:
        """Return what closed outlines cover together.

        Args:
            *outlines: Face points.
            depth: Of all points, where they have none and are not on the surface.
            soft: Blur of the edge, face units.
            least: Smallest blur, pixels.
            drop: How far down to move the shape in the picture, face units; for shadows.
        """
        placed = (moved(self.place(outline, depth), 0, drop * self.scale) for outline in outlines)
        return self.canvas.cover(*placed, blur=max(soft * self.scale, least))

    def line(
        self,
        points: ArrayLike,
        width: float | Sequence[float],
        depth: float | None = None,
        soft: float = 0.0,
        least: float = 0.0,
        thinnest: float = 0.0,
    ) -> Cover:
        """Return what a line covers; arguments as of :meth:`area`.

        Args:
            points: Face points.
            width: Face units, one or several spread evenly along the line; 0 tapers to a point.
            depth: Of all points.
            soft: Blur of the edge, face units.
            least: Smallest blur, pixels.
            thinnest: Smallest width, pixels.
        """
        widths = [max(float(w) * self.scale or POINT, thinnest) for w in np.atleast_1d(width)]
        return self.canvas.cover(ribbon(self.place(points, depth), widths), blur=max(soft * self.scale, least))

    def place(self, points: ArrayLike, depth: float | None = None) -> Points:
        """Return picture coordinates, pixels, of face points."""
        return self.pose.project(points if depth is None else at_depth(points, depth))

    def grid(self, cover: Cover) -> tuple[Array, Array]:
        """Return the local coordinates u, v of the pixels in a cover's box."""
        return self.pose.grid(cover.box)

    def paint(self, cover: Cover, colour: ArrayLike, strength: float = 1.0) -> None:
        """Lay a colour over what is there (see :meth:`Canvas.paint`).

        Painters use strengths of 0.8 to 0.95 for hair, lips and thin lines, which always show some of what is below.
        """
        self.canvas.paint(cover, colour, strength)

    def shade(self, cover: Cover, factor: ArrayLike) -> None:
        """Multiply what is there by a factor (see :meth:`Canvas.shade`).

        On skin the factors for green and blue are smaller than that for red: light in the shadows of a face has passed
        through skin. Equal factors make them look like dirt.
        """
        self.canvas.shade(cover, factor)
