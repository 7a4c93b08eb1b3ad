"""Job ``train_fold``: one network, one fold held out."""

from __future__ import annotations

from typing import Annotated

from maskfold.recipe import OutsideKey
from maskfold.settings import Count, Probability
from maskfold.specs.spec import File
from maskfold.specs.training import TrainOutcome, TrainSpec


class TrainFoldOutcome(TrainOutcome):
    """A network trained with one fold held out."""

    predictions: File
    """Parquet: image, part ("valid"), fold, p0 .. p<classes-1> (probabilities) of the held-out images."""
    fold: Count
    macro_f1: Probability
    """Of the network's target on the held-out fold, kept epoch."""
    accuracy: Probability


class TrainFoldSpec(TrainSpec[TrainFoldOutcome]):
    """Train one network on all folds but one and predict that one."""

    stage = "train_fold"
    version = 4
    fold: Count
    """Number of the fold held out, from 0."""
    n_folds: Annotated[int, OutsideKey]

    @property
    def part(self) -> str:
        return f"{self.fold + 1}/{self.n_folds}"
