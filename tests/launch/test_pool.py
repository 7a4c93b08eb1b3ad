"""The launcher of Prefect work pools, on a real server; `tests/flows/test_job.py` runs the flow `job` itself."""

import contextvars
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.events import emit_event
from prefect.events.schemas.automations import EventTrigger
from prefect.states import Cancelling, Completed, Crashed, Failed, Pending, Running

from flows.job import job
from flows.lost_jobs import NOT_STARTED, TAG, watch
from flows.pools import WAITING
from maskfold.errors import CancelledError, InputError, JobFailedError, MaskfoldError
from maskfold.launch import pool
from maskfold.launch.folder import read_spec, write_failure
from maskfold.launch.launcher import Watcher
from maskfold.launch.pool import HEARTBEAT, LOST_JOBS, PoolLauncher, failure
from maskfold.specs import Failure, Outcome, Spec, WeightsSpec
from maskfold.storage import open_workspace
from tests.ensemble import synthetic

WORKSPACE = f"{os.environ['MASKFOLD_HOME']}/workspace"
SPEC = WeightsSpec(workspace=WORKSPACE, backbone="resnet18", pretrained="if-available")


@pytest.fixture
def pool_without_workers(prefect_server: str) -> Iterator[str]:
    """Name of a work pool and of the deployment of `job` on it."""
    name = f"pool-{uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        client.create_deployment(client.create_flow(job), name=name, work_pool_name=name, tags=[TAG])
    yield name
    with get_client(sync_client=True) as client:
        client.delete_work_pool(name)


def watcher(warnings: list[str]) -> Watcher:
    return Watcher(logging.getLogger("test"), lambda: None, lambda _: None, warnings.append)


def test_a_pool_without_deployment_is_said(prefect_server: str) -> None:
    with pytest.raises(InputError, match=r"no deployment job/nosuch; .* create them with: python -m flows.register"):
        PoolLauncher("nosuch")


def test_a_job_that_no_worker_takes_is_reported_and_can_be_cancelled(
    pool_without_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "UNCLAIMED_SECONDS", 0.5)
    monkeypatch.setattr(pool, "POLL_SECONDS", 0.1)
    launcher = PoolLauncher(pool_without_workers)
    warned = threading.Event()
    warnings: list[str] = []
    ended: list[BaseException] = []

    def warn(text: str) -> None:
        warnings.append(text)
        warned.set()

    def run() -> None:
        try:
            launcher.run(SPEC, Watcher(logging.getLogger("test"), lambda: None, lambda _: None, warn))
        except CancelledError as error:
            ended.append(error)

    # The server's address is a setting of this thread's context.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,))
    thread.start()
    assert warned.wait(30)
    launcher.cancel()
    thread.join(30)
    assert len(ended) == 1
    (text,) = warnings
    assert f"prefect worker start --pool {pool_without_workers}" in text


def test_a_job_submitted_while_the_launcher_is_cancelled_is_stopped(
    pool_without_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = PoolLauncher(pool_without_workers)
    submitted: list[FlowRun] = []

    def submit(*arguments: Any, **options: Any) -> FlowRun:
        flow_run = run_deployment(*arguments, **options)
        assert isinstance(flow_run, FlowRun)
        launcher.cancel()
        submitted.append(flow_run)
        return flow_run

    monkeypatch.setattr(pool, "run_deployment", submit)
    with pytest.raises(CancelledError):
        launcher.run(SPEC, watcher([]))
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(submitted[0].id).state
    assert state is not None
    assert state.is_cancelled()


class Waiting:
    """A launcher that waits for one job in a thread; the test plays its worker."""

    def __init__(self, pool_name: str, beside: "Waiting | None" = None, spec: Spec[Outcome] = SPEC) -> None:
        self.warnings: list[str] = []
        self.error: MaskfoldError | None = None
        self.began = threading.Event()
        self._spec = spec
        self._launcher = beside._launcher if beside else PoolLauncher(pool_name)
        self._before = set(self._launcher._running)
        # The server's address is a setting of this thread's context.
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._run,))
        self._thread.start()
        self.run_id = self._submitted()

    def _run(self) -> None:
        log = logging.getLogger("test")
        try:
            self._launcher.run(self._spec, Watcher(log, self.began.set, lambda _: None, self.warnings.append))
        except MaskfoldError as error:
            self.error = error

    def _submitted(self) -> UUID:
        self.until(lambda: self._launcher._running - self._before)
        return next(iter(self._launcher._running - self._before))

    def begin(self) -> None:
        """Claim the job, as a worker does."""
        self.set(Running())
        assert self.began.wait(30)

    def until(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not happened():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def set(self, state: State) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self.run_id, state, force=True)

    def state(self) -> State:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(self.run_id).state
        assert state is not None
        return state

    def beat(self) -> None:
        """Send a heartbeat as Prefect's engine does, with the tags of the run."""
        resource = {"prefect.resource.id": f"prefect.flow-run.{self.run_id}"}
        emit_event(
            HEARTBEAT, resource, related=[{"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"}]
        )

    def end(self, seconds: float = 30) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often, with short time limits."""
    monkeypatch.setattr(pool, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(pool, "WORKER_SECONDS", 0.5)
    monkeypatch.setattr(pool, "SILENCE_SECONDS", 3.0)


@pytest.fixture
def watched(prefect_server: str) -> Iterator[None]:
    """The server notices a lost job after ten seconds, the shortest time that Prefect allows."""
    with get_client(sync_client=True) as client:
        for _ in range(2):  # again, as after every change
            watch(client, silence=10, start=10)
        made = [client.read_automations_by_name(name) for name in (LOST_JOBS, NOT_STARTED)]
        assert [len(found) for found in made] == [1, 1]
        yield
        for (automation,) in made:
            client.delete_automation(automation.id)


def test_waiting_for_a_busy_worker_is_nothing_to_tell(
    pool_without_workers: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "UNCLAIMED_SECONDS", 1.0)
    first = Waiting(pool_without_workers)
    first.begin()
    second = Waiting(pool_without_workers, beside=first)
    time.sleep(2.5)
    assert second.warnings == []
    first.set(Completed())
    first.end()
    second.until(lambda: second.warnings)  # now no job is running
    second.set(Completed())
    second.end()
    assert len(second.warnings) == 1


@pytest.mark.slow
def test_a_job_whose_machine_is_lost_counts_as_killed(pool_without_workers: str, watched: None, quick: None) -> None:
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    for _ in range(8):  # longer than the longest silence: heartbeats keep it
        waiting.beat()
        time.sleep(2)
    assert waiting.error is None
    waiting.end(seconds=60)  # and now they end
    assert isinstance(waiting.error, JobFailedError)
    assert waiting.error.exit_code == 137
    assert "no sign of life for 10 s" in str(waiting.error)
    assert waiting.state().is_crashed()
    assert waiting.warnings == []


@pytest.mark.slow
def test_a_job_lost_just_before_flows_are_registered_again_is_noticed(
    pool_without_workers: str, watched: None, quick: None
) -> None:
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    waiting.beat()
    time.sleep(2)  # until the server has taken it in
    with get_client(sync_client=True) as client:
        watch(client, silence=10)
    waiting.end(seconds=60)
    assert waiting.state().is_crashed()


@pytest.mark.slow
@pytest.mark.parametrize("kind", WAITING)
def test_a_run_that_is_taken_and_never_started_is_noticed(watched: None, prefect_server: str, kind: str) -> None:
    """Its worker has died in between; the run of a job, and what did start, stay as they are."""

    @flow
    def waiting() -> None: ...

    with get_client(sync_client=True) as client:
        taken, job, started = (
            client.create_flow_run(waiting, tags=[TAG, one], state=Pending()).id for one in (kind, "job", kind)
        )
        client.set_flow_run_state(started, Running())
        deadline = time.monotonic() + 60
        while not (state := client.read_flow_run(taken).state) or not state.is_final():
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert state.is_crashed()
        assert str(state.message).startswith("not started for 10 s")
        assert [str(client.read_flow_run(one).state_name) for one in (job, started)] == ["Pending", "Running"]


def test_the_automation_is_updated_where_it_differs(prefect_server: str, watched: None) -> None:
    with get_client(sync_client=True) as client:
        (before,) = client.read_automations_by_name(LOST_JOBS)
        client.pause_automation(before.id)
        watch(client, silence=20)
        (after,) = client.read_automations_by_name(LOST_JOBS)
    assert (after.id, after.enabled) == (before.id, False)
    assert isinstance(after.trigger, EventTrigger)
    assert after.trigger.within.total_seconds() == 20


@pytest.mark.parametrize("alive", [True, False])
def test_after_an_outage_of_the_server_jobs_that_live_are_waited_for(
    pool_without_workers: str, quick: None, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    """A server that was unreachable has missed their heartbeats and counts them as lost."""
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    with monkeypatch.context() as outage:
        outage.setattr(pool, "_read_run", lambda client, run_id: None)
        waiting.set(Crashed(message="no sign of life for 3 s"))
        time.sleep(2)
    for _ in range(6):
        if alive:
            waiting.beat()
        time.sleep(1)
    if alive:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(waiting.run_id, Completed())  # as its process does, not by force
    waiting.end()
    assert (waiting.error is None) == alive


def test_that_no_heartbeat_arrives_is_reported_and_nothing_counts_as_lost(
    pool_without_workers: str, watched: None, quick: None
) -> None:
    """As on a network that blocks websockets."""
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    waiting.until(lambda: waiting.warnings)
    assert "no heartbeat of this job arrives" in waiting.warnings[0]
    assert waiting.state().is_running()
    waiting.set(Completed())
    waiting.end()
    assert waiting.error is None


def test_a_server_that_would_not_notice_lost_jobs_is_reported(pool_without_workers: str, quick: None) -> None:
    with get_client(sync_client=True) as client:
        for automation in client.read_automations_by_name(LOST_JOBS):  # as other tests of this server may leave it
            client.delete_automation(automation.id)
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    waiting.until(lambda: waiting.warnings)
    assert "has no automation 'maskfold: lost jobs'" in waiting.warnings[0]
    waiting.set(Completed())
    waiting.end()


def test_a_job_that_is_lost_while_it_is_cancelled_ends(
    pool_without_workers: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CANCEL_SECONDS", 2.0)
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    waiting.set(Cancelling())
    waiting.end()
    assert isinstance(waiting.error, CancelledError)
    assert waiting.state().is_cancelled()


def test_cancelling_ends_though_no_one_confirms_it(
    pool_without_workers: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CANCEL_SECONDS", 1.0)
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    waiting._launcher.cancel()
    waiting.end()
    assert isinstance(waiting.error, CancelledError)
    state = waiting.state()
    assert state.is_cancelled()
    assert "not confirmed" in str(state.message)


def test_a_job_whose_run_was_deleted_counts_as_cancelled(pool_without_workers: str, quick: None) -> None:
    waiting = Waiting(pool_without_workers)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(waiting.run_id)
    waiting.end()
    assert isinstance(waiting.error, CancelledError)
    assert "deleted" in str(waiting.error)


def test_a_job_whose_worker_went_away_before_it_began_is_given_back(pool_without_workers: str, quick: None) -> None:
    waiting = Waiting(pool_without_workers)
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(waiting.run_id, {"prefect.worker.name": "gone"})
        client.send_worker_heartbeat(pool_without_workers, "another")
    waiting.set(Pending())
    waiting.until(lambda: waiting.state().is_scheduled())
    assert any("the worker that had taken this job is gone" in text for text in waiting.warnings)
    waiting.set(Completed())
    waiting.end()


def test_a_job_whose_worker_takes_its_time_is_left_to_it(pool_without_workers: str, quick: None) -> None:
    waiting = Waiting(pool_without_workers)
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(waiting.run_id, {"prefect.worker.name": "slow"})
        client.send_worker_heartbeat(pool_without_workers, "slow")
    waiting.set(Pending())
    time.sleep(3)
    assert waiting.state().is_pending()
    waiting.set(Completed())
    waiting.end()
    assert waiting.warnings == []


def test_a_failed_job_speaks_in_its_own_words(pool_without_workers: str, quick: None) -> None:
    """The job writes its failure to the workspace; that counts, not the state of its run."""
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    left = Failure(kind="WeightsError", message="no such backbone; status code 404 [exit code 1]", exit_code=2)
    write_failure(open_workspace(SPEC.workspace), SPEC.address, left)
    waiting.set(Failed(message="Flow run encountered an exception: JobFailedError: something"))
    waiting.end()
    assert str(waiting.error) == f"weights resnet18: {left.message}"
    assert waiting.error is not None
    assert waiting.error.exit_code == 2


def test_an_old_failure_is_not_taken_for_a_new_one(pool_without_workers: str, quick: None) -> None:
    left = Failure(kind="WeightsError", message="old", exit_code=2)
    write_failure(open_workspace(SPEC.workspace), SPEC.address, left)
    waiting = Waiting(pool_without_workers)
    waiting.begin()
    waiting.set(Failed(message="new"))
    waiting.end()
    assert str(waiting.error) == "weights resnet18: new"


def test_a_spec_of_any_size_travels_by_its_address(pool_without_workers: str, quick: None, tmp_path: Path) -> None:
    """Prefect takes 524,288 bytes of parameters; the records of 50 networks x 20 folds x 200 epochs are far more."""
    made = synthetic.spec(synthetic.World(), open_workspace(WORKSPACE), tmp_path)
    (one, *_) = made.trained
    history = tuple(one.history[0].model_copy(update={"epoch": epoch}) for epoch in range(200))
    trained = tuple(
        one.model_copy(update={"network": f"n{network}", "fold": fold, "history": history})
        for network in range(50)
        for fold in range(20)
    )
    large = made.model_copy(update={"trained": trained})
    waiting = Waiting(pool_without_workers, spec=large)
    with get_client(sync_client=True) as client:
        parameters = client.read_flow_run(waiting.run_id).parameters
    assert set(parameters) == {"workspace", "stage", "key"}
    assert len(json.dumps(parameters)) < 1000
    assert read_spec(**parameters) == large
    waiting.set(Completed())
    waiting.end()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Process exited unexpectedly", 137),
        ("Flow run infrastructure exited with non-zero status code 137. Killed.", 137),
        ("Flow run process exited with non-zero status code: 9", 9),
        # Stopped by its machine: a job that is cancelled ends as Cancelled.
        ("Flow run infrastructure exited with non-zero status code 143. Terminated.", 137),
        ("Failed to submit flow run to infrastructure: ImageNotFound: 404 status code 404", 75),
    ],
)
def test_what_a_crash_counts_as(message: str, code: int) -> None:
    assert failure(SPEC, Crashed(message=message)).exit_code == code
