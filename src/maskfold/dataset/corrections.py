"""Corrections to the labels of tables and class folders, and the effect of a corrections file.

A csv or parquet file with either ``path`` (the photograph, as in the table; relative to the data set for class
folders) or ``person``, and a column for any of the scheme's attributes. A blank cell leaves the label unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from maskfold.cells import plain
from maskfold.dataset.matching import FILE_FORMS, FOLDER_FORMS, pair, repaired
from maskfold.errors import DatasetError
from maskfold.rows import Row, read_rows
from maskfold.scheme import Scheme
from maskfold.wording import first_few

AGREED: Final = "agreed"
"""Name of the corrections that ship with maskfold."""

Key = Literal["person", "name"]
"""Column of the manifest that identifies the rows of a corrections file."""


@dataclass(frozen=True)
class Applied:
    """A corrections file, matched with a data set.

    Attributes:
        name: Name used in messages.
        n_rows: Rows in the file.
        matched: People or photographs that the data set has.
        unknown: Those that it does not have.
        by: Column of the manifest that holds these names.
    """

    name: str
    n_rows: int
    matched: tuple[str, ...]
    unknown: tuple[str, ...]
    by: Key = "person"


@dataclass(frozen=True)
class CorrectionsUse:
    """The effect of a corrections file.

    Attributes:
        name: Name used in messages.
        n_rows: Rows in the file.
        n_matched: Rows that match a person or photograph of the data set.
        n_images: Training images with a changed label.
        unknown: People or photographs that the data set does not have.
        without_effect: Matched people or photographs without a changed label.
        who: ``people`` or ``photographs``.
    """

    name: str
    n_rows: int
    n_matched: int
    n_images: int
    unknown: tuple[str, ...] = ()
    without_effect: tuple[str, ...] = ()
    who: str = "people"

    @property
    def shipped(self) -> bool:
        """Whether these are the corrections of the competition's data set that ship with maskfold."""
        return self.name == AGREED

    @property
    def refusal(self) -> str | None:
        """Why a run rejects the file, which must belong to another data set; None if it accepts it."""
        if self.shipped or self.n_matched:
            return None
        what = "person" if self.who == "people" else "photograph"
        return (
            f"{self.name}: none of its {self.n_rows} rows is about a {what} of this data set, such as "
            f"{first_few(self.unknown, 2)}; these corrections belong to another data set. Name those of this one, or "
            "none: --set dataset.corrections=null"
        )


def corrections_use(applied: Applied, manifest: pd.DataFrame) -> CorrectionsUse:
    """Summarise the effect of a corrections file, given the manifest after the corrections."""
    corrected = manifest[manifest["corrected"]]
    return CorrectionsUse(
        name=applied.name,
        n_rows=applied.n_rows,
        n_matched=len(applied.matched),
        n_images=len(corrected),
        unknown=applied.unknown,
        without_effect=tuple(sorted(set(applied.matched) - set(corrected[applied.by]))),
        who="people" if applied.by == "person" else "photographs",
    )


@dataclass(frozen=True)
class Corrections:
    """A corrections file for tables and class folders.

    Attributes:
        name: Name used in messages.
        by: What identifies its rows.
        labels: The correct classes and numbers by person or path, as the file has it, then by attribute.
    """

    name: str
    by: Key
    labels: Mapping[str, Mapping[str, float]]

    def match(self, people: Iterable[str], paths: Iterable[str]) -> Matched:
        """Match the rows with the people, or with the photographs, of a data set."""
        names = set(people if self.by == "person" else paths)
        forms = FOLDER_FORMS if self.by == "person" else FILE_FORMS
        pairs = pair(self.labels, names, forms)
        return Matched(
            labels={name: self.labels[written] for written, name in pairs.items()},
            applied=Applied(
                self.name,
                len(self.labels),
                tuple(pairs.values()),
                tuple(written for written in self.labels if written not in pairs),
                self.by,
            ),
            repairs=repaired(pairs, forms, f"names of {self.name}"),
        )


@dataclass(frozen=True)
class Matched:
    """Corrections of one data set.

    Attributes:
        labels: The correct classes and numbers by person or path, as the data set has it, then by attribute.
        applied: Which rows match.
        repairs: Sentences for users on rows that match although they are spelt in another way.
    """

    labels: Mapping[str, Mapping[str, float]]
    applied: Applied
    repairs: tuple[str, ...]

    def right(self, person: str, path: str) -> Mapping[str, float]:
        """Return the corrected labels of a photograph, by attribute; empty if there is none for it."""
        return self.labels.get(person if self.applied.by == "person" else path, {})


def read_corrections(path: Path, name: str, scheme: Scheme) -> Corrections:
    """Read a corrections file for a table or class folders.

    Raises:
        DatasetError: If the file is not such a table, or a value in it is not allowed.
    """
    rows = read_rows(path, name, (), ("path", "person", *scheme.names))
    columns = set(rows[0].cells)
    keys = [column for column in ("path", "person") if column in columns]
    if len(keys) != 1 or not columns & set(scheme.names):
        raise DatasetError(
            f"{name}: the columns are {', '.join(rows[0].cells)[:200]}; corrections need either path or person, and "
            f"at least one of {', '.join(scheme.names)}"
        )
    [key] = keys
    labels: dict[str, dict[str, float]] = {}
    lines: dict[str, str] = {}
    for row in rows:
        where = f"{name}, {row.place}"
        if not row[key]:
            raise DatasetError(f"{where}: {key} is blank")
        who = plain(row[key]) if key == "person" else row[key]
        if who in lines:
            raise DatasetError(f"{where}: {row[key]} is already corrected in {lines[who]}; keep one row")
        lines[who] = row.place
        labels[who] = _right(row, scheme, where)
    return Corrections(name, "person" if key == "person" else "name", labels)


def _right(row: Row, scheme: Scheme, where: str) -> dict[str, float]:
    cells = {attribute: attribute.given(row.cells.get(attribute.name, "")) for attribute in scheme.attributes}
    try:
        right = {attribute.name: attribute.parse(text) for attribute, text in cells.items() if text}
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
    if not right:
        raise DatasetError(f"{where}: corrects nothing; give {' or '.join(scheme.names)}")
    return right
