"""How many faces were found, by part and by mask state."""

from __future__ import annotations

from typing import get_args

import pandas as pd

from maskfold.faces.pack import Status
from maskfold.labels import MASK_STATES
from maskfold.specs import FaceShares


def shares(index: pd.DataFrame, manifest: pd.DataFrame) -> list[FaceShares]:
    """Count statuses: of training, evaluation and external photographs, and of each mask state of the training part.

    Args:
        index: See :func:`maskfold.faces.pack.index_table`.
        manifest: Of the same order.
    """
    status = index["status"].to_numpy()
    part, mask = manifest["part"].to_numpy(), manifest["mask"].to_numpy()
    groups = {name: part == name for name in ("train", "eval", "external")}
    groups |= {f"train, mask {name}": (part == "train") & (mask == state) for state, name in enumerate(MASK_STATES)}
    found = []
    for name, chosen in groups.items():
        counts = {kind: int((status[chosen] == kind).sum()) for kind in get_args(Status)}
        found.append(FaceShares(group=name, images=int(chosen.sum()), **counts))
    return found
