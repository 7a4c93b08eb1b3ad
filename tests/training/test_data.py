import numpy as np
import pandas as pd
import pytest

from maskfold.errors import InvariantError
from maskfold.recipe import Binning, Network
from maskfold.recipe.learning import Sampler
from maskfold.training.data import FoldData, split
from maskfold.training.sampling import epoch_order, strata
from tests.training import drawn


def learning(target: str, **settings: object) -> Network:
    """Return a network that learns a target."""
    return drawn.network(target=target, **settings)


def test_people_of_the_held_out_fold_are_judged_and_all_others_learnt():
    manifest, folds, index = drawn.tables()
    fold = split(manifest, folds, index, 1, learning("joint"), drawn.SCHEME)
    held_out = set(folds.loc[folds["fold"] == 1, "person"])
    person = manifest.set_index("image")["person"]
    assert set(person[fold.valid.images]) == held_out
    assert set(person[fold.train.images]) == set(folds["person"]) - held_out
    assert len(fold.train) + len(fold.valid) == (manifest["part"] == "train").sum()


def test_without_a_fold_everybody_is_learnt_and_nobody_judged():
    manifest, folds, index = drawn.tables()
    everybody = split(manifest, folds, index, None, learning("joint"), drawn.SCHEME)
    assert len(everybody.valid) == 0
    assert everybody.train.images.tolist() == manifest.loc[manifest["part"] == "train", "image"].tolist()


@pytest.mark.parametrize("target", ["joint", "mask", "gender", "age"])
def test_classes_are_the_targets(target: str):
    manifest, folds, index = drawn.tables()
    fold = split(manifest, folds, index, 0, learning(target), drawn.SCHEME)
    expected = dict(
        zip(manifest.loc[manifest["part"] == "train", "image"], drawn.classes(manifest, target), strict=True)
    )
    for part in (fold.train, fold.valid):
        assert part.classes.tolist() == [expected[image] for image in part.images]


def test_rows_come_from_the_index_whatever_its_order():
    manifest, folds, index = drawn.tables()
    shuffled = index.sample(frac=1, random_state=0)
    shuffled["row"] = np.arange(len(shuffled))
    fold = split(manifest, folds, shuffled, 0, learning("mask"), drawn.SCHEME)
    row = shuffled.set_index("image")["row"]
    for part in (fold.train, fold.valid):
        assert part.rows.tolist() == row[part.images].tolist()


def test_training_bounds_shift_the_training_labels_alone():
    manifest, folds, index = drawn.tables()
    manifest.loc[manifest["age"] == 63, "age"] = 58.0
    official = split(manifest, folds, index, 0, learning("age"), drawn.SCHEME)
    shifted = split(manifest, folds, index, 0, learning("age"), drawn.scheme("labels.train_age_bounds=[30, 58]"))
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
        split(
            manifest,
            folds,
            _without(index, "image", "eval/images/4.jpg"),
            0,
            learning("mask"),
            drawn.SCHEME,
        )
    with pytest.raises(InvariantError, match=r"1 person is in no fold \(p05\)"):
        split(manifest, _without(folds, "person", "p05"), index, 0, learning("mask"), drawn.SCHEME)
    with pytest.raises(InvariantError, match="fold 7: 54 training images and 0 validation images"):
        split(manifest, folds, index, 7, learning("mask"), drawn.SCHEME)


def test_a_person_in_two_folds_is_refused():
    manifest, folds, index = drawn.tables()
    doubled = pd.concat([folds, pd.DataFrame({"person": ["p00"], "fold": [2]})])
    with pytest.raises(InvariantError, match=r"1 person is in more than one fold \(p00\)"):
        split(manifest, doubled, index, 0, learning("mask"), drawn.SCHEME)


EXTERNAL = {
    "whole": (1, 0, 45),
    "mask": (2, -1, np.nan),
    "gender": (-1, 1, np.nan),
    "age": (-1, -1, 28),
    "person": (-1, 0, 58),
    "old": (0, 1, 59),
}
"""What is known of each external image: mask, gender, age."""


def with_external() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    manifest, folds, _ = drawn.tables()
    added = pd.DataFrame(
        [
            {
                "image": f"external/0/{name}",
                "part": "external",
                "person": "",
                "mask": mask,
                "gender": gender,
                "age": age,
            }
            for name, (mask, gender, age) in EXTERNAL.items()
        ]
    )
    manifest = pd.concat([manifest, added], ignore_index=True)
    return (
        manifest,
        folds,
        pd.DataFrame({"image": manifest["image"], "row": np.arange(len(manifest)), "status": "detected"}),
    )


def added_images(fold: FoldData) -> dict[str, int]:
    """Return the external images of the training part with their classes."""
    pairs = zip(fold.train.images, fold.train.classes.tolist(), strict=True)
    return {image.rpartition("/")[2]: number for image, number in pairs if image.startswith("external/")}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("joint", {"whole": 7, "old": 4}),
        ("mask", {"whole": 1, "mask": 2, "old": 0}),
        ("gender", {"whole": 0, "gender": 1, "person": 0, "old": 1}),
        ("age", {"whole": 1, "age": 0, "person": 1, "old": 1}),
    ],
)
def test_external_images_train_the_networks_whose_labels_they_have(target: str, expected: dict[str, int]):
    usual = drawn.tables()
    for number in range(3):
        fold = split(*with_external(), number, learning(target), drawn.SCHEME)
        without = split(*usual, number, learning(target), drawn.SCHEME)
        assert added_images(fold) == expected
        assert fold.train.images[: len(without.train)].tolist() == without.train.images.tolist()
        for name in ("images", "rows", "classes", "labels"):
            assert np.array_equal(getattr(fold.valid, name), getattr(without.valid, name))
        assert fold.class_counts.sum() == len(without.train) + len(expected)
        manifest = with_external()[0]
        assert manifest["image"][fold.train.rows].tolist() == fold.train.images.tolist()


def test_external_ages_obey_training_bounds_bins_and_what_is_left_out():
    tables = with_external()
    shifted = split(*tables, 0, learning("age"), drawn.scheme("labels.train_age_bounds=[28, 58]"))
    assert added_images(shifted) == {"whole": 1, "age": 1, "person": 2, "old": 2}
    without = {"binning": {"age": {"leave_out": [[27, 29], [57, 58]]}}}
    assert added_images(split(*tables, 0, learning("age", **without), drawn.SCHEME)) == {
        "whole": 1,
        "old": 1,
    }
    # An image of unknown age stays: its age is not known to be in a left-out range.
    assert added_images(split(*tables, 0, learning("gender", **without), drawn.SCHEME)) == {
        "whole": 0,
        "gender": 1,
        "old": 1,
    }
    fine = Binning(bins=(20, 30, 45, 60))
    binned = split(*tables, 0, learning("age", binning={"age": fine}), drawn.SCHEME)
    assert added_images(binned) == {"whole": 3, "age": 1, "person": 3, "old": 3}
    assert len(binned.class_counts) == 5


@pytest.mark.parametrize(
    "sampler", ["uniform", "balanced", "balanced-cells", "balanced-mask", "balanced-gender", "balanced-age"]
)
@pytest.mark.parametrize("target", ["joint", "mask", "gender", "age"])
def test_every_sampler_takes_external_images(target: str, sampler: Sampler):
    train = split(*with_external(), 0, learning(target), drawn.SCHEME).train
    order = epoch_order(
        strata(sampler, train.classes, train.labels, drawn.SCHEME), len(train), np.random.default_rng(0)
    )
    assert len(order) == len(train)
    assert (train.classes[order] >= 0).all()
