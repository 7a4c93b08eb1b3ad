"""Local copies of remote files, shared by all processes of a machine."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from maskfold.errors import CorruptDataError
from maskfold.home import HOME_VARIABLE, home
from maskfold.storage.aside import ASIDE, aside
from maskfold.storage.checksum import remember_file, sha256_of
from maskfold.storage.faults import disk_faults


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
    with disk_faults(f"write to the cache {target.parent} ({HOME_VARIABLE} moves it)"), locked(target.parent):
        if not _is_good(target, sha256):
            target.unlink(missing_ok=True)
            for left in target.parent.glob(f"{ASIDE}*"):  # by a killed process: this one holds the lock
                left.unlink(missing_ok=True)
            try:
                _download(target, sha256, origin, download)
            except CorruptDataError:  # perhaps on the way here
                _download(target, sha256, origin, download)
            remember_file(target, sha256)
    return target


def _download(target: Path, sha256: str, origin: str, download: Callable[[Path], None]) -> None:
    with aside(target) as path:
        download(path)
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256:
            raise CorruptDataError(
                f"{origin}: these are not the bytes that were published; expected sha256 {sha256}, found {found}. "
                f"Delete the folder {origin.rpartition('/')[0]} and run again to make it anew"
            )


def locked(folder: Path) -> FileLock:
    """Return a lock that holds a folder against other processes; the system frees it when the process dies.

    The folder is made when the lock is taken.
    """
    # A soft lock, which filelock takes where the file system has no flock, outlives a killed process.
    return FileLock(folder / ".lock", fallback_to_soft=False)


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
