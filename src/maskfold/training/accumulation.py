"""Gradients of a batch that goes through the network in parts; the parts shrink when memory runs out."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger(__name__)


class Accumulation:
    """How many images go through the network at once.

    The parts' gradients, weighted by their shares, add up to the whole batch's gradient for every loss that is a mean
    over images, so the optimizer sees the same effective batch. Batch norm sees the parts, as with any small
    batch, and a loss of the batch as a whole (soft macro-F1) is computed for each part.

    Args:
        micro_batch: Images in a part at most; none uses the whole batch.
    """

    def __init__(self, micro_batch: int | None) -> None:
        self.micro_batch = micro_batch
        """Only ever becomes smaller, when memory runs out."""

    def run(self, count: int, backward: Callable[[slice, float], Tensor], reset: Callable[[], None]) -> Tensor:
        """Compute a batch's gradient.

        Args:
            count: Images in the batch.
            backward: Adds the gradient of some images' mean loss times a share, and returns that product.
            reset: Called before a new attempt; undoes what a failed one has added.

        Returns:
            The batch's mean loss.

        Raises:
            OutOfMemoryError: If not even a single image fits.
        """
        while True:
            reset()
            try:
                losses = [backward(part, (part.stop - part.start) / count) for part in parts(count, self.micro_batch)]
            except torch.OutOfMemoryError:
                size = min(self.micro_batch or count, count)
                if size == 1:
                    raise
                self.micro_batch = math.ceil(size / 2)
            else:
                return losses[0] if len(losses) == 1 else torch.stack(losses).sum()
            # Outside the handler: inside it, the traceback still holds the failed attempt's tensors.
            log.warning(
                "out of memory with %d images at once; continuing with %d, the batch stays %d images",
                size,
                self.micro_batch,
                count,
            )
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def parts(count: int, micro_batch: int | None) -> list[slice]:
    """Cut a batch into as few parts as possible, of sizes that differ by one at most."""
    n_parts = math.ceil(count / min(micro_batch or count, count))
    bounds = [number * count // n_parts for number in range(n_parts + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]
