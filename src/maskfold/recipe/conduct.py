"""Settings around the training steps: averaged weights, early stopping, normalisation of the inputs."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from maskfold.settings import ChannelMeans, ChannelSpreads, Settings


class Averaging(Settings):
    """Validation, prediction and the kept weights use an average over training instead of the last weights."""

    ema: float = Field(0.0, ge=0, lt=1)
    """Decay of an exponential moving average, updated every step, such as 0.999; 0 switches it off."""
    last_epochs: int = Field(0, ge=0, le=10_000)
    """Stochastic weight averaging: the mean of the weights at the ends of this many last epochs, with batch norm's
    statistics recomputed on the training images; 0 switches it off. From the first of these epochs on, validation
    uses the mean so far."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.ema and self.last_epochs:
            raise ValueError("ema and last_epochs are two ways of averaging; set one of them")
        return self


class Stopping(Settings):
    """Early stopping: when a training ends before its last epoch."""

    patience: PositiveInt | None = None
    """End after this many epochs in a row without a better validation macro-F1; null trains all epochs."""


class Normalisation(Settings):
    """The scale of the inputs; also given as its source alone: ``normalisation: data``."""

    alone: ClassVar[str] = "source"

    source: Literal["network", "data", "given"] = "network"
    """Mean and deviation that the backbone expects, that the training images have, or that are given here."""
    mean: ChannelMeans | None = None
    """Of red, green and blue, in 0..1."""
    std: ChannelSpreads | None = None
    """Standard deviation of red, green and blue, in 0..1."""

    @model_validator(mode="after")
    def _given_or_not(self) -> Self:
        given = [name for name in ("mean", "std") if getattr(self, name) is not None]
        if self.source == "given" and len(given) < 2:
            raise ValueError("source given needs mean and std, three numbers in 0..1 each")
        if self.source != "given" and given:
            raise ValueError(f"{given[0]} is set, but source is {self.source}; set source to given to use it")
        return self
