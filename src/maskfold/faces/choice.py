"""Which of the boxes is the face.

A necklace, a T-shirt or a poster can look more like a face than a masked face does, so neither the largest, the first
nor the most probable box is always right. But portraits of one data set resemble each other: their faces have about
the same place and size. The rule:

1. *Confident* boxes are those of training photographs with a single detection, of at least 99 %. Their medians and
   spreads (1.4826 x median absolute deviation) of centre x, centre y and log height, relative to the portrait, are the
   data set's *typical face*. It also applies to evaluation photographs, but is not learned from them.
2. The distance d of a box is measured in spreads: d^2 = dx^2 + dy^2 + dh^2.
3. A box's score is p / (1 + d^2 / 3), with p the detector's probability: the tail is heavy, so that an unusual portrait
   loses its face only to a better placed box.
4. A box is accepted if p is at least `min_probability` and d is at most 8. After a second look, two thirds of
   `min_probability` are enough if d is at most 3.
5. The accepted box with the highest score is the face. Without one, the *fallback* is the median of the confident
   boxes, in relative coordinates; without confident boxes it is the whole portrait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from maskfold.faces.detector import Boxes, Candidates

CONFIDENT: Final = 0.99
_ENOUGH_BOXES = 10
"""With fewer confident boxes, the distance ranks boxes but rejects none."""
LEAST_SPREAD = np.array([0.03, 0.03, 0.15])
"""Smallest spread of centre x, centre y and log height: some portraits are cut identically to the pixel."""
_FARTHEST = 8.0
_FARTHEST_AGAIN = 3.0
_ENOUGH_AGAIN = 2 / 3
_TAIL = 3.0

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """The chosen face."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""
    probability: float
    score: float


@dataclass(frozen=True)
class Typical:
    """Place and size of the faces of a data set, relative to the portrait."""

    centre: tuple[float, float, float]
    """Medians of centre x, centre y (shares of width and height) and log height (share of the height)."""
    spread: tuple[float, float, float]
    box: tuple[float, float, float, float]
    """Median left, top, right, bottom, as shares of width and height."""
    count: int
    """Number of confident boxes that this was learned from."""

    @classmethod
    def learn(cls, boxes: Boxes, sizes: NDArray[np.integer]) -> Self | None:
        """Summarise confident boxes.

        Args:
            boxes: (n, 4), pixels.
            sizes: (n, 2): height and width of each box's portrait.

        Returns:
            None if there are no boxes.
        """
        if not len(boxes):
            return None
        relative = _relative(boxes, sizes)
        places = _places(relative)
        centre = np.median(places, axis=0)
        deviation = 1.4826 * np.median(np.abs(places - centre), axis=0)
        return cls(
            _triple(centre),
            _triple(np.maximum(deviation, LEAST_SPREAD)),
            _quadruple(np.median(relative, axis=0)),
            len(boxes),
        )

    def distances(self, boxes: Boxes, height: int, width: int) -> Float64Array:
        """Return the distances of boxes from the typical face, in spreads: (n,)."""
        places = _places(_relative(boxes, np.array([[height, width]])))
        return np.asarray(np.linalg.norm((places - self.centre) / self.spread, axis=1))


def is_confident(found: Candidates, min_probability: float) -> bool:
    """Return whether a photograph has a single, nearly certain detection."""
    top = found.probabilities[:1]
    return bool(len(top) and top[0] >= CONFIDENT and (found.probabilities >= min_probability).sum() == 1)


def choose(
    found: Candidates, height: int, width: int, typical: Typical | None, min_probability: float, again: bool = False
) -> Face | None:
    """Choose the face among the candidates of one photograph, by the rule at the top of this module.

    Args:
        found: The candidates.
        height: Of the photograph, in pixels.
        width: Likewise.
        typical: The data set's typical face. Without one the score is p times the box's share of the photograph, so
            larger boxes are better.
        min_probability: Least probability of a face.
        again: Whether the candidates come from a second look.

    Returns:
        None if no candidate is accepted.
    """
    if not len(found):
        return None
    probabilities = found.probabilities.astype(np.float64)
    sides = np.maximum(found.boxes[:, 2:] - found.boxes[:, :2], 0)
    counts = (probabilities >= min_probability) & sides.all(axis=1)
    if typical is None:
        scores = probabilities * sides.prod(axis=1) / (height * width)
    else:
        distances = typical.distances(found.boxes, height, width)
        scores = probabilities / (1 + distances**2 / _TAIL)
        if typical.count >= _ENOUGH_BOXES:
            counts &= distances <= _FARTHEST
            if again:
                counts |= (probabilities >= _ENOUGH_AGAIN * min_probability) & (distances <= _FARTHEST_AGAIN)
    if not counts.any():
        return None
    best = int(np.argmax(np.where(counts, scores, -1.0)))
    return Face(_quadruple(found.boxes[best]), float(probabilities[best]), float(scores[best]))


def fallback(typical: Typical | None, height: int, width: int) -> tuple[float, float, float, float]:
    """Return the box for a photograph without a detected face, in pixels."""
    if typical is None:
        return 0.0, 0.0, float(width), float(height)
    return _quadruple(np.array(typical.box) * [width, height, width, height])


def learn_typical(found: Iterable[tuple[Candidates, int, int]], min_probability: float) -> Typical | None:
    """Learn the typical face of training photographs.

    Args:
        found: For each photograph its candidates, height and width.
        min_probability: Least probability of a face.
    """
    sure = [
        (candidates.boxes[0], (height, width))
        for candidates, height, width in found
        if is_confident(candidates, min_probability)
    ]
    boxes = np.array([box for box, _ in sure], dtype=np.float32).reshape(-1, 4)
    return Typical.learn(boxes, np.array([size for _, size in sure], dtype=np.int64).reshape(-1, 2))


def _relative(boxes: Boxes, sizes: NDArray[np.integer]) -> Float64Array:
    return boxes.astype(np.float64) / sizes[:, [1, 0, 1, 0]]


def _places(relative: Float64Array) -> Float64Array:
    left, top, right, bottom = relative.T
    return np.stack([(left + right) / 2, (top + bottom) / 2, np.log(np.maximum(bottom - top, 1e-6))], axis=1)


def _triple(values: Float64Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _quadruple(values: NDArray[np.floating]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in values)
    return left, top, right, bottom
