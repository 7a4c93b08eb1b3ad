"""``train.csv``: gender and age of people, from rows and folder names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from maskfold.cells import given, plain, visible
from maskfold.dataset.competition.layout import PHOTOGRAPHS_PER_PERSON, Layout
from maskfold.dataset.names import unsafe_name
from maskfold.dataset.quarantine import Entry
from maskfold.layouts import TRAIN_TABLE
from maskfold.rows import read_rows

GENDERS: Final = ("male", "female")
MAX_AGE: Final = 120

_FOLDER_NAME: Final = re.compile(
    r"(?P<id>[^_]+)_(?P<gender>male|female)_(?P<race>[^_]+)_(?P<age>[+-]?\d+)", re.ASCII | re.IGNORECASE
)
_WHOLE_YEARS: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Stated:
    """What one source states about a person.

    Attributes:
        source: The line of the table, or the folder's name.
        gender: As it is written.
        age: As it is written.
    """

    source: str
    gender: str
    age: str


def read_train_table(layout: Layout) -> tuple[dict[str, list[Stated]], list[Entry]]:
    """Read ``train.csv``; the columns gender, age and path are required, others are ignored.

    Returns:
        What the rows state, by path as it is written, in the table's order; and the rows without one.

    Raises:
        DatasetError: If the file is not such a table.
    """
    people: dict[str, list[Stated]] = {}
    entries = []
    for row in read_rows(layout.train_table, TRAIN_TABLE, ("gender", "age", "path")):
        source = f"line {row.line}"
        if row["path"]:
            people.setdefault(row["path"], []).append(Stated(source, row["gender"], row["age"]))
        else:
            entries.append(_unsafe(source, "", "the name is blank"))
    return people, entries


def by_folder(
    people: Mapping[str, list[Stated]], folders: Mapping[str, str]
) -> tuple[dict[str, list[Stated]], list[Entry]]:
    """Return what rows state by folder name, and the rows whose path cannot be a folder's name.

    Args:
        people: By path as it is written.
        folders: The folder of each path that has one.
    """
    named, entries = {}, []
    for path, rows in people.items():
        reason = None if path in folders else unsafe_name(path)
        if path not in folders and reason is None and "/" in path:
            reason = "the path must be a single folder name"
        if reason is None:
            named[folders.get(path, path)] = rows
        else:
            entries += [_unsafe(row.source, path, reason) for row in rows[:1]]
    return named, entries


def stated_by_folder(person: str) -> Stated | None:
    """Return what a folder name such as ``000001_male_Asian_45`` states.

    None for a name of another form, such as ``kim_minsu_Korean_27``: its parts may be anything.
    """
    match = _FOLDER_NAME.fullmatch(visible(person))
    return Stated("the folder's name", match["gender"], match["age"]) if match else None


def folder_id(person: str) -> str:
    """Return the id that a folder name begins with; ids repeat, only the full name identifies a person."""
    return person.partition("_")[0]


def parse_gender(text: str) -> int:
    """Return 0 for male, 1 for female, in upper or lower case.

    Raises:
        ValueError: If the text is neither; the message is for users.
    """
    if not given(text.strip()):
        raise ValueError(f"gender is not given{_as(text)}; expected {' or '.join(GENDERS)}")
    try:
        return GENDERS.index(text.strip().casefold())
    except ValueError:
        raise ValueError(f"gender {text!r} is neither {' nor '.join(GENDERS)}") from None


def parse_age(text: str) -> int:
    """Return an age in whole years.

    Raises:
        ValueError: If the text is not a whole number from 0 to 120; the message is for users.
    """
    years = plain(text.strip())
    if not given(years):
        raise ValueError(f"age is not given{_as(text)}; expected a whole number of years")
    if not _WHOLE_YEARS.fullmatch(years):
        raise ValueError(f"age {text!r} is not a whole number of years")
    age = int(years)
    if not 0 <= age <= MAX_AGE:
        raise ValueError(f"age {age} is outside 0..{MAX_AGE}")
    return age


def _as(text: str) -> str:
    return f" ({text!r})" if text else ""


def repeated_rows(people: dict[str, list[Stated]]) -> Iterable[Entry]:
    """Note people with several equal rows; contradicting rows are handled with the labels."""
    for person, rows in people.items():
        if len(rows) > 1 and len({(row.gender.casefold(), row.age) for row in rows}) == 1:
            lines = ", ".join(row.source for row in rows)
            yield Entry("train", TRAIN_TABLE, person, "repeated-row", f"{person} has {len(rows)} equal rows ({lines})")


def _unsafe(source: str, path: str, reason: str) -> Entry:
    where = f"{TRAIN_TABLE}, {source}"
    return Entry("train", where, path, "unsafe-path", f"path {path[:80]!r}: {reason}", PHOTOGRAPHS_PER_PERSON)
