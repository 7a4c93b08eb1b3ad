from __future__ import annotations

import pytest

from maskfold.ensemble.combination import Combination, combine
from maskfold.recipe import Recipe
from maskfold.report.verdict import verdict
from tests.ensemble.synthetic import NETWORKS, World, recipe
from tests.report.test_advice import skilled


def combination_of(world: World) -> Combination:
    return combine(world.recipe, world.manifest, world.folds, world.tables)


def test_a_vote_that_hurts_says_so_and_what_to_set() -> None:
    combination = combination_of(skilled(World(n_people=60, ages=[20, 40, 60], accuracy=0.95), {"joint": 0.05}))
    found = verdict(combination)
    scores = combination.scores
    assert found.hurts
    assert found.best == "attributes"
    assert found.gain == scores["vote"].macro_f1 - scores["attributes"].macro_f1 < 0
    assert found.low < found.gain < found.high < 0
    assert found.text.startswith(
        f"The vote hurts: it scores {scores['vote'].macro_f1:.3f} and is handed in, the attribute networks alone would "
        f"get {scores['attributes'].macro_f1:.3f}."
    )
    assert found.text.endswith("more than chance. To hand in the better one: `ensemble.weights={joint: 0}`")


def test_following_it_hands_in_the_better_voter() -> None:
    """With the weights that it names, the vote is that voter."""
    world = skilled(World(n_people=60, ages=[20, 40, 60], accuracy=0.95), {"joint": 0.05})
    before = combination_of(world)
    world.recipe = Recipe.model_validate(world.recipe.model_dump() | {"ensemble": {"weights": {"joint": 0}}})
    after = combination_of(world)
    assert after.vote.scores == before.voters[-2].scores
    assert after.vote.scores.macro_f1 > before.vote.scores.macro_f1


def test_a_joint_network_that_is_better_alone_is_named() -> None:
    weak = dict.fromkeys(("mask", "gender", "age"), 0.4)
    found = verdict(combination_of(skilled(World(n_people=60, accuracy=0.97), weak)))
    assert found.best == "joint"
    assert found.advice == "`ensemble.weights={attributes: 0}`"


def test_a_vote_that_helps_says_how_much() -> None:
    """Five joint networks with mistakes of their own."""
    five = [{"name": name, "target": "joint"} for name in "abcde"]
    found = verdict(combination_of(World(recipe=recipe(five), n_people=90, accuracy=0.6)))
    assert found.gain > 0
    assert found.low > 0
    assert found.text.startswith("The vote helps: it scores 0.")
    assert "ensemble.weights" not in found.text
    assert f"a gain of {found.gain:.3f}" in found.text


def test_a_difference_that_can_be_chance_is_called_so() -> None:
    """Two joint networks that answer alike, but for one photograph."""
    twins = [{"name": "a", "target": "joint"}, {"name": "b", "target": "joint"}]
    world = World(recipe=recipe(twins), n_people=30)
    for fold in range(3):
        table = world.table("a", fold).copy()
        if fold == 0:
            values = [f"p{number}" for number in range(18)]
            table.loc[table.index[0], values] = table[values].to_numpy()[0, ::-1].copy()
        world.tables = world.replaced("b", fold, table)
    found = verdict(combination_of(world))
    assert not found.hurts
    assert "chance" in found.text


@pytest.mark.parametrize("networks", [NETWORKS[:1], NETWORKS[1:]], ids=["joint", "attributes"])
def test_a_voter_without_others_is_not_judged(networks) -> None:
    assert verdict(combination_of(World(recipe=recipe(networks), n_people=12))) is None
