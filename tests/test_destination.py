"""Where a user wants a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskfold.destination import Destination
from maskfold.errors import InputError
from maskfold.storage import open_workspace, read_uri


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "this is a folder; name a file, such as .*/folder/answers.csv"),
        ("new/", "this is a folder"),
        ("file/answers.csv", "is a file, not a folder"),
        ("file", "this file is an input"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("input", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Destination.of(f"{tmp_path}/{name}", "out", (str(tmp_path / "file"), ""))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "input"


def test_a_folder_is_made_when_the_file_is_written(tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path / "workspace"))
    file = workspace.write("x/answers.csv", b"a\n")
    out = Destination.of(str(tmp_path / "made" / "today.csv"), "out")
    assert not (tmp_path / "made").exists()
    out.write(workspace, file)
    out.beside(".new").write(workspace, file)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["today.csv", "today.new.csv"]


def test_on_s3(s3_bucket: str, tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path))
    out = Destination.of(f"s3://{s3_bucket}/out/answers.csv", "out")
    out.write(workspace, workspace.write("x/answers.csv", b"a\n"))
    assert read_uri(out.uri) == b"a\n"
    for uri, message in ((f"s3://{s3_bucket}", "no key"), (f"s3://{s3_bucket}/out/", "no key")):
        with pytest.raises(InputError, match=message):
            Destination.of(uri, "out")
    with pytest.raises(InputError, match="does not exist"):
        Destination.of("s3://no-such-bucket/answers.csv", "out")
