"""What the jobs ``train_fold`` and ``train_all`` have in common."""

from __future__ import annotations

from typing import Any, TypeVar

from maskfold.recipe import Crop, Network, Settings
from maskfold.scheme import Scheme
from maskfold.specs.crop import TypicalFace
from maskfold.specs.spec import File, Outcome, Spec
from maskfold.specs.weights import Weights


class EpochRecord(Settings):
    """One epoch of training, as it is logged."""

    epoch: int
    """From 0."""
    lr: float
    """At the epoch's end."""
    train_loss: float
    valid_loss: float | None
    """None, as the other scores, where nobody is held out."""
    valid_macro_f1: float | None
    """Of the network's target, on the whole validation part."""
    valid_accuracy: float | None
    images_s: float
    """Training images per second."""


class TrainOutcome(Outcome):
    """One trained network."""

    network: str
    weights: File
    """safetensors of the kept epoch, with the network's card (:class:`maskfold.specs.NetworkCard`) in its header."""
    best_epoch: int
    """Epoch whose weights were kept, from 0."""
    history: tuple[EpochRecord, ...]
    initial_weights: str
    """What was loaded, for people."""
    device: str
    amp: str
    images_s: float
    """Median over epochs."""
    steps_per_epoch: int
    """Optimizer steps."""
    samples: File | None = None
    """PNG: the first images as training sees them, augmented and mixed; of each network's first fold."""
    resumed_from_epoch: int | None = None
    """Epoch the job continued from after an interruption."""
    unsent: int = 0
    """Number of tracking calls that failed and were left for the flow to replay."""


TrainOutcomeT_co = TypeVar("TrainOutcomeT_co", bound=TrainOutcome, covariant=True)


class TrainSpec(Spec[TrainOutcomeT_co]):
    """What every training of one network receives."""

    one_of_many = True
    outside_key = frozenset({"manifest", "folds", "pack", "index", "weights", "n_folds", "checkpoint_seconds"})
    network: Network
    scheme: Scheme
    crop: Crop
    typical_face: TypicalFace | None
    """Where the data set's faces are, for photographs in which none is found."""
    deterministic: bool
    dataset_version: str
    folds_version: str
    crop_key: str
    manifest: File
    folds: File
    pack: File
    """The faces or the portraits, as the network's input says."""
    index: File
    checkpoint_seconds: float = 600.0
    """Longest time between two checkpoints."""
    weights: Weights | None
    weights_identity: dict[str, Any] | None = None
    """What of the weights determines the result; set from ``weights``."""

    def model_post_init(self, context: Any, /) -> None:
        identity = self.weights.identity if self.weights else None
        object.__setattr__(self, "weights_identity", identity)

    @property
    def part(self) -> str:
        """Which training of the network this is, for people."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        return f"{self.stage} {self.network.name} {self.part}"
