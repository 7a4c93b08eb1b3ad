"""Summed-area tables: area resampling of any number of boxes in a batch of images, in one gather.

The table's entry (y, x) is the sum of all pixels above and left of it (Crow, "Summed-area tables for texture mapping",
SIGGRAPH 1984), so the mean over a rectangle of any size takes four entries. Sums are integers and therefore
exact: the result for a box does not depend on the rest of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor


def summed_area_table(images: Tensor) -> Tensor:
    """Sum the pixels above and left of each corner.

    Args:
        images: (n, height, width, 3) uint8; up to 8.4 million pixels each, so that the sums fit 32 bits.

    Returns:
        (n, height + 1, width + 1, 3) int32.
    """
    n, height, width, channels = images.shape
    table = torch.zeros((n, height + 1, width + 1, channels), dtype=torch.int32, device=images.device)
    inner = table[:, 1:, 1:]
    torch.cumsum(images, dim=1, dtype=torch.int32, out=inner)
    torch.cumsum(inner, dim=2, dtype=torch.int32, out=inner)
    return table


def _bins(begin: Tensor, length: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Split each span into `size` bins as adaptive average pooling does: they overlap by up to a pixel."""
    step = torch.arange(size, device=begin.device)
    begin, length = begin[:, None], length[:, None]
    return begin + step * length // size, begin + -((step + 1) * -length // size)


def resize_all(table: Tensor, height: int, width: int) -> Tensor:
    """Resample whole images by area.

    Args:
        table: Summed-area table of n images.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        (n, height, width, 3) float32, 0..255.
    """
    zero = torch.zeros(1, dtype=torch.int64, device=table.device)
    top, bottom = (edge[0] for edge in _bins(zero, zero + table.shape[1] - 1, height))
    left, right = (edge[0] for edge in _bins(zero, zero + table.shape[2] - 1, width))
    rows = table[:, bottom] - table[:, top]
    sums = rows[:, :, right] - rows[:, :, left]
    return sums / ((bottom - top)[:, None] * (right - left))[:, :, None]


def resize_boxes(table: Tensor, image: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Resample boxes by area to squares.

    Args:
        table: Summed-area table of n images.
        image: (k,) int64, index of the image of each box.
        boxes: (k, 4) int64: left, top, right, bottom, inside the image and at least one pixel large.
        size: Height and width of the result.

    Returns:
        (k, size, size, 3) float32, 0..255.
    """
    _, height, width, channels = table.shape
    left, right = _bins(boxes[:, 0], boxes[:, 2] - boxes[:, 0], size)
    top, bottom = _bins(boxes[:, 1], boxes[:, 3] - boxes[:, 1], size)
    flat = table.view(-1, channels)
    upper, lower = ((image[:, None] * height + y) * width for y in (top, bottom))

    def corners(rows: Tensor, columns: Tensor) -> Tensor:
        index = rows[:, :, None] + columns[:, None, :]
        return flat.index_select(0, index.view(-1)).view(*index.shape, channels)

    sums = corners(lower, right) - corners(lower, left) - corners(upper, right) + corners(upper, left)
    return sums / ((bottom - top)[:, :, None] * (right - left)[:, None, :])[..., None]
