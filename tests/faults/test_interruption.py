"""A run that is stopped or killed, as a person or a machine would, and started again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from maskfold.specs import TrainFoldOutcome
from tests.faults.sandbox import kind_of

# Long enough to be interrupted in the second fold, short enough to wait for: one job at a time.
EPOCHS = 16
SETTINGS = [f"networks.0.epochs={EPOCHS}", "folds.k=2"]


class Run:
    """`maskfold run` in a process of its own, one core, as the command line starts it."""

    def __init__(self, data: Path, folder: Path, prefect_url: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PREFECT_API_URL": prefect_url,
            "MASKFOLD_HOME": str(folder / "home"),
            "CUDA_VISIBLE_DEVICES": "",
        }
        overrides = [part for setting in SETTINGS for part in ("--set", setting)]
        self.command = [
            *("taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))),
            *(sys.executable, "-m", "maskfold", "run", "--recipe", "smoke", *overrides),
            *("--data", str(data), "--workspace", str(folder / "workspace")),
        ]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def outcomes(self) -> list[TrainFoldOutcome]:
        files = (self.folder / "workspace" / "train_fold").glob("*/outcome.json")
        return [TrainFoldOutcome.model_validate_json(file.read_bytes()) for file in files]

    def checkpoints(self) -> list[Path]:
        return sorted((self.folder / "workspace" / "train_fold").glob("*/checkpoint/*.json"))

    def unfinished(self) -> list[Path]:
        """Checkpoints of folds that are not done; a finished fold's are deleted just after its outcome appears."""
        return [file for file in self.checkpoints() if not (file.parents[1] / "outcome.json").exists()]

    def wait_for_the_second_fold(self, process: subprocess.Popen[str]) -> None:
        """Return when one fold is done and the other has a checkpoint."""
        deadline = time.monotonic() + 120
        while not (len(self.outcomes()) == 1 and self.unfinished()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the second fold never began"
            time.sleep(0.02)

    def statuses(self) -> list[str]:
        client = MlflowClient(f"sqlite:///{self.folder}/home/mlflow.db")
        experiment = client.get_experiment_by_name("maskfold")
        assert experiment is not None
        return sorted(run.info.status for run in client.search_runs([experiment.experiment_id]))


@pytest.fixture
def run(drawn_data: Path, tmp_path: Path, prefect_url: str) -> Iterator[Run]:
    one = Run(drawn_data, tmp_path, prefect_url)
    yield one
    for process in psutil.process_iter(["cmdline"]):
        if str(tmp_path) in " ".join(process.info["cmdline"] or []):
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_continues_where_it_was(run: Run, kind: signal.Signals) -> None:
    process = run.start()
    run.wait_for_the_second_fold(process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(kind)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if kind == signal.SIGINT else -9)
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(children, timeout=25)
    assert not alive
    (first,) = run.outcomes()

    output, errors = _finish(run.start())
    assert re.search(rf"train_fold joint {first.fold + 1}/2: reused", errors)
    assert re.search(rf"train_fold joint {2 - first.fold}/2: done", errors)
    (second,) = (outcome for outcome in run.outcomes() if outcome.fold != first.fold)
    assert second.resumed_from_epoch is not None
    assert len(second.history) == EPOCHS
    assert Path(json.loads(output.splitlines()[-1])["submission"]).is_file()
    assert "RUNNING" not in run.statuses()
    assert not run.checkpoints()


@pytest.mark.slow
def test_a_killed_job_is_started_again_by_the_run_itself(run: Run) -> None:
    process = run.start()
    run.wait_for_the_second_fold(process)
    (job,) = (p for p in psutil.Process(process.pid).children(recursive=True) if kind_of(p) == "job")
    job.kill()
    _, errors = _finish(process)
    assert "restarting" in errors
    assert any(outcome.resumed_from_epoch is not None for outcome in run.outcomes())


def _finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    return output, errors
