"""People under two names: photographs that are nearly the same picture.

A hash finds pairs among many photographs: of a small grey picture one bit for each pair of neighbours, which is the
brighter one (the `dHash`, Krawetz, N. (2013), hackerfactor.com). Bare faces in the same place are alike, too, so that
pairs must also agree in detail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskfold.audit.suspect import Suspect

BITS: Final = 10
"""Of 64 that may differ."""
ALIKE: Final = 0.97
"""Least correlation of the two pictures in detail."""
_SIDE: Final = 24
"""Pixels of the picture that is compared in detail."""
_MOST_SHOWN: Final = 8
"""Photographs of a pair of people."""


@dataclass(frozen=True)
class Looks:
    """What is compared of photographs, (N,) rows each."""

    bits: NDArray[np.uint8]
    """(N, 8): 64 bits."""
    detail: NDArray[np.float32]
    """(N, pixels): standardised, so that the product of two is their correlation."""

    @classmethod
    def of(cls, faces: Sequence[NDArray[Any]]) -> Looks:
        """Look at faces, uint8, (height, width, 3) each."""
        bits = np.empty((len(faces), 8), dtype=np.uint8)
        detail = np.empty((len(faces), _SIDE * _SIDE), dtype=np.float32)
        for number, face in enumerate(faces):
            grey = Image.fromarray(face).convert("L")
            small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
            bits[number] = np.packbits(small[:, 1:] > small[:, :-1])
            fine = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float32).ravel()
            fine = fine - fine.mean()
            # A blank picture is like nothing.
            detail[number] = fine / max(1e-6, float(np.linalg.norm(fine)))
        return cls(bits, detail)


def duplicate_suspects(looks: Looks, images: Sequence[str], people: Sequence[str]) -> list[Suspect]:
    """Return people who seem to be in the data set under another name as well, or in its evaluation part.

    The certainty is ``-log(1 - correlation)`` of the two pictures that are most alike.

    Args:
        looks: Of all photographs.
        images: Their paths.
        people: The person of each; empty for a photograph of the evaluation part.
    """
    found: dict[tuple[str, str], list[tuple[float, int, int]]] = defaultdict(list)
    for one, other in _candidates(looks.bits):
        names = people[one], people[other]
        if names[0] == names[1]:
            continue
        likeness = float(looks.detail[one] @ looks.detail[other])
        if likeness >= ALIKE:
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


def _candidates(bits: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows that differ in few bits.

    Of two that differ in at most ten of 64 bits, at least one of the eight bytes differs in at most one bit. So each
    byte is looked up with each of its neighbours; every pair is yielded once.
    """
    seen: set[tuple[int, int]] = set()
    count = np.array([int(value).bit_count() for value in range(256)], dtype=np.uint8)
    near = [value for value in range(256) if count[value] <= BITS // 8]
    for place in range(bits.shape[1]):
        column = bits[:, place]
        rows_with = [np.flatnonzero(column == value) for value in range(256)]
        for value in range(256):
            mine = rows_with[value]
            for difference in near:
                theirs = rows_with[value ^ difference]
                if not len(mine) or not len(theirs) or value ^ difference < value:
                    continue
                yield from _close(bits, mine, theirs, count, seen)


def _close(
    bits: NDArray[np.uint8],
    mine: NDArray[np.intp],
    theirs: NDArray[np.intp],
    count: NDArray[np.uint8],
    seen: set[tuple[int, int]],
) -> Iterator[tuple[int, int]]:
    for row in mine:
        distance = count[bits[theirs] ^ bits[row]].sum(axis=1)
        for other in theirs[distance <= BITS]:
            pair = (int(min(row, other)), int(max(row, other)))
            if pair[0] != pair[1] and pair not in seen:
                seen.add(pair)
                yield pair
