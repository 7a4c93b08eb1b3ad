"""The local folder that a job works in."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "maskfold-job-"
_LOCK = "lock"


@contextlib.contextmanager
def scratch_folder(stage: str) -> Iterator[Path]:
    """Yield an empty folder that is deleted at the end.

    A killed job cannot delete its own, which may hold gigabytes; so what killed jobs left is deleted first.
    """
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{stage}-") as name, _owned(Path(name)):
        files = Path(name, "files")
        files.mkdir()
        yield files


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the system frees when this process dies."""
    fresh = folder / f"{_LOCK}.new"
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Named only when it is held, so that nobody finds it free in between.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.rename(folder / _LOCK)
        yield
    finally:
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if folder.stat(follow_symlinks=False).st_uid != os.getuid():
                continue
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # not ours, just being made, or gone
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its job is alive
            continue
        finally:
            os.close(descriptor)
