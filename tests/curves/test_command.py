"""``maskfold curves``: what it writes, prints and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from torch.utils.tensorboard import SummaryWriter
from typer.testing import CliRunner, Result

from maskfold.cli import app
from maskfold.storage import Workspace
from tests.curves.conftest import Ran, training


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["curves", *map(str, arguments)])


def made(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


@pytest.fixture
def run(workspace: Workspace, ran: Ran) -> str:
    """Id of a run with three trainings."""
    return ran("fast data", 1, [training("joint", 0), training("joint", 1), training("joint", None)]).id


def test_table_plots_and_events_of_a_workspace(workspace: Workspace, run: str, tmp_path: Path) -> None:
    parquet, csv = tmp_path / "new" / "curves.parquet", tmp_path / "curves.csv"
    result = call("--workspace", workspace.uri, "--out", parquet, "--plots", tmp_path / "plots")
    answer = made(result)
    assert answer["runs"] == [{"name": "fast data", "id": run}]
    assert answer["rows"] == len(pd.read_parquet(parquet)) == 2 * 3 * 6 + 3 * 3
    (plot,) = answer["plots"]
    with Image.open(plot) as drawn:
        assert drawn.width > 1000
    assert "best macro-F1" in result.stderr
    assert "0.500" in result.stderr
    events = tmp_path / "events"
    answer = made(call("--workspace", workspace.uri, "--run", run[:15], "--out", csv, "--write-tensorboard", events))
    pd.testing.assert_frame_equal(pd.read_csv(csv), pd.read_parquet(parquet), check_dtype=False)
    assert answer["tensorboard"] == str(events)
    again = made(call("--tensorboard", events, "--out", csv))
    assert again["rows"] == answer["rows"]
    assert set(again["tags"]) == set(answer["tags"])
    assert sorted(path.name for path in tmp_path.rglob(".aside-*")) == []


def test_event_files_of_others(tmp_path: Path) -> None:
    writer = SummaryWriter(str(tmp_path / "experiment"))
    for step in range(5):
        writer.add_scalar("Val/f1-score", step / 10, step)
    writer.add_hparams({"lr": 1.0}, {"hparam/f1": 0.5})
    writer.close()
    result = call("--tensorboard", tmp_path, "--plots", tmp_path / "plots")
    answer = made(result)
    assert answer["tags"] == ["Val/f1-score"]
    assert answer["rows"] == 5
    assert "1 runs are left out: add_hparams made them" in result.stderr
    assert "last step" in result.stderr
    assert Path(answer["plots"][0]).name == "curves.png"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "curves.xlsx"), "expected a name that ends with .parquet or .csv"),
        (("--run", "2030"), "there is no such run"),
        (("--tensorboard", "DIR", "--run", "all"), "--run names runs of a workspace"),
        (("--tensorboard", "DIR", "--write-tensorboard", "DIR"), "event files are there already"),
        (("--tensorboard", "DIR"), "there is no such folder"),
    ],
)
def test_wrong_input_is_one_message(workspace: Workspace, run: str, arguments: tuple[str, ...], message: str) -> None:
    result = call("--workspace", workspace.uri, *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_what_cannot_be_written_is_said_and_an_earlier_table_stays(
    workspace: Workspace, run: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("kept")
    for arguments in (
        ("--out", tmp_path / "folder.csv"),
        ("--out", tmp_path / "file" / "curves.csv"),
        ("--plots", tmp_path / "file"),
        ("--write-tensorboard", tmp_path / "file"),
    ):
        result = call("--workspace", workspace.uri, *arguments)
        assert result.exit_code == 2, result.output
        assert len(result.stderr.strip().splitlines()[-1]) > 20
        assert "Traceback" not in result.output
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("option", ["--tensorboard", "--write-tensorboard"])
def test_without_the_extra_the_message_has_the_command(
    workspace: Workspace, run: str, tmp_path: Path, option: str
) -> None:
    """As on a machine without the package, in a process of its own."""
    blocked = "import sys; sys.modules['tensorboard'] = None; from maskfold.cli.app import main; main()"
    command = [sys.executable, "-c", blocked, "curves", "--workspace", workspace.uri, option, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'maskfold[tensorboard]'" in done.stderr
    assert "Traceback" not in done.stderr
    plain = [*command[:-2], "--out", str(tmp_path / "curves.csv")]
    assert subprocess.run(plain, capture_output=True, check=False).returncode == 0  # the table needs no extra
