"""Paired differences over people and seeds, against plain loops and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from maskfold.study.comparison import compare

PEOPLE, EACH, SIZE = 60, 7, 4


def answers(seed: int, right: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return persons, true classes and answers that are right with some probability, alike within a person."""
    random = np.random.default_rng(seed)
    persons = np.repeat(np.arange(PEOPLE), EACH)
    true = np.random.default_rng(99).integers(SIZE, size=PEOPLE * EACH)
    good = (random.random(PEOPLE)[:, None] * 0.7 + random.random((PEOPLE, EACH)) * 0.3 < right).ravel()
    return persons, true, np.where(good, true, (true + 1) % SIZE)


def three(right: float, start: int) -> list[np.ndarray]:
    return [answers(start + seed, right)[2] for seed in range(3)]


def test_the_base_differs_from_itself_by_nothing() -> None:
    persons, true, _ = answers(0, 0.5)
    same = three(0.5, 0)
    found = compare(persons, true, {"base": same, "copy": [one.copy() for one in same]}, "base", SIZE)
    for name in ("base", "copy"):
        one = found[name]
        assert (one.mean, one.low, one.high, one.error, one.wins) == (0.0, 0.0, 0.0, 0.0, False)


def test_scores_are_those_of_scikit_learn() -> None:
    persons, true, _ = answers(0, 0.5)
    given = {"base": three(0.5, 0), "better": three(0.7, 10)}
    found = compare(persons, true, given, "base", SIZE)
    by_hand = {name: [f1_score(true, one, average="macro") for one in some] for name, some in given.items()}
    assert found["better"].score == pytest.approx(np.mean(by_hand["better"]))
    assert found["better"].by_seed == pytest.approx(np.subtract(by_hand["better"], by_hand["base"]))


def test_what_is_better_wins_and_what_is_worse_does_not() -> None:
    persons, true, _ = answers(0, 0.5)
    given = {"base": three(0.5, 0), "better": three(0.8, 10), "worse": three(0.3, 20)}
    found = compare(persons, true, given, "base", SIZE)
    assert found["better"].wins
    assert found["better"].low > 0
    assert not found["worse"].wins
    assert found["worse"].high < 0


def test_intervals_are_wider_by_person_than_by_photograph() -> None:
    persons, true, _ = answers(0, 0.5)
    given = {"base": three(0.5, 0), "other": three(0.55, 10)}
    by_person = compare(persons, true, given, "base", SIZE)["other"]
    by_photograph = compare(np.arange(len(true)), true, given, "base", SIZE)["other"]
    assert by_person.error > by_photograph.error


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    persons, true, _ = answers(0, 0.5)
    given = {"base": three(0.5, 0), "other": three(0.6, 10)}
    found = compare(persons, true, given, "base", SIZE)["other"]
    random, means = np.random.default_rng(5), []
    rows = np.arange(len(true)).reshape(PEOPLE, EACH)
    for _ in range(400):
        taken = rows[random.integers(PEOPLE, size=PEOPLE)].ravel()
        seeds = random.integers(3, size=3)
        differences = [
            f1_score(true[taken], given["other"][seed][taken], average="macro")
            - f1_score(true[taken], given["base"][seed][taken], average="macro")
            for seed in seeds
        ]
        means.append(np.mean(differences))
    assert found.error == pytest.approx(np.std(means), rel=0.2)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.2, 0.9), st.floats(0.2, 0.9))
def test_swapping_base_and_variant_swaps_the_sign(seed: int, one: float, other: float) -> None:
    persons, true, _ = answers(0, 0.5)
    given_ = {"a": three(one, seed), "b": three(other, seed + 50)}
    forward = compare(persons, true, given_, "a", SIZE, resamples=200)["b"]
    back = compare(persons, true, given_, "b", SIZE, resamples=200)["a"]
    assert forward.mean == pytest.approx(-back.mean)
    assert (forward.low, forward.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert not (forward.wins and back.wins)
