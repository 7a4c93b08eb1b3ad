"""From packed images to probabilities, in training and with a finished network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskfold.scheme import IntArray
from maskfold.training.images import RGB, Images
from maskfold.training.precision import Precision, autocast


class InputScale:
    """Scales images for the inputs of a network.

    Args:
        mean: Of red, green and blue, in 0..1.
        std: Standard deviation of the same.
        device: Where the images are.
    """

    def __init__(self, mean: RGB, std: RGB, device: torch.device) -> None:
        centre, spread = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (mean, std))
        self._scale, self._shift = 1 / spread, -centre / spread

    def __call__(self, images: Tensor) -> Tensor:
        """Return float32 images in 0..1, (N, 3, H, W), scaled in place, in channels_last memory order."""
        return images.mul_(self._scale).add_(self._shift).contiguous(memory_format=torch.channels_last)


def planes(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in 0..1, contiguous."""
    return images.contiguous().float().div_(255)


def probabilities(
    model: torch.nn.Module,
    images: Images,
    rows: IntArray,
    classes: int,
    batch_size: int,
    scale: InputScale,
    precision: Precision,
    device: torch.device,
    before_batch: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Predict rows of a pack.

    Args:
        model: Returns logits, (n, classes).
        images: The pack.
        rows: Rows of it, int64, (N,).
        classes: Size of the network's output.
        batch_size: Images at once.
        scale: Of the network's inputs.
        precision: Of the arithmetic.
        device: Where it computes.
        before_batch: Called before each batch; may raise to stop.

    Returns:
        Softmax probabilities, float32, (N, classes).
    """
    model.eval()
    # On the device, so that a GPU does not wait for each batch's results to be copied.
    found = torch.empty((len(rows), classes), device=device)
    with torch.inference_mode(), autocast(precision, device):
        for start in range(0, len(rows), batch_size):
            before_batch()
            batch = images.batch(rows[start : start + batch_size])
            found[start : start + batch_size] = model(scale(planes(batch))).float().softmax(dim=1)
    return found.cpu().numpy()
