"""Compares the files on disk with the tables. Opens no image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskfold.dataset.code_page import as_read, on_disk
from maskfold.dataset.competition.layout import (
    EVAL_IMAGES,
    MASK_OF_NAME,
    PHOTOGRAPHS_PER_PERSON,
    TRAIN_IMAGES,
    Layout,
)
from maskfold.dataset.matching import FILE_FORMS, alike, pair, spelling
from maskfold.dataset.names import printable, unsafe_name
from maskfold.dataset.quarantine import Entry
from maskfold.layouts import TRAIN_TABLE, is_litter, is_photograph
from maskfold.links import link_problem
from maskfold.listing import is_folder, listing
from maskfold.wording import code_page_hint


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


def people_folders(layout: Layout) -> list[str]:
    """Return the names of the training folders that a row may mean."""
    found = (entry for entry in listing(layout.train_images) if is_folder(entry) and not is_litter(entry.name))
    return [name for entry in found if unsafe_name(name := as_read(entry)) is None]


def scan_train(layout: Layout, people: Iterable[str], follow_links: bool = False) -> TrainScan:
    """List the training folders.

    Args:
        layout: The data set.
        people: The folder names that ``train.csv`` lists.
        follow_links: Whether links out of the data set are followed.
    """
    scan = TrainScan(follow_links=follow_links)
    listed = set(people)
    for entry in listing(layout.train_images):
        where = f"{TRAIN_IMAGES}/{printable(entry.name)}"
        if is_litter(entry.name):
            scan.n_litter += 1
        elif not is_folder(entry):
            scan.entries.append(Entry("train", where, "", "not-a-photograph", "a file among the people's folders"))
        elif entry.is_symlink() and (problem := _person_problem(layout, Path(entry.path), follow_links)):
            person = printable(entry.name)
            scan.entries.append(Entry("train", where, person, "unsafe-path", problem, PHOTOGRAPHS_PER_PERSON))
            listed.discard(as_read(entry))
        elif (name := as_read(entry)) not in listed:
            reason = f"the folder has no row in {TRAIN_TABLE}{code_page_hint(entry.name)}"
            person = printable(entry.name)
            scan.entries.append(Entry("train", where, person, "no-row", reason, PHOTOGRAPHS_PER_PERSON))
        else:
            _scan_person(scan, layout, name, Path(entry.path))
            listed.discard(name)
    for person in sorted(listed):
        reason = f"{TRAIN_TABLE} has a row for this folder, but there is no such folder"
        where = f"{TRAIN_TABLE}, path {person}"
        scan.entries.append(Entry("train", where, person, "no-folder", reason, PHOTOGRAPHS_PER_PERSON))
    return scan


@dataclass
class EvalScan:
    """The evaluation images.

    Attributes:
        images: One for each ImageID, in their order.
        files: The file of each ImageID that has one, relative to ``eval/images``.
        entries: Notes on files without an ImageID.
        n_litter: Files that were skipped without an entry.
        follow_links: Whether links out of the data set are followed.
    """

    images: list[EvalImage] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    n_litter: int = 0
    follow_links: bool = False


def scan_eval(layout: Layout, image_ids: Sequence[str], follow_links: bool = False) -> EvalScan:
    """Find the evaluation images: the file that the ImageID names, or the only one that it can mean.

    Args:
        layout: The data set.
        image_ids: The ImageIDs, all different.
        follow_links: Whether links out of the data set are followed.
    """
    scan = EvalScan(follow_links=follow_links)
    files = dict(_files_below(scan, layout.eval_images))
    scan.files = pair(image_ids, [name for name in files if unsafe_name(name) is None], FILE_FORMS)
    scan.images = [_eval_image(scan, layout, number, image_id) for number, image_id in enumerate(image_ids)]
    taken = set(scan.files.values())
    folders = {files[name].partition("/")[0] for name in taken if "/" in name}
    spare = {written.partition("/")[0] for name, written in files.items() if name not in taken} - folders
    reason = "no row of info.csv names it; it is ignored"
    scan.entries = [
        Entry("eval", f"{EVAL_IMAGES}/{printable(name)}", "", "unlisted", reason + code_page_hint(name))
        for name in sorted(spare)
    ]
    return scan


def _files_below(scan: EvalScan, folder: Path, read: str = "", written: str = "") -> Iterator[tuple[str, str]]:
    """Yield the files below a folder by their relative names, as read and as on disk; links are not followed."""
    for entry in listing(folder):
        name, bare = read + as_read(entry), written + entry.name
        if is_litter(entry.name):
            scan.n_litter += 1
        elif is_folder(entry) and not entry.is_symlink():
            yield from _files_below(scan, Path(entry.path), f"{name}/", f"{bare}/")
        else:
            yield name, bare


def _eval_image(scan: EvalScan, layout: Layout, number: int, image_id: str) -> EvalImage:
    name = scan.files.get(image_id, image_id)
    problem = unsafe_name(name)
    if problem:
        return EvalImage(image_id, f"eval/unsafe/{number}", problem)
    path = on_disk(layout.eval_images, name)
    if os.path.lexists(path):
        problem = link_problem(path, layout.root, scan.follow_links)
    return EvalImage(image_id, f"{EVAL_IMAGES}/{name}", problem)


def count_once(entries: Sequence[Entry], lost: Sequence[Entry]) -> list[Entry]:
    """Count a renamed person once: a row without its folder and a folder without its row are one trouble, not two.

    Args:
        entries: Those of the training part.
        lost: Those about rows without a folder, whether counted or not.
    """
    folders = {entry.person: entry for entry in entries if entry.kind == "no-row"}
    renamed = alike({entry.person for entry in lost}, folders)
    said = {
        id(folders[folder]): f"perhaps of the row {row[:80]!r}, which has no folder" for row, folder in renamed.items()
    }
    others = [entry for entry in folders.values() if id(entry) not in said]
    for entry in others[: len(lost) - len(renamed)]:
        said[id(entry)] = "as many rows have no folder, and its photographs are counted there"
    return [
        replace(entry, reason=f"{entry.reason}; {said[id(entry)]}", left_out=0) if id(entry) in said else entry
        for entry in entries
    ]


def _person_problem(layout: Layout, link: Path, follow_links: bool) -> str | None:
    """Return why a person's folder must not be this link, or None."""
    problem = link_problem(link, layout.root, follow_links)
    if not problem and not follow_links and _meets(link, layout.train_images):
        problem = "it leads to another person"
    return problem and f"a person's folder must not be a link out of the data set or to another person: {problem}"


def _photograph_problem(layout: Layout, link: Path, follow_links: bool) -> str | None:
    """Return why a person's photograph must not be this link, or None."""
    problem = link_problem(link, layout.root, follow_links)
    inside = link.resolve().is_relative_to(link.parent.resolve()) if not problem else False
    if not problem and not follow_links and not inside and _meets(link, layout.train_images):
        problem = f"the link points outside {link.parent.name}/, to another person"
    return problem


def _meets(link: Path, folder: Path) -> bool:
    """Return whether a link leads into a folder, or to one that holds it."""
    target, folder = link.resolve(), folder.resolve()
    return target.is_relative_to(folder) or folder.is_relative_to(target)


def _scan_person(scan: TrainScan, layout: Layout, person: str, folder: Path) -> None:
    photographs: dict[str, str] = {}
    claimed: set[str] = set()
    extra: list[Entry] = []
    for entry in listing(folder):
        if is_litter(entry.name):
            scan.n_litter += 1
            continue
        path = Path(entry.path)
        name, where = spelling(path.stem), f"{TRAIN_IMAGES}/{person}/{printable(entry.name)}"
        if not is_photograph(entry.name) or is_folder(entry):
            reason = "a folder among photographs" if is_folder(entry) else "not a photograph by its extension"
            scan.entries.append(Entry("train", where, person, "not-a-photograph", reason))
        elif name not in MASK_OF_NAME:
            reason = f"the name states no mask state; expected one of {', '.join(MASK_OF_NAME)}"
            extra.append(Entry("train", where, person, "extra", reason, 1))
        elif name in claimed:
            reason = f"a second photograph named {name}; the first by name counts"
            extra.append(Entry("train", where, person, "extra", reason, 1))
        else:
            claimed.add(name)
            problem = _photograph_problem(layout, path, scan.follow_links) if entry.is_symlink() else None
            if problem:
                scan.entries.append(Entry("train", where, person, "unsafe-path", problem, 1))
            else:
                photographs[name] = f"{TRAIN_IMAGES}/{person}/{entry.name}"
    missing = [name for name in MASK_OF_NAME if name not in claimed]
    for name in missing:
        where = f"{TRAIN_IMAGES}/{person}/{name}.*"
        scan.entries.append(Entry("train", where, person, "missing", f"the folder has no photograph {name}", 1))
    # A photograph under another name is missing and extra at once; it counts as missing.
    scan.entries += [replace(entry, left_out=int(number >= len(missing))) for number, entry in enumerate(extra)]
    scan.folders[person] = photographs
