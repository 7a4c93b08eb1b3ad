"""What each job receives and returns, and the key that names its output.

A job's *spec* is small JSON. Fields that only say where to find or report things (``workspace``, ``tracking``, paths)
are left out of the *key*, the digest of everything that determines the result. Outputs lie at ``<stage>/<key>/`` in the
workspace; ``outcome.json`` is published there last, so its presence means the job is done.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, Literal

from pydantic import Field

from maskfold.recipe import Crop, Dataset, Folds, Labels, Network, Recipe, Settings

OUTCOME_FILE = "outcome.json"


def digest(value: Any) -> str:
    """Return the sha256 of a JSON value in canonical form (sorted keys, no blanks), in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class File(Settings):
    """A file in the workspace."""

    path: str
    """Address relative to the workspace."""
    sha256: str
    size: int
    """Bytes."""


class Tracking(Settings):
    """The MLflow run that a job reports to."""

    uri: str
    """Without a password: a job gets that by its environment."""
    run_id: str


class Spec(Settings):
    """What every job receives."""

    stage: ClassVar[str]
    version: ClassVar[int]
    """Raised whenever the stage's results change for equal specs, so that old outputs are not taken for new ones."""
    outside_key: ClassVar[frozenset[str]] = frozenset()
    one_of_many: ClassVar[bool] = False
    """Jobs of this stage run side by side, each on a share of the machine; any other has the machine to itself."""

    workspace: str
    tracking: Tracking | None = None

    @property
    def key(self) -> str:
        """Digest of everything that determines the result; 16 hexadecimal digits."""
        return digest([self.stage, self.version, self._determining()])[:16]

    def _determining(self) -> dict[str, Any]:
        """Return everything that determines the result, as JSON."""
        skipped = self.outside_key | {"workspace", "tracking"}
        return self.model_dump(mode="json", exclude=set(skipped))

    @property
    def address(self) -> str:
        """Folder of the outputs, relative to the workspace."""
        return f"{self.stage}/{self.key}"

    @property
    def label(self) -> str:
        """How people call this job."""
        return self.stage


class Outcome(Settings):
    """What every job returns."""

    seconds: float
    """Wall time of the job."""


# --- initial weights -----------------------------------------------------------------------------------------------


class Weights(Settings):
    """Initial weights of a backbone, as a safetensors file in the workspace."""

    file: File
    backbone_args: dict[str, Any] = Field(default_factory=dict)
    """How the backbone must be built for these weights."""
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    origin: str
    """Where they came from, for people."""

    @property
    def identity(self) -> dict[str, Any]:
        """What of them determines a result."""
        return {"sha256": self.file.sha256, "args": self.backbone_args, "mean": self.mean, "std": self.std}


class WeightsSpec(Spec):
    """Fetch a backbone's weights from timm's hub, once for all folds."""

    stage = "weights"
    version = 1
    backbone: str
    pretrained: Literal["required", "if-available"]

    @property
    def label(self) -> str:
        return f"weights {self.backbone}"


class WeightsOutcome(Outcome):
    """What fetching weights found."""

    weights: Weights | None
    """None: not available, and not required."""
    reason: str = ""


# --- networks -------------------------------------------------------------------------------------------------------


class NetworksSpec(Spec):
    """Build each network once, with its initial weights, and let it look at one image, before anything is trained."""

    stage = "networks"
    version = 1
    outside_key = frozenset({"weights"})
    networks: tuple[Network, ...]
    sizes: tuple[tuple[int, int], ...]
    """Height and width of each one's input."""
    weights: dict[str, Weights]
    """Initial weights by backbone."""
    weights_identities: dict[str, Any] = Field(default_factory=dict)
    """What of the weights determines the result; set from ``weights``."""

    def model_post_init(self, context: Any, /) -> None:
        identities = {backbone: weights.identity for backbone, weights in self.weights.items()}
        object.__setattr__(self, "weights_identities", identities)


class NetworksOutcome(Outcome):
    """All networks can be built."""

    parameters: dict[str, int]
    """Trainable numbers of each network, by its name."""


# --- prepare --------------------------------------------------------------------------------------------------------


class ExternalSource(Settings):
    """Where an external table and its images lie, and in what state."""

    folder: str
    """URI of the folder that holds the table and, at any depth, its images."""
    table: str
    """Name of the csv in that folder."""
    fingerprint: str
    """Digest of the folder's listing: names, sizes, times of change."""


class PrepareSpec(Spec):
    """Scan the data set, quarantine what cannot be used, apply corrections, make folds."""

    stage = "prepare"
    version = 1
    outside_key = frozenset({"data", "external"})
    data: str
    """URI of the data set."""
    fingerprint: str
    """Digest of the data set's listing: names, sizes, times of change."""
    dataset: Dataset
    corrections: File | None = None
    """The corrections file, copied into the workspace."""
    external: tuple[ExternalSource, ...] = ()
    """One for each table of ``dataset.external``, in its order."""
    age_bounds: tuple[int, int]
    folds: Folds

    def _determining(self) -> dict[str, Any]:
        found = super()._determining()
        # Where tables lie does not matter. And without any the key is what it was before there were external tables,
        # so that work finished then is still found.
        del found["dataset"]["external"]
        if self.external:
            found["external"] = [[source.table, source.fingerprint] for source in self.external]
        return found


class PrepareOutcome(Outcome):
    """The tables that describe the data set, and what they count."""

    manifest: File
    """Parquet, one row per usable image, per evaluation image and per usable external image; see
    ``maskfold.dataset.manifest``."""
    folds: File
    """Parquet: person, fold."""
    quarantine: File
    """Parquet: everything left out or noted, with reasons."""
    dataset_version: str
    """Digest of the manifest's content."""
    images_version: str
    """Digest of the images alone: equal for equal photographs whatever the labels say."""
    folds_version: str
    n_people: int
    n_train: int
    n_eval: int
    n_quarantined: int
    """Training images left out."""
    n_eval_unreadable: int
    """Evaluation images that cannot be read; they get the prior."""
    n_corrected: int
    """Training images whose labels the corrections changed."""
    class_counts: tuple[int, ...]
    """Training images of each of the 18 classes."""
    n_external: int = 0
    """Images of external tables that can be used; no other number here counts them."""
    n_external_left_out: int = 0
    """Rows of external tables that cannot be used."""
    warnings: tuple[str, ...] = ()


# --- crop -----------------------------------------------------------------------------------------------------------


class CropSpec(Spec):
    """Find the faces and pack crops and portraits as uint8 arrays."""

    stage = "crop"
    version = 3
    outside_key = frozenset({"data", "fingerprint", "external", "manifest"})
    data: str
    fingerprint: str
    external: tuple[ExternalSource, ...] = ()
    manifest: File
    images_version: str
    crop: Crop


class FaceShares(Settings):
    """What became of a group of photographs."""

    group: str
    """Part of the data set, or mask state of the training part."""
    images: int
    """Photographs, with unreadable ones."""
    detected: int
    """Found at the first look."""
    retried: int
    """Found at a closer look."""
    fallback: int
    """Not found; cropped where the data set's faces usually are."""
    unreadable: int

    @property
    def fallback_share(self) -> float:
        """Share of the readable photographs without a detected face; 0 without any."""
        readable = self.images - self.unreadable
        return self.fallback / readable if readable else 0.0

    def __str__(self) -> str:
        counts = {"detected": self.detected, "retried": self.retried, "fallback": self.fallback}
        parts = ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none found"
        unreadable = f", unreadable {self.unreadable}" if self.unreadable else ""
        return f"{self.group}: {self.images} images, {parts}{unreadable}; fallback {self.fallback_share:.2%}"


class CropOutcome(Outcome):
    """The packed images, and how many faces were found."""

    faces: File
    """npy, uint8, (N, height, width, 3), RGB; row i belongs to row i of the index."""
    portraits: File
    """npy, uint8, (N, height, width, 3), RGB: the whole photographs."""
    index: File
    """Parquet: one row per image; see ``maskfold.faces.pack``."""
    n_images: int
    fallback_share_train: float
    """Share of the training images without a detected face."""
    fallback_share_eval: float
    groups: tuple[FaceShares, ...] = ()
    """Counts by part and by mask state; groups without photographs are left out."""
    images_s: float
    n_outliers: int = 0
    """Training photographs whose face lies elsewhere than in the same person's others; see the index."""
    figures: tuple[File, ...] = ()
    """PNG: contact sheets of fallbacks, outliers and a random sample; histograms of box size and probability."""


# --- train_fold, train_all ------------------------------------------------------------------------------------------


class TrainSpec(Spec):
    """What every training of one network receives."""

    one_of_many = True
    outside_key = frozenset({"manifest", "folds", "pack", "index", "weights", "n_folds", "checkpoint_seconds"})
    network: Network
    labels: Labels
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


class TrainFoldSpec(TrainSpec):
    """Train one network on all folds but one and predict that one and the evaluation images."""

    stage = "train_fold"
    version = 3
    fold: int
    """Number of the fold held out, from 0."""
    n_folds: int

    @property
    def part(self) -> str:
        return f"{self.fold + 1}/{self.n_folds}"


class TrainAllSpec(TrainSpec):
    """Train one network on all people, for a number of epochs that the folds found, and predict the evaluation images.

    The network's settings are those of :meth:`maskfold.recipe.Network.for_final_fit`.
    """

    stage = "train_all"
    version = 2

    @property
    def part(self) -> str:
        return "all"


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
    """One trained network and its predictions."""

    network: str
    predictions: File
    """Parquet: image, part ("valid" | "eval"), fold (-1: nobody held out), p0 .. p<classes-1> (probabilities)."""
    weights: File
    """safetensors of the kept epoch."""
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


class TrainFoldOutcome(TrainOutcome):
    """A network that one fold was held out from."""

    fold: int
    macro_f1: float
    """Of the network's target on the held-out fold, kept epoch."""
    accuracy: float


class TrainAllOutcome(TrainOutcome):
    """A network that learnt from everybody; nobody is left to judge it."""


# --- ensemble -------------------------------------------------------------------------------------------------------


class EnsembleSpec(Spec):
    """Vote, score, draw the report, write the submission."""

    stage = "ensemble"
    version = 1
    outside_key = frozenset({"data", "prepared", "cropped", "trained", "final"})
    recipe: Recipe
    data: str
    fingerprint: str
    prepared: PrepareOutcome
    cropped: CropOutcome
    trained: tuple[TrainFoldOutcome, ...]
    final: tuple[TrainAllOutcome, ...] = ()
    """Networks trained on everybody, one of each network or none."""
    dataset_version: str
    folds_version: str
    trained_keys: tuple[str, ...]
    """Keys of all training jobs."""


class Scores(Settings):
    """Out-of-fold scores of one voter or of the vote, over all 18 classes."""

    macro_f1: float | None
    """Over 18 classes; none for a network that predicts one attribute only."""
    accuracy: float | None
    attributes: dict[str, dict[str, float]]
    """Per attribute: accuracy and macro_f1."""


class EnsembleOutcome(Outcome):
    """The submission, the scores and the report."""

    submission: File
    latest: str
    """Address of the stable copy, relative to the workspace."""
    oof: File
    """Parquet: the out-of-fold table of the vote."""
    report: File
    """HTML page."""
    figures: tuple[File, ...]
    tables: tuple[File, ...]
    """CSV: scores, confusion matrices."""
    scores: dict[str, Scores]
    """By network name, plus `attributes` (the product) where there are attribute networks, plus `vote`."""


OUTCOMES: dict[str, type[Outcome]] = {
    "weights": WeightsOutcome,
    "networks": NetworksOutcome,
    "prepare": PrepareOutcome,
    "crop": CropOutcome,
    "train_fold": TrainFoldOutcome,
    "train_all": TrainAllOutcome,
    "ensemble": EnsembleOutcome,
}
SPECS: dict[str, type[Spec]] = {
    spec.stage: spec
    for spec in (WeightsSpec, NetworksSpec, PrepareSpec, CropSpec, TrainFoldSpec, TrainAllSpec, EnsembleSpec)
}
