"""The answers of many parts as one csv, read part by part in the order of the photographs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import pandas as pd

from maskfold.dataset.frame import read_frame
from maskfold.errors import CorruptDataError
from maskfold.inference.answers import EDGES
from maskfold.inference.parts import PHOTOGRAPH
from maskfold.parts import Parts
from maskfold.specs import File, Order

_KEPT: Final = 16
"""Parts in memory: photographs that were answered by earlier runs come from several at a time."""
_BOXES: Final = (*(f"face_{edge}" for edge in EDGES),)


@dataclass(frozen=True)
class Piece:
    """Answers that follow each other in the result."""

    table: pd.DataFrame
    """See :func:`maskfold.inference.answers.answer_table`; and the column photograph."""
    part: str


def read_order(parts: Parts, order: File) -> Order:
    """Return where the answers of a result are."""
    return Order.model_validate_json(parts.workspace.fetch(order).read_bytes())


def pieces(parts: Parts, order: Order) -> Iterator[Piece]:
    """Yield all answers in their order.

    Raises:
        CorruptDataError: If a part is missing or damaged.
    """
    kept: dict[str, pd.DataFrame] = {}
    for number, first, count in order.segments:
        part = order.parts[number]
        table = kept.pop(part, None)
        kept[part] = table = _read(parts, part) if table is None else table  # the newest last
        if len(kept) > _KEPT:
            kept.pop(next(iter(kept)))
        begin, end = np.searchsorted(table[PHOTOGRAPH].to_numpy(), [first, first + count])
        yield Piece(table.iloc[begin:end], part)


def write_rows(table: pd.DataFrame, stream: TextIO, header: bool) -> None:
    """Append answers to a csv, with fixed numbers of digits: half a pixel, a millionth of probability."""
    shown = table.drop(columns=PHOTOGRAPH)
    for name in shown.columns:
        if name in _BOXES:
            shown[name] = _fixed(shown[name], "%.1f")
        elif shown[name].dtype.kind == "f":
            shown[name] = _fixed(shown[name], "%.6f")
    shown.to_csv(stream, index=False, header=header, lineterminator="\n")


def _fixed(column: pd.Series, form: str) -> list[str]:
    return ["" if value != value else form % value for value in column.tolist()]


def _read(parts: Parts, part: str) -> pd.DataFrame:
    done = parts.result(part)
    if done is None:
        where = parts.workspace.locate(f"{parts.folder}/done/{part}.json")
        raise CorruptDataError(f"{where} is missing or damaged; delete it and run again")
    path: Path = parts.workspace.fetch(done.file)
    table = read_frame(path, "answers", {PHOTOGRAPH: "int64", "image": "str"})
    if len(table) != done.rows:
        raise CorruptDataError(f"{path}: {len(table)} answers, expected {done.rows}; delete it and run again")
    return table
