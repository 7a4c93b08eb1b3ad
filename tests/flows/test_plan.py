"""What is checked before the first job runs."""

from pathlib import Path

import pytest

from flows.plan import Plan
from maskfold.errors import RecipeError, WeightsError
from maskfold.recipe import load_recipe

READ = ["dataset.reader=competition"]
WITH_WEIGHTS = ["networks.joint.backbone=test_resnet", "networks.joint.pretrained=required"]


def test_a_plan_writes_nothing(drawn_data: Path, tmp_path: Path) -> None:
    (tmp_path / "test_resnet.safetensors").write_bytes(b"weights")
    (tmp_path / "own.csv").write_text("path\n", encoding="utf-8")
    recipe = load_recipe("smoke", [*READ, *WITH_WEIGHTS, f"dataset.corrections={tmp_path}/own.csv"])
    plan = Plan.make(str(drawn_data), str(tmp_path / "w"), recipe, [str(tmp_path)])
    assert plan.given_weights["test_resnet"].uri == f"{tmp_path}/test_resnet.safetensors"
    assert plan.own_corrections == f"{tmp_path}/own.csv"
    assert plan.workspace.list() == []
    assert plan.hub_weights() == []


def test_missing_files_are_named(drawn_data: Path, tmp_path: Path) -> None:
    missing = load_recipe("smoke", [*READ, f"dataset.corrections={tmp_path}/none.csv"])
    with pytest.raises(RecipeError, match=r"dataset\.corrections: .*none\.csv: there is no such file; expected agreed"):
        Plan.make(str(drawn_data), str(tmp_path / "w"), missing)
    with pytest.raises(WeightsError, match=r"weights of test_resnet: .*none\.safetensors: there is no such file"):
        Plan.make(
            str(drawn_data),
            str(tmp_path / "w"),
            load_recipe("smoke", [*READ, *WITH_WEIGHTS]),
            [f"test_resnet={tmp_path}/none.safetensors"],
        )
