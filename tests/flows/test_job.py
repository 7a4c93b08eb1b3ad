"""The flow that a work pool runs: one job, by its address; its outcome or failure is then in the workspace."""

import json
from pathlib import Path

import pytest

from flows.job import job
from maskfold.errors import InputError, JobFailedError
from maskfold.launch.folder import find_failure, find_outcome, post
from maskfold.recipe import load_recipe
from maskfold.specs import NetworksSpec
from maskfold.storage import open_workspace


def spec(workspace: Path, *overrides: str) -> NetworksSpec:
    networks = load_recipe("smoke", overrides).networks
    made = NetworksSpec(workspace=str(workspace), networks=networks, classes=(18,), sizes=((64, 48),), weights={})
    post(made)
    return made


def test_the_outcome_is_in_the_workspace(tmp_path: Path) -> None:
    wanted = spec(tmp_path)
    job(workspace=str(tmp_path), stage="networks", key=wanted.key)
    outcome = find_outcome(open_workspace(str(tmp_path)), wanted)
    assert outcome is not None
    assert list(outcome.parameters) == ["joint"]


def test_a_jobs_own_message_and_exit_code_are_in_the_workspace(tmp_path: Path) -> None:
    wrong = spec(tmp_path, "networks.joint.backbone=tset_resnet")
    with pytest.raises(JobFailedError, match="networks: backbone 'tset_resnet': unknown"):
        job(workspace=str(tmp_path), stage="networks", key=wrong.key)
    failure = find_failure(open_workspace(str(tmp_path)), wrong.address)
    assert failure is not None
    assert failure.message.startswith("backbone 'tset_resnet': unknown")
    assert (failure.kind, failure.exit_code) == ("RecipeError", 2)


def test_a_spec_that_is_not_its_addresss_is_refused_before_anything_runs(tmp_path: Path) -> None:
    wanted = spec(tmp_path)
    file = tmp_path / wanted.address / "spec.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["networks"][0]["epochs"] += 1
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=rf"spec.json: the spec's key is \w+, not {wanted.key}; .*version"):
        job(workspace=str(tmp_path), stage="networks", key=wanted.key)
    failure = find_failure(open_workspace(str(tmp_path)), wanted.address)
    assert failure is not None
    assert failure.exit_code == 2


def test_an_unknown_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no job 'nothing'"):
        job(workspace=str(tmp_path), stage="nothing", key="0")
