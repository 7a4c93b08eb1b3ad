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
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments import run_deployment
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Crashed, Scheduled

from maskfold import errors
from maskfold.launch import folder
from maskfold.launch.launcher import Watcher
from maskfold.specs import Failure, Outcome, Spec

POLL_SECONDS = 1.0
CANCEL_SECONDS = 60.0
"""How long to wait for the pool to confirm that cancelled jobs are gone."""
UNCLAIMED_SECONDS = 60.0
"""After this long without a worker that takes a job, while no other job of the run is at work, its user is told."""
LIFE_SECONDS = 10.0
"""Time between two looks at whether a job's process, or its worker, is still there."""
HEARTBEATS_MISSED = 3
"""After so many, a job counts as lost."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_HEARTBEAT_VARIABLE = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
_HEARTBEAT_DEFAULT = 180.0
"""Prefect's own."""
_HEARTBEAT_LEAST = 30.0
"""Prefect sends none more often."""

_PASSING = (httpx.TransportError, PrefectHTTPStatusError)
"""The server does not answer, or not well; it may later."""

_WORKERS_CODE = re.compile(r"exited with non-zero status code:? (\d+)")
_NOT_STARTED = "Failed to submit flow run to infrastructure"


class PoolLauncher:
    """Each job is a run of the deployment ``job/<pool>``, linked to the run that asked for it."""

    def __init__(self, pool: str) -> None:
        """Make a launcher.

        Args:
            pool: Name of the deployment of the flow ``job``; by our ``prefect.yaml`` it is the work pool's name.

        Raises:
            InputError: If there is no such deployment.
        """
        self._pool = pool
        self._deployment = f"job/{pool}"
        self._running: set[UUID] = set()
        self._at_work: set[UUID] = set()
        """Of the running, those that a worker has begun."""
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._heard = threading.Event()
        with get_client(sync_client=True) as client:
            try:
                self._silence = _longest_silence(client.read_deployment_by_name(self._deployment))
            except ObjectNotFound:
                raise errors.InputError(
                    f"launcher pool:{pool}: the Prefect server has no deployment {self._deployment}; those of "
                    "prefect.yaml, for the pools local, docker, docker-gpu and kubernetes, are made by: "
                    "python -m flows.register POOL"
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
            idempotency_key=str(uuid4()),  # asked again after a lost answer, the server does not make a second run
        )
        assert isinstance(submitted, FlowRun)
        with self._lock:
            self._running.add(submitted.id)
        try:
            if self._cancelled.is_set():  # while it was being submitted, too late for `cancel` to know of it
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
        """Ask for runs to be cancelled until the pool has done so; put an end to those of a pool that does not."""
        deadline = time.monotonic() + CANCEL_SECONDS
        with get_client(sync_client=True) as client:
            while running := {one for one in running if not _is_over(client, one)}:
                overdue = time.monotonic() > deadline
                for run_id in running:
                    with contextlib.suppress(*_PASSING, ObjectNotFound):
                        _cancel(client, run_id, by_force=overdue)
                if overdue:
                    return
                time.sleep(POLL_SECONDS)

    def _wait(self, run_id: UUID, watcher: Watcher) -> State:
        begun, told, since = False, False, time.monotonic()
        life = _Life(run_id, self._pool, self._silence, self._heard)
        with get_client(sync_client=True) as client:
            while True:
                run = _read_run(client, run_id)
                state = run.state if run else None
                if run is None or state is None:
                    life.renew()
                elif state.is_final():
                    return state
                elif state.is_running() or state.is_cancelling():
                    if not begun:
                        begun = True
                        self._at_work.add(run_id)
                        watcher.on_start()
                    if (lost := life.lost(client, state, watcher)) is not None:
                        return lost
                else:
                    life.renew()
                    if state.is_pending() and life.abandoned(client, run):
                        watcher.on_warning("the worker that had taken this job is gone; another may take it now")
                if self._at_work:  # there are workers, and they are busy
                    since = time.monotonic()
                if not begun and not told and time.monotonic() - since > UNCLAIMED_SECONDS:
                    told = True
                    watcher.on_warning(
                        "no worker has begun this job yet; are all busy with other runs, or is none there? "
                        f"Start one with: prefect worker start --pool {self._pool}"
                    )
                time.sleep(POLL_SECONDS)


@dataclass
class _Life:
    """Whether a run still has a process, or before that a worker: when a machine is lost nobody reports it."""

    run_id: UUID
    pool: str
    silence: float
    """Seconds without a heartbeat after which the process is gone."""
    heard: threading.Event
    """A heartbeat of any job has arrived, so that silence means something."""
    _looked: float = field(default_factory=time.monotonic)
    _alive: float = field(default_factory=time.monotonic)
    _heartbeat: UUID | None = None
    _told: bool = False
    _gone: set[str] = field(default_factory=set)

    def renew(self) -> None:
        """Begin to listen anew: the server does not answer, or the run has no process that could be heard."""
        self._alive = time.monotonic()

    def lost(self, client: SyncPrefectClient, state: State, watcher: Watcher) -> State | None:
        """Return the last state of a run whose process has gone without a word, after telling the server."""
        if not self._due():
            return None
        newest = _newest_heartbeat(client, self.run_id)
        if newest != self._heartbeat:
            self._heartbeat = newest
            self.heard.set()
            self.renew()
        if time.monotonic() - self._alive < self.silence:
            return None
        if not self.heard.is_set():
            self._warn_of_deafness(watcher)
            return None
        message = f"no sign of life for {self.silence:.0f} s; its process or machine is lost"
        # The server lets a run that is being cancelled end in no other way.
        last: State = Cancelled(message=message) if state.is_cancelling() else Crashed(message=message)
        with contextlib.suppress(*_PASSING):
            answer = client.set_flow_run_state(self.run_id, last)
            if answer.state is not None and answer.state.is_final():
                return answer.state
        return last

    def abandoned(self, client: SyncPrefectClient, run: FlowRun) -> bool:
        """Give a job back to the pool when the worker that took it went away before it began the job."""
        worker = run.labels.get("prefect.worker.name")
        # A worker takes a run first and labels it then: the label of one that is gone may be left from before.
        if not isinstance(worker, str) or worker in self._gone or not self._due():
            return False
        with contextlib.suppress(*_PASSING):
            workers = client.read_workers_for_work_pool(str(run.work_pool_name or self.pool))
            if not any(one.name == worker and one.status == WorkerStatus.ONLINE for one in workers):
                client.set_flow_run_state(self.run_id, Scheduled(message=f"{worker} is gone"), force=True)
                self._gone.add(worker)
                return True
        return False

    def _warn_of_deafness(self, watcher: Watcher) -> None:
        if not self._told:
            self._told = True
            watcher.on_warning(
                "no heartbeat of any job arrives, so the loss of a machine would not be noticed; "
                "do websockets reach the Prefect server from where jobs run?"
            )

    def _due(self) -> bool:
        if time.monotonic() - self._looked < LIFE_SECONDS:
            return False
        self._looked = time.monotonic()
        return True


def _longest_silence(deployment: DeploymentResponse) -> float:
    """Return the seconds without a heartbeat after which a run of a deployment is lost."""
    every = (deployment.job_variables or {}).get("env", {}).get(_HEARTBEAT_VARIABLE, _HEARTBEAT_DEFAULT)
    return HEARTBEATS_MISSED * max(_HEARTBEAT_LEAST, float(every)) + LIFE_SECONDS


def _newest_heartbeat(client: SyncPrefectClient, run_id: UUID) -> UUID | None:
    """Return the id of a run's newest heartbeat: a new one is a sign of life, whatever clocks say."""
    now, day = datetime.now(UTC), timedelta(days=1)
    wanted = EventFilter(
        event=EventNameFilter(name=[_HEARTBEAT]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run_id}"]),
        occurred=EventOccurredFilter(since=now - day, until=now + day),
    )
    with contextlib.suppress(*_PASSING):
        events = client.read_events(wanted, limit=1).events
        return events[0].id if events else None
    return uuid4()  # the server did not answer, so nothing is known to be silent


def failure(spec: Spec[Outcome], state: State, left: Failure | None = None) -> errors.MaskfoldError:
    """Return what to raise for a job whose run ended in a state other than completed.

    A run that crashed lost its process: killed, out of memory, machine lost; the worker's message names the exit status
    where it knows one.

    Args:
        spec: The job.
        state: The last state of its run.
        left: What a job that failed by itself said in its ``failure.json``.
    """
    if left is not None:
        return errors.JobFailedError(f"{spec.label}: {left.message}", left.exit_code)
    message = state.message or state.name or state.type.value
    code = errors.EXIT_KILLED if state.is_crashed() else errors.EXIT_FAULT
    if state.is_failed() or message.startswith(_NOT_STARTED):
        # A job that cannot leave its failure does not reach the workspace. No image, no engine: as for that, another
        # worker, or another moment, may have it.
        code = errors.EXIT_UNAVAILABLE
    elif found := _WORKERS_CODE.search(message):
        # A run that someone cancels ends as Cancelled; one that crashed by SIGTERM was stopped by its machine.
        code = errors.EXIT_KILLED if int(found[1]) == errors.EXIT_CANCELLED else int(found[1])
    return errors.JobFailedError(f"{spec.label}: {message}", code)


def _read_run(client: SyncPrefectClient, run_id: UUID) -> FlowRun | None:
    """Return a run; None while the server cannot be reached, as the job goes on without it."""
    with contextlib.suppress(*_PASSING):
        return client.read_flow_run(run_id)
    return None


def _is_over(client: SyncPrefectClient, run_id: UUID) -> bool:
    try:
        run = _read_run(client, run_id)
    except ObjectNotFound:
        return True
    return run is not None and run.state is not None and run.state.is_final()


def _cancel(client: SyncPrefectClient, run_id: UUID, by_force: bool) -> None:
    if by_force:
        message = f"not confirmed within {CANCEL_SECONDS:.0f} s; its process or machine may be lost"
        client.set_flow_run_state(run_id, Cancelled(message=message), force=True)
    elif not (state := client.read_flow_run(run_id).state) or not state.is_cancelling():
        client.set_flow_run_state(run_id, Cancelling(message="the run that asked for this job has ended"))
