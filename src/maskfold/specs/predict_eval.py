"""Job ``predict_eval``: what a network's trainings predict for the evaluation images."""

from __future__ import annotations

from typing import Final

from maskfold.recipe import Crop, Network
from maskfold.specs.crop import TypicalFace
from maskfold.specs.spec import File, Outcome, Spec

NOBODY: Final = -1
"""In place of a fold, for a training that held no one out."""


class PredictEvalOutcome(Outcome):
    """The predictions of all trainings of one network."""

    network: str
    predictions: File
    """Parquet: image, part ("eval"), fold (NOBODY: no one was held out), p0 .. p<classes-1> (probabilities)."""
    images_s: float
    """Images per second, of all trainings together."""


class PredictEvalSpec(Spec[PredictEvalOutcome]):
    """Let all trainings of one network predict the evaluation images.

    Apart from the trainings, so that evaluation images that come or go cost no training.
    """

    stage = "predict_eval"
    version = 1
    one_of_many = True
    outside_key = frozenset({"network", "weights", "pack", "index", "manifest"})
    network: Network
    trained_keys: tuple[str, ...]
    """Keys of the trainings; they determine the weights."""
    folds: tuple[int, ...]
    """Fold that each training held out; NOBODY where it held no one out."""
    weights: tuple[File, ...]
    """Weights of each training."""
    eval_version: str
    """Digest of the evaluation images and their order."""
    crop: Crop
    typical_face: TypicalFace | None
    pack: File
    """The faces or the portraits, as the network's input says."""
    index: File
    manifest: File

    @property
    def label(self) -> str:
        return f"predict_eval {self.network.name}"
