from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maskfold.ensemble.combination import Combination, combine
from maskfold.report.weak_spots import share_of, weak_spots
from tests.ensemble.synthetic import ONE, World, recipe_of


@pytest.fixture(scope="module")
def combination() -> Combination:
    world = World(n_people=200, accuracy=0.9)
    return combine(world.recipe, world.manifest, world.folds, world.tables)


def spoilt(combination: Combination, rows: np.ndarray) -> Combination:
    """The same vote, certain of a wrong class of every attribute in some rows, and right elsewhere."""
    vote, scheme = combination.vote, combination.scheme
    labels = scheme.decode(vote.true)
    labels[rows] = (labels[rows] + 1) % [attribute.size for attribute in scheme.attributes]
    oof = np.eye(scheme.n_classes)[scheme.encode(labels)]
    return replace(combination, voters=(*combination.voters[:-1], replace(vote, oof=oof)))


def test_shares_are_those_of_the_photographs_of_each_kind_and_age(combination: Combination) -> None:
    kinds, ages = weak_spots(combination)
    train, vote = combination.train, combination.vote
    assert [row.name for row in kinds.rows] == sorted(train["name"].unique())
    for row in kinds.rows:
        chosen = (train["name"] == row.name).to_numpy()
        assert (row.images, row.people) == (chosen.sum(), train["person"][chosen].nunique())
        expected = [(true == said)[chosen].mean() for true, said in vote.answers.values()]
        assert sorted(share.right for share in row.shares) == pytest.approx(sorted(expected))
    assert sum(row.images for row in ages.rows) == len(train)
    spans = [[float(number) for number in row.name.split(" to ")] for row in ages.rows]
    assert spans == sorted(spans)
    bounds = combination.scheme["age"].bounds
    assert all(not span[0] < bound <= span[-1] for span in spans for bound in bounds)


def test_a_kind_of_photograph_that_is_always_wrong_is_named(combination: Combination) -> None:
    kinds, _ = weak_spots(spoilt(combination, (combination.train["name"] == "mask3").to_numpy()))
    assert [row.name for row in kinds.rows if row.shares[0].weak] == ["mask3"]
    assert "mask3, where" in kinds.said
    assert "is right in 0 %, of all in 85.7 %" in kinds.said


def test_an_age_that_is_always_wrong_is_named(combination: Combination) -> None:
    old = combination.train["age"].to_numpy() >= 60
    kinds, ages = weak_spots(spoilt(combination, old))
    weak = [row.name for row in ages.rows if row.shares[0].weak]
    assert weak
    assert all(float(name.split(" to ")[0]) >= 60 for name in weak)
    assert ages.said.startswith("Weakest by age: ")
    assert kinds.said == ""  # all kinds suffer alike


def test_where_all_is_right_nothing_is_weak(combination: Combination) -> None:
    nothing = np.zeros(len(combination.train), dtype=bool)
    tables = weak_spots(spoilt(combination, nothing))
    assert [table.said for table in tables] == ["", ""]
    assert not any(share.weak for table in tables for row in table.rows for share in row.shares)


def test_names_that_are_numbers_are_no_kinds(combination: Combination) -> None:
    named = combination.train.assign(name=[f"photographs/{row}.jpg" for row in range(len(combination.train))])
    assert [table.title for table in weak_spots(replace(combination, train=named))] == ["By age"]
    in_folders = combination.train["person"] + "/" + combination.train["name"] + ".png"
    of_folders = replace(combination, train=combination.train.assign(name=in_folders))
    assert weak_spots(of_folders) == weak_spots(combination)


def test_a_scheme_of_one_attribute_has_its_answer() -> None:
    world = World(n_people=36, accuracy=0.9, recipe=recipe_of(ONE))
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    wrong = spoilt(combination, (combination.train["name"] == combination.train["name"].iloc[0]).to_numpy())
    for table in weak_spots(wrong):
        assert all(len(row.shares) == 1 for row in table.rows)
        assert "where the answer is right in" in table.said or not table.said


def test_the_error_is_that_of_a_bootstrap_over_people() -> None:
    random = np.random.default_rng(0)
    sizes = random.integers(1, 8, 150)
    people = np.repeat(np.arange(150), sizes).astype(object)
    right = random.random(len(people)) < np.repeat(random.beta(2, 1, 150), sizes)
    share, error = share_of(right, people)
    assert share == right.mean()
    hits, counts = (np.bincount(people.astype(int), weights=one) for one in (right, np.ones(len(right))))
    drawn = random.integers(0, 150, (4000, 150))
    assert error == pytest.approx((hits[drawn].sum(1) / counts[drawn].sum(1)).std(), rel=0.05)
    assert share_of(np.array([True, False]), np.array(["a", "a"], dtype=object)) == (0.5, float("inf"))
