"""A finished run without its training: manifest, folds and predictions of networks of a known accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from maskfold.dataset.manifest import ImageRow, manifest_table
from maskfold.dataset.quarantine import Entry, quarantine_table
from maskfold.ensemble.combination import FoldTable
from maskfold.labels import TARGET_SIZES, age_group, encode, target_classes
from maskfold.recipe import Recipe
from maskfold.specs import (
    CropOutcome,
    EnsembleSpec,
    EpochRecord,
    FaceShares,
    File,
    PrepareOutcome,
    TrainFoldOutcome,
)
from maskfold.storage import Workspace

PHOTOS = (("incorrect_mask", 1), *((f"mask{number}", 0) for number in range(1, 6)), ("normal", 2))
NETWORKS = (
    {"name": "joint", "target": "joint"},
    {"name": "mask", "target": "mask"},
    {"name": "gender", "target": "gender"},
    {"name": "age", "target": "age", "input": "portrait"},
)


def recipe(networks: Sequence[dict] = NETWORKS, k: int = 3, **settings) -> Recipe:
    return Recipe.model_validate({"name": "synthetic", "folds": {"k": k}, "networks": list(networks), **settings})


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
        groups = age_group(self.train["age"], self.recipe.labels.age_bounds)
        return encode(self.train["mask"], self.train["gender"], groups)

    def table(self, network: str, fold: int) -> pd.DataFrame:
        return next(one.table for one in self.tables if (one.network, one.fold) == (network, fold))

    def replaced(self, network: str, fold: int, table: pd.DataFrame) -> list[FoldTable]:
        """Return the tables with one exchanged."""
        return [
            FoldTable(network, fold, table) if (one.network, one.fold) == (network, fold) else one
            for one in self.tables
        ]

    def _manifest(self) -> pd.DataFrame:
        ages = self.ages or self.random.choice([19, 24, 28, 31, 45, 58, 60, 66], size=self.n_people).tolist()
        train = []
        for number in range(self.n_people):
            gender, age = number % 2, ages[number % len(ages)]
            person = f"{number:06d}_{('male', 'female')[gender]}_Asian_{age}"
            train += [
                _row(f"train/images/{person}/{name}.jpg", "train", person, name, mask, gender, age)
                for name, mask in PHOTOS
            ]
        names = [f"{self.random.integers(2**60):016x}.jpg" for _ in range(self.n_eval)]
        evaluation = [
            _row(f"eval/images/{name}", "eval", "", name, -1, -1, -1, readable=number not in self.unreadable)
            for number, name in enumerate(names)
        ]
        return manifest_table(train, evaluation)

    def _predict(self, target, fold: int) -> pd.DataFrame:
        held_out = self.train[self.train["person"].map(self.folds.set_index("person")["fold"]) == fold]
        groups = age_group(held_out["age"], self.recipe.labels.age_bounds)
        true = target_classes(target, held_out["mask"], held_out["gender"], groups)
        valid = self._probabilities(true, TARGET_SIZES[target])
        n_eval = len(self.evaluation)
        drawn = self._probabilities(self.random.integers(TARGET_SIZES[target], size=n_eval), TARGET_SIZES[target])
        names = [*held_out["image"], *self.evaluation["image"]]
        parts = ["valid"] * len(held_out) + ["eval"] * n_eval
        table = pd.DataFrame({"image": names, "part": parts, "fold": np.int8(fold)})
        values = np.concatenate([valid, drawn]).astype(np.float32)
        return table.assign(**{f"p{number}": column for number, column in enumerate(values.T)})

    def _probabilities(self, true: np.ndarray, size: int) -> np.ndarray:
        values = self.random.dirichlet(np.ones(size), size=len(true))
        right = self.random.random(len(true)) < self.accuracy
        favoured = np.where(right, true, (true + self.random.choice([1, size - 1], size=len(true))) % size)
        values[np.arange(len(true)), favoured] += 1.0  # more than any other can have
        return values / 2


def _row(image, part, person, name, mask, gender, age, readable=True) -> ImageRow:
    width, height = (384, 512) if readable else (0, 0)
    return ImageRow(image, part, person, name, mask, gender, age, "0" * 64, width, height, readable, corrected=False)


def spec(world: World, workspace: Workspace, scratch, epochs: int = 3) -> EnsembleSpec:
    """Publish a world's tables as the jobs before would, and return the ensemble job's spec."""

    def publish(table: pd.DataFrame, address: str) -> File:
        path = scratch / "table.parquet"
        table.to_parquet(path, index=False)
        return workspace.publish(path, address)

    nothing = File(path="crop/0/none.npy", sha256="0" * 64, size=0)
    counts = np.bincount(world.classes, minlength=18)
    prepared = PrepareOutcome(
        seconds=1.5,
        manifest=publish(world.manifest, "prepare/0/manifest.parquet"),
        folds=publish(world.folds, "prepare/0/folds.parquet"),
        quarantine=publish(quarantine_table(world.left_out), "prepare/0/quarantine.parquet"),
        dataset_version="d" * 64,
        images_version="i" * 64,
        folds_version="f" * 64,
        n_people=world.n_people,
        n_train=len(world.train),
        n_eval=world.n_eval,
        n_quarantined=2,
        n_eval_unreadable=len(world.unreadable),
        n_corrected=0,
        class_counts=tuple(int(count) for count in counts),
    )
    cropped = CropOutcome(
        seconds=12.0, faces=nothing, portraits=nothing, index=nothing, n_images=len(world.manifest),
        fallback_share_train=0.021, fallback_share_eval=0.034, images_per_second=14.2,
        groups=(
            FaceShares(group="train, mask wear", images=120, detected=110, retried=9, fallback=1, unreadable=0),
            FaceShares(group="eval", images=world.n_eval, detected=9, retried=0, fallback=0, unreadable=1),
        ),
    )  # fmt: skip
    trained = tuple(
        _trained(one, publish(one.table, f"train_fold/{one.network}-{one.fold}/predictions.parquet"), nothing, epochs)
        for one in world.tables
    )
    return EnsembleSpec(
        workspace=workspace.uri, recipe=world.recipe, data="/data/faces", fingerprint="p" * 64,
        prepared=prepared, cropped=cropped, trained=trained, dataset_version="d" * 64, folds_version="f" * 64,
        trained_keys=tuple(f"{number:016x}" for number in range(len(trained))),
    )  # fmt: skip


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
