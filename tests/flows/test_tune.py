"""The flow tune: a search that finds a better learning rate, is killed, and goes on as if nothing had happened."""

from __future__ import annotations

import json
import re
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from flows.tune import Tuning, tune_here
from maskfold import tracking
from maskfold.errors import InputError
from maskfold.recipe import load_recipe
from tests.faults.sandbox import Sandbox
from tests.flows.colours import SPACE

pytestmark = [pytest.mark.slow, pytest.mark.servers]

LR, TRIALS = "networks.joint.optimizer.lr", 5


def tuning(colours: Path, workspace: Path, **given: Any) -> Tuning:
    return Tuning.make(
        str(colours), str(workspace), str(colours / "recipe.yaml"), **{"space": SPACE, "trials": TRIALS, **given}
    )


@pytest.fixture(scope="module")
def tuned(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    workspace = tmp_path_factory.mktemp("tuned")
    return tune_here(tuning(colours, workspace), nullcontext(), "local"), workspace


def outcomes(workspace: Path, stage: str = "train_fold") -> dict[str, int]:
    """Return when each job was done, by key."""
    return {path.parent.name: path.stat().st_mtime_ns for path in workspace.glob(f"{stage}/*/outcome.json")}


def test_a_better_rate_is_found_confirmed_and_adopted(tuned, colours: Path) -> None:
    result, _ = tuned
    assert [one["name"] for one in result["trials"]] == ["base", *(f"trial {n}" for n in range(1, TRIALS + 1))]
    assert result["adopted"]
    assert result["low"] > 0
    assert result["gain"] == max(one["difference"] for one in result["confirmation"])
    winner = load_recipe(result["winner"])
    assert winner.networks[0].optimizer.lr > 0.00002
    assert winner.networks[0].seed == load_recipe(str(colours / "recipe.yaml")).networks[0].seed
    assert winner.scheme.names == ("colour",)
    assert json.loads(json.dumps(result)) == result


def test_the_page_and_the_table_tell_of_every_trial(tuned) -> None:
    result, _ = tuned
    page = Path(result["page"]).read_text()
    for text in ("is adopted: with fresh seeds it is", "The search", "Setting by setting", LR):
        assert text in page
    table = pd.read_parquet(result["table"])
    assert table["number"].tolist() == list(range(TRIALS + 1))
    assert table["state"].tolist() == [one["state"] for one in result["trials"]]


def test_mlflow_has_a_run_for_each_trial_below_the_search(tuned) -> None:
    result, _ = tuned
    client = MlflowClient(tracking.tracking_uri())
    parent = client.get_run(result["mlflow_run_id"])
    assert parent.info.status == "FINISHED"
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    names = {re.sub(r" \d\.\d{3}$", "", child.info.run_name) for child in children}  # the score follows
    trained = {f"{one['name']}, seed 1" for one in result["trials"] if one["state"] == "complete"}
    assert len(trained) > 2
    assert names >= {*trained, "base, seed 2"}


def test_more_trials_go_on_where_the_search_ended(tuned, colours: Path) -> None:
    result, workspace = tuned
    before = outcomes(workspace)
    more = tune_here(tuning(colours, workspace, trials=TRIALS + 1), nullcontext(), "local")
    assert [one["set"] for one in more["trials"][: TRIALS + 1]] == [one["set"] for one in result["trials"]]
    assert len(more["trials"]) == TRIALS + 2
    after = outcomes(workspace)
    assert {key: after[key] for key in before} == before


def test_killed_and_run_again_the_result_is_the_same_and_no_job_is_done_twice(
    tuned, colours: Path, tmp_path: Path
) -> None:
    result, undisturbed = tuned
    workspace, space = tmp_path / "workspace", tmp_path / "space.yaml"
    space.write_text(json.dumps(SPACE))
    sandbox = Sandbox(tmp_path)
    command = ("tune", "--data", str(colours), "--recipe", str(colours / "recipe.yaml"), "--workspace", str(workspace))
    options = ("--space", str(space), "--trials", str(TRIALS), "--json")
    running = sandbox.start(*command, *options)
    while running.poll() is None and len(outcomes(workspace)) < 5:  # in the middle of trials 1 and 2
        time.sleep(0.02)
    assert running.poll() is None, sandbox.complained
    sandbox.kill()
    running.wait()
    before = outcomes(workspace)
    assert len(before) >= 5
    assert not outcomes(workspace, "tune")

    assert sandbox.start(*command, *options).wait(timeout=280) == 0, sandbox.complained
    again = json.loads(sandbox.printed.splitlines()[-1])
    after = outcomes(workspace)
    assert {key: after[key] for key in before} == before
    assert [(one["name"], one["set"], one["macro_f1"]) for one in again["trials"]] == [
        (one["name"], one["set"], one["macro_f1"]) for one in result["trials"]
    ]
    assert set(after) <= set(outcomes(undisturbed))
    for name in ("winner", "csv"):
        assert Path(again[name]).read_bytes() == Path(result[name]).read_bytes()


@pytest.mark.timeout(1800)
def test_two_people_may_run_the_same_search_at_once(tuned, colours: Path, tmp_path: Path) -> None:
    result, undisturbed = tuned
    workspace, space = tmp_path / "workspace", tmp_path / "space.yaml"
    space.write_text(json.dumps(SPACE))
    command = ("tune", "--data", str(colours), "--recipe", str(colours / "recipe.yaml"), "--workspace", str(workspace))
    people = [Sandbox(tmp_path / name) for name in ("one", "other")]
    started = [one.start(*command, "--space", str(space), "--trials", str(TRIALS), "--json") for one in people]
    assert [process.wait(timeout=850) for process in started] == [0, 0], [one.complained for one in people]
    for one in people:
        found = json.loads(one.printed.splitlines()[-1])
        for name in ("winner", "csv"):
            assert Path(found[name]).read_bytes() == Path(result[name]).read_bytes()
    assert outcomes(workspace).keys() <= outcomes(undisturbed).keys()


def test_a_small_budget_allows_the_recipe_alone_and_nothing_is_adopted(colours: Path, tuned) -> None:
    _, workspace = tuned
    result = tune_here(tuning(colours, workspace, trials=None, budget="0.1s"), nullcontext(), "local")
    assert [one["name"] for one in result["trials"]] == ["base"]
    assert not result["adopted"]
    assert load_recipe(result["winner"]).networks == tuning(colours, workspace).base.recipe.networks


def test_trials_that_cannot_be_are_recorded_with_their_reason(colours: Path, tmp_path: Path) -> None:
    space = {
        "networks.joint.backbone_args": {"choices": [{"output_stride": 7}, {"output_stride": 9}]},
        "networks.joint.epochs": {"low": 1, "high": 2},
    }
    result = tune_here(tuning(colours, tmp_path, space=space, trials=2), nullcontext(), "local")
    assert [one["state"] for one in result["trials"]] == ["complete", "failed", "failed"]
    assert all("output_stride" in reason for reason in result["failed"].values())
    assert not result["adopted"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"trials": None}, "Set --budget"),
        ({"trials": 0}, "from 1 to"),
        ({"budget": "soon"}, "such as 30s, 45m, 2h"),
        ({"space": {"networks.joint.optimizr.lr": {"low": 1, "high": 2}}}, f"Did you mean '{LR}'"),
        ({"set": ("networks.joint.epoch=3",)}, "Did you mean"),
    ],
)
def test_what_is_wrong_ends_before_anything_starts(
    colours: Path, tmp_path: Path, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        tuning(colours, tmp_path / "workspace", **given)
    assert not (tmp_path / "workspace" / "prepare").exists()
