"""Names of images: which are safe, where an image is stored, and how a name from disk is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from maskfold.dataset.code_page import on_disk
from maskfold.wording import code_page_hint

EXTERNAL: Final = "external"
"""Begins the names of external images, which are stored outside the data set: ``external/<table's number>/<path>``."""


_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's control characters, halves of pairs and line separators. Format characters are invisible, but harmless."""
_LONGEST: Final = 255


def own_image(path: str) -> str:
    """Return the name of a data set's own image: its path, kept distinct from the names of external images."""
    return f"./{path}" if path.startswith(f"{EXTERNAL}/") else path


def unsafe_name(name: str) -> str | None:
    """Return why a name from a table must not be joined to a folder, or None if it is safe.

    Args:
        name: A relative path in POSIX form, as a table states it.
    """
    if not name.strip():
        return "the name is blank"
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        return f"the name contains characters that cannot be printed{code_page_hint(name)}"
    if name.startswith(("/", "~")) or "\\" in name or name[1:2] == ":":
        return "the name is an absolute path or contains a backslash"
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "the name points outside its folder"
    if any(len(part.encode()) > _LONGEST for part in parts):
        return f"the name is longer than the {_LONGEST} bytes that file systems allow"
    return None


def image_path(image: str, root: Path, external: Sequence[Path] = ()) -> Path:
    """Return the path of an image of a manifest.

    Args:
        image: Its name in the manifest.
        root: The data set's folder.
        external: The external tables' folders, by number.
    """
    head, _, rest = image.partition("/")
    if head != EXTERNAL:
        return on_disk(root, image)
    number, _, path = rest.partition("/")
    return on_disk(external[int(number)], path)


def printable(name: str) -> str:
    """Return a name from disk with unprintable characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
