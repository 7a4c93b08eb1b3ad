"""Job ``predict_eval``: predictions of all trainings of one network for the evaluation images."""

from __future__ import annotations

from typing import Annotated, Final

from maskfold.recipe import Crop, Network, OutsideKey
from maskfold.recipe.network import NetworkName
from maskfold.specs.address import Mark
from maskfold.specs.crop import TypicalFace
from maskfold.specs.spec import File, Outcome, Spec

NO_FOLD: Final = -1
"""Fold number of a training that held no one out."""


class PredictEvalOutcome(Outcome):
    """The predictions of all trainings of one network."""

    network: NetworkName
    predictions: File
    """Parquet: image, part ("eval"), fold (NO_FOLD: no one was held out), p0 .. p<classes-1> (probabilities)."""
    images_per_second: float
    """Images per second, of all trainings together."""


class PredictEvalSpec(Spec[PredictEvalOutcome]):
    """Predict the evaluation images with all trainings of one network.

    Separate from the trainings, so that no network is trained again when the evaluation images change.
    """

    stage = "predict_eval"
    version = 1
    one_of_many = True
    network: Annotated[Network, OutsideKey]
    trained_keys: tuple[Mark, ...]
    """Keys of the trainings; they determine the weights."""
    folds: tuple[int, ...]
    """Fold that each training held out; NO_FOLD where it held no one out."""
    weights: Annotated[tuple[File, ...], OutsideKey]
    """Weights of each training."""
    eval_version: Mark
    """Digest of the evaluation images and their order."""
    crop: Crop
    typical_face: TypicalFace | None
    pack: Annotated[File, OutsideKey]
    """The faces or the portraits, depending on the network's input."""
    index: Annotated[File, OutsideKey]
    manifest: Annotated[File, OutsideKey]

    @property
    def label(self) -> str:
        return f"predict_eval {self.network.name}"
