"""The closer look, with a detector that finds bright pixels."""

from collections.abc import Sequence

import numpy as np

from maskfold.faces.detector import Candidates, Image
from maskfold.faces.second_look import look_again


class BrightSpot:
    """Finds the one region of full brightness, but only in the left half."""

    def detect(self, images: Sequence[Image]) -> list[Candidates]:
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> Candidates:
        rows, columns = np.nonzero((image == 255).all(axis=2))
        if len(rows) == 0 or columns.max() >= image.shape[1] // 2:
            return Candidates(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return Candidates(np.array([box], np.float32), np.array([0.8], np.float32))


def spot(left: int, brightness: int) -> Image:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, left : left + 8] = brightness
    return image


def test_mirrored_detections_have_the_original_coordinates() -> None:
    (found,) = look_again(BrightSpot(), [spot(45, 255)])
    assert found.boxes.tolist() == [[45, 10, 53, 20]]


def test_stretched_contrast_shows_what_was_dim() -> None:
    (found,) = look_again(BrightSpot(), [spot(5, 90)])
    assert found.boxes.tolist() == [[5, 10, 13, 20]]


def test_nothing_anywhere() -> None:
    (found,) = look_again(BrightSpot(), [np.zeros((40, 60, 3), np.uint8)])
    assert len(found) == 0
    assert look_again(BrightSpot(), []) == []
