"""The corrections file: labels that people found wrong when they looked at the photographs.

A csv file with the columns

========  ===========================================================================================================
folder    the person: the folder's name, or the id that it begins with if only one folder has that id
gender    the correct gender, ``male`` or ``female``; blank: unchanged
age       the correct age in years; blank: unchanged
swap      two photographs that were interchanged, such as ``incorrect_mask/normal``; blank: none
========  ===========================================================================================================

``agreed_corrections.csv`` holds the corrections that the competition's participants agreed on. It gives full folder
names, so it never applies to another data set that happens to use the same ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from maskfold.cells import given
from maskfold.dataset.competition.layout import MASK_OF_NAME
from maskfold.dataset.competition.train_table import folder_id, parse_age, parse_gender
from maskfold.dataset.matching import FOLDER_FORMS, pair, repaired, spelling
from maskfold.errors import DatasetError
from maskfold.rows import Row, read_rows
from maskfold.wording import first_few


@dataclass(frozen=True)
class Correction:
    """One row: the correct values for one person; None means no correction."""

    line: int
    folder: str
    gender: int | None = None
    age: int | None = None
    swap: tuple[str, str] | None = None

    def mask(self, name: str) -> int:
        """Return the mask state of a photograph by its name, after the swap if there is one."""
        if self.swap and name in self.swap:
            name = self.swap[1 - self.swap.index(name)]
        return MASK_OF_NAME[name]


@dataclass(frozen=True)
class CompetitionCorrections:
    """A corrections file.

    Attributes:
        name: Name used in messages.
        rows: Its rows.
    """

    name: str
    rows: tuple[Correction, ...]

    def match(self, people: Iterable[str]) -> tuple[dict[str, Correction], list[Correction]]:
        """Match the rows with the people of a data set.

        Args:
            people: Folder names of the data set.

        Returns:
            The corrections by folder name, and the rows without a match.

        Raises:
            DatasetError: If an id matches several folders, or two rows match the same person.
        """
        names = set(people)
        by_id: dict[str, list[str]] = {}
        for name in sorted(names):
            by_id.setdefault(folder_id(name), []).append(name)
        found: dict[str, Correction] = {}
        unknown = []
        meant = {row.folder for row in self.rows if row.folder not in by_id}
        people = pair(meant, names, FOLDER_FORMS)
        ids = pair(meant - people.keys(), by_id, FOLDER_FORMS)
        for row in self.rows:
            person = people.get(row.folder, row.folder)
            candidates = [person] if person in names else by_id.get(ids.get(row.folder, row.folder), [])
            if not candidates:
                unknown.append(row)
                continue
            if len(candidates) > 1:
                raise DatasetError(
                    f"{self.name}, line {row.line}: id {row.folder} matches {len(candidates)} folders "
                    f"({first_few(candidates, limit=3)}); give the full folder name"
                )
            [person] = candidates
            if person in found:
                raise DatasetError(
                    f"{self.name}, line {row.line}: {person} is already corrected in line {found[person].line}; "
                    "put all corrections of a person into one row"
                )
            found[person] = row
        return found, unknown

    def repairs(self, matched: Mapping[str, Correction]) -> tuple[str, ...]:
        """Return sentences for users on rows that match although they are spelt in another way.

        Args:
            matched: Corrections by folder name, from :meth:`match`.
        """
        meant = {row.folder: person if "_" in row.folder else folder_id(person) for person, row in matched.items()}
        return repaired(meant, FOLDER_FORMS, f"folders of {self.name}")


def agreed_path() -> Path:
    """Return the path of the corrections that ship with maskfold."""
    return Path(str(resources.files("maskfold.dataset.competition").joinpath("agreed_corrections.csv")))


def read_corrections(path: Path, name: str | None = None) -> CompetitionCorrections:
    """Read a corrections file.

    Args:
        path: The file.
        name: Name used in messages; its path when None.

    Raises:
        DatasetError: If the file is not such a table, or a value in it is not allowed.
    """
    name = name or str(path)
    rows = read_rows(path, name, ("folder", "gender", "age", "swap"))
    return CompetitionCorrections(name, tuple(_correction(row, f"{name}, line {row.line}") for row in rows))


def _correction(row: Row, where: str) -> Correction:
    if not row["folder"]:
        raise DatasetError(f"{where}: folder is blank; expected a person's folder name or its id")
    try:
        correction = Correction(
            line=row.line,
            folder=row["folder"],
            gender=parse_gender(row["gender"]) if given(row["gender"]) else None,
            age=parse_age(row["age"]) if given(row["age"]) else None,
            swap=_parse_swap(row["swap"]) if given(row["swap"]) else None,
        )
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
    if correction.gender is None and correction.age is None and correction.swap is None:
        raise DatasetError(f"{where}: corrects nothing; give gender, age or swap")
    return correction


def _parse_swap(text: str) -> tuple[str, str]:
    names = [spelling(part) for part in text.split("/")]
    if len(names) != 2 or names[0] == names[1] or not set(names) <= set(MASK_OF_NAME):
        raise ValueError(
            f"swap {text!r} must be two of {', '.join(MASK_OF_NAME)}, separated by a slash, "
            "such as incorrect_mask/normal"
        )
    return names[0], names[1]
