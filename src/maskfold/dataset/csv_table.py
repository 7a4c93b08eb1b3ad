"""Rows of a csv file, with errors that name the file and the line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskfold.errors import DatasetError


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: Its line in the file, the header being line 1.
        cells: Values by column name, blanks around them removed.
    """

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def read_rows(path: Path, name: str, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a csv file with a header; blank lines are skipped.

    Args:
        path: The file: UTF-8, with or without a byte-order mark, comma-separated.
        name: How messages call it.
        required: Columns it must have; upper and lower case do not matter. More columns are allowed.
        optional: Columns it may have, in upper or lower case as well.

    Returns:
        The rows, their cells under these columns' spelling; other columns as the file spells them.

    Raises:
        DatasetError: If the file cannot be read as such a table, or holds no row.
    """
    reader = csv.reader(io.StringIO(_text(path, name), newline=""), strict=True)
    rows: list[Row] = []
    header: list[str] = []
    try:
        for cells in reader:
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if not header:
                header = _header(values, name, required, optional)
                continue
            rows.append(Row(reader.line_num, _named(values, header, f"{name}, line {reader.line_num}")))
    except csv.Error as error:
        raise DatasetError(f"{name}, line {reader.line_num}: not valid csv: {error}") from None
    if not rows:
        raise DatasetError(f"{name}: holds no row; expected the columns {', '.join(required)} and one row each")
    return rows


def _text(path: Path, name: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{name}: cannot be read ({path}): {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{name}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8 text; save the file as csv in UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(f"{name}, line {line}: holds a zero byte; save the file as csv in UTF-8")
    return text


def _header(values: list[str], name: str, required: Sequence[str], optional: Sequence[str]) -> list[str]:
    spelled = {column.casefold(): column for column in (*required, *optional)}
    header = [spelled.get(value.casefold(), value) for value in values]
    missing = [column for column in required if column not in header]
    if missing:
        separators = [mark for mark in (";", "\t") if len(values) == 1 and mark in values[0]]
        hint = f" Columns must be separated by commas, not by {separators[0]!r}." if separators else ""
        found = ", ".join(values)[:200]
        raise DatasetError(f"{name}: the column {', '.join(missing)} is missing; the header is: {found}.{hint}")
    doubles = sorted({column for column in spelled.values() if header.count(column) > 1})
    if doubles:
        raise DatasetError(f"{name}: the column {', '.join(doubles)} appears twice in the header")
    return header


def _named(values: list[str], header: list[str], where: str) -> dict[str, str]:
    while len(values) > len(header) and not values[-1]:
        values.pop()
    if len(values) != len(header):
        raise DatasetError(f"{where}: {len(values)} values where the header has {len(header)} columns")
    return dict(zip(header, values, strict=True))
