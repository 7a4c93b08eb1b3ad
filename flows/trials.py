"""Trainings of many recipes at once, each shown as a run of its own below that of the study."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from flows.fit import Ready, make_ready
from flows.jobs import Jobs
from flows.plan import Plan
from maskfold import errors
from maskfold.launch.monitor import JobEvent, announce
from maskfold.specs import PrepareOutcome, TrainFoldOutcome, TrainFoldSpec, Trial
from maskfold.study.plan import Variant
from maskfold.tracking import RunTracker


@dataclass(frozen=True)
class PlannedTrial:
    """A variant of a recipe with one seed."""

    variant: Variant
    seed: int
    """Number, from 0."""
    plan: Plan

    @property
    def label(self) -> str:
        """Name, for people."""
        return f"{self.variant.name}, seed {self.seed + 1}"


@dataclass(frozen=True)
class FinishedTrials:
    """What came of trials."""

    trials: tuple[Trial, ...]
    """In the order in which they were planned, without those that failed."""
    failed: dict[str, str]
    """Why, by label."""
    prepared: PrepareOutcome
    """Of the first one; folds and labels are the same for all."""


@dataclass(frozen=True)
class StartedTrial:
    """A trial with its trainings."""

    trial: PlannedTrial
    jobs: Jobs
    specs: list[TrainFoldSpec]


def run_trials(planned: Sequence[PlannedTrial], jobs: Jobs, study: str) -> FinishedTrials:
    """Train all folds of all trials side by side. Trainings that several trials share are done once.

    Args:
        planned: The trials; the first one must not fail.
        jobs: Those of the study.
        study: Id of the study's record, below which the trials are shown.

    Raises:
        MaskfoldError: If the first trial fails.
        CancelledError: If the study is stopped.
    """
    failed: dict[str, str] = {}
    first: PrepareOutcome | None = None
    ready: dict[str, Ready] = {}
    futures: dict[str, PrefectFuture[TrainFoldOutcome]] = {}
    finished: list[Trial] = []
    with contextlib.ExitStack() as trackers:
        started: list[StartedTrial] = []
        for trial in planned:
            with _recorded(trial, failed, must=trial is planned[0]):
                own = replace(jobs, tracker=trackers.enter_context(tracked_trial(trial, study)))
                found = ready_for(trial, own, ready)
                first = first or found.prepared
                asked = trial.plan.train_folds(found.prepared, found.cropped, found.weights)
                specs = [spec.model_copy(update={"trial": trial.label}) for spec in asked]
                own.tracker.add(specs)
                for spec in specs:
                    if spec.key not in futures:
                        futures[spec.key] = own.submit(own.tracker.follow(spec))
                started.append(StartedTrial(trial, own, specs))
        for one in started:
            with _recorded(one.trial, failed, must=one.trial is planned[0]):
                trained = [one.jobs.collect(spec, futures[spec.key]) for spec in one.specs]
                finished.append(finished_trial(one, trained))
    if first is None:
        raise ValueError("nothing was tried")
    return FinishedTrials(tuple(finished), failed, first)


def ready_for(trial: PlannedTrial, jobs: Jobs, known: dict[str, Ready]) -> Ready:
    """Do what comes before the trainings; recipes that differ in their networks' settings alone share it."""
    recipe = trial.plan.recipe
    looked_at = ("backbone", "backbone_args", "pretrained", "size", "input", "target")
    networks = [[getattr(one, name) for name in looked_at] for one in recipe.networks]
    shared = repr((recipe.crop, recipe.dataset, recipe.scheme, recipe.folds, networks))
    if shared not in known:
        known[shared] = make_ready(trial.plan, jobs)
    return known[shared]


def finished_trial(one: StartedTrial, trained: Sequence[TrainFoldOutcome]) -> Trial:
    """Return a trial with the outcomes of its trainings, in their order."""
    # The outcome of a training that trials share has the name of the network that was trained first.
    named = [
        outcome.model_copy(update={"network": spec.network.name})
        for spec, outcome in zip(one.specs, trained, strict=True)
    ]
    return Trial(
        variant=one.trial.variant.name,
        factor=one.trial.variant.factor,
        set=one.trial.variant.set,
        seed=one.trial.seed,
        recipe=one.trial.plan.recipe,
        trained=tuple(named),
        trained_keys=tuple(spec.key for spec in one.specs),
    )


@contextlib.contextmanager
def _recorded(trial: PlannedTrial, failed: dict[str, str], *, must: bool) -> Iterator[None]:
    """Note why a trial failed, and go on with the others; a stop, and the failure of the base, end the study."""
    try:
        yield
    except errors.CancelledError:
        raise
    except errors.MaskfoldError as error:
        if must:
            raise
        failed[trial.label] = str(error)
        text = f"{trial.label} failed and is left out: {error}"
        get_run_logger().warning("%s", text)
        announce(JobEvent(trial.label, "warning", message=text))


@contextlib.contextmanager
def tracked_trial(trial: PlannedTrial, parent: str) -> Iterator[RunTracker]:
    """Show the trial as a run below that of the study."""
    plan = trial.plan
    tags = {"maskfold.variant": trial.variant.name, "maskfold.seed": str(trial.seed + 1)}
    tracker = RunTracker.start(plan.workspace, plan.recipe, plan.data, tags, parent, trial.label)
    try:
        yield tracker
    except (errors.CancelledError, GeneratorExit):  # the latter of a trial whose search ends early
        tracker.finish("KILLED")
        raise
    except BaseException as error:
        tracker.finish("FAILED", str(error))
        raise
    tracker.finish("FINISHED")
