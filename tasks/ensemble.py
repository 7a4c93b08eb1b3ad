"""Vote over all networks, score the vote, draw the report, publish the submission."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.dataset import read_folds, read_manifest
from maskfold.ensemble import publication
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.launch import entry
from maskfold.report.appendix import Appendix
from maskfold.report.facts import warnings
from maskfold.report.figures import run_figures
from maskfold.report.page import Submission, draw, render
from maskfold.specs import EnsembleOutcome, EnsembleSpec, File


def run(spec: EnsembleSpec, job: entry.Job) -> EnsembleOutcome:
    """Combine the trained networks' predictions; the stable copies of the submission are written last."""
    combination = _combine(spec, job)
    for warning in warnings(spec, combination):
        job.log.warning("%s", warning)
    oof, tables = publication.publish_tables(combination, spec, job.workspace, job.address, job.scratch)
    submission = publication.publish_submission(combination, job.workspace, job.address)
    figures, report = _report(spec, combination, submission, job)
    publication.publish_stable_copies(submission, spec.key, job.workspace)
    return EnsembleOutcome(
        seconds=job.seconds,
        submission=submission,
        latest=publication.LATEST,
        oof=oof,
        report=report,
        figures=tuple(figures),
        tables=tables,
        scores={voter.name: voter.scores for voter in combination.voters},
    )


def _combine(spec: EnsembleSpec, job: entry.Job) -> Combination:
    fetch = job.workspace.fetch
    manifest, folds = read_manifest(fetch(spec.prepared.manifest)), read_folds(fetch(spec.prepared.folds))
    tables = [FoldTable(one.network, one.fold, pd.read_parquet(fetch(one.predictions))) for one in spec.trained]
    final = {one.network: pd.read_parquet(fetch(one.predictions)) for one in spec.final}
    return combine(spec.recipe, manifest, folds, tables, final)


def _report(spec: EnsembleSpec, combination: Combination, submission: File, job: entry.Job) -> tuple[list[File], File]:
    figures = run_figures(spec.recipe, combination, spec.trained)
    pictures = draw(figures, job.scratch, lambda done, total: job.progress(done, total, unit="figures"))
    handed_in = Submission(submission, *map(job.workspace.locate, (submission.path, publication.LATEST)))
    page = render(spec, combination, pictures, handed_in, job.seconds, Appendix.of(spec, job.workspace.fetch))
    drawn = [job.workspace.publish(one.light, f"{job.address}/figures/{one.light.name}") for one in pictures]
    return drawn, job.workspace.write(f"{job.address}/report.html", page.encode())


if __name__ == "__main__":
    sys.exit(entry.main(run, EnsembleSpec))
