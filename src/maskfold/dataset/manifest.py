"""The manifest: one row for each usable training image, each evaluation image and each usable external image.

==========  =======  ==================================================================================
image       str      path relative to the data set, POSIX form, unique; ``external/<table>/<path>`` for external images
part        str      ``train``, ``eval`` or ``external``
person      str      the person key; empty for evaluation and external images
name        str      its name in the table or folder; for evaluation images its name in an answer
sha256      str      of the file's bytes; empty when an evaluation image is missing or must not be opened
width       int32    of the upright image, pixels; 0 when it cannot be read
height      int32    likewise
readable    bool     false for some evaluation images only; such a file must not be opened
corrected   bool     a correction changed a label
*attribute* int16    one column for each attribute of the scheme with values: its class; -1 where unknown
*attribute* float64  one column for each attribute with bounds: its number; NaN where unknown
==========  =======  ==================================================================================

Training rows come first, sorted by image, with all attributes known. Evaluation rows follow in the order of their
table, with none known. External rows come last, sorted by image, with at least one known; their images are used for
training only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd

from maskfold.dataset.frame import read_frame
from maskfold.errors import CorruptDataError, InvariantError
from maskfold.scheme import Attribute, IntArray, Scheme

COLUMNS: Final = {
    "image": "str",
    "part": "str",
    "person": "str",
    "name": "str",
    "sha256": "str",
    "width": "int32",
    "height": "int32",
    "readable": "bool",
    "corrected": "bool",
}
"""The columns of every manifest, before those of the attributes."""
_STATED: Final = ("int16", "float64")
"""Types of the columns of attributes: classes, numbers."""

Part = Literal["train", "eval", "external"]


@dataclass(frozen=True)
class ImageRow:
    """One row; see the module's description."""

    image: str
    part: Part
    person: str
    name: str
    sha256: str
    width: int
    height: int
    readable: bool
    corrected: bool
    stated: Mapping[str, float]
    """Known values by attribute: a class or a number. Missing attributes are unknown."""


def manifest_table(
    scheme: Scheme, train: Iterable[ImageRow], evaluation: Iterable[ImageRow], external: Iterable[ImageRow] = ()
) -> pd.DataFrame:
    """Build a manifest from rows.

    Args:
        scheme: Each of its attributes has a column.
        train: Training rows in any order.
        evaluation: Evaluation rows in the order of their table.
        external: External rows in any order.

    Raises:
        InvariantError: If two rows have the same image.
    """
    rows = [*_sorted(train), *evaluation, *_sorted(external)]
    columns = {name: pd.Series([getattr(row, name) for row in rows], dtype=kind) for name, kind in COLUMNS.items()}
    for attribute in scheme.attributes:
        stated = [row.stated.get(attribute.name, attribute.unknown) for row in rows]
        columns[attribute.name] = pd.Series(stated, dtype=_STATED[attribute.is_number])
    table = pd.DataFrame(columns)
    doubles = table.loc[table["image"].duplicated(), "image"]
    if len(doubles):
        raise InvariantError(f"manifest: {len(doubles)} images appear twice, such as {doubles.iloc[0]}")
    return table


def _sorted(rows: Iterable[ImageRow]) -> list[ImageRow]:
    return sorted(rows, key=lambda row: row.image)


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest from its parquet file.

    Raises:
        CorruptDataError: If the file is not a manifest.
    """
    table = read_frame(path, "a manifest", COLUMNS)
    attributes = table.columns[len(COLUMNS) :]
    if list(table.columns[: len(COLUMNS)]) != list(COLUMNS) or not set(table.dtypes[attributes].map(str)) <= set(
        _STATED
    ):
        raise CorruptDataError(f"{path}: not a manifest; its columns are {', '.join(map(str, table.columns))}")
    return table


def train_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the training rows, without external ones; all are readable and have all labels."""
    return manifest[manifest["part"] == "train"]


def eval_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the evaluation rows in the order of their table."""
    return manifest[manifest["part"] == "eval"]


def external_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the external rows; all are readable and have at least one label."""
    return manifest[manifest["part"] == "external"]


def class_counts(manifest: pd.DataFrame, scheme: Scheme) -> IntArray:
    """Count the training images of each joint class.

    Returns:
        int64, (joint classes,).
    """
    classes = scheme.encode(scheme.labels(train_rows(manifest)))
    return np.bincount(classes, minlength=scheme.n_classes).astype(np.int64)


def people_table(manifest: pd.DataFrame, attributes: Sequence[Attribute]) -> pd.DataFrame:
    """Return the people of the training part.

    Args:
        manifest: A manifest.
        attributes: Attributes of a person, or any attributes where each person has one photograph.

    Returns:
        person (str), and the class of each attribute under its name (int64); one row per person, sorted by person.
    """
    train = train_rows(manifest)
    people = train[~train["person"].duplicated()].sort_values("person", ignore_index=True)
    classes = {attribute.name: attribute.classes(people[attribute.name]) for attribute in attributes}
    return pd.DataFrame({"person": people["person"], **classes})


def strata(manifest: pd.DataFrame, scheme: Scheme) -> tuple[Attribute, ...]:
    """Return the attributes that folds are stratified on: those of a person.

    If no person has two photographs, all attributes belong to a person.
    """
    return scheme.of("person") if train_rows(manifest)["person"].duplicated().any() else scheme.attributes
