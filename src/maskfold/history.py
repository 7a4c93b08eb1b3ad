"""The runs of a workspace: what each one was, how it ended, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

import yaml
from pydantic import ValidationError

from maskfold.errors import CorruptDataError
from maskfold.recipe import Recipe
from maskfold.recipe.differences import changes
from maskfold.specs import OUTCOME_FILE, EnsembleOutcome, EnsembleSpec
from maskfold.storage import Workspace
from maskfold.tracking.record import RUNS, RunRecord, is_alive, read_record

_ENDED = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "stopped", "RUNNING": "died"}
"""A run that is recorded as running, but is not alive, died."""


@dataclass(frozen=True)
class Run:
    """One run of a workspace."""

    record: RunRecord
    status: str
    """``running``, ``finished``, ``failed``, ``stopped`` or ``died``."""
    recipe: str
    """Name of its recipe; empty if another version of maskfold wrote it."""
    changes: tuple[str, ...]
    """How the recipe differs from the preset of its name, ``key=value`` each."""
    outcome: EnsembleOutcome | None
    """Of its vote; None if it did not get so far, or its results were deleted."""
    parts: tuple[RunRecord, ...] = ()
    """Of a study: the records of its trials."""

    @property
    def score(self) -> float | None:
        """Macro-F1 of the vote over all classes, out-of-fold."""
        return None if self.outcome is None else self.outcome.scores["vote"].macro_f1

    @property
    def started(self) -> str:
        """Time of the start in UTC, to the minute."""
        return datetime.fromtimestamp(self.record.started / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def read_runs(workspace: Workspace) -> tuple[list[Run], list[str]]:
    """Return all runs, the newest first, and for each record that cannot be read why.

    The trials of a study are no runs of their own, but :attr:`Run.parts` of it.

    Raises:
        MaskfoldError: If the workspace cannot be read.
    """
    names = {PurePosixPath(path).parts[1] for path in workspace.list(RUNS) if PurePosixPath(path).name == "run.json"}
    records, damaged = list[RunRecord](), []
    for name in sorted(names, reverse=True):
        try:
            records.append(read_record(workspace, name))
        except CorruptDataError as error:
            damaged.append(str(error))
    known = {record.id for record in records}
    parts: dict[str, list[RunRecord]] = {}
    for record in records:
        if record.parent in known:
            parts.setdefault(str(record.parent), []).append(record)
    whole = [record for record in records if record.parent not in known]
    return [_run(workspace, record, tuple(parts.get(record.id, ()))) for record in whole], damaged


def best_first(runs: list[Run]) -> list[Run]:
    """Return runs by score, the best first; those without one last, the newest first."""
    return sorted(runs, key=lambda run: -1.0 if run.score is None else run.score, reverse=True)


def _run(workspace: Workspace, record: RunRecord, parts: tuple[RunRecord, ...]) -> Run:
    try:
        recipe = Recipe.model_validate(yaml.safe_load(record.recipe))
    except (ValidationError, yaml.YAMLError, TypeError):
        recipe = None
    return Run(
        record=record,
        status="running" if is_alive(record) else _ENDED[record.status],
        recipe="" if recipe is None else recipe.name,
        changes=() if recipe is None else tuple(changes(recipe)),
        outcome=_outcome(workspace, record),
        parts=parts,
    )


def _outcome(workspace: Workspace, record: RunRecord) -> EnsembleOutcome | None:
    # The folder of a vote that failed may hold what a later run made of the same.
    votes = [job for job in record.jobs if job.stage == EnsembleSpec.stage and job.status != "FAILED"]
    content = workspace.read(f"{votes[-1].address}/{OUTCOME_FILE}") if votes else None
    try:
        return None if content is None else EnsembleOutcome.model_validate_json(content)
    except ValidationError:
        return None
