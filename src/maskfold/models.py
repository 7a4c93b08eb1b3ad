"""Which model is meant: that of a run, or a package by its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from maskfold.errors import CorruptDataError, InputError
from maskfold.history import Run, read_runs
from maskfold.specs import OUTCOME_FILE, ExportOutcome, ExportSpec, package_folder
from maskfold.storage import Workspace, open_existing
from maskfold.wording import first_few

LATEST: Final = "run:latest"
_RUN: Final = "run:"


@dataclass(frozen=True)
class FoundModel:
    """The address of a package."""

    uri: str
    """Its folder."""
    digest: str | None
    """What its digest must be; None for a package that the user named by its address."""
    said: str
    """Which model it is, for people."""
    warning: str = ""
    """What people must know of it: that it is not the one that they would expect, and why. Empty if nothing is."""


def find_model(reference: str, workspace: str) -> FoundModel:
    """Return the model that a reference means.

    Args:
        reference: ``run:latest``, ``run:ID`` (a run's id, or the beginning of one), or the folder of a package.
        workspace: Of the runs; not looked at for a folder.

    Raises:
        InputError: If there is none.
        UnavailableError: If the storage cannot be reached.
    """
    if not reference.startswith(_RUN):
        return FoundModel(reference, None, f"model {reference}")
    opened = open_existing(workspace)
    run = find_run(reference.removeprefix(_RUN), opened)
    key = exported_key(run)
    if key is None:
        raise InputError(
            f"run {run.record.id} has no model package; `maskfold export --workspace {workspace} --run "
            f"{run.record.id}` makes one of a finished run"
        )
    return packaged(opened, key, f"model of run {run.record.name}, {run.started}")


def packaged(workspace: Workspace, key: str, said: str) -> FoundModel:
    """Return the package that an export job of a workspace has made.

    Args:
        workspace: The workspace.
        key: Of the job.
        said: Which model it is, for people.

    Raises:
        InputError: If it was deleted.
        CorruptDataError: If the job's outcome is damaged.
    """
    content = workspace.read(f"{ExportSpec.stage}/{key}/{OUTCOME_FILE}")
    where = workspace.locate(package_folder(key))
    if content is None:
        raise InputError(f"{said}: {where} is not there any more; run, or export, again")
    try:
        outcome = ExportOutcome.model_validate_json(content)
    except ValidationError:
        raise CorruptDataError(
            f"{workspace.locate(ExportSpec.stage)}/{key}/{OUTCOME_FILE} is damaged; delete that folder and export again"
        ) from None
    return FoundModel(where, outcome.digest, said)


def exported_key(run: Run) -> str | None:
    """Return the key of the job that packaged a run's model; None if there was none, or it did not finish."""
    jobs = [job for job in run.record.jobs if job.stage == ExportSpec.stage and job.status == "FINISHED"]
    return jobs[-1].key if jobs else None


def find_run(name: str, workspace: Workspace) -> Run:
    """Return a run by id, or the beginning of one; ``latest`` is the newest one with a finished vote.

    Raises:
        InputError: If there is none, or several are meant.
    """
    runs, _ = read_runs(workspace)
    finished = [run for run in runs if run.outcome is not None]
    if name == "latest":
        if not finished:
            raise InputError(f"workspace {workspace.uri}: no run has finished yet; `maskfold run` makes one")
        return finished[0]
    meant = [run for run in runs if name and run.record.id.startswith(name)]
    if len(meant) != 1:
        known = first_few([run.record.id for run in runs]) or "none"
        problem = "several runs begin so" if meant else "there is no such run"
        raise InputError(f"run {name!r}: {problem}; runs of {workspace.uri}: {known}")
    return meant[0]
