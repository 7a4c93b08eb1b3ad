"""Runs with external tables, on drawn data."""

import csv
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from flows.plan import Plan, plan_run
from flows.train import train
from maskfold import tracking
from maskfold.errors import WorkspaceError
from maskfold.launch.folder import find_outcome
from maskfold.launch.monitor import JobEvent, listening
from maskfold.specs import CropOutcome, PrepareOutcome
from portraits import draw

NETWORKS = [
    "networks=["
    + ", ".join(
        f"{{name: {target}, target: {target}, backbone: test_resnet, pretrained: none, epochs: 1, batch_size: 8,"
        f" amp: 'off', sampler: {sampler}}}"
        for target, sampler in (("mask", "balanced"), ("gender", "balanced-cells"), ("age", "balanced-gender"))
    )
    + "]"
]


@pytest.fixture(scope="module")
def table(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other drawn people, of whom the gender is known and of some the age; and one photograph of the data set."""
    folder = tmp_path_factory.mktemp("external")
    draw(folder / "drawn", people=6, seed=7, size=(192, 256))
    rows = []
    for path in sorted((folder / "drawn" / "train" / "images").glob("*/*.*")):
        _, gender, _, age = path.parent.name.split("_")
        rows.append([path.relative_to(folder).as_posix(), gender, age if path.stem == "mask1" else ""])
    own = sorted((drawn_data / "train" / "images").glob("*/mask1.*"))[0]
    shutil.copy(own, folder / "own.jpg")
    rows += [["own.jpg", "male", ""], ["nowhere.jpg", "male", ""]]
    with (folder / "faces.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["path", "gender", "age"], *rows])
    return folder / "faces.csv"


def plan(data: Path, workspace: Path, *tables: Path) -> Plan:
    return plan_run(str(data), str(workspace), "smoke", overrides(*tables))


def overrides(*tables: Path) -> list[str]:
    return [*NETWORKS, f"dataset.external=[{','.join(map(str, tables))}]"]


def test_a_changed_table_or_image_changes_the_key(drawn_data: Path, table: Path, tmp_path: Path) -> None:
    shutil.copytree(table.parent, tmp_path / "external")
    copied, workspace = tmp_path / "external" / "faces.csv", tmp_path / "workspace"
    keys = [plan(drawn_data, workspace).prepare().key, plan(drawn_data, workspace, copied).prepare().key]
    assert plan(drawn_data, workspace, copied).prepare().key == keys[1]
    copied.write_text(copied.read_text().replace(",female,", ",male,", 1))
    keys.append(plan(drawn_data, workspace, copied).prepare().key)
    os.utime(tmp_path / "external" / "own.jpg", (1, 1))
    keys.append(plan(drawn_data, workspace, copied).prepare().key)
    assert len(set(keys)) == 4


def test_a_workspace_among_external_images_is_refused(drawn_data: Path, table: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"is inside .*the folder of the external table faces\.csv"):
        plan(drawn_data, table.parent / "workspace", table)


@pytest.mark.slow
def test_attribute_networks_learn_from_external_images_and_nothing_else_sees_them(
    drawn_data: Path, table: Path, tmp_path: Path
) -> None:
    workspace, events = tmp_path / "workspace", list[JobEvent]()
    with listening(events.append):
        summary: dict[str, Any] = train(
            data=str(drawn_data), workspace=str(workspace), recipe="smoke", set=overrides(table)
        )
    made = plan(drawn_data, workspace, table)
    prepared = find_outcome(made.workspace, made.prepare())
    assert isinstance(prepared, PrepareOutcome)
    assert (prepared.n_external, prepared.n_external_left_out) == (42, 2)
    assert prepared.n_train == sum(prepared.class_counts) == 84
    cropped = find_outcome(made.workspace, made.crop(prepared))
    assert isinstance(cropped, CropOutcome)
    assert cropped.n_images == prepared.n_train + prepared.n_eval + 42

    manifest = pd.read_parquet(made.workspace.fetch(prepared.manifest))
    own = manifest.loc[manifest["part"] == "train", "image"].tolist()
    [oof] = workspace.glob("ensemble/*/oof.parquet")
    assert pd.read_parquet(oof)["image"].tolist() == own
    with (drawn_data / "eval" / "info.csv").open(encoding="utf-8") as stream:
        wanted = [row["ImageID"] for row in csv.DictReader(stream)]
    with Path(summary["submission"]).open(encoding="utf-8") as stream:
        assert [row["ImageID"] for row in csv.DictReader(stream)] == wanted
    asked = set(manifest.loc[manifest["part"] == "eval", "image"])
    for stage, expected in (("train_fold", set(own)), ("predict_eval", asked)):
        predictions = workspace.glob(f"{stage}/*/predictions.parquet")
        assert {image for path in predictions for image in images(path)} == expected

    # An epoch shows all training images but the remainder of the last batch.
    learnt = {
        event.label: event.progress.total for event in events if event.label.startswith("train_fold") and event.progress
    }
    assert learnt["train_fold mask 1/2"] == 40
    assert learnt["train_fold gender 1/2"] == 80
    assert learnt["train_fold age 1/2"] == 48
    metrics = MlflowClient(tracking.tracking_uri()).get_run(summary["mlflow_run_id"]).data.metrics
    assert metrics["data/n_external"] == 42
    assert "42 used, 2 left out" in Path(summary["report"]).read_text(encoding="utf-8")


def images(predictions: Path) -> list[str]:
    return pd.read_parquet(predictions)["image"].tolist()
