"""One network: what it predicts, what it sees, and how it is trained."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from maskfold.labels import Target
from maskfold.recipe.augmentation import Augmentation
from maskfold.recipe.base import ImageSize, Settings
from maskfold.recipe.conduct import Averaging, Normalisation, Stopping
from maskfold.recipe.learning import Ages, CutMix, Loss, MixUp, Optimizer, Sampler, Schedule


class Network(Settings):
    """One network of the ensemble; it is trained once on each fold."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=40)
    """Name in logs, tables and addresses."""
    target: Target = "joint"
    """What it predicts: the 18 joint classes, or one attribute."""
    input: Literal["face", "portrait"] = "face"
    """What it sees: the cropped face, or the whole photograph."""
    backbone: str = "mobilenetv2_035"
    """Any timm model name; `darknet53` is our own, after its paper."""
    backbone_args: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments for the backbone, such as `drop_rate`."""
    pretrained: Literal["required", "if-available", "none"] = "if-available"
    """Initial weights: without them fail, take them where they can be had, or start from scratch."""
    size: ImageSize | None = None
    """Input height and width in pixels; none takes the size of the packed images."""
    normalisation: Normalisation = Normalisation()
    """Scale of the inputs; its source alone will do: network, data."""
    augmentation: Augmentation = Augmentation()
    """Settings, or the name of a preset: none, light, hot6, strong."""
    cutmix: CutMix = CutMix()
    mixup: MixUp = MixUp()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    ages: Ages = Ages()
    sampler: Sampler = "uniform"
    """`balanced` draws every class of the target equally often, `balanced-cells` every combination of mask, gender and
    age, the others every value of one attribute. What is unknown of an external image counts as one more value."""
    epoch_fraction: float = Field(1.0, gt=0, le=1)
    """Share of the training images that one epoch shows; a new one each epoch."""
    epochs: PositiveInt = 10
    batch_size: PositiveInt = Field(32, ge=2)
    amp: Literal["auto", "off", "bf16", "fp16"] = "auto"
    """Mixed precision; `auto` takes bf16 where a short trial finds it clearly faster."""
    compile: bool = False
    """Whether torch.compile translates the network: minutes at the start for a faster step."""
    micro_batch: PositiveInt | None = None
    """Images that go through the network at once, for batches that do not fit into memory; gradients add up to the
    whole batch's. None takes the whole batch."""
    averaging: Averaging = Averaging()
    stopping: Stopping = Stopping()
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights count: the best full-validation macro-F1 of the target, or the last."""
    seed: int = Field(0, ge=0)

    def for_final_fit(self, kept_epochs: Sequence[int]) -> Self:
        """Return these settings for a training on everybody, where nothing tells the best epoch.

        Args:
            kept_epochs: The epoch that each fold kept, from 0; their median decides how many there will be.
        """
        epochs = math.floor(statistics.median(kept_epochs)) + 1
        averaging = self.averaging.model_copy(update={"last_epochs": min(self.averaging.last_epochs, epochs)})
        changes = {"epochs": epochs, "keep": "last", "stopping": Stopping(), "averaging": averaging}
        return self.model_copy(update=changes)

    @model_validator(mode="after")
    def _check_rates(self) -> Self:
        if self.schedule.ends_at_min_lr and self.schedule.min_lr >= self.optimizer.lr:
            raise ValueError(f"schedule.min_lr {self.schedule.min_lr} must lie below optimizer.lr {self.optimizer.lr}")
        return self

    @model_validator(mode="after")
    def _check_mixing(self) -> Self:
        if self.cutmix.p + self.mixup.p > 1:
            raise ValueError(
                f"cutmix.p {self.cutmix.p} and mixup.p {self.mixup.p} must not exceed 1 together: "
                "a batch has one or the other"
            )
        return self

    @model_validator(mode="after")
    def _check_loss(self) -> Self:
        ordered = self.target in ("joint", "age")
        if not ordered and any(term.name == "neighbour-smoothing" for term in self.loss.terms()):
            raise ValueError(f"loss neighbour-smoothing is for joint and age networks; {self.target} has no order")
        return self

    @model_validator(mode="after")
    def _check_conduct(self) -> Self:
        if self.averaging.last_epochs > self.epochs:
            raise ValueError(f"averaging.last_epochs {self.averaging.last_epochs} exceeds epochs {self.epochs}")
        if self.averaging.last_epochs and self.stopping.patience:
            raise ValueError(
                "averaging.last_epochs needs to know the last epoch, which stopping.patience leaves open; set one"
            )
        return self
