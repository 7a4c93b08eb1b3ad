"""Predict the evaluation images with all trainings of one network."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.dataset import read_manifest
from maskfold.dataset.frame import INDEX, read_frame
from maskfold.dataset.manifest import eval_rows
from maskfold.inference.evaluation import predict_eval
from maskfold.inference.network import FinishedNetwork
from maskfold.launch import entry
from maskfold.specs import PredictEvalOutcome, PredictEvalSpec
from maskfold.training.device import open_device
from maskfold.training.images import Images, open_pack


def run(spec: PredictEvalSpec, job: entry.Job) -> PredictEvalOutcome:
    """Load each training's network and predict."""
    device, fetch = open_device(True, job.threads), job.workspace.fetch
    wanted = eval_rows(read_manifest(fetch(spec.manifest)))
    index = read_frame(fetch(spec.index), "an index", INDEX)
    images = Images(open_pack(fetch(spec.pack), spec.network.size, job.scratch), device)
    tables, began = [], job.seconds
    for done, (fold, weights) in enumerate(zip(spec.folds, spec.weights, strict=True), start=1):
        network = FinishedNetwork.load(fetch(weights), device)
        tables.append(predict_eval(network, images, index, wanted, fold))
        job.progress(done * len(wanted), len(spec.folds) * len(wanted))
    path = job.scratch / "predictions.parquet"
    pd.concat(tables).to_parquet(path, index=False)
    return PredictEvalOutcome(
        seconds=job.seconds,
        network=spec.network.name,
        predictions=job.workspace.publish(path, f"{job.address}/{path.name}"),
        images_per_second=len(spec.folds) * len(wanted) / (job.seconds - began),
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, PredictEvalSpec))
