from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from maskfold.ensemble.combination import Combination, combine
from maskfold.ensemble.tables import confusion_tables, evaluation_table, fold_table, oof_table, score_table
from maskfold.storage import open_workspace
from tests.ensemble.synthetic import ONE, THREE, World, recipe_of, spec

METRICS = [f"{metric}{end}" for metric in ("macro_f1", "accuracy") for end in ("", "_low", "_high")]


@pytest.fixture(scope="module")
def combination() -> Combination:
    world = World(unreadable=[2])
    return combine(world.recipe, world.manifest, world.folds, world.tables)


def test_the_out_of_fold_table_has_each_image_once_with_the_fold_that_held_it_out(combination: Combination) -> None:
    table = oof_table(combination)
    probabilities = table[[f"p{number}" for number in range(18)]].to_numpy()
    assert list(table.columns[:5]) == ["image", "person", "fold", "true_class", "predicted_class"]
    assert table["image"].is_unique
    assert len(table) == len(combination.train)
    assert (table.groupby("person")["fold"].nunique() == 1).all()
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(probabilities.argmax(axis=1), table["predicted_class"])


def test_the_evaluation_table_keeps_the_order_and_marks_the_unreadable(combination: Combination) -> None:
    table = evaluation_table(combination)
    assert table["name"].tolist() == combination.evaluation["name"].tolist()
    assert table.loc[~table["readable"]].index.tolist() == [2]
    assert table["predicted_class"][2] == combination.prior.argmax()


def test_scores_have_one_row_a_voter_and_nothing_where_nothing_is_predicted(combination: Combination) -> None:
    table = score_table(combination).set_index("voter")
    assert table.index.tolist() == ["joint", "mask", "gender", "age", "attributes", "vote"]
    assert table.loc["vote"].notna().all()
    assert pd.isna(table.loc["age", "macro_f1"])
    assert pd.isna(table.loc["age", "mask_accuracy"])
    assert table.loc["age", "age_accuracy"] == combination.voters[3].scores.attributes["age"]["accuracy"]


def test_confusion_tables_are_named_by_voter_and_target(combination: Combination) -> None:
    tables = confusion_tables(combination.voters)
    joint = ("joint", "attributes", "vote")
    expected = {f"{name}_{target}" for name in joint for target in ("joint", "mask", "gender", "age")}
    assert set(tables) == expected | {"mask_mask", "gender_gender", "age_age"}
    assert tables["vote_age"].index.tolist() == tables["vote_age"].columns.tolist() == ["<30", "30-59", ">=60"]
    for table in tables.values():
        assert table.to_numpy().sum() == len(combination.train)


def test_fold_scores_are_in_the_recipes_order(tmp_path) -> None:
    world = World()
    made = spec(world, open_workspace(str(tmp_path)), tmp_path)
    table = fold_table(made.recipe, reversed(made.trained))
    assert table["network"].tolist() == [name for name in ("joint", "mask", "gender", "age") for _ in range(3)]
    assert table["fold"].tolist() == [0, 1, 2] * 4
    assert table["macro_f1"].tolist() == [outcome.macro_f1 for outcome in made.trained]


def test_tables_of_any_scheme_have_its_attributes() -> None:
    world = World(recipe=recipe_of(THREE), n_people=20)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    scores = score_table(combination)
    pairs = [f"{name}_{metric}" for name in ("glasses", "stature", "hair") for metric in METRICS]
    assert list(scores.columns) == ["voter", "target", *METRICS, *pairs]
    assert scores.set_index("voter").loc["vote"].notna().all()
    tables = confusion_tables(combination.voters)
    assert tables["vote_joint"].shape == (40, 40)
    assert tables["vote_joint"].index[0] == "no / <1.5 / black"
    assert tables["vote_stature"].index.tolist() == ["<1.5", "1.5 to 1.65", "1.65 to 1.8", ">=1.8"]
    assert "of-hair_hair" in tables
    assert oof_table(combination).columns[-1] == "p39"


def test_nothing_is_shown_twice_where_the_only_attribute_is_the_joint_class() -> None:
    world = World(recipe=recipe_of(ONE), n_people=20)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    scores = score_table(combination)
    assert list(scores.columns) == ["voter", "target", *METRICS]
    assert scores.notna().all().all()
    assert list(confusion_tables(combination.voters)) == [
        "joint_joint", "of-state_joint", "attributes_joint", "vote_joint",
    ]  # fmt: skip


def test_class_numbers_beyond_a_byte_keep_their_value() -> None:
    values = [f"v{number}" for number in range(200)]
    world = World(recipe=recipe_of({"name": "many", "attributes": [{"name": "kind", "values": values}]}), n_people=6)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    table = oof_table(combination)
    assert table["true_class"].tolist() == list(range(200)) * 6
    np.testing.assert_array_equal(table["predicted_class"], combination.vote.predicted)
