"""Finds the face of photographs: a first look, the choice, and a closer look where the first finds none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from maskfold.faces.cascade import Cascade, Look
from maskfold.faces.choice import Face, Typical, choose, fallback
from maskfold.faces.detector import Candidates, Detector
from maskfold.faces.geometry import crop_box
from maskfold.faces.pack import IndexRow, Status
from maskfold.faces.picture import DecodedPhotograph
from maskfold.faces.second_look import CLOSER, join, look_again
from maskfold.recipe import Crop


@dataclass(frozen=True)
class Decision:
    """Where the face of a photograph is."""

    entry: IndexRow
    closer: Candidates | None = None
    """The detections of both looks, if the closer one was taken now."""


@dataclass(frozen=True)
class Finder:
    """Detectors and the rule of choice; picklable until it is used."""

    crop: Crop
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

    def look(self, pictures: Sequence[DecodedPhotograph]) -> list[Candidates]:
        """Return the detections of the first look, in the photographs' coordinates."""
        found = self._first.detect([picture.pixels for picture in pictures])
        return [picture.located(one) for picture, one in zip(pictures, found, strict=True)]

    def choose(self, found: Candidates, height: int, width: int, typical: Typical | None) -> Face | None:
        """Choose the face among the detections of the first look."""
        return choose(found, height, width, typical, self.crop.min_probability)

    def entry(self, status: Status, face: Face, height: int, width: int) -> IndexRow:
        """Return the index entry of a photograph with this face."""
        return IndexRow(status, face.probability, face.box, crop_box(face.box, self.crop, height, width))

    def decide(
        self,
        pictures: Sequence[DecodedPhotograph],
        found: Sequence[Candidates],
        typical: Typical | None,
        closer: Sequence[Candidates | None] = (),
    ) -> list[Decision]:
        """Decide where the face of each photograph is.

        Args:
            pictures: The photographs.
            found: Their detections of the first look.
            typical: The data set's typical face.
            closer: Detections of both looks that are known from before, for each photograph; none by default.
        """
        known = list(closer) or [None] * len(pictures)
        faces = [
            self.choose(seen, picture.height, picture.width, typical)
            for picture, seen in zip(pictures, found, strict=True)
        ]
        lost = [number for number, face in enumerate(faces) if face is None and known[number] is None]
        fresh = self._look_again([pictures[number] for number in lost], [found[number] for number in lost], typical)
        taken = dict(zip(lost, fresh, strict=True))
        decisions = []
        for number, (picture, face) in enumerate(zip(pictures, faces, strict=True)):
            if face is not None:
                decisions.append(Decision(self.entry("detected", face, picture.height, picture.width)))
                continue
            both = taken[number] if number in taken else known[number]
            decisions.append(Decision(self._retried(picture, both, typical), taken.get(number)))
        return decisions

    def every(self, pictures: Sequence[DecodedPhotograph]) -> list[list[IndexRow]]:
        """Return all faces of each photograph, the most probable first, down to an eighth of the shorter side."""
        found = self._closer.detect([picture.pixels for picture in pictures])
        rows = []
        for picture, seen in zip(pictures, map(DecodedPhotograph.located, pictures, found), strict=True):
            faces = [
                Face((left, top, right, bottom), float(probability), float(probability))
                for (left, top, right, bottom), probability in zip(
                    seen.boxes.tolist(), seen.probabilities.tolist(), strict=True
                )
                if probability >= self.crop.min_probability and right > left and bottom > top
            ]
            rows.append([self.entry("detected", face, picture.height, picture.width) for face in faces])
        return rows

    def _retried(self, picture: DecodedPhotograph, both: Candidates | None, typical: Typical | None) -> IndexRow:
        height, width = picture.height, picture.width
        face = None if both is None else self._choose_again(both, height, width, typical)
        if face is not None:
            return self.entry("retried", face, height, width)
        box = fallback(typical, height, width)
        return IndexRow("fallback", float("nan"), box, crop_box(box, self.crop, height, width))

    def _choose_again(self, both: Candidates, height: int, width: int, typical: Typical | None) -> Face | None:
        return choose(both, height, width, typical, self.crop.min_probability, again=True)

    def _look_again(
        self, pictures: Sequence[DecodedPhotograph], first: Sequence[Candidates], typical: Typical | None
    ) -> list[Candidates]:
        """Return the detections of both looks."""

        def joined(number: int, found: Candidates) -> Candidates:
            return join([first[number], pictures[number].located(found)])

        def settled(number: int, found: Candidates) -> bool:
            height, width = pictures[number].height, pictures[number].width
            return self._choose_again(joined(number, found), height, width, typical) is not None

        found = look_again(self._closer, [picture.pixels for picture in pictures], settled)
        return [joined(number, added) for number, added in enumerate(found)]
