"""How corrections of the competition's data set are written down: a row for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from maskfold.dataset.competition.corrections import Correction, agreed_path, read_corrections
from maskfold.dataset.competition.train_table import GENDERS
from maskfold.dataset.corrections import AGREED
from maskfold.scheme import Scheme

if TYPE_CHECKING:
    from maskfold.dataset.correction_form import Cells, Relabelled

_SWAP: Final = "swap"


@dataclass(frozen=True)
class CompetitionForm:
    """Gender and age of a person, and two photographs that were interchanged.

    Attributes:
        scheme: The attributes.
        earlier: Corrections that the audited run had already, by person, then by column.
    """

    scheme: Scheme
    earlier: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    key: str = "folder"
    columns: tuple[str, ...] = ("gender", "age", _SWAP)
    whole: bool = True

    @classmethod
    def of(cls, scheme: Scheme, people: Sequence[str], corrections: Path | None, name: str) -> Self:
        """Read the corrections that the data set was read with, if there are any.

        Args:
            scheme: The attributes.
            people: Folders of the data set.
            corrections: Local path of these corrections, or None.
            name: Their name, as the recipe has it.

        Raises:
            DatasetError: If they cannot be read.
        """
        path = agreed_path() if name == AGREED else corrections
        if path is None:
            return cls(scheme)
        read = read_corrections(path, name)
        matched, unknown = read.match(people)
        # Those that ship with maskfold are for one data set; of a user's own, people may be back some day.
        kept = {} if name == AGREED else {row.folder: _cells(row) for row in unknown}
        return cls(scheme, {**{person: _cells(row) for person, row in matched.items()}, **kept})

    def rows(self, person: str, changes: Sequence[Relabelled]) -> Mapping[str, Cells] | None:
        """Return the row of a person; None if it cannot be said, such as one photograph without a counterpart."""
        cells: dict[str, str | None] = {}
        moved = []
        for change in changes:
            attribute = self.scheme[change.attribute]
            if attribute.of == "person":
                cells[attribute.name] = None if attribute.is_number else attribute.values[change.suggestion]
            else:
                moved.append(change)
        if moved:
            swap = self._swap(person, moved)
            if swap is None:
                return None
            cells[_SWAP] = swap
        return {person: cells} if cells else None

    def _swap(self, person: str, moved: Sequence[Relabelled]) -> str | None:
        """Return the pair that is interchanged; blank if that takes an earlier correction back."""
        if len(moved) != 2 or (moved[0].label, moved[0].suggestion) != (moved[1].suggestion, moved[1].label):
            return None
        pair = {moved[0].name, moved[1].name}
        before = self.earlier.get(person, {}).get(_SWAP, "")
        if before:
            # Two pairs of one person cannot be said.
            return "" if set(before.split("/")) == pair else None
        return "/".join(sorted(pair))


def _cells(row: Correction) -> dict[str, str]:
    stated = {
        "gender": "" if row.gender is None else GENDERS[row.gender],
        "age": "" if row.age is None else str(row.age),
        _SWAP: "/".join(row.swap or ()),
    }
    return {column: text for column, text in stated.items() if text}
