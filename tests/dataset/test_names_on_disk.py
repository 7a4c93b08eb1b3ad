"""Names that are equal to people and different to the code: paired where one can be meant, else reported once."""

import os
import unicodedata
from pathlib import Path

import pytest

from maskfold.dataset import check, prepare
from maskfold.dataset.manifest import eval_rows, train_rows
from maskfold.dataset.matching import FILE_FORMS, FOLDER_FORMS, difference, pair
from maskfold.dataset.provenance import image_paths
from maskfold.dataset.reading import Source
from maskfold.dataset.survey import survey as survey_of
from maskfold.discovery import load
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds, load_recipe
from maskfold.scheme import Attribute, Scheme
from tests.dataset.builder import MASK, DataSet, Table, paint, survey

KOREAN = "김민수.jpg"
SEVEN = 7

SAME = {
    "decomposed on disk": (KOREAN, unicodedata.normalize("NFD", KOREAN), "Unicode form"),
    "decomposed in the table": (unicodedata.normalize("NFD", "é.jpg"), "é.jpg", "Unicode form"),
    "trailing blank": ("a.jpg ", "a.jpg", "invisible or trailing blanks"),
    "zero-width blank on disk": ("a.jpg", "a\u200b.jpg", "invisible or trailing blanks"),
    "non-breaking blank": ("a\u00a0b.jpg", "a b.jpg", "invisible or trailing blanks"),
    "a dot and a slash": ("./a.jpg", "a.jpg", "the folder before it or backslashes"),
    "the folder of images": ("images/a.jpg", "a.jpg", "the folder before it or backslashes"),
    "the whole path": ("eval/images/a.jpg", "a.jpg", "the folder before it or backslashes"),
    "a path of Windows": (r"C:\data\eval\images\a.jpg", "a.jpg", "the folder before it or backslashes"),
    "backslashes": (r"sub\a.jpg", "sub/a.jpg", "the folder before it or backslashes"),
    "upper case": ("IMG_1.JPG", "img_1.jpg", "upper and lower case"),
    "upper case of the extension alone": ("a.JPG", "a.jpg", "upper and lower case"),
    "upper case of a folder": ("Sub/a.jpg", "sub/A.jpg", "upper and lower case"),
    "another extension": ("a.jpg", "a.png", "the extension"),
    "no extension": ("a", "a.jpeg", "the extension"),
    "another extension in a folder": ("sub/a.jpg", "sub/a.PNG", "the extension"),
    "a dot that begins no extension": ("img.0000", "img.0000.jpg", "the extension"),
    "another extension and case": ("A.JPG", "a.png", "upper and lower case and the extension"),
    "lost zeros": ("12.jpg", "0012.jpg", "leading zeros"),
    "lost zeros in a folder": ("7/12.jpg", "007/0012.jpg", "leading zeros"),
    "a Korean archive": (KOREAN, KOREAN.encode("cp949").decode("cp437"), "a Korean code page"),
}


@pytest.mark.parametrize(("asked", "present", "words"), SAME.values(), ids=SAME)
def test_one_file_that_can_be_meant_is_taken(asked: str, present: str, words: str) -> None:
    others = ["b.jpg", "other.png", "sub/c.jpg", "120.jpg"]
    assert pair([asked, "b.jpg"], [present, *others], FILE_FORMS) == {asked: present, "b.jpg": "b.jpg"}
    assert difference(asked, present, FILE_FORMS) == words


DIFFERENT = {
    "not an extension": ("cat.v1", "cat.jpg"),
    "not an extension either": ("cat.v1", "cat.v2.jpg"),
    "a number less": ("img.0000", "img.jpg"),
    "zeros in the middle": ("1002", "12"),
    "zeros at the end": ("10.jpg", "1.jpg"),
    "outside": ("../a.jpg", "a.jpg"),
    "text": ("a", "a.txt"),
}


@pytest.mark.parametrize(("asked", "present"), DIFFERENT.values(), ids=DIFFERENT)
def test_another_name_is_another_name(asked: str, present: str) -> None:
    assert pair([asked], [present], FILE_FORMS) == {}


@pytest.mark.parametrize(
    ("asked", "present"),
    [
        (["A.jpg"], ["a.JPG", "a.jpg"]),
        (["1.jpg", "01.jpg"], ["001.jpg"]),
        (["a"], ["a.jpg", "a.png"]),
        (["images/a.jpg", "./a.jpg"], ["a.jpg"]),
    ],
)
def test_a_name_that_can_stand_for_two_is_left_alone(asked: list[str], present: list[str]) -> None:
    assert pair(asked, present, FILE_FORMS) == {}


def test_an_exact_name_goes_first() -> None:
    assert pair(["a.jpg", "A.jpg"], ["a.jpg"], FILE_FORMS) == {"a.jpg": "a.jpg"}
    assert pair(["3397", "003397"], ["003397", "3397"], FOLDER_FORMS) == {"3397": "3397", "003397": "003397"}


ANN = "000100_female_Asian_40"
ROWS = {
    "Unicode form": (f"{ANN[:6]}_female_É_40", unicodedata.normalize("NFD", f"{ANN[:6]}_female_É_40")),
    "case": (ANN.upper(), ANN),
    "zeros": ("100_female_Asian_40", ANN),
    "a zero-width blank": (ANN, f"{ANN}\u200b"),
    "a trailing blank on disk": (ANN, f"{ANN} "),
    "the folder before it": (f"train/images/{ANN}", ANN),
    "a path of Windows": (f".\\images\\{ANN}\\", ANN),
}


@pytest.mark.parametrize(("path", "folder"), ROWS.values(), ids=ROWS)
def test_a_persons_row_finds_the_folder(data: DataSet, path: str, folder: str) -> None:
    data.person(folder, gender="female", age="40", path=path)
    found = survey(data.write())
    assert found.entries == ()
    assert set(train_rows(found.manifest).query("person == @folder")["age"]) == {40}
    assert found.n_train == 13 * SEVEN
    [warning] = found.warnings
    assert "1 paths of train/train.csv differ from the names on disk in" in warning


def test_photographs_are_found_by_visible_name(data: DataSet) -> None:
    folder = data.person(ANN)
    (folder / "mask1.jpg").rename(folder / "mask1 .jpg")
    (folder / "normal.jpg").rename(folder / "Normal\u200b.jpg")
    assert survey(data.write()).entries == ()


@pytest.mark.parametrize(
    ("one", "other"), [(ANN, ANN.upper()), ("é", unicodedata.normalize("NFD", "é")), ("x y", "x  y")]
)
def test_people_who_look_alike_are_pointed_out(data: DataSet, one: str, other: str) -> None:
    data.person(one, gender="female", age="40")
    data.person(other, gender="female", age="40")
    [warning] = survey(data.write()).warnings
    assert "1 names of people differ only in case, blanks or Unicode form" in warning


@pytest.mark.parametrize("folder", [f"{ANN}\u200b", f"{ANN} "])
def test_invisible_characters_do_not_hide_what_a_folder_states(data: DataSet, folder: str) -> None:
    data.person(folder, gender="male", age="40")
    [entry] = survey(data.write()).entries
    assert entry.kind == "labels-disagree"


@pytest.mark.parametrize(
    ("folder", "meant"),
    [("100", "000100"), (ANN.upper(), ANN), (f"train/images/{ANN}/", ANN), ("0100", "000100")],
)
def test_a_row_of_corrections_finds_the_person(data: DataSet, tmp_path: Path, folder: str, meant: str) -> None:
    data.person(ANN)
    corrections = tmp_path / "mine.csv"
    corrections.write_text(f"folder,gender,age,swap\n{folder},,41,Normal/mask1\n", encoding="utf-8")
    found = survey(data.write(), corrections)
    assert set(train_rows(found.manifest).query("person == @ANN")["age"]) == {41}
    assert f"is '{meant}'" in found.warnings[0]


def test_a_photograph_with_a_blank_after_its_extension(data: DataSet) -> None:
    folder = data.person(ANN)
    (folder / "mask1.jpg").rename(folder / "mask1.jpg ")
    (folder / "normal.jpg").rename(folder / "normal.JPG\u200b")
    assert survey(data.write()).n_train == 13 * SEVEN


def test_a_class_in_a_code_page_is_explained(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        paint(tmp_path / name / "1.jpg", name)
    (tmp_path / "cat").rename(tmp_path / os.fsdecode("고양이".encode("cp949")))
    with pytest.raises(DatasetError, match="reads '고양이' in the Korean code page cp949: rename it"):
        load(str(tmp_path), "smoke")


def test_repairs_of_external_tables_are_said(data: DataSet, tmp_path: Path) -> None:
    table = Table(tmp_path / "more")
    table.image("ann/01.jpg")
    table.write(r".\ann\1.jpg,female", header="path,gender")
    found = prepare(data.write(), Dataset(external=(str(table.csv),)), MASK, Folds(k=2))
    assert found.n_external == 1
    assert any("paths of" in warning and "is 'ann/01.jpg'" in warning for warning in found.warnings)


@pytest.mark.parametrize("name", ["renamed", "000101_female_Asian_40", "kim"])
def test_a_renamed_folder_counts_once(data: DataSet, name: str) -> None:
    data.person(ANN).rename(data.images / name)
    found = survey(data.write())
    assert sorted(entry.kind for entry in found.entries) == ["no-folder", "no-row"]
    assert sum(entry.left_out for entry in found.entries) == SEVEN


def test_the_reason_names_the_similar_row(data: DataSet) -> None:
    data.person(ANN).rename(data.images / "000101_female_Asian_40")
    (data.images / "000501_male_Black_77").mkdir()
    found = survey(data.write())
    reasons = {entry.person: (entry.left_out, entry.reason) for entry in found.entries if entry.kind == "no-row"}
    assert reasons["000501_male_Black_77"][0] == SEVEN
    assert reasons["000101_female_Asian_40"][0] == 0
    assert f"perhaps of the row '{ANN}'" in reasons["000101_female_Asian_40"][1]


def test_many_renamed_folders_count_once(data: DataSet) -> None:
    for number in range(60):
        data.row(f"{number + 200:06d}_male_Asian_30")
        (data.images / f"p{number}").mkdir()
    assert sum(entry.left_out for entry in survey(data.write()).entries) == 60 * SEVEN


def test_a_renamed_folder_with_a_bad_label_counts_once(data: DataSet) -> None:
    data.person(ANN, age="old").rename(data.images / "renamed")
    assert sum(entry.left_out for entry in survey(data.write()).entries) == SEVEN


@pytest.mark.parametrize("path", ["a/b", "~ann", "../ann"])
def test_an_unusable_path_and_its_folder_count_once(data: DataSet, path: str) -> None:
    data.person("ann", gender="female", age="40", path=path)
    assert sum(entry.left_out for entry in survey(data.write()).entries) == SEVEN


def test_a_renamed_photograph_counts_once(data: DataSet) -> None:
    folder = data.person(ANN)
    (folder / "mask1.jpg").rename(folder / "mask9.jpg")
    paint(folder / "mask8.jpg", 8)
    found = survey(data.write())
    assert {entry.kind for entry in found.entries} == {"missing", "extra"}
    assert sum(entry.left_out for entry in found.entries) == 2  # one was renamed, one is superfluous


class TestEvaluation:
    def spoil(self, data: DataSet, *pairs: tuple[str, str]) -> Path:
        data.image_ids.clear()
        for path in data.eval_images.iterdir():
            path.unlink()
        for number, (image_id, file) in enumerate(pairs):
            path = data.eval_images / file
            path.parent.mkdir(exist_ok=True)
            paint(path, ("eval", number))
            data.image_ids.append(image_id)
        return data.write()

    def test_image_ids_are_repaired_and_written_back_as_they_are(self, data: DataSet) -> None:
        ids = ["./a.jpg", r"images\b.jpg", "images/c.jpg", "7.jpg", " d.jpg ", "img.0001", "Sub/e.png"]
        files = ["a.jpg", "b.jpg", "c.jpg", "007.jpg", "d.jpg", "img.0001.jpg", "sub/E.jpg"]
        found = survey(self.spoil(data, *zip(ids, files, strict=True)))
        rows = eval_rows(found.manifest)
        assert rows["name"].tolist() == ids
        assert rows["image"].tolist() == [f"eval/images/{file}" for file in files]
        assert rows["readable"].all()
        assert found.entries == ()
        assert any("ImageIDs of eval/info.csv differ from the names on disk" in warning for warning in found.warnings)

    def test_a_set_of_which_nothing_can_be_read_is_rejected(self, data: DataSet) -> None:
        root = self.spoil(data, *((f"x{number}.jpg", f"{number}.jpg") for number in range(6)))
        with pytest.raises(DatasetError, match=r"6 of 6 evaluation images \(100.0%\) cannot be read") as error:
            prepare(root, Dataset(), MASK, Folds(k=2))
        assert "6 files there are not listed, such as eval/images/0.jpg" in str(error.value)
        assert "6 of 6 evaluation images" in (check(root, load_recipe("smoke")).refusal or "")
        assert prepare(root, Dataset(max_eval_unreadable=1), MASK, Folds(k=2)).n_eval_unreadable == 6

    @pytest.mark.parametrize(("n", "lost", "accepted"), [(1, 1, False), (2, 1, True), (12, 2, False), (20, 2, True)])
    def test_above_the_limit_it_is_rejected(self, data: DataSet, n: int, lost: int, accepted: bool) -> None:
        ids = [f"{'x' if number < lost else ''}{number}.jpg" for number in range(n)]
        root = self.spoil(data, *((image_id, f"{number}.jpg") for number, image_id in enumerate(ids)))
        refusal = check(root, load_recipe("smoke")).refusal
        assert (refusal is None) == accepted

    def test_a_name_in_a_code_page_is_explained(self, data: DataSet) -> None:
        root = self.spoil(data, ("a.jpg", "a.jpg"))
        paint(root / "eval" / "images" / "b.jpg", "b")
        (data.eval_images / "b.jpg").rename(data.eval_images / os.fsdecode(KOREAN.encode("cp949")))
        [entry] = survey(root).entries
        assert f"reads '{KOREAN}' in the Korean code page cp949" in entry.reason
        (data.eval_images / "a.jpg").unlink()
        data.image_ids[:] = ["x.jpg"]
        assert "rename it, such as with convmv" in (check(data.write(), load_recipe("smoke")).refusal or "")

    @pytest.mark.parametrize("name", [KOREAN, f"사진/{KOREAN}", f"사진/{KOREAN.upper()}"])
    def test_a_name_in_a_code_page_that_an_image_id_means_is_used(self, data: DataSet, name: str) -> None:
        root = self.spoil(data, ("a.jpg", "a.jpg"), (name, name))
        in_code_page(data.eval_images, name)
        found = survey(root)
        assert found.entries == ()
        assert eval_rows(found.manifest)["image"].tolist() == [f"eval/images/{one}" for one in ("a.jpg", name)]
        assert eval_rows(found.manifest)["readable"].all()
        assert [path.is_file() for path in image_paths(eval_rows(found.manifest), root)] == [True, True]
        [warning] = found.warnings
        assert warning.startswith("1 ImageIDs of eval/info.csv mean names on disk that are not UTF-8, but read so in")

    def test_a_name_in_utf_8_goes_first(self, data: DataSet) -> None:
        root = self.spoil(data, (KOREAN, KOREAN))
        in_code_page(data.eval_images, KOREAN)
        paint(data.eval_images / KOREAN, "in UTF-8")
        found = survey(root)
        assert [entry.kind for entry in found.entries] == ["unlisted"]
        [path] = image_paths(eval_rows(found.manifest), root)
        assert path == data.eval_images / KOREAN

    @pytest.mark.parametrize("written", [b"\xff.jpg", "ж".encode("koi8-r") + b".jpg", b"\x80\x80.jpg"])
    def test_other_bytes_are_nobodys_name(self, data: DataSet, written: bytes) -> None:
        root = self.spoil(data, ("a.jpg", "a.jpg"))
        (data.eval_images / "a.jpg").rename(data.eval_images / os.fsdecode(written))
        assert "1 of 1 evaluation images" in (check(root, load_recipe("smoke")).refusal or "")


def in_code_page(folder: Path, name: str) -> None:
    """Give a file and the folders before it the bytes that they have in the code page."""
    for path in (Path(name), *Path(name).parents[:-1]):
        (folder / path).rename(folder / path.parent / os.fsdecode(path.name.encode("cp949")))


def test_a_persons_folder_in_a_code_page(data: DataSet) -> None:
    data.person("김_male_Asian_30", gender="male", age="30")
    in_code_page(data.images, "김_male_Asian_30")
    found = survey(data.write())
    assert found.entries == ()
    assert len(train_rows(found.manifest).query("person == '김_male_Asian_30'")) == SEVEN
    assert "1 paths of train/train.csv mean names on disk that are not UTF-8" in found.warnings[0]


LONG = "x" * 5000


class TestNothingStopsTheRest:
    """One odd name or link is left out or noted; the others are read."""

    def test_a_long_path_of_a_person(self, data: DataSet) -> None:
        data.row(LONG, gender="male", age="20")
        [entry] = survey(data.write()).entries
        assert (entry.kind, entry.left_out) == ("unsafe-path", SEVEN)
        assert "longer than the 255 bytes" in entry.reason
        assert len(str(entry)) < 1000

    @pytest.mark.parametrize("image_id", [f"{LONG}.jpg", f"sub/{LONG}.jpg", "가" * 90])
    def test_a_long_image_id(self, data: DataSet, image_id: str) -> None:
        data.image_ids.append(image_id)
        found = survey(data.write())
        assert eval_rows(found.manifest)["readable"].tolist() == [True] * 3 + [False]
        assert len(found.entries) == 1

    def test_a_path_that_is_too_long_as_a_whole(self, data: DataSet) -> None:
        data.image_ids.append("/".join(["y" * 200] * 30))
        assert eval_rows(survey(data.write()).manifest)["readable"].tolist() == [True] * 3 + [False]

    def test_looping_links(self, data: DataSet) -> None:
        folder = data.person(ANN)
        (folder / "mask1.jpg").unlink()
        for link in (
            folder / "mask1.jpg",
            data.images / "loop",
            data.eval_images / "loop.jpg",
            data.eval_images / "up",
        ):
            link.symlink_to(link.name)
        data.image_ids += ["loop.jpg", "up/x.jpg"]
        found = survey(data.write())
        assert found.n_train == 13 * SEVEN - 1
        assert eval_rows(found.manifest)["readable"].tolist() == [True] * 3 + [False] * 2

    def test_in_a_table_and_in_class_folders(self, tmp_path: Path) -> None:
        table = Table(tmp_path / "faces")
        for name in ("dark/a.jpg", "fair/b.jpg"):
            table.image(name)
        (table.root / "dark" / "loop.jpg").symlink_to("loop.jpg")
        (table.root / "around").symlink_to("around")
        table.write("dark/a.jpg,dark", "fair/b.jpg,fair", f"{LONG}.jpg,fair", "dark/loop.jpg,dark", header="path,label")
        scheme = Scheme(attributes=(Attribute(name="label", values=("dark", "fair")),))
        for layout in ("table", "folders"):
            found = survey_of(Source(table.root, scheme, "faces.csv"), layout)
            assert len(train_rows(found.manifest)) == 2


class TestTables:
    def survey(self, table: Table) -> object:
        scheme = Scheme(attributes=(Attribute(name="hair", values=("dark", "fair"), of="person"),))
        return survey_of(Source(table.root, scheme, table.csv.name), "table")

    def test_paths_are_repaired(self, tmp_path: Path) -> None:
        table = Table(tmp_path / "faces")
        for name in ("ann/1.jpg", "Bob/02.PNG", unicodedata.normalize("NFD", "é.jpg")):
            table.image(name)
        table.write(r".\ann\1.jpg,dark,", "bob/2.png,fair,", "é.jpg,,test", header="path,hair,split")
        found = self.survey(table)
        assert found.entries == ()
        assert found.manifest["readable"].all()
        assert found.manifest["name"].tolist() == ["bob/2.png", r".\ann\1.jpg", "é.jpg"]
        assert all((table.root / image).is_file() for image in found.manifest["image"])

    def test_names_in_a_code_page(self, tmp_path: Path) -> None:
        table = Table(tmp_path / "faces")
        for name in (f"{number}/{KOREAN}" for number in ("a", "나")):
            table.image(name)
        table.write(f"a/{KOREAN},dark,", f"나/{KOREAN},fair,", f"나/{KOREAN}x,fair,", header="path,hair,split")
        for folder in ("a", "나"):
            in_code_page(table.root, f"{folder}/{KOREAN}")
        found = self.survey(table)
        assert [entry.kind for entry in found.entries] == ["missing"]
        assert len(found.manifest) == 2
        assert found.manifest["readable"].all()

    def test_one_person_in_two_spellings_is_one_person(self, tmp_path: Path) -> None:
        table = Table(tmp_path / "faces")
        people = ["José", unicodedata.normalize("NFD", "José"), "JOSÉ", "josé\u200b"]
        for number in range(4):
            table.image(f"{number}.jpg")
        table.write(*(f"{number}.jpg,{person},dark" for number, person in enumerate(people)), header="path,person,hair")
        found = self.survey(table)
        assert set(found.manifest["person"]) == {"José"}
        assert "3 names of people differ only in case" in found.warnings[0]
