from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskfold.ensemble import vote as voting
from maskfold.ensemble.vote import PRODUCT, Vote, mean_of_trainings, weighted_mean
from maskfold.errors import RecipeError
from tests.ensemble.synthetic import ONE, recipe, recipe_of

N = 3
SCHEME = recipe().scheme


def vote(networks, weights, scheme=SCHEME) -> Vote:
    return voting.vote(networks, weights, scheme)


def probabilities(size: int, n: int = N) -> st.SearchStrategy[np.ndarray]:
    positive = st.floats(0.001, 1, allow_nan=False)
    return arrays(np.float64, (n, size), elements=positive).map(
        lambda values: values / values.sum(axis=1, keepdims=True)
    )


weights = st.floats(0.01, 100)
networks = st.fixed_dictionaries(
    {
        "j1": probabilities(18).map(lambda values: ("joint", values)),
        "j2": probabilities(18).map(lambda values: ("joint", values)),
        "mask": probabilities(3).map(lambda values: ("mask", values)),
        "gender": probabilities(2).map(lambda values: ("gender", values)),
        "age": probabilities(3).map(lambda values: ("age", values)),
        "age2": probabilities(3).map(lambda values: ("age", values)),
    }
)


@given(networks, st.dictionaries(st.sampled_from(["j1", "j2", "age", "age2", PRODUCT]), weights))
def test_a_vote_is_a_distribution(voters, chosen) -> None:
    result = vote(voters, chosen)
    for values in (result.probabilities, result.product):
        assert values.shape == (N, 18)
        assert (values >= 0).all()
        np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-12)


@given(networks, st.permutations(["j1", "j2", "mask", "gender", "age", "age2"]))
def test_order_of_networks_changes_no_bit(voters, order) -> None:
    again = vote({name: voters[name] for name in order}, {"j1": 0.3, "age2": 7})
    np.testing.assert_array_equal(again.probabilities, vote(voters, {"j1": 0.3, "age2": 7}).probabilities)


@given(networks, st.floats(1e-300, 1e300))
def test_only_ratios_of_weights_matter(voters, factor) -> None:
    ratios = {name: float(number) for number, name in enumerate([*voters, PRODUCT], start=1)}
    scaled = {name: weight * factor for name, weight in ratios.items()}
    expected = vote(voters, ratios).probabilities
    np.testing.assert_allclose(vote(voters, scaled).probabilities, expected, rtol=1e-9)


@given(probabilities(18), weights)
def test_a_single_network_votes_as_itself(values, weight) -> None:
    result = vote({"only": ("joint", values)}, {"only": weight})
    np.testing.assert_array_equal(result.probabilities, values)
    assert result.product is None


@given(probabilities(3), probabilities(2), probabilities(3))
def test_attribute_networks_vote_as_their_product(mask, gender, age) -> None:
    found = vote({"m": ("mask", mask), "g": ("gender", gender), "a": ("age", age)}, {})
    np.testing.assert_array_equal(found.product, SCHEME.product({"mask": mask, "gender": gender, "age": age}))
    np.testing.assert_array_equal(found.probabilities, found.product)


@given(probabilities(3), probabilities(3))
def test_networks_of_the_only_attribute_vote_beside_joint_ones(joint, state) -> None:
    found = vote({"j": ("joint", joint), "s": ("state", state)}, {}, recipe_of(ONE).scheme)
    np.testing.assert_array_equal(found.product, state)
    np.testing.assert_allclose(found.probabilities, (joint + state) / 2, rtol=1e-12)


def test_joint_networks_and_the_product_are_weighed_by_name() -> None:
    sure = np.eye(18)[[0]]
    voters = {
        "joint": ("joint", sure),
        "mask": ("mask", np.eye(3)[[2]]),
        "gender": ("gender", np.eye(2)[[1]]),
        "age": ("age", np.eye(3)[[2]]),
    }
    even = vote(voters, {}).probabilities[0]
    assert (even[0], even[17]) == (0.5, 0.5)
    tilted = vote(voters, {PRODUCT: 3.0}).probabilities[0]
    assert (tilted[0], tilted[17]) == (0.25, 0.75)
    np.testing.assert_array_equal(vote(voters, {PRODUCT: 0}).probabilities, sure)


def test_networks_of_one_attribute_are_averaged_before_the_product() -> None:
    voters = {
        "mask": ("mask", np.eye(3)[[0]]),
        "gender": ("gender", np.eye(2)[[0]]),
        "a": ("age", np.array([[1.0, 0.0, 0.0]])),
        "b": ("age", np.array([[0.0, 1.0, 0.0]])),
    }
    assert vote(voters, {"b": 3}).probabilities[0, :3].tolist() == [0.25, 0.75, 0.0]


def test_folds_count_alike() -> None:
    folds = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]])
    np.testing.assert_allclose(mean_of_trainings(folds), [[1 / 3, 2 / 3]])


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"a": -1.0}, r"ensemble.weights: a=-1.0; expected finite numbers >= 0"),
        ({"b": float("inf")}, r"b=inf"),
        ({"a": 0.0, "b": 0.0}, r"a, b all have weight 0"),
    ],
)
def test_unusable_weights_are_refused(chosen, message) -> None:
    with pytest.raises(RecipeError, match=message):
        weighted_mean({"a": np.ones((1, 2)) / 2, "b": np.ones((1, 2)) / 2}, chosen)


def test_an_incomplete_set_of_attributes_cannot_vote() -> None:
    with pytest.raises(RecipeError, match="missing: gender, age"):
        vote({"mask": ("mask", np.eye(3)[[0]])}, {})
    with pytest.raises(RecipeError, match="needs a joint network, or networks for mask, gender, age"):
        vote({}, {})
