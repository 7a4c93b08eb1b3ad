"""Targets that are shares of several classes: a normal distribution around the number of each image."""

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from maskfold.errors import CancelledError
from maskfold.recipe import Loss, Network
from maskfold.training.binning import merged
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.class_weights import class_weights
from maskfold.training.data import FoldData, split
from maskfold.training.learner import Learner
from maskfold.training.loop import Fit, Loop, Services
from maskfold.training.losses import class_values, expectation_loss, make_loss
from maskfold.training.randomness import Position
from maskfold.training.sampling import strata
from maskfold.training.targets import centres, label_distribution
from tests.training import drawn
from tests.training.test_loop import Notes

YEARS = st.lists(st.integers(0, 120), min_size=1, max_size=20)
NUMBERS = st.lists(st.floats(0, 120).filter(lambda one: one % 1 > 0.01), min_size=1, max_size=20)
BOUNDS = st.sets(st.integers(1, 119), min_size=1, max_size=12).map(sorted)


@given(NUMBERS, BOUNDS, st.floats(0.1, 40))
def test_shares_are_the_integral_of_the_density_over_each_bin(numbers: list[float], bounds: list[int], spread: float):
    found = label_distribution(numbers, bounds, spread)
    edges = [-np.inf, *bounds, np.inf]
    for number, row in zip(numbers, found, strict=True):
        one = norm(loc=number, scale=spread)
        expected = [one.cdf(high) - one.cdf(low) for low, high in pairwise(edges)]
        assert row == pytest.approx(expected, abs=1e-12)


@given(YEARS, BOUNDS, st.floats(0.01, 1000))
def test_shares_sum_to_one_and_none_is_negative(years: list[int], bounds: list[int], spread: float):
    found = label_distribution(years, bounds, spread)
    assert found.shape == (len(years), len(bounds) + 1)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(years)), abs=1e-12)


@given(YEARS, BOUNDS)
def test_a_small_spread_leaves_the_bin_of_the_number_alone(years: list[int], bounds: list[int]):
    found = label_distribution(years, bounds, 1e-3)
    assert found == pytest.approx(np.eye(len(bounds) + 1)[np.digitize(years, bounds)], abs=1e-12)


@given(st.integers(1, 119), st.integers(0, 20), st.floats(0.5, 20))
def test_numbers_on_both_sides_of_a_bound_are_equally_far_from_it(bound: int, away: int, spread: float):
    below, above = label_distribution([bound - 1 - away, bound + away], [bound], spread)
    assert below == pytest.approx(above[::-1], abs=1e-12)


def test_middles_of_open_bins_are_as_far_out_as_their_neighbours_are_wide():
    assert centres([30, 40, 60]).tolist() == [25, 35, 50, 70]
    assert centres([30]).tolist() == [29.5, 30.5]


def learning(**settings: object) -> Network:
    return drawn.network(**{"target": "age", "binning": {"age": {"step": 10, "spread": 5}}, **settings})


def fold_of(network: Network) -> tuple[FoldData, np.ndarray]:
    manifest, folds, index = drawn.tables()
    return split(manifest, folds, index, 0, network, drawn.SCHEME), drawn.pack(manifest)


def ages_of(fold: FoldData) -> np.ndarray:
    return drawn.tables()[0].set_index("image")["age"][fold.train.images].to_numpy()


def test_steps_make_bins_of_equal_width_and_keep_the_bounds_of_the_groups():
    def bounds(scheme: str, **binning: float) -> list[float]:
        network = learning(binning={"age": binning})
        return list(network.taught(drawn.scheme(scheme))["age"].bounds)

    assert bounds("labels.age_bounds=[30, 60]", step=20) == [20, 30, 40, 60, 80, 100, 120]
    assert bounds("labels.age_bounds=[33, 60]", step=30) == [30, 33, 60, 90, 120]
    assert bounds("labels.train_age_bounds=[30, 58]", step=50) == [30, 50, 58, 100]
    assert bounds("labels.age_bounds=[30, 60]", spread=4) == [30, 60]


def test_targets_come_from_the_numbers_and_classes_are_the_groups():
    fold, _ = fold_of(learning())
    years, train = ages_of(fold), fold.train
    assert set(years) == set(drawn.AGES)
    assert train.targets is not None
    found = train.targets.of(np.arange(len(train)))
    bounds = np.arange(10, 121, 10)
    expected = norm.cdf(np.append(bounds, np.inf), years[:, None] + 0.5, 5) - norm.cdf(
        np.append(-np.inf, bounds), years[:, None] + 0.5, 5
    )
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-6)
    assert train.classes.tolist() == np.digitize(years, [30, 60]).tolist()
    assert fold.class_counts.tolist() == np.bincount(train.classes).tolist()
    assert fold.valid.targets is None


@given(st.lists(st.integers(0, 35), max_size=8))
def test_joint_targets_are_the_products_of_the_attributes(positions: list[int]):
    fold, _ = fold_of(learning(target="joint"))
    assert fold.train.targets is not None
    found = fold.train.targets.of(np.array(positions, dtype=np.int64))
    cube = found.reshape(len(positions), 3, 2, 13)
    chosen = np.array(positions, dtype=np.int64)
    labels = fold.train.labels[chosen]
    years = label_distribution(ages_of(fold)[chosen].tolist() or [0], range(10, 121, 10), 5)
    for row, (mask, gender, _), expected in zip(cube, labels, years, strict=False):
        assert row[mask, gender] == pytest.approx(expected, abs=1e-6)
        assert row.sum() == pytest.approx(1, abs=1e-6)


def test_a_spread_of_another_attribute_changes_nothing():
    fold, _ = fold_of(learning(target="mask"))
    assert fold.train.targets is None
    assert len(fold.class_counts) == 3


def test_samplers_and_class_weights_go_by_groups():
    fold, _ = fold_of(learning())
    assert len(np.unique(strata("balanced", fold.train.classes, fold.train.labels, drawn.SCHEME))) == 3
    loss, counts = Loss(class_weights="inverse-frequency"), np.array([10, 40, 25])
    weights = torch.from_numpy(class_weights(loss, counts)[fold.counted]).float()
    logits, targets = torch.randn(5, 13), torch.rand(5, 13)
    expected = -(weights * targets * logits.log_softmax(dim=1)).sum(dim=1).mean()
    found = make_loss(loss, counts=counts, counted=fold.counted)(logits, targets)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_expectation_loss_is_the_distance_of_the_means():
    taught = learning().taught(drawn.SCHEME)
    middles = np.arange(5, 126, 10)
    assert class_values(taught, "age")[:, 0].tolist() == middles.tolist()
    assert class_values(taught, "joint")[:, 0].tolist() == np.tile(middles, 6).tolist()
    logits, targets = torch.randn(7, 13), torch.rand(7, 13).softmax(dim=1)
    means = (logits.softmax(dim=1).numpy() * middles).sum(axis=1), (targets.numpy() * middles).sum(axis=1)
    found = make_loss(Loss(name="expectation"), taught, "age")(logits, targets)
    assert found.item() == pytest.approx(np.abs(means[0] - means[1]).mean(), rel=1e-4)
    assert expectation_loss(targets.log(), targets, torch.randn(13, 1)).item() == pytest.approx(0, abs=1e-5)


def test_losses_of_ordered_classes_need_the_scheme():
    with pytest.raises(ValueError, match="expectation needs the scheme"):
        make_loss(Loss(name="expectation"))


def train(folder: Path, network: Network, stop_at: int | None = None) -> tuple[Fit, Loop, dict[str, torch.Tensor]]:
    fold, pixels = fold_of(network)
    backbone = drawn.build(network, Position(0, 0), drawn.SIZE)
    taught, device = network.taught(drawn.SCHEME), torch.device("cpu")
    learner = Learner(network, taught, backbone, device, fold.class_counts, fold.counted)
    folder.mkdir(exist_ok=True)
    checkpoints = Checkpoints(drawn.workspace(folder), "checkpoint", folder, logging.getLogger("test"))
    notes = Notes(stop_at)
    services = Services(checkpoints, notes, notes.stopping, notes.progress)
    loop = Loop(learner, drawn.images(pixels), fold, Position(0, 0), services)
    return loop.fit(), loop, learner.snapshot()


EXPECTED = {"name": "mixture", "parts": ["cross-entropy", {"name": "expectation", "weight": 0.1}]}


@pytest.mark.parametrize("loss", ["cross-entropy", EXPECTED, {"class_weights": "inverse-frequency"}])
def test_distributions_are_learnt_and_groups_come_out(tmp_path: Path, loss: object):
    fit, loop, _ = train(tmp_path, learning(epochs=12, loss=loss, cutmix={"p": 0.3}, optimizer={"lr": 0.01}))
    assert fit.kept.probabilities.shape[1] == 3
    assert fit.kept.probabilities.sum(axis=1) == pytest.approx(np.ones(18), abs=1e-5)
    assert fit.kept_record.valid_macro_f1 is not None
    assert fit.kept_record.valid_macro_f1 > 0.8
    assert loop.samples(4).shape == (4, *drawn.SIZE, 3)


def test_an_interrupted_training_ends_the_same(tmp_path: Path):
    network = learning(cutmix={"p": 0.5}, sampler="balanced")
    straight = train(tmp_path / "straight", network)
    with pytest.raises(CancelledError):
        train(tmp_path / "stopped", network, stop_at=5)
    again = train(tmp_path / "stopped", network)
    assert np.array_equal(straight[0].kept.probabilities, again[0].kept.probabilities)
    assert all(torch.equal(value, again[2][name]) for name, value in straight[2].items())


def test_external_numbers_have_their_own_shares():
    manifest, folds, index = drawn.tables()
    added = {"image": "external/0/a.jpg", "part": "external", "person": "", "mask": -1, "gender": -1, "age": 58.0}
    more = pd.concat([manifest, pd.DataFrame([added])], ignore_index=True)
    places = pd.concat([index, pd.DataFrame([{"image": added["image"], "row": len(index), "status": "detected"}])])
    fold = split(more, folds, places, 0, learning(), drawn.SCHEME)
    assert fold.train.targets is not None
    last = fold.train.targets.of(np.array([len(fold.train) - 1]))
    assert merged(last, fold.counted)[0, 1:].tolist() == pytest.approx(
        [norm.cdf(60, 58.5, 5) - norm.cdf(30, 58.5, 5), norm.sf(60, 58.5, 5)], abs=1e-6
    )
