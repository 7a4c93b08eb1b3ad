"""One GPU a job, with a stand-in for the driver's program: two names, held in different processes."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from maskfold.launch.gpu_lock import own_gpu

NAMES = ["GPU-aaaa", "GPU-bbbb"]
HOLD = "from maskfold.launch.gpu_lock import own_gpu\nwith own_gpu() as gpu:\n    print(gpu, flush=True)\n    input()"


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that knows two GPUs."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf '%s\\n' " + " ".join(NAMES) + "\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def holder() -> subprocess.Popen[str]:
    """Another process that holds a GPU until it is asked to stop, or killed."""
    return subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_each_process_has_its_own(two_gpus: None) -> None:
    first, second = holder(), holder()
    try:
        assert sorted([name_of(first), name_of(second)]) == NAMES
    finally:
        end(first)
        end(second)


def test_a_job_waits_for_one_and_a_killed_job_frees_its_own(two_gpus: None) -> None:
    others = [holder(), holder()]
    held = [name_of(other) for other in others]
    waits = threading.Event()
    threading.Thread(target=lambda: (waits.wait(30), end(others[0]))).start()
    try:
        with own_gpu(on_wait=waits.set) as mine:
            assert waits.is_set()
            assert mine == held[0]
            assert os.environ["CUDA_VISIBLE_DEVICES"] == mine
        assert "CUDA_VISIBLE_DEVICES" not in os.environ
    finally:
        end(others[1])


def test_a_choice_that_was_made_is_left_alone(two_gpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with own_gpu() as mine:
        assert mine is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


def test_without_gpus_there_is_nothing_to_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with own_gpu() as mine:
        assert mine is None
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
