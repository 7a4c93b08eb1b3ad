"""Keeps the cache of a machine below a size: deletes the copies that were not used for the longest time."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import Timeout

from maskfold.storage.cache import LOCK, cache_folder, locked

IN_USE_SECONDS: Final = 24 * 3600.0
"""A copy that was asked for within this time stays: a job may still read it."""
FORGOTTEN_SECONDS: Final = 30 * 24 * 3600.0
"""A copy that nobody asked for within this time is deleted, also from a small cache."""
_KINDS: Final = ("trees", "files", "models", "work", "onnx")
"""Folders of the cache with an entry for each copy; what else is there stays small."""
_GONE: Final = ".gone-"


@dataclass(frozen=True)
class _Copy:
    path: Path
    used: float
    size: int


def prune(limit: int, in_use: float = IN_USE_SECONDS, forgotten: float = FORGOTTEN_SECONDS) -> int:
    """Delete copies of remote files that nobody uses; return the number of freed bytes.

    Args:
        limit: Bytes that the copies may take; those in use may take more.
        in_use: Seconds since its last use within which a copy is not deleted.
        forgotten: Seconds since its last use after which a copy is deleted in any case.
    """
    cache, now = cache_folder(), time.time()
    for left in cache.glob(f"{_GONE}*"):  # of a killed process
        shutil.rmtree(left, ignore_errors=True)
    copies = sorted(_copies(cache), key=lambda copy: copy.used)
    total, freed = sum(copy.size for copy in copies), 0
    for copy in copies:
        idle = now - copy.used
        if idle > in_use and (total - freed > limit or idle > forgotten) and _delete(copy, cache):
            freed += copy.size
    return freed


def _copies(cache: Path) -> Iterator[_Copy]:
    for kind in _KINDS:
        with contextlib.suppress(OSError):  # not there yet
            for path in (cache / kind).iterdir():
                with contextlib.suppress(OSError):  # deleted meanwhile
                    yield _Copy(path, _last_use(path), _size(path))


def _last_use(copy: Path) -> float:
    lock = copy / LOCK  # taking it changes its time
    return max(one.stat().st_mtime for one in (copy, lock) if one.exists())


def _size(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_blocks * 512
    return size


def _delete(copy: _Copy, cache: Path) -> bool:
    """Delete a copy unless a process uses or fills it; no process ever sees half of it."""
    gone = cache / f"{_GONE}{uuid.uuid4().hex}"
    with contextlib.suppress(Timeout, OSError):
        if _last_use(copy.path) != copy.used:
            return False
        with locked(copy.path).acquire(blocking=False):
            copy.path.rename(gone)
            (gone / LOCK).unlink()  # while it is held: a process that waits for it notices and creates a new one
            shutil.rmtree(gone)
            return True
    return False
