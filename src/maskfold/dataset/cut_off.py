"""JPEGs that lack their end, as an interrupted copy leaves them: most of the picture is there."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

LEAST_SHARE: Final = 0.6
"""Least share of the rows that must decode, 0..1; with less, few faces are complete."""

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_GREY, _TOLERANCE = 128, 3
"""What the decoder fills missing rows with."""


def mend(content: bytes) -> bytes | None:
    """Return a JPEG with an end, for which the decoder fills in what is missing; None for another format."""
    return content + _END if content.startswith(_START) else None


def share_decoded(image: Image.Image) -> float:
    """Return the share of a mended JPEG's rows that come from the file, 0..1: those above the grey at the bottom."""
    pixels = np.asarray(image.convert("RGB")).astype(np.int16)
    filled = (abs(pixels - _GREY) <= _TOLERANCE).all(axis=(1, 2))
    present = np.flatnonzero(~filled)
    return float(present[-1] + 1) / pixels.shape[0] if len(present) else 0.0
