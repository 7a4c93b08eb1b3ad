"""Packed images: memory-mapped, resized once, gathered in batches on the device."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from maskfold.errors import CorruptDataError
from maskfold.scheme import IntArray
from maskfold.training.transfer import gather, to_device

RGB = tuple[float, float, float]

_CHUNK = 256
_MEASURED = 2048
_SHARE_OF_FREE = 1 / 3


class Images:
    """A pack whose rows are gathered as batches.

    A GPU holds the whole pack if that is small compared with the free memory: then a batch needs no transfer. Else, and
    on a CPU, the pack stays memory-mapped and batches are read from it. The batches are the same.

    Args:
        pack: uint8, (N, H, W, 3), RGB; may be memory-mapped.
        device: Where batches go.
        whole: Whether the device holds the whole pack; none leaves that to :func:`fits`.
    """

    def __init__(self, pack: NDArray[np.uint8], device: torch.device, whole: bool | None = None) -> None:
        self._pack = pack
        self._device = device
        if whole is None:
            whole = fits(pack.nbytes, device)
        self._resident = _resident(pack, device) if whole else None

    def __len__(self) -> int:
        return len(self._pack)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._pack.shape[1], self._pack.shape[2]

    @property
    def whole(self) -> bool:
        """Whether the device holds the whole pack."""
        return self._resident is not None

    def batch(self, rows: IntArray) -> Tensor:
        """Return rows as uint8, (n, 3, H, W), in channels_last memory order, the order of the pack."""
        if self._resident is not None:
            gathered = self._resident.index_select(0, to_device(rows, self._device))
        else:
            gathered = gather(self._pack, rows, self._device)
        return gathered.permute(0, 3, 1, 2)

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


def fits(size: int, device: torch.device) -> bool:
    """Return whether a device should hold a whole pack of this size in bytes.

    A GPU should if two thirds of its free memory are left for the network: its weights, their moments and the
    activations of a batch. A CPU has the mapped file in memory anyway, if there is room.
    """
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return size <= free * _SHARE_OF_FREE


def _resident(pack: NDArray[np.uint8], device: torch.device) -> Tensor:
    resident = torch.empty(pack.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(pack), _CHUNK):  # in parts, so that the host never holds a second copy of the pack
        rows = np.arange(start, min(start + _CHUNK, len(pack)))
        resident[rows[0] : rows[-1] + 1] = gather(pack, rows, device)
    return resident


def open_pack(path: Path, size: tuple[int, int] | None, scratch: Path) -> NDArray[np.uint8]:
    """Memory-map a pack, resized (bilinear, anti-aliased) if another size is wanted.

    Args:
        path: npy file, uint8, (N, H, W, 3).
        size: Height and width wanted, or none for the pack's own.
        scratch: Folder for the resized pack.

    Raises:
        CorruptDataError: If the file is not such an array.
    """
    try:
        pack: NDArray[np.uint8] = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # noqa: BLE001 - headers with odd shapes raise anything
        raise CorruptDataError(f"pack {path}: cannot be read as an npy array: {error}") from None
    if pack.dtype != np.uint8 or pack.ndim != 4 or pack.shape[3] != 3 or len(pack) < 0 or min(pack.shape[1:]) < 1:
        raise CorruptDataError(f"pack {path}: expected uint8 of shape (N, H, W, 3), found {pack.dtype} {pack.shape}")
    if size is None or size == pack.shape[1:3]:
        return pack
    shape = (len(pack), *size, 3)
    target = scratch / f"resized-{path.name}"
    copy: NDArray[np.uint8] = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a page that a full disk has no room for would kill the process
        with target.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, target.stat().st_size)
    for start in range(0, len(pack), _CHUNK):
        copy[start : start + _CHUNK] = resized(pack[start : start + _CHUNK], size)
    return copy


def resized(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize images (bilinear, anti-aliased); each one's result does not depend on the others.

    Args:
        images: uint8, (N, H, W, 3).
        size: Height and width wanted; images that have it are returned as they are.
    """
    if images.shape[1:3] == size or not len(images):
        return images
    chunk = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2)
    small: Tensor = F.interpolate(chunk, size=size, mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1).contiguous().numpy()
