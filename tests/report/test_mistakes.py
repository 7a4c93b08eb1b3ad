from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from maskfold.ensemble.combination import Combination, combine
from maskfold.report import mistakes
from maskfold.report.mistakes import Mistakes
from tests.ensemble.synthetic import ONE, World, recipe_of


@pytest.fixture(scope="module")
def combination() -> Combination:
    world = World(n_people=36, accuracy=0.6)
    return combine(world.recipe, world.manifest, world.folds, world.tables)


def face(image: str) -> np.ndarray:
    """One colour for each image, so that a thumbnail can be told from another's."""
    return np.full((280, 210, 3), sum(image.encode()) % 256, dtype=np.uint8)


def test_the_worst_people_have_most_photographs_wrong(combination: Combination) -> None:
    found = Mistakes.of(combination, face)
    wrong = combination.vote.predicted != combination.vote.true
    counts = combination.train.assign(wrong=wrong).groupby("person")["wrong"].sum()
    assert len(found.people) == mistakes.PEOPLE
    assert [one.wrong for one in found.people] == sorted(counts, reverse=True)[: mistakes.PEOPLE]
    for person in found.people:
        assert person.wrong == counts[person.name]
        assert person.images == 7
        assert len(person.shots) == min(person.wrong, 3)
        assert all(person.name in shot.image for shot in person.shots)


def test_the_surest_mistakes_are_wrong_and_of_different_people(combination: Combination) -> None:
    found = Mistakes.of(combination, face)
    rows = combination.train.reset_index().set_index("image").loc[[shot.image for shot in found.surest], "index"]
    vote = combination.vote
    assert (vote.predicted[rows] != vote.true[rows]).all()
    assert combination.train["person"][rows].is_unique
    sure = [shot.probability for shot in found.surest]
    assert sure == sorted(sure, reverse=True)
    wrong = vote.predicted != vote.true
    assert sure[0] == pytest.approx(vote.oof[wrong].max())


def test_a_mistake_names_the_attributes_that_are_wrong_and_shows_its_face(combination: Combination) -> None:
    shot = Mistakes.of(combination, face).surest[0]
    row = combination.train.index[combination.train["image"] == shot.image][0]
    vote, scheme = combination.vote, combination.scheme
    true, said = scheme.decode(vote.true[row]), scheme.decode(vote.predicted[row])
    for place, attribute in enumerate(scheme.attributes):
        differs = true[place] != said[place]
        assert (attribute.class_names[true[place]] in shot.true.replace(" and ", ", ").split(", ")) == differs
        assert (attribute.class_names[said[place]] in shot.said.replace(" and ", ", ").split(", ")) == differs
    kind, _, content = shot.face.partition(";base64,")
    assert kind == "data:image/jpeg"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (96, 128)
        assert np.asarray(image).mean() == pytest.approx(face(shot.image).mean(), abs=2)


def test_people_who_are_always_wrong_are_counted(tmp_path) -> None:
    world = World(n_people=12, accuracy=1.0)
    people = sorted(set(world.train["person"]))[:3]
    for one in world.tables:
        mine = one.table["image"].str.contains("|".join(people)) & (one.table["part"] == "valid")
        if one.network in ("joint", "age") and mine.any():
            size = 18 if one.network == "joint" else 3
            values = [f"p{number}" for number in range(size)]
            shift = 1  # the age group changes fastest
            rolled = one.table.loc[mine, values].to_numpy().reshape(-1, size // 3, 3)
            one.table.loc[mine, values] = np.roll(rolled, shift, axis=2).reshape(-1, size)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    said = Mistakes.of(combination, face).said
    assert said[0] == "Of 12 people the vote gets 3 wrong on all photographs, 9 on none."
    assert said[1] == "For 3 of these the age is wrong every time; check these labels first."


def test_without_known_persons_only_photographs_are_shown() -> None:
    world = World(recipe=recipe_of(ONE), n_people=30)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    alone = combination.train.assign(person=combination.train["image"])
    found = Mistakes.of(replace(combination, train=alone), face)
    assert (found.people, found.said) == ((), ())
    assert found.surest


def test_where_all_is_right_there_is_nothing_to_show() -> None:
    world = World(n_people=12, accuracy=1.0)
    found = Mistakes.of(combine(world.recipe, world.manifest, world.folds, world.tables), face)
    assert (found.people, found.surest) == ((), ())
    assert found.said == ("Of 12 people the vote gets 0 wrong on all photographs, 12 on none.",)
