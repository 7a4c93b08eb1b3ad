"""Opens local files that others may have put in place: only ordinary files, of limited size.

A pipe would block its reader, and ``/dev/zero`` has no end.
"""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from maskfold.errors import WorkspaceError

MAX_READ: Final = 256 << 20
"""Bytes that are read into memory at once; far above any table, recipe or outcome."""


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading, without waiting for a writer of a pipe.

    Raises:
        OSError: If it cannot be opened.
        WorkspaceError: If it is a pipe, a socket, a device or a folder.
    """
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise WorkspaceError(f"{path}: not an ordinary file but a pipe, a device or a socket; name a file")
    return stream


def read_regular(path: Path, limit: int = MAX_READ) -> bytes:
    """Return the bytes of an ordinary file.

    Raises:
        OSError: If it cannot be read.
        WorkspaceError: If it is not an ordinary file, or has more bytes than the limit.
    """
    with open_regular(path) as stream:
        content = stream.read(limit + 1)
    return within(content, limit, str(path))


def within(content: bytes, limit: int, where: str) -> bytes:
    """Return bytes if they are not more than a limit.

    Raises:
        WorkspaceError: If they are.
    """
    if len(content) > limit:
        raise WorkspaceError(
            f"{where}: more than {limit:,} bytes, the most that such a file may have; name another file"
        )
    return content
