"""The run that shows what corrections changed: the same recipe and photographs, with fewer corrections or none."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from flows.plan import Plan
from maskfold.errors import CancelledError, MaskfoldError
from maskfold.history import Run, read_runs
from maskfold.recipe import Recipe
from maskfold.specs import SPEC_FILE, EarlierRun, EnsembleSpec, PrepareOutcome
from maskfold.storage import Workspace

_log = logging.getLogger("maskfold.flows.earlier")


def earlier_run(plan: Plan, prepared: PrepareOutcome) -> EarlierRun | None:
    """Return what a run with corrections is compared with; None if nothing was corrected, or there is no such run.

    A workspace that cannot be read now costs the comparison, and not the run.
    """
    if not prepared.n_corrected:
        return None
    try:
        return _find(plan, prepared)
    except CancelledError:
        raise
    except MaskfoldError as error:
        _log.warning("the report does not show what the corrections changed: %s", error)
        return None


def _find(plan: Plan, prepared: PrepareOutcome) -> EarlierRun | None:
    found: list[tuple[int, EarlierRun]] = []
    for run in read_runs(plan.workspace)[0]:  # the newest first
        vote = _vote(run, plan.workspace) if run.outcome is not None else None
        if run.outcome is None or vote is None or not _differs_in_corrections_alone(vote, plan.recipe, prepared):
            continue
        said = f"{run.record.name} of {run.started}"
        earlier = EarlierRun(run=said, oof=run.outcome.oof, manifest=vote.prepared.manifest)
        found.append((vote.prepared.n_corrected, earlier))
    return min(found, key=lambda one: one[0])[1] if found else None


def _differs_in_corrections_alone(vote: EnsembleSpec, recipe: Recipe, prepared: PrepareOutcome) -> bool:
    before = vote.prepared
    same = (before.images_version, before.folds_version) == (prepared.images_version, prepared.folds_version)
    return same and before.dataset_version != prepared.dataset_version and _plain(vote.recipe) == _plain(recipe)


def _plain(recipe: Recipe) -> Recipe:
    """Return a recipe without its corrections."""
    return recipe.model_copy(update={"dataset": recipe.dataset.model_copy(update={"corrections": None})})


def _vote(run: Run, workspace: Workspace) -> EnsembleSpec | None:
    jobs = [job for job in run.record.jobs if job.stage == EnsembleSpec.stage and job.status == "FINISHED"]
    content = workspace.read(f"{jobs[-1].address}/{SPEC_FILE}") if jobs else None
    try:
        return None if content is None else EnsembleSpec.model_validate_json(content)
    except ValidationError:  # of another version of maskfold
        return None
