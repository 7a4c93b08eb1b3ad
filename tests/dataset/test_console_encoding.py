"""``maskfold check`` prints on any console: what its encoding lacks is escaped."""

import os
import subprocess
import sys

import pytest

from tests.dataset.builder import DataSet


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "latin-1", "utf-8"])
def test_names_in_any_script_are_printed(data: DataSet, encoding: str) -> None:
    data.row("김민수 éΩ", gender="male", age="27")
    (data.images / "يد\udcff").mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "maskfold", "check", "--data", str(data.write()), "--set", "folds.k=2"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "200"},
        capture_output=True,
        check=False,
    )
    text = ran.stdout.decode(encoding)
    assert ran.returncode == 2, ran.stderr.decode()
    assert "A run would reject this data set" in text
    assert ("김민수" in text) == (encoding in ("cp949", "utf-8"))
    assert "internal error" not in ran.stderr.decode()


def test_a_locale_that_cannot_name_files_is_refused(data: DataSet) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "maskfold", "check", "--data", str(data.write())],
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"PYTHONUTF8=1" in ran.stderr
    assert ran.stdout == b""
