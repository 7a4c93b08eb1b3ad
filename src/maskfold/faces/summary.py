"""Number of faces found, by part and by the classes of a photograph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.faces.pack import Status
from maskfold.scheme import Scheme
from maskfold.specs import FaceShares

_PARTS = ("train", "eval", "external")


def shares(index: pd.DataFrame) -> list[FaceShares]:
    """Count statuses of training, evaluation and external photographs.

    Args:
        index: See :func:`maskfold.faces.pack.index_table`.
    """
    return _count(index, {part: (index["part"] == part).to_numpy() for part in _PARTS})


def class_shares(index: pd.DataFrame, manifest: pd.DataFrame, scheme: Scheme) -> list[FaceShares]:
    """Count statuses of the training photographs by each class of each attribute of a photograph.

    Args:
        index: See :func:`maskfold.faces.pack.index_table`.
        manifest: In the same order.
        scheme: Names the classes; a group is called ``train, <attribute> <class>``.
    """
    train = (manifest["part"] == "train").to_numpy()
    groups = {
        f"train, {attribute.name} {name}": train & (attribute.classes(manifest[attribute.name]) == number)
        for attribute in scheme.of("photograph")
        for number, name in enumerate(attribute.class_names)
    }
    return _count(index, groups)


def _count(index: pd.DataFrame, groups: Mapping[str, NDArray[np.bool_]]) -> list[FaceShares]:
    status = index["status"].to_numpy()
    found = []
    for name, chosen in groups.items():
        counts = {kind: int((status[chosen] == kind).sum()) for kind in get_args(Status)}
        found.append(FaceShares(group=name, images=int(chosen.sum()), **counts))
    return found
