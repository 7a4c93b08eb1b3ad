"""Packed images: memory-mapped, resized once, gathered in batches on the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from maskfold.errors import CorruptDataError
from maskfold.labels import IntArray

RGB = tuple[float, float, float]

_CHUNK = 256
_MEASURED = 2048


class Images:
    """A pack whose rows are gathered as batches.

    Args:
        pack: uint8, (N, H, W, 3), RGB; may be memory-mapped.
        device: Where batches go.
    """

    def __init__(self, pack: NDArray[np.uint8], device: torch.device) -> None:
        self._pack = pack
        self._device = device

    def __len__(self) -> int:
        return len(self._pack)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._pack.shape[1], self._pack.shape[2]

    def batch(self, rows: IntArray) -> Tensor:
        """Return rows as uint8, (n, 3, H, W), in channels_last memory order: the order that they are packed in."""
        gathered = torch.from_numpy(self._pack[rows])
        if self._device.type == "cuda":
            gathered = gathered.pin_memory()
        return gathered.to(self._device, non_blocking=True).permute(0, 3, 1, 2)

    def statistics(self, rows: IntArray) -> tuple[RGB, RGB]:
        """Return mean and standard deviation of red, green and blue, in 0..1, over all pixels of some rows.

        Of more than 2,048 rows, every n-th is taken. Values are counted, so the result is exact and does not depend
        on the order of summation.
        """
        rows = np.sort(rows)[:: -(-len(rows) // _MEASURED)]
        counts = np.zeros((3, 256), dtype=np.int64)
        for start in range(0, len(rows), _CHUNK):
            chunk = self._pack[rows[start : start + _CHUNK]]
            counts += np.stack([np.bincount(chunk[..., channel].ravel(), minlength=256) for channel in range(3)])
        values, shares = np.arange(256) / 255, counts / counts.sum(axis=1, keepdims=True)
        means = shares @ values
        deviations = np.sqrt(np.maximum(shares @ values**2 - means**2, 1e-6))  # one flat colour has no spread
        red, green, blue = means.tolist()
        of_red, of_green, of_blue = deviations.tolist()
        return (red, green, blue), (of_red, of_green, of_blue)


def open_pack(path: Path, size: tuple[int, int] | None, scratch: Path) -> NDArray[np.uint8]:
    """Memory-map a pack, resized (bilinear, anti-aliased) if networks want another size than it has.

    Args:
        path: npy file, uint8, (N, H, W, 3).
        size: Height and width wanted, or none for the pack's own.
        scratch: Folder for the resized pack.

    Raises:
        CorruptDataError: If the file is no such array.
    """
    try:
        pack: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CorruptDataError(f"pack {path}: cannot be read as an npy array: {error}") from None
    if pack.dtype != np.uint8 or pack.ndim != 4 or pack.shape[3] != 3:
        raise CorruptDataError(f"pack {path}: expected uint8 of shape (N, H, W, 3), found {pack.dtype} {pack.shape}")
    if size is None or size == pack.shape[1:3]:
        return pack
    shape = (len(pack), *size, 3)
    target = scratch / f"resized-{path.name}"
    resized: NDArray[np.uint8] = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, len(pack), _CHUNK):
        chunk = torch.from_numpy(np.array(pack[start : start + _CHUNK])).permute(0, 3, 1, 2)
        small = F.interpolate(chunk, size=size, mode="bilinear", antialias=True)
        resized[start : start + _CHUNK] = small.permute(0, 2, 3, 1).numpy()
    return resized
