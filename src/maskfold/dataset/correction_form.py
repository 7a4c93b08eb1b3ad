"""How corrections are written down, by the reader of the data set: the inverse of reading a corrections file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import pandas as pd

from maskfold.dataset.competition.correction_form import CompetitionForm
from maskfold.dataset.corrections import AGREED, read_corrections
from maskfold.dataset.manifest import train_rows
from maskfold.dataset.quarantine import Entry
from maskfold.errors import DatasetError
from maskfold.scheme import Attribute, Scheme

Cells = Mapping[str, str | None]
"""By column; None where a person has to say the number, since networks only say in which group it is."""


class Relabelled(NamedTuple):
    """Another class for an attribute of a photograph."""

    name: str
    """The photograph, as the data set calls it."""
    attribute: str
    label: int
    suggestion: int


class CorrectionForm(Protocol):
    """A form of corrections files."""

    @property
    def key(self) -> str:
        """The column that says whose labels a row corrects."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of corrected labels."""

    @property
    def whole(self) -> bool:
        """Whether numbers must be whole ones."""

    @property
    def earlier(self) -> Mapping[str, Mapping[str, str]]:
        """Corrections that the audited run had already, by the value of :attr:`key`, then by column."""

    def rows(self, person: str, changes: Sequence[Relabelled]) -> Mapping[str, Cells] | None:
        """Return what to write for a person, by the value of :attr:`key`, on top of :attr:`earlier`.

        None if this form cannot say it. A blank cell takes an earlier correction back.
        """


@dataclass(frozen=True)
class TableForm:
    """For tables and class folders: a row for each photograph.

    Attributes:
        scheme: The attributes.
        names: Names of all photographs of each person, usable or not.
        earlier: See :attr:`CorrectionForm.earlier`.
    """

    scheme: Scheme
    names: Mapping[str, Sequence[str]]
    earlier: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    key: str = "path"
    whole: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self.scheme.names

    def rows(self, person: str, changes: Sequence[Relabelled]) -> Mapping[str, Cells] | None:
        found: dict[str, dict[str, str | None]] = {}
        for name, attribute, _, suggestion in changes:
            stated = self.scheme[attribute]
            text = None if stated.is_number else stated.values[suggestion]
            # Also photographs that cannot be used: the rows of a person must agree.
            for one in self.names[person] if stated.of == "person" else (name,):
                found.setdefault(one, {})[attribute] = text
        return found or None


def form_for(
    reader: str,
    scheme: Scheme,
    manifest: pd.DataFrame,
    left_out: Iterable[Entry],
    corrections: Path | None = None,
    name: str = "",
) -> CorrectionForm:
    """Return the form of corrections that a reader reads.

    Args:
        reader: ``competition``, ``table`` or ``folders``.
        scheme: The attributes.
        manifest: Of the data set.
        left_out: What was left out or noted.
        corrections: Local path of the corrections that the data set was read with, or None.
        name: Their name, as the recipe has it.

    Raises:
        DatasetError: If these corrections cannot be read.
    """
    train = train_rows(manifest)
    if reader == "competition":
        return CompetitionForm.of(scheme, train["person"].unique().tolist(), corrections, name)
    names = {str(person): rows.tolist() for person, rows in train.groupby("person", sort=False)["name"]}
    for entry in left_out:
        if (entry.part, entry.kind) == ("train", "unreadable") and entry.person in names:
            names[entry.person].append(entry.where)
    if corrections is None or name == AGREED:
        return TableForm(scheme, names)
    given = read_corrections(corrections, name, scheme)
    matched = given.match(names, (one for rows in names.values() for one in rows))
    if not matched.labels:
        raise DatasetError(
            f"{name}: no row matches the data set any more; run again with corrections of this data set, or with none"
        )
    earlier: dict[str, dict[str, str]] = {}
    for who, labels in matched.labels.items():
        for one in names[who] if given.by == "person" else (who,):
            earlier[one] = {attribute: _text(scheme[attribute], value) for attribute, value in labels.items()}
    if given.by == "name":
        # Of photographs that are not there now, and may be again.
        for who in matched.applied.unknown:
            earlier[who] = {
                attribute: _text(scheme[attribute], value) for attribute, value in given.labels[who].items()
            }
    return TableForm(scheme, names, earlier)


def _text(attribute: Attribute, value: float) -> str:
    if not attribute.is_number:
        return attribute.values[int(value)]
    return str(int(value)) if float(value).is_integer() else repr(float(value))
