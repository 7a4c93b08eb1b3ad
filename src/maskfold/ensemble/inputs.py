"""From the outcomes of the jobs before the vote to the tables that it combines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from maskfold.dataset import read_folds
from maskfold.dataset.frame import PREDICTIONS, read_frame
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.specs import NO_FOLD, EnsembleSpec, File


def combine_outcomes(spec: EnsembleSpec, manifest: pd.DataFrame, fetch: Callable[[File], Path]) -> Combination:
    """Read the predictions of all trainings and combine them.

    Args:
        spec: Recipe and outcomes.
        manifest: See :mod:`maskfold.dataset.manifest`.
        fetch: Returns a local path with a file's bytes.

    Raises:
        InvariantError: As :func:`maskfold.ensemble.combination.combine` does.
    """
    asked = {one.network: read_predictions(fetch(one.predictions)) for one in spec.evaluated}

    def of_evaluation(network: str, fold: int) -> list[pd.DataFrame]:
        return [asked[network].loc[lambda rows: rows["fold"] == fold]] if asked else []

    tables = [
        FoldTable(
            one.network,
            one.fold,
            pd.concat([read_predictions(fetch(one.predictions)), *of_evaluation(one.network, one.fold)]),
        )
        for one in spec.trained
    ]
    final = {one.network: pd.concat(of_evaluation(one.network, NO_FOLD)) for one in spec.final if asked}
    return combine(spec.recipe, manifest, read_folds(fetch(spec.prepared.folds)), tables, final)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read a training's table of predictions.

    Raises:
        CorruptDataError: If it is none.
    """
    return read_frame(path, "a table of predictions", PREDICTIONS)
