"""What is left out of training or noted, and the limit above which a run rejects the data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from maskfold.dataset.frame import read_frame
from maskfold.dataset.names import printable
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset

KINDS: Final = {
    "unreadable": "the photograph cannot be decoded",
    "cut-off": "an evaluation image that lacks its end",
    "missing": "the photograph is missing",
    "extra": "an extra photograph in the person's folder",
    "unsafe-path": "the name cannot be that of a file, or leads out of the data set",
    "no-folder": "a row without a folder",
    "no-row": "a folder without a row",
    "bad-label": "a label is not valid",
    "labels-disagree": "rows or folder name contradict each other",
    "repeated-row": "the same row more than once",
    "same-photograph": "the same photograph under several people or in both parts",
    "not-a-photograph": "something other than a photograph",
    "unlisted": "an evaluation image that info.csv does not list",
    "no-label": "a photograph without a label",
    "in-both-parts": "a training photograph that is also an evaluation image",
    "in-data-set": "an external photograph that is also in the data set",
    "repeated-photograph": "the same external photograph more than once",
}
"""Kinds of entries, with a description of each."""

UNREADABLE: Final = frozenset({"unreadable", "missing", "unsafe-path"})
"""Kinds of entries of the evaluation part whose image gets the prior as its prediction."""

_N_NAMED: Final = 10
_LONGEST: Final = 400
"""Longer texts are cut, in characters."""


@dataclass(frozen=True)
class Entry:
    """One item that is left out or noted.

    Attributes:
        part: ``train``, ``eval`` or ``external``.
        where: Path relative to the data set, or file and line.
        person: The person key; empty if the entry is not about a single person.
        kind: One of :data:`KINDS`.
        reason: In words.
        left_out: Number of training photographs that are not used because of it. A person who is left out counts with
            all photographs that should exist. 0 for notes and for evaluation images, which are always kept. In external
            tables, the number of rows.
    """

    part: Literal["train", "eval", "external"]
    where: str
    person: str
    kind: str
    reason: str
    left_out: int = 0

    def __post_init__(self) -> None:
        """Make names from disk and cells of tables fit for messages."""
        for name in ("where", "person", "reason"):
            object.__setattr__(self, name, _shown(getattr(self, name)))

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def _shown(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]}... ({len(text):,} characters)")


def n_left_out(entries: Iterable[Entry]) -> int:
    """Return the number of the data set's training photographs that are not used."""
    return sum(entry.left_out for entry in of_data_set(entries))


def of_data_set(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that are about the data set, not about external tables."""
    return [entry for entry in entries if entry.part != "external"]


def of_external(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that are about external tables."""
    return [entry for entry in entries if entry.part == "external"]


def share_left_out(entries: Sequence[Entry], n_usable: int) -> float:
    """Return the share of unusable photographs among all training photographs that should exist, 0..1."""
    lost = n_left_out(entries)
    return lost / (lost + n_usable) if lost else 0.0


def refusal(entries: Sequence[Entry], n_usable: int, limit: float) -> str | None:
    """Return why a run rejects this data set, with the first ten problems; None if it accepts it.

    Args:
        entries: Everything that is left out or noted.
        n_usable: Usable training photographs.
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
    remedy = "Fix these or remove them from the data set" + ("; or raise the limit." if n_usable else ".")
    return "\n".join([head, *first_lines(causes), remedy])


def first_lines(entries: Sequence[Entry]) -> list[str]:
    """Return indented lines for a message: the first entries, and the number of further ones."""
    lines = [f"  {entry}" for entry in entries[:_N_NAMED]]
    if len(entries) > _N_NAMED:
        lines.append(f"  and {len(entries) - _N_NAMED} more; `maskfold check` shows them by kind")
    return lines


def refuse(entries: Sequence[Entry], n_usable: int, limit: float, name: str) -> None:
    """Reject a data set if too much of it is unusable.

    Raises:
        DatasetError: If :func:`refusal` returns a reason.
    """
    reason = refusal(entries, n_usable, limit)
    if reason is not None:
        raise DatasetError(f"data set {name}: {reason}")


def eval_refusal(entries: Sequence[Entry], n_eval: int, n_unreadable: int, limits: Dataset) -> str | None:
    """Return why a run rejects a data set's evaluation images, with the first ten problems; None if it accepts them.

    Args:
        entries: Everything that is left out or noted.
        n_eval: Evaluation images.
        n_unreadable: Those that cannot be read.
        limits: How many may be unreadable.
    """
    if not limits.refuses_evaluation(n_eval, n_unreadable):
        return None
    named = [entry for entry in entries if entry.part == "eval" and entry.kind in UNREADABLE]
    spare = [entry for entry in entries if entry.kind == "unlisted"]
    others = f"{len(spare)} files there are not listed, such as {spare[0]}. " if spare else ""
    return "\n".join(
        [
            f"{n_unreadable:,} of {n_eval:,} evaluation images ({n_unreadable / n_eval:.1%}) cannot be read; they "
            f"would all get the same answer. dataset.max_eval_unreadable allows {limits.max_eval_unreadable:.1%}",
            *first_lines(named),
            f"{others}Restore the images, fix their names, or raise the limit.",
        ]
    )


def read_quarantine(path: Path) -> list[Entry]:
    """Read a table made by :func:`quarantine_table`.

    Raises:
        CorruptDataError: If the file is not such a table.
    """
    columns = {field.name: "int32" if field.name == "left_out" else "str" for field in fields(Entry)}
    table = read_frame(path, "a quarantine table", columns)
    return [Entry(*row) for row in table[list(columns)].itertuples(index=False, name=None)]


def quarantine_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Return the entries as a table with one column for each attribute of :class:`Entry`; left_out is int32."""
    table = pd.DataFrame([asdict(entry) for entry in entries], columns=[field.name for field in fields(Entry)])
    text = [name for name in table.columns if name != "left_out"]
    return table.astype({**dict.fromkeys(text, "str"), "left_out": "int32"})
