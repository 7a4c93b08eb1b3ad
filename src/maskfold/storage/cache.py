"""Local copies of remote files, shared by all processes of a machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from maskfold.errors import CorruptDataError
from maskfold.home import HOME_VARIABLE, PRIVATE_FILE, home, make_private
from maskfold.specs.address import safe_relative
from maskfold.storage.aside import aside, leftovers
from maskfold.storage.checksum import remember_file, sha256_of
from maskfold.storage.faults import disk_faults

LOCK = ".lock"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def cache_folder() -> Path:
    """Return ``$MASKFOLD_HOME/cache``; its content can be deleted while no run is active."""
    folder = home() / "cache"
    with contextlib.suppress(OSError):  # reported by what is written there
        make_private(folder)
    return folder


def cached_file(sha256: str, name: str, origin: str, download: Callable[[Path], None]) -> Path:
    """Return a local file with the given checksum; download it if it is not in the cache.

    If several processes need the same file, one downloads it and the others wait. The file gets its name only after it
    is complete and verified, so an interrupted download is never mistaken for a finished one.

    Args:
        sha256: Checksum of the wanted bytes.
        name: Last part of the path, for readers that depend on the suffix.
        origin: URI, for messages.
        download: Writes the bytes to the given path.

    Raises:
        CorruptDataError: If the bytes differ from the checksum twice, or checksum or name cannot be parts of a path.
    """
    if not _SHA256.fullmatch(sha256) or safe_relative(name) is None or "/" in name:
        raise CorruptDataError(f"{origin}: {sha256!r} is not a sha256, or {name!r} is not the name of a file")
    target = cache_folder() / "files" / sha256 / name
    if _is_good(target, sha256):
        mark_used(target.parent)
        return target
    with disk_faults(f"write to the cache {target.parent} ({HOME_VARIABLE} moves it)"), locked(target.parent):
        if not _is_good(target, sha256):
            target.unlink(missing_ok=True)
            for left in leftovers(target.parent):  # left by killed processes: this one holds the lock
                left.unlink(missing_ok=True)
            try:
                _download(target, sha256, origin, download)
            except CorruptDataError:  # perhaps damaged in transit
                _download(target, sha256, origin, download)
            remember_file(target, sha256)
    return target


def mark_used(copy: Path) -> None:
    """Note that a copy is in use now; see :mod:`maskfold.storage.pruning`."""
    with contextlib.suppress(OSError):  # a cache that cannot be written is not pruned either
        os.utime(copy)


def _download(target: Path, sha256: str, origin: str, download: Callable[[Path], None]) -> None:
    with aside(target) as path:
        download(path)
        path.chmod(PRIVATE_FILE)  # perhaps photographs
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256:
            raise CorruptDataError(
                f"{origin}: the object differs from the published one; expected sha256 {sha256}, found {found}. "
                f"Delete the folder {origin.rpartition('/')[0]} and run again to recreate it"
            )


def locked(folder: Path) -> FileLock:
    """Return a lock on a folder for this process; the operating system releases it when the process dies.

    Acquiring the lock creates the folder.
    """
    # Without flock filelock would fall back to a soft lock, which outlives a killed process.
    return FileLock(folder / LOCK, fallback_to_soft=False)


@contextlib.contextmanager
def alone(address: str) -> Iterator[None]:
    """Make this the only process of this machine and user that works on an address; others wait.

    Two machines that share a workspace may still do the same work twice. So may processes without write access to the
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
