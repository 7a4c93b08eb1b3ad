"""Flows of these tests run on a real server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]

RECIPE = """
name: colours
folds: {k: 2}
crop: {face_size: [32, 24], portrait_size: [32, 24]}
networks:
  - name: joint
    input: portrait
    backbone: test_resnet
    pretrained: none
    epochs: 3
    batch_size: 16
    optimizer: {name: adamw, lr: 0.00002}
    amp: "off"
"""


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of which the colour is the class: learnt in seconds, but not at the recipe's learning rate."""
    folder, random = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    rows = []
    for person in range(24):
        for number, colour in enumerate(("red", "green", "blue")):
            pixels = random.integers(0, 60, (40, 32, 3), dtype=np.uint8)
            pixels[..., number] += 150
            name = f"{person}-{colour}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append({"path": name, "person": str(person), "colour": colour})
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


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
