"""Rows of a csv or parquet file, with errors that name the file and the row."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from maskfold.cells import tidy
from maskfold.content import kind_of
from maskfold.errors import DatasetError
from maskfold.regular import MAX_READ, read_regular

_SEPARATORS: Final = (",", ";", "\t")
_MOST_CELLS: Final = 20_000_000
"""Of a parquet file; a million photographs with twenty columns."""
_N_TITLES: Final = 10
"""Lines above the header, such as a title, that are skipped."""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: Its line in the file, the header being line 1; in a parquet file its number, from 1.
        cells: Values by column name, without blanks and invisible characters at their ends.
        place: ``line 5``, or ``row 4`` of a parquet file.
        written: The values as the file has them.
    """

    line: int
    cells: Mapping[str, str]
    place: str
    written: Mapping[str, str] = field(default_factory=dict)

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
    """Read a table with a header, as editors, spreadsheets and data frames write it.

    Blank lines are skipped, and so are lines above the header, such as a title or ``sep=;``, and repetitions of the
    header, which joining files leaves. Cells that are missing at the end of a row are blank.

    Args:
        content: The file. Parquet, or csv: UTF-8 or UTF-16; separated by commas, semicolons, tabs or what its first
            line names, as in ``sep=|``.
        name: Name used in messages.
        required: Columns that it must have, in upper or lower case. More columns are allowed.
        optional: Columns that it may have, in upper or lower case.

    Returns:
        The rows, their cells under these columns' spelling; other columns as the file spells them, with a number where
        a name repeats.

    Raises:
        DatasetError: If the file cannot be read as such a table, or has no row.
    """
    is_parquet = content.startswith(b"PAR1")
    spelled = {column.casefold(): column for column in (*required, *optional)}
    rows: list[Row] = []
    header: list[str] = []
    names: list[str] = []
    for line, values in _parquet(content, name) if is_parquet else _csv(_text(content, name), name, required, spelled):
        if not any(map(tidy, values)):
            continue
        found = _columns(values, spelled)
        if not header:
            header = _header(found, name, required, spelled)
            names = _distinct(header)
        if [column.casefold() for column in found] == [column.casefold() for column in header]:
            continue
        place = f"{'row' if is_parquet else 'line'} {line}"
        written = _named(values, names, f"{name}, {place}")
        rows.append(Row(line, {column: tidy(cell) for column, cell in written.items()}, place, written))
    if not rows:
        columns = ", ".join(required) or f"some of {', '.join(optional)}"
        raise DatasetError(f"{name}: has no row; expected a header with {columns} and at least one row")
    return rows


def _csv(text: str, name: str, required: Sequence[str], spelled: Mapping[str, str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the header and all rows below it, each with its line."""
    separator, n_titles = _form(text, required, spelled)
    reader = _reader(text, separator)
    try:
        for number, cells in enumerate(reader):
            if number >= n_titles:
                yield reader.line_num, cells
    except csv.Error as error:
        raise DatasetError(f"{name}, line {reader.line_num}: not valid csv: {error}") from None


def _form(text: str, required: Sequence[str], spelled: Mapping[str, str]) -> tuple[str, int]:
    """Return the separator, and the number of rows above the header: those with which a header is found."""
    declared = text[4:5].strip() if text[:4].casefold() == "sep=" else ""
    for separator in dict.fromkeys((*declared, *_SEPARATORS)):
        try:
            for number, cells in enumerate(islice(_reader(text, separator), _N_TITLES)):
                if _is_header(cells, required, spelled):
                    return separator, number
        except csv.Error:  # the wrong separator, or reported when the rows are read
            continue
    return _SEPARATORS[0], 0


def _reader(text: str, separator: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _is_header(cells: Iterable[str], required: Sequence[str], spelled: Mapping[str, str]) -> bool:
    columns = {spelled.get(tidy(cell).casefold()) for cell in cells} - {None}
    return columns >= set(required) if required else bool(columns)


def _parquet(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the header and all rows below it, each with its number; columns of lists and groups are left out."""
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError:
        raise DatasetError(f"{name}: parquet files need pyarrow, which is not installed here; save it as csv") from None
    try:
        schema = parquet.ParquetFile(io.BytesIO(content)).schema_arrow
        flat = [column.name for column in schema if not types.is_nested(column.type)]
        # Texts as numbers of a dictionary, as the file has them: a million long equal cells are some bytes.
        file = parquet.ParquetFile(io.BytesIO(content), read_dictionary=flat)
        _refuse_bomb(file.metadata.num_rows * len(flat), "cells", _MOST_CELLS, name)
        table = file.read(flat, use_threads=False)
        _refuse_bomb(sum(map(_characters, table.columns)), "bytes of text", MAX_READ, name)
    except (ArrowException, OSError, ValueError) as error:
        raise DatasetError(f"{name}: not valid parquet: {str(error).partition(chr(10))[0]}") from None
    columns = [
        _cells(column, f"{name}: column {title}")
        for title, column in zip(table.column_names, table.columns, strict=True)
    ]
    yield 0, [str(column).strip() for column in table.column_names]
    for number, values in enumerate(zip(*columns, strict=True), start=1):
        yield number, list(values)


def _cells(column: Any, where: str) -> list[str]:
    try:
        return [_cell(value) for value in column.to_pylist()]
    except (ArithmeticError, LookupError, ValueError) as error:  # a date out of range, an unknown time zone
        raise DatasetError(f"{where}: values of type {column.type} cannot be read as text: {error}") from None


def _refuse_bomb(size: int, what: str, limit: int, name: str) -> None:
    if size > limit:
        raise DatasetError(f"{name}: {size:,} {what}, but at most {limit:,} can be read; leave out what is not used")


def _characters(column: Any) -> int:
    """Return the bytes of text that a column of a parquet file stands for."""
    from pyarrow import compute, types

    chunks = [chunk for chunk in column.chunks if types.is_dictionary(chunk.type)]
    texts = [chunk for chunk in chunks if not types.is_primitive(chunk.type.value_type)]
    lengths = [compute.sum(compute.binary_length(chunk.dictionary).take(chunk.indices)).as_py() for chunk in texts]
    return sum(length or 0 for length in lengths)


def _cell(value: Any) -> str:
    """Return a value as a csv would hold it. Whole numbers lose their fraction: a gap turns a column into floats."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _text(content: bytes, name: str) -> str:
    kind = kind_of(content)
    if content and kind:
        raise DatasetError(f"{name}: this file is {kind}, not a csv; save the table as csv in UTF-8")
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{content[error.start]:02x} is not UTF-8 text" if "8" in encoding else "not valid UTF-16 text"
        raise DatasetError(f"{name}, line {line}: {what}; save the file as csv in UTF-8 (Excel: CSV UTF-8)") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(f"{name}, line {line}: contains a zero byte; save the file as csv in UTF-8")
    return text


def _encoding(content: bytes) -> str:
    """Return UTF-16 for a file with its byte-order mark, or with a zero in every second byte of its first letters."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    low, high = content[:8:2], content[1:8:2]
    if len(content) % 2 == 0 and content and not any(high) and all(low):
        return "utf-16-le"
    return "utf-16-be" if len(content) % 2 == 0 and content and not any(low) and all(high) else "utf-8-sig"


def _columns(values: Iterable[str], spelled: Mapping[str, str]) -> list[str]:
    words = (" ".join(tidy(value).split()) for value in values)  # in one line, as messages quote them
    return [spelled.get(word.casefold(), word) for word in words]


def _header(columns: list[str], name: str, required: Sequence[str], spelled: Mapping[str, str]) -> list[str]:
    missing = [column for column in required if column not in columns]
    if missing:
        # A line without separators may be the first one of a key or a password file that was named by mistake.
        found = (
            f"the header is: {', '.join(columns)[:200]}" if len(columns) > 1 else "the first line has only one column"
        )
        raise DatasetError(f"{name}: the column {', '.join(missing)} is missing; {found}.")
    doubles = sorted({column for column in spelled.values() if columns.count(column) > 1})
    if doubles:
        raise DatasetError(f"{name}: the column {', '.join(doubles)} appears twice in the header")
    return columns


def _distinct(columns: Iterable[str]) -> list[str]:
    """Number the names that repeat: no column hides another."""
    counts: Counter[str] = Counter()
    names = []
    for column in columns:
        counts[column] += bool(column)
        names.append(f"{column} ({counts[column]})" if counts[column] > 1 else column)
    return names


def _named(values: list[str], header: list[str], where: str) -> dict[str, str]:
    while len(values) > len(header) and not tidy(values[-1]):
        values.pop()
    if len(values) > len(header):
        raise DatasetError(
            f"{where}: {len(values)} values where the header has {len(header)} columns; a cell that contains the "
            'separator, such as 27,0, must be in quotes: "27,0"'
        )
    return dict(zip(header, [*values, *[""] * (len(header) - len(values))], strict=True))
