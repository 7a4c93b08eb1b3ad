from __future__ import annotations

import numpy as np
import pytest

from maskfold.ensemble.bootstrap import LEVEL, Answers, interval, resample
from maskfold.ensemble.combination import combine
from maskfold.ensemble.scores import macro_f1
from tests.ensemble.synthetic import ONE, World, recipe_of


def answers(n: int = 600, size: int = 6, seed: int = 0) -> Answers:
    random = np.random.default_rng(seed)
    true = random.integers(size, size=n)
    return Answers(true, np.where(random.random(n) < 0.7, true, random.integers(size, size=n)), size)


def test_each_resample_is_scored_as_drawn() -> None:
    """Beside a loop that draws the same people, takes all their photographs, and scores those with scikit-learn."""
    one, persons = answers(), np.repeat(np.arange(100), 6)
    (found,) = resample(persons, [one], resamples=30, seed=5)
    drawn = np.random.default_rng(5).integers(100, size=(30, 100))
    for number, people in enumerate(drawn):
        rows = np.concatenate([np.flatnonzero(persons == person) for person in people])
        assert found.macro_f1[number] == pytest.approx(macro_f1(one.true[rows], one.predicted[rows], 6))
        assert found.accuracy[number] == pytest.approx((one.true[rows] == one.predicted[rows]).mean())


def test_photographs_of_a_person_are_not_counted_as_independent() -> None:
    """Seven equal photographs of each person say no more than one, so that the interval is as wide."""
    one = answers(n=200)
    seven = Answers(np.repeat(one.true, 7), np.repeat(one.predicted, 7), one.size)
    (single,) = resample(np.arange(200), [one])
    (grouped,) = resample(np.repeat(np.arange(200), 7), [seven])
    (taken_apart,) = resample(np.arange(1400), [seven])
    np.testing.assert_allclose(single.macro_f1, grouped.macro_f1)
    widths = [np.ptp(interval(each.macro_f1)) for each in (grouped, taken_apart)]
    assert widths[0] > 2 * widths[1]


def test_the_interval_covers_the_true_score_as_often_as_it_says() -> None:
    """Of a voter that is right with probability 0.7 for every person, over many samples of people."""
    covered = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        true = random.integers(2, size=150)
        right = random.random(150) < 0.7
        (found,) = resample(np.arange(150), [Answers(true, np.where(right, true, 1 - true), 2)], resamples=400)
        low, high = interval(found.accuracy)
        covered.append(low <= 0.7 <= high)
    assert LEVEL - 0.05 <= np.mean(covered) <= LEVEL + 0.04


def test_all_voters_are_scored_in_the_same_resamples() -> None:
    one, persons = answers(), np.arange(600) // 6
    alone = resample(persons, [one])
    both = resample(persons, [answers(seed=1), one])
    np.testing.assert_array_equal(alone[0].macro_f1, both[1].macro_f1)
    assert (resample(persons, [one, one])[1].macro_f1 - both[1].macro_f1 == 0).all()


def test_rows_may_come_in_any_order() -> None:
    one, persons = answers(), np.arange(600) // 6
    order = np.random.default_rng(3).permutation(600)
    shuffled = Answers(one.true[order], one.predicted[order], one.size)
    np.testing.assert_array_equal(
        resample(persons, [one])[0].macro_f1, resample(persons[order], [shuffled])[0].macro_f1
    )


def test_a_class_that_a_resample_lacks_does_not_lower_it() -> None:
    """Every answer is right, and each class has one person: whoever is drawn, the score is that of the whole set."""
    classes = np.arange(6)
    (found,) = resample(classes, [Answers(classes, classes, 9)])
    np.testing.assert_allclose(found.macro_f1, 6 / 9)


def test_scores_have_intervals_and_their_values_stay(tmp_path) -> None:
    world = World(n_people=36, ages=[20, 20, 40, 40, 60, 60])
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    for voter in combination.voters:
        scores = combination.scores[voter.name]
        assert (scores.macro_f1, scores.accuracy) == (voter.scores.macro_f1, voter.scores.accuracy)
        for name, pair in voter.scores.attributes.items():
            found = scores.attributes[name]
            assert {key: found[key] for key in pair} == pair
            assert found["macro_f1_low"] < found["macro_f1"] < found["macro_f1_high"]
            assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]
    vote = combination.scores["vote"]
    assert vote.macro_f1_low < vote.macro_f1 < vote.macro_f1_high
    assert vote.accuracy_low < vote.accuracy < vote.accuracy_high
    assert combination.scores["age"].macro_f1_low is None


def test_the_only_attribute_has_the_intervals_of_the_joint_class() -> None:
    world = World(recipe=recipe_of(ONE), n_people=30)
    scores = combine(world.recipe, world.manifest, world.folds, world.tables).scores
    assert scores["of-state"].macro_f1_low < scores["of-state"].macro_f1 < scores["of-state"].macro_f1_high
    assert scores["of-state"].attributes == {}
