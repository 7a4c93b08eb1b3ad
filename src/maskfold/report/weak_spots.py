"""Where the vote is weak: how often it is right by kind of photograph, and by number, such as years."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.ensemble.combination import Combination
from maskfold.report.groups import bins, step_of
from maskfold.report.numbers import percent
from maskfold.scheme import JOINT, Attribute, FloatArray

MOST_KINDS: Final = 20
"""Of photographs; names that are more varied are no kinds."""
FEW: Final = 10
"""People; of fewer, a share says little."""
_POINTS: Final = 12
"""Approximate limit of the groups of a number."""
_ERRORS: Final = 2.0
"""Standard errors below the share of all photographs that count as weak."""


@dataclass(frozen=True)
class GroupShare:
    """How often one target is right in one group."""

    right: float
    weak: bool
    """Less often than in all photographs, by more than chance."""


@dataclass(frozen=True)
class GroupRow:
    """One group of photographs."""

    name: str
    images: int
    people: int
    shares: tuple[GroupShare, ...]
    """Of all attributes together, then of each."""


@dataclass(frozen=True)
class GroupTable:
    """Groups by one property."""

    title: str
    rows: tuple[GroupRow, ...]
    said: str
    """The weakest group; empty where none is weak."""


def weak_spots(combination: Combination) -> list[GroupTable]:
    """Return tables by the names that photographs of all people share (``mask1``, ``normal``), and by each number.

    Args:
        combination: The vote.
    """
    answers = combination.vote.answers
    right = {name: answers[name][0] == answers[name][1] for name in (JOINT, *combination.scheme.parts)}
    found = []
    for title, groups, names in _groupings(combination):
        rows = tuple(_row(name, (groups == name).to_numpy(), right, combination.train["person"]) for name in names)
        if len(rows) > 1:
            found.append(GroupTable(f"By {title}", rows, _weakest(title, rows, right)))
    return found


def _groupings(combination: Combination) -> Iterator[tuple[str, pd.Series[str], list[str]]]:
    """Yield what photographs are grouped by, the group of each, and the groups in order."""
    train = combination.train
    kinds = train["name"].map(lambda name: PurePosixPath(name).stem)
    people = train.groupby(kinds)["person"].nunique()
    common = people[people >= FEW].index
    if len(common) <= MOST_KINDS and kinds.isin(common).mean() > 0.5:  # names that are numbers are no kinds
        yield "kind of photograph", kinds, list(common)
    for attribute in combination.scheme.attributes:
        if attribute.is_number:
            yield attribute.name, *_spans(train[attribute.name], attribute)


def _spans(numbers: pd.Series[float], attribute: Attribute) -> tuple[pd.Series[str], list[str]]:
    """Return the span of each number, such as ``45 to 49``, and all spans; none reaches across a bound."""
    true: FloatArray = np.asarray(numbers, dtype=np.float64)
    starts = pd.Series(bins(true, attribute, step_of(true, _POINTS)), index=numbers.index)
    names = {
        start: f"{inside.min():g} to {inside.max():g}" if inside.min() < inside.max() else f"{inside.min():g}"
        for start, inside in numbers.groupby(starts)
    }
    return starts.map(names), list(names.values())


def _row(name: str, chosen: NDArray[np.bool_], right: dict[str, NDArray[np.bool_]], person: pd.Series[str]) -> GroupRow:
    whose = person[chosen].to_numpy()
    people = len(set(whose))
    shares = []
    for target in right.values():
        share, error = share_of(target[chosen], whose)
        shares.append(GroupShare(share, people >= FEW and share + _ERRORS * error < float(target.mean())))
    return GroupRow(name, int(chosen.sum()), people, tuple(shares))


def share_of(right: NDArray[np.bool_], people: NDArray[np.object_]) -> tuple[float, float]:
    """Return the share of right photographs and its standard error, as that of a ratio over people.

    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, chapter 6. Photographs of one person are alike, so that an
    error over photographs would be too small.

    Args:
        right: (N,).
        people: (N,).
    """
    share = float(right.mean())
    _, codes = np.unique(people.astype(str), return_inverse=True)
    counts = np.bincount(codes)
    if len(counts) < 2:
        return share, float("inf")
    rest = np.bincount(codes, weights=right) - share * counts
    return share, float(np.sqrt((rest**2).sum() * len(counts) / (len(counts) - 1)) / counts.sum())


def _weakest(title: str, rows: tuple[GroupRow, ...], right: dict[str, NDArray[np.bool_]]) -> str:
    """Name the group and the attribute that is farthest below its share in all photographs."""
    gaps = [
        (float(all_of.mean()) - share.right, row, target, float(all_of.mean()))
        for row in rows
        for share, (target, all_of) in zip(row.shares, right.items(), strict=True)
        if share.weak and (target != JOINT or len(right) == 1)
    ]
    if not gaps:
        return ""
    gap, row, target, overall = max(gaps, key=lambda one: one[0])
    what = "the answer" if target == JOINT else target
    now = percent(overall - gap)
    return f"Weakest by {title}: {row.name}, where {what} is right in {now}, of all in {percent(overall)}."
