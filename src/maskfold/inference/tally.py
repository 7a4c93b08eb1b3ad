"""What is counted over all answers, in memory that does not grow with their number."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from maskfold.inference.answers import EDGES
from maskfold.inference.joining import Piece
from maskfold.inference.parts import PHOTOGRAPH
from maskfold.scheme import IntArray, Scheme

SHOWN: Final = 12
"""Surest and least sure answers of the contact sheet, each."""
_REASONS: Final = 20
"""Unreadable photographs that are named."""


@dataclass(frozen=True, order=True)
class Example:
    """An answer for the contact sheet."""

    confidence: float
    number: int
    """Of the answer in the result; of equal confidences, the first ones are shown."""
    part: str
    photograph: int
    name: str
    said: str
    box: tuple[float, ...]


@dataclass
class Tally:
    """Counts over all answers."""

    scheme: Scheme
    photographs: int = 0
    rows: int = 0
    unsure: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    sides: Counter[int] = field(default_factory=Counter)
    """Shorter sides of readable photographs."""
    unreadable: list[str] = field(default_factory=list)
    confidence: float = 0.0
    surest: list[Any] = field(default_factory=list)
    least_sure: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.classes = np.zeros(self.scheme.n_classes, dtype=np.int64)

    def add(self, piece: Piece) -> None:
        """Count some answers."""
        table = piece.table
        status, first = table["face_status"].to_numpy(), table["face"].to_numpy() == 0
        self.photographs += int(first.sum())
        self.statuses.update(status.tolist())
        answered = (status != "unreadable") & (status != "none")
        self.classes += np.bincount(classes_of(table[answered]), minlength=len(self.classes))
        self.unsure += int(table["unsure"].to_numpy()[answered].sum())
        confidence = table["confidence"].to_numpy()
        self.confidence += float(confidence[answered].sum())
        shorter = np.minimum(table["height"].to_numpy(), table["width"].to_numpy())
        self.sides.update(shorter[first & (status != "unreadable")].tolist())
        for row in np.flatnonzero(status == "unreadable")[: _REASONS - len(self.unreadable)].tolist():
            self.unreadable.append(f"{table['image'].iloc[row]}: {table['problem'].iloc[row]}")
        for row in _extremes(np.where(answered, confidence, np.nan)):
            self._show(table.iloc[row], self.rows + row, piece.part)
        self.rows += len(table)

    @property
    def answered(self) -> int:
        """Answers that say something of a photograph."""
        return int(self.classes.sum())

    def side_quantiles(self) -> tuple[int, int, int] | None:
        """Return the 5 %, 50 % and 95 % quantiles of the shorter side."""
        if not self.sides:
            return None
        values = np.array(sorted(self.sides))
        upto = np.cumsum([self.sides[value] for value in values.tolist()])
        low, middle, high = (int(values[np.searchsorted(upto, share * upto[-1])]) for share in (0.05, 0.5, 0.95))
        return low, middle, high

    def _show(self, row: Any, number: int, part: str) -> None:
        said = ", ".join(str(row[name]) for name in self.scheme.names)
        box = tuple(float(row[f"face_{edge}"]) for edge in EDGES)
        one = Example(float(row["confidence"]), number, part, int(row[PHOTOGRAPH]), str(row["image"]), said, box)
        for kept, sign in ((self.surest, 1), (self.least_sure, -1)):
            heapq.heappush(kept, (sign * one.confidence, -number, one))
            if len(kept) > SHOWN:
                heapq.heappop(kept)

    def examples(self) -> tuple[list[Example], list[Example]]:
        """Return the surest answers and the least sure ones, the most extreme first; no answer is in both."""
        surest = [one for *_, one in sorted(self.surest, reverse=True)]
        least = [one for *_, one in sorted(self.least_sure, reverse=True)]
        shown = {one.number for one in least}
        return [one for one in surest if one.number not in shown], least


def classes_of(table: pd.DataFrame) -> IntArray:
    """Return the joint classes of answers that have one."""
    return np.asarray(table["class"].to_numpy(dtype=np.int64, na_value=-1), dtype=np.int64)


def _extremes(confidence: np.ndarray[Any, np.dtype[np.float64]]) -> list[int]:
    """Return the rows with the most and the least confidence."""
    rows = np.flatnonzero(~np.isnan(confidence))
    ordered = rows[np.argsort(confidence[rows], kind="stable")]
    highest = rows[np.argsort(-confidence[rows], kind="stable")]
    return sorted({*ordered[:SHOWN].tolist(), *highest[:SHOWN].tolist()})
