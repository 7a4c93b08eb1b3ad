"""What a table of curves holds, in a few rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

SCORE: Final = "valid_macro_f1"


@dataclass(frozen=True)
class CurvesOf:
    """The curves of one network of a run."""

    run: str
    network: str
    """Empty where the curves do not say."""
    folds: int
    last: int
    """The last epoch, or step."""
    tags: int
    values: int
    best: float | None
    """Highest mean over folds of the validation macro-F1; None without such a curve."""


def overview(table: pd.DataFrame) -> list[CurvesOf]:
    """Return a row for each run and network, in the table's order."""
    return [
        CurvesOf(
            run=str(run),
            network=str(network),
            folds=own["fold"].nunique(),
            last=int(own["epoch"].max()),
            tags=own["tag"].nunique(),
            values=len(own),
            best=_best(own[own["tag"] == SCORE]),
        )
        for (run, network), own in table.groupby(["run", "network"], sort=False)
    ]


def tags_of(table: pd.DataFrame) -> list[str]:
    """Return all tags, in the table's order."""
    return list(dict.fromkeys(table["tag"]))


def _best(scores: pd.DataFrame) -> float | None:
    means = scores.groupby("epoch")["value"].mean()
    return None if means.empty else float(means.max())
