"""One job in its own process."""

import errno
import logging
import threading
import time
from pathlib import Path

import pytest

from maskfold.errors import MaskfoldError
from maskfold.launch.entry import Job, main, run_spec
from maskfold.launch.folder import find_failure, find_outcome, post
from maskfold.specs import WeightsOutcome, WeightsSpec
from maskfold.storage import alone, open_workspace

LOG = logging.getLogger("test")


def test_two_runs_at_the_same_job_do_it_once(tmp_path: Path) -> None:
    spec = WeightsSpec(workspace=str(tmp_path / "w"), backbone="resnet18", pretrained="if-available")
    done: list[str] = []

    def job(spec: WeightsSpec, job: Job) -> WeightsOutcome:
        done.append("began")
        time.sleep(0.3)
        return WeightsOutcome(seconds=job.seconds, weights=None, reason="test")

    # run_spec sets a signal handler, which only the main thread may; the other run is played by the lock's holder.
    workspace = open_workspace(spec.workspace)
    entered, free = threading.Event(), threading.Event()

    def other() -> None:
        with alone(workspace.locate(spec.address)):
            entered.set()
            free.wait(10)
            workspace.write(
                f"{spec.address}/outcome.json", WeightsOutcome(seconds=1, weights=None).model_dump_json().encode()
            )

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(10)
    threading.Timer(0.3, free.set).start()
    outcome = run_spec(job, spec, LOG)
    thread.join()
    assert done == []
    assert outcome == WeightsOutcome(seconds=1, weights=None)


def test_jobs_run_where_the_cache_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", "/proc/nowhere")
    spec = WeightsSpec(workspace=str(tmp_path / "w"), backbone="resnet18", pretrained="if-available")
    expected = WeightsOutcome(seconds=1, weights=None)
    assert run_spec(lambda spec, job: expected, spec, LOG) == expected


def test_a_full_scratch_disk_is_said_with_its_place(tmp_path: Path) -> None:
    spec = WeightsSpec(workspace=str(tmp_path / "w"), backbone="resnet18", pretrained="if-available")

    def job(spec: WeightsSpec, job: Job) -> WeightsOutcome:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(MaskfoldError, match=r"cannot write /.*: the disk is full; .*TMPDIR") as error:
        run_spec(job, spec, LOG)
    assert error.value.exit_code == 1
    assert find_outcome(open_workspace(spec.workspace), spec) is None


def test_a_job_starts_by_spec_or_by_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = WeightsSpec(workspace=str(tmp_path / "w"), backbone="resnet18", pretrained="if-available")
    workspace = post(spec)

    def job(spec: WeightsSpec, job: Job) -> WeightsOutcome:
        raise MaskfoldError("no, not now")

    for arguments in (
        [spec.workspace, spec.key],
        [spec.model_dump_json()],
        [f"{spec.workspace}/{spec.address}/spec.json"],
    ):
        assert main(job, WeightsSpec, arguments) == 1
        failure = find_failure(workspace, spec.address)
        assert failure is not None
        assert failure.message == "no, not now"
        assert capsys.readouterr().out == "E maskfold.weights: no, not now\n"
        post(spec)
    assert main(job, WeightsSpec, []) == 2
    assert "tasks.weights SPEC" in capsys.readouterr().out
