"""Curves of a workspace's runs: which runs, what they are called, what is in the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maskfold.curves.chosen import read_curves
from maskfold.curves.overview import overview
from maskfold.errors import InputError
from maskfold.storage import Workspace
from tests.curves.conftest import Ran, training


def test_a_row_for_each_value_of_each_epoch(workspace: Workspace, ran: Ran) -> None:
    ran("fast data", 1, [training("joint", 0), training("joint", 1), training("mouth", 0), training("joint", None)])
    table = read_curves(workspace).table
    types = {name: str(kind) for name, kind in table.dtypes.items()}
    assert types == {
        "run": "str", "network": "str", "fold": "int32", "epoch": "int64", "tag": "str", "value": "float64",
    }  # fmt: skip
    assert len(table) == 3 * 3 * 6 + 3 * 3  # trainings, epochs, tags; nobody is held out from the last one
    chosen = table[(table["network"] == "joint") & (table["fold"] == 2) & (table["tag"] == "valid_macro_f1")]
    assert chosen["epoch"].tolist() == [1, 2, 3]
    assert chosen["value"].tolist() == pytest.approx([0.5 / 3, 1 / 3, 0.5])
    everybody = table[table["fold"] == 0]
    assert set(everybody["tag"]) == {"lr", "train_loss", "images_per_second"}
    assert {row.network: (row.folds, row.best) for row in overview(table)} == {"joint": (3, 0.5), "mouth": (1, 0.5)}


def test_latest_is_the_newest_run_with_curves_and_a_study_is_its_trials(workspace: Workspace, ran: Ran) -> None:
    ran("old data", 1, [training("joint", 0)])
    study = ran("losses data", 2, [])
    ran("loss=focal, seed 1", 4, [training("joint", 0)], study)
    base = ran("base, seed 1", 3, [training("joint", 0)], study)
    ran("just begun", 5, [])
    assert list(read_curves(workspace).runs) == ["base, seed 1", "loss=focal, seed 1"]
    assert list(dict.fromkeys(read_curves(workspace).table["run"])) == ["base, seed 1", "loss=focal, seed 1"]
    assert list(read_curves(workspace, study.id[:15]).runs) == ["base, seed 1", "loss=focal, seed 1"]
    assert list(read_curves(workspace, "all").runs) == ["base, seed 1", "loss=focal, seed 1", "old data"]
    assert list(read_curves(workspace, base.id).runs) == ["base, seed 1"]


def test_runs_of_one_name_are_told_apart(workspace: Workspace, ran: Ran) -> None:
    first, second = (ran("fast data", number, [training("joint", 0)]) for number in (1, 2))
    assert list(read_curves(workspace, "all").runs) == [f"fast data, {second.id}", f"fast data, {first.id}"]
    assert list(read_curves(workspace, first.id).runs) == ["fast data"]


def test_a_shared_training_has_the_name_that_the_run_gives_its_network(workspace: Workspace, ran: Ran) -> None:
    made = ran("fast data", 1, [training("another", 0)])
    job = made.jobs[0].model_copy(update={"params": {"network": "joint"}})
    made.model_copy(update={"jobs": (job,)}).save(workspace)
    assert set(read_curves(workspace).table["network"]) == {"joint"}


def test_deleted_results_are_counted_and_the_others_read(workspace: Workspace, ran: Ran, tmp_path: Path) -> None:
    made = ran("fast data", 1, [training("joint", 0), training("joint", 1)])
    shutil.rmtree(tmp_path / "workspace" / made.jobs[0].address)
    found = read_curves(workspace)
    assert found.missing == 1
    assert set(found.table["fold"]) == {2}
    shutil.rmtree(tmp_path / "workspace" / made.jobs[1].address)
    with pytest.raises(InputError, match="no training has finished yet; the results of 2 trainings were deleted"):
        read_curves(workspace)


def test_a_damaged_record_keeps_no_other_back(workspace: Workspace, ran: Ran) -> None:
    ran("fast data", 1, [training("joint", 0)])
    workspace.write("runs/20260101T000009-00000009/run.json", b"{")
    found = read_curves(workspace)
    assert list(found.runs) == ["fast data"]
    assert "20260101T000009-00000009/run.json is not the record of a run" in found.damaged[0]


def test_a_run_that_is_not_there_is_an_input_error(workspace: Workspace, ran: Ran) -> None:
    with pytest.raises(InputError, match="no training has finished yet"):
        read_curves(workspace)
    ran("fast data", 1, [])
    with pytest.raises(InputError, match="run 20260101T000001: no training has finished yet"):
        read_curves(workspace, "20260101T000001")
    with pytest.raises(InputError, match="there is no such run; runs of"):
        read_curves(workspace, "2030")
