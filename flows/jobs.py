"""One Prefect task: a job, with its restarts, its progress and its record in MLflow."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from maskfold import errors
from maskfold.launch.folder import find_outcome
from maskfold.launch.launcher import Launcher, Watcher
from maskfold.launch.monitor import JobEvent, JobProgress, announce
from maskfold.launch.stopping import current_stop
from maskfold.specs import Outcome, Spec
from maskfold.storage import Workspace

RESTART_CODES = frozenset({errors.EXIT_KILLED, errors.EXIT_UNAVAILABLE})
RESTART_DELAYS = [2.0, 10.0, 30.0]
"""Seconds before each restart of a job."""
REUSED = "Reused"
"""State name of a task with a job that an earlier run finished."""
MANY = 256
"""Jobs that wait side by side for a launcher whose places are elsewhere; each takes a thread of this process."""
PROGRESS_SECONDS = 5.0
"""Least time between two updates of a progress artifact."""

OutcomeT = TypeVar("OutcomeT", bound=Outcome)
SpecT = TypeVar("SpecT", bound=Spec[Outcome])


class JobTracker(Protocol):
    """Is told of the jobs of a flow; see :class:`maskfold.tracking.RunTracker`."""

    def add(self, specs: Sequence[Spec[Outcome]]) -> None: ...
    def follow(self, spec: SpecT) -> SpecT: ...
    def done(self, spec: Spec[Outcome], reused: bool = False) -> None: ...
    def failed(self, spec: Spec[Outcome], error: BaseException) -> None: ...


class NoTracker:
    """Of flows whose jobs are recorded by Prefect alone."""

    def add(self, specs: Sequence[Spec[Outcome]]) -> None:
        """Do nothing."""

    def follow(self, spec: SpecT) -> SpecT:
        """Return the spec as it is."""
        return spec

    def done(self, spec: Spec[Outcome], reused: bool = False) -> None:
        """Do nothing."""

    def failed(self, spec: Spec[Outcome], error: BaseException) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Jobs:
    """What the jobs of one flow run share."""

    workspace: Workspace
    launcher: Launcher
    threads: ThreadPoolTaskRunner[Any]
    """One for each job that may run at a time; a job without one waits."""
    restarts: int
    tracker: JobTracker
    reused: set[str] = field(default_factory=set)
    """Keys of jobs with an outcome that was already in the workspace."""

    def submit(self, spec: Spec[OutcomeT]) -> PrefectFuture[OutcomeT]:
        """Start a job beside others; the future's result is its outcome."""
        step = run_job.with_options(
            task_run_name=lambda: spec.label, retries=self.restarts, retry_delay_seconds=RESTART_DELAYS[: self.restarts]
        )
        announce(JobEvent(spec.label, "waiting"))
        # Quoted, so that Prefect does not search both for futures.
        future = self.threads.submit(step, {"jobs": quote(self), "spec": quote(spec)})
        return cast("PrefectFuture[OutcomeT]", future)

    def run(self, spec: Spec[OutcomeT]) -> OutcomeT:
        """Run a job and wait for it."""
        self.tracker.add([spec])
        return self.collect(spec, self.submit(spec))

    def run_all(self, specs: Sequence[Spec[OutcomeT]]) -> tuple[OutcomeT, ...]:
        """Run jobs side by side and wait for all of them."""
        self.tracker.add(specs)
        futures = [self.submit(spec) for spec in specs]
        return tuple(self.collect(spec, future) for spec, future in zip(specs, futures, strict=True))

    def collect(self, spec: Spec[OutcomeT], future: PrefectFuture[OutcomeT]) -> OutcomeT:
        """Wait for a submitted job; return its outcome or raise its error."""
        try:
            outcome = future.result()
        except Exception as error:
            self.tracker.failed(spec, error)
            raise
        if future.state.name == REUSED:
            self.reused.add(spec.key)
        self.tracker.done(spec, spec.key in self.reused)
        return outcome


@contextlib.contextmanager
def launched(workspace: Workspace, launcher: Launcher, restarts: int, tracker: JobTracker) -> Iterator[Jobs]:
    """Run jobs with a launcher; if the flow ends early for any reason, stop the jobs that still run.

    Prefect shows a task as running from when it has a thread. There are as many threads as the launcher has places, so
    that this is true, wherever the flow runs.
    """
    stop = current_stop()
    threads: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=launcher.places or MANY)
    with threads:
        try:
            with stop.cancels(launcher) if stop else contextlib.nullcontext():
                yield Jobs(workspace, launcher, threads, restarts, tracker)
        finally:
            launcher.cancel()  # before the threads end, which wait for the jobs


def worth_restarting(_step: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether to restart a failed job: it was killed, or its storage was not available."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, errors.MaskfoldError) and error.exit_code in RESTART_CODES


@task(name="job", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=worth_restarting)
def run_job(jobs: Jobs, spec: Spec[Outcome]) -> Any:
    """Run one job, unless its outcome is already in the workspace.

    The workspace is the only cache of finished work: a deleted output is computed again, and Prefect stores no results
    that could differ from it.
    """
    log = get_run_logger()
    finished = find_outcome(jobs.workspace, spec)
    if finished is not None:
        log.info("%s: finished before (%s)", spec.label, jobs.workspace.locate(spec.address))
        announce(JobEvent(spec.label, "reused"))
        return Completed(name=REUSED, message="found in the workspace", data=finished)
    watcher = Watcher(
        log=log,
        on_start=lambda: announce(JobEvent(spec.label, "running")),
        on_progress=ProgressBar(spec.label),
        on_warning=lambda text: announce(JobEvent(spec.label, "warning", message=text)),
    )
    try:
        jobs.launcher.run(spec, watcher)
    except errors.CancelledError:
        announce(JobEvent(spec.label, "cancelled"))
        raise
    except errors.MaskfoldError as error:
        again = error.exit_code in RESTART_CODES
        announce(JobEvent(spec.label, "restarting" if again else "failed", message=str(error)))
        raise
    outcome = find_outcome(jobs.workspace, spec)
    if outcome is None:
        raise errors.CorruptDataError(f"{spec.label}: completed but wrote no outcome to {spec.address}")
    announce(JobEvent(spec.label, "done"))
    return outcome


class ProgressBar:
    """A job's progress as an artifact of its task run."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._artifact: Any = None
        self._last = 0.0
        self._given_up = False

    def __call__(self, progress: JobProgress) -> None:
        announce(JobEvent(self._label, "running", progress))
        now = time.monotonic()
        if self._given_up or (now - self._last < PROGRESS_SECONDS and progress.done < progress.total):
            return
        self._last = now
        try:
            self._publish(100.0 * progress.done / max(1, progress.total))
        except Exception as error:  # noqa: BLE001 - progress that cannot be shown must not stop a job
            # While the server is unreachable, each attempt takes long and delays the job's output.
            self._given_up = True
            get_run_logger().warning("progress of %s is no longer shown: %s", self._label, error)

    def _publish(self, percent: float) -> None:
        if self._artifact is None:
            self._artifact = create_progress_artifact(progress=percent, description=self._label)
        else:
            update_progress_artifact(self._artifact, progress=percent)
