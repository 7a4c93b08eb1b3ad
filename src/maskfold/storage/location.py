"""Locations that a URI can name: a local path or a key in a bucket."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from maskfold.errors import WorkspaceError
from maskfold.specs.address import safe_relative

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")
_EXPECTED = "expected a local path, file:///absolute/path or s3://bucket/prefix"


@dataclass(frozen=True)
class LocalPath:
    """A file or folder on this machine."""

    path: Path
    """Absolute."""

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.name

    @property
    def parent(self) -> LocalPath:
        """The folder that contains this location."""
        return LocalPath(self.path.parent)

    def child(self, address: str) -> LocalPath:
        """Return the location of an address below this folder."""
        return LocalPath(self.path / address)


@dataclass(frozen=True)
class S3Key:
    """An object, or a prefix used as a folder."""

    bucket: str
    key: str
    """Without a slash at either end; empty for the whole bucket."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}".rstrip("/")

    @property
    def name(self) -> str:
        """Last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> S3Key:
        """The prefix that contains this location."""
        return S3Key(self.bucket, self.key.rpartition("/")[0])

    def child(self, address: str) -> S3Key:
        """Return the location of an address below this prefix."""
        return S3Key(self.bucket, f"{self.key}/{address}".strip("/"))


Location = LocalPath | S3Key


def parse(uri: str | Path) -> Location:
    """Parse a URI.

    Args:
        uri: A local path (``~`` is expanded), ``file:///path`` (percent-encoded) or ``s3://bucket/prefix`` (taken
            literally, as S3 keys are).

    Raises:
        WorkspaceError: If the URI is malformed or has another scheme.
    """
    text = str(uri)
    match = _SCHEME.match(text)
    scheme = match.group(1).lower() if match else ""
    if not text.strip() or not _is_text(text):
        raise WorkspaceError(f"URI {text!r} is empty, or not UTF-8 text without NUL characters; {_EXPECTED}")
    if match is None:
        try:
            return LocalPath(Path(text).expanduser().absolute())
        except (RuntimeError, OSError) as error:  # no such ~user; a current folder that was deleted
            raise WorkspaceError(f"path {text!r} cannot be resolved: {error}; {_EXPECTED}") from None
    if scheme == "file":
        parts = urlsplit(text.replace("?", "%3F").replace("#", "%23"))
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise WorkspaceError(f"URI {text!r}: a file URI has three slashes and an absolute path; {_EXPECTED}")
        path = unquote(parts.path, errors="surrogateescape")
        if not _is_text(path):
            raise WorkspaceError(f"URI {text!r}: its path is not UTF-8 text without NUL characters; {_EXPECTED}")
        return LocalPath(Path(path))
    if scheme == "s3":
        bucket, _, key = text[match.end() :].partition("/")
        if not _BUCKET.match(bucket):
            raise WorkspaceError(f"URI {text!r}: {bucket!r} is not a bucket's name; {_EXPECTED}")
        return S3Key(bucket, key.strip("/"))
    raise WorkspaceError(f"URI {text!r}: {scheme}:// is not supported; {_EXPECTED}")


def _is_text(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # bytes of the command line that are not UTF-8
        return False


def contains(outer: Location, inner: Location) -> bool:
    """Return whether the inner location is the outer one or below it; links are followed."""
    if isinstance(outer, LocalPath) and isinstance(inner, LocalPath):
        return Path(os.path.realpath(inner.path)).is_relative_to(os.path.realpath(outer.path))
    if isinstance(outer, S3Key) and isinstance(inner, S3Key) and outer.bucket == inner.bucket:
        return not outer.key or f"{inner.key}/".startswith(f"{outer.key}/")
    return False


def check_address(address: str) -> str:
    """Return an address if it stays below its workspace.

    Raises:
        WorkspaceError: If it is empty or absolute, or contains ``..``.
    """
    if safe_relative(address) is None:
        raise WorkspaceError(f"address {address!r} does not name a file below the workspace")
    return address
