"""The workspace, independent of its storage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from maskfold.errors import WorkspaceError
from maskfold.specs import File
from maskfold.storage.local import LocalBackend
from maskfold.storage.location import LocalPath, Location, check_address, parse


class Backend(Protocol):
    """Storage of a workspace; addresses are checked before."""

    uri: str

    def check(self) -> None: ...
    def read(self, address: str, limit: int = ...) -> bytes | None: ...
    def write(self, address: str, content: bytes) -> File: ...
    def publish(self, source: Path, address: str) -> File: ...
    def fetch(self, file: File) -> Path: ...
    def size_of(self, address: str) -> int | None: ...
    def list(self, prefix: str) -> list[str]: ...
    def delete(self, address: str) -> None: ...
    def locate(self, address: str) -> str: ...


class Workspace:
    """All outputs of all jobs, under one URI.

    All methods raise ``WorkspaceError`` when an address leaves the workspace, also through a link, access is denied or
    the bucket is missing, ``UnavailableError`` when the server stays unreachable, ``MaskfoldError`` when the disk is
    full or faulty.

    Args:
        uri: A local path, ``file://...`` or ``s3://bucket/prefix``.

    Raises:
        WorkspaceError: If the URI is malformed.
    """

    def __init__(self, uri: str) -> None:
        self._backend = open_backend(parse(uri))
        self.uri = self._backend.uri
        """Absolute, so that it means the same in every process of this machine."""

    def check(self) -> None:
        """Check that the workspace is reachable and usable."""
        self._backend.check()

    def read(self, path: str) -> bytes | None:
        """Return a small file's bytes, at most :data:`~maskfold.regular.MAX_READ`; None if there is none."""
        return self._backend.read(check_address(path))

    def write(self, path: str, content: bytes) -> File:
        """Publish bytes atomically: readers see the old file or the new one, never a partial one."""
        return self._backend.write(check_address(path), content)

    def publish(self, source: Path, path: str) -> File:
        """Publish a local file atomically; the source is kept."""
        return self._backend.publish(source, check_address(path))

    def fetch(self, file: File) -> Path:
        """Return a local path with the file's verified bytes.

        A local workspace returns the published file itself, which must not be changed; a file on S3 is downloaded once
        into the cache.

        Raises:
            CorruptDataError: If the bytes are not those that were published; the message has URI and both checksums.
        """
        check_address(file.path)
        return self._backend.fetch(file)

    def size_of(self, path: str) -> int | None:
        """Return a file's size in bytes, or None if there is no such file."""
        return self._backend.size_of(check_address(path))

    def list(self, prefix: str = "") -> list[str]:
        """Return the addresses below a folder, sorted; none for a folder that does not exist."""
        folder = prefix.strip("/")
        return self._backend.list(check_address(folder) if folder else "")

    def delete(self, path: str) -> None:
        """Delete a file; a missing one is not an error."""
        self._backend.delete(check_address(path))

    def locate(self, path: str) -> str:
        """Return the full URI of an address, for users: an absolute path or ``s3://...``."""
        return self._backend.locate(path)


def open_backend(location: Location) -> Backend:
    """Return the backend of a location; boto3 is imported only for S3."""
    if isinstance(location, LocalPath):
        return LocalBackend(location)
    from maskfold.storage.s3 import S3Backend

    return S3Backend(location)


def open_existing(uri: str) -> Workspace:
    """Open a workspace that a run has made, which may be on a disk that this user can only read.

    Raises:
        WorkspaceError: If there is no such folder, which is not created, it may not be read, the URI is malformed, the
            bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if not isinstance(location, LocalPath):
        return open_workspace(uri)
    if not location.path.is_dir():
        raise WorkspaceError(f"workspace {uri}: there is no such folder; name the workspace of a run")
    if not os.access(location.path, os.R_OK | os.X_OK):
        raise WorkspaceError(f"workspace {uri}: this user may not read it; grant the permission or name another")
    return Workspace(uri)


def open_workspace(uri: str) -> Workspace:
    """Open a workspace by URI: a local path, ``file://...`` or ``s3://bucket/prefix``.

    Raises:
        WorkspaceError: If the URI is malformed, the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    workspace = Workspace(uri)
    workspace.check()
    return workspace
