import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.errors import RecipeError
from maskfold.labels import TARGET_SIZES, age_group, target_classes
from maskfold.recipe import Ages, Labels
from maskfold.training.ages import is_left_out, merged, n_trained, official_classes, trained_classes
from maskfold.training.data import split
from tests.training import drawn

BOUNDS = (30, 60)
FINE = Ages(bins=(20, 25, 30, 40, 50, 57, 60))
BINS = st.sets(st.integers(1, 100), max_size=12).map(lambda more: Ages(bins=tuple(sorted(more | set(BOUNDS)))))
PEOPLE = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 100)), min_size=1, max_size=40)


@pytest.mark.parametrize("target", ["joint", "mask", "gender", "age"])
@given(ages=BINS, people=PEOPLE)
def test_a_fine_class_counts_as_the_class_of_its_people(target: str, ages: Ages, people: list[tuple[int, int, int]]):
    mask, gender, age = (np.array(column) for column in zip(*people, strict=True))
    fine = trained_classes(target, mask, gender, age, BOUNDS, ages)
    official = official_classes(target, BOUNDS, ages)
    assert len(official) == n_trained(target, ages)
    assert official[fine].tolist() == target_classes(target, mask, gender, age_group(age, BOUNDS)).tolist()
    assert set(official.tolist()) == set(range(TARGET_SIZES[target]))


def test_each_bin_and_each_combination_has_its_own_class():
    years = np.array([10, 20, 24, 25, 30, 59, 60, 90])
    zero = np.zeros(8, dtype=np.int64)
    assert trained_classes("age", zero, zero, years, BOUNDS, FINE).tolist() == [0, 1, 1, 2, 3, 6, 7, 7]
    assert trained_classes("joint", zero + 2, zero + 1, years, BOUNDS, FINE)[-1] == 5 * 8 + 7
    assert (n_trained("age", FINE), n_trained("joint", FINE), n_trained("mask", FINE)) == (8, 48, 3)


@pytest.mark.parametrize("target", ["joint", "mask", "gender", "age"])
def test_without_bins_the_classes_are_the_official_ones(target: str):
    draws = np.random.default_rng(0)
    people = draws.integers(0, 3, 50), draws.integers(0, 2, 50), draws.integers(10, 80, 50)
    expected = target_classes(target, people[0], people[1], age_group(people[2], (30, 58)))
    assert trained_classes(target, *people, (30, 58), Ages()).tolist() == expected.tolist()
    assert official_classes(target, (30, 58), Ages()).tolist() == list(range(TARGET_SIZES[target]))


@pytest.mark.parametrize("target", ["joint", "age"])
def test_probabilities_are_summed_over_the_bins_of_a_group(target: str):
    official = official_classes(target, BOUNDS, FINE)
    fine = np.random.default_rng(0).dirichlet(np.ones(len(official)), size=7).astype(np.float32)
    found = merged(fine, official)
    assert found.shape == (7, TARGET_SIZES[target])
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-5)
    # Bins begin at 0 20 25 | 30 40 50 57 | 60, so groups have 3, 4 and 1 of them.
    edges = np.cumsum(np.tile([3, 4, 1], len(official) // 8))
    expected = [part.sum(axis=1) for part in np.split(fine, edges[:-1], axis=1)]
    assert found == pytest.approx(np.stack(expected, axis=1), abs=1e-6)


def test_equal_classes_are_left_as_they_are():
    probabilities = np.eye(3, dtype=np.float32)
    assert merged(probabilities, np.arange(3)) is probabilities


def test_bins_across_a_group_are_refused():
    with pytest.raises(ValueError, match=r"must contain the bounds .* \[30, 58\]; missing: 58"):
        official_classes("age", (30, 58), FINE)


def test_ranges_are_left_out_with_both_ends():
    ages = Ages(leave_out=((27, 29), (57, 57)))
    years = [26, 27, 28, 29, 30, 56, 57, 58]
    assert [age for age in years if is_left_out(age, ages)] == [27, 28, 29, 57]
    assert not is_left_out([30, 57], Ages()).any()


def test_ages_are_left_out_of_training_and_nowhere_else():
    manifest, folds, index = drawn.tables()
    usual = split(manifest, folds, index, 0, "age", Labels())
    fold = split(manifest, folds, index, 0, "age", Labels(), Ages(leave_out=((40, 50),)))
    age = manifest.set_index("image")["age"]
    assert set(age[fold.train.images]) == {22, 63}
    assert set(age[usual.train.images]) == {22, 45, 63}
    assert fold.valid.images.tolist() == usual.valid.images.tolist()
    assert len(fold.evaluation) == len(usual.evaluation)


def test_leaving_everybody_out_is_refused():
    with pytest.raises(RecipeError, match=r"leave_out 0-120: 0 of 36 training images of fold 0 are left"):
        split(*drawn.tables(), 0, "age", Labels(), Ages(leave_out=((0, 120),)))


def test_bins_are_for_training_alone():
    fold = split(*drawn.tables(), 0, "joint", Labels(), FINE)
    usual = split(*drawn.tables(), 0, "joint", Labels())
    assert fold.valid.classes.tolist() == usual.valid.classes.tolist()
    assert fold.official[fold.train.classes].tolist() == usual.train.classes.tolist()
    assert fold.train.cells.tolist() == usual.train.classes.tolist()
    assert len(fold.class_counts) == 48
    assert fold.class_counts.sum() == len(fold.train)
