"""One vote against another on the same photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from maskfold.ensemble.comparison import compare, read_answers
from maskfold.errors import CorruptDataError
from tests.packages import out_of_fold


def test_the_difference_is_that_of_the_scores_and_paired() -> None:
    """Beside scikit-learn, and beside a loop that draws people for both votes at once."""
    better, worse = out_of_fold(0.8, seed=1), out_of_fold(0.7, seed=2)
    margin = compare(better, worse.sample(frac=1, random_state=0), 18)
    true = better["true_class"]
    here, there = (f1_score(true, one["predicted_class"], average="macro") for one in (better, worse))
    assert margin.difference == pytest.approx(here - there)
    random, persons = np.random.default_rng(7), better["person"].to_numpy()
    rows = {person: np.flatnonzero(persons == person) for person in np.unique(persons)}
    differences = []
    for _ in range(300):
        drawn = np.concatenate([rows[person] for person in random.choice(list(rows), len(rows))])
        scores = [
            f1_score(true[drawn], one["predicted_class"][drawn], average="macro", labels=range(18), zero_division=0)
            for one in (better, worse)
        ]
        differences.append(scores[0] - scores[1])
    assert margin.share == pytest.approx(np.mean(np.array(differences) > 0), abs=0.05)
    assert (margin.low, margin.high) == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.02)
    assert margin.is_better
    assert not compare(worse, better, 18).is_better


def test_a_vote_is_not_better_than_itself() -> None:
    margin = compare(out_of_fold(0.7), out_of_fold(0.7), 18)
    assert (margin.difference, margin.share, margin.is_better) == (0.0, 0.0, False)


def test_a_hard_photograph_of_all_does_not_hide_a_small_gain() -> None:
    """Paired, one more right answer for a third of the people is sure; each score alone is not known so well."""
    before = out_of_fold(0.6, seed=3)
    wrong = np.flatnonzero(before["predicted_class"] != before["true_class"])[::3]
    after = before.copy()
    after.loc[wrong, "predicted_class"] = after.loc[wrong, "true_class"]
    margin = compare(after, before, 18)
    assert margin.low > 0
    assert margin.share == 1.0


@pytest.mark.parametrize("column", ["image", "person", "true_class"])
def test_other_photographs_people_or_labels_do_not_compare(column: str) -> None:
    other = out_of_fold(0.7)
    other.loc[5, column] = {"image": "another.jpg", "person": "somebody", "true_class": 17}[column]
    assert compare(out_of_fold(0.8), other, 18) is None
    assert compare(out_of_fold(0.8), other.iloc[:100], 18) is None


def test_damaged_tables_are_refused() -> None:
    twice = pd.concat([out_of_fold(0.7), out_of_fold(0.7).iloc[:1]])
    with pytest.raises(CorruptDataError, match="an image twice"):
        compare(twice, out_of_fold(0.7), 18)
    with pytest.raises(CorruptDataError, match="classes that the model does not have"):
        compare(out_of_fold(0.7), out_of_fold(0.7), 17)


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "oof.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(CorruptDataError, match="not an out-of-fold table"):
        read_answers(path)
    out_of_fold(0.7).drop(columns="person").to_parquet(path)
    with pytest.raises(CorruptDataError, match="person missing"):
        read_answers(path)
