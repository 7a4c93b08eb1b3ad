"""The description of a model package: all that a trained ensemble needs to predict new photographs.

A package is a folder with ``model.json`` (this description), ``README.md`` (the model card), ``SHA256SUMS`` and the
weights of every training that votes, as safetensors. It is data alone: nothing in it can be executed. ``model.json``
names every other file with its sha256, so that the digest of ``model.json`` is one over all.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from maskfold.recipe import Crop, Settings
from maskfold.recipe.network import NetworkName
from maskfold.scheme import Scheme
from maskfold.settings import Count, Factor, Probability
from maskfold.specs.address import FileName, Mark, Sha256
from maskfold.specs.crop import TypicalFace
from maskfold.specs.ensemble import Scores

MODELS: Final = "models"
"""Folder of a workspace for its packages."""
MODEL_FILE: Final = "model.json"
CARD_FILE: Final = "README.md"
SUMS_FILE: Final = "SHA256SUMS"
FORMAT: Final = 1
"""Raised when an older maskfold could not use a package."""
UNSURE: Final = 0.5
"""An answer with less probability than this is unsure."""


class PackagedFile(Settings):
    """A file of a package."""

    name: FileName
    sha256: Sha256
    size: Count
    """Bytes."""


class PackagedNetwork(Settings):
    """One network of the recipe: all its trainings, whose probabilities are averaged."""

    name: NetworkName
    target: str
    """`joint`, or the attribute that it predicts."""
    input: Literal["face", "portrait"]
    weights: Annotated[tuple[PackagedFile, ...], Field(min_length=1)]
    """safetensors of each training, with its card in the header."""


class ClassScore(Settings):
    """How well one class is recognised, out-of-fold."""

    target: str
    """`joint`, or an attribute."""
    name: str
    images: Count
    precision: Probability
    recall: Probability
    f1: Probability


class SliceScore(Settings):
    """How often the vote is right on the photographs of one class of an attribute, out-of-fold."""

    attribute: str
    name: str
    """Of the class."""
    images: Count
    accuracy: dict[str, Probability]
    """By target: `joint` and each attribute."""


class TrainingProfile(Settings):
    """What the training photographs and the answers for them are like, to notice when new ones differ."""

    images: Count
    people: Count
    label_shares: tuple[Probability, ...]
    """Share of each joint class among the labels. It is the answer for a photograph that cannot be read."""
    answer_shares: tuple[Probability, ...]
    """Share of each joint class among the out-of-fold answers."""
    fallback_share: Probability
    """Photographs without a detected face."""
    confidence: Probability
    """Mean calibrated probability of the out-of-fold answers."""
    unsure_share: Probability
    shorter_side: tuple[Count, Count, Count]
    """5 %, 50 % and 95 % quantiles of the shorter side, in pixels."""


class ModelPackage(Settings):
    """A trained ensemble without its weights."""

    format: Literal[1] = FORMAT
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)
    """Name in registries."""
    key: Mark
    """Of the job that made it."""
    recipe: str
    """Name of the recipe."""
    scheme: Scheme
    crop: Crop
    typical_face: TypicalFace | None
    networks: Annotated[tuple[PackagedNetwork, ...], Field(min_length=1, max_length=200)]
    vote_weights: dict[str, Factor]
    """By network, or `attributes` for the product of the attribute networks; 1 for all others."""
    temperature: PositiveFloat
    """Divides the logarithms of the vote's probabilities, to calibrate the reported confidence. Guo, C. et al. (2017).
    On Calibration of Modern Neural Networks. ICML, section 4.2. The probabilities themselves are those of the vote."""
    training: TrainingProfile
    dataset_version: Mark
    ensemble_key: Mark
    """Of the vote whose scores these are."""
    scores: dict[str, Scores]
    """By voter, out-of-fold."""
    classes: tuple[ClassScore, ...]
    slices: tuple[SliceScore, ...]
    versions: dict[str, str]
    """Of maskfold and of the libraries that trained it."""
    card: PackagedFile

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> Self:
        size = self.scheme.n_classes
        if len(self.training.label_shares) != size or len(self.training.answer_shares) != size:
            raise ValueError(f"training: expected a share for each of {size} joint classes")
        strange = [one.target for one in self.networks if one.target not in self.scheme.targets]
        if strange:
            raise ValueError(f"networks: the scheme has no attribute {strange[0]!r}")
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        return self

    @property
    def files(self) -> tuple[PackagedFile, ...]:
        """All files beside ``model.json`` and ``SHA256SUMS``."""
        return (self.card, *(file for network in self.networks for file in network.weights))

    @property
    def vote(self) -> Scores:
        """Out-of-fold scores of the vote."""
        return self.scores["vote"]


def model_name(scheme: Scheme) -> str:
    """Return the name of a scheme's models in registries."""
    return f"maskfold-{scheme.name}"
