"""Vote over all networks, score the vote, draw the report, publish the submission."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.dataset.manifest import read_manifest
from maskfold.ensemble import publication
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.launch import entry
from maskfold.launch.entry import Job
from maskfold.report.facts import warnings
from maskfold.report.figures import run_figures
from maskfold.report.page import Submission, draw, render
from maskfold.specs import EnsembleOutcome, EnsembleSpec, File


def run(spec: EnsembleSpec, job: Job) -> EnsembleOutcome:
    """Combine the trained networks' predictions; the stable copies of the submission are written last."""
    workspace = job.workspace
    combination = _combine(spec, job)
    for warning in warnings(spec, combination):
        job.log.warning("%s", warning)
    oof, tables = publication.publish_tables(combination, spec, workspace, job.address, job.scratch)
    submission = publication.publish_submission(combination, workspace, job.address)
    figures, report = _report(spec, combination, submission, job)
    publication.publish_stable_copies(submission, spec.key, workspace)
    return EnsembleOutcome(
        seconds=job.seconds,
        submission=submission,
        latest=publication.LATEST,
        oof=oof,
        report=report,
        figures=figures,
        tables=tables,
        scores={voter.name: voter.scores for voter in combination.voters},
    )


def _combine(spec: EnsembleSpec, job: Job) -> Combination:
    fetch = job.workspace.fetch
    manifest, folds = read_manifest(fetch(spec.prepared.manifest)), pd.read_parquet(fetch(spec.prepared.folds))
    tables = [FoldTable(one.network, one.fold, pd.read_parquet(fetch(one.predictions))) for one in spec.trained]
    return combine(spec.recipe, manifest, folds, tables)


def _report(spec: EnsembleSpec, combination: Combination, submission: File, job: Job) -> tuple[tuple[File, ...], File]:
    figures = run_figures(spec.recipe, combination, spec.trained)
    pictures = draw(figures, job.scratch, lambda done, total: job.progress(done, total, unit="figures"))
    uris = (job.workspace.locate(path) for path in (submission.path, publication.LATEST))
    page = render(spec, combination, pictures, Submission(submission, *uris), job.seconds).encode()
    drawn = tuple(job.workspace.publish(one.light, f"{job.address}/figures/{one.light.name}") for one in pictures)
    return drawn, job.workspace.write(f"{job.address}/report.html", page)


if __name__ == "__main__":
    sys.exit(entry.main(run, EnsembleSpec))
