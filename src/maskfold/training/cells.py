"""Cells: what is known of an image's mask, gender and age group, as one number.

Where all three are known it is the joint class, 0..17. Otherwise it is negative and says what is known and what is not:
-1 - (((mask + 1) * 3 + (gender + 1)) * 4 + (age group + 1)), where -1 stands for unknown. Nothing known is -1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from maskfold.labels import N_AGE, N_GENDER, Attribute, IntArray, decode, encode


def cells_of(mask: ArrayLike, gender: ArrayLike, group: ArrayLike) -> IntArray:
    """Combine attribute classes, of which some may be unknown.

    Args:
        mask: 0..2, or -1, (N,).
        gender: 0..1, or -1, (N,).
        group: Age groups 0..2, or -1, (N,).

    Returns:
        Cells, int64, (N,).
    """
    known = np.stack([np.asarray(values, dtype=np.int64) for values in (mask, gender, group)])
    whole = (known >= 0).all(axis=0)
    shifted = known + 1
    cells = np.asarray(-1 - ((shifted[0] * (N_GENDER + 1) + shifted[1]) * (N_AGE + 1) + shifted[2]), dtype=np.int64)
    cells[whole] = encode(*known[:, whole])
    return cells


def attributes_of(cells: IntArray) -> dict[Attribute, IntArray]:
    """Split cells into attribute classes, -1 where one is unknown; the inverse of :func:`cells_of`."""
    whole = cells >= 0
    rest, group = np.divmod(-1 - cells, N_AGE + 1)
    mask, gender = np.divmod(rest, N_GENDER + 1)
    known = decode(np.where(whole, cells, 0))
    shifted: dict[Attribute, IntArray] = {"mask": mask, "gender": gender, "age": group}
    return {name: np.where(whole, known[name], values - 1) for name, values in shifted.items()}
