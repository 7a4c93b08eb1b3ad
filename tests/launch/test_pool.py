"""The launcher of Prefect work pools, on a real server; `tests/flows/test_job.py` runs the flow `job` itself."""

import contextvars
import logging
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.states import Crashed, Failed

from flows.job import job
from maskfold.errors import CancelledError, InputError
from maskfold.launch import pool
from maskfold.launch.launcher import Watcher
from maskfold.launch.pool import PoolLauncher, failure
from maskfold.specs import WeightsSpec

SPEC = WeightsSpec(workspace="/nowhere", backbone="resnet18", pretrained="if-available")


@pytest.fixture
def pool_without_workers(prefect_server: str) -> Iterator[str]:
    """Name of a work pool and of the deployment of `job` on it."""
    name = f"pool-{uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        client.create_deployment(client.create_flow(job), name=name, work_pool_name=name)
    yield name
    with get_client(sync_client=True) as client:
        client.delete_work_pool(name)


def watcher(warnings: list[str]) -> Watcher:
    return Watcher(logging.getLogger("test"), lambda: None, lambda _: None, warnings.append)


def test_a_pool_without_deployment_is_said(prefect_server: str) -> None:
    with pytest.raises(InputError, match=r"no deployment job/nosuch; make it with: prefect work-pool create .* nosuch"):
        PoolLauncher("nosuch")


def test_a_job_that_no_worker_takes_is_told_and_can_be_cancelled(
    pool_without_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "UNCLAIMED_SECONDS", 0.5)
    monkeypatch.setattr(pool, "POLL_SECONDS", 0.1)
    launcher = PoolLauncher(pool_without_workers)
    told = threading.Event()
    warnings: list[str] = []
    ended: list[BaseException] = []

    def warn(text: str) -> None:
        warnings.append(text)
        told.set()

    def run() -> None:
        try:
            launcher.run(SPEC, Watcher(logging.getLogger("test"), lambda: None, lambda _: None, warn))
        except CancelledError as error:
            ended.append(error)

    # The server's address is a setting of this thread's context.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,))
    thread.start()
    assert told.wait(30)
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


def test_a_failed_job_speaks_in_its_own_words() -> None:
    wrapped = (
        "Flow run encountered an exception: JobFailedError: weights resnet18: no such backbone; name another "
        "[exit code 2]"
    )
    error = failure(SPEC, Failed(message=wrapped))
    assert str(error) == "weights resnet18: no such backbone; name another"
    assert error.exit_code == 2


def test_a_crashed_job_counts_as_killed() -> None:
    assert failure(SPEC, Crashed(message="Process exited unexpectedly")).exit_code == 137
    assert failure(SPEC, Crashed(message="Flow run process exited with non-zero status code: 143")).exit_code == 143
