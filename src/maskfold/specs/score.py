"""Job ``score``: one trial of a search, scored out-of-fold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from maskfold.recipe import OutsideKey
from maskfold.settings import Count, Probability
from maskfold.specs.address import Mark
from maskfold.specs.compare import Trial
from maskfold.specs.prepare import PrepareOutcome
from maskfold.specs.spec import Outcome, Spec


class ScoreOutcome(Outcome):
    """How good a trial is."""

    macro_f1: Probability
    """Of the vote over all joint classes, on the people of the folds that were asked for."""
    difference: float | None
    """To the base on the same people; None for the base itself."""
    error: NonNegativeFloat | None
    """Standard error of the difference, by the bootstrap over people."""


class ScoreSpec(Spec[ScoreOutcome]):
    """Score a trial on the people of some folds."""

    stage = "score"
    version = 1
    trial: Trial
    base: Trial | None
    """The recipe as it is; None if that is the trial."""
    folds: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Which folds; from 0."""
    prepared: Annotated[PrepareOutcome, OutsideKey]
    dataset_version: Mark
    folds_version: Mark

    @property
    def label(self) -> str:
        some = ", first fold" if len(self.folds) < self.trial.recipe.folds.k else ""
        return f"{self.stage} {self.trial.variant}{some}"
