"""The first look at a share of the photographs, so that several machines can divide it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch

from maskfold.dataset.provenance import image_paths
from maskfold.errors import DatasetError
from maskfold.faces.cropping import searches, stored_names
from maskfold.faces.detections import Detections
from maskfold.faces.finder import Finder
from maskfold.faces.passes import PhotographFile, Result, Search, Sighting
from maskfold.faces.picture import DecodedPhotograph
from maskfold.faces.workers import Workers
from maskfold.recipe import Crop

Share = tuple[int, int]
"""Number, from 1, and how many there are."""


@dataclass(frozen=True)
class Looker:
    """Takes the first look at photographs, and packs nothing; picklable until it is used."""

    finder: Finder

    def __call__(self, task: Search) -> Result:
        """Carry out one task; a photograph that cannot be read is left to those who pack it, and report it."""
        pictures = [(one, picture) for one in task.photographs if (picture := self._read(one)) is not None]
        found = self.finder.look([picture for _, picture in pictures])
        sightings = [
            Sighting(photograph, picture.height, picture.width, seen)
            for (photograph, picture), seen in zip(pictures, found, strict=True)
        ]
        return Result(task.size, tuple(sightings))

    def _read(self, photograph: PhotographFile) -> DecodedPhotograph | None:
        size = photograph.height, photograph.width
        try:
            return DecodedPhotograph.read(
                photograph.path, *size, self.finder.crop, photograph.sha256, cut_off=not photograph.required
            )
        except DatasetError:
            return None


def detect_share(
    manifest: pd.DataFrame,
    fetch: Callable[[Sequence[str]], Path],
    crop: Crop,
    share: Share,
    detections: Detections,
    processes: int = 1,
    report: Callable[[int, int], None] | None = None,
    external: Sequence[Path] = (),
) -> int:
    """Store the detections of a share of the photographs; return how many photographs it has.

    Shares consist of whole tasks of :func:`maskfold.faces.pack_faces`, in which photographs are searched together: the
    detections are the same however many shares there are.

    Args:
        manifest: Of all photographs.
        fetch: Brings files of the data set, named relative to it, to this machine; returns the folder that has them.
        crop: As for packing.
        share: Which.
        detections: Where they are stored.
        processes: Number of processes.
        report: Called with the number of photographs done and the total number.
        external: The folders of the external tables.

    Raises:
        CorruptDataError: If the manifest names a file outside the data set's folders.
        JobFailedError: If a worker process dies.
    """
    number, of = share
    names = stored_names(manifest)
    places = image_paths(manifest, Path(), external)  # relative, until the files are here
    known = detections.load("first")
    mine = [task for place, task in enumerate(searches(manifest, places, names, known)) if place % of == number - 1]
    wanted = [one.path.as_posix() for task in mine for one in task.photographs]
    root = fetch([name for name in wanted if not name.startswith("/")])  # those of external tables are here
    tasks = [Search(tuple(_at(one, root) for one in task.photographs), task.known) for task in mine if task.photographs]
    total = sum(task.size for task in mine)
    done = total - sum(task.size for task in tasks)
    finder = Finder(crop, "cuda" if torch.cuda.is_available() else "cpu")
    workers: Workers[Search, Result]
    with Workers(Looker(finder), min(processes, max(1, len(tasks)))) as workers:
        for result in workers.map(tasks):
            for seen in result.sightings:
                detections.add("first", names[seen.photograph.row], seen)
            done += result.task_size
            if report is not None:
                report(done, total)
    detections.flush()
    return total


def _at(photograph: PhotographFile, root: Path) -> PhotographFile:
    """Return a photograph with the path of its file here; paths of external ones are absolute already."""
    return replace(photograph, path=root / photograph.path)
