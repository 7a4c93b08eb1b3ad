"""Input and result of a reader of a layout. Images are opened later, by the survey."""

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
        path: Its local path.
        name: Name used in messages, as given in the recipe.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class Source:
    """A data set, before it is read.

    Attributes:
        root: Its folder.
        scheme: The attributes that it states.
        table: Name of its table if the layout is ``table``.
        corrections: Corrections to its labels, or None.
        follow_links: Whether links out of its folder are followed.
    """

    root: Path
    scheme: Scheme
    table: str | None = None
    corrections: CorrectionsFile | None = None
    follow_links: bool = False


@dataclass(frozen=True)
class Photograph:
    """A photograph as a data set states it.

    Attributes:
        image: Path relative to the data set, POSIX form, unique; may be a placeholder if there is a problem.
        part: Training photographs state all attributes, evaluation ones none.
        person: The person key; empty in the evaluation part.
        name: Its name in the table or folder.
        stated: Class or number by attribute.
        corrected: Whether a correction changed a label.
        uncorrected: What the data set itself states in place of each corrected label. Folds go by it, so that a
            correction moves no one into another fold.
        problem: Why its file must not be opened; only for evaluation photographs, which are kept nevertheless.
        where: Its place for messages.
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
    """What a reader found.

    Attributes:
        photographs: All that may be usable; evaluation photographs in the order of answers.
        entries: What is already left out or noted.
        persons_known: Whether the data set says which photographs show the same person.
        corrections: The matches of the corrections file; None without one.
        n_litter: Files of operating systems and editors that were skipped.
        warnings: Further sentences for users.
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
    DatasetError: If the folder does not have the layout, or a table or the corrections file is not valid.
"""
