"""Links in data sets: inside the folder they are followed, out of it only if the user says so."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from maskfold.dataset import prepare
from maskfold.dataset.provenance import image_paths
from maskfold.discovery import load
from maskfold.errors import CorruptDataError, DatasetError, InputError
from maskfold.recipe import Dataset, Folds, load_recipe
from maskfold.rows import read_rows
from tests.dataset.builder import DataSet

MASK = load_recipe("smoke").scheme
LINKS = ["train", "train/train.csv", "train/images", "eval", "eval/info.csv", "eval/images"]


def move_out(root: Path, name: str, outside: Path) -> None:
    """Replace a folder or a table by a link to it."""
    target = outside / name.replace("/", "-")
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / name).rename(target)
    (root / name).symlink_to(target)


def read(root: Path, **dataset: object) -> int:
    return prepare(root, Dataset(reader="competition", **dataset), MASK, Folds(k=2)).n_train  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LINKS)
def test_a_folder_or_table_that_leads_out_is_refused_by_name(data: DataSet, tmp_path: Path, name: str) -> None:
    root = data.write()
    expected = read(root)
    move_out(root, name, tmp_path / "outside")
    with pytest.raises(DatasetError, match=rf"{name} -> .*outside.*dataset\.follow_links=true"):
        read(root)
    with pytest.raises(DatasetError, match=rf"{name} -> "):
        load(str(root), "smoke", [])
    assert read(root, follow_links=True) == expected
    assert load(str(root), "smoke", ["dataset.follow_links=true"])[1].dataset.reader == "competition"


def test_a_table_that_leads_to_a_secret_is_not_quoted(data: DataSet, tmp_path: Path) -> None:
    root = data.write()
    (tmp_path / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (root / "eval/info.csv").unlink()
    (root / "eval/info.csv").symlink_to("../../passwd")
    with pytest.raises(DatasetError) as refused:
        read(root)
    assert "bash" not in str(refused.value)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_inside_the_data_set_is_followed(data: DataSet, name: str) -> None:
    root = data.write()
    expected = read(root)
    move_out(root, name, root / "store")
    assert read(root) == expected


def test_the_data_set_itself_may_be_a_link(data: DataSet, tmp_path: Path) -> None:
    root = data.write()
    (tmp_path / "short").symlink_to(root)
    assert read(tmp_path / "short") == read(root)


def test_photographs_elsewhere_are_followed_on_demand(data: DataSet, tmp_path: Path) -> None:
    root = data.write()
    expected = read(root)
    person = sorted((root / "train/images").iterdir())[0]
    photograph = sorted(person.iterdir())[0].relative_to(root).as_posix()
    move_out(root, photograph, tmp_path / "outside")
    assert read(root, max_quarantined=1) == expected - 1
    assert read(root, follow_links=True) == expected


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_table_without_an_end_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    table = tmp_path / "info.csv"
    if kind == "pipe":
        os.mkfifo(table)
    else:
        table.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not an ordinary file"):
        read_rows(table, "info.csv", ("ImageID",))


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "a/../../b.csv"])
def test_the_name_of_a_table_leads_nowhere_else(data: DataSet, name: str) -> None:
    with pytest.raises(InputError):
        load(str(data.write()), "smoke", [f"dataset.table={name}"])


@pytest.mark.parametrize(
    "image",
    ["../secret.jpg", "/etc/secret.jpg", "train/../../x.jpg", "external/1/x.jpg", "external/-1/x.jpg",
     "external/0/../x.jpg", "external/x/y.jpg", "", "./../x.jpg"],
)  # fmt: skip
def test_a_manifest_names_only_files_of_its_folders(image: str, tmp_path: Path) -> None:
    manifest = pd.DataFrame({"image": ["train/a.jpg", image], "readable": [True, True]})
    with pytest.raises(CorruptDataError, match="not the name of an image"):
        image_paths(manifest, tmp_path, [tmp_path])


def test_a_manifest_of_ordinary_names_is_opened(tmp_path: Path) -> None:
    names = ["train/a.jpg", "./external/own.jpg", "external/0/b.jpg", "unsafe//3"]
    manifest = pd.DataFrame({"image": names, "readable": [True, True, True, False]})
    root, table = tmp_path / "data", tmp_path / "table"
    own = [root / "train/a.jpg", root / "external/own.jpg"]
    assert image_paths(manifest, root, [table]) == [*own, table / "b.jpg", root]
