"""The main flow: from a folder of photographs to a submission."""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from pathlib import PurePath
from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fit import fit, launching, tracked, vote
from flows.jobs import Jobs
from flows.plan import Plan, handed_plan, plan_run
from flows.server import is_embedded, server_may_vanish
from flows.stoppable import stoppable
from flows.summary import publish_summary
from maskfold import submissions
from maskfold.errors import UnavailableError
from maskfold.launch import make_launcher
from maskfold.loopback import between_pages
from maskfold.redaction import redact_logs
from maskfold.tracking import RunTracker

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


def _run_name() -> str:
    """Return what tells runs apart: recipe and data set."""
    given = flow_run.parameters
    return f"{PurePath(given['recipe']).stem} {PurePath(given['data']).name}"


@flow(name="train", flow_run_name=_run_name)
def train(
    data: str,
    workspace: str,
    recipe: str = "fast",
    set: list[str] = [],
    weights: list[str] = [],
    launcher: str = "local",
) -> dict[str, Any] | State[dict[str, Any]]:
    """Crop the faces, train every network on every fold, vote, publish the submission.

    Finished work in the workspace is reused, so that running again continues an interrupted run, and after a changed
    setting only the jobs that depend on it run again.

    Args:
        data: Data set: a folder, file:// or s3://bucket/prefix; or a table (csv, parquet) in it.
        workspace: Where all results go: a folder, file:// or s3://bucket/prefix.
        recipe: A preset (smoke, fast, good, best, hot6) or the path of a YAML file.
        set: Single settings, dotted.key=value each, such as folds.k=3 or networks.*.epochs=5.
        weights: Initial weights: a folder (URI) of BACKBONE.safetensors, or BACKBONE=URI.
        launcher: Where jobs run: local, or pool:NAME for a Prefect work pool.

    Returns:
        URIs of ``workspace``, ``report``, ``oof`` (table), ``submission``, its stable copy ``latest`` and the ``best``
        of the workspace; these three are None if the data set has no evaluation images. ``model``, the folder of the
        model package. ``oof_macro_f1`` of the vote
        and all ``scores``; the ids ``run`` in the workspace and ``mlflow_run_id``; ``seconds`` of wall time.
    """
    redact_logs()
    plan = handed_plan() or plan_run(data, workspace, recipe, set, weights)
    return stoppable(lambda: _train(plan, launcher))


def _train(plan: Plan, launcher: str) -> dict[str, Any]:
    began = time.monotonic()
    started = make_launcher(launcher, jobs=len(plan.recipe.networks) * plan.recipe.folds.k)
    with tracked(plan) as tracker, launching(plan, started, tracker) as jobs:
        summary = conclude(plan, jobs, tracker, began)
    done = _summaries.get()
    if done is not None:
        done.append(summary)
    return summary


def conclude(plan: Plan, jobs: Jobs, tracker: RunTracker, began: float) -> dict[str, Any]:
    """Do what is left of a run; publish and return its summary.

    Args:
        plan: What to run.
        jobs: With the tracker.
        tracker: Of the run.
        began: When it began, by the monotonic clock.

    Raises:
        JobFailedError: If a job fails.
        CancelledError: If the run is stopped.
    """
    fitted = fit(plan, jobs)
    result, model = vote(plan, fitted, jobs)
    locate = plan.workspace.locate
    summary = {
        "workspace": plan.workspace.uri,
        "submission": result.submission and locate(result.submission.path),
        "latest": result.latest and locate(result.latest),
        "best": result.submission and locate(submissions.BEST),
        "report": locate(result.report.path),
        "model": locate(model.model.path).rpartition("/")[0],
        "oof": locate(result.oof.path),
        "oof_macro_f1": result.scores["vote"].macro_f1,
        "scores": {name: scores.model_dump() for name, scores in result.scores.items()},
        "run": tracker.id,
        "mlflow_run_id": tracker.run_id,
        "seconds": round(time.monotonic() - began, 1),
    }

    def page(part: str = "") -> str:
        """Return a page of the run in MLflow, as Prefect's pages link to it."""
        address = tracker.page(part)
        return between_pages(address) if is_embedded() else address

    publish_summary(summary, result, fitted.trained, page, plan.recipe.scheme)
    return summary
