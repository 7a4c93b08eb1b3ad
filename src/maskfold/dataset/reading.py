"""What a reader of a layout receives, and what it states of a data set. Images are opened later, by the survey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from maskfold.dataset.corrections import Applied
from maskfold.dataset.quarantine import Entry
from maskfold.scheme import Scheme


@dataclass(frozen=True)
class CorrectionsFile:
    """A file of corrections to labels.

    Attributes:
        path: Where it is stored locally.
        name: How messages call it: as the recipe names it.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class Source:
    """A data set, before it is read.

    Attributes:
        root: Its folder.
        scheme: The attributes that it states.
        table: Name of its table, where the layout is ``table``.
        corrections: Corrections to its labels, or None.
    """

    root: Path
    scheme: Scheme
    table: str | None = None
    corrections: CorrectionsFile | None = None


@dataclass(frozen=True)
class Photograph:
    """A photograph as a data set states it.

    Attributes:
        image: Path relative to the data set, POSIX form, unique; a made-up one where there is a problem.
        part: Training photographs state all attributes, evaluation ones none.
        person: The person key; empty in the evaluation part.
        name: What its table or its folder calls it.
        stated: Class or number by attribute.
        corrected: A correction changed what is stated.
        uncorrected: What the data set itself states in place of each corrected class or number. Folds go by it, so that
            a correction moves no one into another fold.
        problem: Why its file must not be opened; evaluation photographs only, which are kept all the same.
        where: How messages about it call it.
    """

    image: str
    part: Literal["train", "eval"]
    person: str
    name: str
    stated: Mapping[str, float] = field(default_factory=dict)
    corrected: bool = False
    uncorrected: Mapping[str, float] = field(default_factory=dict)
    problem: str | None = None
    where: str = ""


@dataclass(frozen=True)
class Reading:
    """What a reader states.

    Attributes:
        photographs: All that may be usable; evaluation photographs in the order of answers.
        entries: What is left out already, or noted.
        persons_known: Whether the data set says which photographs show the same person.
        corrections: What the corrections file meant; None without one.
        n_litter: Files of operating systems and editors that were skipped.
        warnings: Further sentences for people.
    """

    photographs: tuple[Photograph, ...]
    entries: tuple[Entry, ...]
    persons_known: bool
    corrections: Applied | None = None
    n_litter: int = 0
    warnings: tuple[str, ...] = ()


Reader = Callable[[Source], Reading]
"""Reads the tables and lists the folders of one layout.

Raises:
    DatasetError: If the folder has not the layout, or a table or the corrections cannot be used.
"""
