"""What a manifest from a workspace may name: only images inside their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from maskfold.dataset.names import EXTERNAL, image_path, unsafe_name
from maskfold.errors import CorruptDataError


def image_paths(manifest: pd.DataFrame, root: Path, external: Sequence[Path] = ()) -> list[Path]:
    """Return the path of each image of a manifest; that of an unreadable one, which is never opened, is the root.

    Args:
        manifest: See :mod:`maskfold.dataset.manifest`.
        root: The data set's folder.
        external: The external tables' folders, by number.

    Raises:
        CorruptDataError: If a readable row names a file outside these folders.
    """
    readable = manifest["image"][manifest["readable"]]
    outside = [image for image in readable if not _is_inside(image, len(external))]
    if outside:
        raise CorruptDataError(
            f"manifest: {outside[0]!r} is not the name of an image in the data set's folder; delete the folder of the "
            "job prepare in the workspace and run again"
        )
    named = zip(manifest["image"], manifest["readable"], strict=True)
    return [image_path(image, root, external) if is_readable else root for image, is_readable in named]


def _is_inside(image: str, tables: int) -> bool:
    head, _, rest = image.partition("/")
    if head != EXTERNAL:
        return unsafe_name(image.removeprefix("./")) is None
    number, _, path = rest.partition("/")
    return number.isdecimal() and int(number) < tables and unsafe_name(path) is None
