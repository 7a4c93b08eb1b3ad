"""What an audit goes by: the labels of photographs, and what networks say that have not seen the person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.errors import CorruptDataError
from maskfold.scheme import FloatArray, IntArray, Scheme
from maskfold.wording import first_few

LEAST: Final = 1e-4
"""Probabilities below this one count as this: no network knows so well, and one photograph must not outvote a person's
others."""


@dataclass(frozen=True)
class Evidence:
    """Labels and out-of-fold probabilities of all training photographs, (N,) rows each."""

    scheme: Scheme
    images: NDArray[np.object_]
    """Paths in the data set."""
    persons: NDArray[np.object_]
    names: NDArray[np.object_]
    """What the data set's table or folder calls each photograph; corrections name it so."""
    labels: IntArray
    """(N, attributes)."""
    joint: FloatArray
    """(N, joint classes): probabilities."""

    @classmethod
    def of(cls, oof: pd.DataFrame, manifest: pd.DataFrame, scheme: Scheme) -> Self:
        """Put an out-of-fold table and the names of its photographs together.

        Args:
            oof: image, person, true_class, p0 .. p<classes-1>; see :func:`maskfold.ensemble.tables.oof_table`.
            manifest: Of the same data set.
            scheme: Of both.

        Raises:
            CorruptDataError: If the tables are not of the same photographs or people, or not of this scheme.
        """
        columns = [f"p{number}" for number in range(scheme.n_classes)]
        missing = [name for name in ("image", "person", "true_class", *columns) if name not in oof.columns]
        if missing or f"p{scheme.n_classes}" in oof.columns:
            problem = f"lacks {first_few(missing)}" if missing else f"has more than {scheme.n_classes} classes"
            raise CorruptDataError(f"the out-of-fold table {problem}; run again")
        train = manifest[manifest["part"] == "train"].set_index("image")
        gone = oof.loc[~oof["image"].isin(train.index), "person"].unique().tolist()
        if gone:
            raise CorruptDataError(
                f"{len(gone)} people of the out-of-fold table are not in the data set's table any more: "
                f"{first_few(gone)}; run again"
            )
        known = train.loc[oof["image"]]
        if (known["person"].to_numpy() != oof["person"].to_numpy()).any():
            raise CorruptDataError("the out-of-fold table and the data set's table name different people; run again")
        return cls(
            scheme,
            oof["image"].to_numpy(object),
            oof["person"].to_numpy(object),
            known["name"].to_numpy(object),
            scheme.decode(oof["true_class"].to_numpy()),
            oof[columns].to_numpy(np.float64),
        )

    @cached_property
    def logs(self) -> dict[str, FloatArray]:
        """Log-probabilities of each attribute's classes, (N, classes of the attribute), in nats."""
        return {name: np.log(np.maximum(one, LEAST)) for name, one in self.scheme.marginals(self.joint).items()}

    @cached_property
    def rows_of(self) -> dict[str, IntArray]:
        """Rows of each person, in the order of their names."""
        order = np.argsort(self.persons, kind="stable")
        people, starts = np.unique(self.persons[order], return_index=True)
        parts = np.split(order, starts[1:])
        return {str(person): np.sort(rows).astype(np.int64) for person, rows in zip(people, parts, strict=True)}

    @property
    def people_known(self) -> bool:
        """Whether any person has several photographs."""
        return len(self.rows_of) < len(self.images)

    def column(self, attribute: str) -> IntArray:
        """Return the labels of an attribute, (N,)."""
        return self.labels[:, self.scheme.names.index(attribute)]
