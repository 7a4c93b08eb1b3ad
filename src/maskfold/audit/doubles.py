"""People under two names: photographs that are nearly the same picture, perhaps cropped otherwise or mirrored.

Two pictures are compared by a hash, of a small grey picture one bit for each pair of neighbours, which is the brighter
one (the `dHash`, Krawetz, N. (2013), hackerfactor.com), and in detail: bare faces in the same place are alike, too.
One of both is also cropped a little and mirrored. The features of our own networks tell such copies from strangers far
worse, as they have learnt what people have in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from maskfold.audit.suspect import Suspect

BITS: Final = 10
"""Of 64 that may differ."""
ALIKE: Final = 0.95
"""Least correlation of the two pictures in detail."""
CROPPED: Final = 0.04
"""Share of the width and height that is cut off: all of it at one side, at the other, or half at each."""
_SIDE: Final = 24
"""Pixels of the picture that is compared in detail."""
_BLOCK: Final = 1024
"""Photographs that are compared with all others at a time."""
_PAIRS: Final = 16_384
"""Pairs that are compared in detail at a time."""
_MOST_SHOWN: Final = 8
"""Photographs of a pair of people."""


@dataclass(frozen=True)
class Window:
    """What part of a picture is compared, as shares of its width and height, and whether it is mirrored."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    mirrored: bool = False

    def of(self, picture: Image.Image) -> Image.Image:
        """Return it."""
        width, height = picture.size
        box = round(self.left * width), round(self.top * height), round(self.right * width), round(self.bottom * height)
        cut = picture.crop(box)
        return ImageOps.mirror(cut) if self.mirrored else cut


WHOLE: Final = Window()
_STARTS: Final = (0.0, CROPPED / 2, CROPPED)
WINDOWS: Final = tuple(
    Window(*corner, mirrored=mirrored)
    for mirrored in (False, True)
    for corner in (
        (0.0, 0.0, 1.0, 1.0),
        *((left, top, 1 - CROPPED + left, 1 - CROPPED + top) for left, top in product(_STARTS, _STARTS)),
    )
)


@dataclass(frozen=True)
class Seen:
    """What is compared of the same part of all photographs, (N,) rows each."""

    signs: NDArray[np.float32]
    """(N, 64): the hash, -1 or 1, so that the product of two tells how many bits differ."""
    detail: NDArray[np.float32]
    """(N, pixels): standardised, so that the product of two is their correlation."""


@dataclass(frozen=True)
class Looks:
    """The grey pictures of all photographs."""

    pictures: tuple[Image.Image, ...]

    @classmethod
    def of(cls, faces: Sequence[NDArray[Any]]) -> Self:
        """Look at faces, uint8, (height, width, 3) each."""
        return cls(tuple(Image.fromarray(face).convert("L") for face in faces))

    def seen(self, window: Window) -> Seen:
        """Return what that part of each looks like."""
        signs = np.empty((len(self.pictures), 64), dtype=np.float32)
        detail = np.empty((len(self.pictures), _SIDE * _SIDE), dtype=np.float32)
        for number, picture in enumerate(self.pictures):
            cut = window.of(picture)
            small = np.asarray(cut.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
            signs[number] = np.where(small[:, 1:] > small[:, :-1], 1, -1).ravel()
            fine = np.asarray(cut.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float32).ravel()
            fine = fine - fine.mean()
            # A blank picture is like nothing.
            detail[number] = fine / max(1e-6, float(np.linalg.norm(fine)))
        return Seen(signs, detail)


def duplicate_suspects(looks: Looks, images: Sequence[str], people: Sequence[str]) -> list[Suspect]:
    """Return people who seem to be in the data set under another name as well, or in its evaluation part.

    The certainty is ``-log(1 - correlation)`` of the two pictures that are most alike.

    Args:
        looks: Of all photographs.
        images: Their paths.
        people: The person of each; empty for a photograph of the evaluation part.
    """
    alike: dict[tuple[int, int], float] = {}
    numbers = np.unique(np.asarray(people, dtype=object), return_inverse=True)[1]
    whole = looks.seen(WHOLE)
    for window in WINDOWS:
        for one, other, likeness in _pairs(whole, whole if window == WHOLE else looks.seen(window), numbers):
            rows = min(one, other), max(one, other)
            alike[rows] = max(likeness, alike.get(rows, 0.0))
    found: dict[tuple[str, str], list[tuple[float, int, int]]] = defaultdict(list)
    for (one, other), likeness in alike.items():
        names = people[one], people[other]
        # Of a pair with an evaluation photograph, the person of the training part comes first.
        swap = not names[0] or (bool(names[1]) and names[1] < names[0])
        first, second = (other, one) if swap else (one, other)
        key = people[first], people[second] or images[second]
        found[key].append((likeness, first, second))
    return [_suspect(key, pairs, images) for key, pairs in sorted(found.items())]


def _suspect(key: tuple[str, str], pairs: list[tuple[float, int, int]], images: Sequence[str]) -> Suspect:
    pairs = sorted(pairs, key=lambda pair: (-pair[0], images[pair[1]], images[pair[2]]))
    shown = dict.fromkeys(images[row] for _, *rows in pairs for row in rows)
    certainty = float(-np.log(max(1e-4, 1 - pairs[0][0])))
    return Suspect("duplicate person", key[0], tuple(shown)[:_MOST_SHOWN], (), certainty, other=key[1])


def _pairs(whole: Seen, view: Seen, people: NDArray[np.intp]) -> Iterator[tuple[int, int, float]]:
    """Yield rows of photographs of different people that are alike, the second one in another view, and how much."""
    most = view.signs.shape[1] - 2 * BITS
    for start in range(0, len(people), _BLOCK):
        rows = slice(start, start + _BLOCK)
        near = (whole.signs[rows] @ view.signs.T >= most) & (people[rows, None] != people)
        ones, others = np.nonzero(near)
        for first in range(0, len(ones), _PAIRS):  # of photographs that are all alike there are very many
            chosen = slice(first, first + _PAIRS)
            likeness = np.einsum("nd,nd->n", whole.detail[start + ones[chosen]], view.detail[others[chosen]])
            for pair in np.flatnonzero(likeness >= ALIKE):
                yield start + int(ones[first + pair]), int(others[first + pair]), float(likeness[pair])
