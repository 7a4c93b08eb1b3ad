"""Pictures of which the colour is the class: learnt in seconds, but not at their recipe's learning rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
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
SPACE = {
    "networks.joint.optimizer.lr": {"low": 1.5, "high": 500, "log": True, "relative": True},
    "networks.joint.cutmix.p": {"low": 0.0, "high": 0.9},
    "networks.joint.mixup.p": {"choices": [0, 0.6]},
}
MEASURED = {
    "prepare": {"seconds": 1.0},
    "look": {"seconds": 1.0, "start": 1.0, "images_per_second": 50.0},
    "measure": {"seconds": 1.0, "start": 0.5, "images_per_second": 60.0, "predicted_per_second": 200.0},
}
"""What tests make the stages say that decide what ``auto`` plans: so slow that the budget is kept on any machine."""


def draw_colours(folder: Path) -> Path:
    """Write a data set of 24 people with three pictures each, its table, and its recipe; return the folder."""
    random, rows = np.random.default_rng(0), []
    folder.mkdir(parents=True, exist_ok=True)
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


def draw_weights(folder: Path) -> Path:
    """Write weights of a tiny network: random ones, of which some learn better than others; return the folder."""
    import torch
    from safetensors.torch import save_file

    from maskfold.training.backbones import timm

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = timm.create_model("test_resnet", num_classes=0).state_dict()
    save_file(tensors, folder / "test_resnet.safetensors")
    return folder
