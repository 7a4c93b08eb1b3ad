"""Names on disk that are no UTF-8, but Korean in the code page cp949, as Windows' archives unpack them.

Such a name is only ever used where a table asks for what it says: two names of different bytes read differently, and
a file that has the name in UTF-8 goes first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from maskfold.wording import first_few

_PAGE: Final = "cp949"


def as_read(entry: os.DirEntry[str]) -> str:
    """Return an entry's name, read in the code page if it is no UTF-8 and no other entry has that name."""
    if entry.name.isascii():
        return entry.name
    try:
        entry.name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        written = os.fsencode(entry.name)
        read = written.decode(_PAGE, errors="replace")
        alone = not os.path.lexists(Path(entry.path).with_name(read))
        return read if alone and _in_code_page(read) == entry.name else entry.name
    return entry.name


def on_disk(folder: Path, name: str) -> Path:
    """Return the path of what has a name below a folder, each part as it is or in the code page."""
    path = folder / name
    if name.isascii() or os.path.lexists(path):
        return path
    for part in name.split("/"):
        other = folder / _in_code_page(part)
        folder = other if not os.path.lexists(folder / part) and os.path.lexists(other) else folder / part
    return folder


def repairs(folder: Path, names: Iterable[str], what: str) -> tuple[str, ...]:
    """Return a sentence for users on names that were found in the code page only.

    Args:
        folder: That of the names.
        names: Those that were found.
        what: Which names, such as ``ImageIDs of eval/info.csv``.
    """
    found = [name for name in names if on_disk(folder, name) != folder / name]
    if not found:
        return ()
    shown = first_few([repr(name[:80]) for name in found], limit=3, separator="; ")
    return (
        f"{len(found)} {what} mean names on disk that are not UTF-8, but read so in the Korean code page {_PAGE}; each "
        f"can mean one file or folder only, which is used: {shown}. For other programs rename them, as with convmv",
    )


def _in_code_page(name: str) -> str:
    try:
        return os.fsdecode(name.encode(_PAGE))
    except UnicodeEncodeError:
        return name
