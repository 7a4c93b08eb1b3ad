"""The work on a few photographs in the first and in the second pass.

The first pass decodes each photograph, packs the portrait, detects, and packs the crop of the most probable box. Only
then is the data set's typical face known. The second pass repeats the choice for the few photographs where the typical
face makes a difference or nothing was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from maskfold.errors import DatasetError
from maskfold.faces.choice import Typical
from maskfold.faces.detector import Candidates
from maskfold.faces.finder import Finder
from maskfold.faces.pack import IndexRow, Pack
from maskfold.faces.picture import DecodedPhotograph


@dataclass(frozen=True)
class PhotographFile:
    """One image file and its row in the packs."""

    row: int
    path: Path
    required: bool
    """Whether a read failure is an error: the photograph was readable before, and is trained on."""
    height: int
    """Of the upright photograph, in pixels."""
    width: int
    sha256: str
    """Of the file's bytes when the data set was read."""


@dataclass(frozen=True)
class Sighting:
    """The detections of the first look in a photograph."""

    photograph: PhotographFile
    height: int
    width: int
    found: Candidates


@dataclass(frozen=True)
class Search:
    """Task of the first pass."""

    photographs: tuple[PhotographFile, ...]
    known: tuple[Sighting, ...] = ()
    """Detections from earlier runs; these photographs are only packed."""

    @property
    def size(self) -> int:
        """Total number of photographs."""
        return len(self.photographs) + len(self.known)


@dataclass(frozen=True)
class Revision:
    """Task of the second pass."""

    sightings: tuple[Sighting, ...]
    typical: Typical | None
    known: dict[int, Sighting]
    """Stored detections of both looks from earlier runs, by row."""


@dataclass(frozen=True)
class Result:
    """The result of a task; an unreadable photograph is in neither list."""

    task_size: int
    sightings: tuple[Sighting, ...] = ()
    """Detections; after a revision, of both looks."""
    entries: tuple[tuple[int, IndexRow], ...] = ()
    """Rows and final index entries."""


@dataclass(frozen=True)
class Cropper:
    """Carries out tasks; picklable."""

    faces: Pack
    portraits: Pack
    finder: Finder

    def __call__(self, task: Search | Revision) -> Result:
        """Carry out one task."""
        if isinstance(task, Search):
            return self._search(task)
        return self._revise(task)

    def _search(self, task: Search) -> Result:
        pictures = [
            (photograph, picture) for photograph in task.photographs if (picture := self._read(photograph)) is not None
        ]
        sightings = []
        all_found = self.finder.look([picture for _, picture in pictures])
        for (photograph, picture), found in zip(pictures, all_found, strict=True):
            sightings.append(Sighting(photograph, picture.height, picture.width, found))
            self._pack_at_once(picture, sightings[-1])
        for seen in task.known:
            if (known := self._read(seen.photograph)) is not None:
                sightings.append(seen)
                self._pack_at_once(known, seen)
        return Result(task.size, sightings=tuple(sightings))

    def _pack_at_once(self, picture: DecodedPhotograph, seen: Sighting) -> None:
        """Pack the portrait and the most probable face."""
        row = seen.photograph.row
        self.portraits.write(row, picture.cut((0.0, 0.0, seen.width, seen.height), self.portraits.size))
        face = self.finder.choose(seen.found.top(), seen.height, seen.width, None)
        if face is not None:
            self._pack(picture, row, self.finder.entry("detected", face, seen.height, seen.width))

    def _revise(self, task: Revision) -> Result:
        pictures = [(seen, one) for seen in task.sightings if (one := self._read(seen.photograph)) is not None]
        known = [task.known.get(seen.photograph.row) for seen, _ in pictures]
        decisions = self.finder.decide(
            [picture for _, picture in pictures],
            [seen.found for seen, _ in pictures],
            task.typical,
            [None if one is None else one.found for one in known],
        )
        fresh, entries = [], []
        for (seen, picture), decision in zip(pictures, decisions, strict=True):
            if decision.closer is not None:
                fresh.append(replace(seen, found=decision.closer))
            self._pack(picture, seen.photograph.row, decision.entry)
            entries.append((seen.photograph.row, decision.entry))
        return Result(len(pictures), tuple(fresh), tuple(entries))

    def _pack(self, picture: DecodedPhotograph, row: int, entry: IndexRow) -> None:
        self.faces.write(
            row, picture.cut(entry.crop, self.faces.size, keep_aspect=self.finder.crop.aspect != "stretch")
        )

    def _read(self, photograph: PhotographFile) -> DecodedPhotograph | None:
        try:
            size = photograph.height, photograph.width
            return DecodedPhotograph.read(
                photograph.path, *size, self.finder.crop, photograph.sha256, cut_off=not photograph.required
            )
        except DatasetError as error:
            if not photograph.required:
                return None
            raise DatasetError(
                f"{error}; it was readable when the data set was scanned. Restore the file, or run again to leave it "
                "out"
            ) from None
