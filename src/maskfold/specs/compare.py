"""Job ``compare``: variants of a recipe, trained on the same folds, scored against the recipe as it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from maskfold.recipe import OutsideKey, Recipe, Settings
from maskfold.settings import Count
from maskfold.specs.address import Mark
from maskfold.specs.prepare import PrepareOutcome
from maskfold.specs.spec import File, Outcome, Spec
from maskfold.specs.train_fold import TrainFoldOutcome


class Trial(Settings):
    """One variant with one seed: all folds of all its networks."""

    variant: str
    factor: str = ""
    """The setting that is varied alone; empty for the base, a named variant and a combination."""
    set: tuple[str, ...] = ()
    """How the variant differs from the base, ``key=value`` each."""
    seed: Count
    """Number of the seed, from 0."""
    recipe: Recipe
    trained: Annotated[tuple[TrainFoldOutcome, ...], OutsideKey]
    trained_keys: tuple[Mark, ...]

    @property
    def label(self) -> str:
        """Name of the trial, for people."""
        return f"{self.variant}, seed {self.seed + 1}"


class VariantScore(Settings):
    """How a variant compares with the base."""

    name: str
    factor: str
    set: tuple[str, ...]
    seeds: Count
    macro_f1: float
    """Of the vote over all joint classes, out-of-fold; mean over seeds."""
    difference: float
    """To the base, paired over people and seeds; mean over seeds."""
    low: float
    """Lower end of its 95 % interval, by the bootstrap over people and seeds."""
    high: float
    error: NonNegativeFloat
    """Standard error of the difference."""
    by_seed: tuple[float, ...]
    """Difference with each seed."""
    wins: bool
    """Better with every seed, and by more than the stated number of standard errors."""
    seconds: NonNegativeFloat
    """Time that its trainings took, all seeds together."""


class CompareOutcome(Outcome):
    """The comparison."""

    variants: tuple[VariantScore, ...]
    """The base first."""
    table: File
    """Parquet: the same."""
    csv: File
    curves: File
    """Parquet: one row for each training, epoch and value; see :mod:`maskfold.study.curves`."""
    page: File
    """HTML."""
    winner: File | None
    """YAML of the recipe to go on with; None where a confirmation has to decide first."""
    adopted: bool = False
    """Whether that is another recipe than the base."""


class CompareSpec(Spec[CompareOutcome]):
    """Score all trials against the base."""

    stage = "compare"
    version = 1
    study: str
    """Name of the study, for people."""
    trials: Annotated[tuple[Trial, ...], Field(min_length=2)]
    """The base's first, seed by seed; every variant with the same seeds."""
    screened: tuple[VariantScore, ...] = ()
    """Of a confirmation: how the variants did whose best parts were merged."""
    prepared: Annotated[PrepareOutcome, OutsideKey]
    dataset_version: Mark
    folds_version: Mark
