"""The out-of-fold table: every training image predicted exactly once, by a network that never saw its person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskfold.errors import CorruptDataError, InvariantError
from maskfold.scheme import FloatArray, IntArray
from maskfold.specs import NO_FOLD
from maskfold.wording import first_few

SUM_TOLERANCE = 1e-3
"""How far float32 probabilities may be from summing to 1."""


@dataclass(frozen=True)
class NetworkPredictions:
    """Everything one network predicted, all folds together."""

    oof: FloatArray
    """(training images, classes): probabilities, rows in the manifest's order."""
    evaluation: FloatArray
    """(trainings, evaluation images, classes): probabilities of each fold's network and, where there is one, of the
    network trained on everybody; rows in the manifest's order."""


def assemble(
    network: str,
    size: int,
    tables: Mapping[int, pd.DataFrame],
    images: Sequence[str],
    fold_of: IntArray,
    eval_images: Sequence[str],
    final: pd.DataFrame | None = None,
) -> NetworkPredictions:
    """Put the predictions of all folds of one network together and check them.

    Args:
        network: Name of the network, for messages.
        size: Number of classes of its target.
        tables: The prediction table of each fold: image, part ("valid" | "eval"), fold, p0 .. p<classes-1>.
        images: Names of the training images, in the manifest's order.
        fold_of: The fold that holds out each of them; see :func:`maskfold.dataset.folds.held_out_folds`.
        eval_images: Names of the evaluation images, in the manifest's order.
        final: The prediction table of the network trained on everybody, with fold -1 and evaluation rows alone.

    Raises:
        InvariantError: If a fold is missing or unknown, an image is predicted by a fold that trained on its person,
            twice or not at all, evaluation images are missing or out of order, or a row's probabilities are invalid.
        CorruptDataError: If a table lacks columns.
    """
    expected, given = set(fold_of.tolist()), set(tables)
    if expected != given:
        raise InvariantError(
            f"network {network}: folds {sorted(expected)} must each have predictions; "
            f"missing: {sorted(expected - given)}, unknown: {sorted(given - expected)}"
        )
    index = pd.Index(images)
    oof = np.full((len(images), size), np.nan)
    evaluation = []
    trainings = {fold: (f"network {network}, fold {fold}", table) for fold, table in sorted(tables.items())}
    if final is not None:
        trainings[NO_FOLD] = (f"network {network}, trained on everybody", final)
    for fold, (where, table) in trainings.items():
        probabilities = _probabilities(table, size, where)
        _check_fold_and_part(table, fold, where)
        valid = (table["part"] == "valid").to_numpy()
        oof[_valid_rows(table.loc[valid, "image"], index, fold_of, fold, where)] = probabilities[valid]
        _check_evaluation(table.loc[~valid, "image"].tolist(), eval_images, where)
        evaluation.append(probabilities[~valid])
    return NetworkPredictions(oof, np.stack(evaluation))


def _probabilities(table: pd.DataFrame, size: int, where: str) -> FloatArray:
    columns = [f"p{number}" for number in range(size)]
    missing = [name for name in ("image", "part", "fold", *columns) if name not in table.columns]
    surplus = f"p{size}" in table.columns
    if missing or surplus:
        problem = f"lacks the columns {', '.join(missing)}" if missing else f"has more than {size} probabilities a row"
        raise CorruptDataError(f"{where}: the prediction table {problem}")
    values = table[columns].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        sums = values.sum(axis=1)
        good = np.isfinite(values).all(axis=1) & (values >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE)
    if not good.all():
        bad = table.loc[~good, "image"].tolist()
        raise InvariantError(f"{where}: {_several(bad, 'image')} without probabilities that are >= 0 and sum to 1")
    # float32 sums are off by 1e-7; exact ones keep products and means exact.
    return np.asarray(values / sums[:, None])


def _check_fold_and_part(table: pd.DataFrame, fold: int, where: str) -> None:
    strange = sorted(set(table["part"]) - {"valid", "eval"})
    if strange:
        raise CorruptDataError(f"{where}: the prediction table has parts {strange}; expected valid and eval")
    numbers = sorted(set(table["fold"].tolist()) - {fold})
    if numbers:
        raise InvariantError(f"{where}: the prediction table belongs to fold {', '.join(map(str, numbers))}")


def _valid_rows(names: pd.Series[str], index: pd.Index, fold_of: IntArray, fold: int, where: str) -> IntArray:
    rows = np.asarray(index.get_indexer(pd.Index(names)), dtype=np.int64)
    unknown = names[rows < 0].tolist()
    if unknown:
        raise InvariantError(f"{where}: {_several(unknown, 'predicted image')} not in the manifest")
    seen = names[fold_of[rows] != fold].tolist()
    if seen:
        raise InvariantError(
            f"{where}: {_several(seen, 'image')} predicted by a network that trained on the same person; "
            "out-of-fold predictions must be person-disjoint"
        )
    twice = names[names.duplicated()].tolist()
    if twice:
        raise InvariantError(f"{where}: {_several(twice, 'image')} predicted more than once")
    left_out = np.setdiff1d(np.flatnonzero(fold_of == fold), rows)
    if left_out.size:
        raise InvariantError(f"{where}: {_several(index[left_out].tolist(), 'image')} not predicted")
    return rows


def _check_evaluation(given: Sequence[str], expected: Sequence[str], where: str) -> None:
    if list(given) == list(expected):
        return
    missing, unknown = sorted(set(expected) - set(given)), sorted(set(given) - set(expected))
    if missing:
        problem = f"{_several(missing, 'evaluation image')} not predicted"
    elif unknown:
        problem = f"{_several(unknown, 'evaluation image')} not in the manifest"
    else:
        problem = f"{len(given)} evaluation rows for {len(expected)} images, or not in the manifest's order"
    raise InvariantError(f"{where}: {problem}")


def _several(names: Sequence[object], noun: str, plural: str | None = None) -> str:
    """Return "3 images (a, b, c) are", naming the first few."""
    listed = f"({first_few(names)})"
    return f"1 {noun} {listed} is" if len(names) == 1 else f"{len(names)} {plural or noun + 's'} {listed} are"
