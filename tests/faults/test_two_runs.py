"""Two runs on one workspace at the same time, and `clean` beside them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.jobs import Undisturbed
from tests.faults.outputs import Outputs, mlflow_faults
from tests.faults.sandbox import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(1200)]
LONGER = "networks.joint.epochs=40"


@pytest.fixture
def two(tmp_path: Path) -> tuple[Sandbox, Sandbox]:
    """Two sandboxes that share their homes, as two windows of one person do."""
    first = Sandbox(tmp_path / "first")
    homes = {name: first.environment[name] for name in ("PREFECT_HOME", "MASKFOLD_HOME")}
    return first, Sandbox(tmp_path / "second", homes)


def start(sandbox: Sandbox, data: Path, workspace: Path, *settings: str) -> subprocess.Popen[bytes]:
    overrides = [part for setting in settings for part in ("--set", setting)]
    return sandbox.start("run", "--recipe", "smoke", *overrides, "--data", str(data), "--workspace", str(workspace))


def judge(two: tuple[Sandbox, Sandbox], workspace: Path, expected: Outputs) -> None:
    """Make sure that a workspace has all that is expected, and that MLflow shows all runs of it."""
    found = Outputs.of_folder(workspace)
    # The newest submission is that of the run that ended last, the best that of one of the two.
    shared = ("submissions/latest.csv", "submissions/best.csv")
    wanted = {name: content for name, content in expected.files.items() if name not in shared}
    assert {name: found.files.get(name) for name in wanted} == wanted
    assert mlflow_faults(two[0].folder / "maskfold" / "mlflow.db", found.records) == []
    for sandbox in two:
        assert "Traceback" not in sandbox.complained
        assert not list((sandbox.folder / "cwd").iterdir())
        assert not sandbox.left_over(20)


def test_the_same_recipe(
    two: tuple[Sandbox, Sandbox], drawn_data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    workspace = tmp_path / "workspace"
    started = [start(sandbox, drawn_data, workspace) for sandbox in two]
    codes = [process.wait(400) for process in started]
    assert codes == [0, 0], [sandbox.complained for sandbox in two]
    judge(two, workspace, undisturbed.outputs())


def test_two_recipes_one_of_which_is_killed(
    two: tuple[Sandbox, Sandbox], drawn_data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    workspace = tmp_path / "workspace"
    killed = start(two[0], drawn_data, workspace, LONGER, "checkpoint_seconds=0.1")
    other = start(two[1], drawn_data, workspace)
    deadline = time.monotonic() + 200
    while not list(workspace.glob("train_fold/*/checkpoint/*.json")):
        assert killed.poll() is None, two[0].complained
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert other.wait(400) == 0, two[1].complained
    again = start(two[0], drawn_data, workspace, LONGER)
    assert again.wait(400) == 0, two[0].complained
    for settings in ((), (LONGER,)):
        expected = undisturbed.outputs(*settings)
        judge(two, workspace, expected)
    latest = "submissions/latest.csv"
    assert Outputs.of_folder(workspace).files[latest] == expected.files[latest]


FROM_PYTHON = "import maskfold, sys; maskfold.run(*sys.argv[1:3], recipe='smoke')"
OTHER_VOTE = "ensemble.weights.joint=0.5"


def test_from_python_and_the_command_line_while_somebody_cleans(
    two: tuple[Sandbox, Sandbox], drawn_data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    """Two recipes that share all jobs but the vote; nothing is deleted under them, nor what they need afterwards."""
    workspace = tmp_path / "workspace"
    first = two[0].start_program("-c", FROM_PYTHON, str(drawn_data), str(workspace))
    second = start(two[1], drawn_data, workspace, OTHER_VOTE)
    cleaner = Sandbox(
        tmp_path / "cleaner", {name: two[0].environment[name] for name in ("PREFECT_HOME", "MASKFOLD_HOME")}
    )
    refusals = []
    while first.poll() is None or second.poll() is None:
        if list(workspace.glob("runs/*/run.json")):
            cleaned = cleaner.start("clean", "--keep", "2", "--yes", "--workspace", str(workspace)).wait(100)
            if "is still running" in cleaner.complained or "in the meantime" in cleaner.complained:
                refusals.append(cleaned)
        time.sleep(1)
    assert [first.returncode, second.returncode] == [0, 0], [sandbox.complained for sandbox in two]
    assert two[0].printed == ""
    assert set(refusals) == {2}
    for settings in ((), (OTHER_VOTE,)):
        judge(two, workspace, undisturbed.outputs(*settings))
