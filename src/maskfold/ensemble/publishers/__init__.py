"""Forms of submissions, by the reader of the data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from maskfold.ensemble.publishers import competition, table
from maskfold.errors import InvariantError
from maskfold.scheme import FloatArray, Scheme


@dataclass(frozen=True)
class Publisher:
    """A form of submission."""

    write: Callable[[Sequence[str], FloatArray, Scheme], bytes]
    """Returns the csv file of image names and their joint probabilities, (N, classes), which must be checked before
    it is published."""
    check: Callable[[bytes, Sequence[str], Scheme], None]
    """Checks the exact bytes that will be published; raises InvariantError unless they have exactly these images in
    this order, with values in range."""


_TABLE: Final = Publisher(table.write, table.check)
PUBLISHERS: Final = {
    "competition": Publisher(competition.write, competition.check),
    "table": _TABLE,
    "folders": _TABLE,
}
"""By the reader of the data set."""


def publisher_for(reader: str) -> Publisher:
    """Return the publisher for data sets that a reader reads.

    Raises:
        InvariantError: If there is none, as for ``auto``, which is not yet a reader.
    """
    if reader not in PUBLISHERS:
        raise InvariantError(f"dataset.reader {reader} has no publisher; readers with one: {', '.join(PUBLISHERS)}")
    return PUBLISHERS[reader]
