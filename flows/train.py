"""The main flow: from a folder of photographs to a submission."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Annotated, Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.fit import fit, launching, tracked, vote
from flows.plan import Plan, handed_plan, plan_run
from flows.server import server_may_vanish
from flows.summary import publish_summary
from maskfold.errors import CancelledError, UnavailableError
from maskfold.launch import make_launcher
from maskfold.launch.stopping import Stopped, current_stop
from maskfold.redaction import redact_logs

DataUri = Annotated[str, Field(description="Data set: a folder, file:// or s3://bucket/prefix")]
WorkspaceUri = Annotated[str, Field(description="Where all results go: a folder, file:// or s3://bucket/prefix")]
RecipeName = Annotated[str, Field(description="A preset (smoke, fast, best, hot6) or the path of a YAML file")]
Overrides = Annotated[list[str], Field(description="Single settings, dotted.key=value each, such as folds.k=3")]
WeightsSources = Annotated[list[str], Field(description="Initial weights: a folder (URI), or BACKBONE=URI")]
LauncherName = Annotated[str, Field(description="local, or pool:NAME for a Prefect work pool")]

RUNNER: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=256)
"""Its threads only wait for jobs; the launcher limits how many run at a time."""

_log = logging.getLogger("maskfold.flows.train")
_summaries: ContextVar[list[dict[str, Any]] | None] = ContextVar("summaries", default=None)


def train_here(**parameters: Any) -> dict[str, Any]:
    """Run the flow in this process; when all its work is done, the Prefect server does not decide over its success.

    Args:
        **parameters: Those of :func:`train`.

    Raises:
        UnavailableError: If the server fails before the work is done.
    """
    done: list[dict[str, Any]] = []
    token = _summaries.set(done)
    try:
        with server_may_vanish():
            return cast("dict[str, Any]", train(**parameters))
    except UnavailableError as error:
        if not done:
            raise
        _log.warning("all work is done, but Prefect could not record the end of the run: %s", error)
        return done[0]
    finally:
        _summaries.reset(token)


@flow(name="train", flow_run_name="train-{recipe}", task_runner=RUNNER)  # type: ignore[arg-type]
def train(
    data: DataUri,
    workspace: WorkspaceUri,
    recipe: RecipeName = "fast",
    set: Overrides = [],
    weights: WeightsSources = [],
    launcher: LauncherName = "local",
) -> dict[str, Any] | State[dict[str, Any]]:
    """Crop the faces, train every network on every fold, vote, publish the submission.

    Finished work in the workspace is reused, so that running again continues an interrupted run, and after a changed
    setting only the jobs that depend on it run again.

    Returns:
        ``submission`` and ``report`` (URIs), ``oof_macro_f1`` (of the vote) and ``mlflow_run_id``. ``submission`` is
        None if the data set has no evaluation images.
    """
    redact_logs()
    plan = handed_plan() or plan_run(data, workspace, recipe, set, weights)
    stop = current_stop()
    if stop is None:
        return _train(plan, launcher)
    stop.install()  # Prefect has taken SIGTERM
    try:
        return _train(plan, launcher)
    except (CancelledError, Stopped):
        # The command line reports the stop. Raised, it would show as a failure or crash in Prefect.
        return Cancelled(message=f"stopped by {stop.signum.name}" if stop.signum else "stopped")


def _train(plan: Plan, launcher: str) -> dict[str, Any]:
    started = make_launcher(launcher, jobs=len(plan.recipe.networks) * plan.recipe.folds.k)
    with tracked(plan) as tracker, launching(plan, started, tracker) as jobs:
        fitted = fit(plan, jobs)
        result = vote(plan, fitted, jobs)
        summary = {
            "submission": result.submission and plan.workspace.locate(result.submission.path),
            "oof_macro_f1": result.scores["vote"].macro_f1,
            "mlflow_run_id": tracker.run_id,
            "report": plan.workspace.locate(result.report.path),
        }
        publish_summary(summary, result, fitted.trained, tracker.page, plan.recipe.scheme)
    done = _summaries.get()
    if done is not None:
        done.append(summary)
    return summary
