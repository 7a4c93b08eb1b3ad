"""Labels that a user has for photographs to predict: a table that tells how often a model is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from maskfold.cells import folded
from maskfold.errors import DatasetError
from maskfold.rows import Row, parse_rows
from maskfold.scheme import JOINT, UNKNOWN, IntArray, Scheme

COLUMNS: Final = ("image", "path")
"""Columns of which such a table needs one."""
CLASS: Final = "class"
"""Column of the joint class: its number or its name."""
PERSON: Final = "person"


@dataclass(frozen=True)
class GivenLabels:
    """Labels by photograph."""

    rows: dict[str, int]
    """Row of each photograph, by its name."""
    labels: IntArray
    """Classes, (rows, attributes); UNKNOWN where not known."""
    persons: tuple[str, ...]
    """Of each row; its own name where the table names no person."""


def parse_labels(content: bytes, name: str, scheme: Scheme) -> GivenLabels:
    """Read a table of labels: a column image (or path), and class or some of the scheme's attributes.

    Cells may be blank. A column person makes the intervals of scores account for several photographs of a person.

    Args:
        content: The file, csv or parquet.
        name: For messages.
        scheme: What the model predicts.

    Raises:
        DatasetError: If it is no such table, a label does not fit the scheme, or a photograph appears twice.
    """
    rows = parse_rows(content, name, (), (*COLUMNS, CLASS, PERSON, *scheme.names))
    columns = rows[0].cells
    image = next((column for column in COLUMNS if column in columns), None)
    if image is None:
        raise DatasetError(f"{name}: expected a column image, which names the photographs as the answers do")
    stated = [attribute for attribute in scheme.names if attribute in columns]
    by_class = CLASS in columns and CLASS not in scheme.names
    if not stated and not by_class:
        raise DatasetError(
            f"{name}: the labels do not fit the model, which predicts {', '.join(scheme.names)}: expected a column for "
            f"one of these, or class; the header is: {', '.join(columns)[:200]}"
        )
    found: dict[str, int] = {}
    labels = np.full((len(rows), len(scheme.names)), UNKNOWN, dtype=np.int64)
    for number, row in enumerate(rows):
        written = row.written.get(image) or row[image]
        if written in found:
            raise DatasetError(f"{name}, {row.place}: {written!r} has a label already, on {rows[found[written]].place}")
        found[written] = number
        labels[number] = _labels(row, stated, by_class, scheme, f"{name}, {row.place}")
    if (labels == UNKNOWN).all():
        raise DatasetError(f"{name}: all labels are blank")
    return GivenLabels(found, labels, tuple(row.cells.get(PERSON) or row[image] for row in rows))


def _labels(row: Row, stated: Sequence[str], by_class: bool, scheme: Scheme, where: str) -> IntArray:
    labels = np.full(len(scheme.names), UNKNOWN, dtype=np.int64)
    text = row.cells.get(CLASS, "") if by_class else ""
    if text:
        labels = scheme.decode(_joint(text, scheme, where))
    for attribute in (scheme[name] for name in stated):
        cell = attribute.given(row[attribute.name])
        if not cell:
            continue
        try:
            value = int(attribute.classes(np.array(attribute.parse(cell))))
        except ValueError as error:
            if cell not in attribute.class_names:  # the name of a group, as the answers have it
                raise DatasetError(f"{where}: {error}") from None
            value = attribute.class_names.index(cell)
        place = scheme.names.index(attribute.name)
        if labels[place] not in (UNKNOWN, value):
            raise DatasetError(f"{where}: {attribute.name} {cell!r} and the class {text!r} contradict each other")
        labels[place] = value
    return labels


def _joint(text: str, scheme: Scheme, where: str) -> int:
    names = list(map(folded, scheme.class_names(JOINT)))
    if folded(text) in names:
        return names.index(folded(text))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else scheme.n_classes
    if number >= scheme.n_classes:
        raise DatasetError(f"{where}: class {text!r} is none of the model's, 0 to {scheme.n_classes - 1}")
    return number
