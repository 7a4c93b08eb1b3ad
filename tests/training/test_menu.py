"""Whole steps and whole trainings with settings that affect several modules."""

import io
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from maskfold.recipe import Network
from maskfold.training import artifacts
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.data import FoldData, split
from maskfold.training.learner import Learner
from maskfold.training.loop import Fit, Loop, Services
from maskfold.training.randomness import Position
from tests.training import drawn

MIXTURE = {
    "name": "mixture",
    "parts": [{"name": "cross-entropy", "class_weights": "effective-number"}, {"name": "soft-f1", "weight": 0.5}],
}
MENU = {
    "weighted": {"loss": {"class_weights": "inverse-frequency"}, "sampler": "balanced-cells"},
    "symmetric": {"loss": {"name": "symmetric", "alpha": 1}, "optimizer": {"name": "sgd", "lr": 0.01, "clip_norm": 5}},
    "mixture": {"loss": MIXTURE, "cutmix": {"p": 0.3, "shape": "half"}, "mixup": {"p": 0.3, "partners": "other-class"}},
    "fine ages": {
        "target": "joint",
        "loss": {"name": "neighbour-smoothing"},
        "binning": {"age": {"bins": [20, 30, 45, 60], "leave_out": [[58, 59]]}},
        "optimizer": {"lr": 0.003, "layer_decay": 0.8, "decay_norms": False, "weight_decay": 0.05, "clip_norm": 1},
        "schedule": {"name": "one-cycle"},
    },
}


class Quiet:
    """A recorder and progress that keep nothing."""

    def epoch(self, record: object) -> None:
        """Take a record."""

    def progress(self, done: int, total: int, unit: str = "", **fields: object) -> None:
        """Take where the training is."""


def fold_of(network: Network) -> tuple[FoldData, np.ndarray]:
    manifest, folds, index = drawn.tables()
    fold = split(manifest, folds, index, 0, network, drawn.SCHEME)
    return fold, drawn.pack(manifest)


def learner_of(network: Network, fold: FoldData) -> Learner:
    return drawn.learner(network, counts=fold.class_counts)


def train(folder: Path, network: Network, fold: FoldData, pixels: np.ndarray, learner: Learner) -> tuple[Fit, Loop]:
    checkpoints = Checkpoints(drawn.workspace(folder), "checkpoint", folder, logging.getLogger("test"))
    services = Services(checkpoints, Quiet(), lambda: False, Quiet().progress)
    loop = Loop(learner, drawn.images(pixels), fold, Position(network.seed, 0), services)
    return loop.fit(), loop


@pytest.mark.parametrize("name", MENU)
def test_steps_learn_with_everything_on_the_menu(name: str):
    network = drawn.network(**MENU[name])
    fold, pixels = fold_of(network)
    learner = learner_of(network, fold)
    images = drawn.images(pixels).batch(fold.train.rows)
    losses = [
        learner.step(images, fold.train.classes, Position(0, 0).at(0, step), network.optimizer.lr).item()
        for step in range(30)
    ]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:3])


@pytest.mark.parametrize("name", MENU)
def test_a_restored_state_goes_on_bit_for_bit(name: str):
    network = drawn.network(**MENU[name])
    fold, pixels = fold_of(network)
    first, second = (learner_of(network.model_copy(update={"seed": seed}), fold) for seed in (0, 9))
    images = drawn.images(pixels).batch(fold.train.rows)

    def steps(learner: Learner, numbers: range) -> None:
        for step in numbers:
            learner.step(images, fold.train.classes, Position(0, 0).at(0, step), 0.002)

    steps(first, range(3))
    buffer = io.BytesIO()
    torch.save(first.state(), buffer)
    buffer.seek(0)
    second.restore(torch.load(buffer, weights_only=True))
    steps(first, range(3, 5))
    steps(second, range(3, 5))
    one, other = first.snapshot(), second.snapshot()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_fine_bins_are_trained_and_three_groups_come_out(tmp_path: Path):
    network = drawn.network(
        target="age",
        epochs=12,
        binning={"age": {"bins": [20, 30, 40, 50, 60]}},
        optimizer={"name": "adamw", "lr": 0.01},
    )
    fold, pixels = fold_of(network)
    learner = learner_of(network, fold)
    fit, _ = train(tmp_path, network, fold, pixels, learner)
    assert learner.classes == 6
    assert fit.kept.probabilities.shape == (len(fold.valid), 3)
    assert fit.kept_record.valid_macro_f1 > 0.8
    table = pd.read_parquet(artifacts.save_predictions(tmp_path, fold.valid, 0, fit.kept.probabilities))
    assert [column for column in table if column.startswith("p")] == ["part", "p0", "p1", "p2"]
    assert table[["p0", "p1", "p2"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)), abs=1e-5)


def test_a_fraction_of_the_data_makes_shorter_epochs(tmp_path: Path):
    network = drawn.network(epochs=1, epoch_fraction=0.5, batch_size=4)
    fold, pixels = fold_of(network)
    learner = learner_of(network, fold)
    shown: list[int] = []
    step = learner.step
    learner.step = lambda images, classes, *rest: (shown.append(len(classes)), step(images, classes, *rest))[1]  # type: ignore[method-assign]
    train(tmp_path, network, fold, pixels, learner)
    assert len(fold.train) == 36
    assert shown == [4] * 4  # 18 images; the last 2 do not fill a batch


def test_attribute_strata_reach_the_epochs(tmp_path: Path):
    network = drawn.network(target="mask", epochs=1, sampler="balanced-age", batch_size=12)
    fold, pixels = fold_of(network)
    old = fold.train.labels[:, 2] == 2
    kept = np.flatnonzero(~old | (np.cumsum(old) <= 3))  # 3 photographs of the old, 24 of the others
    scarce = type(fold.train)(*(getattr(fold.train, name)[kept] for name in ("images", "rows", "classes", "labels")))
    fold = replace(fold, train=scarce)
    learner = learner_of(network, fold)
    seen: list[np.ndarray] = []
    images = drawn.images(pixels)
    batch = images.batch
    images.batch = lambda rows: (seen.append(rows), batch(rows))[1]  # type: ignore[method-assign]
    services = Services(
        Checkpoints(drawn.workspace(tmp_path), "checkpoint", tmp_path, logging.getLogger("test")),
        Quiet(),
        lambda: False,
        Quiet().progress,
    )
    Loop(learner, images, fold, Position(0, 0), services).fit()
    group = dict(zip(scarce.rows.tolist(), scarce.labels[:, 2].tolist(), strict=True))
    trained = [group[row] for rows in seen[:2] for row in rows.tolist()]
    assert len(scarce) == 27
    assert np.bincount(trained, minlength=3) == pytest.approx([8, 8, 8], abs=3)
