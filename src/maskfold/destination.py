"""Where a user wants a file: checked before the work, written when it is done."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath

from maskfold.errors import InputError
from maskfold.specs import File
from maskfold.storage import Workspace, open_workspace
from maskfold.storage.location import LocalPath, parse


@dataclass(frozen=True)
class Destination:
    """A path or URI that can be written."""

    folder: str
    name: str

    @classmethod
    def of(cls, uri: str, option: str, inputs: tuple[str, ...] = ()) -> Destination:
        """Return a destination; write nothing.

        Args:
            uri: ``FILE.csv`` or ``s3://bucket/FILE.csv``.
            option: Name of the option, for messages.
            inputs: What the user has named besides, which must not be overwritten.

        Raises:
            InputError: If it is a folder, an input, or cannot be written.
            UnavailableError: If the server cannot be reached.
        """
        location = parse(uri)
        example = f"{uri.rstrip('/')}/answers.csv"
        if isinstance(location, LocalPath):
            if location.path.is_dir() or uri.endswith("/"):
                raise InputError(f"{option} {uri}: this is a folder; name a file, such as {example}")
            _refuse_unwritable(location, f"{option} {uri}")
        else:
            if not location.key or uri.endswith("/"):
                raise InputError(f"{option} {uri}: this is no key of a file; name one, such as {example}")
            open_workspace(str(location.parent))
        if any(parse(one) == location for one in inputs if one):
            raise InputError(f"{option} {uri}: this file is an input, which would be overwritten; name another")
        return cls(str(location.parent), location.name)

    @property
    def uri(self) -> str:
        """Absolute."""
        return str(parse(self.folder).child(self.name))

    def beside(self, end: str) -> Destination:
        """Return the destination with this before its extension: ``answers.new.csv``."""
        name = PurePosixPath(self.name)
        return Destination(self.folder, f"{name.stem}{end}{name.suffix}")

    def write(self, workspace: Workspace, file: File) -> None:
        """Copy a file of the workspace there, atomically.

        Raises:
            MaskfoldError: If it cannot be written.
        """
        open_workspace(self.folder).publish(workspace.fetch(file), self.name)


def _refuse_unwritable(location: LocalPath, said: str) -> None:
    folder = location.path.parent
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
    except OSError as error:
        raise InputError(f"{said}: cannot be written: {error.strerror or error}") from None
    if not folder.is_dir():
        raise InputError(f"{said}: {folder} is a file, not a folder; name another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{said}: {folder} is not writable for this user; grant the permission or name another place")
