"""A photograph's pixels, at full resolution or as much as the crop needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from maskfold.dataset.images import decode, decode_new
from maskfold.faces.cascade import Look
from maskfold.faces.detector import Candidates, Image
from maskfold.faces.geometry import Box, cut
from maskfold.faces.second_look import CLOSER
from maskfold.recipe import Crop


@dataclass(frozen=True)
class DecodedPhotograph:
    """Pixels, and the size of the upright photograph. All boxes are in the photograph's coordinates."""

    pixels: Image
    height: int
    width: int

    @classmethod
    def read(
        cls, path: Path, height: int, width: int, crop: Crop, sha256: str | None = None, cut_off: bool = False
    ) -> DecodedPhotograph:
        """Decode a photograph at the resolution that detection and crop can use.

        Args:
            path: The file.
            height: Of the upright photograph.
            width: Likewise.
            crop: Sizes of the crop and the portrait.
            sha256: Digest that the file's bytes must have; None accepts any.
            cut_off: Accept a JPEG that lacks its end.

        Raises:
            DatasetError: If the file is not usable.
            UnavailableError: If the disk or the network fails while reading.
        """
        return cls(decode(path, least_side(crop), sha256, cut_off), height, width)

    @classmethod
    def take(cls, source: Path | bytes, crop: Crop) -> tuple[DecodedPhotograph, str | None]:
        """Decode a photograph of which nothing is known, at the resolution that detection and crop can use.

        Args:
            source: The file, or its bytes.
            crop: Sizes of the crop and the portrait.

        Returns:
            The photograph, and what is wrong with it although it can be used; None when nothing is.

        Raises:
            DatasetError: If it cannot be used; the message is the reason alone.
            UnavailableError: If the disk or the network fails while reading.
        """
        found = decode_new(source, least_side(crop))
        return cls(found.pixels, found.height, found.width), found.note

    def located(self, found: Candidates) -> Candidates:
        """Return detections from the pixels in the photograph's coordinates."""
        if self.pixels.shape[:2] == (self.height, self.width):
            return found
        return found.scaled(self.width / self.pixels.shape[1], self.height / self.pixels.shape[0])

    def cut(self, box: Box, size: tuple[int, int], keep_aspect: bool = False) -> Image:
        """Cut out a box, in the photograph's coordinates; see :func:`maskfold.faces.geometry.cut`."""
        across, down = self.pixels.shape[1] / self.width, self.pixels.shape[0] / self.height
        left, top, right, bottom = box
        return cut(self.pixels, (left * across, top * down, right * across, bottom * down), size, keep_aspect)


def least_side(crop: Crop) -> int:
    """Return the shorter side, in pixels, above which neither crops nor detection improve.

    At this size the smallest face of the first look still fills its crop, the portrait fills its pack, and the closer
    look reduces the photograph anyway.
    """
    return max(math.ceil(crop.face_size[1] / Look().min_face), *crop.portrait_size, 2 * CLOSER.detail)
