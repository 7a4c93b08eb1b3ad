"""Class folders: the folder's name is the class of the scheme's only attribute; each photograph is its own person.

::

    DIR/<class>/...                              no evaluation images
    DIR/train/<class>/... and DIR/test/...       or eval, evaluation, holdout, val, valid, validation; names of class
                                                 folders in it are never read

Photographs may be at any depth below their class. Links to photographs are followed as long as they
stay in the data set; links to folders are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from maskfold.dataset.corrections import Corrections
from maskfold.dataset.names import link_problem, own_image, printable, unsafe_name
from maskfold.dataset.quarantine import Entry
from maskfold.dataset.reading import Photograph, Reading, Source
from maskfold.dataset.table import read_own_corrections
from maskfold.errors import DatasetError
from maskfold.layouts import EVALUATION, TRAINING, is_litter, is_photograph
from maskfold.listing import is_folder, listing
from maskfold.scheme import Attribute


@dataclass
class _Scan:
    """Photographs and problems found so far."""

    root: Path
    corrections: Corrections | None
    photographs: list[Photograph] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    n_litter: int = 0
    follow_links: bool = False


def read_folders(source: Source) -> Reading:
    """List the folders; see :data:`maskfold.dataset.reading.Reader`."""
    if len(source.scheme.attributes) != 1:
        raise DatasetError(
            f"data set {source.root}: class folders state one attribute, but the scheme has "
            f"{', '.join(source.scheme.names)}; write a table with a column for each (dataset.table)"
        )
    [attribute] = source.scheme.attributes
    scan = _Scan(source.root, read_own_corrections(source.corrections, source.scheme), follow_links=source.follow_links)
    if not source.root.is_dir():
        raise DatasetError(f"data set {source.root}: there is no such folder")
    top = {entry.name.casefold(): Path(entry.path) for entry in listing(source.root) if is_folder(entry)}
    training = [top[name] for name in sorted(top) if name in TRAINING]
    for folder in training or [source.root]:
        _read_training(scan, folder, attribute)
    if training:
        for folder in (top[name] for name in sorted(top) if name in EVALUATION):
            _read_evaluation(scan, folder)
    names = [photograph.name for photograph in scan.photographs if photograph.part == "train"]
    return Reading(
        photographs=tuple(scan.photographs),
        entries=tuple(scan.entries),
        persons_known=False,
        corrections=scan.corrections.applied(names) if scan.corrections else None,
        n_litter=scan.n_litter,
    )


def _read_training(scan: _Scan, folder: Path, attribute: Attribute) -> None:
    for entry in listing(folder):
        path = Path(entry.path)
        where = _relative(scan, path)
        if is_litter(entry.name):
            scan.n_litter += 1
        elif not is_folder(entry):
            if is_photograph(entry.name):
                scan.entries.append(Entry("train", where, "", "no-label", "a photograph outside the class folders", 1))
            else:
                scan.entries.append(Entry("train", where, "", "not-a-photograph", "a file among the class folders"))
        elif entry.is_symlink() and (problem := link_problem(path, scan.root, scan.follow_links)):
            scan.entries.append(Entry("train", where, "", "unsafe-path", problem, 1))  # nothing there is counted
        else:
            _read_class(scan, path, attribute)


def _read_class(scan: _Scan, folder: Path, attribute: Attribute) -> None:
    try:
        stated = attribute.parse(folder.name)
    except ValueError as error:
        n = _count(folder)
        kind = "bad-label" if n else "not-a-photograph"
        scan.entries.append(Entry("train", _relative(scan, folder), "", kind, f"the folder's name: {error}", n))
        return
    for path in _photographs(scan, folder, "train"):
        name = path.relative_to(scan.root).as_posix()
        right = scan.corrections.right(name, name).get(attribute.name, stated) if scan.corrections else stated
        image = own_image(name)
        scan.photographs.append(Photograph(image, "train", image, name, {attribute.name: right}, right != stated))


def _read_evaluation(scan: _Scan, folder: Path) -> None:
    for path in _photographs(scan, folder, "eval"):
        name = path.relative_to(scan.root).as_posix()
        scan.photographs.append(Photograph(own_image(name), "eval", "", name, where=name))


def _photographs(scan: _Scan, folder: Path, part: str, seen: set[Path] | None = None) -> Iterator[Path]:
    """Yield the photographs below a folder, sorted by name; note everything else.

    A folder that links lead to several times, or around in a circle, is read once; one around the data set, never.
    """
    seen = set() if seen is None else seen
    real = folder.resolve()
    if real in seen or scan.root.resolve().is_relative_to(real):
        return
    seen.add(real)
    try:
        entries = listing(folder)
    except OSError as error:  # behind a link; the fingerprint reports those of the data set itself
        _note(scan, part, _relative(scan, folder), "unreadable", f"the folder cannot be listed: {error.strerror}")
        return
    for entry in entries:
        path = Path(entry.path)
        where = _relative(scan, path)
        if is_litter(entry.name):
            scan.n_litter += 1
        elif is_folder(entry):
            problem = link_problem(path, scan.root, scan.follow_links) if entry.is_symlink() else None
            if problem:
                _note(scan, part, where, "not-a-photograph", problem)
            else:
                yield from _photographs(scan, path, part, seen)
        elif not is_photograph(entry.name):
            _note(scan, part, where, "not-a-photograph", "not a photograph by its extension")
        elif (problem := unsafe_name(path.relative_to(scan.root).as_posix())) or (
            problem := link_problem(path, scan.root, scan.follow_links) if entry.is_symlink() else None
        ):
            _note(scan, part, where, "unsafe-path", problem, 1)
        else:
            yield path


def _note(scan: _Scan, part: str, where: str, kind: str, reason: str, left_out: int = 0) -> None:
    scan.entries.append(
        Entry("train", where, "", kind, reason, left_out) if part == "train" else Entry("eval", where, "", kind, reason)
    )


def _relative(scan: _Scan, path: Path) -> str:
    return printable(path.relative_to(scan.root).as_posix())


def _count(folder: Path) -> int:
    """Count the photographs below a folder; links to folders are not followed."""
    return sum(is_photograph(name) and not is_litter(name) for _, _, names in os.walk(folder) for name in names)
