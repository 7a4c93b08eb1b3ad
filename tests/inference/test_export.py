"""Command `export`: the package of a finished run, and one file for other programs."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from maskfold.cli import app
from maskfold.inference import onnx_export
from maskfold.inference.package import OpenPackage
from maskfold.models import find_model
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking.record import JobRecord, RunRecord
from tests.inference.trained import Trained

pytestmark = pytest.mark.slow
RUN, UNFINISHED = "20260101T000000-00000001", "20251231T000000-00000002"


@pytest.fixture
def workspace(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a run of an older maskfold, which made no package, and one that did not finish."""
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    folder = Path(shutil.copytree(trained.workspace.uri, tmp_path / "workspace"))
    for name in ("models", "export"):
        shutil.rmtree(folder / name)
    opened, now = open_workspace(str(folder)), round(time.time() * 1000)
    vote = JobRecord(stage="ensemble", key=trained.vote.key, label="ensemble", started=now, ended=now)
    for name, jobs in ((RUN, (vote.model_copy(update={"status": "FINISHED"}),)), (UNFINISHED, ())):
        RunRecord(
            id=name,
            name=f"little {name[-1]}",
            experiment="maskfold",
            data=str(trained.data),
            recipe=trained.plan.recipe.model_dump_json(),
            classes=(),
            tags={},
            host="here",
            started=now,
            alive=now,
            ended=now,
            status="FINISHED" if jobs else "FAILED",
            jobs=jobs,
        ).save(opened)
    return opened


def export(workspace: Workspace, *options: str) -> Result:
    return CliRunner().invoke(app, ["export", "--workspace", workspace.uri, *options])


def done(workspace: Workspace, *options: str) -> dict[str, object]:
    result = export(workspace, *options)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_without_a_package_gets_the_one_that_its_run_would_have_made(
    workspace: Workspace, trained: Trained, tmp_path: Path
) -> None:
    made = done(workspace)
    assert made["digest"] == trained.exported.digest
    assert files(Path(str(made["model"]))) == files(Path(trained.package))
    found = find_model("run:latest", workspace.uri)
    assert (found.uri, found.digest) == (made["model"], made["digest"])
    outcome = workspace.read(f"export/{trained.asked.key}/outcome.json")
    assert done(workspace, "--run", RUN[:12]) | {"run": ""} == made | {"run": ""}
    assert workspace.read(f"export/{trained.asked.key}/outcome.json") == outcome

    out = tmp_path / "copy"
    assert done(workspace, "--out", str(out))["model"] == str(out)
    assert files(out) == files(Path(trained.package))
    assert OpenPackage.open(str(out)).digest == trained.exported.digest
    (out / "model.json").unlink()  # as a copy that was killed leaves it
    (out / "joint-1.safetensors").unlink()
    done(workspace, "--out", str(out))
    assert files(out) == files(Path(trained.package))

    foreign = tmp_path / "photographs"
    foreign.mkdir()
    (foreign / "me.jpg").write_bytes(b"me")
    refused = export(workspace, "--out", str(foreign))
    assert refused.exit_code == 2
    assert "other files (me.jpg); name a new folder. Nothing was written" in refused.stderr
    assert files(foreign) == {"me.jpg": b"me"}
    (out / "model.json").write_bytes(b"{}")
    other = export(workspace, "--out", str(out))
    assert (other.exit_code, "the folder has another model" in other.stderr) == (2, True)

    file = tmp_path / "files" / "model.safetensors"
    written = done(workspace, "--format", "safetensors", "--out", str(file))
    assert (written["model"], written["bytes"]) == (str(file), file.stat().st_size)
    assert written["inputs"] == ["face", "portrait"]
    assert written["difference"] == 0.0


def test_what_cannot_be_exported_is_said_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished = export(workspace, "--run", UNFINISHED)
    assert unfinished.exit_code == 2
    assert f"run {UNFINISHED} has no finished vote (failed), so it has no model" in unfinished.stderr
    missing = export(workspace, "--run", "1999")
    assert (missing.exit_code, "there is no such run" in missing.stderr) == (2, True)
    remote = export(workspace, "--format", "pt2", "--out", "s3://bucket/model.pt2")
    assert (remote.exit_code, "name a path" in remote.stderr) == (2, True)
    monkeypatch.setattr(onnx_export.importlib.util, "find_spec", lambda name: None)
    bare = export(workspace, "--format", "onnx")
    assert bare.exit_code == 2
    assert "-m pip install onnxruntime onnx onnxscript" in bare.stderr
