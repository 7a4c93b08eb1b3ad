"""The report in the workspace: figures, and the page that holds them all."""

from __future__ import annotations

from collections.abc import Sequence

from maskfold.ensemble.combination import Combination
from maskfold.ensemble.publication import LATEST
from maskfold.report.annex import Annex
from maskfold.report.page import Picture, Submission, render
from maskfold.specs import EnsembleSpec, FaceShares, File
from maskfold.storage import Workspace


def publish_report(
    spec: EnsembleSpec,
    combination: Combination,
    pictures: Sequence[Picture],
    submission: File | None,
    faces: Sequence[FaceShares],
    seconds: float,
    workspace: Workspace,
) -> tuple[File, tuple[File, ...]]:
    """Publish the page, and the pictures on light paper, in the job's folder.

    Args:
        spec: The ensemble job's spec.
        combination: Voters and scores.
        pictures: Drawn figures, in reading order.
        submission: What was handed in; None where the data set has no evaluation images.
        faces: How faces were found, by group of photographs.
        seconds: Wall time of the ensemble job so far.
        workspace: Where they go.

    Returns:
        The page, and the pictures.
    """
    handed_in = submission and Submission(submission, *map(workspace.locate, (submission.path, LATEST)))
    page = render(spec, combination, pictures, handed_in, faces, seconds, Annex.of(spec, workspace.fetch))
    drawn = [workspace.publish(one.light, f"{spec.address}/figures/{one.light.name}") for one in pictures]
    return workspace.write(f"{spec.address}/report.html", page.encode()), tuple(drawn)
