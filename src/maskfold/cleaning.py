"""Frees room in a workspace: deletes what only runs need that nobody wants any more."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from maskfold import champions
from maskfold.errors import WorkspaceError
from maskfold.history import Run, best_first, read_runs
from maskfold.parts import PREDICTIONS
from maskfold.specs import OUTCOME_FILE, SPEC_FILE, AnswersSpec, ExportSpec, PredictSpec, Spec, package_folder
from maskfold.specs.model import MODEL_FILE, MODELS
from maskfold.storage import Workspace
from maskfold.storage.sources import INPUTS
from maskfold.submissions import FOLDER as SUBMISSIONS
from maskfold.tracking.record import RUNS
from maskfold.wording import first_few

DETECTIONS: Final = "detections"
"""Folder of found faces, which crops with other settings reuse."""
_KEY: Final = re.compile(r"[0-9a-f]{16}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RUN: Final = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
_SUBMISSION: Final = re.compile(r"([0-9a-f]{16})\.(csv|csv\.sha256|json)")


@dataclass(frozen=True)
class Cleaning:
    """What would be deleted."""

    kept: tuple[Run, ...]
    removed: tuple[Run, ...]
    files: tuple[str, ...]
    """Addresses, in the order of their deletion: the outcome of a job first, so that none is ever half there."""
    size: int
    """Bytes of all files."""

    @property
    def folders(self) -> list[str]:
        """Folders of jobs and inputs that vanish, sorted."""
        return sorted({"/".join(PurePosixPath(path).parts[:2]) for path in self.files})


def plan_cleaning(workspace: Workspace, keep: int) -> Cleaning:
    """Find what no kept run needs: results of jobs, inputs, records and submissions.

    The newest runs are kept, the one with the best score, and the package of each champion with what it is compared by.
    Answers for photographs are kept as long as the package that gave them, and those of a package from elsewhere are.
    Files that maskfold did not write are never touched.

    Args:
        workspace: The workspace.
        keep: How many of the newest runs to keep.

    Raises:
        WorkspaceError: If a run is still running, or a record cannot be read, so that nobody knows what it needs.
        MaskfoldError: If the workspace cannot be read.
    """
    runs, damaged = read_runs(workspace)
    if damaged:
        raise WorkspaceError(
            f"{workspace.uri}: {first_few(damaged, 3, '; ')}. What that run needs is not known; delete its folder in "
            f"{workspace.locate(RUNS)} first"
        )
    running = [run.record.name for run in runs if run.status == "running"]
    if running:
        raise WorkspaceError(f"{workspace.uri}: {first_few(running)} is still running; wait for its end, or stop it")
    kept = runs[:keep]
    kept += [run for run in best_first(runs)[:1] if run.score is not None and run not in kept]
    removed = [run for run in runs if run not in kept]
    needed = {*_needed(workspace, kept), *_of_champions(workspace)}
    there = [path for path in workspace.list() if _is_ours(path)]
    needed.update(_of_predictions(workspace, there, needed))
    files = [path for path in there if _top(path) not in needed]
    ordered = sorted(files, key=lambda path: (PurePosixPath(path).name != OUTCOME_FILE, path))
    size = sum(workspace.size_of(path) or 0 for path in files)
    return Cleaning(tuple(kept), tuple(removed), tuple(ordered), size)


def delete(workspace: Workspace, cleaning: Cleaning) -> None:
    """Delete what was planned.

    Raises:
        WorkspaceError: If a run has begun since, which may have found some of it and count on it.
        MaskfoldError: If the workspace cannot be written.
    """
    known = {run.record.id for run in (*cleaning.kept, *cleaning.removed)}
    begun = [
        run.record.name for run in read_runs(workspace)[0] if run.record.id not in known or run.status == "running"
    ]
    if begun:
        raise WorkspaceError(
            f"{workspace.uri}: {first_few(begun)} has begun in the meantime and may use what would be deleted; nothing "
            "was deleted, try again after its end"
        )
    for path in cleaning.files:
        workspace.delete(path)


def _needed(workspace: Workspace, kept: Sequence[Run]) -> Iterator[str]:
    """Yield the folders, two names deep, of everything that the kept runs use."""
    for run in kept:
        for record in (run.record, *run.parts):
            yield record.folder
        for job in (job for record in (run.record, *run.parts) for job in record.jobs):
            yield job.address
            yield f"{SUBMISSIONS}/{job.key}"
            yield package_folder(job.key)
            spec = workspace.read(f"{job.address}/{SPEC_FILE}")
            if spec is not None:
                yield from map(_top, _addresses(_json(workspace, job.address, spec)))
    if kept:
        yield DETECTIONS


def _of_champions(workspace: Workspace) -> Iterator[str]:
    """Yield the folders of the package of each champion, of the job that made it, and of its out-of-fold table."""
    for held in champions.read_all(workspace):
        yield held.champion.package
        yield f"{ExportSpec.stage}/{held.champion.key}"
        if held.champion.oof is not None:
            yield _top(held.champion.oof.path)


def _of_predictions(workspace: Workspace, there: Sequence[str], needed: Container[str]) -> Iterator[str]:
    """Yield the folders of all predictions but those by packages that are not needed."""
    going = {
        hashlib.sha256(workspace.read(path) or b"").hexdigest()
        for path in there
        if path.startswith(f"{MODELS}/") and PurePosixPath(path).name == MODEL_FILE and _top(path) not in needed
    }
    for path in there:
        job = PurePosixPath(path)
        if job.parts[0] in (PredictSpec.stage, AnswersSpec.stage) and job.parts[2:] == (SPEC_FILE,):
            spec = _json(workspace, str(job.parent), workspace.read(path) or b"")
            if spec.get("digest") not in going:
                yield str(job.parent)
                yield _top(str(spec.get("folder")))


def _json(workspace: Workspace, address: str, content: bytes) -> dict[str, Any]:
    try:
        spec = json.loads(content)
    except ValueError:
        spec = None
    if not isinstance(spec, dict):
        where = workspace.locate(f"{address}/{SPEC_FILE}")
        raise WorkspaceError(f"{where} is damaged, so that what this job needs is not known; run again first")
    return spec


def _addresses(node: Any) -> Iterator[str]:
    """Yield the addresses of all files that a spec names."""
    if isinstance(node, dict):
        if isinstance(node.get("path"), str) and "sha256" in node:
            yield node["path"]
        for value in node.values():
            yield from _addresses(value)
    elif isinstance(node, list):
        for value in node:
            yield from _addresses(value)


def _is_ours(path: str) -> bool:
    """Return whether an address has the form of a result, an input, a record or a submission of maskfold's."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2:
        return False
    forms = {MODELS: _KEY, PREDICTIONS: _KEY, SUBMISSIONS: _SUBMISSION, INPUTS: _SHA256, RUNS: _RUN, DETECTIONS: _KEY}
    form = _KEY if Spec.of_stage(parts[0]) is not None else forms.get(parts[0])
    return form is not None and form.fullmatch(parts[1]) is not None


def _top(path: str) -> str:
    """Return what an address belongs to: a job's folder, an input, a record, or the submission of a vote."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] == DETECTIONS:
        return parts[0]
    name = match[1] if parts[0] == SUBMISSIONS and (match := _SUBMISSION.fullmatch(parts[1])) else parts[1]
    return f"{parts[0]}/{name}"
