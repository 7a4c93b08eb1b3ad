"""Tables as spreadsheets and data frames write them: one reader, and clear words for what it cannot read."""

import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskfold.dataset import prepare
from maskfold.discovery import discover
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds
from maskfold.rows import parse_rows
from maskfold.scheme import Attribute, Scheme
from tests.dataset.builder import DataSet, Table, survey

PLAIN = "id,gender,race,age,path\n1,male,Asian,27,ann\n2,female,Asian,31,bob\n"


def cells(content: bytes) -> list[tuple[str, ...]]:
    rows = parse_rows(content, "t.csv", ("gender", "age", "path"))
    return [(row["gender"], row["age"], row["path"]) for row in rows]


READABLE = {
    "sep=, first": b"sep=,\r\n" + PLAIN.encode(),
    "sep=; first": b"\xef\xbb\xbfsep=;\r\n" + PLAIN.replace(",", ";").encode(),
    "semicolons": PLAIN.replace(",", ";").encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "a title row": b"People of the study,,,,\n,,,,\n" + PLAIN.encode(),
    "a title of one cell": b"People of the study\n\n" + PLAIN.encode(),
    "a title over semicolons": b"Leute, Stand 2024\n" + PLAIN.replace(",", ";").encode(),
    "UTF-16 with tabs, as Unicode text": PLAIN.replace(",", "\t").encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-8 with a mark and blanks": b"\xef\xbb\xbf" + PLAIN.replace(",", " , ").encode(),
    "non-breaking and zero-width blanks": PLAIN.replace(",male,", ",\u00a0male\u200b,")
    .replace("id", "\ufeffid")
    .encode(),
    "line ends of old": PLAIN.replace("\n", "\r").encode(),
    "sep=| first": b"sep=|\n" + PLAIN.replace(",", "|").encode(),
    "two files in one": PLAIN.replace("2,f", "ID, gender,race,AGE,path\n2,f").encode(),
    "blank columns at the end": PLAIN.replace("\n", ",,\n").encode(),
}


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE)
def test_the_same_table_in_many_forms(content: bytes) -> None:
    assert cells(content) == cells(PLAIN.encode()) == [("male", "27", "ann"), ("female", "31", "bob")]


def test_utf16_without_a_mark_under_a_short_header() -> None:
    [row] = parse_rows("path,n\n김.jpg,1\n".encode("utf-16-le"), "t.csv", ("path",))
    assert row["path"] == "김.jpg"


def parquet(**columns: pa.Array) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def test_parquet_holds_text_in_many_types() -> None:
    content = parquet(
        gender=pa.array(["male", "female"]).dictionary_encode(),
        age=pa.array([Decimal("27.00"), None]),
        path=pa.array([b"ann", "김".encode()], pa.binary()),
        thumbnail=pa.array([b"\xff\xd8", None], pa.binary()),
    )
    rows = parse_rows(content, "t.parquet", ("gender", "age", "path"))
    assert [(row["gender"], row["age"], row["path"]) for row in rows] == [
        ("male", "27.00", "ann"),
        ("female", "", "김"),
    ]


ODD = {
    "a day that no calendar has": pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    "a time that no calendar has": pa.array([2**53], pa.int64()).cast(pa.timestamp("ms")),
    "a time zone that nobody knows": pa.array([1], pa.timestamp("us", tz="Mars/Olympus")),
}


@pytest.mark.parametrize("column", ODD.values(), ids=ODD)
def test_a_column_that_cannot_be_text_is_named(column: pa.Array) -> None:
    with pytest.raises(DatasetError, match=r"t\.parquet: column born: values of type .* cannot be read as text"):
        parse_rows(parquet(path=pa.array(["a"]), born=column), "t.parquet", ("path",))


def test_an_attribute_that_appears_twice_is_named(tmp_path: Path) -> None:
    table = Table(tmp_path / "faces")
    table.write("a.jpg,dark,x", "b.jpg,fair,x", header="path,hair,hair")
    with pytest.raises(DatasetError, match="the column hair appears twice in the header"):
        prepare(
            table.root, Dataset(table="faces.csv"), Scheme.model_validate(discover(str(table.root)).scheme), Folds(k=2)
        )


@pytest.mark.parametrize("name", ["Na", "Nan", "Nat"])
def test_names_of_people_that_look_like_missing_values(tmp_path: Path, name: str) -> None:
    table = Table(tmp_path / "faces")
    people = [name, name, "Kim", "NA"]
    for number in range(4):
        table.image(f"{number}.jpg")
    table.write(
        *(f"{n}.jpg,{who},{['dark', 'fair'][n % 2]}" for n, who in enumerate(people)), header="path,person,hair"
    )
    scheme = Scheme(attributes=(Attribute(name="hair", values=("dark", "fair")),))
    found = prepare(table.root, Dataset(table="faces.csv"), scheme, Folds(k=2))
    assert set(found.manifest["person"]) == {name, "Kim", "3.jpg"}
    assert any("1 of 4 training rows name no person" in warning for warning in found.warnings)


def test_missing_cells_at_the_end_of_a_row_are_blank() -> None:
    content = b"path,gender,age,remark\na.jpg,male,20\nb.jpg\n"
    rows = parse_rows(content, "t.csv", ("path", "gender"))
    assert [(row["path"], row["gender"], row["remark"]) for row in rows] == [("a.jpg", "male", ""), ("b.jpg", "", "")]


def workbook() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


UNREADABLE = {
    "a workbook": (workbook(), "is a zip archive or an Excel workbook"),
    "an old workbook": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500), "an old Office document"),
    "a web page": (b"\n<!DOCTYPE html><html>404</html>", "a web page"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    "zero bytes": (bytes(4096), "only zero bytes"),
    "half of a UTF-16 character": ("gender,age,path\nmale,20,x".encode("utf-16") + b"\n", "not valid UTF-16"),
    "a comma for a point": (PLAIN.replace("27", "27,0").encode(), 'line 2: 6 values .* must be in quotes: "27,0"'),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_a_table_is_named(content: bytes, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        cells(content)


@pytest.mark.parametrize("age", ["27", "27.0", '"27,0"', '"27,00"', " 27 ", "+27"])
def test_whole_years_in_many_forms(data: DataSet, age: str) -> None:
    data.person("ann", gender="female", age=age.strip('"'))
    assert set(survey(data.write()).manifest.query("person == 'ann'")["age"]) == {27}


@pytest.mark.parametrize("blank", ["", "NaN", "nan", "unknown", "N/A", "#N/A", "<NA>"])
def test_a_missing_label_is_called_missing(data: DataSet, blank: str) -> None:
    data.person("ann", gender="female", age=blank)
    [entry] = survey(data.write()).entries
    assert (entry.kind, entry.left_out) == ("bad-label", 7)
    assert "age is not given" in entry.reason


@pytest.mark.parametrize("blank", ["", "NaN", "unknown", "null"])
def test_a_missing_value_is_neither_a_class_nor_a_person(tmp_path: Path, blank: str) -> None:
    table = Table(tmp_path / "faces")
    rows = [f"{number}.jpg,{blank},{['dark', 'fair', blank][number % 3]},{number % 2}.0" for number in range(9)]
    table.write(*rows, header="path,person,hair,glasses")
    scheme = discover(str(table.root)).scheme
    assert scheme is not None
    assert {one["name"]: one["values"] for one in scheme["attributes"]} == {
        "hair": ["dark", "fair"],
        "glasses": ["0", "1"],
    }


def test_a_class_may_be_called_unknown() -> None:
    assert Attribute(name="hair", values=("dark", "unknown")).given("Unknown") == "Unknown"
    assert Attribute(name="hair", values=("dark", "fair")).given("Unknown") == ""


@pytest.mark.parametrize(("cell", "stated"), [("0.0", 0), ("1,0", 1), ("1", 1), ("fair", 1)])
def test_a_class_by_its_number_as_a_float(cell: str, stated: int) -> None:
    assert Attribute(name="hair", values=("dark", "fair")).parse(cell) == stated


@pytest.mark.parametrize(("cell", "stated"), [("61,5", 61.5), ("61.5", 61.5), ("6e1", 60)])
def test_a_number_with_a_decimal_comma(cell: str, stated: float) -> None:
    assert Attribute(name="weight", bounds=(60,)).parse(cell) == stated


def test_thousands_are_not_guessed() -> None:
    with pytest.raises(ValueError, match="'1,234' is not a number"):
        Attribute(name="weight", bounds=(60,)).parse("1,234")


def test_what_pandas_writes_is_read_back(data: DataSet) -> None:
    """A missing age makes the column a float; the others must stay whole."""
    plain = survey(data.write())
    table = data.root / "train" / "train.csv"
    frame = pd.concat([pd.read_csv(table, dtype={"id": str}), pd.DataFrame({"path": ["gone"]})])
    frame.to_csv(table, na_rep="NaN")
    found = survey(data.root)
    assert found.manifest.equals(plain.manifest)
    assert [entry.kind for entry in found.entries] == ["bad-label"]


@pytest.mark.parametrize("name", ["kim_minsua_Korean_27", "ann_unknown_Asian_40", "1_x_Asian_40"])
def test_only_male_and_female_in_a_folders_name_are_labels(data: DataSet, name: str) -> None:
    data.person(name, gender="female", age="40")
    found = survey(data.write())
    assert found.entries == ()
    assert set(found.manifest[found.manifest["person"] == name]["age"]) == {40}


@pytest.mark.parametrize("name", ["faces.xlsx", "faces.XLS", "faces.ods"])
def test_a_workbook_for_a_table_gets_a_hint(tmp_path: Path, name: str) -> None:
    table = Table(tmp_path / "faces")
    table.image("a.jpg")
    (table.root / name).write_bytes(workbook())
    with pytest.raises(DatasetError, match=f"{name} is a workbook: save its sheet as csv"):
        discover(str(table.root))


def test_columns_of_a_scheme_are_read_from_semicolons(tmp_path: Path) -> None:
    table = Table(tmp_path / "faces")
    table.csv.write_text("path;weight\na.jpg;61,5\nb.jpg;80\n")
    rows = parse_rows(table.csv.read_bytes(), "faces.csv", ("path",), ("weight",))
    scheme = Scheme(attributes=(Attribute(name="weight", bounds=(60,)),))
    assert [scheme["weight"].parse(row["weight"]) for row in rows] == [61.5, 80]
