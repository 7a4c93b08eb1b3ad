"""Photographs with the face in a different place than in the same person's other photographs.

A person's photographs are usually taken in one sitting, so their faces have about the same place and size. A face that
differs may be a false detection. Outliers are shown in the report; crops are never changed.

The rule applies to training persons with at least three confident boxes. Centre x, centre y and log height, relative to
the photograph, are compared with the person's medians. Distances are measured in spreads (1.4826 x median absolute
deviation over all such photographs of the data set, with a least spread); a box beyond six spreads is an outlier.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.faces.choice import CONFIDENT, LEAST_SPREAD

FARTHEST: Final = 6.0
_FEWEST = 3
"""With two boxes it is undecided which one is the outlier."""


def outliers(index: pd.DataFrame, manifest: pd.DataFrame) -> NDArray[np.bool_]:
    """Find the photographs with a face that deviates from the same person's others.

    Args:
        index: See :func:`maskfold.faces.pack.index_table`.
        manifest: In the same order; part, person, width and height are used.

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
