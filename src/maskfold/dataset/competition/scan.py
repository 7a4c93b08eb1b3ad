"""Compares the files on disk with the tables. Opens no image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskfold.dataset.competition.layout import (
    EVAL_IMAGES,
    MASK_OF_NAME,
    PHOTOGRAPHS_PER_PERSON,
    TRAIN_IMAGES,
    Layout,
)
from maskfold.dataset.names import link_problem, printable, unsafe_name
from maskfold.dataset.quarantine import Entry
from maskfold.layouts import TRAIN_TABLE, is_litter, is_photograph


@dataclass
class TrainScan:
    """The training folders.

    Attributes:
        folders: By person, then by photograph name (``mask1`` ...): the path relative to the data set.
        entries: What is missing, superfluous or unsafe.
        n_litter: Files that were skipped without an entry.
        follow_links: Whether links out of the data set are followed.
    """

    folders: dict[str, dict[str, str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    n_litter: int = 0
    follow_links: bool = False


@dataclass(frozen=True)
class EvalImage:
    """One evaluation image.

    Attributes:
        image_id: As in ``info.csv``.
        image: Path relative to the data set; a placeholder if the ImageID is unsafe as a path.
        problem: Why its file must not be opened, or None.
    """

    image_id: str
    image: str
    problem: str | None = None


def scan_train(layout: Layout, people: Iterable[str], follow_links: bool = False) -> TrainScan:
    """List the training folders.

    Args:
        layout: The data set.
        people: The folder names that ``train.csv`` lists.
        follow_links: Whether links out of the data set are followed.
    """
    scan = TrainScan(follow_links=follow_links)
    listed = set(people)
    for entry in _listing(layout.train_images):
        where = f"{TRAIN_IMAGES}/{printable(entry.name)}"
        if is_litter(entry.name):
            scan.n_litter += 1
        elif not entry.is_dir():
            scan.entries.append(Entry("train", where, "", "not-a-photograph", "a file among the people's folders"))
        elif entry.is_symlink() and not follow_links:
            reason = "a person's folder must not be a link; it may lead to another person or out of the data set"
            person = printable(entry.name)
            scan.entries.append(Entry("train", where, person, "unsafe-path", reason, PHOTOGRAPHS_PER_PERSON))
            listed.discard(entry.name)
        elif entry.name not in listed:
            reason = f"the folder has no row in {TRAIN_TABLE}"
            person = printable(entry.name)
            scan.entries.append(Entry("train", where, person, "no-row", reason, PHOTOGRAPHS_PER_PERSON))
        else:
            _scan_person(scan, entry.name, Path(entry.path))
            listed.discard(entry.name)
    for person in sorted(listed):
        reason = f"{TRAIN_TABLE} has a row for this folder, but there is no such folder"
        where = f"{TRAIN_IMAGES}/{person}"
        scan.entries.append(Entry("train", where, person, "no-folder", reason, PHOTOGRAPHS_PER_PERSON))
    return scan


def scan_eval(
    layout: Layout, image_ids: Sequence[str], follow_links: bool = False
) -> tuple[list[EvalImage], list[Entry], int]:
    """Find the evaluation images.

    The file is the one named by the ImageID. If there is none, a file with another extension or in another case of
    letters is taken, unless another ImageID names it.

    Returns:
        One image for each ImageID, in their order; notes on files without an ImageID; the number of litter files.
    """
    files = {entry.name: entry for entry in _listing(layout.eval_images)}
    litter = [name for name in files if is_litter(name)]
    wanted = set(image_ids)
    spare = {name: entry for name, entry in files.items() if name not in wanted and not is_litter(name)}
    by_stem = {Path(name).stem.casefold(): name for name in reversed(spare) if is_photograph(name)}
    images = []
    for number, image_id in enumerate(image_ids):
        problem = unsafe_name(image_id)
        if problem:
            images.append(EvalImage(image_id, f"eval/unsafe/{number}", problem))
            continue
        name = image_id
        if name not in files and "/" not in name:
            name = by_stem.pop(Path(name).stem.casefold(), name)
            spare.pop(name, None)
        path = layout.eval_images / name
        is_link = files[name].is_symlink() if name in files else "/" in name and path.exists()
        problem = link_problem(path, layout.eval_images, follow_links) if is_link else None
        images.append(EvalImage(image_id, f"{EVAL_IMAGES}/{name}", problem))
    nested = {image_id.partition("/")[0] for image_id in image_ids if "/" in image_id}
    notes = [
        Entry("eval", f"{EVAL_IMAGES}/{printable(name)}", "", "unlisted", "no row of info.csv names it; it is ignored")
        for name in spare
        if name not in nested
    ]
    return images, notes, len(litter)


def _scan_person(scan: TrainScan, person: str, folder: Path) -> None:
    photographs: dict[str, str] = {}
    claimed: set[str] = set()
    for entry in _listing(folder):
        if is_litter(entry.name):
            scan.n_litter += 1
            continue
        path = Path(entry.path)
        name, where = path.stem.casefold(), f"{TRAIN_IMAGES}/{person}/{printable(entry.name)}"
        if not is_photograph(entry.name) or entry.is_dir():
            reason = "a folder among photographs" if entry.is_dir() else "not a photograph by its extension"
            scan.entries.append(Entry("train", where, person, "not-a-photograph", reason))
        elif name not in MASK_OF_NAME:
            reason = f"the name states no mask state; expected one of {', '.join(MASK_OF_NAME)}"
            scan.entries.append(Entry("train", where, person, "extra", reason, 1))
        elif name in claimed:
            reason = f"a second photograph named {name}; the first by name counts"
            scan.entries.append(Entry("train", where, person, "extra", reason, 1))
        else:
            claimed.add(name)
            problem = link_problem(path, folder, scan.follow_links) if entry.is_symlink() else None
            if problem:
                scan.entries.append(Entry("train", where, person, "unsafe-path", problem, 1))
            else:
                photographs[name] = f"{TRAIN_IMAGES}/{person}/{entry.name}"
    for name in MASK_OF_NAME:
        if name not in claimed:
            where = f"{TRAIN_IMAGES}/{person}/{name}.*"
            scan.entries.append(Entry("train", where, person, "missing", f"the folder has no photograph {name}", 1))
    scan.folders[person] = photographs


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)
