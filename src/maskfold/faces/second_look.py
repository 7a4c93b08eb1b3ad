"""A closer look at photographs in which the first look found no face.

MTCNN's networks were trained on uncovered faces. If much of a face is covered, lower thresholds, a finer pyramid, the
mirror image or a stretched contrast often find it. Such detections are less certain, so they are accepted only near the
data set's typical face: see :func:`maskfold.faces.choice.choose`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from maskfold.faces.cascade import Look
from maskfold.faces.detector import Candidates, Detector, Image

CLOSER: Final = Look(min_face=1 / 8, thresholds=(0.4, 0.4, 0.4), overlap=0.7, factor=0.84, detail=240)
"""Twice as many pyramid levels and pixels, from smaller faces on, with low thresholds."""
_CLIPPED = 1
"""Percentage of darkest and of brightest pixels that are clipped when the contrast is stretched."""


def look_again(
    detector: Detector, images: Sequence[Image], settled: Callable[[int, Candidates], bool] | None = None
) -> list[Candidates]:
    """Search each image unchanged and, unless that is enough, mirrored and with stretched contrast.

    Args:
        detector: A detector with the :data:`CLOSER` look.
        images: Upright RGB images.
        settled: Returns, for an image's number and the detections in the unchanged image, whether these are enough.
            Without it every image is searched three times.

    Returns:
        All detections of each image, in the coordinates of the unchanged image.
    """
    found = detector.detect(images)
    open_ones = [number for number, seen in enumerate(found) if settled is None or not settled(number, seen)]
    mirrored = detector.detect([np.ascontiguousarray(images[number][:, ::-1]) for number in open_ones])
    stretched = detector.detect([_stretch(images[number]) for number in open_ones])
    for number, second, third in zip(open_ones, mirrored, stretched, strict=True):
        found[number] = join([found[number], _mirror(second, images[number].shape[1]), third])
    return found


def _stretch(image: Image) -> Image:
    return np.asarray(ImageOps.autocontrast(Pillow.fromarray(image), cutoff=_CLIPPED))


def _mirror(found: Candidates, width: int) -> Candidates:
    left, top, right, bottom = found.boxes.T
    return Candidates(np.stack([width - right, top, width - left, bottom], axis=1), found.probabilities)


def join(parts: Sequence[Candidates]) -> Candidates:
    """Merge the detections of several looks."""
    return Candidates.ordered(
        np.concatenate([part.boxes for part in parts]), np.concatenate([part.probabilities for part in parts])
    )
