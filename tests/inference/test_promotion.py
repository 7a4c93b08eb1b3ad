"""A person makes a model the champion."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from maskfold import champions
from maskfold.cleaning import plan_cleaning
from maskfold.cli import app
from maskfold.errors import CorruptDataError, InputError
from maskfold.inference.package import OpenPackage
from maskfold.inference.succession import consider
from maskfold.models import find_model
from maskfold.promotion import promote
from maskfold.storage import Workspace, open_workspace
from tests.inference.trained import Trained
from tests.packages import export

pytestmark = pytest.mark.slow
MODEL = "maskfold-little"


@pytest.fixture(autouse=True)
def _mlflow_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """With nothing in it."""
    (tmp_path / "workspace").mkdir()
    return open_workspace(str(tmp_path / "workspace"))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_package_from_elsewhere_is_copied_and_becomes_champion(trained: Trained, workspace: Workspace) -> None:
    done = promote(trained.package, workspace.uri)
    assert (done.record.champion.set_by, done.record.champion.oof, done.record.replaced) == ("person", None, None)
    assert "127.0.0.1:1" in done.away
    assert OpenPackage.open(done.uri).digest == trained.exported.digest
    found = find_model("champion", workspace.uri)
    assert (found.uri, found.digest) == (workspace.locate(trained.asked.folder), trained.exported.digest)
    names = {path.name for path in Path(done.uri).iterdir()}
    assert names == {path.name for path in Path(trained.package).iterdir()}
    times = {path: path.stat().st_mtime_ns for path in Path(done.uri).iterdir()}
    again = promote("champion", workspace.uri)
    assert {path: path.stat().st_mtime_ns for path in Path(done.uri).iterdir()} == times
    assert again.record.replaced is None
    assert plan_cleaning(workspace, keep=0).files == ()


def test_with_a_package_from_elsewhere_nothing_is_compared(trained: Trained, workspace: Workspace) -> None:
    promote(trained.package, workspace.uri)
    shutil.copytree(trained.workspace.locate("ensemble"), Path(workspace.uri) / "ensemble")
    another = trained.asked.model_copy(update={"ensemble_key": "f" * 16})
    said, aloud = consider(another, trained.exported, workspace)
    assert "came from elsewhere" in said
    assert aloud


def test_the_command_says_who_was_replaced(trained: Trained, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained.workspace.uri, copy)
    workspace = open_workspace(str(copy))
    before = champions.read(workspace, MODEL).champion
    other = export(workspace, scheme=trained.plan.recipe.scheme, recipe_name="other")
    held = champions.candidate(other.spec, other.outcome)
    champions.succeed(workspace, MODEL, lambda _: held)
    result = call("promote", "--workspace", str(copy), "--model", str(copy / before.package))
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["key"] == before.key
    assert printed["replaced"] == held.key
    assert printed["registered"] is False
    assert f"in place of other ({held.key}" in result.stderr
    assert "`maskfold sync` moves its alias later" in result.stderr
    listed = json.loads(call("models", "--workspace", str(copy)).stdout)["models"]
    assert [(one["key"], one["champion"]) for one in listed] == [(held.key, False), (before.key, True)]
    assert listed[1]["package"] == str(copy / before.package)
    assert listed[1]["macro_f1"] == before.macro_f1


def test_a_changed_package_is_refused_and_nothing_is_written(
    trained: Trained, workspace: Workspace, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained.package, copy)
    weights = next(copy.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptDataError):
        promote(str(copy), workspace.uri)
    assert workspace.list() == []


def test_another_package_of_the_same_key_stays(trained: Trained, workspace: Workspace) -> None:
    address = f"{trained.asked.folder}/model.json"
    workspace.write(address, b"{}")
    with pytest.raises(InputError, match="another package of the same key"):
        promote(trained.package, workspace.uri)
    assert workspace.list() == [address]


def test_a_damaged_record_is_written_anew(trained: Trained, workspace: Workspace) -> None:
    workspace.write(champions.path_of(MODEL), b"{")
    promote(trained.package, workspace.uri)
    assert champions.read(workspace, MODEL).champion.digest == trained.exported.digest
