"""Learning curves as one long table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from maskfold.specs import EpochRecord, TrainFoldOutcome, TrainOutcome

TYPES: Final = {"run": "str", "network": "str", "fold": "int32", "epoch": "int64", "tag": "str", "value": "float64"}
COLUMNS: Final = tuple(TYPES)
TAGS: Final = tuple(name for name in EpochRecord.model_fields if name != "epoch")


def curve_table(runs: Mapping[str, Iterable[TrainOutcome]]) -> pd.DataFrame:
    """Return the curves of all trainings.

    Args:
        runs: Trainings by name of their run.

    Returns:
        run, network (str); fold (int32, from 1; 0 for a training on everybody); epoch (int64, from 1); tag (str), such
        as ``valid_macro_f1``; value (float64). What an epoch does not have is left out.
    """
    rows = [
        (run, one.network, one.fold + 1 if isinstance(one, TrainFoldOutcome) else 0, record.epoch + 1, tag, value)
        for run, trained in runs.items()
        for one in trained
        for record in one.history
        for tag in TAGS
        if (value := getattr(record, tag)) is not None
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
