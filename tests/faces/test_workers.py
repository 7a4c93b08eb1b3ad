"""Worker processes: answers, errors, killed workers, the end of the job."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from maskfold.errors import EXIT_KILLED, DatasetError, JobFailedError
from maskfold.faces.workers import Workers


def square(number: int) -> tuple[int, int, int]:
    return number * number, os.getpid(), torch.get_num_threads()


def fail_at_three(number: int) -> int:
    if number == 3:
        raise DatasetError("three is damaged")
    return number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@pytest.mark.slow
def test_all_tasks_are_answered_by_other_processes_of_one_thread() -> None:
    with Workers(square, 2) as workers:
        answers = list(workers.map(range(50)))
        again = list(workers.map(range(3)))
    assert sorted(answer for answer, _, _ in answers) == [number * number for number in range(50)]
    assert len(again) == 3
    assert os.getpid() not in {process for _, process, _ in answers}
    assert {threads for _, _, threads in answers} == {1}


def test_one_process_is_this_one() -> None:
    with Workers(square, 1) as workers:
        assert [process for _, process, _ in workers.map([1, 2])] == [os.getpid()] * 2


def test_no_tasks() -> None:
    with Workers(square, 2) as workers:
        assert list(workers.map([])) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_arrives_unchanged(processes: int) -> None:
    with pytest.raises(DatasetError, match="three is damaged"), Workers(fail_at_three, processes) as workers:
        list(workers.map(range(10)))


def test_a_dead_worker_is_reported_at_once() -> None:
    with pytest.raises(JobFailedError, match="was killed") as caught, Workers(die_at_three, 2) as workers:
        list(workers.map(range(10)))
    assert caught.value.exit_code == EXIT_KILLED


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.05)
    return condition()


def test_leaving_ends_busy_workers() -> None:
    workers = Workers(sleep, 2)
    with contextlib.suppress(KeyError), workers:
        processes = [psutil.Process(process.pid) for process in workers.processes]
        for _ in workers.map([0.0, 0.0, 60.0, 60.0]):
            raise KeyError
    assert len(processes) == 2
    assert eventually(lambda: not any(process.is_running() for process in processes))


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_job(tmp_path: Path, stop: signal.Signals) -> None:
    program = tmp_path / "job.py"
    program.write_text(
        textwrap.dedent("""
            import time
            from maskfold.faces.workers import Workers

            if __name__ == "__main__":
                with Workers(time.sleep, 2) as workers:
                    for _ in workers.map([0, 0, 600, 600]):
                        print(*[process.pid for process in workers.processes], flush=True)
        """)
    )
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        processes = [psutil.Process(int(number)) for number in job.stdout.readline().split()]
        assert len(processes) == 2
        job.send_signal(stop)
        job.wait(timeout=20)
    assert eventually(lambda: not any(process.is_running() for process in processes))
