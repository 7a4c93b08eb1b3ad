"""Train one network on all folds but one; predict that one and the evaluation images."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold import tracking
from maskfold.dataset import read_folds, read_manifest
from maskfold.launch import entry
from maskfold.specs import TrainFoldOutcome, TrainFoldSpec
from maskfold.training import artifacts, backbones, data, images
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.device import explained, open_device
from maskfold.training.learner import Learner
from maskfold.training.loop import Loop, Surroundings
from maskfold.training.randomness import Position


def run(spec: TrainFoldSpec, job: entry.Job) -> TrainFoldOutcome:
    """Train, from the newest checkpoint or anew; predict; publish."""
    network, place, fetch = spec.network, Position(spec.network.seed, spec.fold), job.workspace.fetch
    device = open_device(spec.deterministic, job.threads)
    tables = read_manifest(fetch(spec.manifest)), read_folds(fetch(spec.folds)), pd.read_parquet(fetch(spec.index))
    fold = data.split(*tables, spec.fold, network.target, spec.labels, network.ages)
    pack = images.Images(images.open_pack(fetch(spec.pack), network.size, job.scratch), device)
    file = fetch(spec.weights.file) if spec.weights else None
    backbone = backbones.build(network, place, pack.size, spec.weights, file, lambda: pack.statistics(fold.train.rows))
    learner = Learner(network, backbone, device, fold.class_counts)
    checkpoints = Checkpoints(job.workspace, f"{job.address}/checkpoint", job.scratch, job.log)
    with tracking.job_recorder(spec.tracking, job.log) as recorder, job.graceful_stop(), explained(network):
        loop = Loop(learner, pack, fold, place, Surroundings(checkpoints, recorder, lambda: job.stopping, job.progress))
        fit, evaluation = loop.fit(), loop.predict(fold.evaluation.rows)
    predictions = artifacts.save_predictions(job.scratch, fold, spec.fold, fit.kept.probabilities, evaluation)
    weights = artifacts.save_weights(job.scratch, fit.kept.model, network, backbone, pack.size)
    files = [job.workspace.publish(path, f"{job.address}/{path.name}") for path in (predictions, weights)]
    job.afterwards.append(checkpoints.delete)
    return TrainFoldOutcome(
        seconds=job.seconds,
        network=network.name,
        fold=spec.fold,
        predictions=files[0],
        weights=files[1],
        best_epoch=fit.kept.epoch,
        macro_f1=fit.kept_record.valid_macro_f1,
        accuracy=fit.kept_record.valid_accuracy,
        history=fit.history,
        initial_weights=backbone.initial_weights,
        device=str(device),
        amp=learner.precision,
        images_s=fit.images_s,
        resumed_from_epoch=fit.resumed_from_epoch,
        unsent=recorder.unsent,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, TrainFoldSpec))
