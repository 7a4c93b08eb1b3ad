"""A workspace on a local or mounted file system."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from maskfold.errors import CorruptDataError, WorkspaceError
from maskfold.regular import MAX_READ, read_regular
from maskfold.specs import File
from maskfold.storage.aside import ASIDE, aside, leftovers
from maskfold.storage.checksum import copy_hashed, remember_file, sha256_of
from maskfold.storage.faults import disk_faults
from maskfold.storage.location import LocalPath

_ASIDE_LIFE_S = 24 * 3600.0


class LocalBackend:
    """Files below one folder."""

    def __init__(self, location: LocalPath) -> None:
        self.location = location
        self.uri = str(location)

    def check(self) -> None:
        """Check that the folder is usable; it may not exist yet.

        Raises:
            WorkspaceError: If a file is in the way or permission is missing.
        """
        folder = self.location.path
        with disk_faults(f"use workspace {self.uri}"):
            while not folder.exists() and folder != folder.parent:
                folder = folder.parent
        if not folder.is_dir():
            raise WorkspaceError(f"workspace {self.uri}: {folder} is a file, not a folder; name another folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise WorkspaceError(
                f"workspace {self.uri}: {folder} is not writable for this user; grant the permission or name another"
            )

    def read(self, address: str, limit: int = MAX_READ) -> bytes | None:
        """Return a file's bytes, or None if there is no such file."""
        path = self._inside(address)
        try:
            with disk_faults(f"read {path}", missing_passes=True):
                return read_regular(path, limit) if not path.is_dir() else None
        except FileNotFoundError:
            return None

    def write(self, address: str, content: bytes) -> File:
        """Publish bytes atomically."""
        target = self._inside(address)
        with disk_faults(f"write {target}"), _publishing(target) as path, path.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        return File(path=address, sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    def publish(self, source: Path, address: str) -> File:
        """Publish a local file atomically; the source is kept."""
        target = self._inside(address)
        with disk_faults(f"write {target}"):
            with _publishing(target) as path:
                sha256 = copy_hashed(source, path)
                size = path.stat().st_size
            with contextlib.suppress(FileNotFoundError):  # another run of the same job deleted it meanwhile
                remember_file(target, sha256)
        return File(path=address, sha256=sha256, size=size)

    def fetch(self, file: File) -> Path:
        """Return the published file itself, verified.

        Raises:
            CorruptDataError: If it is missing, or is not the file that was published.
        """
        path = self._inside(file.path)
        try:
            found = sha256_of(path)
        except FileNotFoundError:
            raise CorruptDataError(
                f"{path}: the file is missing; expected sha256 {file.sha256} ({file.size} bytes). "
                f"Delete the folder {path.parent} and run again to recreate it"
            ) from None
        if found != file.sha256:
            raise CorruptDataError(
                f"{path}: the file differs from the published one; expected sha256 {file.sha256} "
                f"({file.size} bytes), found {found} ({path.stat().st_size} bytes). "
                f"Delete the folder {path.parent} and run again to recreate it"
            )
        return path

    def size_of(self, address: str) -> int | None:
        """Return a file's size in bytes, or None if there is no such file."""
        path = self._inside(address)
        try:
            with disk_faults(f"read {path}", missing_passes=True):
                return path.stat().st_size if not path.is_dir() else None
        except FileNotFoundError:
            return None

    def list(self, prefix: str) -> list[str]:
        """Return the addresses below a folder, sorted; files still being written are left out."""
        root = self.location.path
        found = []
        with disk_faults(f"list {root / prefix}"):
            for folder, _, names in os.walk(self._inside(prefix)):
                below = Path(folder).relative_to(root)
                found += [(below / name).as_posix() for name in names if not name.startswith(ASIDE)]
        return sorted(found)

    def delete(self, address: str) -> None:
        """Delete a file; a missing one is not an error. Of a link only the link itself is deleted."""
        path = self._inside(address, followed=False)
        with disk_faults(f"delete {path}"):
            path.unlink(missing_ok=True)

    def locate(self, address: str) -> str:
        """Return the absolute path of an address."""
        return str(self.location.child(address))

    def _inside(self, address: str, followed: bool = True) -> Path:
        """Return the path of an address, if links on the way do not lead out of the workspace.

        The workspace's own folder may be a link: the user named it.

        Args:
            address: Relative to the workspace.
            followed: Whether a link at the address itself is followed, too.

        Raises:
            WorkspaceError: If the path leads out of the workspace.
        """
        root = self.location.path
        path = root / address
        leads_to = os.path.realpath(path if followed else path.parent)
        if not Path(leads_to).is_relative_to(os.path.realpath(root)):
            raise WorkspaceError(
                f"{path}: a link leads out of the workspace, to {leads_to}; files are read, written and deleted only "
                f"below {self.uri}. Remove the link, or use another workspace"
            )
        return path


@contextlib.contextmanager
def _publishing(target: Path) -> Iterator[Path]:
    """Create the target's folder, yield a temporary path in it, and sync the folder after the rename.

    After a power failure, all files that a surviving outcome names exist.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    with aside(target) as path:
        yield path
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sweep(folder: Path) -> None:
    """Remove files in a folder that killed writers left long ago."""
    for left in leftovers(folder):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat(follow_symlinks=False).st_mtime > _ASIDE_LIFE_S:
                left.unlink()
