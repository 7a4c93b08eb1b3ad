"""Where faces are in their crops."""

from __future__ import annotations

import numpy as np
import pandas as pd

from maskfold.recipe import Crop
from maskfold.training.cover_drawing import Box

_EDGES = ("left", "top", "right", "bottom")


def face_place(index: pd.DataFrame, crop: Crop) -> Box | None:
    """Return where the detector's box is in the crops of the training photographs: the median of each edge.

    Margins in shares of the box put it at the same place in all crops but those cut at the photograph's border.

    Args:
        index: Of a pack; see :func:`maskfold.faces.pack.index_table`.
        crop: How the crops were cut.

    Returns:
        Left, top, right, bottom as shares of the crop's width and height; None without a detected face.
    """
    found = index[index["status"].isin(["detected", "retried"]) & (index["part"] != "eval")]
    if len(found) == 0:
        return None
    box, cut = (found[[f"{what}_{edge}" for edge in _EDGES]].to_numpy(dtype=float) for what in ("box", "crop"))
    origin, extent = cut[:, :2], cut[:, 2:] - cut[:, :2]
    if crop.aspect == "pad":  # what was cut is centred on black
        height, width = crop.face_size
        whole = np.max(extent / (width, height), axis=1, keepdims=True) * (width, height)
        origin, extent = origin - (whole - extent) / 2, whole
    left, top, right, bottom = np.median((box - np.tile(origin, 2)) / np.tile(extent, 2), axis=0).tolist()
    return left, top, right, bottom
