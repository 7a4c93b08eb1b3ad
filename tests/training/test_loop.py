import logging
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from maskfold.errors import CancelledError, RecipeError
from maskfold.recipe import Network
from maskfold.specs import EpochRecord
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.data import split
from maskfold.training.images import Images
from maskfold.training.loop import Fit, Loop, Services
from maskfold.training.randomness import Position, Purpose
from tests.training import drawn


class Notes:
    """A recorder that keeps its records, and a request to stop at the n-th check."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.records: list[EpochRecord] = []
        self.shown: list[tuple[int, int]] = []
        self.looks = 0
        self._stop_at = stop_at

    def epoch(self, record: EpochRecord) -> None:
        self.records.append(record)

    def stopping(self) -> bool:
        self.looks += 1
        return self._stop_at is not None and self.looks >= self._stop_at

    def progress(self, done: int, total: int, unit: str = "", **fields: float | int | str) -> None:
        self.shown.append((done, total))


def train(
    folder: Path,
    network: Network,
    stop_at: int | None = None,
    checkpoint_seconds: float = 600,
    whole: bool | None = None,
) -> tuple[Fit, dict[str, torch.Tensor], np.ndarray, Notes]:
    """Train in a folder that may hold checkpoints of an earlier call."""
    folder.mkdir(exist_ok=True)
    data, pixels = drawn.fold_data(network.target)
    checkpoints = Checkpoints(drawn.workspace(folder), "checkpoint", folder, logging.getLogger("test"))
    notes = Notes(stop_at)
    learner = drawn.learner(network)
    services = Services(checkpoints, notes, notes.stopping, notes.progress, checkpoint_seconds)
    pack = Images(pixels, learner.device, whole)
    loop = Loop(learner, pack, data, Position(network.seed, 0), services)
    fit = loop.fit()
    return fit, learner.snapshot(), fit.kept.probabilities, notes


def quiet(folder: Path) -> Services:
    notes = Notes()
    checkpoints = Checkpoints(drawn.workspace(folder), "checkpoint", folder, logging.getLogger("test"))
    return Services(checkpoints, notes, notes.stopping, notes.progress)


RICH = drawn.network(
    epochs=3,
    backbone_args={"drop_rate": 0.2},
    augmentation={"jitter": "all", "erasing": 0.5},
    cutmix={"p": 0.5},
    sampler="balanced",
    schedule={"name": "cyclic", "min_lr": 1e-4, "up_epochs": 1, "down_epochs": 1},
    covering={"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect", "p": 0.7, "recolour": 0.5},
)


def assert_equal_trainings(first: tuple, second: tuple) -> None:
    """Weights, predictions and history are equal to the last bit; only speeds may differ."""
    for one, other in zip((first[1], first[0].kept.model), (second[1], second[0].kept.model), strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert np.array_equal(first[2], second[2])
    assert np.array_equal(first[0].kept.probabilities, second[0].kept.probabilities)
    histories = [
        [record.model_copy(update={"images_per_second": 0.0}) for record in one[0].history] for one in (first, second)
    ]
    assert histories[0] == histories[1]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    return train(tmp_path_factory.mktemp("whole"), RICH)


def test_it_learns_what_is_in_the_pictures(tmp_path: Path):
    fit, *_, notes = train(tmp_path, drawn.network(epochs=8))
    assert fit.kept_record.valid_macro_f1 > 0.9
    assert fit.history[-1].train_loss < fit.history[0].train_loss
    assert list(fit.history) == notes.records
    assert [record.epoch for record in fit.history] == list(range(8))
    assert notes.shown[-1][0] == notes.shown[-1][1]


def test_the_same_training_gives_the_same_bits(tmp_path: Path, uninterrupted: tuple):
    assert_equal_trainings(train(tmp_path, RICH), uninterrupted)


def test_a_pack_held_whole_trains_the_same_bits(tmp_path: Path, uninterrupted: tuple):
    assert_equal_trainings(train(tmp_path, RICH, whole=True), uninterrupted)


def test_a_training_stopped_anywhere_goes_on_bit_for_bit(tmp_path: Path, uninterrupted: tuple):
    looks = uninterrupted[3].looks
    assert looks > 15
    for stop_at in range(1, looks + 1, 2):  # before steps, within validations, while predicting at the end
        folder = tmp_path / str(stop_at)
        with pytest.raises(CancelledError):
            train(folder, RICH, stop_at)
        resumed = train(folder, RICH)
        assert_equal_trainings(resumed, uninterrupted)
        assert resumed[0].resumed_from_epoch is not None


def test_a_training_stopped_again_and_again_still_ends_the_same(tmp_path: Path, uninterrupted: tuple):
    for _ in range(30):
        try:
            found = train(tmp_path, RICH, stop_at=5)  # validation takes three looks, so it can get through
        except CancelledError:
            continue
        assert_equal_trainings(found, uninterrupted)
        return
    pytest.fail("never came to an end")


def test_long_epochs_are_checkpointed_between_steps(tmp_path: Path, uninterrupted: tuple):
    assert_equal_trainings(train(tmp_path, RICH, checkpoint_seconds=0), uninterrupted)


def test_a_damaged_newest_checkpoint_costs_one_epoch_and_no_bits(tmp_path: Path, uninterrupted: tuple):
    with pytest.raises(CancelledError):
        train(tmp_path, RICH, stop_at=uninterrupted[3].looks - 2)
    newest = sorted((tmp_path / "workspace" / "checkpoint").glob("*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    resumed = train(tmp_path, RICH)
    assert_equal_trainings(resumed, uninterrupted)


def test_the_best_epoch_is_kept_and_its_weights_predict(tmp_path: Path):
    network = drawn.network(epochs=6, optimizer={"name": "adam", "lr": 0.02}, schedule={"name": "constant"})
    fit, weights, _, _ = train(tmp_path, network)
    scores = [record.valid_macro_f1 for record in fit.history]
    assert fit.kept.epoch == scores.index(max(scores))
    data, pixels = drawn.fold_data(network.target)
    learner = drawn.learner(network)
    learner.load_snapshot(weights)
    again = learner.probabilities(drawn.images(pixels), data.valid.rows)
    assert np.array_equal(again, fit.kept.probabilities)


def test_the_last_epoch_is_kept_when_asked(tmp_path: Path):
    fit, *_ = train(tmp_path, drawn.network(epochs=3, keep="last"))
    assert fit.kept.epoch == 2


def test_a_diverged_training_says_what_to_change(tmp_path: Path):
    network = drawn.network(optimizer={"name": "adam", "lr": 1e30}, schedule={"name": "constant"})
    with pytest.raises(
        RecipeError, match=r"networks.tiny: training diverged in epoch 1 .* Lower optimizer.lr \(1e\+30\)"
    ):
        train(tmp_path, network)


def test_the_recorded_rate_is_that_of_the_epochs_last_step(tmp_path: Path):
    fit, *_ = train(tmp_path, drawn.network(epochs=2, schedule={"name": "cosine", "min_lr": 0}))
    steps = 36 // 8 * 2
    expected = [0.003 * (1 + math.cos(math.pi * (steps * (e + 1) // 2 - 1) / steps)) / 2 for e in range(2)]
    assert [record.lr for record in fit.history] == pytest.approx(expected)


def test_samples_are_what_the_first_epoch_learns_from(tmp_path: Path):
    plain = drawn.network(augmentation={"flip": 0.0})
    data, pixels = drawn.fold_data(plain.target)
    place, services = Position(plain.seed, 0), quiet(tmp_path)
    shown = Loop(drawn.learner(plain), drawn.images(pixels), data, place, services).samples(12)
    order = place.at(0).draws(Purpose.ORDER).permutation(len(data.train))
    assert np.array_equal(shown, pixels[data.train.rows[order[:12]]])
    changed = drawn.network(augmentation="strong", cutmix={"p": 1.0})
    loop = Loop(drawn.learner(changed), drawn.images(pixels), data, place, services)
    first = loop.samples(12)
    assert not np.array_equal(first, shown)
    assert np.array_equal(loop.samples(12), first)


def test_without_anybody_to_judge_the_last_epoch_is_kept(tmp_path: Path):
    manifest, folds, index = drawn.tables()
    network = drawn.network(keep="last", epochs=3)
    data = split(manifest, folds, index, None, network, drawn.SCHEME)
    learner = drawn.learner(network)
    fit = Loop(learner, drawn.images(drawn.pack(manifest)), data, Position(network.seed, 0), quiet(tmp_path)).fit()
    assert fit.kept.epoch == 2
    assert [record.valid_loss for record in fit.history] == [None] * 3
    assert fit.history[-1].train_loss < fit.history[0].train_loss
