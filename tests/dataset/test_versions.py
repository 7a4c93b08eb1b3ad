"""What changes the digests of what networks learn from."""

from pathlib import Path

import pytest

from maskfold.dataset import prepare
from maskfold.dataset.preparation import Prepared
from maskfold.recipe import Dataset, Folds, load_recipe
from tests.dataset.builder import MASK, DataSet, Table


@pytest.fixture
def outside(tmp_path: Path) -> Table:
    return Table(tmp_path / "outside")


def learnt(root: Path, *tables: Path) -> dict[str, str]:
    return dict(read(root, *tables).learnt_versions)


def read(root: Path, *tables: Path) -> Prepared:
    return prepare(root, Dataset(external=tuple(map(str, tables))), MASK, Folds(k=2))


def changed(one: dict[str, str], other: dict[str, str]) -> set[str]:
    assert one.keys() == other.keys()
    return {name for name in one if one[name] != other[name]}


def test_every_target_and_every_extra_has_one(data: DataSet) -> None:
    names = set(learnt(data.write()))
    extras = ("", "+mask", "+gender", "+age", "+cells")
    assert names == {f"{target}{extra}" for target in ("joint", "mask", "gender", "age") for extra in extras}
    for preset in ("smoke", "fast", "good", "best", "hot6"):
        assert {one for network in load_recipe(preset).networks for one in network.label_sets()} <= names


def test_an_external_table_of_one_attribute_changes_that_target_alone(data: DataSet, outside: Table) -> None:
    for name in ("a.jpg", "b.jpg"):
        outside.image(name)
    root = data.write()
    alone = learnt(root)
    outside.write("a.jpg,wear", "b.jpg,incorrect", header="path,mask")
    assert changed(alone, learnt(root, outside.csv)) == {"mask", "mask+mask", "mask+gender", "mask+age", "mask+cells"}
    outside.write("a.jpg,wear,male,20", "b.jpg,,female,", header="path,mask,gender,age")
    assert changed(alone, learnt(root, outside.csv)) == set(alone)


def test_a_correction_of_one_attribute_leaves_other_targets_as_they_are(data: DataSet) -> None:
    data.person("ann", gender="female", age="40")
    before = learnt(data.write())
    data.rows[-1]["gender"] = "male"
    after = learnt(data.write())
    gender = {name for name in before if "gender" in name or "cells" in name or "joint" in name}
    assert changed(before, after) == gender


def test_evaluation_images_change_none(data: DataSet) -> None:
    before = read(data.write())
    data.evaluation(5)
    data.image_ids = data.image_ids[3:]
    after = read(data.write())
    assert after.learnt_versions == before.learnt_versions
    assert after.eval_version != before.eval_version


def test_another_person_or_photograph_changes_all(data: DataSet) -> None:
    before = learnt(data.write())
    folder = data.images / "000001_female_Asian_40"
    (folder / "mask1.jpg").write_bytes((folder / "mask2.jpg").read_bytes())
    assert changed(before, learnt(data.root)) == set(before)
