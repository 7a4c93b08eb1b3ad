"""How many faces were found, by part and by mask state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import pandas as pd

from maskfold.faces.pack import Status
from maskfold.labels import MASK_STATES


@dataclass(frozen=True)
class Shares:
    """What became of a group of photographs."""

    group: str
    images: int
    """Photographs, with unreadable ones."""
    counts: dict[str, int]
    """Photographs by status: detected, retried, fallback, unreadable."""

    @property
    def fallback(self) -> float:
        """Share of the readable photographs without a detected face; 0 without any."""
        readable = self.images - self.counts["unreadable"]
        return self.counts["fallback"] / readable if readable else 0.0

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {count}" for name, count in self.counts.items() if count)
        return f"{self.group}: {self.images} images, {parts or 'none'}; fallback {self.fallback:.2%}"


def shares(index: pd.DataFrame, manifest: pd.DataFrame) -> list[Shares]:
    """Count statuses: of training, evaluation and external photographs, and of each mask state of the training part.

    Args:
        index: See :func:`maskfold.faces.pack.index_table`.
        manifest: Of the same order.
    """
    status = index["status"].to_numpy()
    part, mask = manifest["part"].to_numpy(), manifest["mask"].to_numpy()
    groups = {name: part == name for name in ("train", "eval", "external")}
    groups |= {f"train, mask {name}": (part == "train") & (mask == state) for state, name in enumerate(MASK_STATES)}
    return [
        Shares(name, int(chosen.sum()), {kind: int((status[chosen] == kind).sum()) for kind in get_args(Status)})
        for name, chosen in groups.items()
    ]
