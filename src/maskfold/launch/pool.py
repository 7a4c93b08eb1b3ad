"""Runs each job as a deployment of a Prefect work pool: processes, containers, pods, on any number of machines."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, WorkerStatus
from prefect.deployments import run_deployment
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Scheduled

from maskfold import errors
from maskfold.launch import folder
from maskfold.launch.launcher import Watcher
from maskfold.specs import Failure, Outcome, Spec

POLL_SECONDS = 1.0
CANCEL_SECONDS = 60.0
"""How long to wait for the pool to confirm that cancelled jobs are gone."""
UNCLAIMED_SECONDS = 60.0
"""The user is warned when no worker takes a job for this long while no other job of the run is running."""
WORKER_SECONDS = 10.0
"""Time between two checks that the worker that has taken a job is still online."""
LOST_JOBS = "maskfold: lost jobs"
"""Name of the server's automation that counts a job as crashed when its process or machine is lost."""
NO_SIGN_OF_LIFE = "no sign of life"
"""How the automation's message begins."""
HEARTBEAT = "prefect.flow-run.heartbeat"
SILENCE_SECONDS = 100.0
"""A run counts as lost after this long without a heartbeat: three missed, as `prefect.yaml` sets one every 30 s."""

_PASSING = (httpx.TransportError, PrefectHTTPStatusError)
"""Errors that may be temporary: the server does not answer, or answers with an error."""

_WORKERS_CODE = re.compile(r"exited with non-zero status code:? (\d+)")
_NOT_STARTED = "Failed to submit flow run to infrastructure"


class PoolLauncher:
    """Each job is a run of the deployment ``job/<pool>``, linked to the run that asked for it."""

    places = None
    """The pool's workers, and its limits, decide."""

    def __init__(self, pool: str) -> None:
        """Make a launcher.

        Args:
            pool: Name of the deployment of the flow ``job``; in ``prefect.yaml`` it equals the work pool's name.

        Raises:
            InputError: If there is no such deployment.
        """
        self._pool = pool
        self._deployment = f"job/{pool}"
        self._running: set[UUID] = set()
        self._at_work: set[UUID] = set()
        """Running jobs that a worker has started."""
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._deaf = _Deafness()
        with get_client(sync_client=True) as client:
            try:
                client.read_deployment_by_name(self._deployment)
            except ObjectNotFound:
                raise errors.InputError(
                    f"launcher pool:{pool}: the Prefect server has no deployment {self._deployment}; "
                    "prefect.yaml defines deployments for the pools local, docker, docker-gpu and kubernetes; "
                    "create them with: python -m flows.register POOL"
                ) from None

    def run(self, spec: Spec[Outcome], watcher: Watcher) -> None:
        """Run a job on the pool; see :class:`maskfold.launch.launcher.Launcher`."""
        if self._cancelled.is_set():
            raise errors.CancelledError(f"{spec.label}: cancelled before it began")
        workspace = folder.post(spec)
        submitted = run_deployment(
            self._deployment,
            parameters={"workspace": spec.workspace, "stage": spec.stage, "key": spec.key},
            flow_run_name=spec.label,
            timeout=0,
            as_subflow=True,
            tags=[spec.stage],
            idempotency_key=str(uuid4()),  # a client that retries after a lost answer creates no second run
        )
        if not isinstance(submitted, FlowRun):
            raise errors.InvariantError(f"{self._deployment} started {type(submitted).__name__}, not a flow run")
        with self._lock:
            self._running.add(submitted.id)
        try:
            if self._cancelled.is_set():  # during submission, so `cancel` has not seen it
                self._stop({submitted.id})
            state = self._wait(submitted.id, watcher)
        except ObjectNotFound:
            raise errors.CancelledError(f"{spec.label}: its run was deleted on the Prefect server") from None
        finally:
            with self._lock:
                self._running.discard(submitted.id)
                self._at_work.discard(submitted.id)
        if self._cancelled.is_set() or state.is_cancelled():
            raise errors.CancelledError(f"{spec.label}: cancelled")
        if not state.is_completed():
            left = folder.find_failure(workspace, spec.address) if state.is_failed() else None
            raise failure(spec, state, left)

    def cancel(self) -> None:
        """Cancel all running jobs and wait until the pool has stopped them."""
        self._cancelled.set()
        with self._lock:
            running = set(self._running)
        if running:
            self._stop(running)

    def _stop(self, running: set[UUID]) -> None:
        """Cancel runs until the pool confirms it; after ``CANCEL_SECONDS`` mark the rest as cancelled."""
        deadline = time.monotonic() + CANCEL_SECONDS
        with get_client(sync_client=True) as client:
            while running := {one for one in running if not _is_over(client, one)}:
                overdue = time.monotonic() > deadline
                for run_id in running:
                    _try_to_cancel(client, run_id, by_force=overdue)
                if overdue:
                    return
                time.sleep(POLL_SECONDS)

    def _wait(self, run_id: UUID, watcher: Watcher) -> State:
        warned, since = False, time.monotonic()
        begun: float | None = None
        cancelling: float | None = None
        worker, outage = _Worker(run_id, self._pool), _Outage()
        with get_client(sync_client=True) as client:
            while True:
                run = _read_run(client, run_id)
                state = run.state if run else None
                outage.note(answered=run is not None)
                if run is not None and state is not None:
                    if state.is_final() and not outage.excuses(client, run_id, state):
                        return state
                    if state.is_pending() and worker.has_gone(client, run):
                        watcher.on_warning("the worker that had taken this job is gone; another may take it now")
                    if (state.is_running() or state.is_cancelling()) and begun is None:
                        begun = time.monotonic()
                        self._at_work.add(run_id)
                        watcher.on_start()
                    if state.is_running() and begun is not None and time.monotonic() - begun > SILENCE_SECONDS:
                        self._deaf.look(client, run_id, watcher)
                    if state.is_cancelling():
                        cancelling = cancelling or time.monotonic()
                        if time.monotonic() - cancelling > CANCEL_SECONDS:
                            _try_to_cancel(client, run_id, by_force=True)
                if self._at_work:  # there are workers, and they are busy
                    since = time.monotonic()
                if begun is None and not warned and time.monotonic() - since > UNCLAIMED_SECONDS:
                    warned = True
                    watcher.on_warning(
                        "no worker has started this job yet; are all busy with other runs, or is none online? "
                        f"Start one with: prefect worker start --pool {self._pool}"
                    )
                time.sleep(POLL_SECONDS)


@dataclass
class _Worker:
    """The worker that has taken a job: Prefect does not notice when it stops before it starts the job."""

    run_id: UUID
    pool: str
    _looked: float = field(default_factory=time.monotonic)
    _gone: set[str] = field(default_factory=set)

    def has_gone(self, client: SyncPrefectClient, run: FlowRun) -> bool:
        """Return whether the worker is gone; if so, give the job back to the pool."""
        name = run.labels.get("prefect.worker.name")
        # A worker takes a run before it labels it: the label may still name an earlier worker.
        if not isinstance(name, str) or name in self._gone or time.monotonic() - self._looked < WORKER_SECONDS:
            return False
        self._looked = time.monotonic()
        with contextlib.suppress(*_PASSING):
            workers = client.read_workers_for_work_pool(str(run.work_pool_name or self.pool))
            if not any(one.name == name and one.status == WorkerStatus.ONLINE for one in workers):
                client.set_flow_run_state(self.run_id, Scheduled(message=f"{name} is gone"), force=True)
                self._gone.add(name)
                return True
        return False


class _Outage:
    """A time when the server did not answer: it missed heartbeats, and may count running jobs as lost."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._ended: float | None = None

    def note(self, answered: bool) -> None:
        """Record whether the server answers."""
        now = time.monotonic()
        if not answered:
            self._began = self._began or now
        elif self._began is not None:
            if now - self._began > SILENCE_SECONDS / 2:
                self._ended = now
            self._began = None

    def excuses(self, client: SyncPrefectClient, run_id: UUID, state: State) -> bool:
        """Return whether a run that counts as lost may be alive and still report its final state."""
        if self._ended is None or not state.is_crashed() or not (state.message or "").startswith(NO_SIGN_OF_LIFE):
            return False
        if time.monotonic() - self._ended < SILENCE_SECONDS:
            return True
        with contextlib.suppress(*_PASSING):
            return _has_heartbeat(client, run_id, timedelta(seconds=SILENCE_SECONDS))
        return True  # the server does not answer again


class _Deafness:
    """Checks once whether the server can notice a lost job, and warns if it cannot."""

    def __init__(self) -> None:
        self._looked = False

    def look(self, client: SyncPrefectClient, run_id: UUID, watcher: Watcher) -> None:
        """Check for the automation, and for heartbeats of a job that should have sent some by now."""
        if self._looked:
            return
        with contextlib.suppress(*_PASSING):
            watched = any(one.enabled for one in client.read_automations_by_name(LOST_JOBS))
            heard = _has_heartbeat(client, run_id, timedelta(days=1))
            self._looked = True
            if not watched:
                watcher.on_warning(
                    f"the Prefect server has no automation {LOST_JOBS!r}, or it is switched off, so the loss of a "
                    "machine would not be noticed; python -m flows.register POOL creates it"
                )
            elif not heard:
                watcher.on_warning(
                    "no heartbeat of this job arrives, so the loss of a machine would not be noticed; "
                    "do websockets reach the Prefect server from where jobs run?"
                )


def _has_heartbeat(client: SyncPrefectClient, run_id: UUID, within: timedelta) -> bool:
    now = datetime.now(UTC)
    wanted = EventFilter(
        event=EventNameFilter(name=[HEARTBEAT]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run_id}"]),
        occurred=EventOccurredFilter(since=now - within, until=now + timedelta(days=1)),
    )
    return bool(client.read_events(wanted, limit=1).events)


def failure(spec: Spec[Outcome], state: State, left: Failure | None = None) -> errors.MaskfoldError:
    """Return the error of a job that did not complete.

    The process of a crashed run was killed, ran out of memory or lost its machine; the worker's message names the exit
    status if it is known.

    Args:
        spec: The job.
        state: The last state of its run.
        left: The job's own ``failure.json``, if it wrote one.
    """
    if left is not None:
        return errors.JobFailedError(f"{spec.label}: {left.message}", left.exit_code)
    message = state.message or state.name or state.type.value
    code = errors.EXIT_KILLED if state.is_crashed() else errors.EXIT_FAULT
    if state.is_failed() or message.startswith(_NOT_STARTED):
        # A failed job without a failure.json could not reach the workspace; a job that was not started lacked its image
        # or its engine. Both may succeed later, or on another worker.
        code = errors.EXIT_UNAVAILABLE
    elif found := _WORKERS_CODE.search(message):
        # A run that someone cancels ends as Cancelled; one that crashed by SIGTERM was stopped by its machine.
        code = errors.EXIT_KILLED if int(found[1]) == errors.EXIT_CANCELLED else int(found[1])
    return errors.JobFailedError(f"{spec.label}: {message}", code)


def _read_run(client: SyncPrefectClient, run_id: UUID) -> FlowRun | None:
    """Return a run; None while the server cannot be reached, because the job continues without it."""
    with contextlib.suppress(*_PASSING):
        return client.read_flow_run(run_id)
    return None


def _is_over(client: SyncPrefectClient, run_id: UUID) -> bool:
    try:
        run = _read_run(client, run_id)
    except ObjectNotFound:
        return True
    return run is not None and run.state is not None and run.state.is_final()


def _try_to_cancel(client: SyncPrefectClient, run_id: UUID, by_force: bool) -> None:
    """Cancel a run, unless it was deleted or the server does not answer."""
    with contextlib.suppress(*_PASSING, ObjectNotFound):
        if by_force:
            message = f"not confirmed within {CANCEL_SECONDS:.0f} s; its process or machine may be lost"
            client.set_flow_run_state(run_id, Cancelled(message=message), force=True)
        elif not (state := client.read_flow_run(run_id).state) or not state.is_cancelling():
            client.set_flow_run_state(run_id, Cancelling(message="the run that asked for this job has ended"))
