"""The local folder that a job works in."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "maskfold-job-"
_LOCK = ".lock"


@contextlib.contextmanager
def scratch_folder(stage: str) -> Iterator[Path]:
    """Yield an empty folder that is deleted at the end.

    A killed job cannot delete its folder, which may hold gigabytes, so folders of killed jobs are deleted first. Each
    folder has a lock beside it, which the operating system releases when the job's process dies.
    """
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{PREFIX}*{_LOCK}"):
        _sweep(left)
    folder = parent / f"{PREFIX}{stage}-{uuid.uuid4().hex}"
    lock = folder.with_name(folder.name + _LOCK)
    with _lock(lock):
        folder.mkdir(mode=0o700)  # only under the lock: a folder with a free lock belongs to a killed job
        try:
            yield folder
        finally:
            _delete(folder, lock)


def _sweep(lock: Path) -> None:
    """Delete a folder and its lock unless its job is alive or belongs to another user."""
    # A file of another user raises an operating-system error, and so does one that is already gone.
    with contextlib.suppress(Timeout, OSError):
        if lock.stat(follow_symlinks=False).st_uid == os.getuid():
            with _lock(lock, blocking=False):
                _delete(lock.with_suffix(""), lock)


def _delete(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.unlink(missing_ok=True)  # while it is held: a process that waits for it notices and creates a new one


def _lock(path: Path, *, blocking: bool = True) -> FileLock:
    # A soft lock, which filelock uses where the file system has no flock, outlives a killed process.
    return FileLock(path, blocking=blocking, fallback_to_soft=False)
