"""What a user of `predict` can get wrong: exit code 2, one message, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskfold.cli import app


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--out": "{tmp}"}, "this is a folder; name a file, such as"),
        ({"--out": "{tmp}/in/a.jpg/b.csv"}, "is a file, not a folder"),
        ({"--out": "{tmp}/in/a.jpg"}, "this file is an input"),
        ({"--out": "ftp://host/a.csv"}, "ftp:// is not supported"),
        ({"--model": "{tmp}/in"}, "no model there: expected a folder with model.json"),
        ({"--model": "{tmp}/nowhere"}, "there is no such folder"),
        ({"--model": "run:latest"}, "there is no such folder; name the workspace of a run"),
        ({"--launcher": "pool"}, "expected local, or pool:NAME"),
    ],
)
def test_wrong_input(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"photograph")
    options = {
        "--images": "{tmp}/in/a.jpg",
        "--out": "{tmp}/out.csv",
        "--workspace": "{tmp}/workspace",
        "--model": "{tmp}/in",
        **changed,
    }
    arguments = [part for name, value in options.items() for part in (name, value.format(tmp=tmp_path))]
    result = CliRunner().invoke(app, ["predict", *arguments])
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.startswith("maskfold: ")
    assert result.stderr.count("maskfold: ") == 1
    assert result.stdout == ""
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.jpg", "in"]


def test_labels_and_all_faces_exclude_each_other(tmp_path: Path) -> None:
    arguments = ["--images", str(tmp_path), "--out", str(tmp_path / "o.csv"), "--all-faces", "--labels", "l.csv"]
    result = CliRunner().invoke(app, ["predict", *arguments])
    assert result.exit_code == 2
    assert "leave one of the two out" in result.stderr
