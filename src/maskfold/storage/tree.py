"""Whole folders: fingerprint, listing, and local copies of folders on S3."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

from maskfold.errors import DatasetError, WorkspaceError
from maskfold.home import HOME_VARIABLE
from maskfold.listing import is_folder, listing
from maskfold.specs.address import safe_relative
from maskfold.storage.aside import ASIDE, aside
from maskfold.storage.cache import cache_folder, locked, mark_used
from maskfold.storage.faults import disk_faults
from maskfold.storage.location import LocalPath, S3Key, check_address, parse
from maskfold.wording import first_few

if TYPE_CHECKING:
    from maskfold.storage.s3 import ListedObject, S3Backend

_log = logging.getLogger(__name__)

Tree = Literal["data set", "external images"]
"""Content of a folder, for messages."""
_EXPECTED: Final[dict[Tree, str]] = {
    "data set": "expected a folder with train/train.csv, train/images/, eval/info.csv and eval/images/, or "
    "with one table of photographs, or with a folder of photographs for each class",
    "external images": "expected the folder of a table in dataset.external, visible to every machine of the run",
}
_DEEPEST: Final = 100
"""Folders within folders: each level costs a look-up for every file below it, and a level of recursion in readers."""


def fingerprint(uri: str, tree: Tree = "data set", follow_links: bool = True) -> str:
    """Return a digest of the listing below a URI.

    Of a link, its own text, where it leads in the end, and what is there count: readers of the folder may follow it.

    Args:
        uri: A local folder (names, sizes, times of change count, and those of status change where they differ) or
            ``s3://bucket/prefix`` (keys, sizes, ETags).
        tree: Its content, for messages.
        follow_links: Whether folders outside are listed that links lead to.

    Raises:
        DatasetError: If there is no such folder, it is empty, or folders in it are too deep.
        WorkspaceError: If the URI is malformed, the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, S3Key):
        return _digest(f"{name}\0{entry.size}\0{entry.etag}" for name, entry in _listing(location, tree)[1])
    return _digest(sorted(entry.line() for entry in _walk(_existing_folder(location, tree), tree, follow_links)))


def list_tree(uri: str, tree: Tree = "data set", follow_links: bool = True) -> list[str]:
    """Return the paths of all files below a URI, relative to it, in POSIX form, sorted.

    Links are followed. A folder that is reached in several ways is listed once, under its own path if it has one.

    Args:
        uri: A local folder or ``s3://bucket/prefix``.
        tree: Its content, for messages.
        follow_links: Whether folders outside are listed that links lead to.

    Raises:
        DatasetError: If there is no such folder or it is empty.
        WorkspaceError: If the URI is malformed, the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, S3Key):
        return [name for name, _ in _listing(location, tree)[1]]
    entries = _walk(_existing_folder(location, tree), tree, follow_links)
    return sorted(entry.name for entry in entries if not entry.is_folder)


def fetch_tree(uri: str, listing: str, tree: Tree = "data set") -> Path:
    """Return a local folder with everything below a URI: the folder itself, or a cached copy of an S3 prefix.

    Each state of the prefix is copied once, by one process while others wait; an interrupted copy is continued. Objects
    with keys that cannot be paths below the folder (``../x``) are left out with a warning.

    Args:
        uri: A local folder or ``s3://bucket/prefix``.
        listing: What :func:`fingerprint` returned for it.
        tree: Its content, for messages.

    Raises:
        DatasetError: If there is no such folder, or it is not in the state that was listed.
        WorkspaceError: If the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, LocalPath):
        return _existing_folder(location, tree)
    copy = cache_folder() / "trees" / hashlib.sha256(f"{location}\0{listing}".encode()).hexdigest()[:32]
    files, marker = copy / "files", copy / "complete"
    with disk_faults(f"write to the cache {copy} ({HOME_VARIABLE} moves it)"), locked(copy):
        if not marker.is_file():
            backend, entries = _listing(location, tree)
            if _digest(f"{name}\0{entry.size}\0{entry.etag}" for name, entry in entries) != listing:
                raise DatasetError(f"{tree} {location} has changed since this run began; run again")
            _download_all(backend, entries, files, tree)
            with aside(marker) as path:
                path.write_text(f"{location}\n{listing}\n", encoding="utf-8")
        mark_used(copy)
    return files


def fetch_files(uri: str, names: Sequence[str], folder: Path) -> Path:
    """Return a local folder that has some files of a data set: the data set itself, or copies of objects on S3.

    A file that is gone is left out; who opens it reports that.

    Args:
        uri: A local folder or ``s3://bucket/prefix``.
        names: Relative to it.
        folder: For copies.

    Raises:
        DatasetError: If there is no such folder.
        WorkspaceError: If a name leads out of the folder, the bucket is missing, or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    location = parse(uri)
    if isinstance(location, LocalPath):
        return _existing_folder(location, "data set")
    from maskfold.storage.s3 import S3Backend
    from maskfold.storage.s3_client import THREADS, AbsentError

    backend = S3Backend(location)

    def fetch(name: str) -> None:
        target = folder / check_address(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(AbsentError):
            backend.download(name, target)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(fetch, names):
            pass
    return folder


def _download_all(backend: S3Backend, entries: list[tuple[str, ListedObject]], files: Path, tree: Tree) -> None:
    from maskfold.storage.s3_client import THREADS, AbsentError, ChangedError

    targets = _targets([name for name, _ in entries], files, tree)
    for left in list(files.rglob(f"{ASIDE}*")):  # left by killed processes: this one holds the lock
        left.unlink()

    def download(name: str, entry: ListedObject) -> None:
        target = targets.get(name)
        # A file gets its name only when complete, so its presence is enough.
        if target is None or target.is_file():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside(target) as path:
            try:
                backend.download_listed(entry, path)
            except (AbsentError, ChangedError):
                raise DatasetError(f"{tree} {backend.uri}: changed during the download ({name}); run again") from None

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(download, name, entry) for name, entry in entries]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _targets(names: list[str], files: Path, tree: Tree = "data set") -> dict[str, Path]:
    """Map keys to paths below a folder; keys that cannot be such paths are left out with a warning."""
    safe = {name: path for name in names if (path := safe_relative(name)) is not None}
    folders = {parent for path in safe.values() for parent in path.parents} - {PurePosixPath()}
    kept = {name: files / path for name, path in safe.items() if path not in folders and not _is_internal(path)}
    refused = [name for name in names if name not in kept]
    if refused:
        shown = first_few([repr(name) for name in refused], limit=10)
        _log.warning("%s: %d object(s) left out, with keys that cannot be local paths: %s", tree, len(refused), shown)
    return kept


def _is_internal(path: PurePosixPath) -> bool:
    return path.name.startswith(ASIDE)


def _listing(location: S3Key, tree: Tree) -> tuple[S3Backend, list[tuple[str, ListedObject]]]:
    """Return the objects below a prefix with their names relative to it, sorted by name."""
    from maskfold.storage.s3 import S3Backend

    backend = S3Backend(location)
    root = len(location.key) + 1 if location.key else 0
    entries = sorted(((entry.key[root:], entry) for entry in backend.walk()), key=lambda pair: pair[0])
    if not entries:
        raise DatasetError(f"{tree} {location}: nothing is stored below this prefix; {_EXPECTED[tree]}")
    return backend, entries


def _existing_folder(location: LocalPath, tree: Tree) -> Path:
    try:
        if location.path.is_dir():
            return location.path
    except OSError as error:
        raise DatasetError(f"{tree} {location}: cannot be read: {error.strerror}") from None
    found = "this is a file" if location.path.exists() else "there is no such folder"
    raise DatasetError(f"{tree} {location}: {found}; {_EXPECTED[tree]}")


@dataclass(frozen=True)
class _Entry:
    """A file, or a link to a folder."""

    name: str
    path: Path
    link: str = ""
    """The text of a link, and where it leads in the end."""
    is_folder: bool = False

    def line(self) -> str:
        """Return what a fingerprint says of it."""
        try:
            status = self.path.stat()
            state = "folder" if self.is_folder else f"{status.st_size}\0{status.st_mtime_ns}"
            # Copying and unpacking set the time of change to an old one; no program sets the time of status change.
            if not self.is_folder and status.st_ctime_ns != status.st_mtime_ns:
                state += f"\0{status.st_ctime_ns}"
        except OSError:  # a broken or looping link, which becomes readable when its target appears
            state = "unreadable"
        return f"{self.name}\0{self.link}\0{state}" if self.link else f"{self.name}\0{state}"


def _walk(root: Path, tree: Tree, follow_links: bool) -> Iterator[_Entry]:
    """Yield the files below a folder and behind links, and links to folders; each real folder is visited once.

    Folders of the tree come first, so that a link inside it, or around in a circle, adds nothing.
    """
    folders, links = [(root, "")], list[tuple[str, Path]]()
    real_root, seen = root.resolve(), set[Path]()
    found = False
    while folders or links:
        if not folders:
            links.sort()
            name, path = links.pop(0)
            folders.append((path, f"{name}/"))
        folder, prefix = folders.pop()
        real = folder.resolve()
        outside = not real.is_relative_to(real_root)
        if real in seen or (prefix and real_root.is_relative_to(real)) or (outside and not follow_links):
            continue
        seen.add(real)
        if prefix.count("/") > _DEEPEST:
            raise DatasetError(
                f"{tree} {root}: folders are more than {_DEEPEST} deep, such as {prefix[:100]}...; move or delete them"
            )
        for entry in _scan(folder, root, tree, linked=outside):
            name, path = prefix + entry.name, Path(entry.path)
            folder_entry, link = is_folder(entry), _leads_to(path, real_root) if entry.is_symlink() else ""
            if folder_entry:
                links.append((name, path)) if link else folders.append((path, f"{name}/"))
            if link or not folder_entry:
                found = True
                yield _Entry(name, path, link, folder_entry)
    if not found:
        raise DatasetError(f"{tree} {root}: the folder is empty; {_EXPECTED[tree]}")


def _leads_to(link: Path, root: Path) -> str:
    """Return the text of a link and its end, inside the root relative to it: a folder may move as a whole."""
    end = Path(os.path.realpath(link))
    return f"{link.readlink()}\0{end.relative_to(root) if end.is_relative_to(root) else end}"


def _scan(folder: Path, root: Path, tree: Tree, linked: bool) -> list[os.DirEntry[str]]:
    try:
        return listing(folder)
    except OSError as error:
        if linked:  # a reader reports it, if it follows the link
            return []
        raise WorkspaceError(f"{tree} {root}: {error.filename} cannot be read: {error.strerror}") from error


def _digest(lines: Iterator[str] | list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()
