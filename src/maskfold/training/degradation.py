"""Effects of bad cameras: blur and noise, a different amount for each image."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maskfold.recipe import Augmentation
from maskfold.training.transfer import to_device


def blur(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Blur some of the images, float32, (N, 3, H, W), overwritten."""
    count = len(images)
    chosen = np.flatnonzero(draws.random(count) < settings.blur)
    sigmas = draws.uniform(*settings.blur_sigma, count).astype(np.float32)
    if len(chosen):
        where = to_device(chosen, images.device)
        sigma = to_device(sigmas[chosen], images.device)
        images[where] = gaussian_blur(images[where], sigma, radius=math.ceil(3 * settings.blur_sigma[1]))
    return images


def gaussian_blur(images: Tensor, sigmas: Tensor, radius: int) -> Tensor:
    """Blur each image with its own Gaussian, cut off at a radius, along one side after the other.

    Args:
        images: Float32, (N, C, H, W).
        sigmas: Standard deviations in pixels, float32, (N,).
        radius: Of the kernel in pixels; at most the shorter side less one, since borders are mirrored.
    """
    count, channels, height, width = images.shape
    radius = min(radius, height - 1, width - 1)
    if radius == 0:
        return images
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernels = torch.exp(-0.5 * (offsets / sigmas.view(-1, 1)) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    # Every plane of every image is a channel of one picture, so that each can have its own kernel.
    planes = images.reshape(1, count * channels, height, width)
    padded = F.pad(planes, (radius, radius, radius, radius), mode="reflect")
    rows = F.conv2d(padded, kernels.view(-1, 1, 1, 2 * radius + 1), groups=count * channels)
    both = F.conv2d(rows, kernels.view(-1, 1, 2 * radius + 1, 1), groups=count * channels)
    return both.view_as(images)


def noise(images: Tensor, settings: Augmentation, draws: np.random.Generator) -> Tensor:
    """Add Gaussian noise to some of the images, float32 in 0..1, (N, 3, H, W), overwritten."""
    count = len(images)
    chosen = np.flatnonzero(draws.random(count) < settings.noise)
    deviations = draws.uniform(*settings.noise_std, count).astype(np.float32)
    seed = int(draws.integers(2**63))
    if len(chosen):
        generator = torch.Generator(images.device)
        generator.manual_seed(seed)
        where = to_device(chosen, images.device)
        deviation = to_device(deviations[chosen], images.device).view(-1, 1, 1, 1)
        old = images[where]
        grain = torch.randn(old.shape, generator=generator, device=images.device)
        images[where] = grain.mul_(deviation).add_(old).clamp_(0, 1)
    return images
