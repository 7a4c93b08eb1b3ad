"""Child processes start whatever the path of the folder for temporary files."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = """
import multiprocessing, os, tempfile
from maskfold.sockets import shorten_socket_paths
if __name__ == "__main__":
    shorten_socket_paths()
    child = multiprocessing.get_context("forkserver").Process(target=print, args=("started",))
    child.start(); child.join()
    print(tempfile.gettempdir(), child.exitcode)
"""


@pytest.mark.parametrize("length", [40, 71, 117, 180])
def test_a_child_starts_with_a_long_temporary_folder(tmp_path: Path, length: int) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short) / ("x" * (length - len(short) - 1))
        folder.mkdir()
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "TMPDIR": str(folder)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stdout.splitlines() == ["started", f"{folder} 0"], ran.stderr
        assert ran.stderr == ""
        assert list(folder.iterdir()) == []
