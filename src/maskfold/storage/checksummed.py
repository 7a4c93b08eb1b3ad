"""A file with its checksum beside it, in the form of ``sha256sum``, for readers outside maskfold."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import PurePosixPath

from maskfold.errors import UnavailableError
from maskfold.specs import File
from maskfold.storage.workspace import Workspace

_TRIES = 12
_SUFFIX = ".sha256"


def checksum_line(content: bytes, name: str) -> bytes:
    """Return the line that ``sha256sum --check`` reads."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def write_with_checksum(workspace: Workspace, address: str, content: bytes) -> File:
    """Write a file and ``<address>.sha256``; afterwards the two fit together, whoever else writes them.

    Two runs that end at the same moment may each write ``submissions/latest.csv``: no storage replaces two files at
    once, so each writer looks whether what is there fits, and else writes again. The last one to write is the last one
    to look.

    Raises:
        UnavailableError: If others keep writing the same file.
    """
    name = PurePosixPath(address).name
    for tried in range(_TRIES):
        # The checksum goes first, so that no file is ever without one.
        workspace.write(address + _SUFFIX, checksum_line(content, name))
        written = workspace.write(address, content)
        found = workspace.read(address)
        if found is not None and workspace.read(address + _SUFFIX) == checksum_line(found, name):
            return written
        time.sleep(random.uniform(0.0, 0.05 * 2 ** min(tried, 6)))  # noqa: S311 - so that two writers fall out of step
    raise UnavailableError(f"{workspace.locate(address)}: other runs write it all the time; run again")
