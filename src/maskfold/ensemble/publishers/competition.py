"""The competition's submission: exactly the rows of ``info.csv``, in its order, answers 0..17."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from maskfold.ensemble.publishers.rows import checked_class, checked_rows, to_csv
from maskfold.scheme import FloatArray, Scheme

COLUMNS: Final = ("ImageID", "ans")


def write(names: Sequence[str], probabilities: FloatArray, _: Scheme) -> bytes:
    """Write the most probable joint class of each image; of ties the first.

    Args:
        names: Image ids of ``info.csv``, in its order.
        probabilities: (N, joint classes).
    """
    return to_csv(COLUMNS, zip(names, probabilities.argmax(axis=1).tolist(), strict=True))


def check(content: bytes, names: Sequence[str], scheme: Scheme) -> None:
    """Check the exact bytes that will be published.

    Args:
        content: The CSV file.
        names: Image ids of ``info.csv``, in its order.
        scheme: What the classes are.

    Raises:
        InvariantError: If the header, the rows, their order or an answer are not what the competition expects.
    """
    rows = checked_rows(content, COLUMNS, names, "info.csv")
    for number, (image, answer) in enumerate(rows, start=2):
        checked_class(answer, scheme.n_classes, f"line {number}: ans {answer!r} of {image}")
