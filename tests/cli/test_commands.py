"""Commands beside `run`: what they print for people, and for programs."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import maskfold
from maskfold.cli import app
from maskfold.recipe import load_recipe
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking.record import read_record
from tests.tracking.conftest import begin, play


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home" / "prefect"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")  # nobody there: records stay in the workspace
    for name in ("PREFECT_API_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one finished run of two folds."""
    opened = open_workspace(str(tmp_path / "workspace"))
    play(begin(opened), opened)
    return opened


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def result_of(*arguments: str) -> dict[str, object]:
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_version() -> None:
    assert call("--version").stdout == f"maskfold {maskfold.__version__}\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "# Number of folds."),
        (("--plain",), "folds:"),
        (("--short",), "scheme: mask"),
        (("--set", "folds.k=7"), "7"),
    ],
)
def test_printed_recipes_are_read_back(options: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    done = call("recipe", "fast", *options)
    assert done.exit_code == 0
    assert expected in done.stdout
    (tmp_path / "mine.yaml").write_text(done.stdout, encoding="utf-8")
    overrides = [options[1]] if options[:1] == ("--set",) else []
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe("fast", overrides)


def test_the_schema_is_json() -> None:
    assert json.loads(call("recipe", "--schema").stdout)["title"] == "Recipe of maskfold"


def test_a_setting_is_explained() -> None:
    assert "Learning rate" in call("explain", "lr").stdout
    assert len(call("explain").stdout.splitlines()) > 90
    wrong = call("explain", "epoch")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "Did you mean 'epochs'" in wrong.stderr


def test_the_runs_of_a_workspace(workspace: Workspace) -> None:
    done = call("runs", "--workspace", workspace.uri)
    assert done.exit_code == 0, done.output
    assert re.search(r"0\.710 .*finished", done.stderr)
    (run,) = json.loads(done.stdout)["runs"]
    assert (run["recipe"], run["status"], run["macro_f1"], run["changes"]) == ("smoke", "finished", 0.71, [])
    assert Path(run["submission"]).is_file()
    assert Path(run["report"]).is_file()


@pytest.mark.parametrize("command", [("runs",), ("sync",), ("clean", "--keep", "1")])
def test_a_workspace_that_is_none_is_not_created(command: tuple[str, ...], tmp_path: Path) -> None:
    done = call(*command, "--workspace", str(tmp_path / "nowhere"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no such folder" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_cleaning_asks_for_a_word_and_lists_first(workspace: Workspace) -> None:
    before = workspace.list()
    done = call("clean", "--keep", "0", "--workspace", workspace.uri)
    assert done.exit_code == 0, "the best run is kept, so nothing is to be deleted"
    assert workspace.list() == before
    (run,) = {path.split("/")[1] for path in before if path.startswith("runs/")}
    unused = workspace.write(f"crop/{'0' * 16}/faces.npy", b"of a run that was killed")
    done = call("clean", "--keep", "1", "--workspace", workspace.uri)
    assert done.exit_code == 2
    assert f"crop/{'0' * 16}" in done.stderr
    assert "--yes deletes what is listed above" in done.stderr
    assert workspace.size_of(unused.path) is not None
    found = result_of("clean", "--keep", "1", "--yes", "--workspace", workspace.uri)
    assert found["deleted"] == [f"crop/{'0' * 16}"]
    assert workspace.list() == before
    assert read_record(workspace, run).status == "FINISHED"


def test_the_doctor_looks_at_everything_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    done = call("doctor", "--weights", str(tmp_path / "weights"), "--workspace", str(tmp_path / "w"))
    found = json.loads(done.stdout)
    assert {
        "maskfold",
        "torch",
        "processor",
        "GPU",
        "memory",
        "disk, home",
        "port 4200",
        "Prefect server",
        "MLflow",
    } <= set(found)
    assert found["weights"][0] == "bad"
    assert "expected <backbone>.safetensors" in found["weights"][2]
    assert found["workspace"][0] == "good"
    assert found["MLflow"][0] == "note"  # nobody answers at its address
    assert done.exit_code == 1, "something is bad"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    again = json.loads(call("doctor").stdout)
    assert again["Prefect server"][0] == "bad"
    assert "unset it" in again["Prefect server"][2]


@pytest.mark.slow
def test_a_dry_run_writes_nothing_and_names_every_job(drawn_data: Path, tmp_path: Path) -> None:
    options = ("--recipe", "smoke", "--data", str(drawn_data), "--workspace", str(tmp_path / "w"), "--dry-run")
    found = result_of("run", *options)
    jobs = [job["job"] for job in found["jobs"]]  # type: ignore[union-attr, index]
    assert jobs == [
        *("networks", "prepare", "crop", "train_fold joint 1/2", "train_fold joint 2/2"),
        *("predict_eval joint", "ensemble", "export"),
    ]
    assert {job["state"] for job in found["jobs"]} == {"to do"}  # type: ignore[union-attr, index]
    assert found["seconds"] > 0  # type: ignore[operator]
    assert not any(path.is_file() for path in (tmp_path / "w").rglob("*"))
