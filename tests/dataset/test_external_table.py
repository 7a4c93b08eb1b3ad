"""External tables: which rows are trained on, and why others are not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from maskfold.dataset import check, prepare, read_manifest
from maskfold.dataset.manifest import class_counts, eval_rows, external_rows, train_rows
from maskfold.dataset.versions import dataset_version, images_version
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds
from tests.dataset.builder import MASK, DataSet, paint
from tests.dataset.test_check import recipe, shown

FOLDS = Folds(k=2)


class External:
    """An external table under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.csv = root / "faces.csv"
        root.mkdir()

    def image(self, path: str, seed: object = None) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        paint(file, ("external", self.root.name, path) if seed is None else seed)
        return file

    def write(self, *rows: str, header: str = "path,gender,age,mask") -> str:
        self.csv.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return str(self.csv)


@pytest.fixture
def external(tmp_path: Path) -> External:
    return External(tmp_path / "outside")


def settings(*tables: str) -> Dataset:
    return Dataset(external=tables)


def test_rows_join_the_manifest_and_change_nothing_else(data: DataSet, external: External, tmp_path: Path) -> None:
    for path in ("a.jpg", "deep/er/b.png", "c.jpg"):
        external.image(path)
    table = external.write("c.jpg,Female,,", "a.jpg,,61,not worn", "deep/er/b.png,male,20,1")
    root = data.write()
    alone = prepare(root, Dataset(), MASK, FOLDS)
    found = prepare(root, settings(table), MASK, FOLDS)
    added = external_rows(found.manifest)
    assert added[["image", "name", "mask", "gender", "age"]].fillna({"age": -1}).to_numpy().tolist() == [
        ["external/0/a.jpg", "a.jpg", 2, -1, 61],
        ["external/0/c.jpg", "c.jpg", -1, 1, -1],
        ["external/0/deep/er/b.png", "deep/er/b.png", 1, 0, 20],
    ]
    assert set(added["person"]) == {""}
    assert added["readable"].all()
    assert not added["corrected"].any()
    assert (set(added["width"]), set(added["height"])) == ({24}, {32})
    # The data set's own rows come first and are unchanged.
    assert found.manifest.iloc[: len(alone.manifest)].equals(alone.manifest)
    assert found.folds.equals(alone.folds)
    assert found.class_counts == alone.class_counts == tuple(class_counts(found.manifest, MASK))
    assert (found.n_train, found.n_eval, found.n_quarantined) == (alone.n_train, alone.n_eval, 0)
    assert (found.n_external, found.n_external_left_out) == (3, 0)
    assert found.warnings == alone.warnings
    assert found.dataset_version != alone.dataset_version
    assert found.images_version != alone.images_version
    found.manifest.to_parquet(tmp_path / "manifest.parquet", index=False)
    assert dataset_version(read_manifest(tmp_path / "manifest.parquet")) == found.dataset_version


BAD_ROWS: dict[str, tuple[Callable[[External], str], str, str]] = {
    "parent": (lambda e: "../data/eval/info.csv,male,,", "unsafe-path", "outside its folder"),
    "absolute": (lambda e: f"{e.csv.absolute()},male,,", "unsafe-path", "absolute"),
    "blank path": (lambda e: ",male,,", "unsafe-path", "blank"),
    "control character": (lambda e: "a\x1b.jpg,male,,", "unsafe-path", "printed"),
    "missing": (lambda e: "nowhere.jpg,male,,", "missing", "the file is missing"),
    "long name": (lambda e: f"{'x' * 5000}.jpg,male,,", "unsafe-path", "longer than the 255 bytes"),
    "link outside": (lambda e: linked(e, e.root.parent / "elsewhere.jpg"), "unsafe-path", "outside outside/"),
    "link to a folder outside": (lambda e: linked_folder(e), "unsafe-path", "outside outside/"),
    "link to nothing": (lambda e: linked(e, e.root / "nothing"), "unsafe-path", "the link is broken"),
    "a folder": (lambda e: folder(e), "unreadable", "not a file"),
    "not an image": (lambda e: damaged(e, b"no image"), "unreadable", "not an image"),
    "empty": (lambda e: damaged(e, b""), "unreadable", "empty"),
    "no label": (lambda e: named(e, "x.jpg,,,"), "no-label", "none of mask, gender, age is given"),
    "gender": (lambda e: named(e, "x.jpg,man,,"), "bad-label", "'man' is none of male, female or 0, 1"),
    "age": (lambda e: named(e, "x.jpg,male,121,"), "bad-label", "121 is outside 0..120"),
    "no age": (lambda e: named(e, "x.jpg,male,young,"), "bad-label", "'young' is not a number of years"),
    "mask": (lambda e: named(e, "x.jpg,,,3"), "bad-label", "'3' is none of wear, incorrect, not worn or 0, 1, 2"),
}


def named(external: External, row: str) -> str:
    external.image("x.jpg")
    return row


def linked(external: External, target: Path) -> str:
    if target.suffix:
        paint(target, "elsewhere")
    (external.root / "link.jpg").symlink_to(target)
    return "link.jpg,male,,"


def linked_folder(external: External) -> str:
    target = external.root.parent / "other"
    target.mkdir()
    paint(target / "x.jpg", "other")
    (external.root / "inside").symlink_to(target)
    return "inside/x.jpg,male,,"


def folder(external: External) -> str:
    (external.root / "folder.jpg").mkdir()
    return "folder.jpg,male,,"


def damaged(external: External, content: bytes) -> str:
    (external.root / "x.jpg").write_bytes(content)
    return "x.jpg,male,,"


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_row_that_cannot_be_used_is_left_out_with_its_reason(case: str, data: DataSet, external: External) -> None:
    make, kind, reason = BAD_ROWS[case]
    external.image("good.jpg")
    table = external.write("good.jpg,male,,", make(external))
    prepared = prepare(data.write(), settings(table), MASK, FOLDS)
    assert external_rows(prepared.manifest)["name"].tolist() == ["good.jpg"]
    [entry] = prepared.quarantine.to_dict("records")
    assert (entry["part"], entry["kind"], entry["left_out"]) == ("external", kind, 1)
    assert reason in entry["reason"]
    assert entry["where"].startswith("external/0/")
    # It does not count against the data set's own limit.
    assert (prepared.n_quarantined, prepared.n_external_left_out) == (0, 1)
    assert "1 of 2 rows are left out" in prepared.warnings[0]


def test_links_that_stay_inside_are_followed(data: DataSet, external: External) -> None:
    external.image("store/1.jpg")
    (external.root / "a.jpg").symlink_to(external.root / "store" / "1.jpg")
    prepared = prepare(data.write(), settings(external.write("a.jpg,male,,")), MASK, FOLDS)
    assert prepared.n_external == 1


def test_a_path_is_used_once_and_never_if_its_rows_disagree(data: DataSet, external: External) -> None:
    for path in ("same.jpg", "torn.jpg", "good.jpg"):
        external.image(path)
    table = external.write("same.jpg,male,,", "torn.jpg,,20,", "same.jpg,MALE,,", "torn.jpg,,21,", "good.jpg,male,,")
    prepared = prepare(data.write(), settings(table), MASK, FOLDS)
    assert external_rows(prepared.manifest)["name"].tolist() == ["good.jpg", "same.jpg"]
    entries = {entry["kind"]: entry for entry in prepared.quarantine.to_dict("records")}
    assert entries["repeated-row"]["left_out"] == 1
    assert "lines 2, 4" in entries["repeated-row"]["reason"]
    assert entries["labels-disagree"]["left_out"] == 2
    assert prepared.n_external_left_out == 3


def test_the_data_sets_own_photographs_are_left_out(data: DataSet, external: External) -> None:
    """Networks must not learn from a held-out person under another name."""
    root = data.write()
    own = sorted(root.glob("train/images/*/mask1.jpg"))[0]
    shutil.copy(own, external.root / "train.jpg")
    shutil.copy(data.eval_images / data.image_ids[0], external.root / "eval.jpg")
    external.image("new.jpg")
    table = external.write("train.jpg,male,,", "eval.jpg,male,,", "new.jpg,male,,")
    prepared = prepare(root, settings(table), MASK, FOLDS)
    assert external_rows(prepared.manifest)["name"].tolist() == ["new.jpg"]
    assert set(prepared.quarantine["kind"]) == {"in-data-set"}
    reasons = dict(zip(prepared.quarantine["where"], prepared.quarantine["reason"], strict=True))
    assert reasons["external/0/train.jpg"] == f"equal to {own.relative_to(root)} of the data set"
    assert data.image_ids[0] in reasons["external/0/eval.jpg"]
    assert not any("scores may be too high" in warning for warning in prepared.warnings)
    own_bytes = {*train_rows(prepared.manifest)["sha256"], *eval_rows(prepared.manifest)["sha256"]}
    assert not own_bytes & set(external_rows(prepared.manifest)["sha256"])


def test_the_first_of_equal_external_photographs_counts(data: DataSet, external: External, tmp_path: Path) -> None:
    other = External(tmp_path / "other")
    external.image("a.jpg", "same")
    other.image("b.jpg", "same")
    other.image("c.jpg")
    tables = external.write("a.jpg,male,,"), other.write("b.jpg,,20,", "c.jpg,,20,")
    prepared = prepare(data.write(), settings(*tables), MASK, FOLDS)
    assert external_rows(prepared.manifest)["image"].tolist() == ["external/0/a.jpg", "external/1/c.jpg"]
    [entry] = prepared.quarantine.to_dict("records")
    assert (entry["where"], entry["kind"]) == ("external/1/b.jpg", "repeated-photograph")
    assert "external/0/a.jpg" in entry["reason"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("gender,age\nmale,20\n", "the column path is missing"),
        ("path,sex\na.jpg,male\n", "needs path and at least one of mask, gender, age"),
        ("path,gender\n", "has no row"),
        ("path|gender\na.jpg|male\n", "the column path is missing"),
        ("path,gender,gender\na.jpg,male,female\n", "the column gender appears twice"),
        ("path,gender\na.jpg,male,20\n", "line 2: 3 values where the header has 2"),
        (None, "cannot be read"),
    ],
)
def test_an_invalid_table_is_an_input_error(
    content: str | None, message: str, data: DataSet, external: External
) -> None:
    if content is not None:
        external.csv.write_text(content)
    with pytest.raises(DatasetError, match=message) as error:
        check(data.write(), recipe(external=(str(external.csv),)))
    assert str(external.csv) in str(error.value)
    assert error.value.exit_code == 2


def test_a_table_without_usable_rows_is_rejected(data: DataSet, external: External) -> None:
    table = external.write(*(f"{number}.jpg,male,," for number in range(12)))
    root = data.write()
    with pytest.raises(DatasetError, match=f"{table}: none of its 12 rows can be used") as error:
        prepare(root, settings(table), MASK, FOLDS)
    assert str(error.value).count("the file is missing") == 10
    assert "and 2 more" in str(error.value)
    assert "A run would reject this data set: external table" in shown(check(root, recipe(external=(table,))))


def test_columns_come_in_any_order_and_case_and_others_are_ignored(data: DataSet, external: External) -> None:
    external.image("a.jpg")
    table = external.write("x,WEAR,a.jpg", header="Note,MASK,Path")
    prepared = prepare(data.write(), settings(table), MASK, FOLDS)
    assert external_rows(prepared.manifest)[["mask", "gender"]].to_numpy().tolist() == [[0, -1]]


def test_check_shows_each_table_by_what_is_known(data: DataSet, external: External) -> None:
    for path in ("a.jpg", "b.jpg", "c.jpg"):
        external.image(path)
    table = external.write("a.jpg,male,20,wear", "b.jpg,,61,", "c.jpg,male,,", "d.jpg,male,,")
    report = check(data.write(), recipe(external=(table,)))
    [use] = report.external
    assert (use.n_rows, use.n_used, use.known, use.n_complete) == (4, 3, (1, 2, 2), 1)
    assert report.sizes == (((24, 32), 87),)
    text = shown(report, width=200)
    assert "External tables" in text
    assert f"external/0: {table}" in text
    assert "external/0/faces.csv, line 5" in text
    assert "A run would accept this data set." in text
    assert "External tables" not in shown(check(data.root, recipe()))


def test_the_result_does_not_depend_on_threads(data: DataSet, external: External) -> None:
    rows = []
    for number in range(20):
        external.image(f"{number}.jpg", number // 2)
        rows.append(f"{number}.jpg,male,,")
    table, root = external.write(*rows), data.write()
    one, many = (prepare(root, settings(table), MASK, FOLDS, threads=threads) for threads in (1, 8))
    assert one.manifest.equals(many.manifest)
    assert one.quarantine.equals(many.quarantine)
    assert one.n_external == 10


def test_another_label_or_image_changes_the_versions(data: DataSet, external: External) -> None:
    external.image("a.jpg")
    root = data.write()
    first = prepare(root, settings(external.write("a.jpg,male,,")), MASK, FOLDS)
    relabelled = prepare(root, settings(external.write("a.jpg,female,,")), MASK, FOLDS)
    assert relabelled.dataset_version != first.dataset_version
    assert relabelled.images_version == first.images_version == images_version(first.manifest)
    external.image("a.jpg", "another")
    assert prepare(root, settings(str(external.csv)), MASK, FOLDS).images_version != first.images_version


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_image_that_may_not_be_read_is_left_out(data: DataSet, external: External) -> None:
    external.image("a.jpg").chmod(0)
    external.image("b.jpg")
    prepared = prepare(data.write(), settings(external.write("a.jpg,male,,", "b.jpg,male,,")), MASK, FOLDS)
    assert "permission" in prepared.quarantine["reason"][0]
