import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from maskfold.recipe import Loss
from maskfold.training.class_weights import class_weights, effective_number, inverse_frequency

COUNTS = st.lists(st.integers(1, 5000), min_size=2, max_size=18).map(lambda c: np.array(c, dtype=np.int64))


@given(st.lists(st.integers(1, 60), min_size=2, max_size=6).map(np.array))
def test_inverse_frequency_is_scikit_learns_balanced(counts: np.ndarray):
    images = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=images)
    assert inverse_frequency(counts) == pytest.approx(expected)


@given(COUNTS, st.floats(0, 0.9999))
def test_effective_numbers_follow_the_formula_and_weigh_an_image_one_on_average(counts: np.ndarray, beta: float):
    weights = effective_number(counts, beta)
    # Effective number E_n = (1 - beta^n) / (1 - beta) = sum of beta^(i - 1), i = 1..n; weights are as 1 / E_n.
    effective = np.array([(beta ** np.arange(n)).sum() for n in counts])
    assert weights * effective == pytest.approx(np.full(len(counts), weights[0] * effective[0]), rel=1e-6)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)


def test_the_ends_of_beta_are_no_weights_and_the_inverse_frequency():
    counts = np.array([4085, 83, 700])
    assert effective_number(counts, 0) == pytest.approx([1, 1, 1])
    assert effective_number(counts, 1 - 1e-9) == pytest.approx(inverse_frequency(counts), rel=1e-4)


@pytest.mark.parametrize("weights", ["inverse-frequency", "effective-number"])
def test_a_class_without_images_weighs_nothing_and_rare_classes_more(weights: str):
    found = class_weights(Loss(class_weights=weights), np.array([10, 0, 1000]))
    assert found is not None
    assert found[1] == 0
    assert found[0] > found[2] > 0


def test_no_weights_are_none():
    assert class_weights(Loss(), np.array([1, 2])) is None
