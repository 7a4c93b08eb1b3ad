"""Which voters are selected: the better ones, and only if people that the choice has not seen agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.ensemble.vote import weighted_mean
from maskfold.scheme import FloatArray, IntArray
from maskfold.study.selection import ROUNDS, choose, log_loss, select

CLASSES = 3


def answers(true: IntArray, right: float, seed: int) -> FloatArray:
    """Return probabilities of a voter that favours the true class so often."""
    random = np.random.default_rng(seed)
    favoured = np.where(random.random(len(true)) < right, true, random.integers(CLASSES, size=len(true)))
    scores = random.random((len(true), CLASSES))
    scores[np.arange(len(true)), favoured] += 2
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def true() -> IntArray:
    return np.random.default_rng(0).integers(CLASSES, size=900)


PEOPLE = np.repeat(np.arange(150), 6)


def test_a_voter_that_knows_nothing_loses_its_vote_and_that_is_adopted(true: IntArray) -> None:
    good = {f"good {seed}": answers(true, 0.8, seed) for seed in (1, 2)}
    wrong = {f"wrong {seed}": answers((true + 1) % CLASSES, 0.7, seed) for seed in (3, 4)}
    found = select(PEOPLE, true, {**good, **wrong}, {})
    assert found.adopted
    assert found.gain > 0.02
    assert found.log_loss_selected < found.log_loss
    assert all(found.weights[name] == 0 for name in wrong)
    assert all(found.weights[name] > 0 for name in good)


def test_where_all_are_alike_the_plain_vote_stays(true: IntArray) -> None:
    voters = {f"voter {seed}": answers(true, 0.6, seed) for seed in range(6)}
    assert not select(PEOPLE, true, voters, {}).adopted


def test_the_gain_is_to_the_vote_with_its_own_weights(true: IntArray) -> None:
    voters = {"good": answers(true, 0.9, 1), "bad": answers(true, 0.1, 2)}
    found = select(PEOPLE, true, voters, {"bad": 0.0})
    assert found.gain == pytest.approx(0.0)
    assert not found.adopted
    assert found.log_loss == pytest.approx(log_loss(voters["good"], true))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.1, 0.95), min_size=1, max_size=6), st.integers(0, 1000))
def test_a_few_rounds_never_worsen_what_is_chosen_on(rights: list[float], seed: int) -> None:
    true = np.random.default_rng(seed).integers(CLASSES, size=90)
    voters = {f"voter {number}": answers(true, right, seed + number) for number, right in enumerate(rights)}
    counts = choose(voters, true)
    assert set(counts) == set(voters)
    assert 1 <= sum(counts.values()) <= ROUNDS
    best = min(log_loss(one, true) for one in voters.values())
    assert log_loss(weighted_mean(voters, counts), true) <= best + 1e-12
