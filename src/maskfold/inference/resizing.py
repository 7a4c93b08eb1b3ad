"""Resizing as :func:`maskfold.training.images.resized` does it, in operations that every format of networks has.

torch resizes uint8 images (bilinear, anti-aliased) in whole numbers: first along the width, then along the height, with
weights of 16 bits, and rounds to uint8 after each. Written as two products of matrices in float64, which represents
all these numbers exactly, the result is the same to the last bit.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_BITS: Final = 15
"""Weights are below 2**15."""
_MOST_PRECISE: Final = 22


class Resize(nn.Module):
    """Resizes images from one size to another.

    Args:
        given: Height and width of the images.
        wanted: Height and width of the results.
    """

    def __init__(self, given: tuple[int, int], wanted: tuple[int, int]) -> None:
        super().__init__()
        (down, self._down), (across, self._across) = (weights(*sides) for sides in zip(given, wanted, strict=True))
        self.register_buffer("down", torch.from_numpy(down))
        self.register_buffer("across", torch.from_numpy(across.T.copy()))

    def forward(self, images: Tensor) -> Tensor:
        """Resize images, float32 with whole numbers 0..255, (N, 3, H, W)."""
        wide = _rounded(images.double() @ self.get_buffer("across"), self._across)
        return _rounded(self.get_buffer("down") @ wide, self._down).float()


def _rounded(sums: Tensor, precision: int) -> Tensor:
    return ((sums + 2.0 ** (precision - 1)) * 2.0**-precision).floor().clamp(0, 255)


def weights(given: int, wanted: int) -> tuple[NDArray[np.float64], int]:
    """Return how much each of the given pixels of a line counts for each of the wanted ones.

    Returns:
        Whole numbers, float64, (wanted, given), and the power of two that they are shares of.
    """
    scale = given / wanted
    reach = max(scale, 1.0)
    shares = np.zeros((wanted, given))
    for place in range(wanted):
        centre = scale * (place + 0.5)
        first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), given)
        distance = np.abs(np.arange(first, last) - centre + 0.5) / reach
        near = np.maximum(1 - distance, 0)
        shares[place, first:last] = near / near.sum()
    precision = 0
    while precision < _MOST_PRECISE and math.floor(shares.max() * 2 ** (precision + 1) + 0.5) < 1 << _BITS:
        precision += 1
    return np.floor(shares * 2.0**precision + 0.5), precision
