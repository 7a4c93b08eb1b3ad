"""Files that appear whole or not at all: written under another name beside their place, then renamed."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

ASIDE = ".aside-"
"""Begins the name of a file that is still being written; a killed writer leaves one behind."""


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a path to write to; afterwards rename it over the target, or delete it on an error.

    It is in the target's own folder because a rename is atomic within one file system only.
    """
    path = target.with_name(f"{ASIDE}{uuid.uuid4().hex}")
    try:
        yield path
        path.replace(target)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
