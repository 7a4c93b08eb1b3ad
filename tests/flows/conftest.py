"""Flows of these tests run on a real server."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

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
