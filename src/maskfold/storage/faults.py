"""Translates operating-system errors of the disk into messages that say what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from maskfold.errors import MaskfoldError, WorkspaceError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a full disk or quota."""
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_MISPLACED = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST}


@contextlib.contextmanager
def disk_faults(action: str, missing_passes: bool = False) -> Iterator[None]:
    """Translate operating-system errors.

    Args:
        action: What is being done, such as ``write /data/w/x``; completes "cannot ...".
        missing_passes: Leave ``FileNotFoundError`` unchanged, for callers that handle it.

    Raises:
        WorkspaceError: If permission is missing, or a path leads through a file.
        MaskfoldError: If the disk is full or faulty.
    """
    try:
        yield
    except OSError as error:
        if missing_passes and isinstance(error, FileNotFoundError):
            raise
        if error.errno in FULL:
            raise MaskfoldError(f"cannot {action}: the disk is full; free some space and run again") from error
        if error.errno in _FORBIDDEN:
            raise WorkspaceError(
                f"cannot {action}: {error.strerror}; grant this user the permission or name another folder"
            ) from error
        if error.errno in _MISPLACED:
            raise WorkspaceError(f"cannot {action}: {error.strerror}; name another path") from error
        raise MaskfoldError(f"cannot {action}: {error.strerror or error}") from error
