"""Checksums of local files, cached so that a file of several GB is read once and not for every job."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from maskfold.errors import MaskfoldError
from maskfold.home import home
from maskfold.regular import open_regular
from maskfold.storage.aside import aside
from maskfold.storage.faults import disk_faults

_CHUNK = 1 << 20
_WORTH_REMEMBERING = 16 << 20
"""Bytes; smaller files are read in a few milliseconds."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a local file, from the cache if it is large and unchanged since it was last read.

    A cached checksum is valid for one path, inode, size, time of change and time of status change (in nanoseconds).
    Programs cannot set the last one, so a file that was rewritten with its old time of change is read again.

    Raises:
        FileNotFoundError: If there is no such file.
        MaskfoldError: If it cannot be read.
    """
    with disk_faults(f"read {path}", missing_passes=True):
        before = _identity(path)
        large = path.stat().st_size >= _WORTH_REMEMBERING
        known = recall(before) if large else None
        if known is not None:
            return known
        with open_regular(path) as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    if large:
        remember(before, found)
    return found


def remember_file(path: Path, sha256: str) -> None:
    """Cache the sha256 of a file that this process has just written."""
    if path.stat().st_size >= _WORTH_REMEMBERING:
        remember(_identity(path), sha256)


def copy_hashed(source: Path, target: Path) -> str:
    """Copy a file to a new one, sync it to disk and return the sha256 of the copied bytes.

    Raises:
        OSError: If either cannot be read or written, or the target exists.
    """
    digest = hashlib.sha256()
    with open_regular(source) as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def recall(identity: str) -> str | None:
    """Return the cached sha256 of an identity (a description of one state of one file), or None."""
    try:
        text = _memory(identity).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return text if len(text) == 64 else None


def remember(identity: str, sha256: str) -> None:
    """Cache a sha256; if the cache is not writable, nothing is cached and files are read again."""
    target = _memory(identity)
    with contextlib.suppress(OSError, MaskfoldError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside(target) as path:
            path.write_text(sha256, encoding="ascii")


def _memory(identity: str) -> Path:
    name = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()
    return home() / "cache" / "verified" / name[:2] / name


def _identity(path: Path) -> str:
    status = path.stat()
    return f"{path}\0{status.st_ino}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}"
