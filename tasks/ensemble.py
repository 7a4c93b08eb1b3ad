"""Vote over all networks, score the vote, draw the report, publish the submission."""

from __future__ import annotations

import sys

from maskfold import submissions
from maskfold.dataset import read_manifest
from maskfold.dataset.frame import INDEX, read_frame
from maskfold.ensemble import publication
from maskfold.ensemble.inputs import combine_outcomes
from maskfold.faces.summary import class_shares
from maskfold.launch import entry
from maskfold.report.corrected import CorrectionsEffect
from maskfold.report.facts import warnings
from maskfold.report.publication import publish_report
from maskfold.specs import EnsembleOutcome, EnsembleSpec


def run(spec: EnsembleSpec, job: entry.Job) -> EnsembleOutcome:
    """Combine the trained networks' predictions; the stable copies of the submission are written last."""
    workspace = job.workspace
    manifest = read_manifest(workspace.fetch(spec.prepared.manifest))
    index = read_frame(workspace.fetch(spec.cropped.index), "an index", INDEX)
    combination = combine_outcomes(spec, manifest, workspace.fetch)
    groups = [*spec.cropped.face_shares, *class_shares(index, manifest, spec.recipe.scheme)]
    faces = tuple(group for group in groups if group.images)
    for warning in warnings(spec, combination):
        job.log.warning("%s", warning)
    oof, tables = publication.publish_tables(combination, spec, workspace, job.address, job.scratch)
    submission = publication.publish_submission(combination, spec.recipe.dataset.reader, workspace, job.address)
    if submission is None:
        job.log.info("no evaluation images, so no submission")
    corrected = CorrectionsEffect.of(spec, combination, workspace.fetch)
    tables += publication.publish_csv(workspace, job.address, corrected.tables if corrected else {})
    figures, page = publish_report(
        spec, combination, submission, faces, workspace, job.scratch, lambda: job.seconds, job.progress, corrected
    )
    if submission is not None:
        publication.publish_stable_copies(submission, combination, spec, workspace, job.log)
    return EnsembleOutcome(
        seconds=job.seconds,
        submission=submission,
        latest=None if submission is None else submissions.LATEST,
        oof=oof,
        report=page,
        figures=figures,
        tables=tables,
        scores=combination.scores,
        face_shares=faces,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, EnsembleSpec))
