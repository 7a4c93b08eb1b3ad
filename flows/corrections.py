"""The corrections file that the user names: checked, then copied into the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from maskfold import storage
from maskfold.errors import DatasetError, RecipeError, WorkspaceError
from maskfold.rows import parse_rows
from maskfold.specs import File
from maskfold.storage import Workspace

_EXPECTED: Final = "expected agreed, or the path or URI of a csv"
_KEYS: Final = ("folder", "path", "person")
"""Columns of which a table of corrections has one, depending on the data set's layout."""
_LIMIT: Final = 64 << 20
"""Bytes; a correction is one line."""


def check_corrections(source: str) -> None:
    """Make sure that a path or URI names a table of corrections.

    Raises:
        RecipeError: If there is no such file, or it is no table with one of the columns of corrections.
        UnavailableError: If the server cannot be reached.
    """
    try:
        _check(storage.read_uri(source, _LIMIT), source)
    except WorkspaceError as error:
        raise RecipeError(f"dataset.corrections: {error}; {_EXPECTED}") from None


def adopt_corrections(workspace: Workspace, source: str) -> File:
    """Copy a corrections file into the workspace, for jobs on any machine.

    Raises:
        RecipeError: If it is no table of corrections; nothing is copied then.
        WorkspaceError: If it cannot be read.
        UnavailableError: If a server cannot be reached.
    """

    def check(path: Path) -> None:
        _check(storage.read_regular(path, _LIMIT), source)

    return storage.adopt(workspace, source, check)


def _check(content: bytes, source: str) -> None:
    """Read the table as the job will; messages quote nothing of it, since it may be a key named by mistake."""
    if content[:4] == content[-4:] == b"PAR1":  # parquet, which the orchestrator may have no library for
        return
    try:
        found = bool(set(parse_rows(content, source, (), _KEYS)[0].cells) & set(_KEYS))
    except DatasetError as error:
        raise RecipeError(f"dataset.corrections: {error}; {_EXPECTED}") from None
    if not found:
        raise RecipeError(
            f"dataset.corrections: {source}: not a table of corrections: its header has none of the columns "
            f"{', '.join(_KEYS)}; {_EXPECTED}"
        )
