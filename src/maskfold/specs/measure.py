"""Job ``measure``: how fast this machine trains a network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from maskfold.recipe import Network
from maskfold.settings import Count, ImageSize
from maskfold.specs.spec import Outcome, Spec


class MeasureOutcome(Outcome):
    """What one training can do in a second."""

    images_per_second: PositiveFloat
    """Images of forward and backward pass and update."""
    predicted_per_second: PositiveFloat
    """Images of a forward pass alone."""
    start: NonNegativeFloat
    """Seconds until the first step was done."""
    parameters: Count
    amp: Literal["off", "bf16", "fp16"]
    """Precision that was measured; of ``auto`` the faster one."""
    device: str
    """``cpu`` or ``cuda``."""


class MeasureSpec(Spec[MeasureOutcome]):
    """Train a network for a few steps on random images; side by side with others, as trainings are."""

    stage = "measure"
    version = 1
    one_of_many = True
    network: Network
    classes: Count
    """Size of its output."""
    size: ImageSize
    """Height and width of its input."""
    machine: str = Field(max_length=200)
    """What computes: a measurement on another machine says nothing about this one."""

    @property
    def label(self) -> str:
        return f"{self.stage} {self.network.backbone} {self.size[0]}x{self.size[1]}"
