import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.errors import RecipeError
from maskfold.recipe import Binning
from maskfold.training.binning import counted_classes, is_left_out, merged
from maskfold.training.data import split
from tests.training import drawn

BOUNDS = (30, 60)
FINE = Binning(bins=(20, 25, 30, 40, 50, 57, 60))
BINS = st.sets(st.integers(1, 100), max_size=12).map(lambda more: Binning(bins=tuple(sorted(more | set(BOUNDS)))))
PEOPLE = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 100)), min_size=1, max_size=40)
TARGETS = pytest.mark.parametrize("target", drawn.SCHEME.targets)


def columns(people: list[tuple[int, int, int]]) -> dict[str, np.ndarray]:
    return dict(zip(("mask", "gender", "age"), np.array(people).T, strict=True))


@TARGETS
@given(binning=BINS, people=PEOPLE)
def test_a_fine_class_counts_as_the_class_of_its_people(
    target: str, binning: Binning, people: list[tuple[int, int, int]]
):
    network = drawn.network(target=target, binning={"age": binning})
    taught, stated = network.taught(drawn.SCHEME), columns(people)
    fine = taught.column(taught.labels(stated), target)
    counted = counted_classes(network, drawn.SCHEME)
    assert len(counted) == network.classes(drawn.SCHEME)
    assert counted[fine].tolist() == drawn.SCHEME.column(drawn.SCHEME.labels(stated), target).tolist()
    assert set(counted.tolist()) == set(range(drawn.SCHEME.size(target)))


def test_each_bin_and_each_combination_has_its_own_class():
    years = [10, 20, 24, 25, 30, 59, 60, 90]
    taught = drawn.network(binning={"age": FINE}).taught(drawn.SCHEME)
    labels = taught.labels({"mask": [2] * 8, "gender": [1] * 8, "age": years})
    assert taught.column(labels, "age").tolist() == [0, 1, 1, 2, 3, 6, 7, 7]
    assert taught.column(labels, "joint")[-1] == 5 * 8 + 7
    assert [taught.size(target) for target in ("age", "joint", "mask")] == [8, 48, 3]


@TARGETS
def test_without_bins_the_classes_are_those_that_count(target: str):
    scheme = drawn.scheme("labels.train_age_bounds=[30, 58]")
    assert counted_classes(drawn.network(target=target), scheme).tolist() == list(range(scheme.size(target)))


@pytest.mark.parametrize("target", ["joint", "age"])
def test_probabilities_are_summed_over_the_bins_of_a_group(target: str):
    counted = counted_classes(drawn.network(target=target, binning={"age": FINE}), drawn.SCHEME)
    fine = np.random.default_rng(0).dirichlet(np.ones(len(counted)), size=7).astype(np.float32)
    found = merged(fine, counted)
    assert found.shape == (7, drawn.SCHEME.size(target))
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-5)
    # Bins begin at 0 20 25 | 30 40 50 57 | 60, so groups have 3, 4 and 1 of them.
    edges = np.cumsum(np.tile([3, 4, 1], len(counted) // 8))
    expected = [part.sum(axis=1) for part in np.split(fine, edges[:-1], axis=1)]
    assert found == pytest.approx(np.stack(expected, axis=1), abs=1e-6)


def test_equal_classes_are_left_as_they_are():
    probabilities = np.eye(3, dtype=np.float32)
    assert merged(probabilities, np.arange(3)) is probabilities


def test_bins_across_a_group_are_refused():
    scheme = drawn.scheme("labels.train_age_bounds=[30, 58]")
    with pytest.raises(ValueError, match=r"must contain the bounds .* \[30, 58\]; missing: \[58\]"):
        counted_classes(drawn.network(target="age", binning={"age": FINE}), scheme)


def test_ranges_are_left_out_with_both_ends():
    years = [26, 27, 28, 29, 30, 56, 57, 58, np.nan]
    left_out = is_left_out({"age": years}, 9, {"age": Binning(leave_out=((27, 29), (57, 57)))})
    assert np.array(years)[left_out].tolist() == [27, 28, 29, 57]
    assert not is_left_out({"age": years}, 9, {"age": Binning()}).any()


def test_numbers_are_left_out_of_training_and_nowhere_else():
    tables = drawn.tables()
    usual = split(*tables, 0, drawn.network(target="age"), drawn.SCHEME)
    without = drawn.network(target="age", binning={"age": {"leave_out": [[40, 50]]}})
    fold = split(*tables, 0, without, drawn.SCHEME)
    age = tables[0].set_index("image")["age"]
    assert set(age[fold.train.images]) == {22, 63}
    assert set(age[usual.train.images]) == {22, 45, 63}
    assert fold.valid.images.tolist() == usual.valid.images.tolist()


def test_leaving_everybody_out_is_refused():
    network = drawn.network(target="age", binning={"age": {"leave_out": [[0, 120]]}})
    with pytest.raises(RecipeError, match=r"tiny: leave_out of age 0-120: 0 of 36 training images of fold 0 are left"):
        split(*drawn.tables(), 0, network, drawn.SCHEME)


def test_bins_are_for_training_alone():
    fold = split(*drawn.tables(), 0, drawn.network(target="joint", binning={"age": FINE}), drawn.SCHEME)
    usual = split(*drawn.tables(), 0, drawn.network(target="joint"), drawn.SCHEME)
    assert fold.valid.classes.tolist() == usual.valid.classes.tolist()
    assert fold.counted[fold.train.classes].tolist() == usual.train.classes.tolist()
    assert drawn.SCHEME.encode(fold.train.labels).tolist() == usual.train.classes.tolist()
    assert len(fold.class_counts) == 48
    assert fold.class_counts.sum() == len(fold.train)
