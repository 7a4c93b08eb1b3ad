"""Commands whose output is their result, on streams that cannot take it."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = f"{sys.executable} -m maskfold"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=200)


def test_a_recipe_that_does_not_get_onto_a_full_disk_is_an_error() -> None:
    done = shell(f"{PROGRAM} recipe smoke > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "maskfold: standard output could not be written: No space left on device\n"


def test_a_report_that_does_not_get_onto_a_full_disk_is_an_error(drawn_data: Path) -> None:
    done = shell(f"{PROGRAM} check --data {drawn_data} 2>&1 >/dev/full")
    assert done.returncode == 1
    assert done.stdout.endswith("maskfold: standard output could not be written: No space left on device\n")


@pytest.mark.parametrize("ending", ["| head -n 0", ">&-", "<&- 2>&-", "2> /dev/full"])
def test_nobody_who_wants_to_read_is_none(ending: str) -> None:
    done = shell(f"set -o pipefail; {PROGRAM} recipe smoke {ending}")
    assert (done.returncode, done.stderr) == (0, "")
