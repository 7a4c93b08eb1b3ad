"""The local folder that a job works in."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from maskfold.launch.scratch import scratch_folder

HOLDER = (
    "import sys\n"
    "from maskfold.launch.scratch import scratch_folder\n"
    "with scratch_folder('crop') as folder:\n"
    "    (folder / 'pack.npy').write_bytes(bytes(1000))\n"
    "    print('ready', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_empty_and_deleted_at_the_end(temporary: Path) -> None:
    with scratch_folder("crop") as folder:
        assert list(folder.iterdir()) == []
        (folder / "x").write_text("x", encoding="utf-8")
    assert list(temporary.iterdir()) == []


def test_those_of_killed_jobs_are_deleted_and_those_of_living_ones_kept(temporary: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        (left,) = (path for path in temporary.iterdir() if path.is_dir())
        with scratch_folder("crop"):
            assert (left / "pack.npy").is_file()
        other.send_signal(signal.SIGKILL)
    assert (left / "pack.npy").is_file()
    with scratch_folder("prepare"):
        assert not left.exists()
    assert list(temporary.iterdir()) == []


def test_a_sweep_amid_the_making_of_a_folder_takes_nothing_away(temporary: Path) -> None:
    """Many processes create and sweep at once; each must find its own folder complete until its end."""
    code = (
        "from maskfold.launch.scratch import scratch_folder\n"
        "for number in range(150):\n"
        "    with scratch_folder('crop') as folder:\n"
        "        (folder / 'x').write_text(str(number))\n"
        "        assert (folder / 'x').read_text() == str(number)\n"
    )
    jobs = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [job.communicate()[1] for job in jobs] == [""] * 4
    assert [job.returncode for job in jobs] == [0] * 4
    assert list(temporary.iterdir()) == []


def test_folders_that_are_not_a_jobs_are_left_alone(temporary: Path) -> None:
    (temporary / "maskfold-job-crop-just-being-made").mkdir()
    (temporary / "maskfold-tests").mkdir()
    with scratch_folder("prepare"):
        pass
    assert len(list(temporary.iterdir())) == 2
