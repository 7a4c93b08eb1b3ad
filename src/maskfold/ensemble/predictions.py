"""What the jobs before predicted, as the vote takes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from maskfold.ensemble.combination import FoldTable
from maskfold.specs import NOBODY, EnsembleSpec, File


def fetch_predictions(
    spec: EnsembleSpec, fetch: Callable[[File], Path]
) -> tuple[list[FoldTable], dict[str, pd.DataFrame]]:
    """Join what each training predicted for held-out and for evaluation images.

    Args:
        spec: The ensemble job's spec, with the outcomes of the jobs before.
        fetch: Returns a local path of a file of the workspace.

    Returns:
        A table for each network and fold; and, by network, what the networks trained on everybody predict.
    """
    asked = {one.network: pd.read_parquet(fetch(one.predictions)) for one in spec.evaluated}

    def evaluation(network: str, fold: int) -> list[pd.DataFrame]:
        return [asked[network].loc[lambda rows: rows["fold"] == fold]] if asked else []

    tables = []
    for one in spec.trained:
        held_out = pd.read_parquet(fetch(one.predictions))
        joined = pd.concat([held_out, *evaluation(one.network, one.fold)], ignore_index=True)
        tables.append(FoldTable(one.network, one.fold, joined))
    final = {one.network: pd.concat(evaluation(one.network, NOBODY)) for one in spec.final} if asked else {}
    return tables, final
