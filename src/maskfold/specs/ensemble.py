"""Job ``ensemble``: the vote, its scores, the report and the submission."""

from __future__ import annotations

from typing import Annotated

from maskfold.recipe import OutsideKey, Recipe, Settings
from maskfold.specs.address import Address, Mark
from maskfold.specs.crop import CropOutcome, FaceShares
from maskfold.specs.predict_eval import PredictEvalOutcome
from maskfold.specs.prepare import PrepareOutcome
from maskfold.specs.spec import File, Outcome, Spec
from maskfold.specs.train_all import TrainAllOutcome
from maskfold.specs.train_fold import TrainFoldOutcome


class Scores(Settings):
    """Out-of-fold scores of one voter or of the vote, with 95 % intervals by the bootstrap over people."""

    macro_f1: float | None
    """Over all joint classes; None, as the five that follow, for a network that predicts one attribute of several."""
    macro_f1_low: float | None = None
    macro_f1_high: float | None = None
    accuracy: float | None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    attributes: dict[str, dict[str, float]]
    """The same six of each attribute; empty for a scheme of one attribute, where they equal those above."""


class EnsembleOutcome(Outcome):
    """The submission, the scores and the report."""

    submission: File | None
    """None where the data set has no evaluation images."""
    latest: Address | None
    """Address of the submission's stable copy, relative to the workspace."""
    oof: File
    """Parquet: the out-of-fold table of the vote."""
    report: File
    """HTML page."""
    figures: tuple[File, ...]
    tables: tuple[File, ...]
    """CSV: scores, confusion matrices."""
    scores: dict[str, Scores]
    """By network name, plus `attributes` (the product) where there are attribute networks, plus `vote`."""
    face_shares: tuple[FaceShares, ...]
    """How faces were found, by part of the data set and by class of each photograph attribute."""


class EarlierRun(Settings):
    """A finished run of the same recipe and photographs, with other corrections or none."""

    run: str
    """For people."""
    oof: File
    manifest: File


class EnsembleSpec(Spec[EnsembleOutcome]):
    """Vote, score, draw the report, write the submission."""

    stage = "ensemble"
    version = 3
    recipe: Recipe
    data: Annotated[str, OutsideKey]
    fingerprint: Mark
    prepared: Annotated[PrepareOutcome, OutsideKey]
    cropped: Annotated[CropOutcome, OutsideKey]
    trained: Annotated[tuple[TrainFoldOutcome, ...], OutsideKey]
    final: Annotated[tuple[TrainAllOutcome, ...], OutsideKey] = ()
    """Networks trained on all people: one for each network, or none."""
    evaluated: Annotated[tuple[PredictEvalOutcome, ...], OutsideKey] = ()
    """Predictions of each network for the evaluation images; empty if there are none."""
    dataset_version: Mark
    folds_version: Mark
    trained_keys: tuple[Mark, ...]
    """Keys of all training jobs."""
    earlier: Annotated[EarlierRun | None, OutsideKey] = None
    """What the report compares this run with, if corrections were applied; scores do not depend on it."""
