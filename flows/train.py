"""The main flow: from a folder of photographs to a submission."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, TypeVar

from prefect import flow
from prefect.futures import as_completed
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.plan import Plan
from flows.server import page_of_this_run
from flows.steps import Desk
from flows.summary import publish_summary
from maskfold import errors
from maskfold.launch import make_launcher
from maskfold.launch.launcher import Launcher
from maskfold.launch.monitor import JobEvent, announce
from maskfold.specs import (
    CropOutcome,
    EnsembleOutcome,
    NetworksOutcome,
    PrepareOutcome,
    TrainAllOutcome,
    TrainFoldOutcome,
    TrainOutcome,
    TrainSpec,
    Weights,
    WeightsOutcome,
    WeightsSpec,
)
from maskfold.tracking import RunTracker

DataUri = Annotated[str, Field(description="Data set: a folder, file:// or s3://bucket/prefix")]
WorkspaceUri = Annotated[str, Field(description="Where all results go: a folder, file:// or s3://bucket/prefix")]
RecipeName = Annotated[str, Field(description="A preset (smoke, fast, best, hot6) or the path of a YAML file")]
Overrides = Annotated[list[str], Field(description="Single settings, dotted.key=value each, such as folds.k=3")]
WeightsSources = Annotated[list[str], Field(description="Initial weights: a folder (URI), or BACKBONE=URI")]
LauncherName = Annotated[str, Field(description="local, or pool:NAME for a Prefect work pool")]

TrainOutcomeT = TypeVar("TrainOutcomeT", bound=TrainOutcome)

RUNNER: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=256)
"""Its threads only wait for jobs; how many jobs run at a time is the launcher's to say."""


@flow(name="train", flow_run_name="train-{recipe}", task_runner=RUNNER)  # type: ignore[arg-type]
def train(
    data: DataUri,
    workspace: WorkspaceUri,
    recipe: RecipeName = "fast",
    set: Overrides = [],
    weights: WeightsSources = [],
    launcher: LauncherName = "local",
) -> dict[str, Any]:
    """Crop the faces, train every network on every fold, vote, publish the submission.

    Finished work in the workspace is taken as it is, so that running again continues an interrupted run, and a changed
    setting redoes only what depends on it.

    Returns:
        ``submission`` and ``report`` (URIs), ``oof_macro_f1`` (of the vote) and ``mlflow_run_id``.
    """
    plan = Plan.make(data, workspace, recipe, set, weights)
    started = make_launcher(launcher, jobs=len(plan.recipe.networks) * plan.recipe.folds.k)
    with _tracked(plan) as tracker, _desk(plan, started, tracker) as desk:
        initial = _initial_weights(plan, desk)
        desk.run(plan.networks(initial), NetworksOutcome)
        prepared = desk.run(plan.prepare(), PrepareOutcome)
        crop = plan.crop(prepared)
        cropped = desk.run(crop, CropOutcome)
        folds = plan.train_folds(prepared, crop, cropped, initial)
        trained = _train(folds, TrainFoldOutcome, desk)
        final = _train(plan.train_all(folds, trained), TrainAllOutcome, desk)
        vote = plan.ensemble(prepared, cropped, trained, final)
        result = desk.run(vote, EnsembleOutcome)
        plan.make_latest(vote, result)
        summary = {
            "submission": plan.workspace.locate(result.submission.path),
            "oof_macro_f1": result.scores["vote"].macro_f1,
            "mlflow_run_id": tracker.run_id,
            "report": plan.workspace.locate(result.report.path),
        }
        publish_summary(summary, result, tuple(trained.values()), tracker.page)
    return summary


def _initial_weights(plan: Plan, desk: Desk) -> dict[str, Weights]:
    """Return the weights that networks start from, by backbone."""
    found = dict(plan.given_weights)
    for spec in plan.hub_weights():
        outcome = desk.run(spec, WeightsOutcome)
        if outcome.weights is not None:
            found[spec.backbone] = outcome.weights
        else:
            _warn_of_scratch(spec, outcome, desk)
    return found


def _warn_of_scratch(spec: WeightsSpec, outcome: WeightsOutcome, desk: Desk) -> None:
    """Say that an earlier run did not get weights, which would hold for ever; a job that ran now has said so itself."""
    if spec.key in desk.reused:
        folder = desk.workspace.locate(spec.address)
        text = (
            f"{spec.backbone} starts from scratch, as an earlier run found: {outcome.reason}; delete {folder} to retry"
        )
        get_run_logger().warning("%s", text)
        announce(JobEvent(spec.label, "warning", message=text))


def _train(specs: Sequence[TrainSpec], outcome_type: type[TrainOutcomeT], desk: Desk) -> dict[str, TrainOutcomeT]:
    """Train side by side; return the outcomes by key, in the order of ``specs``.

    When one fails on wrong input the others are stopped, as they would fail alike. After any other failure the rest
    goes on, so that its work is there when the run is started again.
    """
    desk.tracker.add(specs)
    futures = {desk.submit(desk.tracker.follow(spec)): spec for spec in specs}
    outcomes: dict[str, TrainOutcomeT] = {}
    failure: Exception | None = None
    for future in as_completed(list(futures)):
        spec = futures[future]
        try:
            outcomes[spec.key] = desk.collect(spec, future, outcome_type)
        except Exception as error:  # noqa: BLE001 - raised again below, when the others are done
            if isinstance(error, errors.MaskfoldError) and error.exit_code == errors.EXIT_INPUT:
                desk.launcher.cancel()
            failure = failure or error
    if failure is not None:
        raise failure
    return {spec.key: outcomes[spec.key] for spec in specs}


@contextlib.contextmanager
def _tracked(plan: Plan) -> Iterator[RunTracker]:
    """Open the run in MLflow; close it as finished, killed or failed."""
    page = {"prefect.flow_run_id": str(flow_run.id), "prefect.flow_run_url": page_of_this_run()}
    tracker = RunTracker.start(plan.workspace, plan.recipe, plan.data, page)
    try:
        yield tracker
    except Exception as error:
        tracker.finish("FAILED", str(error))
        raise
    except BaseException:
        tracker.finish("KILLED")
        raise
    tracker.finish("FINISHED")


@contextlib.contextmanager
def _desk(plan: Plan, launcher: Launcher, tracker: RunTracker) -> Iterator[Desk]:
    """Give jobs to a launcher; when the flow ends early, for whatever reason, none is left running."""
    try:
        yield Desk(plan.workspace, launcher, plan.recipe.max_job_restarts, tracker)
    finally:
        launcher.cancel()
