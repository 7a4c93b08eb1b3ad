from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from maskfold.dataset.folds import held_out_folds
from maskfold.ensemble.oof import assemble
from maskfold.errors import CorruptDataError, InvariantError

IMAGES = ["ann/1", "ann/2", "bob/1", "cid/1"]
PEOPLE = ["ann", "ann", "bob", "cid"]
FOLDS = pd.DataFrame({"person": ["ann", "bob", "cid"], "fold": [0, 1, 1]})
EVALUATION = ["e1", "e2"]


def predictions(fold: int, images: list[str], evaluation: list[str] | None = None, **columns) -> pd.DataFrame:
    evaluation = EVALUATION if evaluation is None else evaluation
    n = len(images) + len(evaluation)
    table = pd.DataFrame(
        {
            "image": [*images, *evaluation],
            "part": ["valid"] * len(images) + ["eval"] * len(evaluation),
            "fold": fold,
            "p0": np.linspace(0.1, 0.6, n, dtype=np.float32),
        }
    )
    return table.assign(**{"p1": 1 - table["p0"], **columns})


def put_together(**changed: pd.DataFrame):
    tables = {0: predictions(0, ["ann/1", "ann/2"]), 1: predictions(1, ["bob/1", "cid/1"])}
    tables.update({int(name[-1]): table for name, table in changed.items()})
    fold_of = held_out_folds(pd.Series(PEOPLE), FOLDS)
    return assemble("sex", 2, tables, IMAGES, fold_of, EVALUATION)


def test_rows_come_in_the_manifests_order_whatever_the_tables_order() -> None:
    shuffled = predictions(1, ["cid/1", "bob/1"])
    result = put_together(fold1=shuffled)
    assert result.oof.shape == (4, 2)
    np.testing.assert_allclose(result.oof[3, 0], shuffled["p0"][0], rtol=1e-6)
    np.testing.assert_allclose(result.oof[2, 0], shuffled["p0"][1], rtol=1e-6)
    assert result.evaluation.shape == (2, 2, 2)
    np.testing.assert_allclose(result.oof.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("fold", "table", "message"),
    [
        (1, predictions(1, ["bob/1", "cid/1", "ann/1"]), r"fold 1: 1 image \(ann/1\) is predicted by a network"),
        (1, predictions(1, ["bob/1"]), r"network sex, fold 1: 1 image \(cid/1\) is not predicted"),
        (1, predictions(1, ["bob/1", "cid/1", "cid/1"]), r"fold 1: 1 image \(cid/1\) is predicted more than once"),
        (1, predictions(1, ["bob/1", "cid/1", "dan/1"]), r"1 predicted image \(dan/1\) is not in the manifest"),
        (0, predictions(1, ["ann/1", "ann/2"]), "fold 0: the prediction table belongs to fold 1"),
        (0, predictions(0, ["ann/1", "ann/2"], ["e2", "e1"]), "fold 0: 2 evaluation rows for 2 images, or not in"),
        (0, predictions(0, ["ann/1", "ann/2"], ["e1", "e1", "e2"]), "fold 0: 3 evaluation rows for 2 images"),
        (0, predictions(0, ["ann/1", "ann/2"], ["e1"]), r"fold 0: 1 evaluation image \(e2\) is not predicted"),
        (0, predictions(0, ["ann/1", "ann/2"], ["e1", "e2", "e3"]), r"1 evaluation image \(e3\) is not in the"),
        (0, predictions(0, ["ann/1", "ann/2"], p1=0.9), r"3 images \(ann/2, e1, e2\) are without probabilities"),
        (0, predictions(0, ["ann/1", "ann/2"], p1=np.nan), "fold 0: 4 images .* without probabilities"),
    ],
)  # fmt: skip
def test_broken_promises_are_named(fold: int, table: pd.DataFrame, message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        put_together(**{f"fold{fold}": table})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (predictions(0, ["ann/1", "ann/2"]).drop(columns=["p1"]), "network sex, fold 0: .* lacks the columns p1"),
        (predictions(0, ["ann/1", "ann/2"], p2=0.0), "has more than 2 probabilities a row"),
        (predictions(0, ["ann/1", "ann/2"]).replace({"part": {"valid": "train"}}), r"has parts \['train'\]"),
    ],
)
def test_damaged_tables_are_named(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(CorruptDataError, match=message):
        put_together(fold0=table)


def test_every_fold_must_be_there_and_no_other() -> None:
    fold_of = np.array([0, 0, 1, 1])
    tables = {0: predictions(0, ["ann/1", "ann/2"]), 2: predictions(2, ["bob/1", "cid/1"])}
    with pytest.raises(InvariantError, match=r"network sex: folds \[0, 1\] .* missing: \[1\], unknown: \[2\]"):
        assemble("sex", 2, tables, IMAGES, fold_of, EVALUATION)
