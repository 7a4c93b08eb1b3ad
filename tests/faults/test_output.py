"""Output, descriptors, environment and locale never decide over a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.disks import fill, small_disk
from tests.faults.sandbox import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(1200)]
PROGRAM = [sys.executable, "-m", "maskfold"]


@pytest.fixture(scope="module")
def sandbox(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A sandbox with a finished run, so that the runs of the tests take seconds."""
    one = Sandbox(tmp_path_factory.mktemp("output"))
    code = one.start(*arguments(one, drawn_data)).wait(400)
    assert code == 0, one.complained
    return one


def arguments(sandbox: Sandbox, data: Path) -> list[str]:
    return ["run", "--recipe", "smoke", "--data", str(data), "--workspace", str(sandbox.folder / "workspace")]


def shell(sandbox: Sandbox, data: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run ``maskfold`` in a shell script, as ``"$@"``."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *PROGRAM, *arguments(sandbox, data)],
        env=sandbox.environment, cwd=sandbox.folder / "cwd", capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip


def test_standard_output_that_is_full(sandbox: Sandbox, drawn_data: Path) -> None:
    done = shell(sandbox, drawn_data, '"$@" > /dev/full')
    assert done.returncode == 0, done.stderr
    assert "the work is done, but standard output could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_error_that_is_full(sandbox: Sandbox, drawn_data: Path) -> None:
    done = shell(sandbox, drawn_data, '"$@" 2> /dev/full')
    assert done.returncode == 0
    assert Path(json.loads(done.stdout)["submission"]).is_file()


def test_a_reader_that_does_not_read(sandbox: Sandbox, drawn_data: Path) -> None:
    done = shell(sandbox, drawn_data, 'set -o pipefail; "$@" 2>&1 | head -n 1')
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(closed: str, sandbox: Sandbox, drawn_data: Path) -> None:
    before = (sandbox.folder / "maskfold" / "mlflow.db").read_bytes()[:16]
    done = shell(sandbox, drawn_data, f'exec "$@" {closed}')
    assert done.returncode == 0, done.stderr
    # What was printed did not get into a database that had got the descriptor's number.
    assert (sandbox.folder / "maskfold" / "mlflow.db").read_bytes()[:16] == before == b"SQLite format 3\0"


def test_few_descriptors(drawn_data: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    done = shell(sandbox, drawn_data, 'ulimit -n 256; exec "$@"')
    assert done.returncode == 0, done.stderr


def test_a_whole_run_without_assertions_in_the_locale_c(drawn_data: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    odd = Sandbox(tmp_path / "größe", {"LANG": "C", "LC_ALL": "C", "PYTHONOPTIMIZE": "1", "PYTHONCOERCECLOCALE": "0"})
    done = shell(odd, drawn_data, 'exec "$@"')
    assert done.returncode == 0, done.stderr
    (expected,) = (sandbox.folder / "workspace" / "ensemble").glob("*/submission.csv")
    (found,) = (odd.folder / "workspace" / "ensemble").glob("*/submission.csv")
    assert found.read_bytes() == expected.read_bytes()


def test_a_home_of_prefect_without_space(sandbox: Sandbox, drawn_data: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "64k") as small:
        full = Sandbox(sandbox.folder, {"PREFECT_HOME": str(small)})
        done = shell(full, drawn_data, 'exec "$@"')
    assert done.returncode == 1
    assert "Prefect server" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_disks_that_are_full_one_after_the_other(drawn_data: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    for place in ("workspace", "tmp"):
        with small_disk(tmp_path / place, "200k"):
            done = shell(sandbox, drawn_data, 'exec "$@"')
        assert done.returncode == 1, (place, done.stderr)
        assert "the disk is full" in done.stderr or "No space left on device" in done.stderr, place
        assert "Traceback" not in done.stderr, place
    with small_disk(tmp_path / "maskfold", "200k"):  # MLflow's database is no condition of a run
        done = shell(sandbox, drawn_data, 'exec "$@"')
    assert done.returncode == 0, done.stderr
    assert "not recorded yet" in done.stderr
    assert "Traceback" not in done.stderr
    again = shell(sandbox, drawn_data, 'exec "$@"')
    assert again.returncode == 0, again.stderr
    assert not sandbox.left_over(20)


def test_a_home_of_prefect_that_fills_up_in_mid_run(sandbox: Sandbox, drawn_data: Path, tmp_path: Path) -> None:
    """The work is done; that Prefect does not know of it is said in sentences, not for each line that it loses."""
    with small_disk(tmp_path / "small", "40m") as small:
        full = Sandbox(sandbox.folder, {"PREFECT_HOME": str(small)})
        process = full.start(*arguments(full, drawn_data), "--set", "ensemble.weights.joint=0.5")
        deadline = time.monotonic() + 200
        while "networks: reused" not in full.complained:
            assert process.poll() is None, full.complained
            assert time.monotonic() < deadline
            time.sleep(0.02)
        fill(small)
        assert process.wait(400) == 0, full.complained
        assert Path(json.loads(full.printed.splitlines()[-1])["submission"]).is_file()
        # SQLite may have room left in the file that it writes ahead; then Prefect even records the end.
        if "Prefect could not record the end of the run" in full.complained:
            assert "all work is done" in full.complained
            assert "PREFECT_HOME" in full.complained
        assert "Traceback" not in full.complained
        assert "Error logging to API" not in full.complained
    assert not full.left_over(20)
