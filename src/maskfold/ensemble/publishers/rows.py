"""Writing a submission and reading it back, with the checks that all forms share."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from maskfold.errors import InvariantError


def to_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a csv file in UTF-8 with a header."""
    return "".join(map(_line, [header, *rows])).encode()


def _line(cells: Sequence[object]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(cells)  # quotes only those ends of lines that it writes itself: here all
    return stream.getvalue().removesuffix("\r\n") + "\n"


def checked_rows(content: bytes, columns: Sequence[str], names: Sequence[str], source: str) -> Iterator[list[str]]:
    """Return the rows of a csv file; its first column must name exactly these images in this order.

    Args:
        content: The file.
        columns: What its header must be.
        names: Names of the evaluation images.
        source: Where these names come from, for messages.

    Raises:
        InvariantError: If the file differs from that.
    """
    try:
        header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InvariantError(f"submission: not a CSV file in UTF-8 with a header: {error}") from None
    if header != list(columns):
        raise InvariantError(f"submission: columns are {','.join(header)}; expected {','.join(columns)}")
    if len(rows) != len(names):
        raise InvariantError(f"submission: {len(rows)} rows; {source} has {len(names)}")
    for number, (row, name) in enumerate(zip(rows, names, strict=True), start=2):
        if len(row) != len(columns):
            raise InvariantError(f"submission, line {number}: {len(row)} values; expected {len(columns)}")
        if row[0] != name:
            raise InvariantError(f"submission, line {number}: {columns[0]} {row[0]!r}; {source} has {name!r} there")
        yield row


def checked_class(text: str, n_classes: int, where: str) -> int:
    """Return the class that a cell names by its number.

    Raises:
        InvariantError: If it is not the number of a class in plain decimal digits.
    """
    if not (text.isascii() and text.isdecimal() and int(text) < n_classes and str(int(text)) == text):
        raise InvariantError(f"submission, {where}; expected an integer 0..{n_classes - 1}")
    return int(text)
