"""Publishes the figures and the report page in the workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskfold.ensemble import publication
from maskfold.ensemble.combination import Combination
from maskfold.report.appendix import Appendix
from maskfold.report.figures import run_figures
from maskfold.report.page import Submission, draw, render
from maskfold.specs import EnsembleSpec, FaceShares, File
from maskfold.storage import Workspace


def publish_report(
    spec: EnsembleSpec,
    combination: Combination,
    submission: File | None,
    faces: Sequence[FaceShares],
    workspace: Workspace,
    scratch: Path,
    seconds: Callable[[], float],
    on_progress: Callable[[int, int, str], None],
) -> tuple[tuple[File, ...], File]:
    """Draw all figures, write the page.

    Args:
        spec: The ensemble job's spec.
        combination: Voters and scores.
        submission: The published submission; None where the data set has no evaluation images.
        faces: How faces were found, by group of photographs.
        workspace: Where figures and page go.
        scratch: A local folder.
        seconds: Returns the wall time of the job so far.
        on_progress: Called with figures drawn, figures in all and the unit.

    Returns:
        The figures, and the page.
    """
    pictures = draw(
        run_figures(spec.recipe, combination, spec.trained),
        scratch,
        lambda done, total: on_progress(done, total, "figures"),
    )
    handed_in = None
    if submission is not None:
        handed_in = Submission(submission, *map(workspace.locate, (submission.path, publication.LATEST)))
    appendix = Appendix.of(spec, workspace.fetch)
    page = render(spec, combination, pictures, handed_in, faces, seconds(), appendix)
    figures = tuple(workspace.publish(one.light, f"{spec.address}/figures/{one.light.name}") for one in pictures)
    return figures, workspace.write(f"{spec.address}/report.html", page.encode())
