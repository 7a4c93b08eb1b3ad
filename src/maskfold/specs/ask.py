"""Job ``ask``: what a trial of a long search tries; a job, because it needs torch, which flows do not have."""

from __future__ import annotations

from typing import Literal

from maskfold.recipe import Settings
from maskfold.settings import Count
from maskfold.specs.space import Number, Searched
from maskfold.specs.spec import Outcome, Spec


class Told(Settings):
    """What is known of one trial."""

    drawn: dict[str, Number] | None
    """None if the space cannot express it, as may happen with the recipe as it is."""
    state: Literal["complete", "pruned", "failed", "running"]
    value: float | None = None
    """Its score; of a pruned one that of its first fold."""


class AskOutcome(Outcome):
    """What is tried next."""

    drawn: dict[str, Number]


class AskSpec(Spec[AskOutcome]):
    """Ask a Gaussian process."""

    stage = "ask"
    version = 1
    space: dict[str, Searched]
    history: tuple[Told, ...]
    number: Count
    """The trial's."""
    seed: Count
    """Of the search."""

    @property
    def label(self) -> str:
        return f"{self.stage} trial {self.number}"
