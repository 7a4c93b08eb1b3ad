"""What is left out of training or noted, and when it is too much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from maskfold.errors import CorruptDataError, DatasetError

KINDS: Final = {
    "unreadable": "the photograph cannot be decoded",
    "missing": "the photograph is missing",
    "extra": "a photograph too many in the person's folder",
    "unsafe-path": "the name or link points outside the data set",
    "no-folder": "a row without folder",
    "no-row": "a folder without row",
    "bad-label": "a label is not usable",
    "labels-disagree": "rows or folder name disagree about a label",
    "repeated-row": "the same row more than once",
    "same-photograph": "the same photograph under several people or in both parts",
    "not-a-photograph": "something else than a photograph",
    "unlisted": "an evaluation image that info.csv does not list",
    "no-label": "a photograph without a label",
    "in-both-parts": "a photograph of the training part that is an evaluation image as well",
    "in-data-set": "an external photograph that the data set holds, too",
    "repeated-photograph": "the same external photograph more than once",
}
"""Why something is left out or noted, with words for a heading."""

_N_NAMED: Final = 10


@dataclass(frozen=True)
class Entry:
    """One thing left out or noted.

    Attributes:
        part: ``train``, ``eval`` or ``external``.
        where: Path relative to the data set, or file and line.
        person: The person key; empty when no single person is concerned.
        kind: One of :data:`KINDS`.
        reason: In words.
        left_out: Number of training photographs that are not used because of it. A person left out as a whole counts
            with those that should be there. 0 for a note, and for evaluation images, which are always kept. In
            external tables, the number of their rows.
    """

    part: Literal["train", "eval", "external"]
    where: str
    person: str
    kind: str
    reason: str
    left_out: int = 0

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def n_left_out(entries: Iterable[Entry]) -> int:
    """Return how many of the data set's training photographs are not used."""
    return sum(entry.left_out for entry in of_data_set(entries))


def of_data_set(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that are about the data set, not about external tables."""
    return [entry for entry in entries if entry.part != "external"]


def of_external(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that are about external tables."""
    return [entry for entry in entries if entry.part == "external"]


def share_left_out(entries: Sequence[Entry], n_usable: int) -> float:
    """Return the share of unusable among all training photographs that should be there, 0..1."""
    lost = n_left_out(entries)
    return lost / (lost + n_usable) if lost else 0.0


def refusal(entries: Sequence[Entry], n_usable: int, limit: float) -> str | None:
    """Say why a run on this data set is refused, naming the first ten troubles; None when it is not.

    Args:
        entries: Everything left out.
        n_usable: Training photographs that can be used.
        limit: Largest allowed share of unusable ones, 0..1.
    """
    share, lost = share_left_out(entries, n_usable), n_left_out(entries)
    if n_usable and share <= limit:
        return None
    total = lost + n_usable
    causes = [entry for entry in of_data_set(entries) if entry.left_out]
    if n_usable:
        head = (
            f"{lost:,} of {total:,} training photographs ({share:.1%}) cannot be used; "
            f"dataset.max_quarantined allows {limit:.1%}"
        )
    else:
        head = f"none of {total:,} training photographs can be used"
    remedy = "Mend these or take them out of the data set" + ("; or raise the limit." if n_usable else ".")
    return "\n".join([head, *first_lines(causes), remedy])


def first_lines(entries: Sequence[Entry]) -> list[str]:
    """Return indented lines of a message: the first entries, and how many more there are."""
    lines = [f"  {entry}" for entry in entries[:_N_NAMED]]
    if len(entries) > _N_NAMED:
        lines.append(f"  and {len(entries) - _N_NAMED} more; `maskfold check` shows them by kind")
    return lines


def refuse(entries: Sequence[Entry], n_usable: int, limit: float, name: str) -> None:
    """Refuse a data set of which too much cannot be used.

    Raises:
        DatasetError: If :func:`refusal` has a reason.
    """
    reason = refusal(entries, n_usable, limit)
    if reason is not None:
        raise DatasetError(f"data set {name}: {reason}")


def read_quarantine(path: Path) -> list[Entry]:
    """Read a table of :func:`quarantine_table` back.

    Raises:
        CorruptDataError: If the file is no such table.
    """
    try:
        table = pd.read_parquet(path)
        names = [field.name for field in fields(Entry)]
        return [Entry(*row) for row in table[names].itertuples(index=False, name=None)]
    except (OSError, ValueError, KeyError) as error:
        raise CorruptDataError(f"quarantine table {path}: cannot be read: {error}") from None


def quarantine_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Return the entries as a table with one column for each attribute of :class:`Entry`; left_out is int32."""
    table = pd.DataFrame([asdict(entry) for entry in entries], columns=[field.name for field in fields(Entry)])
    text = [name for name in table.columns if name != "left_out"]
    return table.astype({**dict.fromkeys(text, "str"), "left_out": "int32"})
