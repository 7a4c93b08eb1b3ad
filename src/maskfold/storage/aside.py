"""Atomic writes: a file is written under a temporary name in the target's folder, then renamed."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

ASIDE = ".aside-"
"""Prefix of files that are still being written; a killed writer leaves one behind."""


_NAME = re.compile(rf"{re.escape(ASIDE)}[0-9a-f]+")


def leftovers(folder: Path) -> list[Path]:
    """Return the files directly in a folder that writers began; no other file has such a name."""
    return [path for path in folder.glob(f"{ASIDE}*") if _NAME.fullmatch(path.name)]


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a path to write to; then rename it to the target, or delete it on an error.

    It is in the target's folder because renames are atomic only within one file system.
    """
    path = target.with_name(f"{ASIDE}{uuid.uuid4().hex}")
    try:
        yield path
        path.replace(target)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
