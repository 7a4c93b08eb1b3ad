"""Class folders: which photographs are trained on, which are evaluated, and what is left out."""

from pathlib import Path

import pytest

from maskfold.dataset import prepare, train_rows
from maskfold.dataset.manifest import eval_rows
from maskfold.dataset.preparation import Prepared
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds
from maskfold.scheme import Attribute, Scheme
from tests.dataset.builder import paint

SCHEME = Scheme(attributes=(Attribute(name="label", values=("cat", "dog", "not worn")),))


def photographs(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        paint(root / path, path)
    return root


def read(root: Path, **dataset: object) -> Prepared:
    return prepare(root, Dataset(max_quarantined=1, **dataset), SCHEME, Folds(k=2))  # type: ignore[arg-type]


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    return photographs(tmp_path / "data", "cat/1.jpg", "cat/deep/2.PNG", "dog/1.jpg", "not_worn/1.jpg")


@pytest.fixture
def split(tmp_path: Path) -> Path:
    return photographs(
        tmp_path / "data", "Train/cat/1.jpg", "Train/dog/1.jpg", "test/b.jpg", "test/a/dog.jpg", "val/cat/c.jpg"
    )


def test_a_folder_for_each_class(flat: Path) -> None:
    prepared = read(flat)
    train = train_rows(prepared.manifest)
    assert dict(zip(train["image"], train["label"], strict=True)) == {
        "cat/1.jpg": 0,
        "cat/deep/2.PNG": 0,
        "dog/1.jpg": 1,
        "not_worn/1.jpg": 2,
    }
    assert train["person"].tolist() == train["image"].tolist()
    assert (prepared.n_eval, prepared.n_quarantined) == (0, 0)
    assert prepared.class_counts == (2, 1, 1)
    assert any("names no persons" in warning for warning in prepared.warnings)


def test_training_and_evaluation_folders(split: Path) -> None:
    prepared = read(split)
    assert train_rows(prepared.manifest)["image"].tolist() == ["Train/cat/1.jpg", "Train/dog/1.jpg"]
    asked = eval_rows(prepared.manifest)
    assert asked["image"].tolist() == ["test/a/dog.jpg", "test/b.jpg", "val/cat/c.jpg"]
    assert set(asked["label"]) == {-1}


def test_files_that_are_not_photographs_of_a_class(flat: Path, tmp_path: Path) -> None:
    photographs(flat, "stray.jpg", "bird/1.jpg", "bird/2.jpg")
    (flat / "notes.md").touch()
    (flat / "cat" / "list.txt").touch()
    (flat / ".cache").mkdir()
    (flat / "cat" / ".DS_Store").touch()
    (flat / "cat" / "._1.jpg").touch()
    (flat / "docs").mkdir()
    photographs(tmp_path / "outside", "1.jpg")
    (flat / "cat" / "link.jpg").symlink_to(tmp_path / "outside" / "1.jpg")
    (flat / "cat" / "inside.jpg").symlink_to(flat / "cat" / "deep" / "2.PNG")
    (flat / "dog" / "others").symlink_to(tmp_path / "outside")
    (flat / "linked").symlink_to(tmp_path / "outside")
    (flat / "dog" / "bad.jpg").write_text("no image")
    (flat / "dog" / "x\x1b.jpg").touch()
    prepared = read(flat)
    found = {entry["where"]: (entry["kind"], entry["left_out"]) for entry in prepared.quarantine.to_dict("records")}
    assert found.pop("cat/deep/2.PNG")[0] == "same-photograph" if "cat/deep/2.PNG" in found else True
    assert found.pop("cat/inside.jpg", ("same-photograph", 0)) == ("same-photograph", 0)
    assert found == {
        "stray.jpg": ("no-label", 1),
        "bird": ("bad-label", 2),
        "docs": ("not-a-photograph", 0),
        "notes.md": ("not-a-photograph", 0),
        "cat/list.txt": ("not-a-photograph", 0),
        "cat/link.jpg": ("unsafe-path", 1),
        "dog/others": ("not-a-photograph", 0),
        "linked": ("unsafe-path", 1),
        "dog/bad.jpg": ("unreadable", 1),
        "dog/x\\x1b.jpg": ("unsafe-path", 1),
    }
    assert len(train_rows(prepared.manifest)) == 5
    assert prepared.n_quarantined == 7


def test_corrections_name_the_path(flat: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("path,label\ncat/1.jpg,dog\ndog/1.jpg,dog\n")
    prepared = read(flat, corrections=str(tmp_path / "mine.csv"))
    train = train_rows(prepared.manifest).set_index("image")
    assert train.loc["cat/1.jpg", "label"] == 1
    assert train.index[train["corrected"]].tolist() == ["cat/1.jpg"]
    assert "no label changed for 1 of 2 photographs" in "\n".join(prepared.warnings)


def test_two_attributes_need_a_table(flat: Path) -> None:
    both = Scheme(attributes=(*SCHEME.attributes, Attribute(name="stature", bounds=(3,))))
    with pytest.raises(DatasetError, match="class folders state one attribute, but the scheme has label, stature"):
        prepare(flat, Dataset(reader="folders"), both, Folds(k=2))
