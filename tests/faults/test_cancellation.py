"""A run of a deployment, cancelled from Prefect's side while its folds train."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.states import Cancelling

ROOT = Path(__file__).parents[2]
SECONDS = 200.0


@pytest.fixture
def worker(prefect_server: str, tmp_path: Path) -> Iterator[psutil.Process]:
    """A worker of the pool `local` on a server that has the deployments of `prefect.yaml`."""
    environment = {
        **os.environ,
        "PREFECT_API_URL": prefect_server,
        "MASKFOLD_HOME": str(tmp_path / "home"),
        "CUDA_VISIBLE_DEVICES": "",
    }

    def prefect(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "prefect", *arguments]

    register = [sys.executable, "-m", "flows.register", "local"]
    done = subprocess.run(register, env=environment, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with Path(tmp_path, "worker.log").open("wb") as log:
        started = subprocess.Popen(
            prefect("worker", "start", "--pool", "local"), env=environment, stdout=log, stderr=log
        )
    process = psutil.Process(started.pid)
    yield process
    left = process.children(recursive=True)
    started.terminate()
    started.wait(timeout=30)
    for child in left:
        if child.is_running():
            child.kill()


def state_of(run_id: UUID) -> str:
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
    return state.name if state else "none"


@pytest.mark.slow
def test_cancelling_leaves_no_process_and_the_same_run_continues(
    worker: psutil.Process, drawn_data: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    parameters = {"data": str(drawn_data), "workspace": str(workspace), "recipe": "smoke"}
    parameters["set"] = ["networks.joint.epochs=400", "networks.joint.backbone=test_resnet"]  # type: ignore[assignment]
    submitted = run_deployment("train/local", parameters=parameters, timeout=0, as_subflow=False)
    assert isinstance(submitted, FlowRun)
    deadline = time.monotonic() + SECONDS
    while not list(workspace.glob("train_fold/*/checkpoint/*.json")):
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text(encoding="utf-8")
        time.sleep(0.2)
    jobs = worker.children(recursive=True)
    assert len(jobs) > 2
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(submitted.id, Cancelling())
    while state_of(submitted.id) != "Cancelled":
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text(encoding="utf-8")
        time.sleep(0.2)
    _, alive = psutil.wait_procs(jobs, timeout=30)
    assert not alive
    assert list(workspace.glob("train_fold/*/checkpoint/*.json"))  # where the same run continues
    assert not list(workspace.glob("train_fold/*/outcome.json"))
