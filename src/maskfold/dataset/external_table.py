"""External tables: more photographs to train on, of which some attributes are known.

A csv file, beside or above its images, with the columns

======  =============================================================================================
path    the image, relative to the csv's folder, which it must not leave
gender  ``male`` or ``female``
age     in years
mask    ``wear``, ``incorrect``, ``not worn``, or their numbers 0, 1, 2
======  =============================================================================================

One of gender, age and mask is needed; a cell may be blank. Other columns are not looked at. A row that cannot be used
is left out with a reason; so is an image that the data set holds, too: its person could be learnt from while held out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from maskfold.dataset.csv_table import Row, read_rows
from maskfold.dataset.images import MISSING, Probe
from maskfold.dataset.layout import EXTERNAL, link_problem, unsafe_name
from maskfold.dataset.manifest import ImageRow
from maskfold.dataset.quarantine import Entry, first_lines
from maskfold.dataset.train_table import parse_age, parse_gender
from maskfold.errors import DatasetError
from maskfold.labels import ATTRIBUTES, MASK_STATES, Attribute

UNKNOWN: Final = -1


@dataclass(frozen=True)
class RowLabels:
    """What is known of an image; -1 where it is not known."""

    mask: int
    gender: int
    age: int
    """In years."""


@dataclass(frozen=True)
class Listed:
    """A row whose path and labels can be used, unless its image cannot.

    Attributes:
        image: Name in the manifest.
        path: As the table has it.
        file: Where it lies.
        line: Line of the table.
        labels: What is known of it.
    """

    image: str
    path: str
    file: Path
    line: int
    labels: RowLabels


@dataclass(frozen=True)
class ExternalTable:
    """A table, before its images are looked at.

    Attributes:
        name: As the recipe names it.
        number: Its place in the recipe, from 0.
        n_rows: Rows in the file.
        listed: Those that can be used so far, each image once.
        entries: Why others cannot.
    """

    name: str
    number: int
    n_rows: int
    listed: tuple[Listed, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class ExternalUse:
    """What became of a table.

    Attributes:
        name: As the recipe names it.
        n_rows: Rows in the file.
        n_used: Images that are trained on.
        known: For how many of them each attribute is known, in the order mask, gender, age.
        n_complete: For how many all three are known.
        entries: Why others are left out.
    """

    name: str
    n_rows: int
    n_used: int
    known: tuple[int, ...]
    n_complete: int
    entries: tuple[Entry, ...]

    @property
    def refusal(self) -> str | None:
        """Why a run with this table is refused; None when it is not."""
        if self.n_used:
            return None
        head = f"external table {self.name}: none of its {self.n_rows:,} rows can be used"
        return "\n".join([head, *first_lines(self.entries), "Mend the table or take it out of dataset.external."])


def read_external_table(path: Path, name: str, number: int) -> ExternalTable:
    """Read a table; its images are not opened.

    Args:
        path: The csv.
        name: How messages call it.
        number: Its place in the recipe, from 0.

    Raises:
        DatasetError: If the file is no such table.
    """
    rows = read_rows(path, name, ("path",), ATTRIBUTES)
    if not set(ATTRIBUTES) & set(rows[0].cells):
        raise DatasetError(
            f"{name}: the columns are {', '.join(rows[0].cells)[:200]}; an external table needs path and at least one "
            f"of {', '.join(ATTRIBUTES)}"
        )
    listed: dict[str, list[Listed]] = {}
    entries = []
    for row in rows:
        found = _listed(row, path.parent, number)
        if isinstance(found, Listed):
            listed.setdefault(found.path, []).append(found)
        else:
            kind, reason = found
            entries.append(Entry("external", f"{EXTERNAL}/{number}/{path.name}, line {row.line}", "", kind, reason, 1))
    once = [rows_of_path[0] for rows_of_path in listed.values() if _agree(rows_of_path)]
    entries += [_repetition(same) for same in listed.values() if len(same) > 1]
    return ExternalTable(name, number, len(rows), tuple(once), tuple(entries))


def settle_external(
    tables: Iterable[ExternalTable], probes: Iterable[Probe], own: pd.DataFrame
) -> tuple[list[ImageRow], list[ExternalUse]]:
    """Decide which external images are trained on.

    Args:
        tables: The tables.
        probes: One for each row that they list, in order.
        own: The manifest of the data set alone.

    Returns:
        Their rows of the manifest, and what became of each table.
    """
    probes = iter(probes)
    taken = {digest: image for digest, image in zip(own["sha256"], own["image"], strict=True) if digest}
    rows: list[ImageRow] = []
    uses = []
    for table in tables:
        used, entries = [], list(table.entries)
        for listed in table.listed:
            probe = next(probes)
            problem = _image_problem(probe, taken)
            if problem:
                entries.append(Entry("external", listed.image, "", *problem, 1))
            else:
                taken[probe.sha256] = listed.image
                used.append(_manifest_row(listed, probe))
        rows += used
        uses.append(_use(table, used, entries))
    return rows, uses


def parse_mask(text: str) -> int:
    """Return the mask state that a word or number names: 0 wear, 1 incorrect, 2 not worn.

    Raises:
        ValueError: If it names none; the message is meant for people.
    """
    word = text.strip().casefold().replace("_", " ")
    numbers = [str(state) for state in range(len(MASK_STATES))]
    for names in (MASK_STATES, numbers):
        if word in names:
            return names.index(word)
    raise ValueError(f"mask {text!r} is none of {', '.join(MASK_STATES)} or {', '.join(numbers)}")


_PARSERS: Final[dict[Attribute, Callable[[str], int]]] = {"mask": parse_mask, "gender": parse_gender, "age": parse_age}


def _listed(row: Row, folder: Path, number: int) -> Listed | tuple[str, str]:
    """Read a row; kind and reason where it cannot be used."""
    path = row["path"]
    problem = unsafe_name(path)
    if problem:
        return "unsafe-path", f"path {path[:80]!r}: {problem}"
    try:
        labels = RowLabels(**{name: _label(row, name) for name in ATTRIBUTES})
    except ValueError as error:
        return "bad-label", f"{path}: {error}"
    if labels == RowLabels(UNKNOWN, UNKNOWN, UNKNOWN):
        return "no-label", f"{path}: none of {', '.join(ATTRIBUTES)} is given"
    file = folder / path
    if not os.path.lexists(file):  # false, not an error, for a name that is too long
        return "missing", f"{path[:80]}: {MISSING}"
    problem = link_problem(file, folder)
    if problem:
        return "unsafe-path", f"{path}: {problem}"
    return Listed(f"{EXTERNAL}/{number}/{path}", path, file, row.line, labels)


def _label(row: Row, attribute: Attribute) -> int:
    text = row.cells.get(attribute, "")
    return _PARSERS[attribute](text) if text else UNKNOWN


def _agree(rows: Sequence[Listed]) -> bool:
    return len({row.labels for row in rows}) == 1


def _repetition(rows: Sequence[Listed]) -> Entry:
    lines = ", ".join(str(row.line) for row in rows)
    image = rows[0].image
    if _agree(rows):
        reason = f"has {len(rows)} equal rows (lines {lines}); one counts"
        return Entry("external", image, "", "repeated-row", reason, len(rows) - 1)
    reason = f"its rows say different things (lines {lines}); none counts"
    return Entry("external", image, "", "labels-disagree", reason, len(rows))


def _image_problem(probe: Probe, taken: dict[str, str]) -> tuple[str, str] | None:
    """Return kind and reason why an image is not trained on, or None."""
    if probe.problem:
        return "missing" if probe.problem == MISSING else "unreadable", probe.problem
    other = taken.get(probe.sha256)
    if other is None:
        return None
    if other.startswith(f"{EXTERNAL}/"):
        return "repeated-photograph", f"equal to {other}, which counts"
    return "in-data-set", f"equal to {other} of the data set"


def _manifest_row(listed: Listed, probe: Probe) -> ImageRow:
    return ImageRow(
        image=listed.image,
        part="external",
        person="",
        name=listed.path,
        mask=listed.labels.mask,
        gender=listed.labels.gender,
        age=listed.labels.age,
        sha256=probe.sha256,
        width=probe.width,
        height=probe.height,
        readable=True,
        corrected=False,
    )


def _use(table: ExternalTable, used: Sequence[ImageRow], entries: Sequence[Entry]) -> ExternalUse:
    known = [[getattr(row, name) != UNKNOWN for name in ATTRIBUTES] for row in used]
    return ExternalUse(
        name=table.name,
        n_rows=table.n_rows,
        n_used=len(used),
        known=tuple(sum(row[place] for row in known) for place in range(len(ATTRIBUTES))),
        n_complete=sum(all(row) for row in known),
        entries=tuple(entries),
    )
