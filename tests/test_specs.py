from typing import Any

import pytest

from maskfold.recipe import Dataset, Folds, Labels, Network
from maskfold.specs import SPECS, File, PrepareSpec, Tracking, TrainFoldSpec, Weights

FILE = File(path="a/b", sha256="00", size=1)
PREPARE: dict[str, Any] = {
    "workspace": "w",
    "data": "d",
    "fingerprint": "f",
    "dataset": Dataset(),
    "age_bounds": (30, 60),
    "folds": Folds(),
}
TRAIN: dict[str, Any] = {
    "workspace": "w",
    "network": Network(name="n"),
    "fold": 0,
    "n_folds": 5,
    "labels": Labels(),
    "deterministic": True,
    "dataset_version": "1",
    "folds_version": "2",
    "crop_key": "3",
    "manifest": FILE,
    "folds": FILE,
    "pack": FILE,
    "index": FILE,
    "weights": None,
}


def test_the_key_ignores_where_things_lie() -> None:
    key = PrepareSpec(**PREPARE).key
    assert PrepareSpec(**{**PREPARE, "workspace": "elsewhere"}).key == key
    assert PrepareSpec(**{**PREPARE, "data": "moved"}).key == key
    assert PrepareSpec(**PREPARE, tracking=Tracking(uri="u", run_id="r")).key == key
    moved = File(path="other", sha256="00", size=1)
    assert TrainFoldSpec(**{**TRAIN, "pack": moved, "manifest": moved}).key == TrainFoldSpec(**TRAIN).key


@pytest.mark.parametrize(
    "change",
    [
        {"fold": 1},
        {"network": Network(name="n", epochs=3)},
        {"labels": Labels(train_age_bounds=(30, 58))},
        {"dataset_version": "x"},
        {"folds_version": "x"},
        {"crop_key": "x"},
        {"deterministic": False},
        {"weights": Weights(file=FILE, origin="hub")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_determines_the_result_changes_the_key(change: dict[str, Any]) -> None:
    assert TrainFoldSpec(**{**TRAIN, **change}).key != TrainFoldSpec(**TRAIN).key


def test_where_weights_came_from_does_not_matter_what_they_are_does() -> None:
    here = Weights(file=FILE, origin="hub")
    there = Weights(file=File(path="x", sha256="00", size=1), origin="a folder")
    other = Weights(file=File(path="a/b", sha256="11", size=1), origin="hub")
    keys = [TrainFoldSpec(**{**TRAIN, "weights": weights}).key for weights in (here, there, other)]
    assert keys[0] == keys[1] != keys[2]


def test_the_key_is_the_same_everywhere() -> None:
    """Keys name finished work; should this one ever change, all finished work is lost: raise a version instead."""
    assert PrepareSpec(**PREPARE).key == "aa612d15ee30c4dd"


def test_specs_survive_json() -> None:
    for spec in (PrepareSpec(**PREPARE), TrainFoldSpec(**{**TRAIN, "weights": Weights(file=FILE, origin="hub")})):
        again = SPECS[spec.stage].model_validate_json(spec.model_dump_json())
        assert again == spec
        assert again.key == spec.key
