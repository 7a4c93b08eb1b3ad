"""The learning curves of a workspace's runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
from pydantic import ValidationError

from maskfold.errors import InputError
from maskfold.history import Run, read_runs
from maskfold.models import find_run
from maskfold.specs import OUTCOME_FILE, TrainAllOutcome, TrainAllSpec, TrainFoldOutcome, TrainFoldSpec, TrainOutcome
from maskfold.storage import Workspace
from maskfold.study.curves import curve_table
from maskfold.tracking.record import JobRecord, RunRecord

LATEST: Final = "latest"
ALL: Final = "all"
_OUTCOMES: Final[Mapping[str, type[TrainOutcome]]] = {
    TrainFoldSpec.stage: TrainFoldOutcome,
    TrainAllSpec.stage: TrainAllOutcome,
}


@dataclass(frozen=True)
class RunCurves:
    """Curves, and whose they are."""

    table: pd.DataFrame
    """See :func:`maskfold.study.curves.curve_table`."""
    runs: Mapping[str, RunRecord]
    """By the name that they have in the table."""
    missing: int
    """Trainings that are done, but whose outcomes were deleted or are of another version of maskfold."""
    damaged: Sequence[str]
    """Why records of other runs cannot be read."""


def read_curves(workspace: Workspace, which: str = LATEST) -> RunCurves:
    """Read the curves of all trainings of some runs; a run that is not finished has those of its finished trainings.

    The parts of a run, such as the trials of a study, belong to it. A run is called by its name, and runs of one name
    by name and id.

    Args:
        workspace: Of the runs.
        which: ``latest``, the newest run that has curves; ``all``; or an id of a run or of a part, or its beginning.

    Raises:
        InputError: If there is no such run, or none has curves.
        UnavailableError: If the storage cannot be reached.
    """
    found, damaged = read_runs(workspace)
    if which == LATEST:
        groups = [_with_parts(run) for run in found]
    elif which == ALL:
        groups = [[record for run in found for record in _with_parts(run)]]
    else:
        trials = [part for run in found for part in run.parts if part.id.startswith(which)]
        groups = [trials if len(trials) == 1 else _with_parts(find_run(which, workspace))]
    missing = 0
    for group in groups:
        trained = {}
        for record in group:
            outcomes, lost = _outcomes(workspace, record)
            missing += lost
            if outcomes:
                trained[record.id] = (record, outcomes)
        if trained:
            names = _names([record for record, _ in trained.values()])
            table = curve_table({names[key]: outcomes for key, (_, outcomes) in trained.items()})
            return RunCurves(table, {names[key]: record for key, (record, _) in trained.items()}, missing, damaged)
    gone = f"; the results of {missing} trainings were deleted" if missing else ""
    asked = "" if which in (LATEST, ALL) else f", run {which}"
    raise InputError(
        f"workspace {workspace.uri}{asked}: no training has finished yet{gone}; `maskfold run` and `maskfold compare` "
        "train networks"
    )


def _with_parts(run: Run) -> list[RunRecord]:
    """Return the record of a run and those of its parts, in the order of their start."""
    return [run.record, *sorted(run.parts, key=lambda part: (part.started, part.id))]


def _names(records: Sequence[RunRecord]) -> dict[str, str]:
    """Return what each run is called, by id."""
    names = [record.name for record in records]
    return {
        record.id: name if names.count(name) == 1 else f"{name}, {record.id}"
        for record, name in zip(records, names, strict=True)
    }


def _outcomes(workspace: Workspace, record: RunRecord) -> tuple[list[TrainOutcome], int]:
    """Return the trainings of a run, and how many have lost their outcomes."""
    jobs = [job for job in record.jobs if job.stage in _OUTCOMES and job.status == "FINISHED"]
    found = [_outcome(workspace, job) for job in jobs]
    kept = [outcome for outcome in found if outcome is not None]
    return kept, len(found) - len(kept)


def _outcome(workspace: Workspace, job: JobRecord) -> TrainOutcome | None:
    """Return a training; runs share trainings, and each has a name of its own for the network."""
    content = workspace.read(f"{job.address}/{OUTCOME_FILE}")
    try:
        outcome = None if content is None else _OUTCOMES[job.stage].model_validate_json(content)
    except ValidationError:
        return None
    name = job.params.get("network")
    return outcome.model_copy(update={"network": name}) if outcome and name else outcome
