"""Person-disjoint, stratified folds: the same for the same people, k and seed, on any machine."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from maskfold.dataset.frame import read_frame
from maskfold.errors import DatasetError, InvariantError
from maskfold.scheme import IntArray
from maskfold.specs import digest
from maskfold.wording import first_few

COLUMNS: Final = {"person": "str", "fold": "int8"}

Stratum = tuple[int, ...]
"""A class of each attribute that folds are stratified on."""


def assign_folds(people: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """Assign people to folds, stratified on their classes.

    Within each stratum people are sorted by a hash of seed and name, then assigned round robin. Each stratum continues
    where the previous one stopped, so that remainders do not accumulate in the first folds. The result depends neither
    on row order nor on any library's random generator.

    Args:
        people: person (str, unique); the other columns are classes (int), and their combinations are the strata. See
            :func:`maskfold.dataset.manifest.people_table`.
        k: Number of folds, at least 2.
        seed: Different seeds give different folds.

    Returns:
        person (str), fold (int8, 0..k-1), sorted by person. Fold sizes differ by at most one person, in each stratum
        and overall.

    Raises:
        DatasetError: If there are fewer people than folds.
        ValueError: If a person appears twice, or k is less than 2.
    """
    if k < 2:
        raise ValueError(f"cross-validation needs at least 2 folds, got {k}")
    if people["person"].duplicated().any():
        double = people.loc[people["person"].duplicated(), "person"].iloc[0]
        raise ValueError(f"people must be unique; {double} appears twice")
    if len(people) < k:
        raise DatasetError(
            f"folds.k is {k}, but the data set has only {len(people)} usable people; each fold needs at least one"
        )
    strata = zip(_strata(people), people["person"], strict=True)
    order = sorted((*stratum, _lot(seed, person), str(person)) for stratum, person in strata)
    folds = pd.DataFrame({"person": [person for *_, person in order], "fold": np.arange(len(order)) % k})
    return folds.astype(COLUMNS).sort_values("person", ignore_index=True)


def small_strata(people: pd.DataFrame, k: int) -> list[tuple[Stratum, int]]:
    """Return the combinations of classes with 1 to k - 1 people: some folds will have none of them.

    Returns:
        Classes and number of people, sorted.
    """
    return sorted((stratum, n) for stratum, n in Counter(_strata(people)).items() if n < k)


def check_folds(folds: pd.DataFrame, people: Collection[str], k: int) -> None:
    """Assert that the folds are a partition of the people into k parts, none empty.

    Args:
        folds: person, fold.
        people: The people who must each be in exactly one fold.
        k: Number of folds.

    Raises:
        InvariantError: If they are not.
    """
    _check_each_in_one(folds, people)
    strange = sorted(set(folds["person"]) - set(people))
    if strange:
        raise InvariantError(f"folds: {_people(strange)} in a fold but not in the data set ({first_few(strange)})")
    numbers = set(folds["fold"].tolist())
    if numbers != set(range(k)):
        raise InvariantError(f"folds: expected people in each of 0..{k - 1}, found {sorted(numbers)}")


def held_out_folds(people: pd.Series[str], folds: pd.DataFrame) -> IntArray:
    """Return the fold that holds out each image.

    Args:
        people: The person of each image, (N,).
        folds: person, fold.

    Returns:
        Fold numbers, int64, (N,).

    Raises:
        InvariantError: If a person is in two folds or in no fold.
    """
    _check_each_in_one(folds, people)
    return people.map(folds.set_index("person")["fold"]).to_numpy(dtype=np.int64)


def _check_each_in_one(folds: pd.DataFrame, people: Iterable[str]) -> None:
    doubles = sorted(set(folds.loc[folds["person"].duplicated(), "person"]))
    if doubles:
        raise InvariantError(
            f"folds: {_people(doubles)} in more than one fold ({first_few(doubles)}); folds must be person-disjoint"
        )
    missing = sorted(set(people) - set(folds["person"]))
    if missing:
        raise InvariantError(
            f"folds: {_people(missing)} in no fold ({first_few(missing)}); each person must be held out exactly once"
        )


def folds_version(folds: pd.DataFrame) -> str:
    """Return the digest of the assignment, independent of row order; sha256, hexadecimal."""
    return digest(sorted([str(person), int(fold)] for person, fold in zip(folds["person"], folds["fold"], strict=True)))


def read_folds(path: Path) -> pd.DataFrame:
    """Read folds from their parquet file: person (str), fold (int8).

    Raises:
        CorruptDataError: If the file is not such a table.
    """
    return read_frame(path, "a table of folds", COLUMNS)[list(COLUMNS)]


def _strata(people: pd.DataFrame) -> list[Stratum]:
    classes = people.drop(columns="person").astype("int64")
    return list(classes.itertuples(index=False, name=None))


def _lot(seed: int, person: str) -> str:
    return hashlib.sha256(f"{seed}/{person}".encode()).hexdigest()


def _people(names: Collection[str]) -> str:
    return "1 person is" if len(names) == 1 else f"{len(names)} people are"
