"""Job ``train_all``: one network, trained on all people."""

from __future__ import annotations

from maskfold.specs.training import TrainOutcome, TrainSpec


class TrainAllOutcome(TrainOutcome):
    """A network that learnt from everybody; nobody is left to judge it."""


class TrainAllSpec(TrainSpec[TrainAllOutcome]):
    """Train one network on all people, for a number of epochs that the folds found, and predict the evaluation images.

    The network's settings are those of :meth:`maskfold.recipe.Network.for_final_fit`.
    """

    stage = "train_all"
    version = 3

    @property
    def part(self) -> str:
        return "all"
