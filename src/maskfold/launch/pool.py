"""Runs each job as a deployment of a Prefect work pool: processes, containers, pods, on any number of machines."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelling

from maskfold import errors
from maskfold.launch.launcher import Watcher
from maskfold.specs import Spec

POLL_SECONDS = 1.0
CANCEL_SECONDS = 60.0
"""How long to wait for the pool to confirm that cancelled jobs are gone."""
UNCLAIMED_SECONDS = 60.0
"""After this long without a worker that takes a job, its user is told."""

_EXIT_CODE = re.compile(r"(?:exit code|status code:?) (\d+)")
_WRAPPING = re.compile(r"^Flow run encountered an exception: (?:JobFailedError: )?| \[exit code \d+\]$")
"""What Prefect and the flow ``job`` put around a job's own message."""


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
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        with get_client(sync_client=True) as client:
            try:
                client.read_deployment_by_name(self._deployment)
            except ObjectNotFound:
                raise errors.InputError(
                    f"launcher pool:{pool}: the Prefect server has no deployment {self._deployment}; "
                    f"make it with: prefect work-pool create --type process {pool} (or another type), "
                    "then prefect deploy --all"
                ) from None

    def run(self, spec: Spec, watcher: Watcher) -> None:
        """Run a job on the pool; see :class:`maskfold.launch.launcher.Launcher`."""
        if self._cancelled.is_set():
            raise errors.CancelledError(f"{spec.label}: cancelled before it began")
        submitted = run_deployment(
            self._deployment,
            parameters={"stage": spec.stage, "spec": spec.model_dump_json()},
            flow_run_name=spec.label,
            timeout=0,
            as_subflow=True,
            tags=[spec.stage],
        )
        assert isinstance(submitted, FlowRun)
        with self._lock:
            self._running.add(submitted.id)
        try:
            if self._cancelled.is_set():  # while it was being submitted, too late for `cancel` to know of it
                self._stop({submitted.id})
            state = self._wait(submitted.id, watcher)
        finally:
            with self._lock:
                self._running.discard(submitted.id)
        if self._cancelled.is_set() or state.is_cancelled():
            raise errors.CancelledError(f"{spec.label}: cancelled")
        if not state.is_completed():
            raise failure(spec, state)

    def cancel(self) -> None:
        """Cancel all running jobs and wait until the pool has stopped them."""
        self._cancelled.set()
        with self._lock:
            running = set(self._running)
        if running:
            self._stop(running)

    def _stop(self, running: set[UUID]) -> None:
        with get_client(sync_client=True) as client:
            for run_id in running:
                with contextlib.suppress(httpx.TransportError, PrefectHTTPStatusError):
                    client.set_flow_run_state(run_id, Cancelling(message="the run that asked for this job has ended"))
            deadline = time.monotonic() + CANCEL_SECONDS
            while (running := {one for one in running if not _is_final(client, one)}) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)

    def _wait(self, run_id: UUID, watcher: Watcher) -> State:
        begun, told, since = False, False, time.monotonic()
        with get_client(sync_client=True) as client:
            while True:
                state = _read_state(client, run_id)
                if state is not None:
                    if state.is_running() and not begun:
                        begun = True
                        watcher.on_start()
                    if state.is_final():
                        return state
                if not begun and not told and time.monotonic() - since > UNCLAIMED_SECONDS:
                    told = True
                    watcher.on_warning(
                        "no worker has begun this job yet; are all busy, or is none running? "
                        f"Start one with: prefect worker start --pool {self._pool}"
                    )
                time.sleep(POLL_SECONDS)


def failure(spec: Spec, state: State) -> errors.MaskfoldError:
    """Return what to raise for a job whose run ended in a state other than completed.

    A job that failed by itself names its exit code in the state's message. A run that crashed lost its process: killed,
    out of memory, node lost; the worker's message names the exit status where it knows one.
    """
    message = state.message or state.name or state.type.value
    code = errors.EXIT_KILLED if state.is_crashed() else errors.EXIT_FAULT
    found = _EXIT_CODE.search(message)
    if found:
        code = int(found.group(1))
    message = _WRAPPING.sub("", message).removeprefix(f"{spec.label}: ")
    return errors.JobFailedError(f"{spec.label}: {message}", code)


def _read_state(client: SyncPrefectClient, run_id: UUID) -> State | None:
    """Return a run's state; None while the server cannot be reached, as the job goes on without it."""
    with contextlib.suppress(httpx.TransportError, PrefectHTTPStatusError):
        return client.read_flow_run(run_id).state
    return None


def _is_final(client: SyncPrefectClient, run_id: UUID) -> bool:
    state = _read_state(client, run_id)
    return state is not None and state.is_final()
