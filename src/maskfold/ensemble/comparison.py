"""Whether one vote is better than another on the same photographs, paired over people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from maskfold.champions import Margin
from maskfold.dataset.frame import read_frame
from maskfold.ensemble.bootstrap import RESAMPLES, Answers, interval, resample
from maskfold.ensemble.scores import macro_f1
from maskfold.errors import CorruptDataError

_COLUMNS: Final = {"image": "str", "person": "str", "true_class": "int64", "predicted_class": "int64"}


def read_answers(path: Path) -> pd.DataFrame:
    """Read what :func:`compare` needs of an out-of-fold table.

    Raises:
        CorruptDataError: If it is none.
    """
    return read_frame(path, "an out-of-fold table", _COLUMNS)[list(_COLUMNS)]


def compare(challenger: pd.DataFrame, champion: pd.DataFrame, classes: int) -> Margin | None:
    """Return by how much the challenger's macro-F1 is higher.

    Both votes are scored in the same resamples of the people, so that what is hard for both does not count.

    Args:
        challenger: Out-of-fold table: image, person, true_class, predicted_class.
        champion: Likewise.
        classes: Number of joint classes.

    Returns:
        The margin; None if the tables are not of the same photographs with the same people and labels.

    Raises:
        CorruptDataError: If a table has other classes, or an image twice.
    """
    both = challenger.merge(champion, on="image", suffixes=("", "_champion"))
    for table in (challenger, champion):
        if table["image"].duplicated().any() or _beyond(table, classes):
            raise CorruptDataError("an out-of-fold table has an image twice, or classes that the model does not have")
    same = (both["true_class"] == both["true_class_champion"]) & (both["person"] == both["person_champion"])
    if not len(both) or not len(both) == len(challenger) == len(champion) or not same.all():
        return None
    true = both["true_class"].to_numpy()
    votes = [both[name].to_numpy() for name in ("predicted_class", "predicted_class_champion")]
    here, there = (macro_f1(true, vote, classes) for vote in votes)
    ours, theirs = resample(both["person"], [Answers(true, vote, classes) for vote in votes])
    differences = ours.macro_f1 - theirs.macro_f1
    low, high = interval(differences)
    share = float(np.mean(differences > 0))
    return Margin(difference=here - there, low=low, high=high, share=share, resamples=RESAMPLES)


def _beyond(table: pd.DataFrame, classes: int) -> bool:
    found = table[["true_class", "predicted_class"]].to_numpy()
    return bool(((found < 0) | (found >= classes)).any())
