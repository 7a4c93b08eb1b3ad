"""Links in a data set: those that stay inside its folder are followed, those that leave it only if the user says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from maskfold.errors import DatasetError
from maskfold.layouts import EVALUATION, TRAINING, is_table
from maskfold.wording import first_few

_PARTS: Final = TRAINING | EVALUATION
_ROOTS: Final = _PARTS | {"images"}


def refuse_links_out(root: Path) -> None:
    """Make sure that no table and no folder of a whole part is a link out of the data set's folder.

    Such a link would let a data set of unknown origin print or copy the user's own files. The data set's folder itself
    may be a link: the user named it. Deeper links, those of persons, classes and photographs, are quarantined.

    Args:
        root: The data set's folder.

    Raises:
        DatasetError: If there is such a link, with its name and what it leads to.
    """
    found = [f"{name} -> {target}" for name, target in _links_out(root)]
    if found:
        raise DatasetError(
            f"data set {root}: {len(found)} link(s) lead out of the data set: {first_few(found, limit=5)}. Copy what "
            "they lead to into the data set, or set dataset.follow_links=true to read it where it is"
        )


def link_problem(path: Path, folder: Path, anywhere: bool = False) -> str | None:
    """Return why a symbolic link must not be followed, or None if it stays inside the folder.

    Args:
        path: The link.
        folder: The folder that must hold its target, at any depth.
        anywhere: Accept a target anywhere (``dataset.follow_links``).
    """
    try:
        target, inside = path.resolve(strict=True), folder.resolve()
    except (OSError, RuntimeError):
        return "the link is broken"
    below = [one for one in (path, *path.parents) if folder in one.parents]
    if anywhere and any(one.is_symlink() and inside.is_relative_to(one.resolve()) for one in below):
        return "the link leads to a folder that holds the data set"  # which its fingerprint does not cover
    return None if anywhere or target.is_relative_to(inside) else f"the link points outside {folder.name}/"


def _links_out(root: Path) -> Iterator[tuple[str, str]]:
    """Yield path and target of each table, and each folder of a part, that is a link out of the root."""
    inside = os.path.realpath(root)
    for path in _entries(root):
        if path.is_symlink() and not Path(target := os.path.realpath(path)).is_relative_to(inside):
            yield path.relative_to(root).as_posix(), target


def _entries(root: Path) -> Iterator[Path]:
    """Yield what the readers of all layouts open by a fixed name: tables, parts and their folders of images."""
    for path in _listing(root):
        if is_table(path.name) or path.name.casefold() in _PARTS:
            yield path
        if path.name.casefold() in _PARTS:
            yield from (path for path in _listing(path) if is_table(path.name) or path.name.casefold() in _ROOTS)


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # not a folder, or not readable: the reader says so
        return []
