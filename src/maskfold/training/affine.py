"""Geometric changes of batches, a different one for each image, resampled once.

Matrices are float64, (N, 3, 3), and map homogeneous points of the original image to those of the changed one; points
are in pixels from the image's centre, x to the right and y down.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from maskfold.recipe import Augmentation
from maskfold.training.transfer import to_device

Matrices = NDArray[np.float64]


def warp(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Transform the images at random: an affine change, then a crop enlarged to the whole.

    Args:
        images: Float32, (N, C, H, W); overwritten.
        settings: ``affine`` and ``crop`` with their ranges.
        draws: Where the randomness comes from.
    """
    count, _, height, width = images.shape
    matrices, changed = identity(count), np.zeros(count, dtype=bool)
    if settings.affine > 0:
        chosen = draws.random(count) < settings.affine
        drawn = _draw_affine(count, height, width, settings, draws)
        matrices[chosen] = drawn[chosen]
        changed |= chosen
    if settings.crop > 0:
        chosen = draws.random(count) < settings.crop
        drawn = _draw_crop(count, height, width, settings, draws)
        matrices[chosen] = drawn[chosen] @ matrices[chosen]
        changed |= chosen
    return transform(images, matrices, changed)


def _draw_affine(count: int, height: int, width: int, settings: Augmentation, draws: np.random.Generator) -> Matrices:
    angles = np.deg2rad(draws.uniform(*settings.rotation, count))
    factors = _log_uniform(settings.scale, count, draws)
    shears = np.deg2rad(draws.uniform(*settings.shear, count))
    shifts = draws.uniform(*settings.translation, (count, 2)) * (width, height)
    return translation(shifts) @ rotation(angles) @ shear(shears) @ scaling(factors, factors)


def _draw_crop(count: int, height: int, width: int, settings: Augmentation, draws: np.random.Generator) -> Matrices:
    """Draw as torchvision's RandomResizedCrop: area uniform, aspect ratio log-uniform, place uniform."""
    area = draws.uniform(*settings.crop_area, count)
    ratio = _log_uniform(settings.crop_ratio, count, draws)
    # w h = area and w <= 1, h <= 1 (shares of the sides) bound the ratio w / h.
    ratio = np.clip(ratio, area, 1 / area)
    widths, heights = np.sqrt(area * ratio), np.sqrt(area / ratio)
    room = np.stack([1 - widths, 1 - heights], axis=1) * (width, height) / 2
    centres = draws.uniform(-1, 1, (count, 2)) * room
    return scaling(1 / widths, 1 / heights) @ translation(-centres)


def _log_uniform(limits: tuple[float, float], count: int, draws: np.random.Generator) -> NDArray[np.float64]:
    return np.exp(draws.uniform(math.log(limits[0]), math.log(limits[1]), count))


def transform(images: Tensor, matrices: Matrices, chosen: NDArray[np.bool_]) -> Tensor:
    """Move the chosen images' pixels, bilinearly; pixels from outside the image repeat the border.

    Args:
        images: Float32, (N, C, H, W); overwritten.
        matrices: One for each image.
        chosen: Which images, bool, (N,).
    """
    if not chosen.any():
        return images
    height, width = images.shape[-2:]
    half = np.array([width / 2, height / 2, 1])
    # grid_sample expects the source of each pixel, in units of half the sides.
    back = np.linalg.inv(matrices[chosen]) * half[None, None, :] / half[None, :, None]
    where = to_device(np.flatnonzero(chosen), images.device)
    grid = _grid(to_device(back[:, :2].astype(np.float32), images.device), height, width)
    images[where] = F.grid_sample(images[where], grid, mode="bilinear", padding_mode="border", align_corners=False)
    return images


def _grid(back: Tensor, height: int, width: int) -> Tensor:
    """Return where pixels come from, (n, height, width, 2), by matrices (n, 2, 3), in units of half the sides.

    As torch's ``affine_grid``, but by two sums, which take a fifth of the time of its matrix product.
    """
    x, y = ((torch.arange(length, device=back.device) + 0.5) * (2 / length) - 1 for length in (width, height))
    grid = torch.empty((len(back), height, width, 2), device=back.device)
    for axis in range(2):
        across, down, shift = (back[:, axis, column, None] for column in range(3))
        torch.add((across * x)[:, None, :], (down * y + shift)[:, :, None], out=grid[..., axis])
    return grid


def identity(count: int) -> Matrices:
    """Return matrices that change nothing."""
    return np.tile(np.eye(3), (count, 1, 1))


def rotation(angles: NDArray[np.float64]) -> Matrices:
    """Rotate counter-clockwise as seen, by radians, (N,)."""
    matrices = identity(len(angles))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angles)
    matrices[:, 0, 1], matrices[:, 1, 0] = np.sin(angles), -np.sin(angles)
    return matrices


def shear(angles: NDArray[np.float64], vertical: bool = False) -> Matrices:
    """Shift rows sideways (or columns upwards) in proportion to their distance from the centre; by radians, (N,)."""
    matrices = identity(len(angles))
    row, column = (1, 0) if vertical else (0, 1)
    matrices[:, row, column] = -np.tan(angles)
    return matrices


def scaling(x: NDArray[np.float64], y: NDArray[np.float64]) -> Matrices:
    """Enlarge by factors, (N,) each."""
    matrices = identity(len(x))
    matrices[:, 0, 0], matrices[:, 1, 1] = x, y
    return matrices


def translation(shifts: NDArray[np.float64]) -> Matrices:
    """Shift by pixels, (N, 2): right, down."""
    matrices = identity(len(shifts))
    matrices[:, :2, 2] = shifts
    return matrices
