"""Job ``select``: whether some voters with weights are better than the plain vote of all."""

from __future__ import annotations

from typing import Annotated

from pydantic import NonNegativeFloat

from maskfold.recipe import OutsideKey
from maskfold.settings import Factor
from maskfold.specs.address import Mark
from maskfold.specs.compare import Trial
from maskfold.specs.prepare import PrepareOutcome
from maskfold.specs.spec import Outcome, Spec


class SelectOutcome(Outcome):
    """What selection gains on people that it has not seen."""

    gain: float
    """Macro-F1 of selected voters minus that of the plain vote, both on people that no selection has seen."""
    error: NonNegativeFloat
    """Its standard deviation, by the bootstrap over people."""
    log_loss: NonNegativeFloat
    """Of the plain vote, out-of-fold."""
    log_loss_selected: NonNegativeFloat
    """Of the selected voters on people that no selection has seen."""
    adopted: bool
    """Whether the gain minus one standard deviation is positive."""
    weights: dict[str, Factor]
    """For ``ensemble.weights`` of the recipe; empty if the plain vote stays."""


class SelectSpec(Spec[SelectOutcome]):
    """Select voters by log-loss; judge the selection on other people."""

    stage = "select"
    version = 1
    trial: Trial
    """The recipe, and all its trainings."""
    prepared: Annotated[PrepareOutcome, OutsideKey]
    dataset_version: Mark
    folds_version: Mark
