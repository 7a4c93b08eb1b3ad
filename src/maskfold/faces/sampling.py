"""How fast photographs are cropped, and how large their faces are: from samples of two sizes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from maskfold.faces.cropping import pack_faces
from maskfold.recipe import Crop

SMALL: Final = 32
LARGE: Final = 128
"""Photographs of the two samples, for each process."""


@dataclass(frozen=True)
class Sampled:
    """What a sample shows."""

    count: int
    """Photographs of the larger sample."""
    face_height: float
    """Median height of what is cut out, in pixels of the photograph."""
    images_per_second: float
    start: float
    """Seconds that do not depend on the number of photographs."""


def sample_faces(
    manifest: pd.DataFrame, root: Path, crop: Crop, folder: Path, processes: int, external: Sequence[Path] = ()
) -> Sampled:
    """Crop a small and a large sample, spread evenly; what they differ in is the time of the photographs alone.

    Args:
        manifest: See :mod:`maskfold.dataset`.
        root: The data set's folder.
        crop: Sizes, margins and least probability.
        folder: An empty folder; its content is of no use afterwards.
        processes: As a job ``crop`` has.
        external: The folders of the external tables.
    """
    took, counts = list[float](), list[int]()
    for name, wanted in (("small", SMALL * processes), ("large", LARGE * processes)):
        rows = np.unique(np.linspace(0, len(manifest) - 1, min(wanted, len(manifest))).astype(int))
        place = folder / name
        place.mkdir()
        began = time.perf_counter()
        packs = pack_faces(manifest.iloc[rows].reset_index(drop=True), root, crop, place, processes, external=external)
        took.append(time.perf_counter() - began)
        counts.append(len(rows))
    heights = (packs.index["crop_bottom"] - packs.index["crop_top"]).to_numpy()
    heights = heights[heights > 0]
    if counts[1] > counts[0] and took[1] > took[0]:
        rate = (counts[1] - counts[0]) / (took[1] - took[0])
    else:  # of so few photographs only the start counts
        rate = counts[1] / took[1]
    return Sampled(
        count=counts[1],
        face_height=float(np.median(heights)) if len(heights) else float(crop.face_size[0]),
        images_per_second=rate,
        start=max(0.0, took[0] - counts[0] / rate),
    )
