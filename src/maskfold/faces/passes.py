"""The work on a few photographs in the first and in the second pass.

The first pass decodes each photograph, packs the portrait, detects, and packs the crop of the most probable box. Only
then is the data set's typical face known. The second pass repeats the choice for the few photographs where the typical
face makes a difference or nothing was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from maskfold.errors import DatasetError
from maskfold.faces.cascade import Cascade, Look
from maskfold.faces.choice import Face, Typical, choose, fallback
from maskfold.faces.detector import Candidates, Detector
from maskfold.faces.geometry import crop_box
from maskfold.faces.pack import IndexRow, Pack, Status
from maskfold.faces.picture import DecodedPhotograph
from maskfold.faces.second_look import CLOSER, join, look_again
from maskfold.recipe import Crop


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

    crop: Crop
    faces: Pack
    portraits: Pack
    device: str = "cpu"
    """Device of the detector."""

    @cached_property
    def _first(self) -> Detector:
        look = Look()
        propose, refine, decide = look.thresholds
        look = replace(look, thresholds=(propose, refine, min(decide, self.crop.min_probability)))
        return Cascade(look, self.device)

    @cached_property
    def _closer(self) -> Detector:
        return Cascade(CLOSER, self.device)

    def __call__(self, task: Search | Revision) -> Result:
        """Carry out one task."""
        if isinstance(task, Search):
            return self._search(task)
        return self._revise(task)

    def entry(
        self, status: Status, box: tuple[float, float, float, float], probability: float, seen: Sighting
    ) -> IndexRow:
        """Return the index entry of a photograph with this face."""
        crop = crop_box(box, self.crop, seen.height, seen.width)
        return IndexRow(status, probability, box, crop)

    def _search(self, task: Search) -> Result:
        pictures = [
            (photograph, picture) for photograph in task.photographs if (picture := self._read(photograph)) is not None
        ]
        sightings = []
        all_found = self._first.detect([picture.pixels for _, picture in pictures])
        for (photograph, picture), found in zip(pictures, all_found, strict=True):
            sightings.append(Sighting(photograph, picture.height, picture.width, picture.located(found)))
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
        face = self.choose(replace(seen, found=seen.found.top()), None)
        if face is not None:
            self._pack(picture, row, self.entry("detected", face.box, face.probability, seen))

    def _revise(self, task: Revision) -> Result:
        typical = task.typical
        pictures = [(seen, one) for seen in task.sightings if (one := self._read(seen.photograph)) is not None]
        choices = [self.choose(seen, typical) for seen, _ in pictures]
        lost = [pair for pair, face in zip(pictures, choices, strict=True) if face is None]
        fresh = self._look_again([pair for pair in lost if pair[0].photograph.row not in task.known], typical)
        second = task.known | {seen.photograph.row: seen for seen in fresh}
        entries = []
        for (seen, picture), first in zip(pictures, choices, strict=True):
            row = seen.photograph.row
            status: Status = "detected"
            face = first
            if face is None:
                face, status = self.choose(second[row], typical, again=True), "retried"
            if face is not None:
                entry = self.entry(status, face.box, face.probability, seen)
            else:
                entry = self.entry("fallback", fallback(typical, seen.height, seen.width), float("nan"), seen)
            self._pack(picture, row, entry)
            entries.append((row, entry))
        return Result(len(pictures), tuple(fresh), tuple(entries))

    def _look_again(self, lost: list[tuple[Sighting, DecodedPhotograph]], typical: Typical | None) -> list[Sighting]:
        """Return the sightings with the detections of the closer look added."""

        def joined(number: int, found: Candidates) -> Sighting:
            seen, picture = lost[number]
            return replace(seen, found=join([seen.found, picture.located(found)]))

        def settled(number: int, found: Candidates) -> bool:
            return self.choose(joined(number, found), typical, again=True) is not None

        found = look_again(self._closer, [picture.pixels for _, picture in lost], settled)
        return [joined(number, added) for number, added in enumerate(found)]

    def choose(self, seen: Sighting, typical: Typical | None, again: bool = False) -> Face | None:
        """Choose the face of a photograph."""
        return choose(seen.found, seen.height, seen.width, typical, self.crop.min_probability, again)

    def _pack(self, picture: DecodedPhotograph, row: int, entry: IndexRow) -> None:
        self.faces.write(row, picture.cut(entry.crop, self.faces.size, keep_aspect=self.crop.aspect != "stretch"))

    def _read(self, photograph: PhotographFile) -> DecodedPhotograph | None:
        try:
            size = photograph.height, photograph.width
            return DecodedPhotograph.read(
                photograph.path, *size, self.crop, photograph.sha256, cut_off=not photograph.required
            )
        except DatasetError as error:
            if not photograph.required:
                return None
            raise DatasetError(
                f"{error}; it was readable when the data set was scanned. Restore the file, or run again to leave it "
                "out"
            ) from None
