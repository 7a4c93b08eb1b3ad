"""What the command line of `compare` makes of a study file, and of options that do not go with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskfold.cli import app

STUDY = "name: losses\nrecipe: smoke\nseeds: 3\nvary: {networks.joint.loss: [focal]}\n"


def compare(drawn_data: Path, folder: Path, *more: str) -> list[str]:
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    where = ["--data", str(drawn_data), "--workspace", str(folder / "workspace")]
    return ["compare", *where, "--study", str(folder / "study.yaml"), "--dry-run", "--json", *more]


@pytest.mark.parametrize(("more", "trainings"), [((), 2 * 3 * 2), (("--seeds", "1"), 2 * 2), (("--seeds", "3"), 12)])
def test_seeds_of_the_command_line_come_before_those_of_the_file(
    more: tuple[str, ...], trainings: int, drawn_data: Path, tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, compare(drawn_data, tmp_path, *more))
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["trainings"]) == trainings


@pytest.mark.parametrize("more", [("--recipe", "fast"), ("--vary", "networks.joint.epochs=1,2"), ("--grid",)])
def test_what_the_file_says_is_not_said_twice(more: tuple[str, ...], drawn_data: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, compare(drawn_data, tmp_path, *more))
    assert done.exit_code == 2
    assert f"leave {more[0]} out" in done.stderr
    assert not (tmp_path / "workspace").exists()
