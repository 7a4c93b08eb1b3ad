"""External images of which only some attributes are known, in the training of a joint network."""

import logging
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from maskfold.recipe import Network
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.data import FoldData, split
from maskfold.training.learner import Learner
from maskfold.training.loop import Loop, Services
from maskfold.training.losses import make_loss
from maskfold.training.marginal_loss import of_blocks
from maskfold.training.randomness import Position
from maskfold.training.sampling import strata
from maskfold.training.targets import Targets
from tests.training import drawn
from tests.training.test_data import EXTERNAL, with_external
from tests.training.test_loop import Notes

SIZES = (3, 2, 3)
BLOCKS = ((0, 1, 2), (0,), (0, 2), (1,))
KNOWN = st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6)


def joint(**settings: object) -> Network:
    return drawn.network(target="joint", partial_labels=True, **settings)


def fold_of(network: Network) -> FoldData:
    return split(*with_external(), 0, network, drawn.SCHEME)


def pack() -> np.ndarray:
    """Draw the pictures; where something is not known, any."""
    return drawn.pack(with_external()[0].fillna({"age": 45}).replace({"mask": {-1: 0}, "gender": {-1: 0}}))


def learner_of(network: Network, fold: FoldData) -> Learner:
    assert fold.train.targets is not None
    backbone = drawn.build(network, Position(0, 0), drawn.SIZE)
    given = (fold.class_counts, fold.counted, fold.train.targets.blocks)
    return Learner(network, network.taught(drawn.SCHEME), backbone, torch.device("cpu"), *given)


def drawn_targets(known: list[tuple[int, ...]], classes: np.ndarray) -> Targets:
    members = [np.zeros((len(known), size), dtype=np.float32) for size in SIZES]
    for row, block in enumerate(known):
        for place in block:
            members[place][row, classes[row, place]] = 1
    return Targets(tuple(members))


@given(KNOWN, st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_the_loss_is_that_of_the_sum_over_all_classes_that_agree(known: list[tuple[int, ...]], seed: int, share: float):
    draws = np.random.default_rng(seed)
    classes = np.stack([draws.integers(size, size=len(known)) for size in SIZES], axis=1)
    logits = torch.from_numpy(draws.normal(size=(len(known), 18)) * 3).float()
    targets = drawn_targets(known, classes)
    rows = torch.from_numpy(targets.of(np.arange(len(known))))
    assert rows.sum(dim=1).tolist() == pytest.approx([1] * len(known))
    mixed = torch.lerp(rows, rows.flip(0), share)
    p = logits.double().softmax(dim=1).numpy().reshape(-1, *SIZES)

    def likelihood(image: int, label: int) -> float:
        agree = [
            place
            for place in product(*map(range, SIZES))
            if all(place[one] == classes[label, one] for one in known[label])
        ]
        return float(np.log(sum(p[(image, *place)] for place in agree)))

    expected = np.mean(
        [
            -(1 - share) * likelihood(row, row) - share * likelihood(row, len(known) - 1 - row)
            for row in range(len(known))
        ]
    )
    loss = of_blocks(F.cross_entropy, SIZES, targets.blocks)
    assert loss(logits, mixed).item() == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_where_everything_is_known_the_loss_is_the_usual_one():
    fold = split(*drawn.tables(), 0, joint(), drawn.SCHEME)
    usual = split(*drawn.tables(), 0, drawn.network(target="joint"), drawn.SCHEME)
    assert fold.train.targets is None
    assert fold.train.classes.tolist() == usual.train.classes.tolist()


def test_images_with_any_known_attribute_take_part():
    fold, train = fold_of(joint()), fold_of(joint()).train
    names = [image.rpartition("/")[2] for image in train.images if image.startswith("external/")]
    assert names == list(EXTERNAL)
    assert train.targets is not None
    assert train.targets.blocks == ((0, 1, 2), (0,), (1,), (1, 2), (2,))
    rows = dict(zip(names, train.targets.of(np.arange(len(train) - len(names), len(train))), strict=True))
    widths = [18, 3, 2, 6, 3]
    ends = np.cumsum(widths)
    assert {name: int(row.argmax()) for name, row in rows.items()} == {
        "whole": 7,
        "mask": ends[0] + 2,
        "gender": ends[1] + 1,
        "age": ends[3] + 0,
        "person": ends[2] + 1,
        "old": 4,
    }
    assert all(row.sum() == 1 and row.max() == 1 and len(row) == 32 for row in rows.values())
    classes = dict(zip(names, train.classes[-len(names) :].tolist(), strict=True))
    assert classes == {"whole": 7, "mask": -1, "gender": -1, "age": -1, "person": -1, "old": 4}
    assert fold.class_counts.sum() == len(train) - 4


def test_what_is_known_may_be_a_distribution():
    train = fold_of(joint(binning={"age": {"spread": 5}})).train
    assert train.targets is not None
    age = train.targets.of(np.flatnonzero(train.images == "external/0/age"))[0]
    assert age[-3:].sum() == pytest.approx(1, abs=1e-6)
    assert 0.3 < age[-2] < 0.5  # 28 with a bound at 30


def test_samplers_balance_images_by_what_is_known():
    train = fold_of(joint()).train
    found = strata("balanced", train.classes, train.labels, drawn.SCHEME)
    assert (found >= 0).all()
    assert len(np.unique(found)) == len(np.unique(train.classes[train.classes >= 0])) + 4


@pytest.mark.parametrize("loss", ["cross-entropy", "neighbour-smoothing", {"class_weights": "inverse-frequency"}])
def test_steps_learn_from_both(loss: object):
    network = joint(loss=loss, cutmix={"p": 0.3, "partners": "other-class"})
    fold = fold_of(network)
    learner = learner_of(network, fold)
    assert fold.train.targets is not None
    images = drawn.images(pack()).batch(fold.train.rows)
    shares = fold.train.targets.of(np.arange(len(fold.train)))
    losses = [
        learner.step(images, fold.train.classes, Position(0, 0).at(0, step), 0.003, shares).item() for step in range(30)
    ]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:3])


@pytest.mark.parametrize("sampler", ["uniform", "balanced", "balanced-mask", "balanced-cells"])
def test_whole_trainings_take_them(tmp_path: Path, sampler: str):
    network = joint(epochs=1, sampler=sampler, cutmix={"p": 0.5}, binning={"age": {"step": 20, "spread": 5}})
    fold = fold_of(network)
    checkpoints = Checkpoints(drawn.workspace(tmp_path), "checkpoint", tmp_path, logging.getLogger("test"))
    notes = Notes()
    services = Services(checkpoints, notes, notes.stopping, notes.progress)
    loop = Loop(learner_of(network, fold), drawn.images(pack()), fold, Position(0, 0), services)
    found = loop.fit().kept.probabilities
    assert found.shape == (18, 18)
    assert found.sum(axis=1) == pytest.approx(np.ones(18), abs=1e-5)
    assert loop.samples(3).shape == (3, *drawn.SIZE, 3)


def test_weights_and_smoothing_apply_to_what_is_wholly_known():
    logits, targets = torch.randn(4, 18), torch.zeros(4, 21)
    targets[range(4), [3, 7, 18, 20]] = 1
    usual = make_loss(joint(loss="neighbour-smoothing").loss, drawn.SCHEME, "joint")
    found = of_blocks(usual, SIZES, ((0, 1, 2), (0,)))(logits, targets)
    known = usual(logits[:2], targets[:2, :18]) * 2
    p = logits.softmax(dim=1).view(4, 3, 6).sum(dim=2)
    assert found.item() == pytest.approx((known - p[2, 0].log() - p[3, 2].log()).item() / 4, rel=1e-4)
