from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.ensemble.scores import confusion, f1_by_class, macro_f1, scores_of
from tests.ensemble.synthetic import ONE, THREE, recipe, recipe_of

SCHEME = recipe().scheme
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
    np.testing.assert_allclose(f1_by_class(true, predicted, 18), expected)
    assert macro_f1(true, predicted, 18) == pytest.approx(sum(expected) / 18)


@given(answers)
def test_attribute_scores_agree_with_the_confusion_matrix_of_the_classes(pairs) -> None:
    true, predicted = pairs.T
    scores = scores_of(SCHEME, "joint", true, predicted)
    counts = confusion(true, predicted, 18)
    assert counts.sum() == len(pairs)
    assert scores.accuracy == pytest.approx(counts.trace() / len(pairs))
    cube = counts.reshape(3, 2, 3, 3, 2, 3)
    by_attribute = {"mask": cube.sum((1, 2, 4, 5)), "gender": cube.sum((0, 2, 3, 5)), "age": cube.sum((0, 1, 3, 4))}
    truths, said = SCHEME.implied("joint", true), SCHEME.implied("joint", predicted)
    for name, matrix in by_attribute.items():
        np.testing.assert_array_equal(matrix, confusion(truths[name], said[name], len(matrix)))
        assert scores.attributes[name]["accuracy"] == pytest.approx(matrix.trace() / len(pairs))


def test_an_attribute_network_has_no_score_over_18_classes() -> None:
    scores = scores_of(SCHEME, "age", np.array([0, 1, 1]), np.array([0, 1, 0]))
    assert (scores.macro_f1, scores.accuracy) == (None, None)
    assert scores.attributes == {"age": {"accuracy": 2 / 3, "macro_f1": pytest.approx((2 / 3 + 2 / 3 + 0) / 3)}}


def test_the_only_attribute_has_the_scores_of_the_joint_class() -> None:
    scheme, true, predicted = recipe_of(ONE).scheme, np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0])
    by_target = {target: scores_of(scheme, target, true, predicted) for target in scheme.targets}
    assert by_target["joint"] == by_target["state"]
    assert (by_target["joint"].accuracy, by_target["joint"].attributes) == (0.75, {})


def test_each_attribute_of_any_scheme_is_scored() -> None:
    scheme = recipe_of(THREE).scheme
    true, predicted = scheme.encode([[0, 1, 2], [1, 3, 4]]), scheme.encode([[0, 1, 0], [1, 2, 4]])
    scores = scores_of(scheme, "joint", true, predicted)
    accuracy = {name: values["accuracy"] for name, values in scores.attributes.items()}
    assert (scores.accuracy, accuracy) == (0.0, {"glasses": 1.0, "stature": 0.5, "hair": 0.5})


@pytest.mark.parametrize("size", [2, 3, 18])
def test_confusion_rows_are_true_classes(size: int) -> None:
    counts = confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), size)
    assert counts.shape == (size, size)
    assert (counts[0, 1], counts[1, 1], counts[1, 0]) == (2, 1, 0)
