"""Links in data sets: inside the folder they are followed, out of it only if the user says so."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from maskfold.dataset import prepare
from maskfold.dataset.manifest import eval_rows
from maskfold.dataset.preparation import Prepared
from maskfold.dataset.provenance import image_paths
from maskfold.discovery import load
from maskfold.errors import CorruptDataError, DatasetError, InputError
from maskfold.recipe import Dataset, Folds, load_recipe
from maskfold.rows import read_rows
from maskfold.scheme import Attribute, Scheme
from tests.dataset.builder import DataSet, Table, paint

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


@pytest.mark.parametrize("first", ["-----BEGIN OPENSSH PRIVATE KEY-----", "root:x:0:0:secret:/root:/bin/bash"])
def test_a_secret_named_as_a_table_is_not_quoted(tmp_path: Path, first: str) -> None:
    (tmp_path / "id_rsa").write_text(f"{first}\nsecret\n")
    with pytest.raises(DatasetError, match="the first line has only one column") as refused:
        read_rows(tmp_path / "id_rsa", "id_rsa", ("path",))
    assert first not in str(refused.value)


def test_a_header_is_quoted_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('x,"a\nmaskfold: done"\n1,2\n')
    with pytest.raises(DatasetError, match="the header is: x, a maskfold: done"):
        read_rows(tmp_path / "t.csv", "t.csv", ("path",))


@pytest.mark.parametrize("name", LINKS)
def test_a_link_inside_the_data_set_is_followed(data: DataSet, name: str) -> None:
    root = data.write()
    expected = read(root)
    move_out(root, name, root / "store")
    assert read(root) == expected


@pytest.mark.parametrize("follow_links", [False, True])
def test_the_data_set_itself_may_be_a_link(data: DataSet, tmp_path: Path, follow_links: bool) -> None:
    root = data.write()
    (tmp_path / "short").symlink_to(root)
    image = (root / "train/images/000001_female_Asian_40/mask1.jpg").rename(tmp_path / "elsewhere.jpg")
    (root / "train/images/000001_female_Asian_40/mask1.jpg").symlink_to(image)
    assert read(tmp_path / "short", max_quarantined=1, follow_links=follow_links) == 12 * 7 - (not follow_links)


def test_photographs_elsewhere_are_followed_on_demand(data: DataSet, tmp_path: Path) -> None:
    root = data.write()
    expected = read(root)
    person = sorted((root / "train/images").iterdir())[0]
    photograph = sorted(person.iterdir())[0].relative_to(root).as_posix()
    move_out(root, photograph, tmp_path / "outside")
    assert read(root, max_quarantined=1) == expected - 1
    assert read(root, follow_links=True) == expected


@pytest.mark.parametrize("what", ["photographs", "people", "evaluation"])
def test_a_store_inside_the_data_set_is_followed(data: DataSet, what: str) -> None:
    """As git-annex and DVC keep files: a link in each place, all content in one folder."""
    root = data.write()
    expected = read(root)
    places = {
        "photographs": [path for person in data.images.iterdir() for path in person.iterdir()],
        "people": list(data.images.iterdir()),
        "evaluation": list(data.eval_images.iterdir()),
    }[what]
    (root / ".annex").mkdir()
    for number, place in enumerate(places):
        place.rename(root / f".annex/{number}")
        place.symlink_to(os.path.relpath(root / f".annex/{number}", place.parent))
    assert read(root, max_quarantined=0, max_eval_unreadable=0) == expected


def photographs(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        paint(root / path, path)


@pytest.mark.parametrize("follow_links", [False, True])
@pytest.mark.parametrize(
    ("link", "target", "n_train"), [("more", "../store", 3), ("around", "..", 2), ("again", ".", 2)]
)
def test_a_link_in_a_class_folder(tmp_path: Path, link: str, target: str, n_train: int, follow_links: bool) -> None:
    root = tmp_path / "data"
    photographs(root, "cat/1.jpg", "dog/1.jpg", ".annex/1.jpg")
    (root / "store").symlink_to(".annex")
    (root / "cat" / link).symlink_to(target)
    assert class_folders(root, follow_links).n_train == n_train


@pytest.mark.parametrize("target", ["/", "/usr", "../outside"])
def test_what_a_class_folder_outside_holds_is_not_counted(tmp_path: Path, target: str) -> None:
    root = tmp_path / "data"
    photographs(root, "cat/1.jpg", "dog/1.jpg", "../outside/1.jpg", "../outside/2.jpg")
    (root / "all").symlink_to(target)
    found = class_folders(root)
    assert (found.n_train, found.n_quarantined) == (2, 1)


def class_folders(root: Path, follow_links: bool = False) -> Prepared:
    scheme = Scheme(attributes=(Attribute(name="label", values=("cat", "dog")),))
    dataset = Dataset(reader="folders", max_quarantined=1, follow_links=follow_links)
    return prepare(root, dataset, scheme, Folds(k=2))


@pytest.mark.parametrize(
    "name",
    ["train/images/000001_female_Asian_40", "train/images/000002_male_Asian_65/mask1.jpg", f"eval/images/{0:040x}.jpg"],
)
def test_a_person_or_photograph_elsewhere_in_the_data_set_is_followed(data: DataSet, name: str) -> None:
    root = data.write()
    expected = read(root)
    move_out(root, name, root / ".store")
    found = prepare(root, Dataset(reader="competition"), MASK, Folds(k=2))
    assert found.n_train == expected
    assert found.quarantine.empty
    assert eval_rows(found.manifest)["readable"].all()


@pytest.mark.parametrize("name", [".x.jpg", "x.jpg", "sub/.x.jpg", "Thumbs.db"])
def test_an_evaluation_image_that_leads_out_is_not_read(data: DataSet, tmp_path: Path, name: str) -> None:
    paint(tmp_path / "secret.png", 1)
    link = data.eval_images / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "secret.png")
    data.image_ids.append(name)
    found = prepare(data.write(), Dataset(reader="competition", max_eval_unreadable=1), MASK, Folds(k=2))
    assert eval_rows(found.manifest)["readable"].tolist() == [True] * 3 + [False]


SCHEME = Scheme(attributes=(Attribute(name="label", values=("cat", "cow", "dog")),))


def read_classes(root: Path, **dataset: object) -> Prepared:
    limits = {"max_quarantined": 1, "max_eval_unreadable": 1, "reader": "folders", **dataset}
    return prepare(root, Dataset.model_validate(limits), SCHEME, Folds(k=2))


class TestClassFolders:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name in ("train/cat/1", "train/cat/2", "train/dog/1", "train/dog/2", ".store/1", ".store/2", "test/1"):
            path = tmp_path / "data" / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            paint(path, name)
        return tmp_path / "data"

    def test_a_class_elsewhere_in_the_data_set_is_followed(self, root: Path) -> None:
        (root / "train/cow").symlink_to("../.store")
        (root / "train/dog/more.jpg").symlink_to("../../.store/1.jpg")
        found = read_classes(root)
        assert found.class_counts == (2, 2, 3)
        assert "train/cow/1.jpg" in set(found.manifest["image"])

    @pytest.mark.parametrize("linked", [("cat",), ("cat", "dog"), ("",), ("", "cat"), ("", "../test")])
    def test_classes_that_are_links_are_detected(self, tmp_path: Path, linked: tuple[str, ...]) -> None:
        """Whole parts and single classes elsewhere in the data set; the content is in a folder that is no class."""
        root = tmp_path / "data"
        photographs(root, "train/cat/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg", "train/dog/2.jpg", "test/1.jpg")
        (root / "raw").mkdir()
        for number, name in enumerate(linked):
            place = Path(os.path.normpath(root / "train" / name))
            place.rename(root / f"raw/{number}")
            place.symlink_to(os.path.relpath(root / f"raw/{number}", os.path.realpath(place.parent)))
        found, recipe = load(str(root), "smoke", [])
        assert found.said.startswith("data set: class folders: 4 photographs and 1 to evaluate, label (cat, dog)")
        assert prepare(root, recipe.dataset, recipe.scheme, Folds(k=2)).class_counts == (2, 2)

    def test_detected_without_parts_too(self, tmp_path: Path) -> None:
        photographs(tmp_path, ".store/a/1.jpg", ".store/b/1.jpg", ".store/b/deep/2.jpg", "raw/1.jpg")
        for name, target in (("cat", ".store/a"), ("dog", ".store/b"), ("bird", "raw"), ("gone", "nowhere")):
            (tmp_path / name).symlink_to(target)
        found, recipe = load(str(tmp_path), "smoke", [])
        assert "4 photographs, label (cat, dog, raw)" in found.said
        dataset = recipe.dataset.model_copy(update={"max_quarantined": 1})
        assert prepare(tmp_path, dataset, recipe.scheme, Folds(k=2)).class_counts == (1, 2, 1)

    def test_without_parts_too(self, tmp_path: Path) -> None:
        for name in ("cat/1", "cat/2", "dog/1", "dog/2", ".store/cow/1"):
            (tmp_path / f"{name}.jpg").parent.mkdir(parents=True, exist_ok=True)
            paint(tmp_path / f"{name}.jpg", name)
        (tmp_path / "cow").symlink_to(".store/cow")
        (tmp_path / "dog/around").symlink_to("..")
        assert read_classes(tmp_path).class_counts == (2, 1, 2)

    @pytest.mark.parametrize("target", ["cat", "../train/cat", "..", "../test", "cat/../cat"])
    def test_a_class_that_leads_to_another_one_is_left_out(self, root: Path, target: str) -> None:
        (root / "train/cow").symlink_to(target)
        (root / "train/dog/deep").symlink_to(f"../{target}")
        found = read_classes(root)
        assert found.class_counts == (2, 0, 2)
        assert set(found.quarantine["where"]) >= {"train/cow", "train/dog/deep"}

    @pytest.mark.parametrize("target", ["..", ".", "../..", "../../..", "/"])
    def test_circles_end_also_if_links_are_followed(self, root: Path, target: str) -> None:
        (root / "train/cat/around").symlink_to(target)
        (root / "train/dog/self").symlink_to(".")
        (root / "train/dog/twice").symlink_to("self")
        assert read_classes(root, follow_links=True).class_counts == (2, 0, 2)

    def test_circles_outside_end(self, root: Path, tmp_path: Path) -> None:
        paint_folder = tmp_path / "outside" / "deep"
        paint_folder.mkdir(parents=True)
        paint(paint_folder / "9.jpg", 9)
        (paint_folder / "up").symlink_to("..")
        (root / "train/cow").symlink_to(tmp_path / "outside")
        assert read_classes(root, follow_links=True).class_counts == (2, 1, 2)
        assert read_classes(root).class_counts == (2, 0, 2)

    def test_an_evaluation_image_that_leads_out_keeps_its_row(self, root: Path, tmp_path: Path) -> None:
        paint(tmp_path / "secret.png", 1)
        (root / "test/0.jpg").symlink_to(tmp_path / "secret.png")
        (root / "test/notes.txt").touch()
        found = read_classes(root)
        asked = eval_rows(found.manifest)
        assert asked["name"].tolist() == ["test/0.jpg", "test/1.jpg"]
        assert asked["readable"].tolist() == [False, True]
        assert any("1 files in the evaluation folders get no answer: test/notes.txt" in one for one in found.warnings)


def test_what_the_fingerprint_does_not_cover_is_not_read(tmp_path: Path) -> None:
    table = Table(tmp_path / "data")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        table.image(name)
    paint(tmp_path / "beside.jpg", 1)
    (table.root / "up").symlink_to("..")
    table.write("a.jpg,cat", "b.jpg,dog", "c.jpg,cow", "up/beside.jpg,cow", header="path,label")
    found = read_classes(table.root, reader="table", table="faces.csv", follow_links=True)
    assert found.n_train == 3
    assert "a folder that holds the data set" in found.quarantine["reason"].iloc[0]


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
