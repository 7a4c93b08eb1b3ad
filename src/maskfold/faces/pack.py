"""Packed images: one uint8 array in one file. Several processes can write its rows in any order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from maskfold.faces.detector import Image
from maskfold.faces.geometry import Box

Status = Literal["detected", "retried", "fallback", "unreadable"]
"""Found at the first look, found at the second look, not found, or the photograph cannot be read."""

FACES_FILE = "faces.npy"
PORTRAITS_FILE = "portraits.npy"


@dataclass(frozen=True)
class Pack:
    """An npy file of (rows, height, width, 3) uint8, RGB; rows that are never written stay zero."""

    path: Path
    rows: int
    size: tuple[int, int]
    """Height and width."""
    offset: int
    """Where the first row begins, in bytes."""

    @classmethod
    def create(cls, path: Path, rows: int, size: tuple[int, int]) -> Pack:
        """Create a file of zeros."""
        with path.open("wb") as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": (rows, *size, 3)}
            np.lib.format.write_array_header_1_0(stream, header)
            offset = stream.tell()
            stream.truncate(offset + rows * size[0] * size[1] * 3)
        return cls(path, rows, size, offset)

    def write(self, row: int, image: Image) -> None:
        """Write one row, without a memory map: its pages would count as this process's memory."""
        if image.shape != (*self.size, 3) or image.dtype != np.uint8 or not 0 <= row < self.rows:
            raise ValueError(f"row {row} of {self.path.name}: {image.shape} {image.dtype} does not fit {self}")
        with self.path.open("r+b") as stream:
            stream.seek(self.offset + row * image.nbytes)
            stream.write(np.ascontiguousarray(image).data)


@dataclass(frozen=True)
class IndexRow:
    """The index entry of one photograph."""

    status: Status
    probability: float = float("nan")
    box: Box = (0.0, 0.0, 0.0, 0.0)
    """The face, or the fallback; in pixels of the upright photograph."""
    crop: Box = (0.0, 0.0, 0.0, 0.0)
    """What was packed: the box with margins; see :func:`maskfold.faces.geometry.crop_box`."""


def index_table(manifest: pd.DataFrame, entries: list[IndexRow]) -> pd.DataFrame:
    """Return the index of a pack.

    Args:
        manifest: See :mod:`maskfold.dataset`; the rows have its order.
        entries: One for each row of the manifest.

    Returns:
        image, part, row (int32), status, probability (float32, NaN without a detection), box_left, box_top, box_right,
        box_bottom, crop_left, crop_top, crop_right, crop_bottom (float32, pixels of the upright photograph).
    """
    table = pd.DataFrame(
        {
            "image": manifest["image"].to_numpy(),
            "part": manifest["part"].to_numpy(),
            "row": np.arange(len(manifest), dtype=np.int32),
            "status": [entry.status for entry in entries],
            "probability": np.array([entry.probability for entry in entries], dtype=np.float32),
        }
    )
    for name, boxes in (("box", [entry.box for entry in entries]), ("crop", [entry.crop for entry in entries])):
        edges = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        for number, edge in enumerate(("left", "top", "right", "bottom")):
            table[f"{name}_{edge}"] = edges[:, number]
    return table
