"""From the face's box to the packed pixels.

First the margins are added to the box. If `aspect` is `enlarge`, the box is then enlarged to the aspect of the crop.
Last, the border of the photograph is applied. Parts of the crop outside the photograph are black.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image as Pillow
from torch.nn import functional

from maskfold.faces.detector import Image
from maskfold.recipe import Crop, Margins

Box = tuple[float, float, float, float]
"""Left, top, right, bottom: edges in pixels of the upright photograph."""

_GAP = 3.0
"""A photograph of higher resolution is first reduced by an integer factor to this multiple of the crop's."""


def crop_box(face: Box, crop: Crop, height: int, width: int) -> Box:
    """Return the part of a photograph that is packed for a face.

    Args:
        face: The face.
        crop: Margins, aspect, border and size.
        height: Of the photograph.
        width: Of the photograph.

    Returns:
        At least one pixel wide and high. Inside the photograph if `border` is `clamp`; otherwise it may extend beyond
        it by at most the photograph's width and height on each side.
    """
    left, top, right, bottom = with_margins(face, crop.margins)
    if crop.aspect == "enlarge":
        left, top, right, bottom = _enlarged((left, top, right, bottom), *crop.face_size)
        if crop.border == "clamp":  # moved before it is clamped, to keep its shape if the photograph has room
            left, right = _moved(left, right, width)
            top, bottom = _moved(top, bottom, height)
    beyond = 0 if crop.border == "clamp" else 1
    left, right = _clamp(left, right, -beyond * width, (1 + beyond) * width)
    top, bottom = _clamp(top, bottom, -beyond * height, (1 + beyond) * height)
    return left, top, right, bottom


def with_margins(box: Box, margins: Margins) -> Box:
    """Add margins on each side of a box.

    Args:
        box: The face.
        margins: In pixels of the photograph, or as shares of the box's width (left, right) and height (top, bottom).
    """
    left, top, right, bottom = box
    across, down = (right - left, bottom - top) if margins.unit == "box" else (1.0, 1.0)
    return (
        left - margins.left * across,
        top - margins.top * down,
        right + margins.right * across,
        bottom + margins.bottom * down,
    )


def _enlarged(box: Box, height: int, width: int) -> Box:
    """Enlarge a box about its centre to the aspect of height and width."""
    left, top, right, bottom = box
    scale = max((right - left) / width, (bottom - top) / height)
    x, y = (left + right) / 2, (top + bottom) / 2
    return x - scale * width / 2, y - scale * height / 2, x + scale * width / 2, y + scale * height / 2


def _moved(begin: float, end: float, length: int) -> tuple[float, float]:
    """Move a span inside 0..length; centre a longer one."""
    inward = max(-begin, 0.0) - max(end - length, 0.0)
    shift = (length - begin - end) / 2 if end - begin > length else inward
    return begin + shift, end + shift


def _clamp(begin: float, end: float, low: int, high: int) -> tuple[float, float]:
    begin, end = min(max(begin, float(low)), float(high)), min(max(end, float(low)), float(high))
    if end - begin < 1:
        begin = min(max((begin + end - 1) / 2, float(low)), high - 1.0)
        end = begin + 1
    return begin, end


def cut(image: Image, box: Box, size: tuple[int, int], keep_aspect: bool = False) -> Image:
    """Cut a box out and resize it, antialiased.

    Args:
        image: The upright photograph.
        box: Edges may be fractions of pixels; parts outside the photograph are black.
        size: Height and width of the result.
        keep_aspect: Keep the box's aspect, centred on black, instead of stretching it to the size.

    Returns:
        (height, width, 3) uint8.
    """
    height, width = size
    left, top, right, bottom = box
    if keep_aspect:
        scale = min(height / (bottom - top), width / (right - left))
        inner = max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale))
        if inner != size:
            result = np.zeros((height, width, 3), np.uint8)
            y, x = (height - inner[0]) // 2, (width - inner[1]) // 2
            result[y : y + inner[0], x : x + inner[1]] = cut(image, box, inner)
            return result
    if (left, top, right, bottom) == (0, 0, image.shape[1], image.shape[0]) and height <= bottom and width <= right:
        return _reduced(image, size)
    picture = Pillow.fromarray(image)
    if left < 0 or top < 0 or right > image.shape[1] or bottom > image.shape[0]:
        picture, (left, top, right, bottom) = _on_black(picture, box, size)
    # Pillow's filters widen with the reduction, so nothing aliases; `reducing_gap` only speeds up large reductions.
    box = left, top, right, bottom
    return np.asarray(picture.resize((width, height), Pillow.Resampling.BICUBIC, box=box, reducing_gap=_GAP))


def _reduced(image: Image, size: tuple[int, int]) -> Image:
    """Reduce a whole image with the same filter as Pillow, in a sixth of its time."""
    pixels = torch.from_numpy(np.require(image, requirements="W")).permute(2, 0, 1)[None]
    small = functional.interpolate(pixels, size, mode="bicubic", antialias=True)
    return small[0].permute(1, 2, 0).numpy()


def _on_black(picture: Pillow.Image, box: Box, size: tuple[int, int]) -> tuple[Pillow.Image, Box]:
    """Place a photograph on a black background around the whole box; return it and the box on it."""
    factor = max(1, int(min((box[3] - box[1]) / size[0], (box[2] - box[0]) / size[1]) / _GAP))
    if factor > 1:  # bounds the background's size by the crop's
        picture = picture.reduce(factor)
    left, top, right, bottom = (edge / factor for edge in box)
    x, y = math.floor(left), math.floor(top)
    ground = Pillow.new("RGB", (math.ceil(right) - x, math.ceil(bottom) - y))
    ground.paste(picture, (-x, -y))
    return ground, (left - x, top - y, right - x, bottom - y)
