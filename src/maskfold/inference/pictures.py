"""Images to compare two ways of computing a network with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskfold.training.images import resized

_COARSE = (7, 5)


def pictures(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return images that are smooth like photographs at first and more and more grainy, always the same ones.

    Args:
        number: How many.
        size: Height and width in pixels.

    Returns:
        uint8, (number, height, width, 3).
    """
    draw = np.random.default_rng(number)
    smooth = resized(draw.integers(0, 256, (number, *_COARSE, 3), dtype=np.uint8), size).astype(np.float32)
    grain = draw.integers(0, 256, (number, *size, 3)).astype(np.float32)
    share = np.linspace(0, 1, number, dtype=np.float32)[:, None, None, None]
    return np.asarray((smooth * (1 - share) + grain * share).astype(np.uint8))
