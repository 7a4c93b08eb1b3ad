"""CutMix and MixUp, with label weights that are the true shares of the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maskfold.recipe import CutMix, MixUp
from maskfold.recipe.learning import Partners
from maskfold.scheme import IntArray
from maskfold.training.transfer import to_device


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels: rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        """Pixels."""
        return (self.bottom - self.top) * (self.right - self.left)


def draw_region(height: int, width: int, settings: CutMix, draws: np.random.Generator) -> Region:
    """Draw the region to paste into, clipped to the image.

    Yun et al. 2019, CutMix, section 3.1, eq. 2: the share 1 - lambda comes from Beta(alpha, alpha), the centre is
    uniform. A ``box`` keeps the image's aspect ratio, so its sides are sqrt(share) of the image's; a ``strip`` has full
    height and share of the width. A ``half`` also has full height, begins at the left or the right edge, and its share
    is uniform in ``settings.share``.
    """
    if settings.shape == "half":
        inner = round(draws.uniform(*settings.share) * width)
        left_side = draws.random() < 0.5
        return Region(0, height, 0, inner) if left_side else Region(0, height, width - inner, width)
    share = draws.beta(settings.alpha, settings.alpha)
    if settings.shape == "strip":
        left, right = _interval(width, share, draws)
        return Region(0, height, left, right)
    top, bottom = _interval(height, math.sqrt(share), draws)
    left, right = _interval(width, math.sqrt(share), draws)
    return Region(top, bottom, left, right)


def _interval(length: int, share: float, draws: np.random.Generator) -> tuple[int, int]:
    centre = draws.uniform(0, length)
    half = share * length / 2
    return max(0, round(centre - half)), min(length, round(centre + half))


def paste(images: Tensor, targets: Tensor, partners: Tensor, region: Region) -> tuple[Tensor, Tensor]:
    """Paste each partner's region into the images and mix the targets by the pixels' true shares.

    Args:
        images: (N, C, H, W), any type.
        targets: Class probabilities, float32, (N, classes).
        partners: For each image the number of the image that is pasted into it, int64, (N,).
        region: Where.

    Returns:
        New images and new targets, of the same shapes and types.
    """
    height, width = images.shape[-2:]
    share = region.area / (height * width)
    mixed = images.clone()
    rows, columns = slice(region.top, region.bottom), slice(region.left, region.right)
    mixed[:, :, rows, columns] = images[:, :, rows, columns][partners]
    return mixed, torch.lerp(targets, targets[partners], share)


def blend(images: Tensor, targets: Tensor, partners: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Blend each image and its target with its partner's: (1 - share) of its own, share of the partner's.

    Zhang et al. 2018, mixup, section 2, eq. 1. Shapes as in :func:`paste`; images are floating-point numbers.
    """
    return torch.lerp(images, images[partners], share), torch.lerp(targets, targets[partners], share)


def draw_partners(classes: IntArray, kind: Partners, draws: np.random.Generator) -> IntArray:
    """Draw for each image of a batch the one that is mixed into it.

    Args:
        classes: Of the images, int64, (N,).
        kind: ``any`` is a permutation of the batch, ``same-class`` one within each class; an image alone in its class
            is its own partner, which leaves it as it is. ``other-class`` is uniform over all images of other classes;
            in a batch of one class each image is its own partner.
        draws: Where the randomness comes from.

    Returns:
        Numbers of images, int64, (N,).
    """
    count = len(classes)
    if kind == "any":
        return draws.permutation(count)
    by_class = np.argsort(classes, kind="stable")
    first = np.searchsorted(classes[by_class], classes, side="left")
    last = np.searchsorted(classes[by_class], classes, side="right")
    partners = np.empty(count, dtype=np.int64)
    if kind == "same-class":
        shuffled = np.lexsort((draws.random(count), classes))
        partners[by_class] = shuffled
        return partners
    others = count - (last - first)
    place = (draws.random(count) * others).astype(np.int64)
    place += np.where(place >= first, last - first, 0)  # step over the image's own class
    return np.where(others > 0, by_class[np.minimum(place, count - 1)], np.arange(count))


def mix(
    images: Tensor, targets: Tensor, classes: IntArray, cutmix: CutMix, mixup: MixUp, draws: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix a batch by CutMix with probability ``cutmix.p``, by MixUp with probability ``mixup.p``, or not at all.

    Args:
        images: Float32, (N, C, H, W).
        targets: Class probabilities, float32, (N, classes).
        classes: Of the images, int64, (N,).
        cutmix: Its settings.
        mixup: Its settings; both probabilities are at most 1 together.
        draws: Where the randomness comes from.

    Returns:
        Images and targets of the same shapes.
    """
    chance = draws.random()
    if chance >= cutmix.p + mixup.p:
        return images, targets
    kind = cutmix.partners if chance < cutmix.p else mixup.partners
    partners = to_device(draw_partners(classes, kind, draws), images.device)
    if chance < cutmix.p:
        height, width = images.shape[-2:]
        return paste(images, targets, partners, draw_region(height, width, cutmix, draws))
    return blend(images, targets, partners, draws.beta(mixup.alpha, mixup.alpha))
