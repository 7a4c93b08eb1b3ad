"""A finished run without its training: manifest, folds and predictions of networks of a known accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from maskfold.dataset.manifest import COLUMNS
from maskfold.dataset.quarantine import Entry, quarantine_table
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.recipe import Recipe
from maskfold.scheme import JOINT
from maskfold.specs import (
    CropOutcome,
    EnsembleSpec,
    EpochRecord,
    FaceShares,
    File,
    PredictEvalOutcome,
    PrepareOutcome,
    TrainFoldOutcome,
)
from maskfold.storage import Workspace, open_workspace

PHOTOS = (("incorrect_mask", 1), *((f"mask{number}", 0) for number in range(1, 6)), ("normal", 2))
NETWORKS = (
    {"name": "joint", "target": "joint"},
    {"name": "mask", "target": "mask"},
    {"name": "gender", "target": "gender"},
    {"name": "age", "target": "age", "input": "portrait"},
)


THREE = {
    "name": "three",
    "attributes": [
        {"name": "glasses", "values": ["no", "yes"]},
        {"name": "stature", "of": "person", "bounds": [1.5, 1.65, 1.8], "train_bounds": [1.5, 1.6, 1.8], "unit": "m"},
        {"name": "hair", "of": "person", "values": ["black", "brown", "red", "blond", "grey"]},
    ],
}
"""A scheme of 2 x 4 x 5 classes."""
ONE = {"name": "one", "attributes": [{"name": "state", "values": ["on", "half on", "off"]}]}


def recipe(networks: Sequence[dict] = NETWORKS, k: int = 3, **settings) -> Recipe:
    """Return a recipe; of the competition's scheme and reader, if it names no others."""
    competition = {"dataset": {"reader": "competition"}}
    given = {"name": "synthetic", "folds": {"k": k}, "networks": list(networks), **competition, **settings}
    return Recipe.model_validate(given)


def recipe_of(scheme: dict, **settings) -> Recipe:
    """Return a recipe of another scheme, with a joint network and one for each attribute."""
    names = [attribute["name"] for attribute in scheme["attributes"]]
    networks = [{"name": JOINT, "target": JOINT}, *({"name": f"of-{name}", "target": name} for name in names)]
    return recipe(networks, **{"scheme": scheme, "dataset": {"reader": "table"}, **settings})


@dataclass
class World:
    """Everything the ensemble job reads, drawn from a seed."""

    recipe: Recipe = field(default_factory=recipe)
    n_people: int = 24
    n_eval: int = 10
    accuracy: float = 0.8
    """Share of the images for which a network gives the true class the highest probability."""
    unreadable: Sequence[int] = ()
    """Numbers of evaluation images that cannot be read."""
    ages: Sequence[int] | None = None
    left_out: Sequence[Entry] = ()
    """What was left out of training."""
    seed: int = 0

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.manifest = self._manifest()
        people = sorted(set(self.train["person"]))
        self.folds = pd.DataFrame(
            {"person": people, "fold": np.arange(len(people), dtype=np.int8) % self.recipe.folds.k}
        )
        self.tables = [
            FoldTable(network.name, fold, self._predict(network.target, fold))
            for network in self.recipe.networks
            for fold in range(self.recipe.folds.k)
        ]

    @property
    def train(self) -> pd.DataFrame:
        return self.manifest[self.manifest["part"] == "train"]

    @property
    def evaluation(self) -> pd.DataFrame:
        return self.manifest[self.manifest["part"] == "eval"]

    @property
    def classes(self) -> np.ndarray:
        return self._true(self.train, JOINT)

    def _true(self, table: pd.DataFrame, target: str) -> np.ndarray:
        scheme = self.recipe.scheme
        return scheme.column(scheme.labels(table), target)

    def table(self, network: str, fold: int) -> pd.DataFrame:
        return next(one.table for one in self.tables if (one.network, one.fold) == (network, fold))

    def replaced(self, network: str, fold: int, table: pd.DataFrame) -> list[FoldTable]:
        """Return the tables with one exchanged."""
        return [
            FoldTable(network, fold, table) if (one.network, one.fold) == (network, fold) else one
            for one in self.tables
        ]

    def _manifest(self) -> pd.DataFrame:
        rows = self._competition() if self.recipe.scheme.name == "mask" else self._drawn()
        names = [f"{self.random.integers(2**60):016x}.jpg" for _ in range(self.n_eval)]
        unknown = {attribute.name: attribute.unknown for attribute in self.recipe.scheme.attributes}
        rows += [
            _row(f"eval/images/{name}", "eval", "", name, number not in self.unreadable, **unknown)
            for number, name in enumerate(names)
        ]
        attributes = self.recipe.scheme.attributes
        table = pd.DataFrame(rows)[[*COLUMNS, *(one.name for one in attributes)]].astype(COLUMNS)
        return table.astype({one.name: "float64" if one.is_number else "int16" for one in attributes})

    def _competition(self) -> list[dict]:
        ages = self.ages or self.random.choice([19, 24, 28, 31, 45, 58, 60, 66], size=self.n_people).tolist()
        rows = []
        for number in range(self.n_people):
            gender, age = number % 2, ages[number % len(ages)]
            person = f"{number:06d}_{('male', 'female')[gender]}_Asian_{age}"
            rows += [
                _row(f"train/images/{person}/{name}.jpg", "train", person, name, mask=mask, gender=gender, age=age)
                for name, mask in PHOTOS
            ]
        return rows

    def _drawn(self) -> list[dict]:
        """Return people of all kinds, each with as many photographs as it takes to show every photograph class."""
        scheme = self.recipe.scheme
        n_photos = max((attribute.size for attribute in scheme.of("photograph")), default=1)
        rows = []
        for number in range(self.n_people):
            person = {attribute.name: self._stated(attribute, number) for attribute in scheme.of("person")}
            rows += [
                _row(
                    f"{number:03d}/{photo}.jpg", "train", f"{number:03d}", f"{number:03d}/{photo}.jpg", **person,
                    **{attribute.name: self._stated(attribute, photo) for attribute in scheme.of("photograph")},
                )
                for photo in range(n_photos)
            ]  # fmt: skip
        return rows

    def _stated(self, attribute, number: int) -> float:
        """Return a stated value of class ``number`` modulo the classes; for a number, one within its group."""
        group = number % attribute.size
        if not attribute.is_number:
            return group
        edges = [2 * attribute.bounds[0] - attribute.bounds[-1], *attribute.bounds]
        edges.append(2 * edges[-1] - edges[1])
        return float(np.round(self.random.uniform(edges[group], edges[group + 1] - 0.01), 2))

    def _predict(self, target, fold: int) -> pd.DataFrame:
        held_out = self.train[self.train["person"].map(self.folds.set_index("person")["fold"]) == fold]
        size = self.recipe.scheme.size(target)
        valid = self._probabilities(self._true(held_out, target), size)
        n_eval = len(self.evaluation)
        drawn = self._probabilities(self.random.integers(size, size=n_eval), size)
        names = [*held_out["image"], *self.evaluation["image"]]
        parts = ["valid"] * len(held_out) + ["eval"] * n_eval
        table = pd.DataFrame({"image": names, "part": parts, "fold": np.int8(fold)})
        values = pd.DataFrame(np.concatenate([valid, drawn]).astype(np.float32)).add_prefix("p")
        return pd.concat([table, values], axis=1)

    def _probabilities(self, true: np.ndarray, size: int) -> np.ndarray:
        values = self.random.dirichlet(np.ones(size), size=len(true))
        right = self.random.random(len(true)) < self.accuracy
        favoured = np.where(right, true, (true + self.random.choice([1, size - 1], size=len(true))) % size)
        values[np.arange(len(true)), favoured] += 1.0  # more than any other can have
        return values / 2


def _row(image: str, part: str, person: str, name: str, readable: bool = True, **stated: float) -> dict:
    width, height = (384, 512) if readable else (0, 0)
    return {
        "image": image, "part": part, "person": person, "name": name, **stated, "sha256": "0" * 64,
        "width": width, "height": height, "readable": readable, "corrected": False,
    }  # fmt: skip


def _index(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the crop job's index: every fifth face was found at a closer look, every ninth not at all."""
    number = np.arange(len(manifest))
    status = np.select(
        [~manifest["readable"], number % 9 == 8, number % 5 == 4], ["unreadable", "fallback", "retried"], "detected"
    )
    return pd.DataFrame({"image": manifest["image"], "part": manifest["part"], "row": number, "status": status})


def spec(world: World, workspace: Workspace, scratch, epochs: int = 3) -> EnsembleSpec:
    """Publish a world's tables as the jobs before would, and return the ensemble job's spec."""

    def publish(table: pd.DataFrame, address: str) -> File:
        path = scratch / "table.parquet"
        table.to_parquet(path, index=False)
        return workspace.publish(path, address)

    nothing = File(path="crop/0/none.npy", sha256="0" * 64, size=0)
    counts = np.bincount(world.classes, minlength=world.recipe.scheme.n_classes)
    prepared = PrepareOutcome(
        seconds=1.5,
        manifest=publish(world.manifest, "prepare/0/manifest.parquet"),
        folds=publish(world.folds, "prepare/0/folds.parquet"),
        quarantine=publish(quarantine_table(world.left_out), "prepare/0/quarantine.parquet"),
        dataset_version="d" * 64,
        images_version="i" * 64,
        folds_version="f" * 64,
        eval_version="e" * 64,
        learnt_versions={},
        n_people=world.n_people,
        n_train=len(world.train),
        n_eval=world.n_eval,
        n_quarantined=2,
        n_eval_unreadable=len(world.unreadable),
        n_corrected=0,
        class_counts=tuple(int(count) for count in counts),
    )
    index = publish(_index(world.manifest), "crop/0/index.parquet")
    np.save(scratch / "faces.npy", world.random.integers(256, size=(len(world.manifest), 32, 24, 3), dtype=np.uint8))
    faces = workspace.publish(scratch / "faces.npy", "crop/0/faces.npy")
    cropped = CropOutcome(
        seconds=12.0, faces=faces, portraits=nothing, index=index, n_images=len(world.manifest),
        fallback_share_train=0.021, fallback_share_eval=0.034, images_per_second=14.2,
        face_shares=(FaceShares(group="train", images=120, detected=110, retried=9, fallback=1, unreadable=0),),
    )  # fmt: skip
    trained = tuple(
        _trained(one, publish(_part(one.table, "valid"), f"train_fold/{one.network}-{one.fold}"), nothing, epochs)
        for one in world.tables
    )
    evaluated = []
    for network in world.recipe.networks if world.n_eval else ():
        asked = pd.concat([_part(one.table, "eval") for one in world.tables if one.network == network.name])
        file = publish(asked, f"predict_eval/{network.name}/predictions.parquet")
        speed = {"seconds": 2.0, "images_per_second": 90.0}
        evaluated.append(PredictEvalOutcome(network=network.name, predictions=file, **speed))
    return EnsembleSpec(
        workspace=workspace.uri, recipe=world.recipe, data="/data/faces", fingerprint="p" * 64,
        prepared=prepared, cropped=cropped, trained=trained, evaluated=tuple(evaluated),
        dataset_version="d" * 64, folds_version="f" * 64,
        trained_keys=tuple(f"{number:016x}" for number in range(len(trained))),
    )  # fmt: skip


class Run(NamedTuple):
    """What the report shows."""

    spec: EnsembleSpec
    combination: Combination


def run_of(world: World, folder: Path, epochs: int = 3) -> Run:
    """Publish a world's tables in a folder and combine them."""
    made = spec(world, open_workspace(str(folder / "workspace")), folder, epochs)
    return Run(made, combine(world.recipe, world.manifest, world.folds, world.tables))


def _part(table: pd.DataFrame, part: str) -> pd.DataFrame:
    return table[table["part"] == part]


def _trained(one: FoldTable, predictions: File, weights: File, epochs: int) -> TrainFoldOutcome:
    random = np.random.default_rng(one.fold)
    ceiling = 0.75 + 0.05 * random.random()
    history = tuple(
        EpochRecord(
            epoch=epoch,
            lr=1e-3 * 0.5 * (1 + np.cos(np.pi * (epoch + 1) / epochs)),
            train_loss=2.4 * float(np.exp(-epoch / 3)) + 0.1 * random.random(),
            valid_loss=2.5 * float(np.exp(-epoch / 4)) + 0.2 * random.random(),
            valid_macro_f1=ceiling * (1 - 0.6 * float(np.exp(-epoch / 2))),
            valid_accuracy=ceiling,
            images_per_second=140.0,
        )
        for epoch in range(epochs)
    )
    return TrainFoldOutcome(
        seconds=65.2, network=one.network, fold=one.fold, predictions=predictions, weights=weights,
        best_epoch=epochs - 1, macro_f1=history[-1].valid_macro_f1, accuracy=ceiling, history=history,
        initial_weights="mobilenetv2_035.safetensors (sha256 0123abcd)", device="cpu", amp="off",
        images_per_second=142.0, steps_per_epoch=20,
    )  # fmt: skip
