"""A tiny data set whose classes are visible in the pictures, in the tables that training reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from maskfold.dataset.manifest import COLUMNS
from maskfold.recipe import Crop, Network, load_recipe
from maskfold.scheme import Scheme
from maskfold.specs import TrainFoldSpec
from maskfold.storage import Workspace, open_workspace
from maskfold.training import backbones, data
from maskfold.training.images import Images
from maskfold.training.learner import Learner
from maskfold.training.randomness import Position

SIZE = (32, 24)
AGES = (22, 45, 63)
SCHEME = load_recipe("smoke").scheme
"""The competition's."""


def scheme(*overrides: str) -> Scheme:
    """Return the competition's scheme with other settings, such as ``labels.train_age_bounds=[30,58]``."""
    return load_recipe("smoke", overrides).scheme


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
        {"image": f"eval/images/{n}.jpg", "part": "eval", "person": "", "mask": -1, "gender": -1, "age": np.nan}
        for n in range(evaluation)
    ]
    manifest = pd.DataFrame(rows)
    folds = pd.DataFrame({"person": [f"p{n:02d}" for n in range(people)], "fold": [n // 6 % 3 for n in range(people)]})
    places = {
        f"{what}_{edge}": np.float32(at)
        for what, edges in (("box", (40, 60, 90, 125)), ("crop", (30, 37, 100, 138)))
        for edge, at in zip(("left", "top", "right", "bottom"), edges, strict=True)
    }
    index = manifest[["image", "part"]].assign(row=np.arange(len(manifest)), status="detected", **places)
    return manifest, folds, index


def pack(manifest: pd.DataFrame, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Draw the pictures: red tells the mask, green the gender, blue the age group, with noise."""
    draws = np.random.default_rng(0)
    group = SCHEME["age"].classes(manifest["age"])
    tone = np.stack([manifest["mask"] * 100 + 25, manifest["gender"] * 150 + 50, group * 100 + 25], axis=1)
    noise = draws.integers(-20, 20, size=(len(manifest), *size, 3))
    return np.clip(tone[:, None, None, :] + noise, 0, 255).astype(np.uint8)


def fold_data(target: str = "joint", people: int = 18) -> tuple[data.FoldData, np.ndarray]:
    """Return fold 0 of the drawn data set and its pack."""
    manifest, folds, index = tables(people)
    return data.split(manifest, folds, index, 0, network(target=target), SCHEME), pack(manifest)


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


def build(settings: Network, place: Position, size: tuple[int, int], *rest: Any, **more: Any) -> backbones.Backbone:
    """Return a network with an output for the competition's classes; see :func:`maskfold.training.backbones.build`."""
    return backbones.build(settings, settings.classes(SCHEME), place, size, *rest, **more)


def learner(settings: Network, size: tuple[int, int] = SIZE, counts: np.ndarray | None = None) -> Learner:
    """Return a learner on the CPU."""
    backbone = build(settings, Position(settings.seed, 0), size)
    return Learner(settings, settings.taught(SCHEME), backbone, torch.device("cpu"), counts)


def training_spec(folder: Path, settings: Network, **changes: Any) -> TrainFoldSpec:
    """Return a job that trains on the drawn data set with fold 1 held out, its inputs in a workspace in a folder."""
    store = workspace(folder)
    manifest, folds, index = tables()
    described = {
        "name": "photo",
        "sha256": "",
        "width": SIZE[1],
        "height": SIZE[0],
        "readable": True,
        "corrected": False,
    }
    manifest = manifest.assign(**described)[[*COLUMNS, *SCHEME.names]].astype({"mask": "int16", "gender": "int16"})
    files = {}
    for name, table in (("manifest", manifest), ("folds", folds), ("index", index)):
        table.to_parquet(folder / f"{name}.parquet", index=False)
        files[name] = store.publish(folder / f"{name}.parquet", f"inputs/{name}.parquet")
    np.save(folder / "faces.npy", pack(manifest))
    given = {
        "workspace": store.uri,
        "network": settings,
        "fold": 1,
        "n_folds": 3,
        "scheme": SCHEME,
        "crop": Crop(),
        "typical_face": None,
        "deterministic": True,
        "learnt_versions": ("v",),
        "folds_version": "v",
        "pack": store.publish(folder / "faces.npy", "inputs/faces.npy"),
        "weights": None,
        **files,
    }
    return TrainFoldSpec(**{**given, **changes})


def images(pixels: np.ndarray) -> Images:
    """Return a pack on the CPU."""
    return Images(pixels, torch.device("cpu"))


def workspace(folder: Path) -> Workspace:
    """Return a workspace in a folder."""
    return open_workspace(str(folder / "workspace"))


def classes(manifest: pd.DataFrame, target: str) -> np.ndarray:
    """Return the classes that count of the training images."""
    known = manifest[manifest["part"] == "train"]
    return SCHEME.column(SCHEME.labels(known), target)
