"""External tables: a csv or parquet file at any URI, with its images in the same folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from maskfold.errors import RecipeError, WorkspaceError
from maskfold.specs import ExternalSource
from maskfold.storage.location import parse
from maskfold.storage.sources import is_file
from maskfold.storage.tree import fetch_tree, fingerprint


def locate_external(uri: str) -> ExternalSource:
    """Find an external table and record the state of its folder.

    Args:
        uri: A csv or parquet file: a local path, ``file://...`` or ``s3://bucket/key``.

    Raises:
        RecipeError: If there is no such file.
        DatasetError: If its folder cannot be listed.
        WorkspaceError: If the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    try:
        location = parse(uri)
    except WorkspaceError as error:
        raise RecipeError(f"dataset.external: {error}") from None
    if not is_file(uri):
        raise RecipeError(
            f"dataset.external: {uri}: there is no such file; expected the path or URI of a csv or parquet file"
        )
    folder = str(location.parent)
    state = fingerprint(folder, "external images", follow_links=False)  # as their reader, which leaves such images out
    return ExternalSource(folder=folder, table=location.name, fingerprint=state)


def fetch_external(sources: Iterable[ExternalSource]) -> list[Path]:
    """Return local paths of external tables, with their images in the same folders.

    Raises:
        DatasetError: If a folder is missing, or a folder on S3 is not in the recorded state.
        WorkspaceError: If a bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    return [fetch_tree(source.folder, source.fingerprint, "external images") / source.table for source in sources]
