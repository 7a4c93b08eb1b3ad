"""The model package of a run: as its export job made it, or made now."""

from __future__ import annotations

import logging
import time
from typing import cast

from maskfold.errors import EXIT_INPUT, InputError, JobFailedError
from maskfold.history import Run
from maskfold.launch import folder
from maskfold.launch.launcher import Watcher
from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import whole_machine
from maskfold.models import FoundModel, exported_key, find_run, packaged
from maskfold.specs import OUTCOME_FILE, EnsembleSpec, ExportSpec
from maskfold.storage import Workspace, open_existing
from maskfold.tracking.record import JobRecord, read_record

_log = logging.getLogger(__name__)


def package_of(name: str, workspace: str) -> FoundModel:
    """Return the package of a run; make it if the run has none, and note in the run's record that it has one.

    Args:
        name: ``latest``, a run's id, or the beginning of one.
        workspace: URI of its workspace.

    Raises:
        InputError: If there is no such run, or it has no finished vote.
        JobFailedError: If the package cannot be made.
        UnavailableError: If the storage cannot be reached.
    """
    opened = open_existing(workspace)
    run = find_run(name, opened)
    said = f"model of run {run.record.name}, {run.started}"
    key = exported_key(run)
    if key is None or opened.size_of(f"{ExportSpec.stage}/{key}/{OUTCOME_FILE}") is None:
        key = _make(run, opened)
    return packaged(opened, key, said)


def _make(run: Run, workspace: Workspace) -> str:
    """Make the package of a run's vote in a job of its own; return the job's key."""
    votes = [job for job in run.record.jobs if job.stage == EnsembleSpec.stage]
    if run.outcome is None or not votes:
        raise InputError(
            f"run {run.record.id} has no finished vote ({run.status}), so it has no model; `maskfold run` with the "
            f"same data, recipe and workspace {workspace.uri} finishes it"
        )
    vote = cast("EnsembleSpec", folder.read_spec(workspace.uri, EnsembleSpec.stage, votes[-1].key))
    spec = ExportSpec(workspace=workspace.uri, ensemble_key=vote.key, vote=vote, result=run.outcome)
    began = time.time()
    launcher = LocalLauncher([whole_machine()])
    try:
        launcher.run(spec, Watcher(_log, lambda: None, lambda _: None, lambda text: _log.warning("%s", text)))
    except JobFailedError as error:
        if error.exit_code == EXIT_INPUT:
            raise InputError(str(error)) from None
        raise
    finally:
        launcher.cancel()
    _note(run, spec.key, began, workspace)
    return spec.key


def _note(run: Run, key: str, began: float, workspace: Workspace) -> None:
    """Add the job to the run's record, so that what looks for the run's model, or makes room, knows of it."""
    record = read_record(workspace, run.record.id)
    job = JobRecord(
        stage=ExportSpec.stage,
        key=key,
        label=ExportSpec.stage,
        started=round(began * 1000),
        ended=round(time.time() * 1000),
        status="FINISHED",
    )
    others = tuple(one for one in record.jobs if one.stage != ExportSpec.stage)
    record.model_copy(update={"jobs": (*others, job)}).save(workspace)
