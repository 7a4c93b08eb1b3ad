"""A closer look at photographs in which the first one found no face.

MTCNN's networks learnt from uncovered faces. Where too much is hidden, a face is often found after all at lower
thresholds for the first two networks, on a finer pyramid, in the mirror image, or after stretching the contrast. What
is found so is less certain, so it only counts where the data set's faces are: see
:func:`maskfold.faces.choice.choose`.
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
"""Per cent of the darkest and brightest pixels that stretching the contrast gives up."""


def look_again(
    detector: Detector, images: Sequence[Image], settled: Callable[[int, Candidates], bool] | None = None
) -> list[Candidates]:
    """Search each image as it is and, unless that settles it, mirrored and with stretched contrast.

    Args:
        detector: One that takes the :data:`CLOSER` look.
        images: Upright RGB images.
        settled: Tells by an image's number and by what was found in it as it is whether that is enough. Without it
            every image is searched three times.

    Returns:
        All that was found in an image, in the coordinates of the image as it is.
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
    """Put what several looks found into one."""
    return Candidates.ordered(
        np.concatenate([part.boxes for part in parts]), np.concatenate([part.probabilities for part in parts])
    )
