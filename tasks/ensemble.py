"""Vote over all networks, score the vote, draw the report, publish the submission."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.dataset import read_folds, read_manifest
from maskfold.ensemble import publication
from maskfold.ensemble.combination import combine
from maskfold.ensemble.predictions import fetch_predictions
from maskfold.faces.summary import class_shares
from maskfold.launch import entry
from maskfold.report.facts import warnings
from maskfold.report.figures import run_figures
from maskfold.report.page import draw
from maskfold.report.publication import publish_report
from maskfold.specs import EnsembleOutcome, EnsembleSpec


def run(spec: EnsembleSpec, job: entry.Job) -> EnsembleOutcome:
    """Combine the trained networks' predictions; the stable copies of the submission are written last."""
    workspace, fetch = job.workspace, job.workspace.fetch
    manifest, folds = read_manifest(fetch(spec.prepared.manifest)), read_folds(fetch(spec.prepared.folds))
    combination = combine(spec.recipe, manifest, folds, *fetch_predictions(spec, fetch))
    for warning in warnings(spec, combination):
        job.log.warning("%s", warning)
    shares = class_shares(pd.read_parquet(fetch(spec.cropped.index)), manifest, spec.recipe.scheme)
    faces = tuple(group for group in (*spec.cropped.groups, *shares) if group.images)
    oof, tables = publication.publish_tables(combination, spec, workspace, job.address, job.scratch)
    submission = publication.publish_submission(combination, spec.recipe.dataset.reader, workspace, job.address)
    figures = run_figures(spec.recipe, combination, spec.trained)
    pictures = draw(figures, job.scratch, lambda done, total: job.progress(done, total, unit="figures"))
    report, drawn = publish_report(spec, combination, pictures, submission, faces, job.seconds, workspace)
    if submission is None:
        job.log.info("no evaluation images, so no submission")
    else:
        publication.publish_stable_copies(submission, spec.key, workspace)
    return EnsembleOutcome(
        seconds=job.seconds,
        submission=submission,
        latest=publication.LATEST if submission else None,
        oof=oof,
        report=report,
        figures=drawn,
        tables=tables,
        scores={voter.name: voter.scores for voter in combination.voters},
        faces=faces,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, EnsembleSpec))
