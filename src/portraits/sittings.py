"""Who sits for a data set, and under which names their photographs are kept: the competition's layout."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

PHOTOGRAPHS: Final = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
"""Names of a person's seven photographs: five masks worn right, one worn wrong, none."""
GENDERS: Final = ("male", "female")
AGES: Final = ((18, 29), (30, 59), (60, 74))
"""Youngest and oldest of each of the competition's age groups (below 30, below 60, 60 and above), years."""
CELLS: Final = len(GENDERS) * len(AGES)
# Shares of people whose files are .png and .jpeg: few, as in the competition, where most are .jpg.
PNG_SHARE: Final = 0.027
JPEG_SHARE: Final = 0.019

Part = Literal["train", "eval"]


@dataclass(frozen=True)
class Sitting:
    """One person's seven photographs, before they are drawn."""

    part: Part
    number: int
    """From 1, within the part."""
    gender: int
    """0 male, 1 female."""
    age: int
    """Years."""
    files: tuple[str, ...]
    """Addresses relative to the data set, in the order of ``PHOTOGRAPHS``."""

    @property
    def folder(self) -> str:
        """Name of the person's folder, in the training part."""
        return training_folder(self.number, self.gender, self.age)


def training_folder(number: int, gender: int, age: int) -> str:
    """Return the name of a person's folder."""
    return f"{number:06d}_{GENDERS[gender]}_Drawn_{age}"


def plan(people: int, seed: int, eval_people: int) -> list[Sitting]:
    """Return all sittings of a data set; genders and age groups are balanced in each part."""
    sittings: list[Sitting] = []
    parts: tuple[tuple[Part, int], ...] = (("train", people), ("eval", eval_people))
    for part_number, (part, count) in enumerate(parts):
        rng = np.random.default_rng([seed, part_number, 0])
        cells = rng.permutation(np.arange(count) % CELLS)
        suffixes = _suffixes(rng, count)
        for number, cell in enumerate(cells, start=1):
            gender, group = divmod(int(cell), len(AGES))
            low, high = AGES[group]
            age = int(rng.integers(low, high + 1))
            if part == "train":
                stem = f"train/images/{training_folder(number, gender, age)}"
                files = [f"{stem}/{name}.{end}" for name, end in zip(PHOTOGRAPHS, suffixes[number - 1], strict=True)]
            else:  # names that say nothing, as the competition's
                files = [f"eval/images/{digest(f'maskfold demo {seed} {number} {name}')}.jpg" for name in PHOTOGRAPHS]
            sittings.append(Sitting(part, number, gender, age, tuple(files)))
    return sittings


def digest(text: str) -> str:
    """Return 40 hexadecimal digits that depend on a text, to name and to shuffle by."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _suffixes(rng: np.random.Generator, count: int) -> list[list[str]]:
    """Return a suffix per person and photograph: most jpg, some folders png or jpeg, and from ten people one mixed."""
    suffixes = [["jpg"] * len(PHOTOGRAPHS) for _ in range(count)]
    order = rng.permutation(count)
    if count >= 3:  # one folder of each, however few there are: readers must handle them all
        n_png, n_jpeg = max(1, round(PNG_SHARE * count)), max(1, round(JPEG_SHARE * count))
        for index in order[:n_png]:
            suffixes[index] = ["png"] * len(PHOTOGRAPHS)
        for index in order[n_png : n_png + n_jpeg]:
            suffixes[index] = ["jpeg"] * len(PHOTOGRAPHS)
    if count >= 10:
        suffixes[order[-1]][1::3] = ["png", "jpeg"]
    return suffixes
