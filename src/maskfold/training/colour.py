"""Colour changes of batches, one amount for each image.

The formulas are those of ``torchvision.transforms.functional`` (after Pillow's ImageEnhance), which takes one amount
for a whole batch. All functions take images, float32 in 0..1, RGB, (N, 3, H, W), and amounts, float32, (N,), and
return new images.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LUMA = (0.2989, 0.587, 0.114)  # ITU-R BT.601


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply by the factors: 0 is black, 1 leaves the image."""
    return (images * factors.view(-1, 1, 1, 1)).clamp_(0, 1)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the image's mean grey: 0 is that grey, 1 leaves the image."""
    return _blend(images, _grey(images).mean(dim=(1, 2, 3), keepdim=True), factors)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the grey image: 0 is grey, 1 leaves the image."""
    return _blend(images, _grey(images), factors)


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue in HSV space (Smith 1978) by shifts in turns of the colour circle; 0 and 1 leave the image."""
    red, green, blue = images.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    safe = chroma.clamp_min(torch.finfo(chroma.dtype).tiny)
    sixth = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sixth += 6 * shifts.view(-1, 1, 1)
    # Channel n of HSV to RGB without branches: value - chroma * clamp(min(k, 4 - k), 0, 1), k = (n + 6 hue) mod 6.
    channels = []
    for offset in (5, 3, 1):
        k = sixth + offset
        k -= 6 * torch.floor(k / 6)  # a third of remainder's time
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.stack(channels, dim=1).clamp_(0, 1)


def _grey(images: Tensor) -> Tensor:
    red, green, blue = images.unbind(1)
    # In place: a sum of products makes temporaries, whose fresh memory costs more than the arithmetic.
    return (red * _LUMA[0]).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2]).unsqueeze(1)


def _blend(images: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    return torch.lerp(other, images, factors.view(-1, 1, 1, 1)).clamp_(0, 1)
