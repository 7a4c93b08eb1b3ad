"""Rows of a csv or parquet file, with errors that name the file and the row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskfold.errors import DatasetError
from maskfold.regular import read_regular


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: Its line in the file, the header being line 1; in a parquet file its number, from 1.
        cells: Values by column name, without surrounding blanks.
        place: ``line 5``, or ``row 4`` of a parquet file.
    """

    line: int
    cells: Mapping[str, str]
    place: str

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def read_rows(path: Path, name: str, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a table from a file; see :func:`parse_rows`.

    Raises:
        DatasetError: If the file cannot be read as such a table, or has no row.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise DatasetError(f"{name}: cannot be read ({path}): {error.strerror}") from None
    return parse_rows(content, name, required, optional)


def parse_rows(content: bytes, name: str, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a table with a header; blank lines are skipped.

    Args:
        content: The file. Parquet, or csv: UTF-8, with or without a byte-order mark, comma-separated.
        name: Name used in messages.
        required: Columns that it must have, in upper or lower case. More columns are allowed.
        optional: Columns that it may have, in upper or lower case.

    Returns:
        The rows, their cells under these columns' spelling; other columns as the file spells them.

    Raises:
        DatasetError: If the file cannot be read as such a table, or has no row.
    """
    is_parquet = content.startswith(b"PAR1")
    rows: list[Row] = []
    header: list[str] = []
    for line, values in _parquet(content, name) if is_parquet else _csv(content, name):
        if not any(values):
            continue
        if not header:
            header = _header(values, name, required, optional)
            continue
        place = f"{'row' if is_parquet else 'line'} {line}"
        rows.append(Row(line, _named(values, header, f"{name}, {place}"), place))
    if not rows:
        raise DatasetError(f"{name}: has no row; expected a header with {', '.join(required)} and at least one row")
    return rows


def _csv(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_text(content, name), newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DatasetError(f"{name}, line {reader.line_num}: not valid csv: {error}") from None


def _parquet(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise DatasetError(f"{name}: parquet files need pyarrow, which is not installed here; save it as csv") from None
    try:
        table = parquet.read_table(io.BytesIO(content))
        columns = [column.to_pylist() for column in table.columns]
    except (ArrowException, OSError, ValueError) as error:
        raise DatasetError(f"{name}: not valid parquet: {str(error).partition(chr(10))[0]}") from None
    yield 0, [str(column).strip() for column in table.column_names]
    for number, values in enumerate(zip(*columns, strict=True), start=1):
        yield number, [_cell(value) for value in values]


def _cell(value: Any) -> str:
    """Return a value as a csv would hold it. Whole numbers lose their fraction: a gap turns a column into floats."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _text(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{name}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8 text; save the file as csv in UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(f"{name}, line {line}: contains a zero byte; save the file as csv in UTF-8")
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
