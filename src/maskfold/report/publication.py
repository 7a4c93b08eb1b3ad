"""Publishes the figures and the report page in the workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskfold import submissions
from maskfold.dataset.frame import INDEX, read_frame
from maskfold.ensemble.combination import Combination
from maskfold.errors import CorruptDataError
from maskfold.report.appendix import Appendix
from maskfold.report.corrected import CorrectionsEffect
from maskfold.report.figures import run_figures
from maskfold.report.mistakes import Faces, Mistakes
from maskfold.report.page import Submission, render
from maskfold.report.picture import draw
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
    corrected: CorrectionsEffect | None = None,
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
        corrected: What corrections changed; None where none applied.

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
        handed_in = Submission(
            file=submission,
            uri=workspace.locate(submission.path),
            latest=workspace.locate(submissions.LATEST),
            best=workspace.locate(submissions.BEST),
            content=workspace.fetch(submission).read_bytes(),
        )
    appendix = Appendix.of(spec, workspace.fetch)
    mistakes = Mistakes.of(combination, packed_faces(spec, workspace))
    page = render(spec, combination, pictures, handed_in, faces, seconds(), appendix, mistakes, corrected=corrected)
    figures = tuple(workspace.publish(one.light, f"{spec.address}/figures/{one.light.name}") for one in pictures)
    return figures, workspace.write(f"{spec.address}/report.html", page.encode())


def packed_faces(spec: EnsembleSpec, workspace: Workspace) -> Faces:
    """Return what gives the packed face of an image."""
    index = read_frame(workspace.fetch(spec.cropped.index), "an index", INDEX)
    rows = dict(zip(index["image"], index["row"].tolist(), strict=True))
    path = workspace.fetch(spec.cropped.faces)
    try:
        pack = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise CorruptDataError(f"{path}: not a pack of faces: {error}") from None

    def face(image: str) -> NDArray[Any]:
        return np.array(pack[rows[image]])

    return face
