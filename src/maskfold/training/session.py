"""One training from its spec to what it leaves in the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from maskfold.dataset import read_folds, read_manifest
from maskfold.specs import File, TrainOutcome, TrainSpec
from maskfold.training import artifacts, backbones
from maskfold.training.backbones import Backbone
from maskfold.training.checkpoint import Store
from maskfold.training.data import FoldData, split
from maskfold.training.device import explained
from maskfold.training.images import Images, open_pack
from maskfold.training.learner import Learner
from maskfold.training.loop import Fit, Loop, Services
from maskfold.training.randomness import EVERYBODY, Position


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
    evaluation: NDArray[np.float32]
    """Probabilities of the evaluation images, (N, classes)."""


def train(
    spec: TrainSpec[TrainOutcome],
    fold: int | None,
    device: torch.device,
    workspace: Store,
    scratch: Path,
    services: Services,
) -> Session:
    """Train a network, from the newest checkpoint or anew, and predict the evaluation images.

    Args:
        spec: What to train on what.
        fold: Number of the fold held out; None trains on everybody.
        device: Where to compute.
        workspace: Holds the tables, the pack and the initial weights.
        scratch: A local folder.
        services: Checkpoints, recorder, progress, the wish to stop.

    Raises:
        MaskfoldError: As :meth:`maskfold.training.loop.Loop.fit` does, or if the inputs do not fit together.
    """
    network, place = spec.network, Position(spec.network.seed, EVERYBODY if fold is None else fold)
    fetch = workspace.fetch
    tables = read_manifest(fetch(spec.manifest)), read_folds(fetch(spec.folds)), pd.read_parquet(fetch(spec.index))
    data = split(*tables, fold, network.target, spec.labels, network.ages)
    images = Images(open_pack(fetch(spec.pack), network.size, scratch), device)
    file = fetch(spec.weights.file) if spec.weights else None
    backbone = backbones.build(
        network, place, images.size, spec.weights, file, lambda: images.statistics(data.train.rows)
    )
    learner = Learner(network, backbone, device, data.class_counts)
    with explained(network):
        loop = Loop(learner, images, data, place, services)
        fit, evaluation = loop.fit(), loop.predict(data.evaluation.rows)
    return Session(spec, fold, data, images, backbone, learner, loop, fit, evaluation)


def publish(session: Session, workspace: Store, address: str, scratch: Path) -> dict[str, Any]:
    """Write what a training leaves; return the fields of :class:`maskfold.specs.TrainOutcome` that it determines.

    Args:
        session: The finished training.
        workspace: Where files go.
        address: Folder in it.
        scratch: A local folder.
    """
    network, fit = session.spec.network, session.fit

    def published(path: Path) -> File:
        return workspace.publish(path, f"{address}/{path.name}")

    predictions = artifacts.save_predictions(
        scratch, session.data, session.fold, fit.kept.probabilities, session.evaluation
    )
    weights = artifacts.save_weights(scratch, fit.kept.model, network, session.backbone, session.images.size)
    samples = None
    if session.fold == 0:  # one fold shows enough
        samples = published(artifacts.save_samples(scratch, session.loop.samples(artifacts.SAMPLES)))
    return {
        "network": network.name,
        "predictions": published(predictions),
        "weights": published(weights),
        "samples": samples,
        "best_epoch": fit.kept.epoch,
        "history": fit.history,
        "initial_weights": session.backbone.initial_weights,
        "device": str(session.learner.device),
        "amp": session.learner.precision,
        "images_per_second": fit.images_per_second,
        "steps_per_epoch": session.loop.steps_per_epoch,
        "resumed_from_epoch": fit.resumed_from_epoch,
    }
