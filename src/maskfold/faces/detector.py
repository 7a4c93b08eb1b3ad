"""The interface of a face detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3), RGB."""
Boxes = NDArray[np.float32]
"""(n, 4): left, top, right, bottom; edges in pixels, so that a box that covers a whole image is 0, 0, width, height."""


@dataclass(frozen=True)
class Candidates:
    """The detections in one image, most probable first."""

    boxes: Boxes
    """(n, 4) float32, pixels; may reach beyond the image's borders."""
    probabilities: NDArray[np.float32]
    """(n,) float32, 0..1, descending."""

    @classmethod
    def ordered(cls, boxes: Boxes, probabilities: NDArray[np.float32]) -> Candidates:
        """Sort boxes by probability; equally probable ones from left to right, then top to bottom."""
        by_rank = np.lexsort((boxes[:, 1], boxes[:, 0], -probabilities))
        return cls(boxes[by_rank], probabilities[by_rank])

    def __len__(self) -> int:
        return len(self.probabilities)

    def top(self) -> Candidates:
        """Return only the most probable candidate."""
        return Candidates(self.boxes[:1], self.probabilities[:1])

    def scaled(self, across: float, down: float) -> Candidates:
        """Return the same faces in the coordinates of an image enlarged by these factors."""
        return Candidates(self.boxes * np.array([across, down, across, down], np.float32), self.probabilities)


class Detector(Protocol):
    """Finds faces in images."""

    def detect(self, images: Sequence[Image]) -> list[Candidates]:
        """Find the faces of each image; the result for an image does not depend on the others.

        Args:
            images: Upright RGB images of any sizes.

        Returns:
            One entry per image, in the same order.
        """
        ...
