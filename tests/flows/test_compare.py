"""The flow compare: variants on the same folds, what wins is merged and confirmed with fresh seeds."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from PIL import Image

from flows.compare import Comparison, compare_here, merge
from maskfold import tracking
from maskfold.errors import RecipeError
from maskfold.recipe import load_recipe
from maskfold.specs import VariantScore
from maskfold.study.plan import Study

pytestmark = [pytest.mark.slow, pytest.mark.servers]

RECIPE = """
name: colours
folds: {k: 2}
crop: {face_size: [32, 24], portrait_size: [32, 24]}
networks:
  - name: joint
    input: portrait
    backbone: test_resnet
    pretrained: none
    epochs: 3
    batch_size: 16
    optimizer: {name: adamw, lr: 0.00002}
    amp: "off"
"""


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of which the colour is the class: learnt in seconds, but not at the recipe's learning rate."""
    folder, random = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    rows = []
    for person in range(24):
        for number, colour in enumerate(("red", "green", "blue")):
            pixels = random.integers(0, 60, (40, 32, 3), dtype=np.uint8)
            pixels[..., number] += 150
            name = f"{person}-{colour}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append({"path": name, "person": str(person), "colour": colour})
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def study(colours: Path, **settings: Any) -> Study:
    return Study(recipe=str(colours / "recipe.yaml"), seeds=2, **settings)


@pytest.fixture(scope="module")
def compared(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    workspace = tmp_path_factory.mktemp("compared")
    vary = {"networks.joint.optimizer.lr": [0.00002, 0.005], "networks.joint.loss": ["focal"]}
    comparison = Comparison.make(study(colours, vary=vary), str(colours), str(workspace))
    return compare_here(comparison, nullcontext(), "local"), workspace


def test_what_wins_is_merged_confirmed_and_written_down(compared, colours: Path) -> None:
    result, _ = compared
    assert {one["name"]: one["wins"] for one in result["variants"]}["lr=0.005"]
    assert [one["name"] for one in result["confirmation"]] == ["base", "merged"]
    assert result["confirmation"][1]["low"] > 0
    assert result["adopted"]
    winner = load_recipe(result["winner"])
    assert winner.networks[0].optimizer.lr == 0.005
    assert winner.scheme.names == ("colour",)
    assert json.loads(json.dumps(result)) == result


def test_a_variant_that_is_the_base_is_not_trained_again(compared) -> None:
    result, workspace = compared
    variants = {one["name"]: one for one in result["variants"]}
    assert variants["lr=2.0e-05"]["by_seed"] == [0.0, 0.0]
    trainings = len(list((workspace / "train_fold").iterdir()))
    assert trainings == 2 * (3 * 2 + 2 * 2)  # folds x (three variants x seeds + base and merged x fresh seeds)


def test_the_page_and_the_tables_are_there(compared) -> None:
    result, _ = compared
    page = Path(result["page"]).read_text()
    for text in ("The merged recipe is", "it is adopted", "Learning, side by side"):
        assert text in page
    table = pd.read_parquet(result["table"])
    assert table["name"].tolist() == [one["name"] for one in result["variants"]]
    curves = pd.read_parquet(result["curves"])
    assert set(curves.columns) == {"run", "network", "fold", "epoch", "tag", "value"}
    assert curves["epoch"].min() == 1
    assert {"base, seed 1", "loss=focal, seed 2"} <= set(curves["run"])


def test_mlflow_has_a_run_for_each_variant_and_seed_below_the_study(compared) -> None:
    result, _ = compared
    client = MlflowClient(tracking.tracking_uri())
    parent = client.get_run(result["mlflow_run_id"])
    assert parent.info.status == "FINISHED"
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    names = {child.info.run_name for child in children}
    assert {"base, seed 1", "lr=0.005, seed 2", "merged, seed 3", "merged, seed 4"} <= names


def test_again_nothing_is_trained_and_the_result_is_the_same(compared, colours: Path) -> None:
    result, workspace = compared
    before = {path: path.stat().st_mtime_ns for path in (workspace / "train_fold").rglob("*")}
    vary = {"networks.joint.optimizer.lr": [0.00002, 0.005], "networks.joint.loss": ["focal"]}
    again = compare_here(
        Comparison.make(study(colours, vary=vary), str(colours), str(workspace)), nullcontext(), "local"
    )
    assert {path: path.stat().st_mtime_ns for path in (workspace / "train_fold").rglob("*")} == before
    assert again["page"] == result["page"]


def test_a_wrong_setting_of_a_variant_ends_before_anything_starts(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="Did you mean"):
        Comparison.make(study(colours, vary={"networks.joint.optimizr.lr": [1]}), str(colours), str(tmp_path / "w"))
    assert not (tmp_path / "w" / "prepare").exists()


def test_a_variant_that_cannot_be_trained_is_left_out_with_its_reason(colours: Path, tmp_path: Path) -> None:
    vary = {"networks.joint.backbone_args": [{"drop_rate": 0.5}, {"output_stride": 7}]}
    comparison = Comparison.make(study(colours, vary=vary), str(colours), str(tmp_path))
    result = compare_here(comparison, nullcontext(), "local")
    assert len(result["variants"]) == 2
    assert len(result["failed"]) == 2
    assert all("output_stride" in reason for reason in result["failed"].values())


def score(name: str, factor: str, difference: float, *, wins: bool) -> VariantScore:
    return VariantScore(
        name=name, factor=factor, set=(f"{name}=1",), seeds=1, macro_f1=0.5, difference=difference, low=0, high=1,
        error=0.1, by_seed=(difference,), wins=wins, seconds=1,
    )  # fmt: skip


def test_the_best_winner_of_each_factor_is_merged() -> None:
    rows = (
        score("base", "", 0.0, wins=False),
        score("a", "x", 0.1, wins=True),
        score("b", "x", 0.2, wins=True),
        score("c", "y", 0.1, wins=True),
        score("d", "z", 0.3, wins=False),
        score("named", "", 0.5, wins=True),
    )
    assert merge(rows) == ("b=1", "c=1")
    assert merge((rows[0], rows[4], rows[5])) == ("named=1",)
    assert merge((rows[0], rows[4])) == ()
