"""RandAugment for batches of faces.

Cubuk et al. 2020, RandAugment: Practical automated data augmentation, section 3: each image gets N changes drawn
with equal chance (and with replacement) from a list, all of one magnitude M. The list is the paper's without the two
that need histograms or filters of each image (equalize, sharpness); shifts reach a seventh of the side instead of a
third, so that faces stay in the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskfold.recipe import Augmentation
from maskfold.training import affine, colour
from maskfold.training.transfer import to_device

Strengths = NDArray[np.float64]
"""-1..1, (n,): magnitude over 10 with a random sign; changes without direction use the absolute value."""


def randaugment(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Apply ``settings.randaugment`` changes of strength ``settings.magnitude`` to each image.

    Args:
        images: Float32 in 0..1, (N, 3, H, W); overwritten.
        settings: What to do.
        draws: Where the randomness comes from.
    """
    shape = (settings.randaugment, len(images))
    changes = draws.integers(len(CHANGES), size=shape)
    strengths = np.where(draws.random(shape) < 0.5, -1.0, 1.0) * settings.magnitude / 10
    for drawn, strength in zip(changes, strengths, strict=True):
        for number, change in enumerate(CHANGES):
            chosen = np.flatnonzero(drawn == number)
            if len(chosen):
                where = to_device(chosen, images.device)
                images[where] = change(images[where], strength[chosen])
    return images


def _moved(images: Tensor, matrices: affine.Matrices) -> Tensor:
    return affine.transform(images, matrices, np.ones(len(images), dtype=bool))


def _nothing(images: Tensor, _: Strengths) -> Tensor:
    return images


def _rotate(images: Tensor, strengths: Strengths) -> Tensor:
    return _moved(images, affine.rotation(np.deg2rad(30) * strengths))


def _shear_x(images: Tensor, strengths: Strengths) -> Tensor:
    return _moved(images, affine.shear(np.arctan(0.3 * strengths)))


def _shear_y(images: Tensor, strengths: Strengths) -> Tensor:
    return _moved(images, affine.shear(np.arctan(0.3 * strengths), vertical=True))


def _shift_x(images: Tensor, strengths: Strengths) -> Tensor:
    return _moved(images, affine.translation(np.outer(strengths, [0.15 * images.shape[3], 0])))


def _shift_y(images: Tensor, strengths: Strengths) -> Tensor:
    return _moved(images, affine.translation(np.outer(strengths, [0, 0.15 * images.shape[2]])))


def _coloured(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Strengths], Tensor]:
    def coloured(images: Tensor, strengths: Strengths) -> Tensor:
        return change(images, _column(images, 1 + 0.9 * strengths).flatten())

    return coloured


def _posterize(images: Tensor, strengths: Strengths) -> Tensor:
    """Keep 8 bits (strength 0) to 4 bits (strength 1) of each channel."""
    levels = _column(images, 2.0 ** np.rint(8 - 4 * np.abs(strengths)))
    return torch.floor(images * levels).clamp_max(levels - 1) / levels


def _solarize(images: Tensor, strengths: Strengths) -> Tensor:
    """Invert what is brighter than 1 (strength 0) to 0 (strength 1)."""
    return torch.where(images > _column(images, 1 - np.abs(strengths)), 1 - images, images)


def _autocontrast(images: Tensor, _: Strengths) -> Tensor:
    """Stretch each channel to 0..1 at any strength."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    flat = high <= low
    return torch.where(flat, images, (images - low) / (high - low).masked_fill(flat, 1))


def _column(images: Tensor, values: Strengths) -> Tensor:
    return to_device(values.astype(np.float32), images.device).view(-1, 1, 1, 1)


CHANGES: Final[tuple[Callable[[Tensor, Strengths], Tensor], ...]] = (
    _nothing,
    _autocontrast,
    _rotate,
    _solarize,
    _coloured(colour.adjust_saturation),
    _posterize,
    _coloured(colour.adjust_contrast),
    _coloured(colour.adjust_brightness),
    _shear_x,
    _shear_y,
    _shift_x,
    _shift_y,
)
"""Each takes images, float32 in 0..1, (n, 3, H, W), and strengths."""
