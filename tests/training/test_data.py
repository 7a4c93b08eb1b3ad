import numpy as np
import pandas as pd
import pytest

from maskfold.errors import InvariantError
from maskfold.recipe import Labels
from maskfold.training.data import class_shares, split
from tests.training import drawn


def test_people_of_the_held_out_fold_are_judged_and_all_others_learnt():
    manifest, folds, index = drawn.tables()
    fold = split(manifest, folds, index, 1, "joint", Labels())
    held_out = set(folds.loc[folds["fold"] == 1, "person"])
    person = manifest.set_index("image")["person"]
    assert set(person[fold.valid.images]) == held_out
    assert set(person[fold.train.images]) == set(folds["person"]) - held_out
    assert len(fold.train) + len(fold.valid) == (manifest["part"] == "train").sum()


def test_without_a_fold_everybody_is_learnt_and_nobody_judged():
    manifest, folds, index = drawn.tables()
    everybody = split(manifest, folds, index, None, "joint", Labels())
    assert len(everybody.valid) == 0
    assert everybody.train.images.tolist() == manifest.loc[manifest["part"] == "train", "image"].tolist()
    assert len(everybody.evaluation) == 5


def test_evaluation_images_keep_their_order_and_have_no_classes():
    manifest, folds, index = drawn.tables()
    index.loc[index["image"] == "eval/images/3.jpg", "status"] = "unreadable"
    fold = split(manifest, folds, index, 0, "age", Labels())
    assert fold.evaluation.images.tolist() == [f"eval/images/{n}.jpg" for n in range(5)]
    assert fold.evaluation.classes.tolist() == [-1] * 5
    assert fold.unreadable.tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("target", ["joint", "mask", "gender", "age"])
def test_classes_are_the_targets(target: str):
    manifest, folds, index = drawn.tables()
    fold = split(manifest, folds, index, 0, target, Labels())
    expected = dict(
        zip(manifest.loc[manifest["part"] == "train", "image"], drawn.classes(manifest, target), strict=True)
    )
    for part in (fold.train, fold.valid):
        assert part.classes.tolist() == [expected[image] for image in part.images]


def test_rows_come_from_the_index_whatever_its_order():
    manifest, folds, index = drawn.tables()
    shuffled = index.sample(frac=1, random_state=0)
    shuffled["row"] = np.arange(len(shuffled))
    fold = split(manifest, folds, shuffled, 0, "mask", Labels())
    row = shuffled.set_index("image")["row"]
    for part in (fold.train, fold.valid, fold.evaluation):
        assert part.rows.tolist() == row[part.images].tolist()


def test_training_bounds_shift_the_training_labels_alone():
    manifest, folds, index = drawn.tables()
    manifest.loc[manifest["age"] == 63, "age"] = 58
    official = split(manifest, folds, index, 0, "age", Labels())
    shifted = split(manifest, folds, index, 0, "age", Labels(train_age_bounds=(30, 58)))
    assert shifted.valid.classes.tolist() == official.valid.classes.tolist()
    age = manifest.set_index("image")["age"]
    old = age[shifted.train.images].to_numpy() == 58
    assert old.any()
    assert set(shifted.train.classes[old]) == {2}
    assert set(official.train.classes[old]) == {1}


def _without(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    return table[table[column] != value]


def test_broken_promises_are_named():
    manifest, folds, index = drawn.tables()
    with pytest.raises(InvariantError, match=r"1 images .* not in the pack's index, first eval/images/4.jpg"):
        split(manifest, folds, _without(index, "image", "eval/images/4.jpg"), 0, "mask", Labels())
    with pytest.raises(InvariantError, match="1 people have no fold, first p05"):
        split(manifest, _without(folds, "person", "p05"), index, 0, "mask", Labels())
    with pytest.raises(InvariantError, match="fold 7: 54 images to learn from and 0 to judge by"):
        split(manifest, folds, index, 7, "mask", Labels())


def test_a_person_in_two_folds_is_refused():
    manifest, folds, index = drawn.tables()
    doubled = pd.concat([folds, pd.DataFrame({"person": ["p00"], "fold": [2]})])
    with pytest.raises(InvariantError, match=r"1 people are in more than one fold \(p00\); folds must be"):
        split(manifest, doubled, index, 0, "mask", Labels())


def test_class_shares_are_frequencies():
    assert class_shares(np.array([0, 0, 2, 0]), 4).tolist() == [0.75, 0, 0.25, 0]
