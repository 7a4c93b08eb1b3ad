"""How a network learns: loss, mixing of images, optimizer, schedule, and the bins of a number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from maskfold.scheme import Attribute, numbers
from maskfold.settings import Epochs, Factor, Probability, Settings

Partners = Literal["any", "same-class", "other-class"]
Sampler = Annotated[str, Field(pattern=r"^(uniform|balanced(-[a-z][a-z0-9_-]*)?)$")]
CELLS: Final = "cells"
"""`balanced-cells` shows every combination of attributes equally often; so no attribute may have this name."""

_WEIGHTED = ("cross-entropy", "focal", "label-smoothing", "neighbour-smoothing")


class CutMix(Settings):
    """CutMix: a part of another image is pasted in, labels are mixed by the true area shares."""

    alone: ClassVar[str] = "p"

    p: Probability = 0.0
    """Probability that a batch is mixed; 0 switches CutMix off."""
    shape: Literal["box", "strip", "half"] = "strip"
    """`strip` pastes a full-height vertical strip, so that each part shows forehead to chin; `box` is the paper's;
    `half` pastes a strip that begins at the left or the right edge, such as half a face."""
    alpha: float = Field(1.0, gt=0, le=1000)
    """`box` and `strip`: both parameters of the Beta distribution that the share is drawn from."""
    share: tuple[Probability, Probability] = (0.3, 0.7)
    """`half`: range of the share of the width that is pasted; `[0.5, 0.5]` is always half the face."""
    partners: Partners = "any"
    """Which image is pasted in: any of the batch, or only one within or only one outside the image's class."""

    @field_validator("share")
    @classmethod
    def _ordered(cls, share: tuple[float, float]) -> tuple[float, float]:
        if share[0] > share[1]:
            raise ValueError(f"expected [lowest, highest], got {list(share)}")
        return share


class MixUp(Settings):
    """MixUp: another image is blended in, labels are mixed by the same shares."""

    alone: ClassVar[str] = "p"

    p: Probability = 0.0
    """Probability that a batch is blended; 0 switches MixUp off. A batch has CutMix or MixUp, never both."""
    alpha: float = Field(0.2, gt=0, le=1000)
    """Both parameters of the Beta distribution that the share is drawn from."""
    partners: Partners = "any"
    """Which image is blended in: any of the batch, or only one within or only one outside the image's class."""


class Loss(Settings):
    """The training loss. All losses accept soft targets, so all work with CutMix and MixUp."""

    alone: ClassVar[str] = "name"

    name: Literal[
        "cross-entropy", "focal", "label-smoothing", "neighbour-smoothing", "soft-f1", "symmetric", "mixture"
    ] = "cross-entropy"
    """Which loss. `focal` weighs down what is already learnt; the smoothing ones spread some of the label's mass;
    `soft-f1` is a smooth macro-F1; `symmetric` withstands wrong labels; `mixture` is a weighted sum of `parts`."""
    gamma: float = Field(2.0, ge=0, le=100)
    """Focusing parameter of the focal loss."""
    smoothing: Probability = 0.1
    """Mass that `label-smoothing` spreads over all classes, and `neighbour-smoothing` over the adjacent groups of an
    attribute with bounds."""
    alpha: Factor = 0.1
    """`symmetric`: weight of the cross-entropy."""
    beta: Factor = 1.0
    """`symmetric`: weight of the reverse cross-entropy."""
    log_zero: float = Field(-4.0, lt=0, ge=-1000)
    """`symmetric`: what stands for the logarithm of a target of zero (A in the paper)."""
    class_weights: Literal["none", "inverse-frequency", "effective-number"] = "none"
    """Weights of the classes, from the fold's training part. With a balanced sampler rare classes count twice."""
    effective_beta: float = Field(0.999, ge=0, lt=1)
    """`effective-number`: 0 weighs all classes equally; towards 1 it becomes the inverse frequency."""
    weight: float = Field(1.0, gt=0, le=1e6)
    """Factor of this loss in a mixture."""
    parts: tuple[Loss, ...] = Field((), max_length=20)
    """`mixture`: the losses whose weighted sum it is."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.name == "mixture") != bool(self.parts):
            raise ValueError("`mixture` needs parts, the losses that it mixes; no other loss takes parts")
        if any(part.name == "mixture" for part in self.parts):
            raise ValueError("a mixture cannot contain a mixture; name all losses in one list")
        if self.class_weights != "none" and self.name not in _WEIGHTED:
            place = "its parts" if self.name == "mixture" else f"one of {', '.join(_WEIGHTED)}"
            raise ValueError(f"class_weights do not apply to {self.name}; set them in {place}")
        return self

    def terms(self) -> Iterator[Loss]:
        """Return the losses that add up: the parts of a mixture, or this one loss."""
        return iter(self.parts or (self,))


class Optimizer(Settings):
    """The optimizer."""

    alone: ClassVar[str] = "name"

    name: Literal["adam", "adamw", "sgd", "madgrad"] = "adamw"
    """`sgd` is with Nesterov's momentum."""
    lr: float = Field(1e-3, gt=0, le=1e30)
    """Learning rate; the peak rate of a cyclic schedule."""
    weight_decay: float = Field(0.0, ge=0, le=10)
    """How fast weights shrink towards 0: decoupled for `adamw`, added to the gradient for the others."""
    decay_norms: bool = True
    """Whether biases and normalisation layers decay like all other weights."""
    momentum: Probability = 0.9
    """Momentum of MADGRAD and SGD; first beta of Adam and AdamW."""
    eps: Annotated[float, Field(gt=0, le=1)] | None = None
    """Numerical floor; null takes the optimizer's own default. SGD has none."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor of the learning rate from each layer to the one below, so that early layers change less."""
    clip_norm: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Largest norm of the gradient over all weights; larger gradients are scaled down to it."""


class Schedule(Settings):
    """The learning-rate schedule, stepped once per optimizer step."""

    alone: ClassVar[str] = "name"

    name: Literal["constant", "step", "exponential", "cosine", "cosine-restarts", "cyclic", "one-cycle"] = "cosine"
    """How the rate changes over training."""
    warmup_epochs: float = Field(0.0, ge=0, le=10_000)
    """Linear warm-up before the schedule proper, in epochs."""
    min_lr: float = Field(1e-5, ge=0, le=1e30)
    """Lowest rate of `cosine`, `cosine-restarts` and `cyclic`, last rate of `one-cycle`."""
    step_epochs: Epochs = 5
    """`step`: epochs between two decays; `exponential`: epochs in which the rate falls by one decay, smoothly."""
    gamma: float = Field(0.5, gt=0, le=10)
    """`step` and `exponential`: factor of each decay."""
    cycle_epochs: Epochs = 5
    """`cosine-restarts`: epochs until the first restart."""
    cycle_growth: int = Field(1, ge=1, le=100)
    """`cosine-restarts`: how many times as long each cycle is as the one before."""
    up_epochs: Epochs = 1
    """`cyclic` (triangular2): epochs from the lowest to the peak rate."""
    down_epochs: Epochs = 2
    """`cyclic` (triangular2): epochs from the peak back to the lowest rate."""
    up_steps: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """`cyclic`: length of the rise in optimizer steps, in place of `up_epochs`."""
    down_steps: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """`cyclic`: length of the fall in optimizer steps, in place of `down_epochs`."""
    rise: Probability = 0.3
    """`one-cycle`: share of the training in which the rate rises."""
    start_divisor: float = Field(25.0, ge=1, le=1e9)
    """`one-cycle`: the first rate is the peak rate divided by this."""

    @property
    def ends_at_min_lr(self) -> bool:
        """Whether the rate moves between `min_lr` and the optimizer's."""
        return self.name in ("cosine", "cosine-restarts", "cyclic", "one-cycle")


class Binning(Settings):
    """Training classes of an attribute with bounds; validation always uses the attribute's own `bounds`."""

    leave_out: tuple[tuple[float, float], ...] = Field((), max_length=1000)
    """Numbers that are not trained on, as ranges with both ends included, such as `[[27, 29], [57, 59]]`."""
    bins: tuple[float, ...] = Field((), max_length=1000)
    """Lower bounds of finer bins that the network learns in place of the groups; the bounds of the training labels must
    be among them. Its probabilities are summed to the groups."""

    @field_validator("leave_out")
    @classmethod
    def _ranges(cls, ranges: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        wrong = [span for span in ranges if span[0] > span[1]]
        if wrong:
            raise ValueError(f"expected [first, last], got [{wrong[0][0]:g}, {wrong[0][1]:g}]")
        return ranges

    @field_validator("bins")
    @classmethod
    def _rising(cls, bins: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in pairwise(bins)):
            raise ValueError(f"bounds must rise, got {numbers(bins)}")
        return bins

    def check_bounds(self, attribute: Attribute) -> None:
        """Make sure that each bin is within one group of the training labels, and within the attribute's range.

        Raises:
            ValueError: If a bound of the groups is not one of the bins', or a bin is outside the range.
        """
        if not self.bins:
            return
        bounds = attribute.train_bounds or attribute.bounds
        missing = [bound for bound in bounds if bound not in self.bins]
        if missing:
            raise ValueError(
                f"bins {numbers(self.bins)} must contain the bounds of the groups trained on, {numbers(bounds)}; "
                f"missing: {numbers(missing)}"
            )
        attribute.check_range(self.bins)
