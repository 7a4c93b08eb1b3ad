from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.ensemble.scores import confusion, f1_by_class, macro_f1, score
from maskfold.labels import TARGET_SIZES, decode

answers = st.lists(st.tuples(st.integers(0, 17), st.integers(0, 17)), min_size=1, max_size=40).map(np.array)


def f1_from_definition(true, predicted, size: int) -> list[float]:
    values = []
    for number in range(size):
        hits = int(((true == number) & (predicted == number)).sum())
        claimed, there = int((predicted == number).sum()), int((true == number).sum())
        values.append(2 * hits / (claimed + there) if claimed + there else 0.0)
    return values


@given(answers)
def test_macro_f1_counts_all_18_classes_even_those_that_never_occur(pairs) -> None:
    true, predicted = pairs.T
    expected = f1_from_definition(true, predicted, 18)
    np.testing.assert_allclose(f1_by_class("joint", true, predicted), expected)
    assert macro_f1("joint", true, predicted) == pytest.approx(sum(expected) / 18)


@given(answers)
def test_attribute_scores_agree_with_the_confusion_matrix_of_the_classes(pairs) -> None:
    true, predicted = pairs.T
    scores = score("joint", true, predicted)
    counts = confusion("joint", true, predicted)
    assert counts.sum() == len(pairs)
    assert scores.accuracy == pytest.approx(counts.trace() / len(pairs))
    cube = counts.reshape(3, 2, 3, 3, 2, 3)
    by_attribute = {"mask": cube.sum((1, 2, 4, 5)), "gender": cube.sum((0, 2, 3, 5)), "age": cube.sum((0, 1, 3, 4))}
    for name, matrix in by_attribute.items():
        np.testing.assert_array_equal(matrix, confusion(name, decode(true)[name], decode(predicted)[name]))
        assert scores.attributes[name]["accuracy"] == pytest.approx(matrix.trace() / len(pairs))


def test_an_attribute_network_has_no_score_over_18_classes() -> None:
    scores = score("age", np.array([0, 1, 1]), np.array([0, 1, 0]))
    assert (scores.macro_f1, scores.accuracy) == (None, None)
    assert scores.attributes == {"age": {"accuracy": 2 / 3, "macro_f1": pytest.approx((2 / 3 + 2 / 3 + 0) / 3)}}


@pytest.mark.parametrize("target", TARGET_SIZES)
def test_confusion_rows_are_true_classes(target) -> None:
    size = TARGET_SIZES[target]
    counts = confusion(target, np.array([0, 0, 1]), np.array([1, 1, 1]))
    assert counts.shape == (size, size)
    assert (counts[0, 1], counts[1, 1], counts[1, 0]) == (2, 1, 0)
