"""Local copies of remote files, shared by all processes of a machine."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from maskfold.errors import CorruptDataError
from maskfold.home import HOME_VARIABLE, home
from maskfold.storage.checksum import remember_file, sha256_of
from maskfold.storage.faults import disk_faults

ASIDE = ".aside-"
"""Begins the name of a file that is still being downloaded."""


def cache_folder() -> Path:
    """Return ``$MASKFOLD_HOME/cache``; everything in it can be deleted when no run is going on."""
    return home() / "cache"


def cached_file(sha256: str, name: str, origin: str, download: Callable[[Path], None]) -> Path:
    """Return a local file with the given checksum, downloading it when it is not there yet.

    Of several processes that want the same file one downloads and the others wait for it. The file gets its name only
    when it is whole and verified, so a download that was killed is never taken for one that finished.

    Args:
        sha256: Checksum of the wanted bytes.
        name: Last part of the path, for readers that look at the suffix.
        origin: URI, for messages.
        download: Writes the bytes to the path that it is given.

    Raises:
        CorruptDataError: If the bytes differ from the checksum twice.
    """
    target = cache_folder() / "files" / sha256 / name
    if _is_good(target, sha256):
        return target
    with disk_faults(f"write to the cache {target.parent} ({HOME_VARIABLE} moves it)"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent):
            if _is_good(target, sha256):
                return target
            target.unlink(missing_ok=True)
            for left in target.parent.glob(f"{ASIDE}*"):  # by a killed process: this one holds the lock
                left.unlink(missing_ok=True)
            found = ""
            for _ in range(2):
                with aside(target) as path:
                    download(path)
                    with path.open("rb") as stream:
                        found = hashlib.file_digest(stream, "sha256").hexdigest()
                    if found == sha256:
                        path.replace(target)
                        remember_file(target, sha256)
                        return target
    raise CorruptDataError(
        f"{origin}: these are not the bytes that were published; expected sha256 {sha256}, found {found}. "
        f"Delete the folder {origin.rpartition('/')[0]} and run again to make it anew"
    )


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a path beside the target to write to; whatever is left there afterwards is removed."""
    path = target.with_name(f"{ASIDE}{uuid.uuid4().hex}")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes; the system frees it when the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(address: str) -> Iterator[None]:
    """Be the only process of this machine and user that works on an address; others wait.

    Two machines that share a workspace may still do the same work twice, and so may processes that cannot write to the
    cache.
    """
    folder = cache_folder() / "work" / hashlib.sha256(address.encode()).hexdigest()[:32]
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(locked(folder))
        yield


def _is_good(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except FileNotFoundError:
        return False
