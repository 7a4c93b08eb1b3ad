"""Vote over all networks, score the vote, draw the report, publish the submission."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pandas as pd

from maskfold.dataset import read_folds, read_manifest
from maskfold.ensemble import publication
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.faces.summary import class_shares
from maskfold.launch import entry
from maskfold.report.annex import Annex
from maskfold.report.facts import warnings
from maskfold.report.figures import run_figures
from maskfold.report.page import Submission, draw, render
from maskfold.specs import NOBODY, EnsembleOutcome, EnsembleSpec, FaceShares, File


def run(spec: EnsembleSpec, job: entry.Job) -> EnsembleOutcome:
    """Combine the trained networks' predictions; the stable copies of the submission are written last."""
    manifest = read_manifest(job.workspace.fetch(spec.prepared.manifest))
    combination = _combine(spec, manifest, job)
    index = pd.read_parquet(job.workspace.fetch(spec.cropped.index))
    groups = [*spec.cropped.groups, *class_shares(index, manifest, spec.recipe.scheme)]
    faces = [group for group in groups if group.images]
    for warning in warnings(spec, combination):
        job.log.warning("%s", warning)
    oof, tables = publication.publish_tables(combination, spec, job.workspace, job.address, job.scratch)
    reader = spec.recipe.dataset.reader
    submission = publication.publish_submission(combination, reader, job.workspace, job.address)
    if submission is None:
        job.log.info("no evaluation images, so no submission")
    figures, report = _report(spec, combination, submission, faces, job)
    if submission is not None:
        publication.publish_stable_copies(submission, spec.key, job.workspace)
    return EnsembleOutcome(
        seconds=job.seconds,
        submission=submission,
        latest=None if submission is None else publication.LATEST,
        oof=oof,
        report=report,
        figures=tuple(figures),
        tables=tables,
        scores={voter.name: voter.scores for voter in combination.voters},
        faces=tuple(faces),
    )


def _combine(spec: EnsembleSpec, manifest: pd.DataFrame, job: entry.Job) -> Combination:
    fetch = job.workspace.fetch
    folds = read_folds(fetch(spec.prepared.folds))
    asked = {one.network: pd.read_parquet(fetch(one.predictions)) for one in spec.evaluated}

    def with_evaluation(network: str, fold: int, *held_out: pd.DataFrame) -> pd.DataFrame:
        table = [asked[network].loc[lambda rows: rows["fold"] == fold]] if asked else []
        return pd.concat([*held_out, *table], ignore_index=True)

    tables = []
    for one in spec.trained:
        held_out = pd.read_parquet(fetch(one.predictions))
        tables.append(FoldTable(one.network, one.fold, with_evaluation(one.network, one.fold, held_out)))
    final = {one.network: with_evaluation(one.network, NOBODY) for one in spec.final} if asked else {}
    return combine(spec.recipe, manifest, folds, tables, final)


def _report(
    spec: EnsembleSpec,
    combination: Combination,
    submission: File | None,
    faces: Sequence[FaceShares],
    job: entry.Job,
) -> tuple[list[File], File]:
    figures = run_figures(spec.recipe, combination, spec.trained)
    pictures = draw(figures, job.scratch, lambda done, total: job.progress(done, total, unit="figures"))
    handed_in = None
    if submission is not None:
        handed_in = Submission(submission, *map(job.workspace.locate, (submission.path, publication.LATEST)))
    annex = Annex.of(spec, job.workspace.fetch)
    page = render(spec, combination, pictures, handed_in, faces, job.seconds, annex)
    drawn = [job.workspace.publish(one.light, f"{job.address}/figures/{one.light.name}") for one in pictures]
    return drawn, job.workspace.write(f"{job.address}/report.html", page.encode())


if __name__ == "__main__":
    sys.exit(entry.main(run, EnsembleSpec))
