"""The entries of a folder."""

from __future__ import annotations

import os
from pathlib import Path


def listing(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or a link to one; false for a link that leads in a circle."""
    try:
        return entry.is_dir()
    except OSError:
        return False
