"""Tables as data sets, and the effect of each row."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskfold.dataset import check, prepare, read_manifest, train_rows
from maskfold.dataset.manifest import eval_rows
from maskfold.dataset.preparation import Prepared
from maskfold.dataset.reading import Source
from maskfold.dataset.table import read_table
from maskfold.dataset.versions import dataset_version
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds, load_recipe
from maskfold.scheme import Attribute, Scheme
from tests.dataset.builder import Table
from tests.dataset.test_check import shown

SCHEME = Scheme(
    attributes=(
        Attribute(name="hair", of="person", values=("dark", "fair")),
        Attribute(name="light", values=("day", "lamp", "night", "flash")),
        Attribute(name="stature", of="person", bounds=(120, 150, 170, 190), unit="cm"),
    )
)
HEADER = "path,person,split,hair,light,stature"


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Six people with two photographs each, and two evaluation photographs."""
    made = Table(tmp_path / "data")
    for number in range(6):
        made.image(f"p{number}/a.jpg")
        made.image(f"p{number}/b.jpg")
    for name in ("x.jpg", "w.jpg"):
        made.image(name)
    return made


def rows() -> list[str]:
    people = [(f"p{number}", ("dark", "fair")[number % 2], 115 + 15 * number) for number in range(6)]
    training = [
        f"{person}/{name}.jpg,{person},,{hair},{light},{stature}"
        for person, hair, stature in people
        for name, light in (("a", "day"), ("b", "lamp"))
    ]
    return [*training, "x.jpg,,test,?,?,?", "w.jpg,,Eval,,,"]


def read(made: Table, *lines: str, header: str = HEADER, **dataset: object) -> Prepared:
    root = made.write(*lines, header=header)
    return prepare(
        root, Dataset(reader="table", max_quarantined=1, max_eval_unreadable=1, **dataset), SCHEME, Folds(k=2)
    )  # type: ignore[arg-type]


def test_a_valid_table(table: Table, tmp_path: Path) -> None:
    prepared = read(table, *rows())
    assert prepared.quarantine.empty
    train = train_rows(prepared.manifest)
    assert train["image"].tolist() == [f"p{number}/{name}.jpg" for number in range(6) for name in "ab"]
    assert train["light"].tolist() == [0, 1] * 6
    assert train["stature"].tolist() == [float(115 + 15 * number) for number in range(6) for _ in "ab"]
    assert train["person"].nunique() == 6
    # Evaluation rows keep the table's order, and their labels are never read.
    asked = eval_rows(prepared.manifest)
    assert asked["name"].tolist() == ["x.jpg", "w.jpg"]
    assert (asked[["hair", "light"]] == -1).all(axis=None)
    assert asked["stature"].isna().all()
    assert sum(prepared.class_counts) == 12
    assert len(prepared.class_counts) == 2 * 4 * 5
    assert set(prepared.folds["person"]) == set(train["person"])
    prepared.manifest.to_parquet(tmp_path / "manifest.parquet", index=False)
    assert dataset_version(read_manifest(tmp_path / "manifest.parquet")) == prepared.dataset_version


def test_parquet_says_the_same(table: Table) -> None:
    first = read(table, *rows())
    frame = pd.read_csv(table.csv, dtype={"stature": str}, keep_default_na=False)
    frame["stature"] = pd.to_numeric(frame["stature"], errors="coerce")  # floats, with gaps
    frame["hair"] = frame["hair"].astype("category")
    frame.to_parquet(table.root / "faces.parquet", index=False)
    table.csv.unlink()
    second = prepare(table.root, Dataset(), SCHEME, Folds(k=2))
    assert second.manifest.equals(first.manifest)


BAD: dict[str, tuple[Callable[[Table], str], str, str]] = {
    "class": (lambda t: "x2.jpg,q,,red,day,150", "bad-label", "hair 'red' is none of dark, fair or 0, 1"),
    "number": (lambda t: "x2.jpg,q,,dark,day,tall", "bad-label", "stature 'tall' is not a number of cm"),
    "infinite": (lambda t: "x2.jpg,q,,dark,day,inf", "bad-label", "'inf' is not a number"),
    "one label missing": (lambda t: "x2.jpg,q,,dark,,150", "no-label", "x2.jpg: light is not given"),
    "no label": (lambda t: "x2.jpg,q,,,,", "no-label", "none of hair, light, stature is given"),
    "split": (lambda t: "x2.jpg,q,later,dark,day,150", "bad-label", "split 'later' is neither train (or blank) nor"),
    "parent": (lambda t: "../x2.jpg,q,,dark,day,150", "unsafe-path", "outside its folder"),
    "absolute": (lambda t: "/etc/hostname,q,,dark,day,150", "unsafe-path", "absolute"),
    "blank path": (lambda t: ",q,,dark,day,150", "unsafe-path", "blank"),
    "missing": (lambda t: "none.jpg,q,,dark,day,150", "missing", "the file is missing"),
    "link": (lambda t: link(t), "unsafe-path", "outside data/"),
    "not a photograph": (lambda t: damaged(t), "unreadable", "not an image"),
    "in both parts": (lambda t: "w.jpg,q,train,dark,day,150", "in-both-parts", "also an evaluation photograph"),
    "another person's hair": (
        lambda t: "x2.jpg,p0,,fair,day,115",
        "labels-disagree",
        "hair: line 2 says dark; line 16",
    ),
}


def link(table: Table) -> str:
    (table.root.parent / "outside.jpg").write_bytes(table.image("x2.jpg").read_bytes())
    (table.root / "link.jpg").symlink_to(table.root.parent / "outside.jpg")
    return "link.jpg,q,,dark,day,150"


def damaged(table: Table) -> str:
    (table.root / "bad.jpg").write_text("no image")
    return "bad.jpg,q,,dark,day,150"


@pytest.mark.parametrize("case", BAD)
def test_a_training_row_that_cannot_be_used_is_left_out_and_counts(case: str, table: Table) -> None:
    make, kind, reason = BAD[case]
    table.image("x2.jpg")
    prepared = read(table, *rows(), make(table))
    [entry] = prepared.quarantine.to_dict("records")
    lost = 3 if kind == "labels-disagree" else 1  # the person's other two photographs too
    assert (entry["kind"], entry["part"], entry["left_out"]) == (kind, "train", lost)
    assert reason in entry["reason"]
    assert prepared.n_quarantined == lost
    assert prepared.n_train == 12 - (lost - 1)
    assert prepared.n_eval == 2
    with pytest.raises(DatasetError, match=r"training photographs \(\d+\.\d%\) cannot be used"):
        prepare(table.root, Dataset(reader="table", max_quarantined=0.01), SCHEME, Folds(k=2))


def test_repeated_and_contradicting_rows(table: Table) -> None:
    table.image("q.jpg")
    first = rows()
    prepared = read(table, *first, first[0], "q.jpg,q,,dark,day,150", "q.jpg,q,,dark,night,150", "x.jpg,,test,,,")
    kinds = {(entry["kind"], entry["part"]): entry for entry in prepared.quarantine.to_dict("records")}
    assert set(kinds) == {("repeated-row", "train"), ("labels-disagree", "train"), ("repeated-row", "eval")}
    assert kinds["repeated-row", "train"]["left_out"] == 0
    assert any("1 rows ask for an evaluation image once more" in warning for warning in prepared.warnings)
    assert kinds["labels-disagree", "train"]["left_out"] == 1
    assert "lines 17" not in kinds["labels-disagree", "train"]["reason"]
    assert "line 17, line 18" in kinds["labels-disagree", "train"]["reason"]
    assert (prepared.n_train, prepared.n_eval) == (12, 2)


def test_evaluation_rows_are_never_dropped(table: Table) -> None:
    (table.root / "empty.jpg").touch()
    extra = ["../a.jpg,,test,,,", "gone.jpg,,test,,,", "empty.jpg,,holdout,,,"]
    prepared = read(table, *extra, *rows())
    asked = eval_rows(prepared.manifest)
    assert asked["name"].tolist() == ["../a.jpg", "gone.jpg", "empty.jpg", "x.jpg", "w.jpg"]
    assert asked["readable"].tolist() == [False] * 3 + [True] * 2
    assert ".." not in asked["image"].iloc[0]
    assert prepared.quarantine["kind"].tolist() == ["unsafe-path", "missing", "unreadable"]
    assert prepared.n_quarantined == 0


def test_without_persons_each_photograph_is_its_own_and_all_attributes_stratify(table: Table) -> None:
    lines = [",".join(cells[:1] + cells[3:]) for cells in csv.reader(rows()[:12])]
    prepared = read(table, *lines, header="path,hair,light,stature")
    assert train_rows(prepared.manifest)["person"].tolist() == train_rows(prepared.manifest)["image"].tolist()
    assert len(prepared.folds) == 12
    assert "the data set names no persons, so each photograph counts as a person of its own" in "\n".join(
        prepared.warnings
    )
    assert "groups have fewer photographs than 2 folds" in "\n".join(prepared.warnings)
    assert prepared.n_eval == 0
    recipe = load_recipe("smoke", scheme=SCHEME.model_dump(mode="json"))
    report = check(table.root, recipe.model_copy(update={"dataset": Dataset(), "folds": Folds(k=2)}))
    assert report.people == {}
    assert "not known" in shown(report)


def test_a_person_in_both_parts_gets_a_warning(table: Table) -> None:
    table.image("v.jpg")
    prepared = read(table, *rows(), "v.jpg,p1,valid,,,")
    assert "1 people are in the training and in the evaluation part" in "\n".join(prepared.warnings)
    assert "p1" in set(prepared.folds["person"])


def test_a_folder_called_external_is_not_an_external_table(table: Table) -> None:
    table.image("external/0/a.jpg")
    prepared = read(table, *rows(), "external/0/a.jpg,q,,dark,day,150")
    assert prepared.n_train == 13
    assert "./external/0/a.jpg" in set(prepared.manifest["image"])


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("file,hair,light,stature", "a,dark,day,1", "the column path is missing"),
        ("path,hair", "a,dark", "missing: light, stature. A table needs path and a column for each attribute"),
        ("path,hair,hair,light,stature", "a,dark,dark,day,1", "hair appears twice"),
    ],
)
def test_an_invalid_table(table: Table, header: str, line: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(table, line, header=header)


def test_a_table_elsewhere_is_not_read(table: Table) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.table '\.\./faces\.csv': expected the name of a csv or parquet"):
        read(table, *rows(), table="../faces.csv")


def test_several_unusable_rows_of_a_photograph_are_one_trouble(table: Table) -> None:
    table.image("q.jpg")
    bad = ["q.jpg,q,,green,day,150", "q.jpg,q,,dark,never,150", "gone.jpg,g,,dark,day,150", "gone.jpg,g,,dark,day,150"]
    assert read(table, *rows(), *bad).n_quarantined == 2
    assert read(table, *rows(), *bad[:2], "q.jpg,q,,dark,day,150").n_quarantined == 0
    contradiction = ["q.jpg,q,,dark,day,150", "q.jpg,q,,fair,day,150"]
    assert read(table, *rows(), bad[0], *contradiction).n_quarantined == 1


class TestCorrections:
    """A csv with path or person, and attributes; blank cells leave labels as they are."""

    def apply(self, table: Table, *lines: str) -> Prepared:
        file = table.root.parent / "mine.csv"
        file.write_text("\n".join([*lines, ""]))
        return read(table, *rows(), corrections=str(file))

    def test_by_person(self, table: Table) -> None:
        prepared = self.apply(table, "person,hair,stature", "p0,fair,", "stranger,dark,", "p1,fair,")
        labels = train_rows(prepared.manifest).set_index("image")
        assert labels["hair"][["p0/a.jpg", "p0/b.jpg", "p2/a.jpg"]].tolist() == [1, 1, 0]
        assert labels.index[labels["corrected"]].tolist() == ["p0/a.jpg", "p0/b.jpg"]
        assert "mine.csv: 1 of 3 rows match no person of this data set: stranger" in "\n".join(prepared.warnings)
        assert "no label changed for 1 of 2 people" in "\n".join(prepared.warnings)

    @pytest.mark.parametrize("path", ["./p0/a.jpg", r"p0\a.jpg", "P0/A.JPG", "p0/a.png"])
    def test_a_path_in_another_spelling(self, table: Table, path: str) -> None:
        prepared = self.apply(table, "path,light", f"{path},flash")
        assert train_rows(prepared.manifest).set_index("image")["light"]["p0/a.jpg"] == 3
        assert prepared.n_corrected == 1
        assert "is 'p0/a.jpg'" in "\n".join(prepared.warnings)

    def test_of_two_paths_that_look_alike_the_named_one_is_corrected(self, table: Table) -> None:
        table.image("p0/A.jpg")
        file = table.root.parent / "mine.csv"
        file.write_text("path,light\np0/a.jpg,flash\nP0/A.JPG,night\n")
        prepared = read(table, *rows(), "p0/A.jpg,p0,,dark,day,115", corrections=str(file))
        labels = train_rows(prepared.manifest).set_index("image")["light"]
        assert (labels["p0/a.jpg"], labels["p0/A.jpg"]) == (3, 0)
        assert "match no photograph of this data set: P0/A.JPG" in "\n".join(prepared.warnings)
        file.write_text("path,light\nP0/A.JPG,night\n")
        with pytest.raises(
            DatasetError, match="none of its 1 rows is about a photograph of this data set, such as P0/A"
        ):
            read(table, *rows(), "p0/A.jpg,p0,,dark,day,115", corrections=str(file))

    def test_by_path_and_resolving_invalid_labels(self, table: Table) -> None:
        table.image("q.jpg")
        file = table.root.parent / "mine.csv"
        file.write_text("path,light\nq.jpg,flash\nnone.jpg,day\n")
        prepared = read(table, *rows(), "q.jpg,q,,dark,?,150", corrections=str(file))
        labels = train_rows(prepared.manifest).set_index("image")
        assert labels.loc["q.jpg", "light"] == 3
        assert prepared.n_corrected == 1
        assert prepared.quarantine.empty
        assert "match no photograph of this data set: none.jpg" in "\n".join(prepared.warnings)

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            (("path,person,hair", "a,b,dark"), "corrections need either path or person"),
            (("hair", "dark"), "corrections need either path or person"),
            (("person,size", "p0,1"), "at least one of hair, light, stature"),
            (("person,hair", "p0,red"), "line 2: hair 'red' is none of"),
            (("person,hair,light", "p0,,"), "line 2: corrects nothing"),
            (("person,hair", "p0,dark", "p0,fair"), "line 3: p0 is already corrected in line 2"),
            (("person,hair", ",dark"), "line 2: person is blank"),
        ],
    )
    def test_bad_files(self, table: Table, lines: tuple[str, ...], message: str) -> None:
        with pytest.raises(DatasetError, match=message):
            self.apply(table, *lines)

    def test_the_agreed_ones_are_the_competitions(self, table: Table) -> None:
        with pytest.raises(DatasetError, match="corrections=agreed applies to the competition's data set only"):
            read(table, *rows(), corrections="agreed")


CELL = st.sampled_from(["", "dark", "fair", "Dark ", "0", "x"])
ROW = st.tuples(
    st.sampled_from(["a.jpg", "b.jpg", "c.jpg", "d/e.jpg", "../a.jpg", "", "gone.jpg"]),
    st.sampled_from(["", "p", "q"]),
    st.sampled_from(["", "train", "test", "VALID", "x"]),
    CELL,
)
HAIR = Scheme(attributes=SCHEME.attributes[:1])


@given(st.lists(ROW, min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_whatever_the_rows_say(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, ...]]) -> None:
    """No photograph twice, no person with two labels, none in both parts; every row is used or has its reason."""
    root = tmp_path_factory.getbasetemp() / "whatever"
    for name in ("a.jpg", "b.jpg", "c.jpg", "d/e.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if not any(any(line) for line in lines):
        return
    with (root / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "person", "split", "hair"], *lines])
    reading = read_table(Source(root, HAIR, "t.csv"))
    images = [photograph.image for photograph in reading.photographs]
    assert len(set(images)) == len(images)
    train = [photograph for photograph in reading.photographs if photograph.part == "train"]
    asked = [photograph for photograph in reading.photographs if photograph.part == "eval"]
    said = {
        person: {one.stated["hair"] for one in train if one.person == person} for person in {p.person for p in train}
    }
    assert all(len(labels) == 1 for labels in said.values())
    wanted = list(dict.fromkeys(path for path, _, split, _ in lines if split.casefold() in ("test", "valid")))
    assert [photograph.name for photograph in asked] == wanted
    assert not {one.name for one in asked} & {one.name for one in train}
    assert np.all([one.stated == {} for one in asked])
    left_out = sum(max(1, entry.left_out) for entry in reading.entries)
    assert len(train) + len(asked) + left_out >= len({path for path, *_ in lines} - {""})
