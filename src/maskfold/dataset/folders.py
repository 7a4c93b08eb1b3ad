"""Class folders: the folder's name is the class of the scheme's only attribute; each photograph is its own person.

::

    DIR/<class>/...                              no evaluation images
    DIR/train/<class>/... and DIR/test/...       or eval, evaluation, holdout, val, valid, validation; names of class
                                                 folders in it are never read

Photographs may be at any depth below their class. Links are followed as long as they stay in the data set; those to
folders also must not lead to photographs of another class. No folder is read twice, so links may form a circle.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskfold.class_layout import ClassLayout
from maskfold.dataset.corrections import Matched
from maskfold.dataset.names import own_image, printable, unsafe_name
from maskfold.dataset.quarantine import Entry
from maskfold.dataset.reading import Photograph, Reading, Source
from maskfold.dataset.table import match_corrections
from maskfold.errors import DatasetError
from maskfold.layouts import is_litter, is_photograph
from maskfold.links import link_problem
from maskfold.listing import is_folder, listing
from maskfold.scheme import Attribute


@dataclass
class _Scan:
    """Photographs and problems found so far."""

    root: Path
    layout: ClassLayout
    follow_links: bool = False
    photographs: list[Photograph] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    n_litter: int = 0
    seen: set[Path] = field(default_factory=set)
    """Folders that were read, resolved."""


def read_folders(source: Source) -> Reading:
    """List the folders; see :data:`maskfold.dataset.reading.Reader`."""
    if len(source.scheme.attributes) != 1:
        raise DatasetError(
            f"data set {source.root}: class folders state one attribute, but the scheme has "
            f"{', '.join(source.scheme.names)}; write a table with a column for each (dataset.table)"
        )
    [attribute] = source.scheme.attributes
    if not source.root.is_dir():
        raise DatasetError(f"data set {source.root}: there is no such folder")
    layout = ClassLayout.of(source.root, source.follow_links)
    scan = _Scan(source.root, layout, source.follow_links)
    for folder in layout.training:
        _read_training(scan, folder, attribute)
    for folder in layout.evaluation:
        _read_evaluation(scan, folder)
    names = [photograph.name for photograph in scan.photographs if photograph.part == "train"]
    corrections = match_corrections(source, names, names)
    return Reading(
        photographs=tuple(_corrected(one, attribute, corrections) for one in scan.photographs),
        entries=tuple(scan.entries),
        persons_known=False,
        corrections=corrections.applied if corrections else None,
        n_litter=scan.n_litter,
        warnings=corrections.repairs if corrections else (),
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
        elif entry.is_symlink() and (problem := scan.layout.link_problem(path)):
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
        image = own_image(name)
        scan.photographs.append(Photograph(image, "train", image, name, {attribute.name: stated}))


def _corrected(photograph: Photograph, attribute: Attribute, corrections: Matched | None) -> Photograph:
    if corrections is None or photograph.part == "eval":
        return photograph
    stated = photograph.stated[attribute.name]
    right = corrections.right(photograph.name, photograph.name).get(attribute.name, stated)
    return replace(photograph, stated={attribute.name: right}, corrected=right != stated)


def _read_evaluation(scan: _Scan, folder: Path) -> None:
    for path in _photographs(scan, folder, "eval"):
        name = path.relative_to(scan.root).as_posix()
        scan.photographs.append(Photograph(own_image(name), "eval", "", name, where=name))


def _photographs(scan: _Scan, folder: Path, part: str) -> Iterator[Path]:
    """Yield the photographs below a folder, those behind links to folders last; note everything else."""
    scan.seen.add(folder.resolve())
    try:
        entries = listing(folder)
    except OSError as error:  # behind a link; the fingerprint reports those of the data set itself
        _note(scan, part, _relative(scan, folder), "unreadable", f"the folder cannot be listed: {error.strerror}")
        return
    for entry in sorted(entries, key=lambda entry: entry.is_symlink() and is_folder(entry)):
        path = Path(entry.path)
        where = _relative(scan, path)
        if is_litter(entry.name):
            scan.n_litter += 1
        elif is_folder(entry):
            problem = scan.layout.link_problem(path) if entry.is_symlink() else None
            if path.resolve() in scan.seen:
                problem = "its photographs are already read"
            if problem:
                _note(scan, part, where, "not-a-photograph", f"a link to a folder: {problem}")
            else:
                yield from _photographs(scan, path, part)
        elif not is_photograph(entry.name):
            _note(scan, part, where, "not-a-photograph", "not a photograph by its extension")
        elif problem := unsafe_name(name := path.relative_to(scan.root).as_posix()):
            _note(scan, part, where, "unsafe-path" if part == "train" else "not-a-photograph", problem, 1)
        elif entry.is_symlink() and (problem := link_problem(path, scan.root, scan.follow_links)):
            if part == "train":
                _note(scan, part, where, "unsafe-path", problem, 1)
            else:
                scan.photographs.append(Photograph(own_image(name), "eval", "", name, problem=problem, where=where))
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
