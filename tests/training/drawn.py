"""A tiny data set whose classes are visible in the pictures, in the tables that training reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from maskfold.labels import age_group, target_classes
from maskfold.recipe import Labels, Network
from maskfold.storage import Workspace, open_workspace
from maskfold.training import backbones, data
from maskfold.training.images import Images
from maskfold.training.learner import Learner
from maskfold.training.randomness import Position

SIZE = (32, 24)
AGES = (22, 45, 63)


def tables(people: int = 18, evaluation: int = 5) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return manifest, folds (3, each with all genders and ages) and index of people with three photographs each."""
    rows = [
        {
            "image": f"train/images/p{person:02d}/{mask}.jpg",
            "part": "train",
            "person": f"p{person:02d}",
            "mask": mask,
            "gender": person % 2,
            "age": AGES[person // 2 % 3],
        }
        for person in range(people)
        for mask in range(3)
    ]
    rows += [
        {"image": f"eval/images/{n}.jpg", "part": "eval", "person": "", "mask": -1, "gender": -1, "age": -1}
        for n in range(evaluation)
    ]
    manifest = pd.DataFrame(rows)
    folds = pd.DataFrame({"person": [f"p{n:02d}" for n in range(people)], "fold": [n // 6 % 3 for n in range(people)]})
    index = pd.DataFrame({"image": manifest["image"], "row": np.arange(len(manifest)), "status": "detected"})
    return manifest, folds, index


def pack(manifest: pd.DataFrame, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Draw the pictures: red tells the mask, green the gender, blue the age group, with noise."""
    draws = np.random.default_rng(0)
    group = age_group(manifest["age"])
    tone = np.stack([manifest["mask"] * 100 + 25, manifest["gender"] * 150 + 50, group * 100 + 25], axis=1)
    noise = draws.integers(-20, 20, size=(len(manifest), *size, 3))
    return np.clip(tone[:, None, None, :] + noise, 0, 255).astype(np.uint8)


def fold_data(target: str = "joint", people: int = 18) -> tuple[data.FoldData, np.ndarray]:
    """Return fold 0 of the drawn data set and its pack."""
    manifest, folds, index = tables(people)
    return data.split(manifest, folds, index, 0, target, Labels()), pack(manifest)


def network(**settings: object) -> Network:
    """Return a tiny network's settings."""
    defaults = {
        "name": "tiny",
        "target": "mask",
        "backbone": "test_resnet",
        "pretrained": "none",
        "epochs": 2,
        "batch_size": 8,
        "optimizer": {"name": "adamw", "lr": 0.003},
        "amp": "off",
    }
    return Network.model_validate({**defaults, **settings})


def learner(settings: Network) -> Learner:
    """Return a learner on the CPU."""
    return Learner(settings, backbones.build(settings, Position(settings.seed, 0), SIZE), torch.device("cpu"))


def images(pixels: np.ndarray) -> Images:
    """Return a pack on the CPU."""
    return Images(pixels, torch.device("cpu"))


def workspace(folder: Path) -> Workspace:
    """Return a workspace in a folder."""
    return open_workspace(str(folder / "workspace"))


def classes(manifest: pd.DataFrame, target: str) -> np.ndarray:
    """Return the official classes of the training images."""
    known = manifest[manifest["part"] == "train"]
    return target_classes(target, known["mask"], known["gender"], age_group(known["age"]))
