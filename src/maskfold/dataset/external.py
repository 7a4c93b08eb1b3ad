"""External tables: more photographs to train on, with at least one known attribute each.

:mod:`maskfold.dataset.table` describes the format. Attribute cells may be blank as long as one is given; `person` and
`split` are ignored. An unusable row is left out with a reason. So is an image that the data set also holds: networks
would learn from a person who is held out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from maskfold.dataset.images import MISSING, Probe
from maskfold.dataset.manifest import ImageRow
from maskfold.dataset.matching import find_files
from maskfold.dataset.names import EXTERNAL
from maskfold.dataset.quarantine import Entry, first_lines
from maskfold.dataset.table import Listed, agree, read_row
from maskfold.errors import DatasetError
from maskfold.rows import read_rows
from maskfold.scheme import Scheme


@dataclass(frozen=True)
class ExternalTable:
    """A table, before its images are opened.

    Attributes:
        name: As given in the recipe.
        number: Its position in the recipe, from 0.
        folder: Where its images are stored.
        n_rows: Rows in the file.
        listed: Rows that are usable so far, each image once.
        entries: The reasons why other rows are not usable.
        repairs: Sentences for users on images that are named in another way than the disk does.
    """

    name: str
    number: int
    folder: Path
    n_rows: int
    listed: tuple[Listed, ...]
    entries: tuple[Entry, ...]
    repairs: tuple[str, ...] = ()

    def image(self, path: str) -> str:
        """Return the name of an image in the manifest."""
        return f"{EXTERNAL}/{self.number}/{path}"


@dataclass(frozen=True)
class ExternalUse:
    """How much of a table is used.

    Attributes:
        name: As given in the recipe.
        n_rows: Rows in the file.
        n_used: Images that are trained on.
        known: Number of these images with a known value, for each attribute of the scheme.
        n_complete: Number of these images with all attributes known.
        entries: The reasons why other rows are left out.
    """

    name: str
    n_rows: int
    n_used: int
    known: tuple[int, ...]
    n_complete: int
    entries: tuple[Entry, ...]

    @property
    def refusal(self) -> str | None:
        """Why a run rejects this table; None when it accepts it."""
        if self.n_used:
            return None
        head = f"external table {self.name}: none of its {self.n_rows:,} rows can be used"
        return "\n".join([head, *first_lines(self.entries), "Fix the table or remove it from dataset.external."])


def read_external_table(path: Path, name: str, number: int, scheme: Scheme) -> ExternalTable:
    """Read a table; its images are not opened.

    Args:
        path: The csv or parquet file.
        name: Name used in messages.
        number: Its position in the recipe, from 0.
        scheme: The attributes; the table must state at least one.

    Raises:
        DatasetError: If the file is not such a table.
    """
    rows = read_rows(path, name, ("path",), scheme.names)
    if not set(scheme.names) & set(rows[0].cells):
        raise DatasetError(
            f"{name}: the columns are {', '.join(rows[0].cells)[:200]}; an external table needs path and at least one "
            f"of {', '.join(scheme.names)}"
        )
    files, repairs = find_files((row["path"] for row in rows), path.parent, name)
    listed: dict[str, list[Listed]] = defaultdict(list)
    entries = []
    for row in rows:
        found = read_row(row, path.parent, scheme, files)
        if isinstance(found, Listed):
            listed[found.path].append(found)
        else:
            entries.append(Entry("external", f"{EXTERNAL}/{number}/{path.name}, {row.place}", "", *found, 1))
    once = tuple(same[0] for same in listed.values() if agree(same))
    table = ExternalTable(name, number, path.parent, len(rows), once, ())
    entries += [_repetition(table, same) for same in listed.values() if len(same) > 1]
    return ExternalTable(name, number, path.parent, len(rows), once, tuple(entries), repairs)


def settle_external(
    tables: Iterable[ExternalTable], probes: Iterable[Probe], own: pd.DataFrame, scheme: Scheme
) -> tuple[list[ImageRow], list[ExternalUse]]:
    """Decide which external images are trained on.

    Args:
        tables: The tables.
        probes: One for each listed row, in order.
        own: The manifest of the data set alone.
        scheme: The attributes.

    Returns:
        Their rows of the manifest, and the use of each table.
    """
    probes = iter(probes)
    taken = {digest: image for digest, image in zip(own["sha256"], own["image"], strict=True) if digest}
    rows: list[ImageRow] = []
    uses = []
    for table in tables:
        used, entries = [], list(table.entries)
        for listed in table.listed:
            probe, image = next(probes), table.image(listed.file)
            problem = _image_problem(probe, taken)
            if problem:
                entries.append(Entry("external", image, "", *problem, 1))
            else:
                taken[probe.sha256] = image
                used.append(_manifest_row(image, listed, probe))
        rows += used
        uses.append(_use(table, used, entries, scheme))
    return rows, uses


def _repetition(table: ExternalTable, rows: Sequence[Listed]) -> Entry:
    lines = ", ".join(row.place.partition(" ")[2] for row in rows)
    image = table.image(rows[0].path)
    if agree(rows):
        reason = f"has {len(rows)} equal rows (lines {lines}); one is used"
        return Entry("external", image, "", "repeated-row", reason, len(rows) - 1)
    reason = f"its rows contradict each other (lines {lines}); none is used"
    return Entry("external", image, "", "labels-disagree", reason, len(rows))


def _image_problem(probe: Probe, taken: dict[str, str]) -> tuple[str, str] | None:
    """Return kind and reason if an image is not trained on, else None."""
    if probe.problem:
        return "missing" if probe.problem == MISSING else "unreadable", probe.problem
    other = taken.get(probe.sha256)
    if other is None:
        return None
    if other.startswith(f"{EXTERNAL}/"):
        return "repeated-photograph", f"equal to {other}, which is used"
    return "in-data-set", f"equal to {other} of the data set"


def _manifest_row(image: str, listed: Listed, probe: Probe) -> ImageRow:
    return ImageRow(
        image=image,
        part="external",
        person="",
        name=listed.path,
        sha256=probe.sha256,
        width=probe.width,
        height=probe.height,
        readable=True,
        corrected=False,
        stated=listed.stated,
    )


def _use(table: ExternalTable, used: Sequence[ImageRow], entries: Sequence[Entry], scheme: Scheme) -> ExternalUse:
    return ExternalUse(
        name=table.name,
        n_rows=table.n_rows,
        n_used=len(used),
        known=tuple(sum(name in row.stated for row in used) for name in scheme.names),
        n_complete=sum(len(row.stated) == len(scheme.names) for row in used),
        entries=tuple(entries),
    )
