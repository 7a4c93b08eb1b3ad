"""Files and buckets that the user names by URI: read and list them, check them, copy them into the workspace."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from maskfold.errors import WorkspaceError
from maskfold.regular import MAX_READ, read_regular
from maskfold.specs import File
from maskfold.storage.checksum import recall, remember, sha256_of
from maskfold.storage.faults import disk_faults
from maskfold.storage.location import LocalPath, Location, S3Key, parse
from maskfold.storage.workspace import Workspace, open_backend

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import BucketLocationConstraintType

INPUTS = "inputs"
"""Folder of the workspace for files that the user named."""


def read_uri(uri: str | Path, limit: int = MAX_READ) -> bytes:
    """Return a file's bytes.

    Args:
        uri: A local path, ``file://...`` or ``s3://bucket/key``.
        limit: Largest size in bytes.

    Raises:
        WorkspaceError: If there is no such file, it cannot be read, or it is larger than the limit.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, S3Key):
        bucket = open_backend(S3Key(location.bucket, ""))
        content = bucket.read(location.key, limit)
    else:
        try:
            with disk_faults(f"read {location}", missing_passes=True):
                content = None if location.path.is_dir() else read_regular(location.path, limit)
        except FileNotFoundError:
            content = None
    if content is None:
        raise _missing(location)
    return content


def exists(uri: str | Path) -> bool:
    """Return whether a URI names a file, or a folder with something below it.

    Raises:
        WorkspaceError: If the URI is malformed, the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, LocalPath):
        return location.path.exists()
    from maskfold.storage.s3 import S3Backend

    return _is_object(location) or next(S3Backend(location).walk(), None) is not None


def is_file(uri: str | Path) -> bool:
    """Return whether a URI names a file.

    Raises:
        WorkspaceError: If the URI is malformed, the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, LocalPath):
        try:
            return location.path.is_file()
        except OSError:  # a name that is too long, a folder that may not be entered
            return False
    return _is_object(location)


def make_bucket(name: str) -> None:
    """Create a bucket on the configured S3 server unless it exists.

    Raises:
        WorkspaceError: If the credentials do not allow it, or the bucket belongs to another account.
        UnavailableError: If the server cannot be reached.
    """
    from maskfold.storage.s3_client import AbsentError, connect

    connection = connect()
    client = connection.client
    try:
        connection.call(f"open bucket {name}", lambda: client.head_bucket(Bucket=name))
    except AbsentError:
        region = client.meta.region_name
        if region in (None, "us-east-1"):  # the only region that must not be given
            connection.call(f"create bucket {name}", lambda: client.create_bucket(Bucket=name))
        else:
            place = cast("BucketLocationConstraintType", region)
            connection.call(
                f"create bucket {name}",
                lambda: client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": place}),
            )


def list_folder(uri: str | Path) -> list[str]:
    """Return the names of the files directly in a folder, sorted.

    Raises:
        WorkspaceError: If there is no such folder.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, S3Key):
        names = _names_on_s3(location)
        if not names and not exists(uri):
            raise WorkspaceError(f"{location}: nothing is stored below this prefix; check the URI")
        return names
    try:
        return sorted(entry.name for entry in location.path.iterdir() if entry.is_file())
    except OSError as error:
        raise WorkspaceError(
            f"{location}: not a folder that can be listed ({error.strerror}); check the path"
        ) from None


def link_out(path: str | Path) -> str | None:
    """Return where a file leads if it is a link out of its folder, else None; objects on S3 are never links."""
    location = parse(path)
    if not isinstance(location, LocalPath):
        return None
    leads_to, folder = os.path.realpath(location.path), os.path.realpath(location.path.parent)
    return None if Path(leads_to).is_relative_to(folder) else leads_to


def adopt(workspace: Workspace, uri_or_path: str | Path, check: Callable[[Path], None]) -> File:
    """Copy a file into the workspace for jobs on other machines and in containers.

    It is stored at ``inputs/<sha256>/<name>``; a file that is already there is not copied again. Others may read the
    workspace, so what a path leads to by mistake, such as a key, must not get there.

    Args:
        workspace: Where it is stored.
        uri_or_path: The file.
        check: Reads a local copy, before anything is stored, and raises an error unless it is what it should be.

    Raises:
        WorkspaceError: If there is no such file, or it cannot be read.
        UnavailableError: If a server cannot be reached.
    """
    location = parse(uri_or_path)
    if isinstance(location, LocalPath):
        if not location.path.is_file():
            raise _missing(location)
        check(location.path)
        return _adopt_local(workspace, location.path, sha256_of(location.path), location.name)
    return _adopt_from_s3(workspace, location, check)


def foresee(uri_or_path: str | Path) -> File | None:
    """Return the file that :func:`adopt` would, without copying anything; None for one on S3, which must be read first.

    Raises:
        WorkspaceError: If there is no such file, or it cannot be read.
    """
    location = parse(uri_or_path)
    if not isinstance(location, LocalPath):
        return None
    if not location.path.is_file():
        raise _missing(location)
    sha256 = sha256_of(location.path)
    return File(path=_address(sha256, location.name), sha256=sha256, size=location.path.stat().st_size)


def _address(sha256: str, name: str) -> str:
    return f"{INPUTS}/{sha256}/{name}"


def _adopt_local(workspace: Workspace, path: Path, sha256: str, name: str) -> File:
    address = _address(sha256, name)
    size = path.stat().st_size
    if workspace.size_of(address) == size:
        return File(path=address, sha256=sha256, size=size)
    return workspace.publish(path, address)


def _adopt_from_s3(workspace: Workspace, location: S3Key, check: Callable[[Path], None]) -> File:
    from maskfold.storage.s3 import S3Backend
    from maskfold.storage.s3_client import AbsentError

    backend = S3Backend(S3Key(location.bucket, ""))
    found = backend.head(location.key) if location.key else None
    if found is None:
        raise _missing(location)
    # The ETag identifies the content of an object, so the checksum of a known one needs no download.
    identity = f"{location}\0{found.etag}\0{found.size}"
    known = recall(identity)
    if known is not None and workspace.size_of(_address(known, location.name)) == found.size:
        return File(path=_address(known, location.name), sha256=known, size=found.size)
    with tempfile.TemporaryDirectory(prefix="maskfold-adopt-") as folder:
        path = Path(folder, "file")
        try:
            backend.download(location.key, path)
        except AbsentError:
            raise _missing(location) from None
        check(path)
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if path.stat().st_size == found.size:
            remember(identity, sha256)
        return _adopt_local(workspace, path, sha256, location.name)


def _is_object(location: S3Key) -> bool:
    return bool(location.key) and open_backend(S3Key(location.bucket, "")).size_of(location.key) is not None


def _names_on_s3(location: S3Key) -> list[str]:
    from maskfold.storage.s3 import S3Backend

    return sorted(entry.key.rpartition("/")[2] for entry in S3Backend(location).walk(deep=False))


def _missing(location: Location) -> WorkspaceError:
    return WorkspaceError(f"{location}: there is no such file; check the path or URI")
