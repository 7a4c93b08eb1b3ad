"""A canvas with antialiased outlines: the only place that fills pixels by shape.

Outlines are drawn enlarged and scaled down (supersampling), one small box at a time, so that many details stay cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

from portraits.outline import Points

Array = NDArray[np.float32]

SUPERSAMPLING: Final = 3
"""Nine samples a pixel; more shades of an edge do not survive the camera's noise and JPEG."""
HIDES_STEPS: Final = 1.5
"""Pixels; a blur this wide makes an edge smooth by itself."""
CLOUD_GAIN: Final = 1.3
"""Makes up for the spread that noise loses when bicubic interpolation averages it."""


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
        """Return the part of this shape that is inside another."""
        limit = np.zeros_like(self.alpha)
        left, top = max(self.box.left, other.box.left), max(self.box.top, other.box.top)
        right, bottom = min(self.box.right, other.box.right), min(self.box.bottom, other.box.bottom)
        if left < right and top < bottom:
            here = Box(left - self.box.left, top - self.box.top, right - self.box.left, bottom - self.box.top)
            there = Box(left - other.box.left, top - other.box.top, right - other.box.left, bottom - other.box.top)
            limit[here.area] = other.alpha[there.area]
        return Cover(self.box, self.alpha * limit)

    def ragged(self, rng: np.random.Generator, depth: float) -> Cover:
        """Return the shape with uneven cover, as of hairs; `depth` is the spread of the cover, 0..1."""
        # Lumps of two pixels, the width of a hair that a camera can still separate.
        return Cover(self.box, np.clip(self.alpha * (1 + depth * cloud(rng, self.alpha.shape, 2)), 0, 1))


class Canvas:
    """An RGB picture in the making; ``pixels`` is float32, (height, width, 3), nominally 0..1."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.pixels: Array = np.zeros((height, width, 3), np.float32)

    @property
    def whole(self) -> Cover:
        """All of the canvas."""
        return Cover(Box(0, 0, self.width, self.height), np.ones((self.height, self.width), np.float32))

    def cover(self, *outlines: Points, blur: float = 0.0) -> Cover:
        """Return what closed outlines cover together.

        Args:
            *outlines: (N, 2) each, x and y in pixels; parts off the canvas are cut off.
            blur: Standard deviation of a Gaussian blur of the edge, in pixels.
        """
        everything = np.concatenate(outlines)
        margin = 1 + 3 * blur  # three standard deviations hold nearly all of a blur
        size = (self.width, self.height)
        left, top = (int(v) for v in np.clip(np.floor(everything.min(0) - margin), 0, np.subtract(size, 1)))
        right, bottom = (int(v) for v in np.clip(np.ceil(everything.max(0) + margin), 1, size))
        box = Box(left, top, max(right, left + 1), max(bottom, top + 1))
        scale = SUPERSAMPLING if blur < HIDES_STEPS else 1
        drawn = Image.new("L", ((box.right - box.left) * scale, (box.bottom - box.top) * scale))
        pen = ImageDraw.Draw(drawn)
        for outline in outlines:
            points = np.round((outline - (box.left, box.top)) * scale - 0.5)  # to the centres of the samples
            pen.polygon(points.ravel().tolist(), fill=255)
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


def cloud(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> Array:
    """Return smooth noise, float32, (height, width), mean 0, standard deviation near 1, lumps about `grain` pixels."""
    height, width = shape
    rows, columns = max(2, round(height / grain) + 1), max(2, round(width / grain) + 1)
    coarse = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32) * np.float32(CLOUD_GAIN)
