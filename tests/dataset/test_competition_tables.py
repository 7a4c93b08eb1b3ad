"""Layout, csv files and the corrections file: errors that name file and line."""

from pathlib import Path

import pytest

from maskfold.dataset.competition.corrections import CompetitionCorrections, Correction, agreed_path, read_corrections
from maskfold.dataset.competition.layout import find_layout
from maskfold.errors import DatasetError
from maskfold.layouts import is_litter
from tests.dataset.builder import DataSet, survey


class TestLayout:
    def test_missing_folder_and_file(self, tmp_path: Path) -> None:
        with pytest.raises(
            DatasetError, match=r"nowhere: does not exist; expected a folder that holds train/train\.csv"
        ):
            find_layout(tmp_path / "nowhere")
        (tmp_path / "file").touch()
        with pytest.raises(DatasetError, match="is a file, not a folder"):
            find_layout(tmp_path / "file")

    def test_empty_folder_lists_what_was_expected(self, tmp_path: Path) -> None:
        with pytest.raises(
            DatasetError, match=r"missing train/train\.csv, eval/info\.csv, train/images/, eval/images/"
        ):
            find_layout(tmp_path)

    def test_one_level_off(self, data: DataSet) -> None:
        root = data.write()
        for wrong in (root / "train", root.parent):
            with pytest.raises(DatasetError, match=f"Did you mean {root}\\?"):
                find_layout(wrong)

    def test_capital_letters(self, tmp_path: Path) -> None:
        (tmp_path / "Train").mkdir()
        with pytest.raises(DatasetError, match="rename Train"):
            find_layout(tmp_path)

    def test_part_is_missing(self, data: DataSet) -> None:
        root = data.write()
        (root / "eval" / "info.csv").unlink()
        with pytest.raises(DatasetError, match=r"missing eval/info\.csv;"):
            find_layout(root)

    def test_litter(self) -> None:
        assert all(map(is_litter, ["._mask1.jpg", ".ipynb_checkpoints", ".DS_Store", "__MACOSX", "Thumbs.db"]))
        assert not any(map(is_litter, ["mask1.jpg", "normal.jpeg", "000001_male_Asian_20"]))


BAD_TRAIN = {
    "empty": (b"", r"train/train\.csv: has no row"),
    "header only": (b"id,gender,race,age,path\n", "has no row"),
    "missing columns": (b"id,gender,path\n1,male,x\n", "the column age is missing; the header is: id, gender, path"),
    "column twice": (b"gender,age,path,age\nmale,1,x,2\n", "age appears twice"),
    "long row": (b"gender,age,path\nmale,20,x,y\n", "line 2: 4 values where the header has 3"),
    "Korean code page": ("gender,age,path\nmale,20,가\n".encode("cp949"), "line 2: byte 0xb0 is not UTF-8"),
    "zero bytes": (b"gender,age,path\nmale,20,\0\n", "line 2: contains a zero byte"),
    "open quote": (b'gender,age,path\nmale,20,"x\n', "not valid csv"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TRAIN.values(), ids=BAD_TRAIN)
def test_bad_train_table(data: DataSet, content: bytes, message: str) -> None:
    (data.write() / "train" / "train.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        survey(data.root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ImageID,ans\n", r"eval/info\.csv: has no row"),
        (b"image,ans\na.jpg,0\n", "the column ImageID is missing"),
        (b"ImageID,ans\na.jpg,0\nb.jpg,0\na.jpg,0\n", r"line 4: ImageID a\.jpg is already in line 2"),
        (b"ImageID,ans\na.jpg,0\n,0\n", "line 3: ImageID is blank"),
    ],
)
def test_bad_eval_table(data: DataSet, content: bytes, message: str) -> None:
    (data.write() / "eval" / "info.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        survey(data.root)


def test_byte_order_mark_line_ends_order_and_case_of_columns_do_not_matter(data: DataSet) -> None:
    root = data.write()
    plain = survey(root).manifest
    table = root / "train" / "train.csv"
    lines = [line.split(",") for line in table.read_text().splitlines()]
    lines[0] = [cell.upper() for cell in lines[0]]
    text = "\r\n".join(f" {path} ,note,{age},{gender},," for _, gender, _, age, path in lines)
    table.write_bytes(b"\xef\xbb\xbf" + text.replace("note", "REMARK", 1).encode() + b"\r\n\r\n")
    table.write_bytes(table.read_bytes().replace(b"GENDER,,", b"GENDER", 1))
    assert survey(root).manifest.equals(plain)


class TestCorrectionsFile:
    def write(self, tmp_path: Path, *lines: str) -> Path:
        path = tmp_path / "corrections.csv"
        path.write_text("\n".join(["folder,gender,age,swap", *lines]))
        return path

    def test_rows(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "000001,Male,,", "000002_x_y_3,,61,normal / mask1")
        assert read_corrections(path, "mine").rows == (
            Correction(2, "000001", gender=0),
            Correction(3, "000002_x_y_3", age=61, swap=("normal", "mask1")),
        )

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (",male,,", "folder is blank"),
            ("a,,,", "corrects nothing"),
            ("a,man,,", "gender 'man' is neither"),
            ("a,,121,", "age 121 is outside"),
            ("a,,,normal", "two of mask1"),
            ("a,,,normal/normal", "two of mask1"),
            ("a,,,normal/mask9", "two of mask1"),
        ],
    )
    def test_bad_rows(self, tmp_path: Path, line: str, message: str) -> None:
        with pytest.raises(DatasetError, match=rf"mine, line 3: .*{message}"):
            read_corrections(self.write(tmp_path, "b,male,,", line), "mine")

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="mine: cannot be read"):
            read_corrections(tmp_path / "none.csv", "mine")

    def test_full_name_has_priority_over_id(self) -> None:
        corrections = CompetitionCorrections("mine", (Correction(2, "7", gender=0),))
        found, unknown = corrections.match(["7", "7_male_x_20"])
        assert list(found) == ["7"]
        assert unknown == []

    def test_shared_id_is_ambiguous(self) -> None:
        corrections = CompetitionCorrections("mine", (Correction(2, "7", gender=0),))
        with pytest.raises(DatasetError, match=r"mine, line 2: id 7 matches 2 folders \(7_a_b_1, 7_c_d_2\)"):
            corrections.match(["7_a_b_1", "7_c_d_2", "8_a_b_1"])

    def test_person_twice(self) -> None:
        corrections = CompetitionCorrections("mine", (Correction(2, "7", gender=0), Correction(3, "7_a_b_1", age=3)))
        with pytest.raises(DatasetError, match="line 3: 7_a_b_1 is already corrected in line 2"):
            corrections.match(["7_a_b_1"])

    def test_agreed_corrections(self) -> None:
        rows = {row.folder.partition("_")[0]: row for row in read_corrections(agreed_path()).rows}
        swapped = {name for name, row in rows.items() if row.swap == ("incorrect_mask", "normal")}
        assert swapped == {"000020", "004418", "005227"}
        assert {name for name, row in rows.items() if row.gender == 1} == {"001498-1", "004432"}
        assert {name for name, row in rows.items() if row.gender == 0} == {
            f"00{number}" for number in range(6359, 6365)
        }
        assert len(rows) == 11
