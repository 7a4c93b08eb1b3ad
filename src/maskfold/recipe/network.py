"""One network: what it predicts, what it sees, and how it is trained."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from maskfold.recipe.augmentation import Augmentation
from maskfold.recipe.conduct import Averaging, Normalisation, Stopping
from maskfold.recipe.covering import Covering
from maskfold.recipe.learning import CELLS, LINEAR, Binning, CutMix, Loss, MixUp, Optimizer, Sampler, Schedule
from maskfold.scheme import JOINT, Scheme
from maskfold.settings import ImageSize, OutsideKeyByDefault, Seed, Settings

BackboneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=200)]
"""Also the name of a file of weights; timm's own prefixes that name folders and repositories are not accepted."""
PARTIAL: Final = "attributes"
"""In label sets: all attributes, each where it is known; so no attribute may have this name."""
NetworkName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=40)]


def _word_off(given: Any) -> Any:
    """Return ``off`` for what YAML makes of it without quotes: false."""
    return "off" if given is False else given


class Network(Settings):
    """One network of the ensemble; it is trained once on each fold."""

    name: NetworkName
    """Name in logs, tables and addresses."""
    target: str = JOINT
    """What it predicts: `joint`, the joint classes, or the name of one attribute of the scheme."""
    input: Literal["face", "portrait"] = "face"
    """What it sees: the cropped face, or the whole photograph."""
    backbone: BackboneName = "mobilenetv2_035"
    """Any timm model name; `darknet53` is maskfold's implementation of its paper."""
    backbone_args: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments for the backbone, such as `drop_rate`; those of a fixed list, within bounds."""
    pretrained: Literal["required", "if-available", "none"] = "if-available"
    """Initial weights: fail without them, use them if available, or start from scratch."""
    size: ImageSize | None = None
    """Height and width of the input, in pixels; null takes the size of the packed images."""
    normalisation: Normalisation = Normalisation()
    """Scale of the inputs, or its source alone: network, data."""
    augmentation: Augmentation = Augmentation()
    """Settings, or the name of a preset: none, light, hot6, strong."""
    covering: Annotated[Covering, OutsideKeyByDefault] = Covering()
    """Covers drawn on faces, and new colours for covers that are there."""
    cutmix: CutMix = CutMix()
    """CutMix: a part of another image is pasted in. Its probability alone stands for the group."""
    mixup: MixUp = MixUp()
    """MixUp: another image is blended in. Its probability alone stands for the group."""
    loss: Loss = Loss()
    """The training loss, or its name alone."""
    optimizer: Optimizer = Optimizer()
    """The optimizer, or its name alone."""
    schedule: Schedule = Schedule()
    """The schedule of the learning rate, or its name alone."""
    binning: dict[str, Binning] = Field(default_factory=dict)
    """By attribute with bounds: finer bins to learn, numbers to leave out of training."""
    partial_labels: Annotated[bool, OutsideKeyByDefault] = False
    """Joint networks: whether to learn also from external images of which only some attributes are known, by the
    likelihood of what is known. Samplers, class weights and partners go by groups then."""
    sampler: Sampler = "uniform"
    """`uniform`; `balanced` draws every class of the target equally often, `balanced-cells` every combination of
    attributes, `balanced-<attribute>` every class of that attribute. An unknown label of an external image counts
    as one more class."""
    epoch_fraction: float = Field(1.0, gt=0, le=1)
    """Share of the training images that one epoch shows; a new one each epoch."""
    epochs: int = Field(10, ge=1, le=10_000)
    """How often all training images are shown. More than 10,000 would take decades on one GPU."""
    batch_size: int = Field(32, ge=2, le=65_536)
    """Images of one optimizer step; see also `micro_batch`."""
    amp: Annotated[Literal["auto", "off", "bf16", "fp16"], BeforeValidator(_word_off)] = "auto"
    """Mixed precision; `auto` takes bf16 where a short trial finds it clearly faster."""
    compile: bool = False
    """Whether to use torch.compile: minutes at the start for faster steps."""
    micro_batch: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Images that go through the network at once, for batches that do not fit into memory; gradients add up to the
    whole batch's. Null takes the whole batch."""
    averaging: Averaging = Averaging()
    """An average of the weights over training, in place of the last ones."""
    stopping: Stopping = Stopping()
    """When a training ends before its last epoch."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept: the one with the best macro-F1 of the target in validation, or the last."""
    seed: Seed = 0
    """Chooses the weights to start from, the order of images and their random changes."""

    def for_final_fit(self, kept_epochs: Sequence[int]) -> Self:
        """Return these settings for a training on everybody, without validation to choose the best epoch.

        Args:
            kept_epochs: The epoch that each fold kept, from 0; their median sets the number of epochs.
        """
        epochs = math.floor(statistics.median(kept_epochs)) + 1
        averaging = self.averaging.model_copy(update={"last_epochs": min(self.averaging.last_epochs, epochs)})
        changes = {"epochs": epochs, "keep": "last", "stopping": Stopping(), "averaging": averaging}
        return self.model_copy(update=changes)

    def taught(self, scheme: Scheme) -> Scheme:
        """Return the scheme of the training classes: with the bounds of the training labels, or finer bins."""
        finer = {name: one for name, one in self.binning.items() if one.bins or one.step}
        return scheme.for_training().with_bounds({name: one.edges(scheme[name]) for name, one in finer.items()})

    def classes(self, scheme: Scheme) -> int:
        """Return the number of its training classes: the size of its output."""
        return self.taught(scheme).size(self.target)

    def label_sets(self) -> list[str]:
        """Return which labels it learns from: its target, and ``target+extra`` for each further attribute.

        Extras are the attribute that the sampler balances (``cells``: all attributes), attributes with left-out
        numbers, and ``attributes`` where images count of which only some attributes are known. See
        :func:`maskfold.dataset.versions.learnt_versions`.
        """
        balanced = self.sampler.partition("-")[2]
        extras = {balanced} if balanced else set()
        extras |= {name for name, binning in self.binning.items() if binning.leave_out}
        extras |= {PARTIAL} if self.partial_labels and self.target == JOINT else set()
        return [self.target, *(f"{self.target}+{extra}" for extra in sorted(extras))]

    def check(self, scheme: Scheme) -> None:
        """Make sure that the network's settings fit the scheme.

        Raises:
            ValueError: If the target, the sampler, the loss or the binning does not fit the scheme.
        """
        if self.target not in scheme.targets:
            raise ValueError(f"target {self.target!r} is none of {', '.join(scheme.targets)}")
        balanced = self.sampler.partition("-")[2]
        if balanced and balanced != CELLS and balanced not in scheme.names:
            known = ", ".join(f"balanced-{name}" for name in (CELLS, *scheme.names))
            raise ValueError(f"sampler {self.sampler!r} is none of uniform, balanced, {known}")
        numeric = [attribute.name for attribute in scheme.attributes if attribute.is_number]
        ordered = any(attribute.is_number for attribute in scheme.members(self.target))
        needy = [term.name for term in self.loss.terms() if term.name in ("neighbour-smoothing", "expectation")]
        if needy and not ordered:
            raise ValueError(
                f"loss {needy[0]} is for targets with an attribute that has bounds; {self.target} has no order"
            )
        other = [term.name for term in self.loss.terms() if term.name not in LINEAR]
        if self.partial_labels and self.target == JOINT and other:
            raise ValueError(f"partial_labels goes with the losses {', '.join(LINEAR)} alone, not with {other[0]}")
        self.covering.check(scheme)
        for name, binning in self.binning.items():
            if name not in numeric:
                raise ValueError(f"binning.{name}: attributes with bounds are: {', '.join(numeric) or 'none'}")
            try:
                binning.check_bounds(scheme[name])
            except ValueError as error:
                raise ValueError(f"binning.{name}: {error}") from None

    @model_validator(mode="after")
    def _check_rates(self) -> Self:
        if self.schedule.ends_at_min_lr and self.schedule.min_lr >= self.optimizer.lr:
            raise ValueError(f"schedule.min_lr {self.schedule.min_lr} must be below optimizer.lr {self.optimizer.lr}")
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
    def _check_covering(self) -> Self:
        if self.covering.is_on and self.input != "face":
            raise ValueError(
                f"covering draws on faces, but input is {self.input}; give input=face, or covering={{}} to draw none"
            )
        return self

    @model_validator(mode="after")
    def _check_conduct(self) -> Self:
        if self.averaging.last_epochs > self.epochs:
            raise ValueError(f"averaging.last_epochs {self.averaging.last_epochs} exceeds epochs {self.epochs}")
        if self.averaging.last_epochs and self.stopping.patience:
            raise ValueError(
                "averaging.last_epochs needs a fixed last epoch, which stopping.patience does not give; set one of them"
            )
        return self
