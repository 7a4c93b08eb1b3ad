"""From a plan to trained networks and their vote, recorded in MLflow; shared by flows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prefect.futures import as_completed
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows.corrections import adopt_corrections
from flows.earlier import earlier_run
from flows.jobs import Jobs, launched
from flows.plan import Plan
from flows.server import page_of_this_run
from maskfold import champions, errors, submissions
from maskfold.launch.folder import find_outcome
from maskfold.launch.launcher import Launcher
from maskfold.launch.monitor import JobEvent, announce
from maskfold.specs import (
    CropOutcome,
    EnsembleOutcome,
    ExportOutcome,
    File,
    PredictEvalOutcome,
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

TrainOutcomeT = TypeVar("TrainOutcomeT", bound=TrainOutcome)


@dataclass(frozen=True)
class TrainedNetworks:
    """The outcomes of all jobs before the vote."""

    prepared: PrepareOutcome
    cropped: CropOutcome
    trained: tuple[TrainFoldOutcome, ...]
    """Network by network, fold by fold."""
    final: tuple[TrainAllOutcome, ...]
    """One for each network, or empty."""
    trained_keys: tuple[str, ...]
    """Keys of ``trained``, then of ``final``."""
    evaluated: tuple[PredictEvalOutcome, ...]
    """One for each network; empty if the data set has no evaluation images."""


@dataclass(frozen=True)
class Ready:
    """What all trainings of a plan need."""

    weights: Mapping[str, Weights]
    """Initial weights, by backbone."""
    prepared: PrepareOutcome
    cropped: CropOutcome


def make_ready(plan: Plan, jobs: Jobs) -> Ready:
    """Do all that comes before the trainings.

    Raises:
        JobFailedError: If a job fails.
        CancelledError: If the run is stopped.
    """
    weights = _initial_weights(plan, jobs)
    jobs.run(plan.networks(weights))
    prepared = jobs.run(plan.prepare(user_corrections(plan)))
    refuse_damage(plan, prepared)
    cropping = plan.crop(prepared)
    if find_outcome(plan.workspace, cropping) is None:
        jobs.run_all(plan.detect(prepared))
    return Ready(weights, prepared, jobs.run(cropping))


def fit(plan: Plan, jobs: Jobs) -> TrainedNetworks:
    """Train every network on every fold, after all jobs that this requires.

    Raises:
        JobFailedError: If a job fails.
        CancelledError: If the run is stopped.
    """
    ready = make_ready(plan, jobs)
    prepared, cropped = ready.prepared, ready.cropped
    folds = plan.train_folds(prepared, cropped, ready.weights)
    trained = _train(folds, jobs)
    everybody = plan.train_all(folds, trained)
    final = _train(everybody, jobs)
    asked = plan.predict_eval(prepared, cropped, (*folds, *everybody), (*trained, *final))
    evaluated = tuple(
        outcome.model_copy(update={"network": spec.network.name})
        for spec, outcome in zip(asked, jobs.run_all(asked), strict=True)
    )
    keys = tuple(spec.key for spec in (*folds, *everybody))
    return TrainedNetworks(prepared, cropped, trained, final, keys, evaluated)


def vote(plan: Plan, fitted: TrainedNetworks, jobs: Jobs) -> tuple[EnsembleOutcome, ExportOutcome]:
    """Let the trained networks vote, publish the submission, which becomes the newest one, and package the model.

    The job that packages it also decides whether it becomes the champion.
    """
    spec = plan.ensemble(
        fitted.prepared, fitted.cropped, fitted.trained, fitted.final, fitted.trained_keys, fitted.evaluated
    ).model_copy(update={"earlier": earlier_run(plan, fitted.prepared)})
    result = jobs.run(spec)
    # Also when the outcome of the vote was reused: the newest submission is that of the run that ended last.
    handed_in = submissions.find(plan.workspace, spec.key)
    if handed_in is not None:
        submissions.renew(plan.workspace, *handed_in)
    package = plan.export(spec, result)
    model = jobs.run(package)
    # Also when the package was made earlier, and the record of the champion is not there any more.
    champions.crown_first(plan.workspace, package, model)
    return result, model


@contextlib.contextmanager
def tracked(plan: Plan, name: str | None = None) -> Iterator[RunTracker]:
    """Open the run in MLflow, named by recipe and data set unless told; close it as finished, killed or failed."""
    page = {"prefect.flow_run_id": str(flow_run.id), "prefect.flow_run_url": page_of_this_run()}
    with recorded(RunTracker.start(plan.workspace, plan.recipe, plan.data, page, name=name)) as tracker:
        yield tracker


@contextlib.contextmanager
def recorded(tracker: RunTracker) -> Iterator[RunTracker]:
    """Close a run in MLflow as finished, killed or failed."""
    try:
        yield tracker
    except errors.CancelledError:
        tracker.finish("KILLED")
        raise
    except Exception as error:
        tracker.finish("FAILED", str(error))
        raise
    except BaseException:
        tracker.finish("KILLED")
        raise
    tracker.finish("FINISHED")


@contextlib.contextmanager
def launching(plan: Plan, launcher: Launcher, tracker: RunTracker) -> Iterator[Jobs]:
    """Run jobs with a launcher; if the flow ends early for any reason, stop the jobs that still run."""
    with launched(plan.workspace, launcher, plan.recipe.max_job_restarts, tracker) as jobs:
        yield jobs


def _initial_weights(plan: Plan, jobs: Jobs) -> dict[str, Weights]:
    """Return the weights that networks start from, by backbone."""
    found = {backbone: given.adopt(plan.workspace) for backbone, given in plan.given_weights.items()}
    for spec in plan.hub_weights():
        outcome = jobs.run(spec)
        if outcome.weights is not None:
            found[spec.backbone] = outcome.weights
        else:
            _warn_of_scratch(spec, outcome, jobs)
    return found


def _warn_of_scratch(spec: WeightsSpec, outcome: WeightsOutcome, jobs: Jobs) -> None:
    """Warn that weights were not available in an earlier run: the job does not try again until its folder is deleted.

    A job that ran now has logged the warning itself.
    """
    if spec.key in jobs.reused:
        folder = jobs.workspace.locate(spec.address)
        text = (
            f"{spec.backbone} starts from scratch, because weights were not available in an earlier run: "
            f"{outcome.reason}; delete {folder} to retry"
        )
        get_run_logger().warning("%s", text)
        announce(JobEvent(spec.label, "warning", message=text))


def user_corrections(plan: Plan) -> File | None:
    """Copy the user's corrections into the workspace, for jobs on any machine."""
    source = plan.own_corrections
    return None if source is None else adopt_corrections(plan.workspace, source)


def refuse_damage(plan: Plan, prepared: PrepareOutcome) -> None:
    """Check a reused outcome, which a run with a higher limit may have accepted; a job that runs now checks itself.

    Raises:
        DatasetError: If more photographs cannot be used than the recipe allows.
    """
    limits, lost = plan.recipe.dataset, prepared.n_quarantined
    total = lost + prepared.n_train
    if lost > limits.max_quarantined * total:
        what, name, limit = "training photographs", "max_quarantined", limits.max_quarantined
    elif limits.refuses_evaluation(prepared.n_eval, prepared.n_eval_unreadable):
        lost, total = prepared.n_eval_unreadable, prepared.n_eval
        what, name, limit = "evaluation images", "max_eval_unreadable", limits.max_eval_unreadable
    else:
        return
    raise errors.DatasetError(
        f"{lost:,} of {total:,} {what} ({lost / total:.1%}) cannot be used; dataset.{name} allows {limit:.1%}. "
        f"{plan.workspace.locate(prepared.quarantine.path)} lists them: fix them, remove them from the data set, or "
        "raise the limit."
    )


def _train(specs: Sequence[TrainSpec[TrainOutcomeT]], jobs: Jobs) -> tuple[TrainOutcomeT, ...]:
    """Train side by side; return the outcomes in the order of ``specs``.

    When one fails on wrong input, the others are stopped, because they would fail too. After any other failure the
    others continue, so that the next run can reuse their work.
    """
    jobs.tracker.add(specs)
    futures = {jobs.submit(jobs.tracker.follow(spec)): number for number, spec in enumerate(specs)}
    outcomes: dict[int, TrainOutcomeT] = {}
    failure: Exception | None = None
    for future in as_completed(list(futures)):
        number = futures[future]
        spec = specs[number]
        try:
            # The reused outcome of a renamed network has its old name.
            outcomes[number] = jobs.collect(spec, future).model_copy(update={"network": spec.network.name})
        except Exception as error:  # noqa: BLE001 - raised again below, when the others are done
            if isinstance(error, errors.MaskfoldError) and error.exit_code == errors.EXIT_INPUT:
                jobs.launcher.cancel()
            failure = failure or error
    if failure is not None:
        raise failure
    return tuple(outcomes[number] for number in range(len(specs)))
