"""What the jobs ``train_fold`` and ``train_all`` have in common."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from maskfold.recipe import Crop, Network, OutsideKey, Settings
from maskfold.recipe.learning import CELLS
from maskfold.recipe.network import NetworkName
from maskfold.scheme import JOINT, Scheme
from maskfold.settings import Count
from maskfold.specs.address import Mark
from maskfold.specs.crop import TypicalFace
from maskfold.specs.spec import File, Outcome, Spec
from maskfold.specs.weights import Weights


class EpochRecord(Settings):
    """One epoch of training, as it is logged."""

    epoch: Count
    """From 0."""
    lr: float
    """At the epoch's end."""
    train_loss: float
    valid_loss: float | None
    """None, like the scores below, if no one is held out."""
    valid_macro_f1: float | None
    """Of the network's target, on the whole validation part."""
    valid_accuracy: float | None
    images_per_second: float
    """Training images per second."""


class TrainOutcome(Outcome):
    """One trained network."""

    network: NetworkName
    weights: File
    """safetensors of the kept epoch, with the network's card (:class:`maskfold.specs.NetworkCard`) in its header."""
    best_epoch: Count
    """Epoch of the kept weights, from 0."""
    history: tuple[EpochRecord, ...]
    initial_weights: str
    """Description of the initial weights, for display."""
    device: str
    amp: str
    images_per_second: float
    """Median over epochs."""
    steps_per_epoch: Count
    """Optimizer steps."""
    samples: File | None = None
    """PNG: the first training images, augmented and mixed; only for each network's first fold."""
    resumed_from_epoch: Count | None = None
    """Epoch the job continued from after an interruption."""


TrainOutcomeT_co = TypeVar("TrainOutcomeT_co", bound=TrainOutcome, covariant=True)


class TrainSpec(Spec[TrainOutcomeT_co]):
    """What every training of one network receives."""

    one_of_many = True
    network: Network
    scheme: Annotated[Scheme, OutsideKey]
    """Only the attributes that the network uses are part of the key."""
    crop: Crop
    typical_face: TypicalFace | None
    """Where the data set's faces are, for photographs without a detected face."""
    deterministic: bool
    learnt_versions: tuple[Mark, ...]
    """Digests of the images and labels that it learns from, for each of the network's label sets."""
    folds_version: Mark
    manifest: Annotated[File, OutsideKey]
    folds: Annotated[File, OutsideKey]
    pack: Annotated[File, OutsideKey]
    """The faces or the portraits, depending on the network's input."""
    index: Annotated[File, OutsideKey]
    checkpoint_seconds: Annotated[float, OutsideKey] = 600.0
    """Longest time between two checkpoints."""
    trial: Annotated[str, OutsideKey] = ""
    """Variant and seed that a study asks for it with, for display; empty outside of studies."""
    weights: Annotated[Weights | None, OutsideKey]
    weights_identity: dict[str, Any] | None = None
    """The properties of the weights that determine the result; set from ``weights``."""

    def _determining(self) -> dict[str, Any]:
        """Return what determines the training; of the scheme only the attributes that the network uses."""
        looked_at = {name for labels in self.network.label_sets() for name in labels.split("+")}
        everything = bool(looked_at & {JOINT, CELLS})
        attributes = [one for one in self.scheme.attributes if everything or one.name in looked_at]
        found = super()._determining()
        # The vote weights networks by name; the training does not depend on the name.
        del found["network"]["name"]
        return {**found, "attributes": [attribute.model_dump(mode="json") for attribute in attributes]}

    def model_post_init(self, context: Any, /) -> None:
        identity = self.weights.identity if self.weights else None
        object.__setattr__(self, "weights_identity", identity)

    @property
    def part(self) -> str:
        """Which training of the network this is, for display."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        return f"{self.stage} {self.network.name} {self.part}" + (f", {self.trial}" if self.trial else "")
