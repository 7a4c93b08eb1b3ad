"""One training, from its spec to its files in the workspace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from maskfold.dataset import read_folds, read_manifest
from maskfold.dataset.frame import INDEX, PLACES, read_frame
from maskfold.errors import InvariantError
from maskfold.specs import NetworkCard, NetworkInput, TrainFoldOutcome, TrainOutcome, TrainSpec
from maskfold.training import artifacts, backbones
from maskfold.training.backbones import Backbone
from maskfold.training.checkpoint import Store
from maskfold.training.covering import TYPICAL_FACE, Covers
from maskfold.training.data import FoldData, split
from maskfold.training.device import explained
from maskfold.training.face_place import face_place
from maskfold.training.images import Images, open_pack
from maskfold.training.learner import Learner
from maskfold.training.loop import Fit, Loop, Services
from maskfold.training.randomness import EVERYBODY, Position

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """A finished training with everything that was needed for it."""

    spec: TrainSpec[TrainOutcome]
    fold: int | None
    data: FoldData
    images: Images
    backbone: Backbone
    learner: Learner
    loop: Loop
    fit: Fit


def train(
    spec: TrainSpec[TrainOutcome],
    fold: int | None,
    device: torch.device,
    workspace: Store,
    scratch: Path,
    services: Services,
) -> Session:
    """Train a network, from the newest checkpoint or anew.

    Args:
        spec: What to train on what.
        fold: Number of the fold held out; None trains on everybody.
        device: Where to compute.
        workspace: Holds the tables, the pack and the initial weights.
        scratch: A local folder.
        services: Checkpoints, recorder, progress, the request to stop.

    Raises:
        MaskfoldError: As :meth:`maskfold.training.loop.Loop.fit` does, or if the inputs do not fit together.
    """
    network, place = spec.network, Position(spec.network.seed, EVERYBODY if fold is None else fold)
    fetch = workspace.fetch
    places = PLACES if network.covering.is_on else {}
    index = read_frame(fetch(spec.index), "an index", {**INDEX, **places})
    tables = (read_manifest(fetch(spec.manifest)), read_folds(fetch(spec.folds)), index)
    data, taught = split(*tables, fold, network, spec.scheme), network.taught(spec.scheme)
    images = Images(open_pack(fetch(spec.pack), network.size, scratch), device)
    file = fetch(spec.weights.file) if spec.weights else None
    backbone = backbones.build(
        network, len(data.counted), place, images.size, spec.weights, file, lambda: images.statistics(data.train.rows)
    )
    _log.info("initial weights: %s", backbone.initial_weights)
    covers = _covers(spec, data, index) if network.covering.is_on else None
    targets = data.train.targets
    counted, blocks = (data.counted, targets.blocks) if targets else (None, ())
    learner = Learner(network, taught, backbone, device, data.class_counts, counted, blocks, covers)
    with explained(network):
        loop = Loop(learner, images, data, place, services)
        fit = loop.fit()
    return Session(spec, fold, data, images, backbone, learner, loop, fit)


def _covers(spec: TrainSpec[TrainOutcome], data: FoldData, index: pd.DataFrame) -> Covers:
    network, taught = spec.network, spec.network.taught(spec.scheme)
    face, targets = face_place(index, spec.crop) or TYPICAL_FACE, data.train.targets
    if targets is None:
        return Covers(network.covering, taught, network.target, face)
    shape = [one.size for one in taught.members(network.target)]
    return Covers(network.covering, spec.scheme.for_training(), network.target, face, shape, targets.blocks)


def card_of(session: Session) -> NetworkCard:
    """Return the card that is stored in the network's file."""
    spec, network = session.spec, session.spec.network
    return NetworkCard(
        backbone=network.backbone,
        backbone_args=session.backbone.arguments,
        input=NetworkInput(
            source=network.input, size=session.images.size, mean=session.backbone.mean, std=session.backbone.std
        ),
        target=network.target,
        scheme=spec.scheme,
        classes=tuple(network.taught(spec.scheme).class_names(network.target)),
        counted_classes=tuple(session.data.counted.tolist()),
        precision=session.learner.precision,
        batch_size=network.batch_size,
        crop=spec.crop,
        typical_face=spec.typical_face,
    )


def publish(
    session: Session, workspace: Store, address: str, scratch: Path, seconds: Callable[[], float]
) -> TrainOutcome:
    """Write what every training leaves: its network and, of the first fold, the contact sheet.

    Args:
        session: The finished training.
        workspace: Where files go.
        address: Folder in it.
        scratch: A local folder.
        seconds: Returns the wall time of the job so far.
    """
    fit = session.fit
    weights = artifacts.save_weights(scratch, fit.kept.model, card_of(session))
    samples = None
    if session.fold == 0:  # the samples of one fold are enough
        sheet = artifacts.save_samples(scratch, session.loop.samples(artifacts.SAMPLES))
        samples = workspace.publish(sheet, f"{address}/{sheet.name}")
    return TrainOutcome(
        network=session.spec.network.name,
        weights=workspace.publish(weights, f"{address}/{weights.name}"),
        samples=samples,
        best_epoch=fit.kept.epoch,
        history=fit.history,
        initial_weights=session.backbone.initial_weights,
        device=str(session.learner.device),
        amp=session.learner.precision,
        images_per_second=fit.images_per_second,
        steps_per_epoch=session.loop.steps_per_epoch,
        resumed_from_epoch=fit.resumed_from_epoch,
        seconds=seconds(),
    )


def publish_fold(
    session: Session, fold: int, left: TrainOutcome, workspace: Store, address: str, scratch: Path
) -> TrainFoldOutcome:
    """Write the predictions of the fold that a training held out, and score them.

    Args:
        session: The finished training.
        fold: Number of the fold.
        left: What :func:`publish` returned.
        workspace: Where files go.
        address: Folder in it.
        scratch: A local folder.

    Raises:
        InvariantError: If the kept epoch has no scores, which every epoch of a training with a fold held out has.
    """
    kept = session.fit.kept_record
    if kept.valid_macro_f1 is None or kept.valid_accuracy is None:
        raise InvariantError(f"fold {fold}: epoch {kept.epoch + 1} was kept without a score on the held-out fold")
    table = artifacts.save_predictions(scratch, session.data.valid, fold, session.fit.kept.probabilities)
    return TrainFoldOutcome(
        **dict(left),
        predictions=workspace.publish(table, f"{address}/{table.name}"),
        fold=fold,
        macro_f1=kept.valid_macro_f1,
        accuracy=kept.valid_accuracy,
    )
