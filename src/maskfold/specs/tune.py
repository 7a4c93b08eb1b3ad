"""Job ``tune``: what a search found, whether its best is confirmed, and the page of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import NonNegativeFloat

from maskfold.recipe import Network, OutsideKey, Recipe, Settings
from maskfold.settings import Count
from maskfold.specs.address import Mark
from maskfold.specs.compare import Trial, VariantScore
from maskfold.specs.prepare import PrepareOutcome
from maskfold.specs.space import Number, Searched
from maskfold.specs.spec import File, Outcome, Spec


class SearchedTrial(Settings):
    """One trial of a search."""

    number: Count
    """From 0, the recipe as it is."""
    drawn: dict[str, Number] | None
    """Values of the space: a number, or the place of a choice; None if the space cannot express the recipe."""
    set: tuple[str, ...]
    """The same as ``key=value`` each."""
    state: Literal["complete", "pruned", "failed"]
    """`pruned`: after its first fold so far below the base that the others were not trained."""
    reason: Annotated[str, OutsideKey] = ""
    """Why it failed."""
    macro_f1: float | None = None
    """Out-of-fold; of a pruned one on the people of the first fold."""
    difference: float | None = None
    """To the recipe as it is, on the same people; None for that itself."""
    error: float | None = None
    """Standard error of the difference."""
    seconds: Annotated[NonNegativeFloat, OutsideKey] = 0.0
    """Time that its jobs took."""

    @property
    def name(self) -> str:
        """For people."""
        return trial_name(self.number)


def trial_name(number: int) -> str:
    """Return the name of a trial, for people."""
    return f"trial {number}" if number else "base"


class TuneOutcome(Outcome):
    """What tuning gained."""

    confirmed: tuple[VariantScore, ...]
    """With fresh seeds: the recipe as it is, then the best trials; empty where nothing could be confirmed."""
    adopted: bool
    """Whether a trial is better by the rule."""
    gain: float
    """Difference of what is adopted to the recipe as it is, by the confirmation alone; 0 if nothing is."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    table: File
    """Parquet: one row a trial."""
    csv: File
    page: File
    """HTML."""
    winner: File
    """YAML of the recipe to go on with."""


class TuneSpec(Spec[TuneOutcome]):
    """Score the confirmation and draw the page."""

    stage = "tune"
    version = 1
    study: str
    """Name of the study, for people."""
    base: Recipe
    space: dict[str, Searched]
    trials: tuple[SearchedTrial, ...]
    confirmation: tuple[Trial, ...]
    """With fresh seeds: the base's first, seed by seed; every variant with the same seeds."""
    budget: Annotated[float | None, OutsideKey] = None
    """Seconds."""
    spent: Annotated[NonNegativeFloat, OutsideKey] = 0.0
    """Seconds."""
    prepared: Annotated[PrepareOutcome, OutsideKey]
    dataset_version: Mark
    folds_version: Mark

    def seeds_of_base(self, recipe: Recipe) -> tuple[Network, ...]:
        """Return the networks of a trial with the seeds that the recipe as it is has."""
        pairs = zip(recipe.networks, self.base.networks, strict=True)
        return tuple(own.model_copy(update={"seed": base.seed}) for own, base in pairs)
