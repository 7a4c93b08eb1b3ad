"""The flow that a work pool runs: one job, whose outcome lies in the workspace."""

from pathlib import Path

import pytest

from flows.job import job
from maskfold.errors import InputError, JobFailedError
from maskfold.launch.entry import find_outcome
from maskfold.recipe import load_recipe
from maskfold.specs import NetworksOutcome, NetworksSpec
from maskfold.storage import open_workspace


def spec(workspace: Path, *overrides: str) -> NetworksSpec:
    networks = load_recipe("smoke", overrides).networks
    return NetworksSpec(workspace=str(workspace), networks=networks, sizes=((64, 48),), weights={})


def test_the_outcome_lies_in_the_workspace(tmp_path: Path) -> None:
    wanted = spec(tmp_path)
    job(stage="networks", spec=wanted.model_dump_json())
    assert isinstance(find_outcome(open_workspace(str(tmp_path)), wanted), NetworksOutcome)


def test_a_jobs_own_message_and_exit_code_are_the_runs(tmp_path: Path) -> None:
    wrong = spec(tmp_path, "networks.joint.backbone=tset_resnet")
    with pytest.raises(JobFailedError, match=r"networks: backbone 'tset_resnet': unknown.* \[exit code 2\]$"):
        job(stage="networks", spec=wrong.model_dump_json())


def test_an_unknown_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no job is called 'nothing'"):
        job(stage="nothing", spec="{}")
