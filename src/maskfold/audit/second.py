"""A second opinion: the same labels, judged by networks that were trained without what the first round is sure of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from maskfold.dataset.manifest import train_rows
from maskfold.ensemble.inputs import combine_outcomes
from maskfold.errors import CorruptDataError
from maskfold.specs import EnsembleSpec, File, Trial


def second_table(
    oof: pd.DataFrame, second: Trial, vote: EnsembleSpec, manifest: pd.DataFrame, fetch: Callable[[File], Path]
) -> pd.DataFrame:
    """Return an out-of-fold table with the probabilities of other networks; the labels stay.

    Args:
        oof: The run's own table.
        second: The other networks, trained on the same folds.
        vote: The run's own.
        manifest: Of the run.
        fetch: Returns a local path with a file's bytes.
    """
    asked = vote.model_copy(update={"recipe": second.recipe, "trained": second.trained, "final": (), "evaluated": ()})
    voted = combine_outcomes(asked, train_rows(manifest), fetch)
    columns = [f"p{number}" for number in range(voted.vote.oof.shape[1])]
    said = pd.DataFrame(voted.vote.oof, columns=columns, index=voted.train["image"])
    if not set(oof["image"]) <= set(said.index):
        raise CorruptDataError("the networks of the second round have not seen all photographs of the run; run again")
    return oof.assign(**{column: said.loc[oof["image"], column].to_numpy() for column in columns})
