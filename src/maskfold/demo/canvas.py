"""A canvas with antialiased outlines: the only place that touches pixels by shape.

Outlines are drawn enlarged and scaled down (supersampling), one small box at a time, so that many details stay cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[np.float32]
Points = NDArray[np.float64]

SUPERSAMPLING = 3


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> tuple[slice, slice]:
        """The box as an index into an image array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Cover:
    """How much of each pixel in a box a shape covers: alpha is float32, (height, width), 0..1."""

    box: Box
    alpha: Array

    def inside(self, other: Cover) -> Cover:
        """Return the part of this shape that lies inside another."""
        limit = np.zeros_like(self.alpha)
        left, top = max(self.box.left, other.box.left), max(self.box.top, other.box.top)
        right, bottom = min(self.box.right, other.box.right), min(self.box.bottom, other.box.bottom)
        if left < right and top < bottom:
            here = Box(left - self.box.left, top - self.box.top, right - self.box.left, bottom - self.box.top)
            there = Box(left - other.box.left, top - other.box.top, right - other.box.left, bottom - other.box.top)
            limit[here.area] = other.alpha[there.area]
        return Cover(self.box, self.alpha * limit)

    def outside(self, other: Cover) -> Cover:
        """Return the part of this shape that lies outside another."""
        return Cover(self.box, self.alpha - self.inside(other).alpha)


class Canvas:
    """An RGB picture in the making; ``pixels`` is float32, (height, width, 3), nominally 0..1."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.pixels: Array = np.zeros((height, width, 3), np.float32)

    @property
    def box(self) -> Box:
        """The whole canvas."""
        return Box(0, 0, self.width, self.height)

    def cover(self, *outlines: Points, blur: float = 0.0) -> Cover:
        """Return what closed outlines cover together.

        Args:
            *outlines: (N, 2) each, x and y in pixels; parts off the canvas are cut off.
            blur: Standard deviation of a Gaussian blur of the edge, in pixels.
        """
        everything = np.concatenate(outlines)
        margin = 1 + 3 * blur
        box = Box(
            int(np.clip(np.floor(everything[:, 0].min() - margin), 0, self.width - 1)),
            int(np.clip(np.floor(everything[:, 1].min() - margin), 0, self.height - 1)),
            int(np.clip(np.ceil(everything[:, 0].max() + margin), 1, self.width)),
            int(np.clip(np.ceil(everything[:, 1].max() + margin), 1, self.height)),
        )
        box = Box(box.left, box.top, max(box.right, box.left + 1), max(box.bottom, box.top + 1))
        scale = SUPERSAMPLING if blur < 1.5 else 1  # a wide blur hides steps
        drawn = Image.new("L", ((box.right - box.left) * scale, (box.bottom - box.top) * scale))
        draw = ImageDraw.Draw(drawn)
        for outline in outlines:
            points = np.round((outline - (box.left, box.top)) * scale - 0.5)
            draw.polygon(points.ravel().tolist(), fill=255)
        shape = drawn.reduce(scale) if scale > 1 else drawn
        if blur > 0:
            shape = shape.filter(ImageFilter.GaussianBlur(blur))
        return Cover(box, np.asarray(shape, np.float32) / np.float32(255))

    def paint(self, cover: Cover, colour: ArrayLike, strength: float = 1.0) -> None:
        """Lay a colour, (3,) or (height, width, 3) of the cover's box, over what is there."""
        part = self.pixels[cover.box.area]
        part += (np.asarray(colour, np.float32) - part) * (cover.alpha * np.float32(strength))[..., None]

    def shade(self, cover: Cover, factor: ArrayLike) -> None:
        """Multiply what is there by a factor: a number, (3,), or (height, width, 1 or 3) of the cover's box."""
        part = self.pixels[cover.box.area]
        part *= 1 + cover.alpha[..., None] * (np.asarray(factor, np.float32) - np.float32(1))


def curve(points: ArrayLike, closed: bool = True, steps: int = 8) -> Points:
    """Return a smooth line through points (a uniform Catmull-Rom spline).

    Args:
        points: (N, D).
        closed: Whether the last point joins the first.
        steps: Points per segment.
    """
    p = np.asarray(points, np.float64)
    if closed:
        p0, p1, p2, p3 = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    else:
        padded = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
        p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    p0, p1, p2, p3 = (q[:, None, :] for q in (p0, p1, p2, p3))
    line = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * (p1 - p2) + p3 - p0) * t**3)
    line = line.reshape(-1, p.shape[1])
    return line if closed else np.vstack([line, p[-1]])


def ribbon(line: Points, width: float | Sequence[float]) -> Points:
    """Return the outline of a line of some width, in pixels: one width, or several spread evenly along the line."""
    along = np.linspace(0, 1, len(line))
    widths = np.interp(along, np.linspace(0, 1, np.size(width)), np.atleast_1d(width))
    direction = np.gradient(line, axis=0)
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)[:, None]
    offset = direction[:, ::-1] * (-0.5, 0.5) * widths[:, None]
    return np.vstack([line + offset, (line - offset)[::-1]])


def moved(line: Points, x: float, y: float) -> Points:
    """Return a line of (N, 2) points, shifted."""
    return np.asarray(line + np.array((x, y)))


def ellipse(x: float, y: float, rx: float, ry: float, points: int = 28) -> Points:
    """Return the outline of an ellipse."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.column_stack([x + rx * np.cos(angle), y + ry * np.sin(angle)])


def cloud(rng: np.random.Generator, height: int, width: int, grain: float) -> Array:
    """Return smooth noise, float32, (height, width), mean 0, standard deviation near 1, lumps about `grain` pixels."""
    rows, columns = max(2, round(height / grain) + 1), max(2, round(width / grain) + 1)
    coarse = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32) * np.float32(1.3)
