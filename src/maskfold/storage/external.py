"""External tables: a csv somewhere, whose folder holds its images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from maskfold.errors import RecipeError, WorkspaceError
from maskfold.specs import ExternalSource
from maskfold.storage.location import parse
from maskfold.storage.sources import is_file
from maskfold.storage.tree import fetch_tree, fingerprint


def locate_external(uri: str) -> ExternalSource:
    """Find an external table and take down the state of its folder.

    Args:
        uri: A csv: a local path, ``file://...`` or ``s3://bucket/key``.

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
    return ExternalSource(folder=folder, table=location.name, fingerprint=fingerprint(folder, "external images"))


def fetch_external(sources: Iterable[ExternalSource]) -> list[Path]:
    """Return local paths of external tables, their images around them.

    Raises:
        DatasetError: If a folder is missing, or on S3 not in the state that was taken down.
        WorkspaceError: If a bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    return [fetch_tree(source.folder, source.fingerprint, "external images") / source.table for source in sources]
