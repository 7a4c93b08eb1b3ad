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
    version = 2
    outside_key = frozenset({"data", "fingerprint", "external", "manifest"})
    data: str
    fingerprint: str
    external: tuple[ExternalSource, ...] = ()
    manifest: File
    images_version: str
    crop: Crop


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
    images_s: float
    n_outliers: int = 0
    """Training photographs whose face lies elsewhere than in the same person's others; see the index."""
    figures: tuple[File, ...] = ()
    """PNG: contact sheets of fallbacks, outliers and a random sample; histograms of box size and probability."""


# --- train_fold -----------------------------------------------------------------------------------------------------


class TrainFoldSpec(Spec):
    """Train one network on all folds but one and predict that one and the evaluation images."""

    stage = "train_fold"
    version = 2
    one_of_many = True
    outside_key = frozenset({"manifest", "folds", "pack", "index", "weights", "n_folds"})
    network: Network
    fold: int
    """Number of the fold held out, from 0."""
    n_folds: int
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
    weights: Weights | None
    weights_identity: dict[str, Any] | None = None
    """What of the weights determines the result; set from ``weights``."""

    def model_post_init(self, context: Any, /) -> None:
        identity = self.weights.identity if self.weights else None
        object.__setattr__(self, "weights_identity", identity)

    @property
    def label(self) -> str:
        return f"train_fold {self.network.name} {self.fold + 1}/{self.n_folds}"


class EpochRecord(Settings):
    """One epoch of training, as it is logged."""

    epoch: int
    """From 0."""
    lr: float
    """At the epoch's end."""
    train_loss: float
    valid_loss: float
    valid_macro_f1: float
    """Of the network's target, on the whole validation part."""
    valid_accuracy: float
    images_s: float
    """Training images per second."""


class TrainFoldOutcome(Outcome):
    """One trained network and its predictions."""

    network: str
    fold: int
    predictions: File
    """Parquet: image, part ("valid" | "eval"), fold, p0 .. p<classes-1> (probabilities, float32)."""
    weights: File
    """safetensors of the kept epoch."""
    best_epoch: int
    """Epoch whose weights were kept, from 0."""
    macro_f1: float
    """Of the network's target on the held-out fold, kept epoch."""
    accuracy: float
    history: tuple[EpochRecord, ...]
    initial_weights: str
    """What was loaded, for people."""
    device: str
    amp: str
    images_s: float
    """Median over epochs."""
    resumed_from_epoch: int | None = None
    """Epoch the job continued from after an interruption."""
    unsent: int = 0
    """Number of tracking calls that failed and were left for the flow to replay."""


# --- ensemble -------------------------------------------------------------------------------------------------------


class EnsembleSpec(Spec):
    """Vote, score, draw the report, write the submission."""

    stage = "ensemble"
    version = 1
    outside_key = frozenset({"data", "prepared", "cropped", "trained"})
    recipe: Recipe
    data: str
    fingerprint: str
    prepared: PrepareOutcome
    cropped: CropOutcome
    trained: tuple[TrainFoldOutcome, ...]
    dataset_version: str
    folds_version: str
    trained_keys: tuple[str, ...]


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
    "prepare": PrepareOutcome,
    "crop": CropOutcome,
    "train_fold": TrainFoldOutcome,
    "ensemble": EnsembleOutcome,
}
SPECS: dict[str, type[Spec]] = {
    spec.stage: spec for spec in (WeightsSpec, PrepareSpec, CropSpec, TrainFoldSpec, EnsembleSpec)
}
