"""A run with homes, temporary folder and working directory of its own, and all processes that belong to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "MASKFOLD_TEST_SANDBOX"
"""Environment variable that all processes of a sandbox inherit."""
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONOPTIMIZE", "LD_LIBRARY_PATH")


@dataclass
class Sandbox:
    """Everything a run may write, below one folder."""

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables, such as those of an S3 server."""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        for name in ("user", "tmp", "cwd", "prefect", "maskfold"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """A minimal environment: the tests' own settings must not leak in."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder / "user"),
            "TMPDIR": str(self.folder / "tmp"),
            "PREFECT_HOME": str(self.folder / "prefect"),
            "MASKFOLD_HOME": str(self.folder / "maskfold"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONDONTWRITEBYTECODE": "1",
            MARK: self.mark,
            **self.extra,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``maskfold`` as a person does in a shell: it leads a process group of its own; output goes to files."""
        return self.start_program("-m", "maskfold", *arguments)

    def start_program(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Python in the same way."""
        with (self.folder / "stdout").open("wb") as stdout, (self.folder / "stderr").open("wb") as stderr:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                cwd=self.folder / "cwd",
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        """Standard output of the last run."""
        return (self.folder / "stdout").read_text(encoding="utf-8", errors="replace")

    @property
    def complained(self) -> str:
        """Standard error of the last run."""
        return (self.folder / "stderr").read_text(encoding="utf-8", errors="replace")

    def processes(self) -> list[psutil.Process]:
        """Return the living processes of this sandbox, whoever their parents are now."""
        return list(self._living())

    def _living(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except psutil.Error:
                continue

    def left_over(self, seconds: float) -> list[psutil.Process]:
        """Return the processes that are still alive after some time."""
        deadline = time.monotonic() + seconds
        while (alive := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return alive

    def kill(self) -> None:
        """Kill all processes of this sandbox."""
        for process in self.processes():
            process.kill()


def kind_of(process: psutil.Process) -> str:
    """Return what a process of a run is: run, server, fork server, job, worker, or tracker of resources."""
    command = " ".join(process.cmdline())
    if "-m maskfold " in f"{command} ":
        return "run"
    if "maskfold.servers.gate" in command:
        return "server"
    if "resource_tracker" in command:
        return "tracker"
    if "forkserver" not in command:
        return "other"
    parent = process.parent()
    if parent is None or "forkserver" not in " ".join(parent.cmdline()):
        return "fork server"
    return "job" if os.getsid(process.pid) == process.pid else "worker"


def state_of(folders: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file below some folders."""
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if not path.is_dir())
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in files}
