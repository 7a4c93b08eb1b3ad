"""Makes packs of faces and portraits from a manifest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from maskfold.dataset.provenance import image_paths
from maskfold.faces.choice import Typical, learn_typical
from maskfold.faces.detections import Detections, Found, LookName
from maskfold.faces.finder import Finder
from maskfold.faces.pack import FACES_FILE, PORTRAITS_FILE, IndexRow, Pack, index_table
from maskfold.faces.passes import Cropper, PhotographFile, Result, Revision, Search, Sighting
from maskfold.faces.workers import Workers
from maskfold.recipe import Crop

_log = logging.getLogger(__name__)
_TASK_IMAGES = 32
_TASK_PIXELS = 16_000_000
"""Largest number of photographs and of pixels in one task; bounds memory."""


@dataclass(frozen=True)
class Packs:
    """The finished packs."""

    faces: Path
    portraits: Path
    index: pd.DataFrame
    """See :func:`maskfold.faces.pack.index_table`."""
    typical: Typical | None
    """The data set's typical face; None without a confident detection."""


def pack_faces(
    manifest: pd.DataFrame,
    root: Path,
    crop: Crop,
    folder: Path,
    processes: int = 1,
    report: Callable[[int, int], None] | None = None,
    detections: Detections | None = None,
    external: Sequence[Path] = (),
    device: str | None = None,
) -> Packs:
    """Find, choose, crop and pack the faces of all photographs of a manifest.

    Row i of the packs belongs to row i of the manifest. Otherwise the result depends neither on the number of processes
    nor on the order of the manifest.

    Args:
        manifest: See :mod:`maskfold.dataset`; image, part, sha256, readable, width and height are used.
        root: The data set's folder.
        crop: Sizes, margins and least probability.
        folder: Where the two arrays are written.
        processes: Number of processes.
        report: Called with the number of photographs done and the total number.
        detections: Storage of detections between runs; None: they are not stored.
        external: The folders of the external tables. Their photographs are treated like all others, but the typical
            face is learned from the data set's own.
        device: Device of the detector; None: a GPU, shared by all processes, if there is one, else the CPU.

    Raises:
        CorruptDataError: If the manifest names a file outside the data set's folders.
        DatasetError: If a training photograph has changed or can no longer be read. An evaluation photograph becomes
            `unreadable` instead.
        JobFailedError: If a worker process dies.
    """
    faces = Pack.create(folder / FACES_FILE, len(manifest), crop.face_size)
    portraits = Pack.create(folder / PORTRAITS_FILE, len(manifest), crop.portrait_size)
    finder = Finder(crop, device or ("cuda" if torch.cuda.is_available() else "cpu"))
    cropper = Cropper(faces, portraits, finder)
    places, names = image_paths(manifest, root, external), stored_names(manifest)
    tasks = list(searches(manifest, places, names, detections.load("first") if detections else {}))
    total = sum(search.size for search in tasks)
    done, entries = 0, dict[int, IndexRow]()
    workers: Workers[Search | Revision, Result]
    with Workers(cropper, min(processes, len(tasks))) as workers:
        sightings: list[Sighting] = []
        for result in workers.map(tasks):
            sightings += result.sightings
            _keep(detections, "first", names, result)
            done += result.task_size
            if report is not None:
                report(done, total)
        sightings.sort(key=lambda seen: seen.photograph.row)
        own = (manifest["part"] == "train").to_numpy()
        training = [(seen.found, seen.height, seen.width) for seen in sightings if own[seen.photograph.row]]
        typical = learn_typical(training, crop.min_probability)
        settled, open_ones = _settle(finder, sightings, typical)
        entries.update(settled)
        closer = detections.load("closer") if detections and open_ones else {}
        for result in workers.map(_revisions(open_ones, typical, names, closer)):
            entries.update(result.entries)
            _keep(detections, "closer", names, result)
    if detections is not None:
        detections.flush()
    unreadable = IndexRow("unreadable")
    index = index_table(manifest, [entries.get(row, unreadable) for row in range(len(manifest))])
    lost = int((manifest["readable"].to_numpy() & (index["status"] == "unreadable").to_numpy()).sum())
    if lost:
        _log.warning("%d evaluation photographs have changed since the data set was read; they get the prior", lost)
    return Packs(faces.path, portraits.path, index, typical)


def stored_names(manifest: pd.DataFrame) -> list[str]:
    """Return the names under which detections are stored.

    Detections of training photographs are stored for one state of the whole training part, so their paths are enough.
    Evaluation photographs and external tables change from run to run; the checksum identifies their photographs.
    """
    return manifest["image"].where(manifest["part"] == "train", manifest["sha256"]).tolist()


def _keep(detections: Detections | None, look: LookName, names: list[str], result: Result) -> None:
    if detections is not None:
        for seen in result.sightings:
            detections.add(look, names[seen.photograph.row], seen)


def searches(
    manifest: pd.DataFrame, places: Sequence[Path], names: Sequence[str], known: dict[str, Found]
) -> Iterator[Search]:
    """Divide the readable photographs into tasks, sorted by size: images of equal size are searched together."""
    height, width = manifest["height"].to_numpy(), manifest["width"].to_numpy()
    digests = manifest["sha256"].tolist()
    required = (manifest["part"] != "eval").to_numpy()
    rows = np.flatnonzero(manifest["readable"].to_numpy())
    rows = rows[np.lexsort((rows, width[rows], height[rows]))]
    for task in _tasks(rows.tolist(), height * width.astype(np.int64), _TASK_IMAGES):
        photographs = [
            PhotographFile(row, places[row], bool(required[row]), int(height[row]), int(width[row]), digests[row])
            for row in task
        ]
        yield Search(
            tuple(photograph for photograph in photographs if names[photograph.row] not in known),
            tuple(
                Sighting(photograph, *known[names[photograph.row]])
                for photograph in photographs
                if names[photograph.row] in known
            ),
        )


def _tasks(rows: list[int], pixels: NDArray[np.int64], most: int) -> Iterator[list[int]]:
    """Divide rows into tasks with limited numbers of photographs and pixels."""
    task: list[int] = []
    held = 0
    for row in rows:
        if task and (len(task) == most or held + pixels[row] > _TASK_PIXELS):
            yield task
            task, held = [], 0
        task.append(row)
        held += int(pixels[row])
    if task:
        yield task


def _settle(
    finder: Finder, sightings: list[Sighting], typical: Typical | None
) -> tuple[dict[int, IndexRow], list[Sighting]]:
    """Separate photographs with a final crop from those that need the second pass."""
    settled, open_ones = dict[int, IndexRow](), []
    for seen in sightings:
        face = finder.choose(seen.found, seen.height, seen.width, typical)
        first = finder.choose(seen.found.top(), seen.height, seen.width, None)
        if face is not None and face.box == (first and first.box):
            settled[seen.photograph.row] = finder.entry("detected", face, seen.height, seen.width)
        else:
            open_ones.append(seen)
    return settled, open_ones


def _revisions(
    sightings: list[Sighting], typical: Typical | None, names: list[str], closer: dict[str, Found]
) -> Iterator[Revision]:
    """Divide the second pass into tasks."""
    pixels = np.array([seen.height * seen.width for seen in sightings], dtype=np.int64)
    for task in _tasks(list(range(len(sightings))), pixels, _TASK_IMAGES // 2):
        part = tuple(sightings[number] for number in task)
        known = {
            seen.photograph.row: Sighting(seen.photograph, *closer[names[seen.photograph.row]])
            for seen in part
            if names[seen.photograph.row] in closer
        }
        yield Revision(part, typical, known)
