import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.training.randomness import Position, Purpose
from maskfold.training.sampling import batch_of, epoch_order, images_per_epoch, steps_per_epoch, strata
from tests.training import drawn

CLASSES = st.lists(st.integers(0, 4), min_size=1, max_size=80).map(lambda c: np.array(c, dtype=np.int64))


@given(CLASSES, st.integers(0, 100))
def test_uniform_shows_every_image_once(classes: np.ndarray, seed: int):
    order = epoch_order(np.zeros_like(classes), len(classes), np.random.default_rng(seed))
    assert sorted(order) == list(range(len(classes)))


@given(CLASSES, st.integers(0, 100))
def test_balanced_shows_classes_and_their_images_equally_often(classes: np.ndarray, seed: int):
    order = epoch_order(classes, len(classes), np.random.default_rng(seed))
    assert len(order) == len(classes)
    showings = np.bincount(order, minlength=len(classes))
    shown = [showings[classes == value].sum() for value in np.unique(classes)]
    assert max(shown) - min(shown) <= 1
    for value in np.unique(classes):
        of_class = showings[classes == value]
        assert of_class.max() - of_class.min() <= 1


def test_balanced_mixes_the_classes_over_the_epoch():
    classes = np.repeat([0, 1], [30, 300])
    order = epoch_order(classes, len(classes), np.random.default_rng(0))
    halves = [np.mean(classes[half]) for half in (order[:165], order[165:])]
    assert halves == pytest.approx([0.5, 0.5], abs=0.12)


@pytest.mark.parametrize(("images", "size", "steps"), [(100, 32, 3), (96, 32, 3), (5, 32, 1), (32, 32, 1)])
def test_training_batches_are_full_unless_there_is_only_one(images: int, size: int, steps: int):
    assert steps_per_epoch(images, size) == steps
    order = np.arange(images)
    batches = [batch_of(order, step, size) for step in range(steps)]
    assert {len(batch) for batch in batches} == {min(size, images)}
    assert len(np.unique(np.concatenate(batches))) == steps * min(size, images)


def test_every_image_is_shown_within_a_few_epochs_although_remainders_are_left_out():
    classes = np.zeros(63, dtype=np.int64)
    seen: set[int] = set()
    for epoch in range(20):
        order = epoch_order(classes, 63, Position(0, 0).at(epoch).draws(Purpose.ORDER))
        seen |= set(order[: steps_per_epoch(63, 32) * 32])
    assert len(seen) == 63


CELLS = st.lists(st.integers(0, 17), min_size=1, max_size=90).map(lambda c: np.array(c, dtype=np.int64))


@pytest.mark.parametrize("sampler", ["balanced-cells", "balanced-mask", "balanced-gender", "balanced-age"])
@given(cells=CELLS, seed=st.integers(0, 100), share=st.floats(0.1, 1))
def test_cells_or_an_attribute_are_shown_equally_often(sampler: str, cells: np.ndarray, seed: int, share: float):
    shown = images_per_epoch(len(cells), share)
    found = strata(sampler, cells % 2, drawn.SCHEME.decode(cells), drawn.SCHEME)
    order = epoch_order(found, shown, np.random.default_rng(seed))
    assert len(order) == shown
    value_of = {
        "balanced-cells": lambda cell: cell,
        "balanced-mask": lambda cell: cell // 6,
        "balanced-gender": lambda cell: cell // 3 % 2,
        "balanced-age": lambda cell: cell % 3,
    }[sampler]
    times = {value_of(cell): 0 for cell in cells.tolist()}
    for cell in cells[order].tolist():
        times[value_of(cell)] += 1
    assert max(times.values()) - min(times.values()) <= 1


def test_balanced_is_by_the_targets_class_and_uniform_by_none():
    classes, labels = np.array([0, 1, 1]), drawn.SCHEME.decode([0, 6, 17])
    assert strata("balanced", classes, labels, drawn.SCHEME).tolist() == [0, 1, 1]
    assert strata("balanced-mask", classes, labels, drawn.SCHEME).tolist() == [0, 1, 2]
    assert len(set(strata("uniform", classes, labels, drawn.SCHEME).tolist())) == 1


@given(st.integers(1, 200), st.floats(0.01, 1), st.integers(0, 100))
def test_a_fraction_shows_that_many_different_images(count: int, fraction: float, seed: int):
    shown = images_per_epoch(count, fraction)
    assert shown == max(1, round(count * fraction))
    order = epoch_order(np.zeros(count, dtype=np.int64), shown, np.random.default_rng(seed))
    assert len(set(order.tolist())) == shown


def test_a_fraction_shows_other_images_each_epoch():
    strata_ = np.zeros(100, dtype=np.int64)
    epochs = [epoch_order(strata_, 20, Position(0, 0).at(epoch).draws(Purpose.ORDER)) for epoch in range(30)]
    assert len(set(np.concatenate(epochs).tolist())) == 100


def test_unknown_is_one_more_class_of_an_attribute():
    labels = np.array([[0, 0, 0], [2, 1, 2], [-1, 1, -1], [-1, 0, -1], [1, -1, -1]])
    for place, name in enumerate(drawn.SCHEME.names):
        found = strata(f"balanced-{name}", labels[:, 0], labels, drawn.SCHEME)
        assert found.tolist() == labels[:, place].tolist()
    assert len(set(strata("balanced-cells", labels[:, 0], labels, drawn.SCHEME).tolist())) == 5


@pytest.mark.parametrize("sampler", ["uniform", "balanced", "balanced-cells", "balanced-gender", "balanced-age"])
def test_images_of_which_little_is_known_are_shown_by_every_sampler(sampler: str):
    known = drawn.SCHEME.decode(np.arange(18).repeat(10))
    labels = np.concatenate([known, [[-1, number % 2, -1] for number in range(60)]])
    found = strata(sampler, labels[:, 1], labels, drawn.SCHEME)
    order = epoch_order(found, len(labels), np.random.default_rng(0))
    shown = int((order >= len(known)).sum())
    # Uniform, and balanced by the gender that is known of all: their share. Else one stratum of four, or two of twenty.
    expected = {"balanced-cells": 24, "balanced-age": 60}.get(sampler, 60)
    assert shown == pytest.approx(expected, abs=2 if sampler != "balanced" else 12)
