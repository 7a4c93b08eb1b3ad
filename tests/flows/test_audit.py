"""The flow audit: suspects of a real run, the page, corrections in the next run, a second opinion."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.audit import audit_here
from flows.auditing import Auditing
from flows.train import train
from maskfold import tracking
from maskfold.errors import InputError
from maskfold.history import read_runs
from maskfold.specs import File
from maskfold.storage import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.servers]
SETTINGS = ["networks.joint.optimizer.lr=0.03", "networks.joint.epochs=40"]


@pytest.fixture(scope="module")
def mislabelled(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of colours, of which two of a person have each other's label."""
    folder = tmp_path_factory.mktemp("audited") / "data"
    shutil.copytree(colours, folder)
    table = pd.read_csv(folder / "table.csv", dtype=str)
    names = {"5-red.png": "blue", "5-blue.png": "red"}
    table["colour"] = [names.get(path, colour) for path, colour in zip(table["path"], table["colour"], strict=True)]
    table.to_csv(folder / "table.csv", index=False)
    return folder


def run(data: Path, workspace: Path, *overrides: str) -> dict[str, Any]:
    recipe = str(data / "recipe.yaml")
    return train(data=str(data), workspace=str(workspace), recipe=recipe, set=[*SETTINGS, *overrides])


def audit(workspace: Path, **given: Any) -> dict[str, Any]:
    asked = {"workspace": str(workspace), "run": "latest", "out": "", "rounds": 1, **given}
    return audit_here(Auditing.make(**asked), nullcontext(), launcher="local", **asked)


@pytest.fixture(scope="module")
def audited(mislabelled: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("audit")
    trained = run(mislabelled, folder / "workspace")
    return folder, trained, audit(folder / "workspace", out=str(folder / "out"))


def test_the_swap_is_the_first_suspect_and_the_files_are_where_they_were_asked_for(audited) -> None:
    folder, trained, result = audited
    table = pd.read_csv(folder / "out" / "suspects.csv", dtype=str)
    assert list(table) == ["person", "photographs", "kind", "label", "suggestion", "certainty"]
    first = table.iloc[0]
    assert (first["person"], first["kind"]) == ("5", "swapped photographs")
    assert first["photographs"] == "5-blue.png; 5-red.png"
    assert first["suggestion"] == "colour blue; colour red"
    assert (result["audited"], result["people"], result["sure"]) == (trained["run"], 24, 1)
    assert len(pd.read_parquet(result["table"])) == result["suspects"] == len(table)
    assert Path(result["page"]) == folder / "out" / "review.html"
    assert "5-blue.png" in Path(result["page"]).read_text(encoding="utf-8")


def test_mlflow_and_prefect_show_the_suspects_below_the_audited_run(audited) -> None:
    folder, trained, result = audited
    client = MlflowClient(tracking.tracking_uri())
    recorded = client.get_run(result["mlflow_run_id"])
    assert recorded.info.status == "FINISHED"
    assert recorded.data.tags["mlflow.parentRunId"] == trained["mlflow_run_id"]
    assert recorded.data.metrics["audit/n_sure"] == 1
    files = {file.path for file in client.list_artifacts(recorded.info.run_id)}
    assert {"suspects.csv", "suspects.parquet", "review.html"} <= files
    with get_client(sync_client=True) as prefect:
        shown = prefect.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["suspects"])))
    assert any("swapped photographs" in str(one.data) for one in shown)
    runs, damaged = read_runs(open_workspace(str(folder / "workspace")))
    assert not damaged
    assert trained["run"] in {one.record.id for one in runs}
    assert result["run"] not in {one.record.id for one in runs}


def test_a_second_opinion_trains_again_and_judges_the_labels_as_they_were(audited) -> None:
    folder, _, _ = audited
    workspace = folder / "workspace"
    before = {path.parent.name for path in workspace.glob("train_fold/*/outcome.json")}
    submissions = sorted((path.name, path.read_bytes()) for path in (workspace / "submissions").glob("*"))
    result = audit(workspace, rounds=2)
    trained = {path.parent.name for path in workspace.glob("train_fold/*/outcome.json")} - before
    # Only networks that learnt from the person train again.
    assert len(trained) == 2
    assert (result["first"][0]["person"], result["first"][0]["label"]) == ("5", "colour red; colour blue")
    assert sorted((path.name, path.read_bytes()) for path in (workspace / "submissions").glob("*")) == submissions


def test_a_run_with_the_corrections_shows_what_they_changed(audited, mislabelled: Path) -> None:
    folder, trained, _ = audited
    sure = min((folder / "workspace").glob("audit/*/sure.csv"), key=lambda path: path.stat().st_mtime_ns)
    assert sure.read_text().splitlines() == ["path,colour", "5-blue.png,blue", "5-red.png,red"]
    again = run(mislabelled, folder / "workspace", f"dataset.corrections={sure}")
    page = Path(again["report"]).read_text(encoding="utf-8")
    assert "2 photographs of 1 people have other labels than in" in page
    assert "that no correction changed" in page
    assert again["oof_macro_f1"] > trained["oof_macro_f1"]
    client = MlflowClient(tracking.tracking_uri())
    tables = {file.path for file in client.list_artifacts(again["mlflow_run_id"], "tables")}
    assert {"tables/corrected_labels.csv", "tables/corrected_scores.csv"} <= tables
    # The corrections are kept when that run is audited and corrected in its turn.
    assert not [one for one in audit(folder / "workspace")["first"] if one["person"] == "5"]


def test_a_second_opinion_on_other_photographs_is_refused(audited, mislabelled: Path) -> None:
    workspace = open_workspace(str(audited[0] / "workspace"))
    [listed, *_] = [path for path in workspace.list("audit") if path.endswith("/sure.csv")]
    sure = File(path=listed, sha256="0" * 64, size=0)
    auditing = Auditing.make(workspace.uri, run=audited[1]["run"])
    assert auditing.again(sure).recipe.dataset.corrections == workspace.locate(listed)
    (mislabelled / "more.png").write_bytes(b"new")
    try:
        with pytest.raises(InputError, match=r"has changed since run .*; run again first"):
            auditing.again(sure)
    finally:
        (mislabelled / "more.png").unlink()


def test_what_is_wrong_ends_before_anything_starts(audited, tmp_path: Path) -> None:
    folder, trained, _ = audited
    workspace = str(folder / "workspace")
    with pytest.raises(InputError, match="expected 1, or 2"):
        Auditing.make(workspace, rounds=3)
    with pytest.raises(InputError, match="there is no such run"):
        Auditing.make(workspace, run="nothing")
    copy = tmp_path / "copy"
    shutil.copytree(workspace, copy)
    next(copy.glob("ensemble/*/oof.parquet")).unlink()
    for path in copy.glob("ensemble/*/oof.parquet"):
        path.unlink()
    with pytest.raises(InputError, match=f"run {trained['run']} has no out-of-fold table"):
        Auditing.make(str(copy), run=trained["run"])
