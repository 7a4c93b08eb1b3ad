"""The flow auto: without a recipe it measures, plans, trains and votes; killed, it goes on as planned."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from flows.auto import Automation, auto_here, described
from maskfold import tracking
from maskfold.errors import InputError
from maskfold.study import costs
from maskfold.study.portfolio import Portfolio
from tests.faults.sandbox import Sandbox
from tests.flows.colours import MEASURED, draw_weights

pytestmark = [pytest.mark.slow, pytest.mark.servers]

BUDGET = "5m"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny network, the only candidate then."""
    return draw_weights(tmp_path_factory.mktemp("weights"))


def automation(colours: Path, workspace: Path, weights: Path, budget: str = BUDGET, **given: Any) -> Automation:
    return Automation.make(str(colours), str(workspace), budget, weights=(str(weights),), **given)


def outcomes(workspace: Path, stage: str = "train_fold") -> dict[str, int]:
    """Return when each job was done, by key."""
    return {path.parent.name: path.stat().st_mtime_ns for path in workspace.glob(f"{stage}/*/outcome.json")}


def say(workspace: Path, stage: str, **values: Any) -> None:
    """Change what the outcomes of a stage say."""
    for path in workspace.glob(f"{stage}/*/outcome.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture(scope="module")
def measured(colours: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with measurements alone."""
    workspace = tmp_path_factory.mktemp("measured")
    found = auto_here(automation(colours, workspace, weights, "1h"), nullcontext(), "local", only_plan=True)
    assert found["planned"] < 3600
    for stage, values in MEASURED.items():
        assert outcomes(workspace, stage)
        say(workspace, stage, **values)
    assert not outcomes(workspace)
    return workspace


@pytest.fixture(scope="module")
def done(
    colours: Path, weights: Path, measured: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path, list[Portfolio]]:
    workspace, told = tmp_path_factory.mktemp("auto") / "workspace", list[Portfolio]()
    shutil.copytree(measured, workspace)
    result = auto_here(automation(colours, workspace, weights), nullcontext(), "local", told.append)
    return result, workspace, told


def test_it_ends_as_a_run_does(done) -> None:
    result, workspace, _ = done
    assert result["oof_macro_f1"] > 0.5  # by chance a third
    assert "</html>" in Path(result["report"]).read_text()
    package = json.loads((Path(result["model"]) / "model.json").read_text())
    assert package["temperature"] > 0
    assert [network["name"] for network in package["networks"]] == result["networks"]
    runs = MlflowClient(tracking.tracking_uri())
    assert runs.get_run(result["mlflow_run_id"]).info.status == "FINISHED"
    assert json.loads(json.dumps(result)) == result
    assert not result["left_out"]
    assert len(outcomes(workspace, "measure")) == 1


def test_the_plan_is_told_before_it_starts_and_fits(done) -> None:
    result, _, told = done
    (plan,) = told
    assert plan.joint == ("test_resnet",)
    assert result["plan"]["epochs"] == plan.epochs
    assert plan.seconds <= result["budget"]
    lines = described(plan, result["budget"], "a machine")
    assert any("test_resnet" in line for line in lines)
    assert lines[-1].endswith("of 5 min 00 s in all")
    assert sum(f": {stage.name}" in line for stage in plan.stages for line in lines) == len(plan.stages)


def test_the_same_command_does_nothing_again(done, colours: Path, weights: Path) -> None:
    result, workspace, _ = done
    before = {stage: outcomes(workspace, stage) for stage in (*MEASURED, "train_fold", "ensemble", "export")}
    again = auto_here(automation(colours, workspace, weights), nullcontext(), "local")
    assert {stage: outcomes(workspace, stage) for stage in before} == before
    assert (again["plan"], again["report"], again["model"]) == (result["plan"], result["report"], result["model"])


def test_only_the_plan(done, colours: Path, weights: Path) -> None:
    result, workspace, _ = done
    before = outcomes(workspace)
    found = auto_here(automation(colours, workspace, weights), nullcontext(), "local", only_plan=True)
    assert found["plan"] == result["plan"]
    assert "report" not in found
    assert outcomes(workspace) == before


def test_a_longer_time_is_also_spent_on_search_and_the_search_on_the_result(
    measured, colours: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(measured, workspace)
    # Ensembles beyond a few epochs and a search are not what this test waits for.
    monkeypatch.setattr("maskfold.study.portfolio.EPOCHS", (2,))
    monkeypatch.setattr("maskfold.study.portfolio.FOLDS", (2,))
    monkeypatch.setattr("maskfold.study.portfolio.REPEATS", ((1, 0), (3, 3)))
    result = auto_here(automation(colours, workspace, weights, "1h", set=("folds.k=2",)), nullcontext(), "local")
    assert result["plan"]["trials"] == 3
    assert costs.SEARCHING in result["plan"]["stages"]
    assert result["search"]["trials"] == 3
    assert "</html>" in Path(result["search"]["page"]).read_text()
    assert result["selection"] is not None
    # The selection may leave some without a vote.
    assert {"joint", "joint-2", "joint-3"} <= {*result["networks"], *result["selection"]["weights"]}
    assert bool(result["selection"]["weights"]) == result["selection"]["adopted"]
    assert len(outcomes(workspace, "select")) == 1


def test_killed_and_run_again_the_result_is_the_same_and_no_job_is_done_twice(
    done, measured: Path, colours: Path, weights: Path, tmp_path: Path
) -> None:
    result, undisturbed, _ = done
    workspace = tmp_path / "workspace"
    shutil.copytree(measured, workspace)  # another measurement would be another plan
    sandbox = Sandbox(tmp_path)
    command = ("auto", "--data", str(colours), "--weights", str(weights), "--budget", BUDGET, "--json")
    running = sandbox.start(*command, "--workspace", str(workspace))
    while running.poll() is None and not outcomes(workspace):
        time.sleep(0.02)
    assert running.poll() is None, sandbox.complained
    sandbox.kill()
    running.wait()
    before = {stage: outcomes(workspace, stage) for stage in ("crop", "train_fold")}
    assert not outcomes(workspace, "ensemble")

    assert sandbox.start(*command, "--workspace", str(workspace)).wait(timeout=280) == 0, sandbox.complained
    again = json.loads(sandbox.printed.splitlines()[-1])
    assert again["plan"] == result["plan"]
    for stage, keys in before.items():
        after = outcomes(workspace, stage)
        assert {key: after[key] for key in keys} == keys
        assert set(after) == set(outcomes(undisturbed, stage))
    assert Path(again["oof"]).read_bytes() == Path(result["oof"]).read_bytes()
    assert Path(again["model"]).name == Path(result["model"]).name


def test_what_takes_longer_than_planned_is_left_out_and_the_time_limit_kept(
    done, colours: Path, weights: Path, tmp_path: Path
) -> None:
    result, finished, _ = done
    workspace = tmp_path / "workspace"
    shutil.copytree(finished, workspace)
    say(workspace, "train_fold", seconds=1000.0)
    found = auto_here(automation(colours, workspace, weights), nullcontext(), "local")
    assert found["plan"] == result["plan"]
    assert found["left_out"]
    assert not {*found["networks"]} & {*found["left_out"]}
    assert {*result["networks"]} <= {*found["networks"], *found["left_out"]}
    package = json.loads((Path(found["model"]) / "model.json").read_text())
    assert [network["name"] for network in package["networks"]] == found["networks"]


def test_a_budget_that_nothing_fits_into_says_what_does(done, colours: Path, weights: Path) -> None:
    _, workspace, _ = done
    before = outcomes(workspace)
    with pytest.raises(InputError, match=r"too short: .* takes about .*; allow that at least"):
        auto_here(automation(colours, workspace, weights, "2s"), nullcontext(), "local")
    assert outcomes(workspace) == before


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"budget": "soon"}, "such as 30s, 45m, 2h"),
        ({"set": ("networks.*.epochs=3",)}, "auto chooses this itself"),
        ({"set": ("folds.kk=3",)}, "Did you mean"),
        ({"set": ("crop.face_size=[64, 48]",)}, "auto chooses this itself"),
    ],
)
def test_what_is_wrong_ends_before_anything_starts(
    colours: Path, tmp_path: Path, weights: Path, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        automation(colours, tmp_path / "workspace", weights, **given)
    assert not (tmp_path / "workspace" / "prepare").exists()


def test_a_folder_without_weights_is_refused(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder has none of them"):
        automation(colours, tmp_path / "workspace", colours)
