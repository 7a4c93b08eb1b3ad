"""Photographs whose face lies elsewhere than in the same person's other photographs.

A person's photographs are usually taken in one sitting, so their faces are about the same place and size; where one
is not, the detector may have taken something else for the face. Such photographs are shown to people, never changed.

The rule: of the confident boxes of a training person who has at least three, centre x, centre y and log height,
relative to the photograph, are compared with that person's medians. Distances are measured in spreads (1.4826 x median
absolute deviation over all such photographs of the data set, with a least spread); beyond six a box is an outlier.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.faces.choice import CONFIDENT, LEAST_SPREAD

FARTHEST: Final = 6.0
_FEWEST = 3
"""With two boxes it cannot be said which is the odd one."""


def outliers(index: pd.DataFrame, manifest: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which photographs' faces do not agree with the same person's others.

    Args:
        index: See :func:`maskfold.faces.pack.index_table`.
        manifest: Of the same order; part, person, width and height are used.

    Returns:
        (n,) bool.
    """
    flags = np.zeros(len(index), dtype=np.bool_)
    sure = (manifest["part"] == "train") & (index["status"] == "detected") & (index["probability"] >= CONFIDENT)
    rows = np.flatnonzero(sure.to_numpy())
    person = manifest["person"].iloc[rows].to_numpy()
    size = manifest[["width", "height"]].to_numpy(np.float64)[rows]
    corner = index[["box_left", "box_top"]].to_numpy(np.float64)[rows] / size
    opposite = index[["box_right", "box_bottom"]].to_numpy(np.float64)[rows] / size
    places = pd.DataFrame((corner + opposite) / 2, columns=["x", "y"])
    places["height"] = np.log(np.maximum(opposite[:, 1] - corner[:, 1], 1e-6))
    groups = places.groupby(person)
    comparable = groups["x"].transform("size").to_numpy() >= _FEWEST
    if not comparable.any():
        return flags
    apart = (places - groups.transform("median")).to_numpy()[comparable]
    spread = np.maximum(1.4826 * np.median(np.abs(apart), axis=0), LEAST_SPREAD)
    flags[rows[comparable]] = np.linalg.norm(apart / spread, axis=1) > FARTHEST
    return flags
