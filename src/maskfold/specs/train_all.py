"""Job ``train_all``: one network, trained on all people."""

from __future__ import annotations

from maskfold.specs.training import TrainOutcome, TrainSpec


class TrainAllOutcome(TrainOutcome):
    """A network trained on all people, so it has no held-out score."""


class TrainAllSpec(TrainSpec[TrainAllOutcome]):
    """Train one network on all people, for a number of epochs derived from the best epochs of the folds.

    The network's settings are those of :meth:`maskfold.recipe.Network.for_final_fit`.
    """

    stage = "train_all"
    version = 3

    @property
    def part(self) -> str:
        return "all"
