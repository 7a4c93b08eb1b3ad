"""Layout and scheme of a data set are detected, and its recipe follows."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from maskfold.dataset import prepare
from maskfold.discovery import discover, load
from maskfold.errors import DatasetError, InputError, RecipeError
from maskfold.recipe import Folds
from tests.dataset.builder import DataSet, Table, paint

PEOPLE = [(f"p{number}", ("dark", "Fair")[number % 2], 115 + 5 * number) for number in range(15)]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    made = Table(tmp_path / "My faces!")
    made.write(
        *(
            f"{who}{shot}.jpg,{who},{hair},{shot},{height}.5,note {who}{shot}"
            for who, hair, height in PEOPLE
            for shot in (1, 10, 2)
        ),
        "x.jpg,p99,green,7,3,",
        header="Path,person,Hair,shot,stature,remark",
    )
    return made


def test_a_table_states_its_attributes(table: Table) -> None:
    found = discover(str(table.root))
    assert (found.reader, found.data, found.table) == ("table", str(table.root), "faces.csv")
    assert found.scheme == {
        "name": "my-faces",
        "attributes": [
            {"name": "hair", "of": "person", "values": ["Fair", "dark", "green"]},
            {"name": "shot", "of": "photograph", "values": ["1", "2", "7", "10"]},
            {"name": "stature", "of": "person", "range": (3.0, 185.5)},
        ],
    }
    assert (
        "table faces.csv: 46 photographs, hair (Fair, dark, green), shot (1, 2, 7, 10), stature (numbers 3 to"
        in found.said
    )
    assert "ignored columns: remark" in found.said
    assert "dataset.reader=" in found.said


def test_remarks_and_constant_columns_are_not_attributes(tmp_path: Path) -> None:
    made = Table(tmp_path / "data")
    made.write(
        *(f"{number}.jpg,text {number},same,{number % 2},a" for number in range(60)),
        header="path,remark,source,smile,width",
    )
    found = discover(str(made.root))
    assert found.scheme is not None
    assert [one["name"] for one in found.scheme["attributes"]] == ["smile"]
    assert "ignored columns: remark, source, width" in found.said


def test_numbers_need_bounds_and_the_error_says_their_range(table: Table) -> None:
    with pytest.raises(RecipeError, match=r"column stature holds numbers from 3 to 185\.5") as error:
        load(str(table.root), "smoke")
    assert "--set 'scheme.attributes.stature.bounds=[94.25]'" in str(error.value)
    _, recipe = load(str(table.root), "smoke", ["scheme.attributes.stature.bounds=[120, 150]"])
    assert recipe.scheme.names == ("hair", "shot", "stature")
    assert recipe.scheme["stature"].bounds == (120, 150)
    assert (recipe.dataset.reader, recipe.dataset.table) == ("table", "faces.csv")
    _, other = load(str(table.root), "smoke", ["scheme={attributes: [{name: hair, values: [dark, fair]}]}"])
    assert other.scheme.names == ("hair",)


def test_evaluation_rows_do_not_add_classes(tmp_path: Path) -> None:
    made = Table(tmp_path / "data")
    made.write("a.jpg,train,dark", "b.jpg,,fair", "c.jpg,test,secret", header="path,split,hair")
    found = discover(str(made.root))
    assert found.scheme is not None
    assert found.scheme["attributes"][0]["values"] == ["dark", "fair"]


def test_columns_of_a_known_scheme_are_its_attributes(tmp_path: Path) -> None:
    made = Table(tmp_path / "data")
    made.write(*(f"{number}.jpg,{30 + number},MALE" for number in range(40)), header="path,age,gender")
    _, recipe = load(str(made.root), "fast")
    assert recipe.scheme.names == ("gender", "age")
    assert recipe.scheme["age"].bounds == (30, 60)
    assert recipe.scheme["gender"].values == ("male", "female")
    assert {network.target for network in recipe.networks} == {"joint", "gender", "age"}
    made.write(*(f"{number}.jpg,{30 + number},man" for number in range(40)), header="path,age,gender")
    found = discover(str(made.root))
    assert found.scheme is not None
    assert found.scheme["attributes"][0]["range"] == (30, 69)


def test_the_table_may_be_named(table: Table, tmp_path: Path) -> None:
    found = discover(str(table.csv))
    assert (found.data, found.table) == (str(table.root), "faces.csv")
    shutil.copy(table.csv, table.root / "other.csv")
    with pytest.raises(DatasetError, match=r"2 tables are in this folder: faces\.csv, other\.csv; name one with --set"):
        discover(str(table.root))
    assert discover(str(table.root), table="other.csv").table == "other.csv"
    with pytest.raises(RecipeError, match=r"dataset\.table other\.csv: the data set .* is a table itself"):
        discover(str(table.csv), table="other.csv")
    with pytest.raises(RecipeError, match="reader folders reads no table"):
        discover(str(table.csv), "folders")
    pd.DataFrame({"path": ["a.jpg", "b.jpg"], "hair": ["dark", None]}).to_parquet(table.root / "t.parquet")
    assert discover(str(table.root / "t.parquet")).scheme is None  # one class cannot be learnt


def photographs(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        paint(root / path, path)
    return root


def test_class_folders(tmp_path: Path) -> None:
    root = photographs(tmp_path / "data", "dog/a/1.jpg", "Cat/1.jpg", "Cat/2.JPG", ".git/x.jpg", "stray.jpg")
    (root / "docs").mkdir()
    (root / "docs" / "readme.md").touch()
    found = discover(str(root))
    assert found.reader == "folders"
    assert found.scheme == {
        "name": "data",
        "attributes": [{"name": "label", "of": "photograph", "values": ["Cat", "dog"]}],
    }
    assert "class folders: 3 photographs, label (Cat, dog)" in found.said
    photographs(root, "train/x/1.jpg", "train/y/1.jpg", "test/1.jpg", "eval/z/2.jpg")
    found = discover(str(root))
    assert "2 photographs and 2 to evaluate, label (x, y)" in found.said


def test_the_competitions_layout_goes_first(data: DataSet) -> None:
    root = data.write()
    (root / "notes.csv").write_text("path,hair\n")
    found, recipe = load(str(root), "smoke")
    assert (found.reader, found.scheme, recipe.scheme.name) == ("competition", None, "mask")
    assert recipe.dataset.reader == "competition"


def test_one_level_off_gets_a_hint(data: DataSet) -> None:
    root = data.write()
    for below in ("train", "eval", "train/images", "eval/images"):
        with pytest.raises(DatasetError, match=f"Did you mean {root}\\?"):
            discover(str(root / below))
    with pytest.raises(DatasetError, match=f"Did you mean the folder {root.name} in it"):
        discover(str(root.parent))
    (root / "train").rename(root / "Train")
    (root / "eval").rename(root / "Eval")
    with pytest.raises(DatasetError, match="rename Eval"):
        discover(str(root))


@pytest.mark.parametrize(
    "make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.touch(), lambda p: photographs(p, "a/1.jpg")]
)
def test_none_of_the_layouts_is_an_input_error(make: object, tmp_path: Path) -> None:
    make(tmp_path / "data")  # type: ignore[operator]
    with pytest.raises(InputError) as error:
        discover(str(tmp_path / "data"))
    assert error.value.exit_code == 2
    assert "train/train.csv" in str(error.value)
    assert "table" in str(error.value)


def test_a_wrong_reader_is_a_recipe_error(data: DataSet) -> None:
    with pytest.raises(RecipeError, match=r"dataset\.reader"):
        load(str(data.write()), "smoke", ["dataset.reader=tables"])


def test_all_layouts_on_s3(s3_bucket: str, table: Table, data: DataSet, tmp_path: Path) -> None:
    import boto3

    folders = photographs(tmp_path / "folders", "cat/1.jpg", "dog/1.jpg")
    roots = {"table": table.root, "competition": data.write(), "folders": folders}
    for name, root in roots.items():
        for path in (path for path in root.rglob("*") if path.is_file()):
            key = f"{name}/{path.relative_to(root).as_posix()}"
            boto3.client("s3").put_object(Bucket=s3_bucket, Key=key, Body=path.read_bytes())
    for name, root in roots.items():
        there, here = discover(f"s3://{s3_bucket}/{name}"), discover(str(root))
        assert (there.reader, there.table) == (name, here.table)
        assert there.data == f"s3://{s3_bucket}/{name}"
        attributes = [(found.scheme or {}).get("attributes") for found in (there, here)]
        assert attributes[0] == attributes[1]
    named = discover(f"s3://{s3_bucket}/table/faces.csv")
    assert (named.data, named.table) == (f"s3://{s3_bucket}/table", "faces.csv")


class TestRealPhotographs:
    """Public data sets as tables and class folders, if they are available."""

    @pytest.fixture
    def shared(self) -> Path:
        folder = Path(__file__).parents[3] / "shared"
        if not (folder / "realmasks").is_dir() or not (folder / "realfaces").is_dir():
            pytest.skip(f"no real photographs in {folder}")
        return folder

    def test_a_table_without_persons(self, shared: Path) -> None:
        found, recipe = load(str(shared / "realmasks" / "external"), "fast")
        assert found.table == "external.csv"
        assert recipe.scheme.class_names() == ["wear", "incorrect", "not worn"]
        prepared = prepare(Path(found.data), recipe.dataset, recipe.scheme, recipe.folds)
        assert prepared.class_counts == (643, 77, 265)
        assert prepared.quarantine.empty

    def test_the_same_as_class_folders(self, shared: Path, tmp_path: Path) -> None:
        source = shared / "realmasks" / "external"
        frame = pd.read_csv(source / "external.csv")
        for path, state in frame[["path", "mask"]].itertuples(index=False):
            target = tmp_path / "data" / state.replace(" ", "_") / Path(path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / path, target)
        found, recipe = load(str(tmp_path / "data"), "fast")
        assert found.reader == "folders"
        assert recipe.scheme.class_names() == ["incorrect", "not_worn", "wear"]
        prepared = prepare(tmp_path / "data", recipe.dataset, recipe.scheme, recipe.folds)
        assert prepared.class_counts == (77, 265, 643)

    def test_numbers_with_bounds(self, shared: Path) -> None:
        found, recipe = load(str(shared / "realfaces"), "fast", ["scheme.attributes.age.bounds=[30,60]"])
        prepared = prepare(Path(found.data), recipe.dataset, recipe.scheme, Folds(k=5))
        assert recipe.scheme.names == ("gender", "age")
        assert min(prepared.class_counts) > 100
        assert prepared.n_quarantined == 0
        assert len(prepared.folds) == prepared.n_train
