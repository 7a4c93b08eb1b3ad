"""Random changes of a batch of images, drawn for each image, computed for the batch on its device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from maskfold.recipe import Augmentation
from maskfold.training import affine, colour, degradation
from maskfold.training.randaugment import randaugment
from maskfold.training.transfer import to_device

_CHANGES: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    colour.adjust_brightness,
    colour.adjust_contrast,
    colour.adjust_saturation,
    colour.adjust_hue,
)


def augment(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Augment a batch.

    Args:
        images: Float32 in 0..1, RGB, (N, 3, H, W); overwritten. Fastest plane by plane (contiguous): on a CPU, three
            interleaved channels leave vector units half empty.
        settings: What to do.
        draws: Where the randomness comes from; the number of draws depends on N and the settings alone.

    Returns:
        Images of the same shape and range.
    """
    if settings.flip > 0:
        images = flip(images, draws.random(len(images)) < settings.flip)
    if settings.affine > 0 or settings.crop > 0:
        images = affine.warp(images, settings, draws)
    if settings.jitter != "none":
        images = jitter(images, settings, draws)
    if settings.randaugment > 0:
        images = randaugment(images, settings, draws)
    if settings.grey > 0:
        images = grey(images, draws.random(len(images)) < settings.grey)
    if settings.blur > 0:
        images = degradation.blur(images, settings, draws)
    if settings.noise > 0:
        images = degradation.noise(images, settings, draws)
    if settings.erasing > 0:
        images = erase(images, settings, draws)
    return images


def flip(images: Tensor, chosen: np.ndarray) -> Tensor:
    """Mirror the chosen images (bool, (N,)) left to right."""
    where = to_device(np.flatnonzero(chosen), images.device)
    images[where] = images[where].flip(3)
    return images


def grey(images: Tensor, chosen: np.ndarray) -> Tensor:
    """Turn the chosen images (bool, (N,)) grey."""
    where = to_device(np.flatnonzero(chosen), images.device)
    images[where] = colour.adjust_saturation(images[where], torch.zeros(len(where), device=images.device))
    return images


def jitter(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Change brightness, contrast, saturation or hue: one of them, or all in random order, image by image."""
    count = len(images)
    rounds = 1 if settings.jitter == "one-of" else len(_CHANGES)
    orders = draws.permuted(np.tile(np.arange(len(_CHANGES)), (count, 1)), axis=1)[:, :rounds]
    ranges = np.array([settings.brightness, settings.contrast, settings.saturation, settings.hue])
    amounts = draws.uniform(ranges[:, 0], ranges[:, 1], size=(count, len(_CHANGES))).astype(np.float32)
    applied = draws.random(count) < settings.jitter_p
    for turn in range(rounds):
        for number, change in enumerate(_CHANGES):
            chosen = np.flatnonzero(applied & (orders[:, turn] == number))
            if len(chosen):
                where = to_device(chosen, images.device)
                amount = to_device(amounts[chosen, number], images.device)
                images[where] = change(images[where], amount)
    return images


def erase(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Overwrite a random rectangle with noise.

    Zhong et al. 2020, Random Erasing Data Augmentation, algorithm 1: the area is uniform in ``erasing_area``, the
    aspect ratio log-uniform in 0.3..1/0.3, every pixel and channel uniform noise. Where the paper draws again until
    the rectangle fits, the range of aspect ratios is narrowed to those that fit, so the areas stay as set.
    """
    count, _, height, width = images.shape
    tops, bottoms, lefts, rights = _rectangles(count, height, width, settings.erasing_area, draws)
    chosen = np.flatnonzero(draws.random(count) < settings.erasing)
    seed = int(draws.integers(2**63))
    if len(chosen) == 0:
        return images
    noise = torch.Generator(images.device)
    noise.manual_seed(seed)
    y = torch.arange(height, device=images.device).view(1, 1, -1, 1)
    x = torch.arange(width, device=images.device).view(1, 1, 1, -1)
    top, bottom, left, right = (
        to_device(side[chosen], images.device).view(-1, 1, 1, 1) for side in (tops, bottoms, lefts, rights)
    )
    where = to_device(chosen, images.device)
    old = images[where]
    new = torch.rand(old.shape, generator=noise, device=images.device)
    images[where] = torch.where((y >= top) & (y < bottom) & (x >= left) & (x < right), new, old)
    return images


def _rectangles(
    count: int, height: int, width: int, areas: tuple[float, float], draws: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw ``count`` rectangles inside the image: top, bottom, left, right, ends excluded, int64 each."""
    share = draws.uniform(*areas, size=count)
    # With h = sqrt(share H W r) and w = sqrt(share H W / r), h <= H and w <= W bound the aspect ratio r.
    lowest = np.maximum(0.3, share * height / width)
    highest = np.minimum(1 / 0.3, height / (np.maximum(share, 1e-9) * width))
    lowest, highest = np.minimum(lowest, highest), np.maximum(lowest, highest)
    ratio = np.exp(draws.uniform(np.log(lowest), np.log(highest)))
    area = share * height * width
    heights = np.clip(np.rint(np.sqrt(area * ratio)), 1, height).astype(np.int64)
    widths = np.clip(np.rint(np.sqrt(area / ratio)), 1, width).astype(np.int64)
    tops = draws.integers(0, height - heights, endpoint=True)
    lefts = draws.integers(0, width - widths, endpoint=True)
    return tops, tops + heights, lefts, lefts + widths
