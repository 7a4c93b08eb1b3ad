"""The manifest: one row for each usable training image, each evaluation image and each usable external image.

=========  ======  ====================================================================================
image      str     path relative to the data set, POSIX form, unique; ``external/<table>/<path>`` for external images
part       str     ``train``, ``eval`` or ``external``
person     str     folder name, the person key; empty for evaluation and external images
name       str     ``mask1`` .. ``mask5``, ``incorrect_mask``, ``normal``; the ImageID for evaluation images; the path
                   in its table for external images
mask       int8    0 wear, 1 incorrect, 2 not worn; -1 where unknown: for evaluation images, and some external ones
gender     int8    0 male, 1 female; -1 where unknown
age        int16   years; -1 where unknown
sha256     str     of the file's bytes; empty when an evaluation image is missing or must not be opened
width      int32   of the upright image, pixels; 0 when it cannot be read
height     int32   likewise
readable   bool    false only for evaluation images; such a file must not be opened
corrected  bool    a correction changed a label
=========  ======  ====================================================================================

Training rows come first, sorted by image; evaluation rows follow in the order of ``info.csv``; external rows, whose
images are only ever trained on, come last, sorted by image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.errors import CorruptDataError, InvariantError
from maskfold.labels import N_CLASSES, age_group, encode
from maskfold.specs import digest

COLUMNS: Final = {
    "image": "str",
    "part": "str",
    "person": "str",
    "name": "str",
    "mask": "int8",
    "gender": "int8",
    "age": "int16",
    "sha256": "str",
    "width": "int32",
    "height": "int32",
    "readable": "bool",
    "corrected": "bool",
}


@dataclass(frozen=True)
class ImageRow:
    """One row; see the module's description."""

    image: str
    part: Literal["train", "eval", "external"]
    person: str
    name: str
    mask: int
    gender: int
    age: int
    sha256: str
    width: int
    height: int
    readable: bool
    corrected: bool


assert tuple(COLUMNS) == tuple(field.name for field in fields(ImageRow))


def manifest_table(
    train: Iterable[ImageRow], evaluation: Iterable[ImageRow], external: Iterable[ImageRow] = ()
) -> pd.DataFrame:
    """Put rows into a manifest.

    Args:
        train: Training rows in any order.
        evaluation: Evaluation rows in the order of ``info.csv``.
        external: External rows in any order.

    Raises:
        InvariantError: If two rows have the same image.
    """
    rows = [*_sorted(train), *evaluation, *_sorted(external)]
    table = pd.DataFrame([asdict(row) for row in rows], columns=list(COLUMNS)).astype(COLUMNS)
    doubles = table.loc[table["image"].duplicated(), "image"]
    if len(doubles):
        raise InvariantError(f"manifest: {len(doubles)} images appear twice, such as {doubles.iloc[0]}")
    return table


def _sorted(rows: Iterable[ImageRow]) -> list[ImageRow]:
    return sorted(rows, key=lambda row: row.image)


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest from its parquet file.

    Raises:
        CorruptDataError: If the file is no manifest.
    """
    table = pd.read_parquet(path)
    if list(table.columns) != list(COLUMNS):
        raise CorruptDataError(f"{path}: no manifest; its columns are {', '.join(map(str, table.columns))}")
    return table.astype(COLUMNS)


def dataset_version(manifest: pd.DataFrame) -> str:
    """Return the digest of all of a manifest's content, whatever the file format; sha256, hexadecimal."""
    return digest([list(COLUMNS), *(manifest[column].tolist() for column in COLUMNS)])


def images_version(manifest: pd.DataFrame) -> str:
    """Return the digest of the images and their order, whatever their labels; sha256, hexadecimal."""
    return digest([manifest["image"].tolist(), manifest["sha256"].tolist()])


def train_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the training rows, which are all readable and have all labels; external rows are not among them."""
    return manifest[manifest["part"] == "train"]


def eval_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the evaluation rows in the order of ``info.csv``."""
    return manifest[manifest["part"] == "eval"]


def external_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the external rows, which are all readable and have one label at least."""
    return manifest[manifest["part"] == "external"]


def class_counts(manifest: pd.DataFrame, age_bounds: tuple[int, int]) -> NDArray[np.int64]:
    """Count the training images of each of the 18 classes.

    Args:
        manifest: A manifest.
        age_bounds: Lower bounds of age groups 1 and 2, in years.

    Returns:
        int64, (18,).
    """
    train = train_rows(manifest)
    classes = encode(train["mask"], train["gender"], age_group(train["age"], age_bounds))
    return np.bincount(classes, minlength=N_CLASSES).astype(np.int64)


def people_table(manifest: pd.DataFrame, age_bounds: tuple[int, int]) -> pd.DataFrame:
    """Return the people of the training part.

    Returns:
        person (str), gender (int8), age (int16, years), age_group (int8), one row a person, sorted by person.
    """
    people = train_rows(manifest).groupby("person", sort=True)[["gender", "age"]].first().reset_index()
    return people.assign(age_group=age_group(people["age"], age_bounds).astype(np.int8))
