"""Transfer of arrays to the device, without waiting for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskfold.scheme import IntArray


def to_device(values: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor on the device; on a CPU both share their memory if possible.

    A copy from ordinary memory to a GPU waits until the GPU has finished all earlier work, so the GPU would idle while
    the next step is prepared; a copy from pinned memory is queued. torch reuses pinned memory only when the copies
    from it are done, so the caller need not keep it.
    """
    tensor = torch.from_numpy(np.require(values, requirements=["C", "W"]))  # torch has no read-only tensors
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def gather(source: NDArray[np.uint8], rows: IntArray, device: torch.device) -> Tensor:
    """Return rows of an array as a tensor on the device; for a GPU they are gathered in pinned memory right away.

    Args:
        source: uint8, (N, ...); may be memory-mapped.
        rows: Which, int64, (n,); each below N.
        device: Where they go.
    """
    if device.type == "cpu":
        return torch.from_numpy(source[rows])
    pinned = torch.empty((len(rows), *source.shape[1:]), dtype=torch.uint8, pin_memory=True)
    # Any mode but "raise" writes to `out` directly, without a copy in between.
    np.take(source, rows, axis=0, out=pinned.numpy(), mode="clip")
    return pinned.to(device, non_blocking=True)
