"""Photographs of which nothing is known, cut out as those that the networks were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskfold.errors import DatasetError
from maskfold.faces.choice import Typical
from maskfold.faces.detector import Image
from maskfold.faces.finder import Finder
from maskfold.faces.pack import IndexRow
from maskfold.faces.picture import DecodedPhotograph
from maskfold.specs import ModelPackage


@dataclass(frozen=True)
class CroppedPhotograph:
    """What the networks get to see of one photograph."""

    height: int = 0
    """Of the upright photograph, in pixels; 0 if it cannot be read."""
    width: int = 0
    faces: tuple[IndexRow, ...] = ()
    """Where its faces are; one, unless all are asked for; none if it cannot be read."""
    crops: tuple[Image, ...] = ()
    """Each face, uint8, (height, width, 3); empty if no network looks at faces."""
    portrait: Image | None = None
    """The whole photograph; None if no network looks at it."""
    problem: str | None = None
    """Why it cannot be read."""
    note: str | None = None
    """What is wrong with it although it can be read."""


@dataclass(frozen=True)
class PhotographCropper:
    """Cuts out faces as a model wants them; picklable until it is used."""

    model: ModelPackage
    all_faces: bool = False
    """Return every face of a photograph, and none where none is found, instead of the one that is meant."""
    device: str = "cpu"
    """Device of the detector."""

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.model.crop, self.device)

    @cached_property
    def _typical(self) -> Typical | None:
        learnt = self.model.typical_face
        return None if learnt is None else Typical(learnt.centre, learnt.spread, learnt.box, learnt.count)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """What the networks look at: faces, portraits, or both."""
        return frozenset(network.input for network in self.model.networks)

    def __call__(self, sources: Sequence[Path | bytes]) -> list[CroppedPhotograph]:
        """Decode photographs, find their faces, and cut these out.

        The result for a photograph does not depend on the others.

        Raises:
            UnavailableError: If the disk or the network fails while reading.
        """
        results: list[CroppedPhotograph] = []
        taken: dict[int, tuple[DecodedPhotograph, str | None]] = {}
        for number, source in enumerate(sources):
            try:
                taken[number] = DecodedPhotograph.take(source, self.model.crop)
            except DatasetError as problem:
                results.append(CroppedPhotograph(problem=str(problem)))
            else:
                results.append(CroppedPhotograph())
        places = self._places([picture for picture, _ in taken.values()])
        for (number, (picture, note)), faces in zip(taken.items(), places, strict=True):
            results[number] = self._cut(picture, faces, note)
        return results

    def _places(self, pictures: Sequence[DecodedPhotograph]) -> list[tuple[IndexRow, ...]]:
        if self.all_faces:
            return [tuple(rows) for rows in self._finder.every(pictures)]
        found = self._finder.look(pictures)
        return [(decision.entry,) for decision in self._finder.decide(pictures, found, self._typical)]

    def _cut(self, picture: DecodedPhotograph, faces: tuple[IndexRow, ...], note: str | None) -> CroppedPhotograph:
        crop = self.model.crop
        keep_aspect, crops, portrait = crop.aspect != "stretch", list[Image](), None
        if "face" in self.inputs:
            crops = [picture.cut(face.crop, crop.face_size, keep_aspect=keep_aspect) for face in faces]
        if "portrait" in self.inputs:
            portrait = picture.cut((0.0, 0.0, picture.width, picture.height), crop.portrait_size)
        return CroppedPhotograph(picture.height, picture.width, faces, tuple(crops), portrait, note=note)


def stacked(images: Sequence[Image], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return images as one array, uint8, (N, height, width, 3); N may be 0."""
    return np.stack(images) if images else np.empty((0, *size, 3), np.uint8)
