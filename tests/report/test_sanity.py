from __future__ import annotations

import numpy as np
import pytest

from maskfold.ensemble.combination import combine
from maskfold.report.sanity import Sanity, sanity
from tests.ensemble.synthetic import ONE, World, recipe_of


def of(world: World) -> Sanity | None:
    return sanity(combine(world.recipe, world.manifest, world.folds, world.tables))


def test_shares_are_those_of_labels_answers_and_submission() -> None:
    world = World(n_people=36, n_eval=60)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    found = sanity(combination)
    assert list(found.shares) == ["mask", "gender", "age"]
    submitted = combination.scheme.decode(combination.vote.evaluation.argmax(axis=1))
    for place, shares in enumerate(found.shares.values()):
        true, predicted = combination.vote.answers[combination.scheme.names[place]]
        for number, one in enumerate(shares):
            assert one.training == pytest.approx((true == number).mean())
            assert one.out_of_fold == pytest.approx((predicted == number).mean())
            assert one.submitted == pytest.approx((submitted[:, place] == number).mean())
    assert len(found.joint) == 18
    for column in ("training", "out_of_fold", "submitted"):
        assert sum(getattr(one, column) for one in found.joint) == pytest.approx(1)
    assert found.unsure_submitted == pytest.approx((combination.vote.evaluation.max(axis=1) < 0.5).mean())


def test_a_submission_of_other_classes_than_out_of_fold_is_worth_a_word() -> None:
    """The evaluation images of the synthetic world are of all classes alike, the training images are not."""
    found = of(World(n_people=36, n_eval=400, accuracy=1.0))
    assert any("names another mask than" in one for one in found.said)


def test_unsure_answers_and_the_prior_are_counted() -> None:
    world = World(n_people=36, n_eval=40, unreadable=[3, 5], accuracy=1.0)
    for one in world.tables:
        values = one.table.filter(regex=r"^p\d").columns
        rows = one.table["part"] == "eval"
        one.table.loc[rows, values] = np.float32(1 / len(values))
    found = of(world)
    assert found.unsure_submitted == 1.0
    assert found.prior == 2
    assert any("less sure of the evaluation images: 100 % of the answers below one half" in one for one in found.said)
    assert found.said[-1] == "2 images cannot be read and got the prior."


def test_an_only_attribute_is_shown_once() -> None:
    found = of(World(recipe=recipe_of(ONE), n_people=30))
    assert list(found.shares) == ["joint"]
    assert found.joint == ()


def test_without_evaluation_images_there_is_nothing_to_compare() -> None:
    assert of(World(n_eval=0)) is None
