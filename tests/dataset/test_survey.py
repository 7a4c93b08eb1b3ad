"""The table of bad inputs, and the effect of each on manifest and quarantine."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from maskfold.dataset.manifest import eval_rows, train_rows
from maskfold.dataset.versions import dataset_version, images_version
from tests.dataset.builder import DataSet, paint, survey

ANN = "000100_female_Asian_40"
SEVEN = 7


def add_ann(data: DataSet, **row: str) -> Path:
    return data.person(ANN, **row)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def with_photograph(change: Callable[[Path], object]) -> Callable[[DataSet], object]:
    return lambda data: change(add_ann(data) / "mask1.jpg")


def replace_by_link(target: str) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        path.unlink()
        path.symlink_to(target)

    return change


def link_folder(data: DataSet) -> None:
    data.row(ANN)
    (data.images / ANN).symlink_to(data.images / "000001_female_Asian_40")


def ann_twice(**row: str) -> Callable[[DataSet], object]:
    def change(data: DataSet) -> None:
        add_ann(data)
        data.row(ANN, **row)

    return change


CASES = {
    "empty photograph": (with_photograph(lambda p: p.write_bytes(b"")), "unreadable", "empty", 1),
    "truncated photograph": (with_photograph(truncate), "unreadable", "truncated", 1),
    "text for a photograph": (with_photograph(lambda p: p.write_text("hello")), "unreadable", "not an image", 1),
    "missing photograph": (with_photograph(lambda p: p.unlink()), "missing", "no photograph mask1", 1),
    "link out of the data set": (with_photograph(replace_by_link("/etc/hostname")), "unsafe-path", "outside", 1),
    "link to another person": (
        with_photograph(replace_by_link("../000001_female_Asian_40/mask1.jpg")),
        "unsafe-path",
        "another person",
        1,
    ),
    "broken link": (with_photograph(replace_by_link("mask9.jpg")), "unsafe-path", "the link is broken", 1),
    "folder is a link": (link_folder, "unsafe-path", "another person", SEVEN),
    "mask9": (lambda data: paint(add_ann(data) / "mask9.jpg", 1), "extra", "no mask state", 1),
    "mask1 twice": (lambda data: paint(add_ann(data) / "mask1.png", 1), "extra", "a second photograph named mask1", 1),
    "notes in the folder": (
        lambda data: (add_ann(data) / "notes.txt").write_text("x"),
        "not-a-photograph",
        "by its extension",
        0,
    ),
    "folder in the folder": (
        lambda data: (add_ann(data) / "old").mkdir(),
        "not-a-photograph",
        "a folder among photographs",
        0,
    ),
    "file among the folders": (
        lambda data: (data.images / "readme.txt").write_text("x"),
        "not-a-photograph",
        "among the people",
        0,
    ),
    "row without folder": (lambda data: data.row(ANN), "no-folder", "no such folder", SEVEN),
    "folder without row": (lambda data: (add_ann(data), data.rows.pop()), "no-row", "no row", SEVEN),
    "folder name that is not text": (
        lambda data: (data.images / os.fsdecode(b"\xff\x1b[31m")).mkdir(),
        "no-row",
        "no row",
        SEVEN,
    ),
    "gender disagrees": (
        lambda data: add_ann(data, gender="male"),
        "labels-disagree",
        "line 14 says male; the folder's name says female",
        SEVEN,
    ),
    "age disagrees": (lambda data: add_ann(data, age="41"), "labels-disagree", "41", SEVEN),
    "rows contradict": (ann_twice(age="41"), "labels-disagree", "line 15 says 41", SEVEN),
    "equal rows": (ann_twice(), "repeated-row", "2 equal rows", 0),
    "unknown gender": (lambda data: add_ann(data, gender="f"), "bad-label", "neither male nor female", SEVEN),
    "age is a word": (lambda data: add_ann(data, age="old"), "bad-label", "whole number", SEVEN),
    "age is blank": (lambda data: add_ann(data, age=""), "bad-label", "whole number", SEVEN),
    "too old": (lambda data: data.person("000100_male_Asian_121"), "bad-label", "outside 0..120", SEVEN),
    "not born": (lambda data: data.person("000100_male_Asian_-1"), "bad-label", "outside 0..120", SEVEN),
    "path climbs": (lambda data: data.row(ANN, path="../images"), "unsafe-path", "outside its folder", SEVEN),
    "path is absolute": (lambda data: data.row(ANN, path="/etc"), "unsafe-path", "absolute", SEVEN),
    "path has a drive": (lambda data: data.row(ANN, path="C:\\x"), "unsafe-path", "absolute", SEVEN),
    "path is deep": (lambda data: data.row(ANN, path="a/b"), "unsafe-path", "a single folder name", SEVEN),
    "path is blank": (lambda data: data.row(ANN, path=""), "unsafe-path", "blank", SEVEN),
    "path has control characters": (lambda data: data.row(ANN, path="a\x1bb"), "unsafe-path", "printed", SEVEN),
}


@pytest.mark.parametrize(("change", "kind", "reason", "left_out"), CASES.values(), ids=CASES)
def test_bad_input_is_left_out_or_noted_with_its_reason(
    data: DataSet, change: Callable[[DataSet], object], kind: str, reason: str, left_out: int
) -> None:
    change(data)
    found = survey(data.write())
    [entry] = found.entries
    assert (entry.kind, entry.left_out, entry.part) == (kind, left_out, "train")
    assert reason in entry.reason
    assert entry.where.isprintable()
    train = train_rows(found.manifest)
    # Other people are not affected, and the person keeps all valid photographs.
    assert len(train[train["person"] != ANN]) == 12 * SEVEN
    has_ann = left_out < SEVEN and (data.images / ANN).is_dir()
    n_lost = 0 if kind == "extra" else left_out
    assert sum(train["person"] == ANN) == (SEVEN - n_lost if has_ann else 0)


def test_valid_data_set_has_no_entries(data: DataSet) -> None:
    found = survey(data.write())
    assert found.entries == ()
    assert found.n_train == 12 * SEVEN
    table = found.manifest
    assert table["image"].is_unique
    assert table["image"][: found.n_train].is_monotonic_increasing
    assert eval_rows(table)["name"].tolist() == data.image_ids
    assert {str(kind) for kind in table.dtypes[["mask", "gender", "age", "width"]]} == {"int16", "float64", "int32"}
    assert table["readable"].all()
    assert not table["corrected"].any()
    by_name = train_rows(table).set_index("name")["mask"]
    assert set(by_name["mask3"]) == {0}
    assert set(by_name["incorrect_mask"]) == {1}
    assert set(by_name["normal"]) == {2}
    assert all((data.root / image).is_file() for image in table["image"])


def test_extensions_of_any_kind_and_case_are_photographs(data: DataSet) -> None:
    folder = add_ann(data)
    for old, new in [("mask1.jpg", "mask1.JPG"), ("mask2.jpg", "MASK2.Jpeg"), ("normal.jpg", "Normal.jpeg")]:
        (folder / old).rename(folder / new)
    (folder / "mask3.jpg").unlink()
    paint(folder / "mask3.PNG", "png")
    found = survey(data.write())
    assert found.entries == ()
    ann = train_rows(found.manifest).query("person == @ANN")
    assert ann.set_index("name")["image"]["mask2"] == f"train/images/{ANN}/MASK2.Jpeg"
    assert ann["mask"].value_counts().to_dict() == {0: 5, 1: 1, 2: 1}


def test_litter_is_skipped_and_counted(data: DataSet) -> None:
    folder = add_ann(data)
    (folder / "._mask1.jpg").write_bytes(b"x")
    (folder / ".ipynb_checkpoints").mkdir()
    (data.images / "._000001").write_bytes(b"x")
    (data.images / "__MACOSX").mkdir()
    (data.eval_images / ".DS_Store").write_bytes(b"x")
    (data.eval_images / "Thumbs.db").write_bytes(b"x")
    found = survey(data.write())
    assert found.entries == ()
    assert found.n_litter == 6


def test_two_people_may_share_an_id(data: DataSet) -> None:
    data.person("003397_male_Asian_20")
    data.person("003397_female_Asian_60")
    found = survey(data.write())
    assert found.entries == ()
    train = train_rows(found.manifest)
    assert train["person"].nunique() == 14


def test_folder_names_need_not_state_labels(data: DataSet) -> None:
    data.person("ann", gender=" Female ", age="40.0")
    found = survey(data.write())
    assert found.entries == ()
    assert set(found.manifest.query("person == 'ann'")[["gender", "age"]].itertuples(index=False, name=None)) == {
        (1, 40)
    }


def test_a_person_with_two_problems_counts_once(data: DataSet) -> None:
    data.row(ANN, gender="male")
    found = survey(data.write())
    assert sum(entry.left_out for entry in found.entries) == SEVEN


def test_same_photograph_under_two_people_and_in_both_parts(data: DataSet) -> None:
    folder = add_ann(data)
    shutil.copy(data.images / "000001_female_Asian_40" / "normal.jpg", folder / "normal.jpg")
    shutil.copy(folder / "mask2.jpg", data.eval_images / data.image_ids[1])
    shutil.copy(folder / "mask3.jpg", folder / "mask4.jpg")  # within one person: not an entry
    found = survey(data.write())
    assert [entry.kind for entry in found.entries] == ["same-photograph"] * 2
    assert found.entries[0].where.endswith("000001_female_Asian_40/normal.jpg")
    assert data.image_ids[1] in found.entries[1].reason
    assert found.n_train == 13 * SEVEN


class TestEvaluation:
    """Rows of info.csv are never dropped."""

    @pytest.mark.parametrize(
        ("image_id", "kind"),
        [
            ("../../train/train.csv", "unsafe-path"),
            ("/etc/hostname", "unsafe-path"),
            ("..\\x.jpg", "unsafe-path"),
            ("a/../../b.jpg", "unsafe-path"),
            ("link.jpg", "unsafe-path"),
            ("folder/inside.jpg", "unsafe-path"),
            ("missing.jpg", "missing"),
            ("sub/missing.jpg", "missing"),
            ("empty.jpg", "unreadable"),
            ("sub", "unreadable"),
        ],
    )
    def test_unusable_image_is_kept_and_marked(self, data: DataSet, tmp_path: Path, image_id: str, kind: str) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        paint(outside / "inside.jpg", "outside")
        (data.eval_images / "sub").mkdir()
        if image_id == "link.jpg":
            (data.eval_images / "link.jpg").symlink_to(outside / "inside.jpg")
        if image_id.startswith("folder/"):
            (data.eval_images / "folder").symlink_to(outside)
        if image_id == "empty.jpg":
            (data.eval_images / "empty.jpg").touch()
        if not image_id.startswith("sub"):
            (data.eval_images / "sub").rmdir()
        data.image_ids.insert(1, image_id)
        found = survey(data.write())
        rows = eval_rows(found.manifest)
        assert rows["name"].tolist() == data.image_ids
        assert rows["readable"].tolist() == [True, False, True, True]
        assert rows["width"].tolist() == [24, 0, 24, 24]
        assert ".." not in rows["image"].iloc[1]
        [entry] = [entry for entry in found.entries if entry.kind != "unlisted"]
        assert (entry.kind, entry.part, entry.left_out) == (kind, "eval", 0)

    def test_another_extension_or_case_is_found(self, data: DataSet) -> None:
        first, second, _ = data.image_ids
        (data.eval_images / first).rename(data.eval_images / first.replace(".jpg", ".JPG"))
        (data.eval_images / second).unlink()
        paint(data.eval_images / second.replace(".jpg", ".png"), "png")
        found = survey(data.write())
        assert found.entries == ()
        rows = eval_rows(found.manifest)
        assert rows["name"].tolist() == data.image_ids
        assert [Path(image).suffix for image in rows["image"]] == [".JPG", ".png", ".jpg"]

    def test_one_file_serves_one_image_id_only(self, data: DataSet) -> None:
        paint(data.eval_images / "a.JPG", "a")
        data.image_ids += ["a.jpg", "a.png"]
        found = survey(data.write())
        assert eval_rows(found.manifest)["readable"].tolist() == [True] * 4 + [False]
        assert found.manifest["image"].is_unique

    def test_nested_image_ids(self, data: DataSet) -> None:
        (data.eval_images / "sub").mkdir()
        paint(data.eval_images / "sub" / "a.jpg", "a")
        data.image_ids.append("sub/a.jpg")
        found = survey(data.write())
        assert found.entries == ()
        assert eval_rows(found.manifest)["readable"].all()

    def test_unlisted_files_are_noted(self, data: DataSet) -> None:
        paint(data.eval_images / "stray.jpg", "stray")
        found = survey(data.write())
        assert [(entry.kind, entry.where) for entry in found.entries] == [("unlisted", "eval/images/stray.jpg")]


class TestCorrections:
    """Corrections change labels, are recorded, and resolve conflicting labels."""

    def apply(self, data: DataSet, *rows: str) -> tuple:
        file = data.root / "mine.csv"
        file.write_text("\n".join(["folder,gender,age,swap", *rows]))
        found = survey(data.write(), file)
        return found, train_rows(found.manifest).query("person == @ANN").set_index("name")

    def test_gender_and_age(self, data: DataSet) -> None:
        add_ann(data)
        found, ann = self.apply(data, f"{ANN},male,61,")
        assert set(ann["gender"]) == {0}
        assert set(ann["age"]) == {61}
        assert ann["corrected"].all()
        assert found.manifest["corrected"].sum() == SEVEN
        assert (found.corrections.n_matched, found.corrections.n_images) == (1, SEVEN)

    def test_swap_changes_two_photographs(self, data: DataSet) -> None:
        add_ann(data)
        _, ann = self.apply(data, "000100,,,incorrect_mask/normal")
        assert ann["mask"][["mask1", "incorrect_mask", "normal"]].tolist() == [0, 2, 1]
        assert sorted(ann.index[ann["corrected"]]) == ["incorrect_mask", "normal"]

    def test_right_labels_stay_uncorrected(self, data: DataSet) -> None:
        add_ann(data)
        found, ann = self.apply(data, f"{ANN},female,,mask1/mask2")
        assert not ann["corrected"].any()
        assert found.corrections.without_effect == (ANN,)

    @pytest.mark.parametrize("row", [{"gender": "male"}, {"gender": "?"}])
    def test_a_correction_resolves_a_conflict(self, data: DataSet, row: dict[str, str]) -> None:
        add_ann(data, **row)
        found, ann = self.apply(data, f"{ANN},female,,")
        assert found.entries == ()
        assert set(ann["gender"]) == {1}
        assert ann["corrected"].all()

    def test_unknown_people_are_reported(self, data: DataSet) -> None:
        found, _ = self.apply(data, "stranger,female,,")
        assert found.corrections.unknown == ("stranger",)
        assert found.corrections.n_matched == 0


class TestVersions:
    def test_labels_change_the_data_set_but_not_the_images(self, data: DataSet) -> None:
        data.person("ann", gender="female", age="40")
        before = survey(data.write()).manifest
        data.rows[-1]["age"] = "41"
        after = survey(data.write()).manifest
        assert images_version(before) == images_version(after)
        assert dataset_version(before) != dataset_version(after)

    def test_one_bit_of_one_image_changes_both(self, data: DataSet) -> None:
        before = survey(data.write()).manifest
        paint(data.images / "000001_female_Asian_40" / "normal.jpg", "other")
        after = survey(data.root).manifest
        assert images_version(before) != images_version(after)
        assert dataset_version(before) != dataset_version(after)

    def test_threads_and_row_order_do_not_matter(self, data: DataSet) -> None:
        with_photograph(truncate)(data)
        seen: list[tuple[int, int]] = []
        one = survey(data.write(), threads=1)
        data.rows.reverse()
        many = survey(data.write(), threads=7, progress=lambda done, total: seen.append((done, total)))
        assert dataset_version(one.manifest) == dataset_version(many.manifest)
        assert one.entries == many.entries
        assert seen == [(done, 13 * SEVEN + 3) for done in range(1, 13 * SEVEN + 4)]
