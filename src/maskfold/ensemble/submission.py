"""The submission: exactly the rows of ``info.csv``, in its order, answers 0..17; nothing else leaves the house."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskfold.ensemble.oof import FloatArray
from maskfold.errors import InvariantError
from maskfold.labels import N_CLASSES, IntArray

COLUMNS = ("ImageID", "ans")


def class_prior(classes: IntArray) -> FloatArray:
    """Return the share of each of the 18 classes among training images, (18,)."""
    counts = np.bincount(classes, minlength=N_CLASSES)
    return np.asarray(counts / counts.sum())


def with_prior(probabilities: FloatArray, readable: NDArray[np.bool_], prior: FloatArray) -> FloatArray:
    """Give images that could not be read the class prior, since a network's answer to a blank picture means nothing.

    Args:
        probabilities: (N, 18).
        readable: (N,).
        prior: (18,), see :func:`class_prior`.
    """
    return np.where(readable[:, None], probabilities, prior)


def to_csv(names: Sequence[str], answers: Sequence[int] | IntArray) -> bytes:
    """Write a submission; the caller checks the bytes with :func:`check_submission` before they are published."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(zip(names, (int(answer) for answer in answers), strict=True))
    return stream.getvalue().encode()


def check_submission(content: bytes, names: Sequence[str]) -> None:
    """Check the very bytes that will be handed in.

    Args:
        content: The CSV file.
        names: Image ids of ``info.csv``, in its order.

    Raises:
        InvariantError: If the header, the rows, their order or an answer are not what the competition expects.
    """
    try:
        header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InvariantError(f"submission: not a CSV file in UTF-8 with a header: {error}") from None
    if tuple(header) != COLUMNS:
        raise InvariantError(f"submission: columns are {','.join(header)}; expected {','.join(COLUMNS)}")
    if len(rows) != len(names):
        raise InvariantError(f"submission: {len(rows)} rows; info.csv has {len(names)}")
    for number, (row, name) in enumerate(zip(rows, names, strict=True), start=2):
        if len(row) != len(COLUMNS):
            raise InvariantError(f"submission, line {number}: {len(row)} values; expected {len(COLUMNS)}")
        image, answer = row
        if image != name:
            raise InvariantError(f"submission, line {number}: ImageID {image!r}; info.csv has {name!r} there")
        if not (answer.isascii() and answer.isdecimal() and int(answer) < N_CLASSES and str(int(answer)) == answer):
            raise InvariantError(
                f"submission, line {number}: ans {answer!r} of {image}; expected an integer 0..{N_CLASSES - 1}"
            )


def checksum_line(content: bytes, name: str) -> bytes:
    """Return the line that ``sha256sum --check`` reads."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
