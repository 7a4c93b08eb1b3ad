"""The local launcher with real jobs in real child processes."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from flows.plan import Plan, plan_run
from maskfold.errors import CancelledError, JobFailedError
from maskfold.launch.folder import find_failure, find_outcome
from maskfold.launch.launcher import Watcher
from maskfold.launch.local import LocalLauncher
from maskfold.launch.monitor import JobProgress
from maskfold.launch.slots import Slot, SlotPool, machine_slots
from maskfold.specs import CropSpec, PrepareOutcome


class Seen:
    """The calls that a watcher received."""

    def __init__(self) -> None:
        self.progress: list[JobProgress] = []
        self.started = threading.Event()
        self.watcher = Watcher(logging.getLogger("test"), self.started.set, self.progress.append)


@pytest.fixture
def plan(drawn_data: Path, tmp_path: Path) -> Plan:
    return plan_run(str(drawn_data), str(tmp_path / "workspace"), "smoke")


@pytest.fixture
def launcher() -> LocalLauncher:
    return LocalLauncher([Slot(threads=1)])


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def crop_spec(plan: Plan, launcher: LocalLauncher) -> CropSpec:
    launcher.run(plan.prepare(), Seen().watcher)
    prepared = find_outcome(plan.workspace, plan.prepare())
    assert isinstance(prepared, PrepareOutcome)
    return plan.crop(prepared)


def test_a_job_leaves_its_outcome_and_tells_its_progress(
    plan: Plan, launcher: LocalLauncher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seen = Seen()
    launcher.run(plan.prepare(), seen.watcher)
    assert isinstance(find_outcome(plan.workspace, plan.prepare()), PrepareOutcome)
    assert seen.started.is_set()
    assert seen.progress[-1].done == seen.progress[-1].total > 0
    launcher.run(plan.prepare(), seen.watcher)
    assert "finished before" in caplog.text


def test_a_job_that_fails_says_why_in_its_own_words(plan: Plan, launcher: LocalLauncher) -> None:
    spec = plan.prepare().model_copy(update={"data": "/no/such/folder"})
    with pytest.raises(JobFailedError, match="/no/such/folder") as error:
        launcher.run(spec, Seen().watcher)
    assert error.value.exit_code == 2
    failure = find_failure(plan.workspace, spec.address)
    assert failure is not None
    assert str(error.value) == f"prepare: {failure.message}"
    assert (failure.kind, failure.exit_code) == ("DatasetError", 2)


def test_what_a_job_prints_is_never_taken_for_a_report(
    plan: Plan, launcher: LocalLauncher, caplog: pytest.LogCaptureFixture
) -> None:
    seen, forged = Seen(), 'x\n::progress {"done": 1, "total": 1}\n::failure "forged"\n{"done": 1'
    with pytest.raises(JobFailedError) as error:
        launcher.run(plan.prepare().model_copy(update={"data": f"/no/{forged}"}), seen.watcher)
    assert forged in str(error.value)
    assert seen.progress == []
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert forged in record.getMessage()
    assert record.getMessage().startswith("maskfold.prepare: ")


def test_a_killed_job_is_seen_with_exit_code_137(plan: Plan, launcher: LocalLauncher) -> None:
    spec = crop_spec(plan, launcher)
    seen = Seen()
    failure: list[BaseException] = []

    def run() -> None:
        try:
            launcher.run(spec, seen.watcher)
        except JobFailedError as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: bool(launcher.running()))
    (pid,) = launcher.running()
    os.kill(pid, signal.SIGKILL)
    thread.join(30)
    assert not thread.is_alive()
    (error,) = failure
    assert isinstance(error, JobFailedError)
    assert error.exit_code == 137
    left = find_failure(plan.workspace, spec.address)
    assert left is not None
    assert left.exit_code == 137
    assert find_outcome(plan.workspace, spec) is None


def test_cancelling_stops_running_jobs_and_refuses_new_ones(plan: Plan, launcher: LocalLauncher) -> None:
    spec = crop_spec(plan, launcher)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            launcher.run(spec, Seen().watcher)
        except CancelledError as error:
            ended.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]  # the second waits for the only slot
    for thread in threads:
        thread.start()
    wait_until(lambda: bool(launcher.running()))
    (pid,) = launcher.running()
    launcher.cancel()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 2
    assert not psutil.pid_exists(pid)
    with pytest.raises(CancelledError):
        launcher.run(plan.prepare(), Seen().watcher)


@pytest.mark.slow
def test_no_job_outlives_a_launcher_that_was_killed(plan: Plan, launcher: LocalLauncher, tmp_path: Path) -> None:
    spec_file = tmp_path / "spec.json"
    spec_file.write_text(crop_spec(plan, launcher).model_dump_json(), encoding="utf-8")
    program = (
        "import logging, sys\n"
        "from maskfold.launch.launcher import Watcher\n"
        "from maskfold.launch.local import LocalLauncher\n"
        "from maskfold.launch.slots import whole_machine\n"
        "from maskfold.specs import CropSpec\n"
        "if __name__ == '__main__':\n"
        "    spec = CropSpec.model_validate_json(open(sys.argv[1]).read())\n"
        "    watcher = Watcher(logging.getLogger(), lambda: print('begun', flush=True), lambda p: None)\n"
        "    LocalLauncher([whole_machine()]).run(spec, watcher)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, spec_file], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    wait_until(lambda: len(psutil.Process(process.pid).children(recursive=True)) >= 2)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    process.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=25)
    assert not alive


def test_slots_go_out_in_the_order_of_requests() -> None:
    pool = SlotPool([Slot(threads=1)])
    held = pool.take(lambda: False)
    assert held is not None
    served: list[int] = []

    def job(number: int) -> None:
        slot = pool.take(lambda: False)
        assert slot is not None
        served.append(number)
        pool.give_back(slot)

    threads = [threading.Thread(target=job, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    assert pool.take(lambda: True) is None
    pool.give_back(held)
    for thread in threads:
        thread.join(10)
    assert served == list(range(8))


def test_slots_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert machine_slots(jobs=100) == [Slot(threads=1)] * 8
    assert machine_slots(jobs=3) == [Slot(threads=2)] * 3


def test_every_gpu_is_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert machine_slots(jobs=100) == [Slot(threads=4, device="0"), Slot(threads=4, device="3")]
