"""Flows of these tests run on a real server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.flows.colours import draw_colours

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_colours(tmp_path_factory.mktemp("colours"))


@pytest.fixture(autouse=True, scope="session")
def _server(prefect_server: str) -> str:
    return prefect_server


@pytest.fixture
def two_workers(prefect_server: str, tmp_path: Path) -> Iterator[str]:
    """Name of a pool with two workers."""
    environment = {**os.environ, "PREFECT_API_URL": prefect_server, "CUDA_VISIBLE_DEVICES": ""}
    register = [sys.executable, "-m", "flows.register", "local"]
    done = subprocess.run(register, env=environment, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "local", "--limit", "1", "--name"]
    started = []
    for name in ("first", "second"):
        with Path(tmp_path, f"{name}.log").open("wb") as log:
            started.append(subprocess.Popen([*command, name], env=environment, stdout=log, stderr=log))
    left = [psutil.Process(worker.pid) for worker in started]
    yield "local"
    for worker, process in zip(started, left, strict=True):
        children = process.children(recursive=True)
        worker.terminate()
        worker.wait(timeout=30)
        for child in children:
            if child.is_running():
                child.kill()
