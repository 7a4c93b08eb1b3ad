"""Photographs that a user names: a folder, a prefix on S3, a table with their paths, or a single one.

They are listed one after another, so that memory does not grow with their number. What is listed of each, its name and
its state, tells whether it has been seen before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from maskfold.errors import DatasetError, InputError, WorkspaceError
from maskfold.layouts import is_litter, is_photograph, is_table
from maskfold.listing import is_folder, listing
from maskfold.rows import Row, parse_rows
from maskfold.specs.address import safe_relative
from maskfold.storage import is_file, read_uri
from maskfold.storage.location import LocalPath, Location, S3Key, parse

COLUMNS: Final = ("path", "image")
"""Columns of which a table of photographs needs one."""
MISSING: Final = "the file is missing"
_LINK_OUT: Final = "a link that leads out of the folder; copy the photograph into it"
_AT_A_TIME: Final = 1024
_EXPECTED: Final = (
    "expected a folder of photographs, s3://bucket/prefix, a csv or parquet file with a column path or image, or one "
    "photograph"
)


class ListedPhotograph(NamedTuple):
    """One photograph of a listing."""

    name: str
    """As a table has it; else relative to the folder."""
    place: str
    """Relative to the root; or an absolute path or an ``s3://`` URI."""
    state: str
    """Size, and time of change or ETag; empty if there is no such file."""
    problem: str = ""
    """Why it is not read."""


@dataclass(frozen=True)
class Photographs:
    """A listing that can be repeated."""

    root: str
    """URI of the folder that places are relative to."""
    said: str
    """What it is, for people."""
    may_repeat: bool
    """Whether a photograph may be in it twice."""
    _walk: Callable[[list[str]], Iterator[ListedPhotograph]] = field(repr=False)

    def __iter__(self) -> Iterator[ListedPhotograph]:
        return self._walk([])

    def listed(self, others: list[str]) -> Iterator[ListedPhotograph]:
        """Yield the photographs in their order; collect the names of files that are none in ``others``."""
        return self._walk(others)


def find_photographs(uri: str) -> Photographs:
    """Return the photographs that a path or URI means.

    Raises:
        InputError: If there are none, or they cannot be listed.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if is_table(location.name) and is_file(uri):
        found = _of_table(uri, location)
    elif isinstance(location, S3Key):
        found = _on_s3(location)
    else:
        found = _on_disk(location)
    if next(iter(found), None) is None:
        raise InputError(f"images {uri}: there is no photograph; {_EXPECTED}")
    return found


def source_of(root: str, photograph: ListedPhotograph) -> Path | bytes:
    """Return a local path, or the bytes of a photograph on S3.

    Raises:
        DatasetError: If it cannot be read; the message is the reason alone.
        UnavailableError: If the server cannot be reached.
    """
    if photograph.problem:
        raise DatasetError(photograph.problem)
    location = _place(parse(root), photograph.place)
    if isinstance(location, LocalPath):
        return location.path
    try:
        return read_uri(str(location))
    except WorkspaceError as error:
        gone = "there is no such file" in str(error)
        raise DatasetError(MISSING if gone else str(error)) from None


def _place(root: Location, place: str) -> Location:
    if place.startswith(("s3://", "/")):
        return parse(place)
    return root.child(place)


def _on_disk(location: LocalPath) -> Photographs:
    path = location.path
    try:
        if path.is_dir():
            listing(path)  # a folder without rights is said at once
            return Photographs(str(path), f"folder {path}", False, lambda others: _below(path, others))
        if path.is_file():
            one = ListedPhotograph(_text(path.name), path.name, _state(path))
            return Photographs(str(path.parent), f"photograph {path}", False, lambda _: iter([one]))
    except OSError as error:
        raise InputError(f"images {path}: cannot be read: {error.strerror or error}; grant the right to") from None
    raise InputError(f"images {path}: there is no such file or folder; {_EXPECTED}")


def _below(root: Path, others: list[str]) -> Iterator[ListedPhotograph]:
    """Yield the photographs below a folder, folder by folder, each sorted by name; linked folders are not entered."""
    real = os.path.realpath(root)
    waiting: list[tuple[Path, str]] = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        below = []
        try:
            entries = listing(folder)
        except OSError as error:
            raise InputError(
                f"images {folder}: cannot be read: {error.strerror or error}; grant the right to"
            ) from None
        for entry in entries:
            name = prefix + entry.name
            if is_litter(entry.name):
                continue
            if is_folder(entry):
                if entry.is_symlink():
                    others.append(_text(name))
                else:
                    below.append((Path(entry.path), f"{name}/"))
            elif not is_photograph(entry.name):
                others.append(_text(name))
            elif entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(real):
                yield ListedPhotograph(_text(name), name, "", _LINK_OUT)
            else:
                yield ListedPhotograph(_text(name), name, _state(Path(entry.path)))
        waiting += reversed(below)


def _on_s3(location: S3Key) -> Photographs:
    if location.key and is_file(str(location)):
        (one,) = _with_states([(location.name, location.name, "")], location.parent)
        return Photographs(str(location.parent), f"photograph {location}", False, lambda _: iter([one]))
    return Photographs(str(location), f"photographs below {location}", False, lambda others: _keys(location, others))


def _keys(location: S3Key, others: list[str]) -> Iterator[ListedPhotograph]:
    from maskfold.storage.s3 import S3Backend

    root = len(location.key) + 1 if location.key else 0
    for entry in S3Backend(location).walk():
        name = entry.key[root:]
        if is_litter(name.rpartition("/")[2]):
            continue
        if not is_photograph(name):
            others.append(_text(name))
        elif safe_relative(name) is None:
            yield ListedPhotograph(_text(name), name, entry.etag, "its key is not a path below the prefix; rename it")
        else:
            yield ListedPhotograph(_text(name), name, f"{entry.size} {entry.etag}")


def _of_table(uri: str, location: Location) -> Photographs:
    rows = parse_rows(read_uri(uri), location.name, (), COLUMNS)
    column = next((name for name in COLUMNS if name in rows[0].cells), None)
    if column is None:
        raise InputError(
            f"images {uri}: its header has none of the columns {' and '.join(COLUMNS)}; it has "
            f"{', '.join(name for name in rows[0].cells if name)[:200] or 'none'}"
        )
    blank = next((row.place for row in rows if not row.cells[column]), None)
    if blank is not None:
        raise InputError(f"images {uri}, {blank}: the column {column} is blank; name a photograph, or delete the row")
    root = location.parent
    return Photographs(str(root), f"table {location}", True, lambda _: _rows(rows, column, root))


def _rows(rows: Sequence[Row], column: str, root: Location) -> Iterator[ListedPhotograph]:
    """Yield the photographs of a table in its order."""
    waiting = iter(rows)
    while some := list(islice(waiting, _AT_A_TIME)):
        named = [(row.written.get(column) or row[column], row[column]) for row in some]
        yield from _with_states([(name, *_allowed(place, root)) for name, place in named], root)


def _allowed(place: str, root: Location) -> tuple[str, str]:
    """Return a place of a table, and why it is not read; a table on S3 comes from elsewhere, a local one is the user's.

    A table on S3 names photographs below its own prefix, or by URI; it never names files of the machine that reads it.
    """
    plain = place.removeprefix("./")
    if place.startswith("s3://"):
        try:
            parse(place)
        except WorkspaceError as error:
            return "", str(error)
        return place, ""
    if isinstance(root, LocalPath):
        return ("", "not a path") if "\0" in place else (plain, "")
    if safe_relative(plain) is None:
        return "", "not a path below the table's folder; use s3://bucket/key"
    return plain, ""


def _with_states(named: Sequence[tuple[str, str, str]], root: Location) -> Iterator[ListedPhotograph]:
    """Look at photographs; those on S3 side by side, since each look is a request."""

    def look(one: tuple[str, str, str]) -> ListedPhotograph:
        name, place, problem = one
        if problem:
            return ListedPhotograph(name, place, "", problem)
        location = _place(root, place)
        if isinstance(location, LocalPath):
            return ListedPhotograph(name, place, _state(location.path))
        from maskfold.storage.s3 import S3Backend

        found = S3Backend(S3Key(location.bucket, "")).head(location.key) if location.key else None
        if found is None:
            return ListedPhotograph(name, place, "", MISSING)
        return ListedPhotograph(name, place, f"{found.size} {found.etag}")

    if isinstance(root, LocalPath) and not any(place.startswith("s3://") for _, place, _ in named):
        yield from map(look, named)
        return
    from maskfold.storage.s3_client import THREADS

    with ThreadPoolExecutor(THREADS) as threads:
        yield from threads.map(look, named)


def _state(path: Path) -> str:
    """Return what changes when a file does: copying may keep the time of change, nothing sets that of its status."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _text(name: str) -> str:
    """Return a name as text, with bytes that are not UTF-8 escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
