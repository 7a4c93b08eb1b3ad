"""The submissions of a workspace: one for each run, the newest, and the best.

``submissions/<key>.csv`` is what one run handed in, ``latest.csv`` a copy of the newest run's and ``best.csv`` of the
one with the highest out-of-fold score. Beside each lie its checksum, ``<name>.csv.sha256``, and its record,
``<name>.json``: which run made it, with which score.

Scores are compared only where they count the same: the same version of the data set, the same classes. So ``best.csv``
is the best for the data set of the newest run; the best for another one stays under its own key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from pydantic import Field, ValidationError

from maskfold.errors import UnavailableError
from maskfold.settings import Settings
from maskfold.specs import File
from maskfold.specs.address import Sha256
from maskfold.storage import Workspace, write_with_checksum

FOLDER: Final = "submissions"
LATEST: Final = f"{FOLDER}/latest.csv"
"""Address of the newest submission of a workspace."""
BEST: Final = f"{FOLDER}/best.csv"
"""Address of the best submission for the data set of the newest run."""
_TRIES: Final = 12


class Made(Settings):
    """Which run made a submission, and how good it is."""

    key: str = Field(pattern=r"^[0-9a-f]{16}$")
    """Of the ensemble job."""
    recipe: str
    """Name of the recipe."""
    macro_f1: float
    """Of the vote, out-of-fold."""
    macro_f1_low: float | None = None
    """Lower end of its 95 % interval."""
    macro_f1_high: float | None = None
    dataset_version: str
    classes: tuple[str, ...]
    """Names of the joint classes, in their order."""
    sha256: Sha256
    """Of the csv file."""
    published: str
    """When, in UTC."""

    def is_comparable(self, other: Made) -> bool:
        """Whether the scores of both count the same photographs and classes."""
        return (self.dataset_version, self.classes) == (other.dataset_version, other.classes)

    def __str__(self) -> str:
        return f"{self.recipe} ({self.key}, macro-F1 {self.macro_f1:.3f})"


class Record(Settings):
    """What a csv file in ``submissions/`` holds."""

    made: Made
    replaced: Made | None = None
    """What the file held before; None where it held nothing, or nothing with a record."""


def now() -> str:
    """Return the time for a record."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(workspace: Workspace, path: str) -> Record | None:
    """Return the record of a submission; None where there is none that fits the csv file.

    Args:
        workspace: Where it is.
        path: Address of the csv file, such as :data:`LATEST`.
    """
    record, content = _parse(workspace.read(_record(path))), workspace.read(path)
    if record is None or content is None:
        return None
    return record if record.made.sha256 == hashlib.sha256(content).hexdigest() else None


def publish(workspace: Workspace, submission: File, made: Made) -> tuple[Record, Record]:
    """Copy a submission to ``<key>.csv``, then to ``latest.csv``, and to ``best.csv`` unless that has a better one.

    Args:
        workspace: Where they go.
        submission: The published file.
        made: Which run made it.

    Returns:
        The records of the newest and of the best.
    """
    content = workspace.fetch(submission).read_bytes()
    own = f"{FOLDER}/{made.key}.csv"
    if read(workspace, own) is None:
        _write(workspace, own, content, Record(made=made))
    return renew(workspace, made, content)


def renew(workspace: Workspace, made: Made, content: bytes) -> tuple[Record, Record]:
    """Make a run's submission the newest of its workspace, also when an earlier run made it; see :func:`publish`.

    Files that hold it already stay untouched, so that they go on to say what it replaced. Of two runs that end at the
    same moment, the last to write the best one looks again whether it is, among the records that both wrote before.

    Raises:
        UnavailableError: If others keep writing.
    """
    latest = _replace(workspace, LATEST, content, made)
    for _ in range(_TRIES):
        held = read(workspace, BEST)
        best, rows = _best(workspace, made, content, held)
        if held is not None and held.made == best:
            return latest, held
        _replace(workspace, BEST, rows, best)
    raise UnavailableError(f"{workspace.locate(BEST)}: other runs write it all the time; run again")


def find(workspace: Workspace, key: str) -> tuple[Made, bytes] | None:
    """Return what a run handed in, and its bytes; None where its record does not fit or is missing."""
    path = f"{FOLDER}/{key}.csv"
    record, content = read(workspace, path), workspace.read(path)
    return None if record is None or content is None else (record.made, content)


def _best(workspace: Workspace, made: Made, content: bytes, held: Record | None) -> tuple[Made, bytes]:
    """Return the best of all runs that compare with one, and its bytes; of equally good ones what is held."""
    runs = [made, *(one for one in _records(workspace) if one.key != made.key and one.is_comparable(made))]
    for one in sorted(runs, key=lambda one: one.macro_f1, reverse=True):
        if held is not None and held.made.is_comparable(made) and held.made.macro_f1 >= one.macro_f1:
            return held.made, workspace.read(BEST) or b""
        found = (made, content) if one.key == made.key else find(workspace, one.key)
        if found is not None:
            return found
    return made, content


def _records(workspace: Workspace) -> Iterator[Made]:
    """Yield which runs have handed in something, by their records alone."""
    for path in workspace.list(FOLDER):
        if path.endswith(".json") and path not in (_record(LATEST), _record(BEST)):
            record = _parse(workspace.read(path))
            if record is not None:
                yield record.made


def _parse(text: bytes | None) -> Record | None:
    try:
        return None if text is None else Record.model_validate_json(text)
    except ValidationError:
        return None  # of another version of maskfold, or damaged: as if there were none


def _replace(workspace: Workspace, path: str, content: bytes, made: Made) -> Record:
    before = read(workspace, path)
    if before is not None and before.made.key == made.key and before.made.sha256 == made.sha256:
        return before
    record = Record(made=made, replaced=None if before is None else before.made)
    _write(workspace, path, content, record)
    return record


def _write(workspace: Workspace, path: str, content: bytes, record: Record) -> None:
    """Write a submission with its checksum, and its record last."""
    write_with_checksum(workspace, path, content)
    workspace.write(_record(path), record.model_dump_json(indent=2).encode() + b"\n")


def _record(path: str) -> str:
    return f"{path.removesuffix('.csv')}.json"
