from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from maskfold.ensemble.combination import FoldTable, class_prior, combine, with_prior
from maskfold.errors import InvariantError
from tests.ensemble.synthetic import NETWORKS, ONE, THREE, World, recipe, recipe_of


def combined(world: World, tables=None):
    return combine(world.recipe, world.manifest, world.folds, world.tables if tables is None else tables)


def test_voters_are_the_networks_their_product_and_the_vote() -> None:
    world = World()
    result = combined(world)
    assert [voter.name for voter in result.voters] == ["joint", "mask", "gender", "age", "attributes", "vote"]
    for voter in result.voters:
        assert voter.oof.shape[0] == len(world.train) == len(voter.true)
        assert voter.evaluation.shape[0] == world.n_eval
        np.testing.assert_allclose(voter.oof.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(voter.evaluation.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(result.vote.true, world.classes)
    assert result.scheme == world.recipe.scheme


def test_scores_are_those_of_networks_of_known_accuracy() -> None:
    result = combined(World(n_people=200, accuracy=0.8))
    scores = {voter.name: voter.scores for voter in result.voters}
    assert scores["joint"].accuracy == pytest.approx(0.8, abs=0.04)
    for attribute in ("mask", "gender", "age"):
        assert scores[attribute].attributes[attribute]["accuracy"] == pytest.approx(0.8, abs=0.04)
        assert scores[attribute].macro_f1 is None
    # The product is correct where all three are; their errors are independent.
    assert scores["attributes"].accuracy == pytest.approx(0.8**3, abs=0.05)
    assert scores["vote"].accuracy > scores["attributes"].accuracy


def test_perfect_networks_score_one() -> None:
    world = World(n_people=36, accuracy=1.0, ages=[20, 20, 40, 40, 60, 60])
    scores = combined(world).vote.scores
    assert (scores.macro_f1, scores.accuracy) == (1.0, 1.0)


def test_without_attribute_networks_the_vote_is_the_joint_networks() -> None:
    world = World(recipe=recipe(NETWORKS[:1], k=2))
    result = combined(world)
    assert [voter.name for voter in result.voters] == ["joint", "vote"]
    np.testing.assert_array_equal(result.vote.oof, result.voters[0].oof)


def test_evaluation_images_are_predicted_by_the_mean_of_all_folds() -> None:
    world = World(recipe=recipe(NETWORKS[:1], k=3))
    columns = [f"p{number}" for number in range(18)]
    tables = [one.table.loc[one.table["part"] == "eval", columns].to_numpy(np.float64) for one in world.tables]
    np.testing.assert_allclose(combined(world).voters[0].evaluation, np.mean(tables, axis=0), atol=1e-6)


def test_the_network_trained_on_everybody_votes_beside_its_folds_and_changes_no_score() -> None:
    world = World(recipe=recipe(NETWORKS[:1], k=3))
    table = world.table("joint", 0)
    final = table[table["part"] == "eval"].assign(fold=np.int8(-1), p0=1.0, **{f"p{n}": 0.0 for n in range(1, 18)})
    before = combined(world)
    after = combine(world.recipe, world.manifest, world.folds, world.tables, {"joint": final})
    expected = 0.75 * before.voters[0].evaluation + 0.25 * np.eye(18)[[0] * world.n_eval]
    np.testing.assert_allclose(after.voters[0].evaluation, expected, atol=1e-12)
    np.testing.assert_array_equal(after.vote.oof, before.vote.oof)
    seen = table.assign(fold=np.int8(-1))
    with pytest.raises(InvariantError, match=r"trained on everybody: .* predicted by a network that trained on"):
        combine(world.recipe, world.manifest, world.folds, world.tables, {"joint": seen})


def test_unreadable_evaluation_images_get_the_prior() -> None:
    world = World(unreadable=[0, 4])
    result = combined(world)
    frequent = np.bincount(world.classes, minlength=18)
    for row in (0, 4):
        np.testing.assert_allclose(result.vote.evaluation[row], frequent / frequent.sum())
    assert result.unreadable == world.evaluation["image"].iloc[[0, 4]].tolist()
    assert not np.allclose(result.vote.evaluation[1], result.prior)


def test_bounds_are_a_setting_and_training_bounds_do_not_touch_scores() -> None:
    scheme = recipe().scheme.with_bounds({"age": (45, 60)})
    age = scheme["age"].model_copy(update={"train_bounds": (30.0, 58.0)})
    scheme = scheme.model_copy(update={"attributes": (*scheme.attributes[:2], age)})
    ages = [29, 31, 44, 46, 59, 61]
    world = World(recipe=recipe(scheme=scheme), ages=ages, n_people=12)
    groups = combined(world).vote.true % 3
    assert groups.reshape(12, 7)[:6, 0].tolist() == [0, 0, 0, 1, 1, 2]


def test_classes_that_never_occur_count_zero_and_break_nothing() -> None:
    world = World(ages=[45, 50], n_people=12, accuracy=1.0)
    scores = combined(world).vote.scores
    assert scores.accuracy == 1.0
    assert scores.macro_f1 == pytest.approx(6 / 18)
    assert scores.attributes["age"]["macro_f1"] == pytest.approx(1 / 3)


def test_weights_let_one_voter_decide() -> None:
    world = World(recipe=recipe(ensemble={"weights": {"joint": 0}}))
    result = combined(world)
    by_name = {voter.name: voter for voter in result.voters}
    np.testing.assert_array_equal(result.vote.oof, by_name["attributes"].oof)


def test_missing_doubled_and_strange_predictions_are_named() -> None:
    world = World()
    with pytest.raises(InvariantError, match=r"network joint: folds \[0, 1, 2\] .* missing: \[0\]"):
        combined(world, world.tables[1:])
    with pytest.raises(InvariantError, match="network joint, fold 0: trained twice"):
        combined(world, [*world.tables, world.tables[0]])
    with pytest.raises(InvariantError, match="network other, fold 1: the recipe has no such network"):
        combined(world, [*world.tables, FoldTable("other", 1, world.tables[0].table)])


def test_a_leaked_person_is_named() -> None:
    world = World()
    stolen = world.table("gender", 0).query("part == 'valid'").iloc[:1].assign(fold=np.int8(1))
    leaky = world.replaced("gender", 1, pd.concat([stolen, world.table("gender", 1)], ignore_index=True))
    with pytest.raises(InvariantError, match=r"network gender, fold 1: 1 image \(.*000000.*trained on the same person"):
        combined(world, leaky)


def test_any_scheme_is_voted_on_and_scored() -> None:
    world = World(recipe=recipe_of(THREE), n_people=80, accuracy=0.9)
    result = combined(world)
    assert [voter.name for voter in result.voters] == [
        "joint", "of-glasses", "of-stature", "of-hair", "attributes", "vote",
    ]  # fmt: skip
    by_name = {voter.name: voter for voter in result.voters}
    assert by_name["vote"].oof.shape == (len(world.train), 40)
    assert by_name["of-hair"].scores.attributes["hair"]["accuracy"] == pytest.approx(0.9, abs=0.1)
    assert by_name["attributes"].scores.accuracy == pytest.approx(0.9**3, abs=0.1)
    assert set(result.vote.scores.attributes) == {"glasses", "stature", "hair"}
    for name in result.scheme.names:
        true, predicted = result.vote.answers[name]
        assert result.vote.scores.attributes[name]["accuracy"] == (true == predicted).mean()


def test_the_only_attribute_is_the_joint_class_and_scored_once() -> None:
    world = World(recipe=recipe_of(ONE), n_people=30)
    result = combined(world)
    assert [voter.name for voter in result.voters] == ["joint", "of-state", "attributes", "vote"]
    by_name = {voter.name: voter for voter in result.voters}
    np.testing.assert_array_equal(by_name["attributes"].oof, by_name["of-state"].oof)
    for voter in result.voters:
        assert voter.scores.attributes == {}
        assert voter.scores.accuracy == (voter.true == voter.predicted).mean()
        assert list(voter.answers) == ["joint"]


def test_without_evaluation_images_everything_else_is_as_before() -> None:
    world = World(n_eval=0)
    result = combined(world)
    assert result.vote.evaluation.shape == (0, 18)
    assert result.unreadable == []
    assert result.vote.scores.macro_f1 is not None


def test_the_prior_is_the_share_of_each_class() -> None:
    prior = class_prior(np.array([4, 4, 4, 0]), 18)
    assert (prior[4], prior[0], prior.sum()) == (0.75, 0.25, 1.0)
    certain = np.eye(18)[[7, 7]]
    result = with_prior(certain, np.array([True, False]), prior)
    assert result.argmax(axis=1).tolist() == [7, 4]
    np.testing.assert_array_equal(result[1], prior)
